"""The capabilities of the named roles: whether they can play and judge a goal.

The one answer to that question. An error before anything is played, the reason of a skipped test and a trainer's
refusal are all made from it. A test file that asks for ``unplayable="skip"`` in its marker is skipped where a goal of
it can't be played, as a whole (a part of a benchmark is not the benchmark) and with the options that would help. So the
shipped suites run everywhere, each as soon as there is a model for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ugst.config.data_dirs import DataMissingError
from pytest_ugst.config.options import DEFAULT_SIMULATOR
from pytest_ugst.core.check import CHECKS
from pytest_ugst.core.errors import UgstError, UsageError
from pytest_ugst.core.protocols import SupportsRequire

if TYPE_CHECKING:
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.core.protocols import Session
    from pytest_ugst.engine.spec import GoalCase
    from pytest_ugst.roles.resolver import RoleResolver

PYTEST_OPTIONS: Mapping[str, str] = {
    "simulator": "--ugst-sim",
    "agent": "--ugst-agent",
    "judge": "--ugst-judge",
    "decomposer": "--ugst-decomposer",
}
"""The options that name the roles, by role, in the order of messages."""


@dataclass(frozen=True, slots=True)
class MissingCapability:
    """A role that can't do its part of a goal."""

    role: str
    """``simulator``, ``agent`` or ``judge``."""
    name: str
    """What the option names now."""
    message: str
    """The goal, what is missing, and what to do about it."""


def missing_capabilities(
    goal: Goal,
    max_turns: int,
    resolver: RoleResolver,
    own: Collection[str] = (),
    options: Mapping[str, str] = PYTEST_OPTIONS,
) -> list[MissingCapability]:
    """Return the roles that can't play or judge a goal; empty if all can.

    Args:
        goal: The goal.
        max_turns: Turns the conversation may take.
        resolver: The roles that the options name.
        own: Roles for which the test brings a fixture of its own, or which are not needed.
        options: By role, the option that names it, for messages.

    Raises:
        DataMissingError: If the domain's data is not on this machine.
        UsageError: If the goal names a domain that does not exist, or does not fit it: no other role would help.
    """
    # First, since it finds out whether the data is here.
    session = None if goal.domain is None else _opened(goal, goal.domain, resolver)
    s = resolver.settings
    found: list[tuple[str, str, str | None]] = []
    if "judge" not in own:
        found.append(("judge", s.judge, _judge_lacks(goal, resolver, options)))
    if "agent" not in own and session is not None:
        found.append(("agent", s.agent, _agent_lacks(goal, session, resolver)))
    if "simulator" not in own:
        found.append(("simulator", s.sim, _simulator_lacks(goal, max_turns, resolver)))
    return [MissingCapability(role, name, message) for role, name, message in found if message is not None]


def missing_for_judging(
    goal: Goal, resolver: RoleResolver, options: Mapping[str, str] = PYTEST_OPTIONS
) -> list[MissingCapability]:
    """Return what is missing to judge conversations about a goal.

    Nobody plays, so the domain's data need not be on this machine.
    """
    return missing_capabilities(goal.model_copy(update={"domain": None}), 0, resolver, {"simulator", "agent"}, options)


def require_capabilities(cases: Iterable[GoalCase], resolver: RoleResolver, own: Collection[str] = ()) -> None:
    """Make sure that the named roles can play and judge every goal.

    Args:
        cases: The goals.
        resolver: The roles that the options name.
        own: Roles that are brought as objects.

    Raises:
        UsageError: Naming the first goal that they can't, and the remedy.
    """
    seen: set[int] = set()
    for case in cases:
        goal = case.goal
        if goal is None or id(goal) in seen:
            continue
        seen.add(id(goal))
        resolver.checks.validate(goal)
        for missing in missing_capabilities(goal, case.max_turns, resolver, own):
            raise UsageError(missing.message)


def skip_reason(missing: Iterable[MissingCapability], options: Mapping[str, str] = PYTEST_OPTIONS) -> str:
    """Return what would help, in a line.

    Args:
        missing: What is missing, for any number of goals.
        options: By role, the option that names it.
    """
    order = list(options)
    known = sorted({(one.role, one.name) for one in missing}, key=lambda one: order.index(one[0]))
    names = _listed([name for _, name in known])
    flags = _listed([f"{options[role]}=MODEL" for role, _ in known])
    return f"{names} can't do these goals; give {flags}"


def _judge_lacks(goal: Goal, resolver: RoleResolver, options: Mapping[str, str]) -> str | None:
    where = _where(goal)
    if goal.components is None:
        if resolver.is_model("decomposer"):
            return None
        decomposer = f" or {options['decomposer']}" if "decomposer" in options else ""
        return (
            f"{where} has no components and no model is set to decompose it; set {options['judge']}{decomposer} to a "
            "model, or write its components"
        )
    if resolver.settings.judge != CHECKS or goal.fully_checked:
        return None
    bare = [c.id for c in goal.components if c.check is None]
    shown = ", ".join(bare[:3]) + (" ..." if len(bare) > 3 else "")
    return (
        f"{where}: no check on {shown}, and no judge model is set; set {options['judge']} to a model, or add a check "
        "to each"
    )


def _agent_lacks(goal: Goal, session: Session, resolver: RoleResolver) -> str | None:
    if resolver.is_model("agent") or not isinstance(resolver.agent, SupportsRequire):
        return None
    try:
        resolver.agent.require(session)
    except UsageError as error:
        return f"{_where(goal)}: {error}"
    return None


def _simulator_lacks(goal: Goal, max_turns: int, resolver: RoleResolver) -> str | None:
    if resolver.is_model("simulator"):
        return None
    if goal.components is None and resolver.settings.sim.partition(":")[0] != DEFAULT_SIMULATOR:
        return None  # somebody's simulator, which may need the sub-components that the goal is going to have
    try:
        resolver.simulator.start(goal, 0, max_turns)
    except UsageError as error:
        return _about(goal, str(error))
    except UgstError:
        raise
    except Exception:  # a simulator of the user's own: its episode says what is wrong with it
        return None
    return None


def _opened(goal: Goal, domain: str, resolver: RoleResolver) -> Session:
    try:
        return resolver.domain(domain).open(goal, 0)
    except DataMissingError:
        raise
    except UsageError as error:
        raise UsageError(_about(goal, str(error))) from None


def _about(goal: Goal, message: str) -> str:
    """Return a message that names the goal."""
    return message if goal.id in message else f"{_where(goal)}: {message}"


def _where(goal: Goal) -> str:
    return f"{goal.source}: goal {goal.id!r}" if goal.source else f"goal {goal.id!r}"


def _listed(words: list[str]) -> str:
    *head, last = dict.fromkeys(words)
    return f"{', '.join(head)} and {last}" if head else last
