"""``ugst goals decompose``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.cli import main
from pytest_ugst.goals.files import load_goals
from tests.chat_server import Body, ChatServer, Say
from tests.cli.retail_tasks import write_tau_bench


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("UGST_DATA", raising=False)
    write_tau_bench(tmp_path / "data")


class Cutter:
    """A model that cuts goals up, each into one profile part and one objective."""

    def __init__(self) -> None:
        self.objective = "Cancel."
        self.fails = ""

    def __call__(self, body: Body, number: int) -> Say | str:
        asked = json.dumps(body["messages"])
        if "You are" not in asked:
            return "yes"  # the first question: are you there?
        if self.fails and self.fails in asked:
            return Say(text="I'd rather not.")
        name = "Ada" if "Ada" in asked else "Bob"
        parts: dict[str, Any] = {
            "user_profile": [f"You are {name}."],
            "user_policy": [],
            "task_objectives": [{"task_objective": self.objective, "requirements": [], "preferences": []}],
        }
        return json.dumps(parts)


@pytest.fixture
def cutter() -> Iterator[tuple[Cutter, ChatServer]]:
    cutter = Cutter()
    with ChatServer(cutter, models=["m"]) as server:
        Path("pyproject.toml").write_text(
            f'[tool.ugst.models.cutter]\nmodel = "m"\nbase_url = "{server.url}"\napi_key_env = "KEY_OF_CUTTER"\n'
        )
        yield cutter, server


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_OF_CUTTER", "very-secret")


def decompose(*more: str) -> int:
    return main(["goals", "decompose", "retail", "--decomposer", "cutter", "--data", "data", *more])


def about(server: ChatServer) -> int:
    return sum("You are" in json.dumps(body["messages"]) for body in server.requests)


def test_decomposed_into_a_file_and_asked_once(
    cutter: tuple[Cutter, ChatServer], capsys: pytest.CaptureFixture[str]
) -> None:
    assert decompose("--out", "a.goal.yaml") == 0
    assert capsys.readouterr().out == "2 goals written to a.goal.yaml\n"
    goals = load_goals(Path("a.goal.yaml"))
    assert [c.text for c in goals[1].components or ()] == ["You are Bob.", "Cancel."]
    assert goals[0].data["upstream"]["user_id"] == "ada"
    assert about(cutter[1]) == 2
    assert decompose("--out", "b.goal.yaml") == 0
    assert about(cutter[1]) == 2  # from the cache
    assert Path("a.goal.yaml").read_text() == Path("b.goal.yaml").read_text()
    assert "very-secret" not in "".join(capsys.readouterr())
    assert main(["goals", "lint", "a.goal.yaml"]) == 0


def test_the_difference_from_an_edited_one(
    cutter: tuple[Cutter, ChatServer], capsys: pytest.CaptureFixture[str]
) -> None:
    assert decompose("--out", "a.goal.yaml") == 0
    capsys.readouterr()
    assert decompose("--against", "a.goal.yaml") == 0
    assert capsys.readouterr().out == "no difference from a.goal.yaml\n"
    text = Path("a.goal.yaml").read_text()
    Path("a.goal.yaml").write_text(text.replace("You are Bob.\n  task", "You are Bob, a cook.\n  task"))
    assert decompose("--against", "a.goal.yaml") == 0
    assert capsys.readouterr().out.splitlines() == [
        "tau-bench-retail-test-1:",
        "  - profile: You are Bob, a cook.",
        "  + profile: You are Bob.",
        "    task: Cancel.",
    ]


def test_a_goal_that_can_not_be_decomposed_costs_no_other(
    cutter: tuple[Cutter, ChatServer], capsys: pytest.CaptureFixture[str]
) -> None:
    cutter[0].fails = "Bob"
    assert decompose("--out", "a.goal.yaml") == 1
    assert [goal.id for goal in load_goals(Path("a.goal.yaml"))] == ["tau-bench-retail-test-0"]
    assert "ugst: tau-bench-retail-test-1: " in capsys.readouterr().err


def test_what_the_user_has_to_mend(
    cutter: tuple[Cutter, ChatServer], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["goals", "decompose", "hotels", "--decomposer", "cutter"]) == 4
    assert "unknown goal source 'hotels'" in capsys.readouterr().err
    assert main(["goals", "decompose", "retail", "--decomposer", "nobody", "--data", "data"]) == 4
    assert "nobody" in capsys.readouterr().err
    monkeypatch.delenv("KEY_OF_CUTTER")
    assert decompose() == 4
    assert "KEY_OF_CUTTER" in capsys.readouterr().err
    assert not cutter[1].requests
