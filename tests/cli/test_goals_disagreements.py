"""``ugst goals disagreements``."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ugst.cli import main
from pytest_ugst.core.check import Check, Condition
from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.status import Status
from tests.factories import make_conversation, make_episode, make_goal, objective, record, verdict

pytestmark = pytest.mark.usefixtures("project")


def played(name: str, said: str, status: Status) -> Episode:
    check = Check(complete=Condition(agent_says="cancelled"), beside=True)
    return make_episode(
        make_goal(name, objective("task-1", check, text="Cancel\nthe order.")),
        verdict("task-1", 1, status),
        conversation=make_conversation(("Please!", said), stop=StopReason.TURN_LIMIT),
    )


def test_disagreements(capsys: pytest.CaptureFixture[str]) -> None:
    record(
        Path(".ugst"),
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
