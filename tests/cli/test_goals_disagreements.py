"""``ugst goals disagreements``."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ugst.cli import main
from pytest_ugst.core.check import Check, Condition
from pytest_ugst.core.conversation import Conversation, StopReason, Turn
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import Category, Status
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.runs.run import StoredRun

pytestmark = pytest.mark.usefixtures("project")


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
