"""The goal of a rule-based user: subgoals with constraints and requests.

After Schatzmann et al. 2007, "Agenda-Based User Simulation for Bootstrapping a POMDP Dialogue System", where a goal
is a set of constraints and a set of requests. Here both come from the ``slots`` of a goal's sub-components:

- objective: ``kind`` (restaurant, hotel, attraction, train), ``intent`` (find, book, change, cancel), and where they
  apply ``ask`` (facts to learn), ``reference`` (of the booking to change or cancel), ``if_full`` (what to change when
  it is fully booked), ``condition`` with ``alternative`` (see :class:`Subgoal`);
- requirement: constraints, such as ``{area: north, people: 4}``; preference: constraints to give up if need be;
- profile: what the user may say of themselves, such as ``{name: ...}``; policy: ``behaviour`` and what it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import Category

SEARCH: Final[Mapping[str, tuple[str, ...]]] = {
    "restaurant": ("name", "area", "cuisine", "price", "outdoor_seating"),
    "hotel": ("name", "area", "kind", "price", "stars", "parking", "wifi", "breakfast"),
    "attraction": ("name", "area", "kind", "free_entry"),
    "train": ("train_id", "origin", "destination", "day", "leave_after", "arrive_by"),
}
"""Constraints that say which place or train is wanted, by kind of subgoal."""
BOOKING: Final[Mapping[str, tuple[str, ...]]] = {
    "restaurant": ("people", "day", "time"),
    "hotel": ("people", "day", "nights"),
    "attraction": ("people", "day"),
    "train": ("people",),
}
"""Constraints that a booking needs, by kind of subgoal."""
INTENTS: Final = ("find", "book", "change", "cancel")
BEHAVIOURS: Final = frozenset(
    {
        "ask_to_repeat_booking",
        "be_brief",
        "greet_first",
        "keep_secret",
        "never_give_card",
        "never_give_phone",
        "no_contractions",
        "no_exclamations",
        "one_thing_at_a_time",
        "read_back_reference",
        "say_please",
        "say_thanks",
    }
)
"""The policies that the agenda knows how to follow."""

Slots = dict[str, Any]
"""Values by the name of the slot."""

_REMEDY: Final = "give its components slots, or play it with a model (--ugst-sim=MODEL)"


@dataclass(slots=True)
class Subgoal:
    """A part of the user's goal: something to find, book, change or cancel."""

    kind: str
    """What it is about: a key of :data:`SEARCH`."""
    intent: str
    """What is to be done: one of :data:`INTENTS`."""
    constraints: Slots = field(default_factory=dict)
    """Constraints that have to hold."""
    preferences: Slots = field(default_factory=dict)
    """Constraints to give up if they can't be met."""
    requests: list[str] = field(default_factory=list)
    """Facts to learn: phone, address, postcode, entry_fee, ..."""
    reference: str | None = None
    """The reference of the booking to change or cancel."""
    if_full: Slots = field(default_factory=dict)
    """Constraints to take instead when what is wanted is fully booked."""
    condition: Slots = field(default_factory=dict)
    """When to turn to ``alternative``: ``{fact: entry_fee, above: 8}`` (or ``below``, or ``is``), or ``{full: true}``,
    or ``{none: true}`` when nothing matches."""
    alternative: Subgoal | None = None
    objective: str = ""
    """The objective's id."""
    parts: tuple[str, ...] = ()
    """The ids of its requirements and preferences."""

    def search_slots(self, with_preferences: bool = True) -> Slots:
        """Return the constraints that say which place or train is wanted.

        Args:
            with_preferences: Whether to include those that may be given up.
        """
        both = {**self.constraints, **(self.preferences if with_preferences else {})}
        return {name: both[name] for name in SEARCH[self.kind] if name in both}

    def booking_slots(self) -> Slots:
        """Return the constraints on the booking, or on the change of one."""
        both = {**self.constraints, **self.preferences}
        # The day of a train is a search constraint.
        return {n: both[n] for n in BOOKING[self.kind] if n in both and (self.kind, n) != ("train", "day")}

    def informable_slots(self) -> Iterator[str]:
        """Yield the name of every constraint the agent should have been told before the subgoal may be given up."""
        yield from self.search_slots()
        yield from self.booking_slots()

    def resolve_alternative(self) -> Subgoal:
        """Return the alternative, with whatever it does not say itself taken over from this subgoal.

        Without an alternative, return the subgoal itself.
        """
        if self.alternative is None:
            return self
        other = self.alternative
        same_kind = other.kind == self.kind
        known = {*SEARCH[other.kind], *BOOKING[other.kind]}
        inherited = {
            n: v for n, v in self.constraints.items() if n in known and (same_kind or n != "kind") and n != "name"
        }
        other.constraints = {**inherited, **other.constraints}
        other.objective, other.parts = self.objective, self.parts
        return other


@dataclass(slots=True)
class UserGoal:
    """A goal as the rule-based user pursues it: subgoals, and what is known of the user."""

    subgoals: list[Subgoal]
    profile: Slots
    policies: list[Slots]

    def follows(self, behaviour: str) -> bool:
        """Return whether a policy asks for this behaviour."""
        return any(policy.get("behaviour") == behaviour for policy in self.policies)


def read_user_goal(goal: Goal) -> UserGoal:
    """Read the slots of a goal's components.

    Raises:
        UsageError: If the goal has no objective with slots, or slots the agenda does not understand.
    """
    where = f"{goal.source}: goal {goal.id!r}" if goal.source else f"goal {goal.id!r}"
    if goal.components is None:
        raise UsageError(f"{where}: the agenda simulator needs components with slots and this goal has none; {_REMEDY}")
    by_category: dict[Category, list[Component]] = {category: [] for category in Category}
    for component in goal.components:
        by_category[component.category].append(component)
    objectives = by_category[Category.OBJECTIVE]
    if not objectives:
        raise UsageError(f"{where}: the agenda simulator needs at least one task objective with slots; {_REMEDY}")
    subgoals = [_read_objective(objective, goal.components, where) for objective in objectives]
    policies = [dict(component.slots) for component in by_category[Category.POLICY]]
    for policy in policies:
        if policy and policy.get("behaviour") not in BEHAVIOURS:
            raise UsageError(
                f"{where}: slots: unknown behaviour {policy.get('behaviour')!r}; known: {', '.join(sorted(BEHAVIOURS))}"
            )
    profile = {name: value for c in by_category[Category.PROFILE] for name, value in c.slots.items()}
    return UserGoal(subgoals, profile, policies)


def _read_objective(objective: Component, components: Iterable[Component], where: str) -> Subgoal:
    """Read an objective with its requirements and preferences."""
    if not objective.slots:
        raise UsageError(f"{where}: {objective.id} has no slots for the agenda simulator; {_REMEDY}")
    subgoal = _read_subgoal(objective.slots, f"{where}: {objective.id}")
    subgoal.objective = objective.id
    parts = [c for c in components if c.parent == objective.id]
    subgoal.parts = tuple(part.id for part in parts)
    for part in parts:
        (subgoal.constraints if part.category is Category.REQUIREMENT else subgoal.preferences).update(part.slots)
    _require_known(subgoal, f"{where}: {objective.id}")
    return subgoal


def _read_subgoal(slots: Mapping[str, Any], where: str) -> Subgoal:
    kind, intent = slots.get("kind"), slots.get("intent", "find")
    _require_valid(slots, where)
    condition, alternative = slots.get("condition"), slots.get("alternative")
    subgoal = Subgoal(
        kind=str(kind),
        intent=str(intent),
        constraints=dict(slots.get("want") or {}),
        requests=list(slots.get("ask") or []),
        reference=slots.get("reference"),
        if_full=dict(slots.get("if_full") or {}),
        condition=dict(condition or {}),
        alternative=_read_subgoal(alternative, f"{where}: alternative") if isinstance(alternative, Mapping) else None,
    )
    _require_known(subgoal, where)
    return subgoal


def _require_valid(slots: Mapping[str, Any], where: str) -> None:
    """Raise UsageError for an objective's slots that are missing, unknown or of the wrong type."""
    kind, intent = slots.get("kind"), slots.get("intent", "find")
    if kind not in SEARCH:
        raise UsageError(f"{where}: slots: kind is {kind!r}; use one of {', '.join(SEARCH)}")
    if intent not in INTENTS:
        raise UsageError(f"{where}: slots: intent is {intent!r}; use one of {', '.join(INTENTS)}")
    if intent in ("change", "cancel") and not slots.get("reference"):
        raise UsageError(f"{where}: slots: to {intent} a booking takes its reference")
    known = {"kind", "intent", "want", "ask", "reference", "if_full", "condition", "alternative"}
    if unknown := sorted(set(slots) - known):
        raise UsageError(f"{where}: slots: unknown {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    if (slots.get("condition") is None) != (slots.get("alternative") is None):
        raise UsageError(f"{where}: slots: condition and alternative go together")
    for name in ("want", "if_full", "condition"):
        value = slots.get(name)
        if value is not None and not isinstance(value, Mapping):
            raise UsageError(f"{where}: slots: {name} takes names and values")
    ask = slots.get("ask") or []
    if not isinstance(ask, list | tuple) or not all(isinstance(fact, str) for fact in ask):
        raise UsageError(f"{where}: slots: ask takes a list of facts, such as [phone, address]")


def _require_known(subgoal: Subgoal, where: str) -> None:
    """Raise UsageError for constraints that a subgoal of this kind can't have."""
    known = {*SEARCH[subgoal.kind], *BOOKING[subgoal.kind]}
    if unknown := sorted({*subgoal.constraints, *subgoal.preferences, *subgoal.if_full} - known):
        raise UsageError(
            f"{where}: slots: a {subgoal.kind} has no {', '.join(unknown)}; it has {', '.join(sorted(known))}"
        )
