"""Judge and check, held against each other."""

from __future__ import annotations

import pytest

from pytest_ugst.analysis.agreement.disagreement import compare
from pytest_ugst.core.check import Check
from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.goal import Component
from pytest_ugst.core.status import Status
from pytest_ugst.judges.checks import ChecksJudge
from tests.factories import (
    complete,
    make_conversation,
    make_episode,
    make_goal,
    make_setting,
    objective,
    once,
    policy,
    verdict,
)


def played(component: Component, *words: str, said: dict[int, Status], by: str = "j", error: int = 0) -> Episode:
    verdicts = [verdict("x", turn, status, by) for turn, status in said.items()]
    return make_episode(
        make_goal("e", component),
        *verdicts,
        *([verdict("x", error, None, by)] if error else []),
        setting=make_setting(judge=by),
        conversation=make_conversation(*words, stop=StopReason.TURN_LIMIT),
    )


BESIDE = objective("x", complete("tea", beside=True), text="Get tea.")
"""An objective that a model judges, with a check as the second opinion."""


def test_an_objective() -> None:
    one = BESIDE
    done, open_ = Status.COMPLETE, Status.INCOMPLETE
    agree = played(one, "hello", "tea", said={1: open_, 2: done})
    early = played(one, "tea", "hello", said={1: open_, 2: done})  # both say complete, if not at once
    judge_only = played(one, "hello", "water", said={1: done})
    check_only = played(one, "hello", "tea", said={1: open_, 2: open_})
    tried = played(one, "hello", "water", said={1: Status.ATTEMPTED, 2: Status.ATTEMPTED})
    opinions = compare([agree, early, judge_only, check_only, tried], ChecksJudge())
    assert opinions.compared == 5
    assert opinions.undecided == 0
    first, second = opinions.differing
    assert (first.judge, first.judge_turn, first.check, first.check_turn) == (done, 1, open_, None)
    assert (second.judge, second.judge_turn, second.check, second.check_turn) == (open_, None, done, 2)
    assert first.text == "Get tea."


@pytest.mark.parametrize(("words", "differ"), [(("tea",), False), (("water",), True)])
def test_what_only_the_end_can_tell(words: tuple[str, ...], differ: bool) -> None:
    asks = policy("x", once("tea", beside=True))
    opinions = compare([played(asks, *words, said={1: Status.ALIGNED})], ChecksJudge())
    assert bool(opinions.differing) == differ


def test_left_out() -> None:
    episodes = [
        played(BESIDE, "hello", said={1: Status.COMPLETE}, by="checks"),  # the check decided: no second opinion
        played(BESIDE, said={}),
    ]
    opinions = compare(episodes, ChecksJudge())
    assert (opinions.compared, opinions.undecided, opinions.differing) == (0, 0, [])


def test_nothing_to_compare_with() -> None:
    missing = played(BESIDE, "tea", said={}, error=1)
    unknown = played(objective("x", Check(python="nobody", beside=True)), "tea", said={1: Status.COMPLETE})
    opinions = compare([missing, unknown], ChecksJudge())
    assert (opinions.compared, opinions.undecided) == (0, 2)
