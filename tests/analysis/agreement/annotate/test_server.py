"""The annotation server: who is let in, what is shown when, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.analysis.agreement.annotate.store import load
from pytest_ugst.core.labels import StateLabels
from tests.analysis.agreement.annotate.served_page import request, served, talk

SAID = ["I return the shoes.", "My card is 4929.", "Bye."]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "annotations" / "ann.json"


@pytest.fixture
def url(path: Path) -> Iterator[str]:
    with served(path, [talk(1, SAID), talk(2, SAID)]) as address:
        yield address


def ask(url: str, body: Any = None) -> Any:
    status, _, text = request(url, body)
    assert status == 200, text
    return json.loads(text)


def set_status(url: str, component: str, turn: int, status: str) -> tuple[int, str]:
    body = {"id": "talk-1", "component": component, "turn": turn, "status": status}
    code, _, text = request(f"{url}api/set", body)
    return code, text


def test_only_with_the_token(url: str) -> None:
    base, token = url.rstrip("/").rsplit("/", 1)
    assert len(token) >= 32
    assert request(url)[0] == 200
    for address in (f"{base}/", f"{base}/{token[:-1]}/", f"{base}/{token}x/api/run", f"{base}/api/run", f"{base}/%ff/"):
        assert request(address)[0] == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_no_other_page_gets_in(url: str, path: Path, headers: dict[str, str]) -> None:
    assert request(f"{url}api/run", headers=headers)[0] == 404
    change = {"id": "talk-1", "component": "shoes", "turn": 1, "status": "COMPLETE"}
    assert request(f"{url}api/set", change, headers)[0] == 404
    assert not path.exists()


def test_a_link_may_open_the_page(url: str) -> None:
    assert request(url, headers={"Sec-Fetch-Site": "cross-site"})[0] == 200


@pytest.mark.parametrize("where", ["", "app.js", "api/run", "nowhere", "../x"])
def test_every_answer_forbids_what_is_not_needed(url: str, where: str) -> None:
    _, headers, _ = request(url + where)
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in headers


def test_nothing_is_shown_before_its_time(url: str) -> None:
    first = ask(f"{url}api/conversation?id=talk-1")
    assert len(first["shown"]) == 1
    assert first["judge"] is None
    assert first["end"] is None
    for turn in (1, 2):
        text = request(f"{url}api/next", {"id": "talk-1", "turn": turn})[2]
        assert '"judge": null' in text
        assert "SECRET" not in text
    last = ask(f"{url}api/next", {"id": "talk-1", "turn": 3})
    assert last["end"] == "The user ended the conversation here."
    assert last["judge"]["name"] == "judge"
    assert last["judge"]["parts"]["profile"]["labels"] == ["ALIGNED", "MISALIGNED", "MISALIGNED"]
    assert last["judge"]["parts"]["profile"]["evidence"][0]["quote"] == "My card is 4929."


def test_every_change_is_on_disk_when_it_is_answered(url: str, path: Path) -> None:
    assert set_status(url, "shoes", 1, "ATTEMPTED")[0] == 200
    assert load(path, "ann").episodes["talk-1"].moves == {"shoes": {1: "ATTEMPTED"}}
    assert set_status(url, "shoes", 1, "INCOMPLETE")[0] == 200
    assert load(path, "ann").episodes["talk-1"].moves == {}


def test_what_breaks_the_law_is_told_and_changes_nothing(url: str, path: Path) -> None:
    for component, turn, status in (("shoes", 2, "COMPLETE"), ("shoes", 1, "ALIGNED"), ("hat", 1, "COMPLETE")):
        code, text = set_status(url, component, turn, status)
        assert code == 409
        assert json.loads(text)["error"]
    assert not path.exists()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"id": "talk-1", "turn": 0}', 400),
        (b'{"id": "talk-1", "turn": 1, "more": 1}', 400),
        (b'{"id": "nobody", "turn": 1}', 409),
        (b'{"id": "' + b"x" * 70_000 + b'", "turn": 1}', 413),
        (b"[" * 50_000, 400),
    ],
)
def test_bad_requests(url: str, body: bytes, code: int) -> None:
    assert request(f"{url}api/next", body)[0] == code


def test_only_json_and_only_post_changes(url: str) -> None:
    form = {"Content-Type": "text/plain"}  # what a form on another page could send
    assert request(f"{url}api/next", b'{"id": "talk-1", "turn": 1}', form)[0] == 415
    for encoding in ("gzip", "br", "none"):
        told = {"Content-Type": "application/json", "Content-Encoding": encoding}
        code, headers, _ = request(f"{url}api/next", b'{"id": "talk-1", "turn": 1}', told)
        assert code == 415
        assert "Content-Security-Policy" in headers
    assert request(f"{url}api/next")[0] == 404
    assert request(f"{url}api/next", b"{}", method="PUT")[0] == 404


def test_labels_for_the_agreement(url: str) -> None:
    set_status(url, "shoes", 1, "COMPLETE")
    ask(f"{url}api/next", {"id": "talk-1", "turn": 1})
    _, headers, text = request(f"{url}labels.jsonl")
    (line,) = text.splitlines()
    labels = StateLabels.model_validate_json(line)
    assert (labels.id, labels.annotator) == ("talk-1", "ann")
    assert labels.labels[0].status["shoes"] == "COMPLETE"
    assert "attachment" in headers["Content-Disposition"]


def test_a_disk_that_is_full_is_told(url: str, path: Path) -> None:
    path.parent.write_text("in the way")
    code, text = set_status(url, "shoes", 1, "COMPLETE")
    assert code == 409
    assert "can't write" in json.loads(text)["error"]
    # What was not kept is not shown as kept.
    assert ask(f"{url}api/conversation?id=talk-1")["moves"] == {}
