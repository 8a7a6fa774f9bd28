"""Tests of the judge ``checks``."""

from __future__ import annotations

import asyncio
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.check import Check, CheckMode, Condition
from pytest_ugst.core.conversation import Conversation, StopReason, ToolCall
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.protocols import Judge
from pytest_ugst.core.registry import Names
from pytest_ugst.core.status import CHAINS, Category, Status, first_status
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.judges import checks as module
from pytest_ugst.judges.checks import ChecksJudge
from tests.factories import make_component, make_conversation, make_goal, make_turn, policy, verdict


def component(category: str, name: str = "c", **check: Any) -> Component:
    return make_component(category, name, Check.model_validate(check) if check else None)


def statuses(one: Component, conversation: Conversation, judge: ChecksJudge | None = None) -> list[Status | None]:
    judge = judge or ChecksJudge()
    turns = range(1, len(conversation.turns) + 1)
    return [judge.verdicts([one], conversation, turn)[0].status for turn in turns]


CHAT = make_conversation(("Hello, please", "Yes?"), ("My card is 1234", "Booked."), ("thanks, please", "Bye."))


def test_it_is_a_judge_and_answers_through_the_protocol() -> None:
    judge: Judge = ChecksJudge()
    assert isinstance(judge, Judge)
    asked = [component("policy", never={"user_says": "card"}), component("preference", "p", aligned={"user_says": "x"})]
    verdicts = asyncio.run(judge.judge(asked, CHAT, 2))
    assert [(v.component, v.turn, v.status, v.by) for v in verdicts] == [
        ("c", 2, Status.MISALIGNED, "checks"),
        ("p", 2, Status.MISALIGNED, "checks"),
    ]


def test_never_and_every_look_at_single_turns() -> None:
    never = component("policy", never={"user_says": r"\d{4}"})
    assert statuses(never, CHAT) == [Status.ALIGNED, Status.MISALIGNED, Status.ALIGNED]
    every = component("profile", every={"user_says": "please"})
    assert statuses(every, CHAT) == [Status.ALIGNED, Status.MISALIGNED, Status.ALIGNED]
    assert GoalState.fold([every], ChecksJudge().verdicts([every], CHAT, 2), 2)["c"].status is Status.MISALIGNED


def test_the_verdict_quotes_what_broke_the_rule() -> None:
    judge = ChecksJudge()
    (broken,) = judge.verdicts([component("policy", never={"user_says": r"\d{4}"})], CHAT, 2)
    assert [(e.turn, e.speaker, e.quote) for e in broken.evidence] == [(2, "user", "My card is 1234")]
    (lacking,) = judge.verdicts([component("policy", every={"user_says": "please"})], CHAT, 2)
    assert lacking.evidence[0].quote == "My card is 1234"
    assert "lacks" in lacking.reasoning


def test_a_task_rises_and_stays_reached() -> None:
    task = component("objective", complete={"agent_says": "booked"}, attempted={"agent_says": "yes"})
    assert statuses(task, CHAT) == [Status.ATTEMPTED, Status.COMPLETE, Status.COMPLETE]
    untouched = component("requirement", complete={"agent_says": "never said"})
    assert statuses(untouched, CHAT) == [Status.INCOMPLETE] * 3


def test_parts_of_a_task_may_fall_into_different_turns() -> None:
    task = component("objective", complete={"all_of": [{"user_says": "hello"}, {"agent_says": "booked"}]})
    assert statuses(task, CHAT) == [Status.INCOMPLETE, Status.COMPLETE, Status.COMPLETE]
    backwards = component("objective", complete={"in_order": [{"agent_says": "booked"}, {"user_says": "hello"}]})
    assert statuses(backwards, CHAT) == [Status.INCOMPLETE] * 3
    together = {"in_order": [{"all_of": [{"user_says": "hello"}, {"agent_says": "booked"}]}]}
    assert statuses(component("objective", complete=together), CHAT) == [Status.INCOMPLETE] * 3


def test_later_turns_are_not_looked_at() -> None:
    task = component("objective", complete={"agent_says": "booked"})
    (early,) = ChecksJudge().verdicts([task], CHAT, 1)
    assert early.status is Status.INCOMPLETE


def test_tool_calls_are_quoted() -> None:
    call = ToolCall(id="1", name="book_hotel", arguments={"name": "The Blue Door", "people": 2}, result='{"ok": 1}')
    conversation = make_conversation(make_turn("Book", "Done", call))
    task = component("objective", complete={"tool": {"name": "book_hotel|book_inn", "args": {"people": ["2", 3]}}})
    (verdict,) = ChecksJudge().verdicts([task], conversation, 1)
    assert verdict.status is Status.COMPLETE
    assert verdict.evidence[0].speaker == "tool"
    assert verdict.evidence[0].quote == 'book_hotel(name="The Blue Door", people=2) -> {"ok": 1}'


def test_once_is_judged_at_the_end() -> None:
    kept = component("policy", "kept", once={"user_says": "thanks"})
    missed = component("policy", "missed", once={"user_says": "what about"})
    other = component("policy", "other", never={"user_says": "zzz"})
    judge = ChecksJudge()
    assert all(v.status is Status.ALIGNED for v in judge.verdicts([kept, missed], CHAT, 3))
    ended = CHAT.model_copy(update={"stop": StopReason.USER_ENDED})
    assert [(v.component, v.turn, v.status) for v in judge.finish([kept, missed, other], ended)] == [
        ("kept", 3, Status.ALIGNED),
        ("missed", 3, Status.MISALIGNED),
    ]
    broken = CHAT.model_copy(update={"stop": StopReason.AGENT_ERROR})
    assert [v.component for v in judge.finish([kept, missed], broken)] == ["kept"]
    assert judge.finish([kept], Conversation()) == []


def test_a_component_without_check_is_an_error_not_a_success() -> None:
    (verdict,) = ChecksJudge().verdicts([component("policy")], CHAT, 1)
    assert verdict.status is None
    assert "no check" in (verdict.error or "")
    (early,) = ChecksJudge().verdicts([component("policy", never={"user_says": "x"})], CHAT, 9)
    assert early.error == "there is no turn 9"


def _registered(check: Any) -> ChecksJudge:
    names: Names[Any] = Names("check")
    names.add("mine", check)
    return ChecksJudge(names)


PYTHON = component("objective", python="mine", args={"word": "booked"})


def test_a_python_check_gets_its_arguments() -> None:
    def mine(one: Component, conversation: Conversation, turn: int, *, word: str) -> Status | None:
        assert len(conversation.turns) == turn
        return Status.COMPLETE if word in (conversation.turns[-1].agent or "").lower() else None

    assert statuses(PYTHON, CHAT, _registered(mine)) == [Status.INCOMPLETE, Status.COMPLETE, Status.INCOMPLETE]


def test_a_python_check_may_return_a_verdict() -> None:
    def mine(one: Component, conversation: Conversation, turn: int, **args: Any) -> Verdict:
        return verdict(one.id, turn, "ATTEMPTED", "", reasoning="because")

    (answer,) = _registered(mine).verdicts([PYTHON], CHAT, 1)
    assert (answer.status, answer.reasoning, answer.by) == (Status.ATTEMPTED, "because", "checks")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("DONE", "no status"),
        (7, "no status"),
        (Status.ALIGNED, "ALIGNED for a objective"),
        (verdict("other", 1, "COMPLETE"), "answered about other"),
        (verdict("c", 1, "ALIGNED"), "ALIGNED for a objective"),
        (ZeroDivisionError("oh"), "failed: ZeroDivisionError: oh"),
    ],
)
def test_a_wrong_answer_of_a_python_check_is_an_error(answer: Any, words: str) -> None:
    def mine(one: Component, conversation: Conversation, turn: int, **args: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    (verdict,) = _registered(mine).verdicts([PYTHON], CHAT, 1)
    assert verdict.status is None
    assert words in (verdict.error or "")


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    points = EntryPoints(
        [EntryPoint("length", f"{__name__}:length", module.GROUP), EntryPoint("lost", "no.such:thing", module.GROUP)]
    )
    monkeypatch.setattr(module, "entry_points", lambda group: points.select(group=group))


def length(one: Component, conversation: Conversation, turn: int) -> str:
    return "COMPLETE" if turn >= 2 else "ATTEMPTED"


@pytest.mark.usefixtures("_installed")
def test_an_installed_package_brings_checks() -> None:
    task = component("objective", python="length")
    assert statuses(task, CHAT) == [Status.ATTEMPTED, Status.COMPLETE, Status.COMPLETE]
    (lost,) = ChecksJudge().verdicts([component("objective", python="lost")], CHAT, 1)
    assert "does not load" in (lost.error or "")


@pytest.mark.usefixtures("_installed")
def test_validation_names_goal_component_and_remedy() -> None:
    def goal(**check: Any) -> Goal:
        return make_goal("g", component("objective", "task-1", **check))

    judge = ChecksJudge()
    judge.validate(goal(python="length"))
    judge.validate(goal(complete={"user_says": "a+"}))
    judge.validate(make_goal())
    with pytest.raises(
        UsageError, match=r"goal: g: task-1: check: python: unknown check 'lengths'; did you mean 'length'"
    ):
        judge.validate(goal(python="lengths"))
    with pytest.raises(UsageError, match=r"g: task-1: check: the pattern .* bound the outer one"):
        judge.validate(goal(complete={"any_of": [{"user_says": "(a+)+"}]}))


def test_a_dangerous_pattern_is_an_error_verdict() -> None:
    one = component("policy", never={"user_says": "(a+)+$"}, once={"user_says": "(a+)+$"})
    judge = ChecksJudge()
    assert "bound the outer one" in (judge.verdicts([one], CHAT, 1)[0].error or "")
    assert "bound the outer one" in (judge.finish([one], CHAT)[0].error or "")


RULES: dict[Category, list[dict[str, Any]]] = {
    Category.PROFILE: [{"never": {"user_says": "a"}}, {"every": {"user_says": "b"}}, {"once": {"agent_says": "c"}}],
    Category.POLICY: [{"never": {"agent_says": "a"}, "once": {"user_says": "b"}}, {"python": "mine"}, {}],
    Category.OBJECTIVE: [{"complete": {"user_says": "a"}, "attempted": {"agent_says": "b"}}, {"python": "gone"}],
    Category.REQUIREMENT: [{"attempted": {"user_says": "c"}}, {"complete": {"none_of": [{"user_says": "a"}]}}],
    Category.PREFERENCE: [{"aligned": {"user_says": "b"}}, {"python": "mine"}],
}
drawn = st.sampled_from([(category, check) for category, rules in RULES.items() for check in rules])
texts = st.text("abc", max_size=3)


@given(st.lists(drawn, max_size=6), st.lists(st.tuples(texts, st.none() | texts), min_size=1, max_size=4), st.data())
def test_every_component_gets_one_fitting_verdict(
    asked: list[tuple[Category, dict[str, Any]]], said: list[tuple[str, str | None]], data: st.DataObject
) -> None:
    parts = [component(category, f"c{i}", **check) for i, (category, check) in enumerate(asked)]
    judge = _registered(lambda one, conversation, turn: first_status(one.category))
    turn = data.draw(st.integers(1, len(said)))
    verdicts = judge.verdicts(parts, make_conversation(*said), turn)
    assert [(v.component, v.turn) for v in verdicts] == [(part.id, turn) for part in parts]
    for part, one in zip(parts, verdicts, strict=True):
        assert one.error is not None or one.status in CHAINS[part.category]
        if part.check is not None and part.check.python != "gone":
            assert one.error is None


def test_a_first_rule_looks_at_the_first_turn_alone() -> None:
    greets = policy("p", Check(first=Condition(user_says="^hello")))
    polite = make_conversation("Hello!", "A table, please.")
    late = make_conversation("A table.", "Hello!")
    judge = ChecksJudge()
    assert [judge.verdicts([greets], polite, t)[0].status for t in (1, 2)] == [Status.ALIGNED, Status.ALIGNED]
    assert [judge.verdicts([greets], late, t)[0].status for t in (1, 2)] == [Status.MISALIGNED, Status.ALIGNED]


@pytest.mark.parametrize(
    ("mode", "beside", "own", "decides", "second"),
    [
        ("decide", False, True, True, False),
        ("beside", False, True, True, False),
        ("decide", False, False, True, False),
        ("decide", True, False, False, True),
        ("beside", False, False, False, True),
        ("beside", True, False, False, True),
        ("off", False, False, False, False),
        ("off", True, False, False, False),
    ],
)
def test_who_decides(mode: CheckMode, beside: bool, own: bool, decides: bool, second: bool) -> None:
    class Other:
        name = "other"

        async def judge(self, components: Any, conversation: Any, turn: int) -> list[Verdict]:
            return []

    checks = ChecksJudge(mode=mode)
    judge = checks if own else Other()
    checked = Component(
        id="p", category=Category.POLICY, text="x", check=Check(never=Condition(user_says="no"), beside=beside)
    )
    bare = checked.model_copy(update={"check": None})
    assert checks.decides(checked, judge) is decides
    assert checks.stands_beside(checked, judge) is second
    assert not checks.decides(bare, judge)
    assert not checks.stands_beside(bare, judge)
