"""Failures of requests: which kind they are of, when to try again, and what is said of them."""

from __future__ import annotations

import json
import time
from email.utils import formatdate

import pytest

from pytest_ugst.llm.request_errors import FailureKind, backoff, classify_response
from pytest_ugst.llm.transport import RawResponse


def test_retry_after_as_a_date() -> None:
    later = formatdate(time.time() + 30, usegmt=True)
    assert 25 < classify_response(RawResponse(429, b"", later), None).pause <= 30
    for useless in ("-5", "nan", "inf", "soon", formatdate(0, usegmt=True), ""):
        assert classify_response(RawResponse(429, b"", useless), None).pause == 0.0


def test_backoff_grows_and_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for tries in range(1, 2000):
        whole = min(60.0, 0.5 * 2.0 ** min(tries - 1, 20))
        assert whole / 2 <= backoff(tries, 0.0) <= whole
    assert 7.0 <= backoff(1, 7.0) <= 8.0


@pytest.mark.parametrize("space", range(270, 301, 3))
def test_a_key_is_masked_before_a_message_is_cut(space: int) -> None:
    said = json.dumps({"error": {"message": f"{'x' * space} sk-secret-secret-secret \x1b[2J"}}).encode()
    reason = classify_response(RawResponse(400, said), "sk-secret-secret-secret").reason
    assert "sk-" not in reason
    assert "\x1b" not in reason


def test_kinds_of_failure() -> None:
    def kind(status: int, body: bytes = b"") -> FailureKind:
        return classify_response(RawResponse(status, body), None).kind

    assert {kind(s) for s in (408, 409, 425, 500, 502, 504, 599)} == {FailureKind.TRANSIENT}
    assert {kind(s) for s in (429, 503, 529)} == {FailureKind.OVERLOADED}
    assert {kind(s) for s in (301, 308, 401, 403, 404, 405, 410)} == {FailureKind.UNAVAILABLE}
    assert {kind(s) for s in (400, 415, 418, 422, 799)} - {FailureKind.TRANSIENT} == {FailureKind.REJECTED}
    assert kind(413) is FailureKind.TOO_LONG
    assert kind(400, b'["odd", 1]') is FailureKind.REJECTED
    assert kind(400, b"\xff" * 10) is FailureKind.REJECTED
