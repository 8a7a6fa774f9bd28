"""The reader of large files of one JSON object."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.utils import json_stream
from pytest_ugst.utils.json_stream import JsonStreamError, members

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), _json, max_size=5), st.integers(1, 9), st.sampled_from([None, 1]), st.data())
def test_read_as_by_the_standard_library(
    data: dict[str, Any], chunk: int, indent: int | None, draw: st.DataObject
) -> None:
    text = json.dumps(data, indent=indent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "CHUNK", chunk)
        assert dict(members(io.StringIO(text))) == data
        with pytest.raises(JsonStreamError):
            dict(members(io.StringIO(text[: draw.draw(st.integers(0, len(text) - 1))])))


@pytest.mark.parametrize("text", ['{"a": 1,}', '{"a" 1}', '{"a": 1} x', '{,"a": 1}', '{"a": 1 "b": 2}', "{a: 1}", "[]"])
def test_what_is_no_object(text: str) -> None:
    with pytest.raises(JsonStreamError):
        dict(members(io.StringIO(text)))


def test_a_member_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "MAX_MEMBER", 100)
    monkeypatch.setattr(json_stream, "CHUNK", 10)
    endless = io.StringIO('{"a": "' + "x" * 10_000)
    with pytest.raises(JsonStreamError, match="larger than this can be"):
        dict(members(endless))
    assert endless.tell() < 1_000
