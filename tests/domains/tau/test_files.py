"""Data that is missing, cut off, or something else gives one clear line."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ugst.config import data_dirs
from pytest_ugst.config.data_dirs import DataMissingError
from pytest_ugst.core.errors import UsageError
from tests.domains.tau.small_tau import LOADS, session, write

AIRLINE = "tau-bench/tau_bench/envs/airline"
RETAIL2 = "tau2-bench/data/tau2/domains/retail"


@pytest.mark.parametrize("name", sorted(LOADS))
def test_no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("UGST_DATA", str(tmp_path))
    monkeypatch.setattr(data_dirs, "cache_folder", lambda: tmp_path / "cache")
    with pytest.raises(DataMissingError, match="ugst data fetch tau"):
        LOADS[name]()


def _cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _without(*fields: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        found = json.loads(path.read_text(encoding="utf-8"))
        *inner, last = fields
        record = found
        for field in inner:
            record = record[field]
        del record[last]
        path.write_text(json.dumps(found), encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("name", "file", "spoil", "problem"),
    [
        ("airline", f"{AIRLINE}/data/flights.json", _cut, "is no valid JSON, perhaps cut off"),
        ("airline", f"{AIRLINE}/data/users.json", Path.unlink, "is missing, so this is not tau-bench's layout"),
        ("airline", f"{AIRLINE}/wiki.md", Path.unlink, "is missing"),
        ("airline", f"{AIRLINE}/wiki.md", lambda path: path.write_bytes(b"\xff\xfe\xff"), "is no UTF-8 text"),
        ("airline", f"{AIRLINE}/data/users.json", lambda path: path.write_bytes(b'"\xff"'), "is no valid JSON"),
        ("airline", f"{AIRLINE}/data/users.json", lambda path: path.write_text("[" * 100_000), "is no valid JSON"),
        ("airline", f"{AIRLINE}/data/users.json", lambda path: path.write_text("[]"), "holds no JSON object"),
        (
            "airline",
            f"{AIRLINE}/data/users.json",
            lambda path: path.write_text('{"a": 1}'),
            "users.a is no JSON object",
        ),
        ("airline", f"{AIRLINE}/data/flights.json", _without("F1", "dates"), "flights.F1.dates is missing"),
        ("retail-tau2", f"{RETAIL2}/db.json", _cut, "is no valid JSON"),
        ("retail-tau2", f"{RETAIL2}/db.json", _without("orders"), "has no 'orders'"),
        ("retail-tau2", f"{RETAIL2}/policy.md", Path.unlink, "is missing"),
        ("retail-tau2", f"{RETAIL2}/db.json", lambda path: path.write_text('{"orders": []}'), "has no 'products'"),
    ],
)
def test_spoiled_data(tmp_path: Path, name: str, file: str, spoil: Callable[[Path], object], problem: str) -> None:
    write(tmp_path)
    spoil(tmp_path / file)
    with pytest.raises(UsageError) as caught:
        session(tmp_path, name)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / file))
    assert problem in message
    assert "ugst data fetch tau" in message
    assert "\n" not in message
    assert gc.isenabled()


def test_mended_data_is_read_again(tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / AIRLINE / "data" / "users.json"
    shutil.copy(path, tmp_path / "kept.json")
    _cut(path)
    with pytest.raises(UsageError):
        session(tmp_path, "airline")
    shutil.copy(tmp_path / "kept.json", path)
    assert session(tmp_path, "airline").call("get_user_details", {"user_id": "ada_1"}).ok
