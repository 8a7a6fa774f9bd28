"""Judge and check, held against each other."""

from __future__ import annotations

import pytest

from pytest_ugst.analysis.agreement.disagreement import compare
from pytest_ugst.core.check import Check, Condition
from pytest_ugst.core.conversation import Conversation, StopReason, Turn
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import Category, Status
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.judges.checks import ChecksJudge

SAYS = Condition(user_says="tea")


def played(component: Component, *words: str, said: dict[int, Status], by: str = "j", error: int = 0) -> Episode:
    conversation = Conversation(
        turns=tuple(Turn(user=word, agent="Yes.") for word in words), stop=StopReason.TURN_LIMIT
    )
    verdicts = [Verdict(component="x", turn=turn, status=status, by=by) for turn, status in said.items()]
    if error:
        verdicts.append(Verdict(component="x", turn=error, error="no answer", by=by))
    return Episode(
        id="e",
        goal=Goal(id="e", text="Tea.", components=(component,)),
        setting=EpisodeConfig(simulator="s", agent="a", judge=by),
        max_turns=5,
        conversation=conversation,
        verdicts=tuple(verdicts),
    )


def objective(**check: object) -> Component:
    return Component(
        id="x", category=Category.OBJECTIVE, text="Get tea.", check=Check.model_validate({"beside": True, **check})
    )


def test_an_objective() -> None:
    one = objective(complete=SAYS)
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
    policy = Component(id="x", category=Category.POLICY, text="Ask for tea.", check=Check(once=SAYS, beside=True))
    opinions = compare([played(policy, *words, said={1: Status.ALIGNED})], ChecksJudge())
    assert bool(opinions.differing) == differ


def test_left_out() -> None:
    alone = Component(id="x", category=Category.OBJECTIVE, text="Get tea.", check=Check(complete=SAYS))
    episodes = [
        played(alone, "hello", said={1: Status.COMPLETE}),  # the check decides: there is no second opinion
        played(objective(complete=SAYS), "hello", said={1: Status.COMPLETE}, by="checks"),  # so it does here
        played(objective(complete=SAYS), said={}),
    ]
    opinions = compare(episodes, ChecksJudge())
    assert (opinions.compared, opinions.undecided, opinions.differing) == (0, 0, [])


def test_nothing_to_compare_with() -> None:
    missing = played(objective(complete=SAYS), "tea", said={}, error=1)
    unknown = played(objective(python="nobody"), "tea", said={1: Status.COMPLETE})
    opinions = compare([missing, unknown], ChecksJudge())
    assert (opinions.compared, opinions.undecided) == (0, 2)
