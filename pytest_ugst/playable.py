"""Whether the roles that the options name can play and judge a goal.

A suite that asks for ``unplayable="skip"`` in its marker is skipped where they can't, with the options that would help;
so the shipped suites run everywhere, each as soon as there is a model for it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from pytest_ugst.core.errors import UsageError
from pytest_ugst.datafolders import DataMissing

if TYPE_CHECKING:
    from pytest_ugst.casting import Casting
    from pytest_ugst.core.goal import Goal


def why_not(goal: Goal, max_turns: int, casting: Casting, own: Collection[str] = ()) -> str | None:
    """Why a goal can't be played by the roles the options name; None if it can.

    The same words for every goal with the same lack, so that pytest counts them together.

    Args:
        goal: The goal.
        max_turns: Turns the conversation may take.
        casting: What the options name.
        own: Roles for which the test brings a fixture of its own; they are taken to be able.

    Raises:
        UsageError: If the goal names a domain that does not exist, or does not fit it: no option would help.
    """
    try:
        lacking = []
        if not _agent_can(goal, casting) and "agent" not in own:  # first: it finds out whether the data is here
            lacking.append(("--ugst-agent", casting.settings.agent))
        if "simulator" not in own and not _simulator_can(goal, max_turns, casting):
            lacking.insert(0, ("--ugst-sim", casting.settings.sim))
        if "judge" not in own and not _judge_can(goal, casting):
            lacking.append(("--ugst-judge", casting.settings.judge))
    except DataMissing as error:
        return str(error)
    if not lacking:
        return None
    names = _listed([name for _, name in lacking])
    options = _listed([f"{option}=MODEL" for option, _ in lacking])
    return f"{names} can't do these goals; give {options}"


def _simulator_can(goal: Goal, max_turns: int, casting: Casting) -> bool:
    if casting.is_model("simulator"):
        return True
    try:
        casting.simulator.start(goal, 0, max_turns)
    except UsageError:
        return False
    return True


def _agent_can(goal: Goal, casting: Casting) -> bool:
    if goal.domain is None:
        return True
    session = casting.domain(goal.domain).open(goal, 0)
    require = getattr(casting.agent, "require", None)
    if casting.is_model("agent") or require is None:
        return True
    try:
        require(session)
    except UsageError:
        return False
    return True


def _judge_can(goal: Goal, casting: Casting) -> bool:
    if goal.components is None:
        return casting.is_model("decomposer")
    return casting.settings.judge != "checks" or goal.fully_checked


def _listed(words: list[str]) -> str:
    *head, last = dict.fromkeys(words)
    return f"{', '.join(head)} and {last}" if head else last
