"""Failure patterns by rule: on hand-made episodes, on planted faults, and laws that hold for any episode."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.analysis.failures.episodes import episode_failures
from pytest_ugst.analysis.failures.patterns import SETTLED, classify, merge, rank, unsettled
from pytest_ugst.analysis.failures.record import Failure, Pattern
from pytest_ugst.analysis.failures.shares import shares
from pytest_ugst.core.conversation import Conversation, StopReason
from pytest_ugst.core.episode import Episode
from tests.analysis.lettered_episodes import UNHEARD, episode
from tests.factories import make_episode, make_setting
from tests.simulators.agenda.agenda_rollout import play, shipped
from tests.strategies import episodes

LIMIT = StopReason.TURN_LIMIT
SHOES = "I return the running shoes, size nine."
LAMP = "And I exchange the desk lamp against a green one."


def patterns(one: Episode) -> list[str]:
    return [failure.pattern.value for failure in classify(one)]


def test_a_goal_that_was_kept_shows_no_failure() -> None:
    assert classify(episode({})) == ()
    # Done at the very limit, or with a goodbye and one more word behind it, is no going on for ever.
    assert classify(episode({"lamp": ".C" + "C" * 2}, stop=LIMIT)) == ()


def test_contradiction_carries_the_words_and_the_turn() -> None:
    (failure,) = classify(episode({"profile": "Am"}, quotes={"profile": "My card is 4929"}))
    assert failure.pattern is Pattern.CONTRADICTION
    assert (failure.turn, failure.components) == (2, ("profile",))
    assert failure.evidence[0].quote == "My card is 4929"
    assert failure.why == "goes against the profile"


def test_a_policy_that_was_never_followed_is_forgotten_not_contradicted() -> None:
    one = episode({"policy": "AAm", "lamp": ".CC"})
    assert [(f.pattern.value, f.why) for f in classify(one)] == [("confusion", "forgets how to behave")]
    # And one that broke in words is contradicted, in the last turn as well.
    assert patterns(episode({"policy": "AAm"}, quotes={"policy": "No farewell"})) == ["contradiction"]


def test_ending_before_the_agent_can_answer() -> None:
    one = episode({"shoes": "..", "size": "..", "lamp": "..", "colour": "..", "policy": "Am"}, closing=UNHEARD)
    (failure,) = classify(one)
    assert failure.pattern is Pattern.WRONGFUL_TERMINATION
    assert failure.components == ("policy", "shoes", "size", "lamp", "colour")
    assert failure.evidence[0].quote == UNHEARD.text


def test_who_asks_with_nothing_left_open_is_only_polite() -> None:
    assert classify(episode({}, closing=UNHEARD)) == ()


def test_ending_without_a_word_is_wrongful() -> None:
    base = episode({"shoes": ".", "lamp": "."})
    silent = base.model_copy(update={"conversation": Conversation(stop=StopReason.USER_ENDED), "verdicts": ()})
    assert patterns(silent) == ["wrongful_termination"]


def test_going_on_idly_is_a_failure_of_a_goal_that_was_kept() -> None:
    one = episode({"lamp": ".C" + "C" * 8}, stop=LIMIT)
    (failure,) = classify(one)
    assert failure.pattern is Pattern.WRONGFUL_TERMINATION
    assert (failure.turn, failure.components) == (3, ())
    assert one.succeeded


def test_cut_off_while_getting_on() -> None:
    one = episode({"shoes": "...CCCCCCC", "size": ".....CCCCC", "lamp": "." * 10, "colour": "." * 10}, stop=LIMIT)
    (failure,) = classify(one)
    assert failure.pattern is Pattern.POOR_LENGTH_MANAGEMENT
    assert failure.turn == 10


def test_a_user_who_chatters_is_no_stuck_one() -> None:
    """Ten turns in which nothing moves: what is spoken of tells the two apart."""
    nothing = {"shoes": "." * 10, "size": "." * 10, "lamp": "." * 10, "colour": "." * 10, "bright": "m" * 10}
    chatter = ["Lovely weather."] * 10
    assert patterns(episode(nothing, stop=LIMIT, said=chatter, tools=[3])) == ["poor_length_management"]
    assert patterns(episode(nothing, stop=LIMIT, said=[SHOES] * 10)) == ["misprioritization"]
    assert patterns(episode(nothing, stop=LIMIT, said=[SHOES, LAMP] * 5)) == ["poor_length_management"]


def test_who_never_comes_to_the_point_has_forgotten_the_goal() -> None:
    nothing = {"shoes": "." * 10, "size": "." * 10, "lamp": "." * 10, "colour": "." * 10, "bright": "m" * 10}
    (failure,) = classify(episode(nothing, stop=LIMIT, said=["How can I help you today?"] * 10))
    assert (failure.pattern, len(failure.components)) == (Pattern.CONFUSION, 5)
    assert failure.why == "never brings up anything of the goal, until it is cut off"


def test_ending_after_one_part() -> None:
    one = episode({"lamp": "..", "colour": "..", "bright": "mm"}, said=[SHOES, "That is all, thanks."])
    (failure,) = classify(one)
    assert failure.pattern is Pattern.MISPRIORITIZATION
    assert failure.components == ("lamp", "colour", "bright")


def test_a_part_that_was_brought_up_is_not_neglected() -> None:
    left = {"lamp": "...", "colour": "...", "bright": "mmm"}
    assert patterns(episode(left, said=[SHOES, LAMP, "Bye."])) == ["confusion"]
    # Not in the goal's words, but the agent did something that belongs to no other part.
    assert patterns(episode(left | {"shoes": ".CC", "size": ".CC"}, tools=[1], said=["A light!"])) == ["confusion"]


def test_the_goodbye_brings_nothing_up() -> None:
    left = {"lamp": "..", "colour": "..", "bright": "mm"}
    assert patterns(episode(left, said=[SHOES, "No desk lamp then. Bye."])) == ["misprioritization"]


@pytest.mark.parametrize(
    ("statuses", "why"),
    [
        ({"colour": "..", "lamp": ".C"}, "does a task otherwise than required"),
        ({"lamp": "..", "colour": ".C"}, "leaves a task unfinished"),
        ({"bright": "mm"}, "never makes a preference known"),
    ],
)
def test_confusion_says_what_went_wrong(statuses: dict[str, str], why: str) -> None:
    (failure,) = classify(episode(statuses, said=[SHOES, LAMP]))
    assert (failure.pattern, failure.why) == (Pattern.CONFUSION, why)


def test_what_was_said_against_the_goal_is_primary() -> None:
    left = {"lamp": "..", "colour": "..", "bright": "mm"}
    one = episode(left | {"profile": "mm"}, said=[SHOES, "Bye."], quotes={"profile": "Hm."})
    assert patterns(one) == ["contradiction", "misprioritization"]


def test_missing_verdicts_show_no_pattern() -> None:
    assert classify(episode({"lamp": "?."})) == ()
    assert episode_failures(episode({"lamp": "?."}), ()).undecided


@pytest.mark.parametrize("lost", ["?" * 10, "." * 9 + "?"])
def test_idleness_takes_a_verdict_on_all_there_was_to_do(lost: str) -> None:
    assert patterns(episode({"shoes": "C" * 10}, stop=LIMIT, closing=None)) == ["wrongful_termination"]
    unknown = episode({"shoes": lost}, stop=LIMIT, closing=None)
    assert classify(unknown) == ()
    assert episode_failures(unknown, ()).undecided


def test_a_conversation_that_broke_off_shows_only_what_was_broken() -> None:
    lost = {"profile": "m", "lamp": ".", "shoes": "."}
    assert patterns(episode(lost, stop=StopReason.AGENT_ERROR, quotes={"profile": "Hm."})) == ["contradiction"]


def test_a_judge_takes_the_place_of_a_guess_part_by_part() -> None:
    one = episode({"profile": "mm", "lamp": "..", "colour": ".."}, said=[SHOES, LAMP], quotes={"profile": "Hm."})
    by_rule = classify(one)
    assert {s.component.id for s in unsettled(one, by_rule)} == {"profile", "lamp", "colour"}
    said = Failure(pattern=Pattern.MISPRIORITIZATION, by="m", components=("lamp", "colour"))
    assert merge(by_rule, [said]) == rank([by_rule[0], said])
    assert merge(by_rule, []) == by_rule
    idle = classify(episode({"lamp": "C" * 10}, stop=LIMIT))
    assert not unsettled(one, idle)
    assert merge(idle, []) == idle


def test_shares_are_of_the_failed() -> None:
    every = [episode({"bright": "mm"}, goal=g) for g in "abc"] + [episode({}, goal="d"), episode({"lamp": "?"})]
    every.append(episode({"profile": "mm"}, goal="e", quotes={"profile": "Hm."}))
    found = shares(episode_failures(one, classify(one)) for one in every)
    assert (found.episodes, found.failed, found.undecided) == (6, 4, 1)
    assert found.primary[Pattern.CONFUSION].value == 75.0
    assert found.primary[Pattern.CONFUSION].low is not None
    assert sum(share.value or 0.0 for share in found.primary.values()) == 100.0


@given(episodes())
def test_laws(one: Episode) -> None:
    """Each failed sub-component has one pattern, no other has any, and nothing but the record counts."""
    failures = classify(one)
    named = [name for failure in failures for name in failure.components]
    failed = {s.component.id for s in one.final_state.failures() if s.error is None}
    assert len(named) == len(set(named))
    assert set(named) <= failed
    assert bool(failures) >= bool(failed)
    if one.broken_off is None:
        assert set(named) == failed
    assert all(f.turn is None or 1 <= f.turn <= len(one.conversation.turns) for f in failures)
    assert classify(one.model_copy(update={"setting": make_setting(simulator="x", agent="y", judge="z")})) == failures
    assert all(f.components or f.pattern in SETTLED for f in failures)


def planted(fault: str | None, seed: int) -> list[str]:
    """The primary pattern of every goal, of the record without what tells the plant."""
    landed = []
    for goal in shipped("test"):
        conversation, state = play(goal, fault, seed)
        turns = tuple(turn.model_copy(update={"user_reasoning": None}) for turn in conversation.turns)
        one = make_episode(
            goal,
            *(verdict for part in state for verdict in part.verdicts),
            conversation=conversation.model_copy(update={"turns": turns}),
            max_turns=goal.max_turns or 10,
        )
        landed.append(next(iter(patterns(one)), "none"))
    return landed


@pytest.mark.parametrize(
    "fault",
    ["confusion", "contradiction", "wrongful_termination", "poor_length_management", "misprioritization"],
)
def test_planted_faults_land_on_their_own_pattern(fault: str) -> None:
    broken = [seen for seen in planted(fault, 5) if seen != "none"]
    assert broken.count(fault) >= 0.9 * len(broken)
    assert len(broken) >= 28


def test_a_faultless_user_shows_no_failure() -> None:
    assert set(planted(None, 5)) == {"none"}


@given(st.lists(st.sampled_from(Pattern)))
def test_ranking_loses_nothing(kinds: list[Pattern]) -> None:
    failures = [Failure(pattern=kind, why=str(number)) for number, kind in enumerate(kinds)]
    assert sorted(rank(failures), key=lambda f: int(f.why)) == failures
