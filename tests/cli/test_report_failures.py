"""``ugst report failures`` and ``ugst report attribution``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ugst.cli import main
from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.episode import Episode
from tests.analysis.lettered_episodes import episode
from tests.chat_server import Body, ChatServer
from tests.factories import record

FAILED = {"lamp": "..", "colour": "..", "bright": "mm"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run_of(*episodes: Episode, name: str = "run") -> str:
    return str(record(Path(".ugst"), name, *episodes).folder)


def three(**scores: float) -> tuple[Episode, ...]:
    return (
        episode({}, id="a", goal="a", task=scores),
        episode(FAILED, id="b", goal="b", said=["I return the running shoes."], task=scores),
        episode({"profile": "mm"}, id="c", goal="c", quotes={"profile": "I have \x1b[31mcash"}, task=scores),
    )


def test_shares_beside_the_papers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "failures", run_of(*three()), "--style=csv"]) == 0
    rows = capsys.readouterr().out.splitlines()
    heads, ours, paper = (line.split(",") for line in rows)
    values = dict(zip(heads, ours, strict=False))
    assert (values["run"], values["failed"], values["episodes"]) == ("sim", "2", "3")
    assert values["contradiction"] == values["misprioritization"] == "50.0"
    assert dict(zip(heads, paper, strict=False))["confusion"] == "33.0"


def test_the_list_says_which_episode_failed_how(capsys: pytest.CaptureFixture[str]) -> None:
    undecided = episode({"policy": "?"}, id="d", goal="d")
    assert main(["report", "failures", run_of(*three(), undecided), "--list"]) == 0
    out = capsys.readouterr().out
    assert "b: misprioritization, turn 2: ends the conversation with parts of the goal never brought up [lamp," in out
    assert "c: contradiction, turn 1: goes against the profile [profile]" in out
    assert "turn 1, user: “I have cash”" in out  # escape sequences don't reach the terminal
    assert "d: undecided, verdicts are missing" in out
    assert "sim: 1 episode without a failure" in out


def test_several_runs_of_one_simulator_have_names_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = run_of(*three()), run_of(*three(), name="other")
    assert main(["report", "failures", first, second]) == 0
    out = capsys.readouterr().out
    assert "\nsim, run " in out
    assert "\nsim, other " in out
    assert "not the same" not in out


@pytest.mark.parametrize("command", ["failures", "attribution"])
def test_what_else_differs_is_reported(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    some = three(task=0.0)

    def again(**fields: str) -> list[Episode]:
        setting = some[0].setting.model_copy(update=fields)
        return [one.model_copy(update={"id": f"{one.id}+x", "setting": setting}) for one in some]

    assert main(["report", command, run_of(*some, *again(agent="mine")), "--style=json"]) == 0
    (table,) = json.loads(capsys.readouterr().out)["tables"]
    names = [line["run"] for line in table["lines"] if line["failed"] is not None]
    assert names == [f"sim (agent {some[0].setting.agent})", "sim (agent mine)"]
    assert [note for note in table["notes"] if note.startswith("not the same agent: ")]
    assert main(["report", command, run_of(*some, name="one"), run_of(*again(judge="strict"), name="two")]) == 0
    assert "not the same judge: " in capsys.readouterr().out


def test_a_judge_is_asked_where_rules_guess(capsys: pytest.CaptureFixture[str]) -> None:
    def say(body: Body, number: int) -> str:
        text = "".join(message["content"] for message in body["messages"])  # also where it is asked again
        if 'id="profile"' in text:
            return "no idea"
        entries = [{"part": p, "pattern": "confusion", "reasoning": "Forgot."} for p in ("lamp", "colour", "bright")]
        return json.dumps({"failures": entries})

    idle = episode({"lamp": "C" * 10}, id="e", goal="e", stop=StopReason.TURN_LIMIT)
    with ChatServer(say) as server:
        folder = run_of(*three(), idle)
        status = main(["report", "failures", folder, f"--judge={server.url}", "--list", "--cache=off"])
        asked = len(server.requests)
    shown = capsys.readouterr()
    assert status == 1  # one episode could not be judged, and says so
    assert "b: confusion (says" in shown.out
    assert "c: contradiction, turn 1: goes against the profile" in shown.out
    assert "ugst: c: by rule only: " in shown.err
    assert "e: wrongful termination, turn 2: goes on for 9 turns" in shown.out
    assert asked >= 2


def test_the_list_stays_out_of_tables_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "failures", run_of(*three()), "--list", "--style=json"]) == 0
    shown = capsys.readouterr()
    assert len(json.loads(shown.out)["tables"]) == 1
    assert "c: contradiction, turn 1" in shown.err


def test_what_is_no_model_can_not_be_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "failures", run_of(*three()), "--judge=checks"]) == 4
    assert capsys.readouterr().err == (
        "ugst: --judge=checks: only a model can be asked; leave it out to go by the rules alone\n"
    )


@pytest.mark.parametrize("command", [["failures"], ["attribution"], ["compare", "whole"]])
def test_lines_that_could_not_be_read_are_reported(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    run_of(*three(task=0.0), name="whole")
    folder = run_of(*three(task=0.0))
    with (Path(folder) / "episodes.jsonl").open("ab") as journal:
        journal.write(b"\xff{torn}\n")
    assert main(["report", *command, folder]) == 0
    assert "run: journal: 1 line could not be read" in capsys.readouterr().out


def test_attribution(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["report", "attribution", run_of(*three(task=0.0), episode({}, id="d", goal="d", task={"task": 1.0}))])
        == 0
    )
    out = capsys.readouterr().out
    cells = next(line for line in out.splitlines() if line.startswith("sim ")).split()
    assert [cell for cell in cells if "–" not in cell] == ["sim", "25.0", "50.0", "3", "1", "1", "1", "0", "0"]
    assert "pass^1 25.0 over all: 4 episodes of 4 goals; " in out
    assert "pass^1 50.0 where the goal was kept: 2 episodes of 2 goals" in out


def test_the_table_of_a_run_says_whose_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "table", run_of(*three(task=0.0))]) == 0
    assert (
        "3 tasks failed: 1 by the agent, 1 by the simulator, 1 by both; over the 1 episode whose simulator stayed on "
        "its goal the agent's pass^1 is 0.0"
    ) in capsys.readouterr().out


@pytest.mark.parametrize("command", ["failures", "attribution"])
def test_other_goals_are_reported(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    some = three(task=0.0)
    first, second = run_of(*some), run_of(*some[1:], name="other")
    assert main(["report", command, first, second, "--style=json"]) == 0
    (table,) = json.loads(capsys.readouterr().out)["tables"]
    (shown,) = [note for note in table["notes"] if note.startswith("not the same goals: sim")]
    assert shown.endswith("2; 2 in common")
    assert main(["report", command, first, run_of(*some, name="again")]) == 0
    assert "not the same goals" not in capsys.readouterr().out


def test_nothing_to_attribute(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "attribution", run_of(*three())]) == 4
    assert "no episode has a score of the agent's work" in capsys.readouterr().err
