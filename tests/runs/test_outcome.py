"""Outcomes: what is counted of an episode."""

from __future__ import annotations

from hypothesis import given

from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.status import Category
from pytest_ugst.runs.outcome import Count, EpisodeOutcome, Tally, episode_outcome, tally, unplayed_outcome
from tests.factories import make_conversation, make_episode, make_goal, objective, policy, verdict
from tests.strategies import episodes, tallies


@given(tallies)
def test_tallies_survive_being_written(made: Tally) -> None:
    assert Tally.model_validate_json(made.model_dump_json()) == made


@given(episodes(bare=True))
def test_counts_are_of_all_that_was_tracked(episode: Episode) -> None:
    outcome = episode_outcome(episode)
    assert outcome.tally == tally(episode)
    assert outcome.tally.measured == bool(episode.components)
    assert sum(count.total for count in outcome.tally.counts.values()) == len(episode.components)
    for count in outcome.tally.counts.values():
        assert 0 <= count.successes <= count.successes + count.errors <= count.total
    assert outcome.statuses.keys() == {component.id for component in episode.components}
    assert outcome.succeeded == (
        outcome.tally.measured and all(count.successes == count.total for count in outcome.tally.counts.values())
    )
    assert EpisodeOutcome.model_validate_json(outcome.model_dump_json()) == outcome


def test_a_missing_verdict_is_an_error_and_no_success() -> None:
    goal = make_goal("g", policy("p"), objective("a"), objective("b"))
    outcome = episode_outcome(make_episode(goal, verdict("p", 1, "ALIGNED"), verdict("a", 1, "COMPLETE"), trial=2))
    assert (outcome.id, outcome.tally.goal, outcome.tally.trial) == ("g@2", "g", 2)
    assert outcome.tally.counts == {Category.POLICY: Count(1, 1), Category.OBJECTIVE: Count(2, 1, 1)}
    assert outcome.statuses == {"p": "ALIGNED", "a": "COMPLETE", "b": "ERROR"}
    assert not outcome.succeeded


def test_why_a_conversation_broke_off_is_kept() -> None:
    broken = make_conversation("Hello.", stop=StopReason.AGENT_ERROR, error="no answer")
    outcome = episode_outcome(make_episode("g", conversation=broken))
    assert (outcome.stop, outcome.turns) == (StopReason.AGENT_ERROR, 1)
    assert outcome.error == "conversation broke off (agent_error): no answer"


def test_what_could_not_be_played_has_nothing_to_count() -> None:
    outcome = unplayed_outcome("trip@2", "trip", 2, "no model")
    assert (outcome.tally, outcome.error) == (Tally(goal="trip", trial=2, measured=False), "no model")
    assert not outcome.succeeded
