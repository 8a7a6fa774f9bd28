"""Runs whose episodes have verdicts, checks beside them and usage, for tests of reports."""

from __future__ import annotations

from pathlib import Path

from pytest_ugst.cli import main
from pytest_ugst.core.check import Check, Condition
from pytest_ugst.core.conversation import Conversation, StopReason, Turn
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.usage import Usage
from pytest_ugst.runs.run import StoredRun
from tests.played import SETTING, make_goal, objective, policy, verdict

SAID = "I would like to fly from Rome to Oslo in May with two bags and a window seat please, as cheap as it can be"


def played(
    name: str, *, said: str = SAID, simulator: str = "sim", judge: str = "judges", status: str = "COMPLETE"
) -> Episode:
    check = Check(complete=Condition(user_says="Oslo"), beside=True)
    return Episode(
        id=name,
        goal=make_goal(name, objective("fly", check), policy("lie"), domain="airline"),
        setting=SETTING.model_copy(update={"simulator": simulator, "judge": judge}),
        max_turns=10,
        conversation=Conversation(
            turns=tuple(Turn(user=f"{said} {i}", agent="Sure") for i in (1, 2, 3)), stop=StopReason.USER_ENDED
        ),
        verdicts=(
            *(verdict("fly", i, "INCOMPLETE", judge) for i in (1, 2)),
            verdict("fly", 3, status, judge),
            *(verdict("lie", i, "ALIGNED", judge) for i in (1, 2, 3)),
        ),
        usage={"judge": Usage(calls=6, prompt_tokens=1200, cost=0.6)},
        seconds=2.0,
    )


def make_run(name: str, *episodes: Episode) -> Path:
    run = StoredRun(Path(".ugst/runs") / name)
    run.create(episodes[0].setting)
    for episode in episodes:
        run.journal.append(episode)
    return run.folder


def report(*arguments: str) -> int:
    return main(["report", *arguments])
