"""The law of statuses: how a sub-component's status may move, and what counts as success.

Source: "Goal Alignment in LLM-Based User Simulators for Conversational AI", section 4. Every category's statuses
form a chain, and a status only moves up its chain. Folding verdicts with :func:`advance` is taking a
maximum: commutative, associative and idempotent, so no order, repetition or omission of verdicts can break the law.
"""

from __future__ import annotations

from enum import StrEnum


class Category(StrEnum):
    """The five kinds of sub-components, in the order of the paper's tables.

    Example:
        >>> import pytest_ugst as ugst
        >>> [category.value for category in ugst.Category]
        ['profile', 'policy', 'objective', 'requirement', 'preference']
    """

    PROFILE = "profile"
    POLICY = "policy"
    OBJECTIVE = "objective"
    REQUIREMENT = "requirement"
    PREFERENCE = "preference"


class Status(StrEnum):
    """The statuses of sub-components, of all categories.

    Example:
        >>> import pytest_ugst as ugst
        >>> ugst.Status("COMPLETE") is ugst.Status.COMPLETE
        True
    """

    ALIGNED = "ALIGNED"
    MISALIGNED = "MISALIGNED"
    INCOMPLETE = "INCOMPLETE"
    ATTEMPTED = "ATTEMPTED"
    COMPLETE = "COMPLETE"


CHAINS: dict[Category, tuple[Status, ...]] = {
    Category.PROFILE: (Status.ALIGNED, Status.MISALIGNED),
    Category.POLICY: (Status.ALIGNED, Status.MISALIGNED),
    Category.OBJECTIVE: (Status.INCOMPLETE, Status.ATTEMPTED, Status.COMPLETE),
    Category.REQUIREMENT: (Status.INCOMPLETE, Status.ATTEMPTED, Status.COMPLETE),
    Category.PREFERENCE: (Status.MISALIGNED, Status.ALIGNED),
}
"""The statuses of each category, from the first to the last."""

SUCCESS = frozenset({Status.ALIGNED, Status.ATTEMPTED, Status.COMPLETE})
"""The statuses that count as success at the end of a conversation."""

HELD = frozenset({Category.PROFILE, Category.POLICY})
"""The categories whose success must hold in every turn; success of the others has to be reached once."""


def first_status(category: Category) -> Status:
    """Return the status that a sub-component of ``category`` starts with."""
    return CHAINS[category][0]


def last_status(category: Category) -> Status:
    """Return the status that a sub-component of ``category`` never leaves again."""
    return CHAINS[category][-1]


def advance(category: Category, current: Status, proposed: Status) -> Status:
    """Apply the law of statuses to one verdict.

    Args:
        category: The sub-component's category.
        current: Its status so far.
        proposed: The status that a judge gives.

    Returns:
        The later of the two on the category's chain.

    Raises:
        ValueError: If either status does not belong to the category.
    """
    chain = CHAINS[category]
    for status in (current, proposed):
        if status not in chain:
            raise ValueError(f"{status} is no status of a {category}; its statuses are {', '.join(chain)}")
    return max(current, proposed, key=chain.index)
