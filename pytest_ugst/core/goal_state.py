"""The goal state: every sub-component's status, folded from verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_ugst.core.goal import Component
from pytest_ugst.core.status import CHAINS, HELD, SUCCESS, Category, Status, advance, first_status, last_status
from pytest_ugst.core.text import plain
from pytest_ugst.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class ComponentState:
    """A sub-component with its status and verdicts.

    Example:
        >>> import pytest_ugst as ugst
        >>> tea = ugst.Component(id="task-1", category="objective", text="Order a tea.")
        >>> (state,) = ugst.GoalState.initial([tea])
        >>> state
        <INCOMPLETE objective: 'Order a tea.'>
        >>> state.succeeded
        False
    """

    component: Component
    status: Status
    verdicts: tuple[Verdict, ...] = ()
    """All verdicts on it so far, ordered by turn."""
    error: str | None = None
    """The reason for which its status can't be trusted, where a verdict is missing that it depends on."""

    def __repr__(self) -> str:
        """Return a short description, since pytest shows it with every failing assertion."""
        return f"<{self.label} {self.category}: {self.text!r}>"

    @property
    def category(self) -> Category:
        """The sub-component's category."""
        return self.component.category

    @property
    def text(self) -> str:
        """The text of the sub-component, in the words of the goal."""
        return self.component.text

    @property
    def settled(self) -> bool:
        """True if no later verdict can change the status."""
        return self.status is last_status(self.component.category)

    @property
    def succeeded(self) -> bool:
        """True if it counts as success; never while a verdict that it depends on is missing."""
        return self.error is None and self.status in SUCCESS

    @property
    def label(self) -> str:
        """The status, or ``ERROR``."""
        return "ERROR" if self.error is not None else self.status.value

    @property
    def decisive(self) -> Verdict | None:
        """The verdict that led to the present status (or the first missing one), if there is one."""
        if self.error is not None:
            return next((v for v in self.verdicts if v.error is not None), None)
        if self.status is first_status(self.component.category):
            return self.verdicts[-1] if self.verdicts else None
        return next((v for v in self.verdicts if v.status is self.status), None)

    def explain(self) -> str:
        """Return which words in which turn led to the status, for a failing test; the text is safe for a terminal."""
        return plain(self._explain())

    def _explain(self) -> str:
        head = f"{self.label} {self.category}: {self.text}"
        if self.error is not None:
            return f"{head}\n  no verdict: {self.error}"
        verdict = self.decisive
        if verdict is None:
            return f"{head}\n  nothing was said of it"
        started = self.status is first_status(self.component.category)
        when = f"not reached by turn {verdict.turn}" if started and not self.succeeded else f"turn {verdict.turn}"
        lines = [head, f"  {when}" + (f": {verdict.reasoning}" if verdict.reasoning else "")]
        lines += [f"  turn {e.turn}, {e.speaker}: “{e.quote}”" for e in verdict.evidence]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class GoalState:
    """The status of every sub-component after some turn: a collection of :class:`ComponentState`.

    Example:
        >>> import pytest_ugst as ugst
        >>> tea = ugst.Component(id="task-1", category="objective", text="Order a tea.")
        >>> done = ugst.Verdict(component="task-1", turn=2, status="COMPLETE")
        >>> late = ugst.Verdict(component="task-1", turn=3, status="ATTEMPTED")  # the law: a status never falls back
        >>> state = ugst.GoalState.fold([tea], [late, done], turns=3)
        >>> state["task-1"].status
        <Status.COMPLETE: 'COMPLETE'>
    """

    components: tuple[ComponentState, ...]
    turn: int = 0
    _index: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the sub-components by their ids."""
        object.__setattr__(self, "_index", {s.component.id: i for i, s in enumerate(self.components)})

    @classmethod
    def initial(cls, components: Iterable[Component]) -> GoalState:
        """Return S_0, the state with every sub-component at its first status."""
        return cls(tuple(ComponentState(c, first_status(c.category)) for c in components))

    @classmethod
    def fold(
        cls,
        components: Iterable[Component],
        verdicts: Iterable[Verdict],
        turns: int,
        broken_off: str | None = None,
    ) -> GoalState:
        """Return the state after ``turns`` turns, which does not depend on the order of the verdicts.

        A verdict about an unknown sub-component, about a later turn, or with a status of another category is
        left out; the last counts as a missing verdict.

        Args:
            components: The goal's sub-components.
            verdicts: The verdicts in any order, repeated or partial.
            turns: The number of turns; verdicts about turns 1 to ``turns`` count.
            broken_off: The reason for which the conversation broke off through no fault of the simulator. A
                sub-component that was not settled by then is an error.
        """
        by_component: dict[str, dict[tuple[object, ...], Verdict]] = {}
        for verdict in verdicts:
            if 1 <= verdict.turn <= turns:
                by_component.setdefault(verdict.component, {})[_order(verdict)] = verdict
        states = []
        for component in components:
            ordered = [verdict for _, verdict in sorted(by_component.get(component.id, {}).items())]
            states.append(_fold_one(component, ordered, turns, broken_off))
        return cls(tuple(states), turns)

    def __iter__(self) -> Iterator[ComponentState]:
        """Iterate over the sub-components in the order of the goal."""
        return iter(self.components)

    def __len__(self) -> int:
        """Return the number of sub-components."""
        return len(self.components)

    def __getitem__(self, component_id: str) -> ComponentState:
        """Return a sub-component's state by its id."""
        return self.components[self._index[component_id]]

    def open(self) -> tuple[Component, ...]:
        """Return the sub-components whose status may still change, which are the ones worth judging."""
        return tuple(s.component for s in self.components if not s.settled)

    def failures(self) -> tuple[ComponentState, ...]:
        """Return the sub-components that do not count as success."""
        return tuple(s for s in self.components if not s.succeeded)

    def statuses(self) -> dict[str, Status]:
        """Return the statuses by sub-component id."""
        return {s.component.id: s.status for s in self.components}


def _order(verdict: Verdict) -> tuple[object, ...]:
    """Return a sort key over all fields of a verdict, so that neither order nor repetition can change a state."""
    evidence = tuple((e.turn, e.speaker, e.quote) for e in verdict.evidence)
    return (verdict.turn, verdict.status or "", verdict.error or "", verdict.by, verdict.reasoning, evidence)


def _fold_one(component: Component, verdicts: Sequence[Verdict], turns: int, broken_off: str | None) -> ComponentState:
    category = component.category
    status = first_status(category)
    judged: set[int] = set()
    error: str | None = None
    for verdict in verdicts:
        if verdict.status is None:
            error = error or f"turn {verdict.turn}: {verdict.error}"
        elif verdict.status not in CHAINS[category]:
            error = error or f"turn {verdict.turn}: {verdict.status} is no status of a {category}"
        else:
            status = advance(category, status, verdict.status)
            judged.add(verdict.turn)
    if status is last_status(category):
        error = None
    elif status is Status.ATTEMPTED:
        # A success that a verdict has earned already; a later missing one can only hide a better status.
        error = None
    else:
        missing = sorted(set(range(1, turns + 1)) - judged)
        if broken_off is not None:
            error = error or broken_off
        if missing and error is None:
            error = f"turn {missing[0]}: no verdict was given"
        if turns == 0 and category in HELD and error is None:
            error = "there is no turn to judge"
    return ComponentState(component, status, tuple(verdicts), error)
