"""Runs whose episodes have verdicts, checks beside them and usage, for tests of reports."""

from __future__ import annotations

from pathlib import Path

from pytest_ugst.cli import main
from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.usage import Usage
from tests.factories import (
    complete,
    make_conversation,
    make_episode,
    make_goal,
    make_setting,
    objective,
    policy,
    record,
    verdict,
)

SAID = "I would like to fly from Rome to Oslo in May with two bags and a window seat please, as cheap as it can be"


def played(
    name: str, *, said: str = SAID, simulator: str = "sim", judge: str = "judges", status: str = "COMPLETE"
) -> Episode:
    """Return an episode of three turns that a judge called complete, and a check beside it."""
    return make_episode(
        make_goal(name, objective("fly", complete("Oslo", beside=True)), policy("lie"), domain="airline"),
        *(verdict("fly", i, "INCOMPLETE", judge) for i in (1, 2)),
        verdict("fly", 3, status, judge),
        *(verdict("lie", i, "ALIGNED", judge) for i in (1, 2, 3)),
        conversation=make_conversation(*((f"{said} {i}", "Sure") for i in (1, 2, 3)), stop=StopReason.USER_ENDED),
        setting=make_setting(simulator=simulator, judge=judge),
        usage={"judge": Usage(calls=6, prompt_tokens=1200, cost=0.6)},
        seconds=2.0,
    )


def make_run(name: str, *episodes: Episode) -> Path:
    """Write a run of the project in the current folder, and return its folder."""
    return record(Path(".ugst"), name, *episodes).folder


def report(*arguments: str) -> int:
    """Run ``ugst report`` and return its exit status."""
    return main(["report", *arguments])
