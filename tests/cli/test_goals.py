"""``ugst goals import|decompose|disagreements``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.cli import main
from pytest_ugst.core.check import Check, Condition
from pytest_ugst.core.conversation import Conversation, StopReason, Turn
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import Category, Status
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.goals.files import load_goals
from pytest_ugst.runs.run import StoredRun
from tests.chat_server import Body, ChatServer, Say

TASKS = """
from tau_bench.types import Action, Task
TASKS = [
    Task(annotator="0", user_id="ada", instruction="You are Ada. Cancel.", actions=[], outputs=[]),
    Task(annotator="0", user_id="bob", instruction="You are Bob. Cancel.", actions=[], outputs=[]),
]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("UGST_DATA", raising=False)
    envs = tmp_path / "data" / "tau-bench" / "tau_bench" / "envs" / "retail"
    envs.mkdir(parents=True)
    (envs / "tasks_test.py").write_text(TASKS)
    return


def test_import_from_a_folder_or_from_what_was_fetched(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["goals", "import", "tau-bench", "--data", "data", "--out", "a.goal.yaml", "--limit", "1"]) == 0
    (goal,) = load_goals(Path("a.goal.yaml"))
    assert (goal.id, goal.domain) == ("tau-bench-retail-test-0", "retail")
    assert main(["goals", "import", "tau-bench"]) == 4
    assert "run 'ugst data fetch tau-bench', or set UGST_DATA" in capsys.readouterr().err
    monkeypatch.setenv("UGST_DATA", "data")
    assert main(["goals", "import", "tau-bench", "--domain", "retail"]) == 0
    assert capsys.readouterr().out.count("\nid: ") + 1 == 2
    assert main(["goals", "import", "tau2-bench", "--data", "data"]) == 4
    assert "holds no tau2-bench" in capsys.readouterr().err


def test_import_of_multiwoz(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path("mw")
    folder.mkdir()
    dialogue = {"goal": {"message": ["You want a <span>taxi</span>"], "taxi": {"info": {}}}, "log": []}
    (folder / "data.json").write_text(json.dumps({"SNG1.json": dialogue, "SNG2.json": dialogue}))
    (folder / "testListFile.txt").write_text("SNG2.json\n")
    (folder / "valListFile.txt").write_text("")
    command = ["goals", "import", "multiwoz", "--data", "mw"]
    assert main([*command, "--split", "test", "--out", "a.goal.yaml"]) == 0
    (goal,) = load_goals(Path("a.goal.yaml"))
    assert (goal.id, goal.text, goal.domain) == ("SNG2", "You want a taxi.", "multiwoz")
    capsys.readouterr()
    assert main([*command, "--domain", "airline"]) == 4
    assert "multiwoz has no domain 'airline'; choose from restaurant" in capsys.readouterr().err
    (folder / "data.json").unlink()
    assert main(command) == 4
    told = capsys.readouterr().err
    assert "mw: holds no data.json, MultiWOZ's dialogues with their goals" in told
    assert main(["goals", "import", "multiwoz"]) == 4
    assert "name the folder of MultiWOZ's data.json; data.json is in" in capsys.readouterr().err
    assert "Traceback" not in told


@pytest.mark.parametrize(
    "command", [["import", "tau-bench", "--data", "data"], ["decompose", "x", "--decomposer", "y"]]
)
def test_a_file_that_is_there_is_not_overwritten(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.goal.yaml").write_text("my work")
    assert main(["goals", *command, "--out", "a.goal.yaml"]) == 4
    assert "a.goal.yaml is there already; name another file, or overwrite it with --force" in capsys.readouterr().err
    assert Path("a.goal.yaml").read_text() == "my work"
    assert main(["goals", *command, "--out", "a.yaml"]) == 4
    assert "a goal file's name ends with .goal.yaml" in capsys.readouterr().err


def test_overwritten_by_force() -> None:
    Path("a.goal.yaml").write_text("my work")
    assert main(["goals", "import", "tau-bench", "--data", "data", "--out", "a.goal.yaml", "--force"]) == 0
    assert len(load_goals(Path("a.goal.yaml"))) == 2


# Decompose


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


# Disagreements


def journal(name: str, *episodes: Episode) -> None:
    run = StoredRun(Path(".ugst") / "runs" / name)
    run.create(episodes[0].setting)
    for episode in episodes:
        run.journal.append(episode)


def played(name: str, said: str, verdict: Status) -> Episode:
    check = Check(complete=Condition(agent_says="cancelled"), beside=True)
    objective = Component(id="task-1", category=Category.OBJECTIVE, text="Cancel\nthe order.", check=check)
    conversation = Conversation().with_turn(Turn(user="Please!", agent=said))
    return Episode(
        id=name,
        goal=Goal(id=name, text="Cancel.", components=(objective,)),
        setting=EpisodeConfig(simulator="s", agent="a", judge="j"),
        max_turns=5,
        conversation=conversation.model_copy(update={"stop": StopReason.TURN_LIMIT}),
        verdicts=(Verdict(component="task-1", turn=1, status=verdict, by="j"),),
    )


def test_disagreements(capsys: pytest.CaptureFixture[str]) -> None:
    journal(
        "r",
        played("same", "It is cancelled.", Status.COMPLETE),
        played("kind", "I will see to it.", Status.COMPLETE),
        played("deaf", "It is cancelled.", Status.INCOMPLETE),
    )
    assert main(["goals", "disagreements", "latest"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "deaf task-1: judge INCOMPLETE, check COMPLETE in turn 1: Cancel the order.",
        "kind task-1: judge COMPLETE in turn 1, check INCOMPLETE: Cancel the order.",
        "r: 2 of 3 second opinions differ",
    ]
    assert main(["goals", "disagreements", "nowhere"]) == 4
    assert "no such run" in capsys.readouterr().err
