"""The registry of what can be swapped by name: simulators, agents, judges, checks, domains and goal sources."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pytest_ugst.core.errors import UsageError, unknown

if TYPE_CHECKING:
    from pytest_ugst.core.chat import Chat
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.core.protocols import Agent, DataLocator, Domain, Judge, SimulatorFactory
    from pytest_ugst.core.verdict import Verdict

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RoleContext:
    """The models and options that a role is made with.

    Example:
        >>> import pytest_ugst as ugst
        >>> def register(registry):
        ...     def make(argument, context):  # for simulator="polite:ARGUMENT"
        ...         assert context.steer == "none"
        ...         return ugst_agenda(argument, context)
        ...
        ...     ugst_agenda = registry.simulators.get("agenda")
        ...     registry.simulator("polite", make)
        >>> run = ugst.simulate("concierge:test", simulator="polite", register=register, cache="off")
        >>> run.rates.average.value
        100.0
    """

    chat: Callable[[str, str], Chat]
    """``chat(model_name, role)``: a model to talk to; raises UsageError for an unknown name."""
    steer: str = "none"
    reasoning: bool = False
    prompts: Path | None = None
    """A folder of prompt files that take the place of the shipped ones."""
    judge_sees_tools: bool = True
    max_tool_rounds: int = 10


@dataclass(slots=True)
class Names(Generic[T]):
    """The registered things of one kind, by name."""

    kind: str
    entries: dict[str, T] = field(default_factory=dict)

    def add(self, name: str, entry: T) -> None:
        """Register a thing under a name.

        Raises:
            UsageError: If the name is taken.
        """
        if name in self.entries:
            raise UsageError(f"the {self.kind} {name!r} is registered twice")
        self.entries[name] = entry

    def get(self, name: str) -> T:
        """Return the thing of a name.

        Raises:
            UsageError: If there is none; the message lists the known names.
        """
        try:
            return self.entries[name]
        except KeyError:
            raise UsageError(unknown(self.kind, name, self.entries)) from None

    def __contains__(self, name: object) -> bool:
        """Return whether the name is registered."""
        return name in self.entries


class Registry:
    """The registered names of all kinds; the hook ``pytest_ugst_register`` adds to them.

    Example:
        >>> import pytest_ugst as ugst
        >>> def pytest_ugst_register(registry):
        ...     tea = ugst.Component(id="t", category="objective", text="Order a tea.", check={"python": "says_tea"})
        ...     registry.check("says_tea", lambda component, conversation, turn: "COMPLETE")
        ...     goal = ugst.Goal(id="tea", text="Order a tea.", components=[tea])
        ...     registry.goal_source("kiosk", lambda split: [goal])
        >>> [goal.id for goal in ugst.load_goals("kiosk", register=pytest_ugst_register)]
        ['tea']
    """

    def __init__(self, data_dirs: DataLocator | None = None) -> None:
        """Make an empty registry.

        Args:
            data_dirs: Finds the data of goal sources and domains; looks in the usual places unless given.
        """
        self.data_dirs = data_dirs
        self.simulators: Names[Callable[[str | None, RoleContext], SimulatorFactory | Callable[..., Any]]] = Names(
            "simulator"
        )
        self.agents: Names[Callable[[str | None, RoleContext], Agent | Callable[..., Any]]] = Names("agent")
        self.judges: Names[Callable[[str | None, RoleContext], Judge | Callable[..., Any]]] = Names("judge")
        self.checks: Names[Callable[..., Verdict | Any]] = Names("check")
        self.domains: Names[Callable[[], Domain]] = Names("domain")
        self.goal_sources: Names[Callable[[str | None], Iterable[Goal]]] = Names("goal source")

    def roles(self) -> dict[str, str]:
        """Return the names that play a role without a model, each with the roles that it plays."""
        plays: dict[str, list[str]] = {}
        for names in (self.simulators, self.agents, self.judges):
            for name in names.entries:
                plays.setdefault(name, []).append(names.kind)
        return {name: " and ".join(kinds) for name, kinds in plays.items()}

    def simulator(
        self, name: str, make: Callable[[str | None, RoleContext], SimulatorFactory | Callable[..., Any]]
    ) -> None:
        """Register a simulator, for ``--ugst-sim=NAME[:ARGUMENT]``.

        Args:
            name: The name.
            make: Called with the argument behind the colon, or None, and the context; returns a factory of simulators,
                or a function as the fixture ``simulator`` may.
        """
        self.simulators.add(name, make)

    def agent(self, name: str, make: Callable[[str | None, RoleContext], Agent | Callable[..., Any]]) -> None:
        """Register an agent, for ``--ugst-agent=NAME[:ARGUMENT]``; ``make`` may return a function, as fixtures may."""
        self.agents.add(name, make)

    def judge(self, name: str, make: Callable[[str | None, RoleContext], Judge | Callable[..., Any]]) -> None:
        """Register a judge, for ``--ugst-judge=NAME[:ARGUMENT]``; ``make`` may return a function, as fixtures may."""
        self.judges.add(name, make)

    def check(self, name: str, check: Callable[..., Verdict | Any]) -> None:
        """Register a check for ``check: {python: NAME, args: {...}}``.

        It is called as ``check(component, conversation, turn, **args)`` after every turn, and returns a status, a
        Verdict, or None for "nothing new".
        """
        self.checks.add(name, check)

    def domain(self, name: str, load: Callable[[], Domain] | Domain) -> None:
        """Register a domain, for ``domain: NAME`` in goals.

        Args:
            name: The name in goals.
            load: A callable without arguments that returns the domain, called when the domain is first used; or the
                domain itself.

        Raises:
            UsageError: If ``load`` is neither of them, or the name is taken.
        """
        self.domains.add(name, _domain_loader(name, load))

    def goal_source(self, name: str, goals: Callable[[str | None], Iterable[Goal]]) -> None:
        """Register a source of goals: ``goals(split)`` yields them, for ``@pytest.mark.ugst(goals=NAME)``."""
        self.goal_sources.add(name, goals)


def _domain_loader(name: str, load: object) -> Callable[[], Domain]:
    """Return a callable without arguments that returns the domain.

    Simulators, agents and judges are registered with ``make(argument, context)``; a domain takes neither, so that such
    a function is refused here and not at its first call, in the middle of a run.
    """
    if callable(load) and _callable_without_arguments(load):
        return load
    from pytest_ugst.core.protocols import Domain

    if isinstance(load, Domain) and not isinstance(load, type):
        domain = load
        return lambda: domain
    given = f"{type(load).__name__} object"
    if callable(load):
        given = f"{getattr(load, '__name__', type(load).__name__)}{inspect.signature(load)}, which needs arguments"
    raise UsageError(
        f"the domain {name!r} is registered with {given}; write registry.domain({name!r}, load) with a function load() "
        "that takes no arguments and returns the domain, or give the domain itself (with name and open(goal, seed))"
    )


def _callable_without_arguments(load: Callable[..., object]) -> bool:
    try:
        inspect.signature(load).bind()
    except TypeError:
        return False
    except ValueError:  # some callables written in C have no signature
        return True
    return True
