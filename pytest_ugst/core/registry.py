"""Names for what can be swapped: simulators, agents, judges, checks, domains and goal sources."""

from __future__ import annotations

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
    """What a role may ask for when it is made."""

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
    """One kind of thing by name."""

    kind: str
    entries: dict[str, T] = field(default_factory=dict)

    def add(self, name: str, entry: T) -> None:
        """Register under a name; a second registration of a name is an error."""
        if name in self.entries:
            raise UsageError(f"the {self.kind} {name!r} is registered twice")
        self.entries[name] = entry

    def get(self, name: str) -> T:
        """Look up, or say what there is."""
        try:
            return self.entries[name]
        except KeyError:
            raise UsageError(unknown(self.kind, name, self.entries)) from None

    def __contains__(self, name: object) -> bool:
        return name in self.entries


class Registry:
    """What ``pytest_ugst_register`` fills."""

    def __init__(self, data_dirs: DataLocator | None = None) -> None:
        """Make an empty registry.

        Args:
            data_dirs: Where goal sources and domains find their data; the usual places unless given.
        """
        self.data_dirs = data_dirs
        self.simulators: Names[Callable[[str | None, RoleContext], SimulatorFactory]] = Names("simulator")
        self.agents: Names[Callable[[str | None, RoleContext], Agent]] = Names("agent")
        self.judges: Names[Callable[[str | None, RoleContext], Judge]] = Names("judge")
        self.checks: Names[Callable[..., Verdict | Any]] = Names("check")
        self.domains: Names[Callable[[], Domain]] = Names("domain")
        self.goal_sources: Names[Callable[[str | None], Iterable[Goal]]] = Names("goal source")

    def roles(self) -> dict[str, str]:
        """The names of all that plays a role without a model, each with what it plays."""
        plays: dict[str, list[str]] = {}
        for names in (self.simulators, self.agents, self.judges):
            for name in names.entries:
                plays.setdefault(name, []).append(names.kind)
        return {name: " and ".join(kinds) for name, kinds in plays.items()}

    def simulator(self, name: str, make: Callable[[str | None, RoleContext], SimulatorFactory]) -> None:
        """Register a simulator: ``make(argument, context)`` returns its factory, for ``--ugst-sim=NAME[:ARGUMENT]``."""
        self.simulators.add(name, make)

    def agent(self, name: str, make: Callable[[str | None, RoleContext], Agent]) -> None:
        """Register an agent, for ``--ugst-agent=NAME[:ARGUMENT]``."""
        self.agents.add(name, make)

    def judge(self, name: str, make: Callable[[str | None, RoleContext], Judge]) -> None:
        """Register a judge, for ``--ugst-judge=NAME[:ARGUMENT]``."""
        self.judges.add(name, make)

    def check(self, name: str, check: Callable[..., Verdict | Any]) -> None:
        """Register a check for ``check: {python: NAME, args: {...}}``.

        It is called as ``check(component, conversation, turn, **args)`` after every turn, and returns a status, a
        Verdict, or None for "nothing new".
        """
        self.checks.add(name, check)

    def domain(self, name: str, load: Callable[[], Domain]) -> None:
        """Register a domain; ``load()`` is called at its first use."""
        self.domains.add(name, load)

    def goal_source(self, name: str, goals: Callable[[str | None], Iterable[Goal]]) -> None:
        """Register a source of goals: ``goals(split)`` yields them, for ``@pytest.mark.ugst(goals=NAME)``."""
        self.goal_sources.add(name, goals)
