"""Goals as a rule-based user sees them: errands with constraints and requests.

After Schatzmann et al. 2007, "Agenda-Based User Simulation for Bootstrapping a POMDP Dialogue System", where a goal
is a set of constraints and a set of requests. Here both come from the ``slots`` of a goal's sub-components:

- objective: ``kind`` (restaurant, hotel, attraction, train), ``intent`` (find, book, change, cancel), and where they
  apply ``ask`` (facts to learn), ``reference`` (of the booking to change or cancel), ``if_full`` (what to change when
  it is fully booked), ``condition`` with ``alternative`` (see :class:`Subgoal`);
- requirement: constraints, such as ``{area: north, people: 4}``; preference: constraints to give up if need be;
- profile: what the user may say of themselves, such as ``{name: ...}``; policy: ``behaviour`` and what it takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
"""By kind of errand, the constraints that say which place or train."""
BOOKING: Final[Mapping[str, tuple[str, ...]]] = {
    "restaurant": ("people", "day", "time"),
    "hotel": ("people", "day", "nights"),
    "attraction": ("people", "day"),
    "train": ("people",),
}
"""By kind of errand, what a booking needs to know."""
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


@dataclass(slots=True)
class Subgoal:
    """One thing to get done."""

    kind: str
    intent: str
    want: Slots = field(default_factory=dict)
    """Constraints that have to hold."""
    wish: Slots = field(default_factory=dict)
    """Constraints to give up if they can't be met."""
    ask: list[str] = field(default_factory=list)
    """Facts to learn: phone, address, postcode, entry_fee, ..."""
    reference: str | None = None
    if_full: Slots = field(default_factory=dict)
    """What to take instead when what is wanted is fully booked."""
    condition: Slots = field(default_factory=dict)
    """When to turn to ``alternative``: ``{fact: entry_fee, above: 8}`` (or ``below``, or ``is``), or ``{full: true}``,
    or ``{none: true}`` when nothing matches."""
    alternative: Subgoal | None = None
    objective: str = ""
    """The objective's id."""
    parts: tuple[str, ...] = ()
    """The ids of its requirements and preferences."""

    def search(self, wished: bool = True) -> Slots:
        """The constraints that say which place or train."""
        both = {**self.want, **(self.wish if wished else {})}
        return {name: both[name] for name in SEARCH[self.kind] if name in both}

    def booking(self) -> Slots:
        """What the booking, or the change of one, has to be told."""
        both = {**self.want, **self.wish}
        return {n: both[n] for n in BOOKING[self.kind] if n in both and (self.kind, n) != ("train", "day")}

    def other(self) -> Subgoal:
        """The alternative, with whatever it does not say itself taken from this errand."""
        if self.alternative is None:
            return self
        own = self.alternative
        same_kind = own.kind == self.kind
        known = {*SEARCH[own.kind], *BOOKING[own.kind]}
        inherited = {n: v for n, v in self.want.items() if n in known and (same_kind or n != "kind") and n != "name"}
        own.want = {**inherited, **own.want}
        own.objective, own.parts = self.objective, self.parts
        return own


@dataclass(slots=True)
class UserGoal:
    """A goal, read: the errands, and what is known of the user."""

    errands: list[Subgoal]
    profile: Slots
    policies: list[Slots]

    def follows(self, behaviour: str) -> bool:
        """Whether a policy asks for this behaviour."""
        return any(policy.get("behaviour") == behaviour for policy in self.policies)


def read(goal: Goal) -> UserGoal:
    """Read a goal's slots.

    Raises:
        UsageError: If the goal has no objective with slots, or slots the agenda does not understand.
    """
    where = f"{goal.source}: goal {goal.id!r}" if goal.source else f"goal {goal.id!r}"
    remedy = "give its components slots, or play it with a model (--ugst-sim=MODEL)"
    if goal.components is None:
        raise UsageError(f"{where}: the agenda simulator needs components with slots and this goal has none; {remedy}")
    by_category: dict[Category, list[Component]] = {category: [] for category in Category}
    for component in goal.components:
        by_category[component.category].append(component)
    objectives = by_category[Category.OBJECTIVE]
    if not objectives:
        raise UsageError(f"{where}: the agenda simulator needs at least one task objective with slots; {remedy}")
    errands = []
    for objective in objectives:
        if not objective.slots:
            raise UsageError(f"{where}: {objective.id} has no slots for the agenda simulator; {remedy}")
        errand = _errand(objective.slots, f"{where}: {objective.id}")
        errand.objective = objective.id
        parts = [c for c in goal.components if c.parent == objective.id]
        errand.parts = tuple(part.id for part in parts)
        for part in parts:
            (errand.want if part.category is Category.REQUIREMENT else errand.wish).update(part.slots)
        _known(errand, f"{where}: {objective.id}")
        errands.append(errand)
    policies = [dict(component.slots) for component in by_category[Category.POLICY]]
    for policy in policies:
        if policy and policy.get("behaviour") not in BEHAVIOURS:
            raise UsageError(
                f"{where}: slots: unknown behaviour {policy.get('behaviour')!r}; known: {', '.join(sorted(BEHAVIOURS))}"
            )
    profile = {name: value for c in by_category[Category.PROFILE] for name, value in c.slots.items()}
    return UserGoal(errands, profile, policies)


def _errand(slots: Mapping[str, Any], where: str) -> Subgoal:
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
    condition, alternative = slots.get("condition"), slots.get("alternative")
    if (condition is None) != (alternative is None):
        raise UsageError(f"{where}: slots: condition and alternative go together")
    for name, value in (("want", slots.get("want")), ("if_full", slots.get("if_full")), ("condition", condition)):
        if value is not None and not isinstance(value, Mapping):
            raise UsageError(f"{where}: slots: {name} takes names and values")
    ask = slots.get("ask") or []
    if not isinstance(ask, list | tuple) or not all(isinstance(fact, str) for fact in ask):
        raise UsageError(f"{where}: slots: ask takes a list of facts, such as [phone, address]")
    errand = Subgoal(
        kind=str(kind),
        intent=str(intent),
        want=dict(slots.get("want") or {}),
        ask=list(ask),
        reference=slots.get("reference"),
        if_full=dict(slots.get("if_full") or {}),
        condition=dict(condition or {}),
        alternative=_errand(alternative, f"{where}: alternative") if isinstance(alternative, Mapping) else None,
    )
    _known(errand, where)
    return errand


def _known(errand: Subgoal, where: str) -> None:
    known = {*SEARCH[errand.kind], *BOOKING[errand.kind]}
    if unknown := sorted({*errand.want, *errand.wish, *errand.if_full} - known):
        raise UsageError(
            f"{where}: slots: a {errand.kind} has no {', '.join(unknown)}; it has {', '.join(sorted(known))}"
        )


def slots_to_tell(errand: Subgoal) -> Iterator[str]:
    """The names of every constraint the agent should have heard before an errand may be given up."""
    yield from errand.search()
    yield from errand.booking()
