"""Whether the roles that the options name can play and judge a goal.

A test file that asks for ``unplayable="skip"`` in its marker is skipped where they can't, as a whole (a part of a
benchmark is not the benchmark) and with the options that would help. So the shipped suites run everywhere, each as soon
as there is a model for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from pytest_ugst.core.check import CHECKS
from pytest_ugst.core.errors import UsageError

if TYPE_CHECKING:
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.roles.resolver import RoleResolver

_ORDER = ("--ugst-sim", "--ugst-agent", "--ugst-judge")


def lacking(goal: Goal, max_turns: int, resolver: RoleResolver, own: Collection[str] = ()) -> list[tuple[str, str]]:
    """The options whose present values can't play or judge a goal, each with that value; empty if all can.

    Args:
        goal: The goal.
        max_turns: Turns the conversation may take.
        casting: What the options name.
        own: Roles for which the test brings a fixture of its own; they are taken to be able.

    Raises:
        DataMissingError: If the domain's data is not on this machine.
        UsageError: If the goal names a domain that does not exist, or does not fit it: no option would help.
    """
    s = resolver.settings
    agent_can = _agent_can(goal, resolver)  # first, since it finds out whether the data is here
    lacks = []
    if "simulator" not in own and not _simulator_can(goal, max_turns, resolver):
        lacks.append(("--ugst-sim", s.sim))
    if "agent" not in own and not agent_can:
        lacks.append(("--ugst-agent", s.agent))
    if "judge" not in own and not _judge_can(goal, resolver):
        lacks.append(("--ugst-judge", s.judge))
    return lacks


def remedy(lacks: Iterable[tuple[str, str]]) -> str:
    """What would help, in a line.

    Args:
        lacks: Options with their present values, of any number of goals.
    """
    known = sorted(set(lacks), key=lambda lack: _ORDER.index(lack[0]))
    names = _listed([name for _, name in known])
    options = _listed([f"{option}=MODEL" for option, _ in known])
    return f"{names} can't do these goals; give {options}"


def _simulator_can(goal: Goal, max_turns: int, resolver: RoleResolver) -> bool:
    if resolver.is_model("simulator"):
        return True
    try:
        resolver.simulator.start(goal, 0, max_turns)
    except UsageError:
        return False
    return True


def _agent_can(goal: Goal, resolver: RoleResolver) -> bool:
    if goal.domain is None:
        return True
    session = resolver.domain(goal.domain).open(goal, 0)
    require = getattr(resolver.agent, "require", None)
    if resolver.is_model("agent") or require is None:
        return True
    try:
        require(session)
    except UsageError:
        return False
    return True


def _judge_can(goal: Goal, resolver: RoleResolver) -> bool:
    if goal.components is None:
        return resolver.is_model("decomposer")
    return resolver.settings.judge != CHECKS or goal.fully_checked


def _listed(words: list[str]) -> str:
    *head, last = dict.fromkeys(words)
    return f"{', '.join(head)} and {last}" if head else last
