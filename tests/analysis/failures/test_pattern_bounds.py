"""The rules for failure patterns on either side of each of their thresholds."""

from __future__ import annotations

import pytest

from pytest_ugst.analysis.failures.patterns import CLINGS, IDLE_TURNS, STUCK_TURNS, classify
from pytest_ugst.core.conversation import StopReason
from tests.analysis.lettered_episodes import episode

LIMIT = StopReason.TURN_LIMIT
SHOES = "I return the running shoes, size nine."
NOTHING = ("shoes", "size", "lamp", "colour")


@pytest.mark.parametrize(("idle", "seen"), [(IDLE_TURNS - 1, []), (IDLE_TURNS, ["wrongful_termination"])])
def test_going_on_idly(idle: int, seen: list[str]) -> None:
    one = episode({"lamp": ".C" + "C" * idle}, stop=LIMIT)
    assert [failure.pattern.value for failure in classify(one)] == seen
    assert IDLE_TURNS == 3  # as docs/failures.md has it


@pytest.mark.parametrize(
    ("turns", "elsewhere", "seen"),
    [
        (STUCK_TURNS - 1, 0, "poor_length_management"),
        (STUCK_TURNS, 0, "misprioritization"),
        (2 * CLINGS, 2, "misprioritization"),
        (2 * CLINGS, 3, "poor_length_management"),
    ],
)
def test_being_stuck(turns: int, elsewhere: int, seen: str) -> None:
    """A user is stuck in at least five turns of which three quarters are about one part."""
    said = [SHOES] * (turns - elsewhere) + ["Lovely weather."] * elsewhere
    one = episode(dict.fromkeys(NOTHING, "." * turns) | {"bright": "m" * turns}, stop=LIMIT, said=said)
    assert [failure.pattern.value for failure in classify(one)] == [seen]
    assert (STUCK_TURNS, CLINGS) == (5, 4)  # as docs/failures.md has it


def test_what_the_agent_did_counts_for_a_neglected_part_only_if_it_may_have_been_meant() -> None:
    left = {"shoes": "C...", "size": "C...", "lamp": "....", "colour": "....", "bright": "mmmm"}
    said = [SHOES, "Hm.", "Hm.", "Bye."]
    # After the shoes are dealt with, a tool call that the user said nothing about is the agent's own doing.
    assert [failure.pattern.value for failure in classify(episode(left, said=said, tools=[2]))] == ["misprioritization"]
    named = [SHOES, "And the desk.", "Hm.", "Bye."]
    assert [failure.pattern.value for failure in classify(episode(left, said=named, tools=[2]))] == ["confusion"]
