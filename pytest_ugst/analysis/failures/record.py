"""Failure patterns, the ways in which simulators fail their goals, and the record of one failure."""

from __future__ import annotations

from enum import StrEnum

from pytest_ugst.core.base import Frozen, SafeText
from pytest_ugst.core.verdict import Evidence

RULE = "rule"
"""The value of :attr:`Failure.by` where the record alone decides."""


class Pattern(StrEnum):
    """The five patterns of Table 1 in "Goal Alignment in LLM-Based User Simulators for Conversational AI"."""

    CONFUSION = "confusion"
    """Parts of the goal are forgotten or mixed up."""
    CONTRADICTION = "contradiction"
    """Something is said or done against what the goal says of the user."""
    WRONGFUL_TERMINATION = "wrongful_termination"
    """The conversation is ended before the agent could answer, or goes on with nothing left to do."""
    POOR_LENGTH_MANAGEMENT = "poor_length_management"
    """The conversation is cut off at its limit with parts of the goal still open."""
    MISPRIORITIZATION = "misprioritization"
    """One part of the goal is clung to, or the conversation ended after it, and the others are neglected."""

    @property
    def spoken(self) -> str:
        """The pattern's name in running text, such as ``poor length management``."""
        return self.value.replace("_", " ")


class Failure(Frozen):
    """A pattern that an episode shows."""

    pattern: Pattern
    by: SafeText = RULE
    """The source of the classification: ``rule``, or the name of a judge model."""
    why: SafeText = ""
    """The reason, in a sentence."""
    turn: int | None = None
    """The turn at which it shows, counted from 1; None if no single turn shows it."""
    components: tuple[str, ...] = ()
    """Ids of the sub-components that failed by it; none if the goal was kept and only the end was wrong."""
    evidence: tuple[Evidence, ...] = ()
    """Quotes that show it."""
