from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_ugst.core.chat import ChatUnavailableError
from pytest_ugst.core.conversation import Conversation, Turn
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.goal import Component
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.protocols import AgentTurn, Judge, Session, UserTurn
from pytest_ugst.core.status import Status
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.engine.goal_tracker import GoalTracker
from pytest_ugst.engine.rollout import run_episode
from pytest_ugst.judges.checks import ChecksJudge
from tests.factories import complete as done_when
from tests.factories import make_goal, objective, once, policy, verdict
from tests.stub_roles import END, FirstStatus, Judges, agrees, make_roles, make_spec


def said(turns: int) -> Conversation:
    return Conversation(turns=tuple(Turn(user=f"turn {n}", agent="yes") for n in range(1, turns + 1)))


async def track(components: Sequence[Component], judge: Judge, turns: int = 2) -> tuple[Verdict, ...]:
    tracker = GoalTracker(components, judge, ChecksJudge())
    for turn in range(1, turns + 1):
        tracker.turn(said(turn))
    return await tracker.finish(said(turns))


def labels(components: Sequence[Component], verdicts: Sequence[Verdict], turns: int = 2) -> list[str]:
    return [state.label for state in GoalState.fold(components, verdicts, turns)]


def test_a_judge_that_raises_gives_errors_not_successes() -> None:
    async def fails(components: Sequence[Component], conversation: Conversation, turn: int) -> Sequence[Verdict]:
        raise KeyError("oops")

    parts = [objective("a"), policy("b")]
    verdicts = asyncio.run(track(parts, Judges(fails)))
    assert [(v.component, v.turn, v.by) for v in verdicts] == [
        ("a", 1, "judges"),
        ("b", 1, "judges"),
        ("a", 2, "judges"),
        ("b", 2, "judges"),
    ]
    assert {v.error for v in verdicts} == {"the judge judges failed: KeyError: 'oops'"}
    assert labels(parts, verdicts) == ["ERROR", "ERROR"]


@pytest.mark.parametrize("answer", [None, 7, ["INCOMPLETE"], [object()]])
def test_a_judge_that_answers_with_no_verdicts_at_all_gives_errors(answer: Any) -> None:
    async def odd(components: Sequence[Component], conversation: Conversation, turn: int) -> Any:
        return answer

    parts = [objective("a")]
    verdicts = asyncio.run(track(parts, Judges(odd)))
    assert len(verdicts) == 2
    assert all(v.error and "the judge judges failed" in v.error for v in verdicts)


def test_what_a_judge_leaves_out_is_an_error_and_strangers_are_dropped() -> None:
    async def careless(components: Sequence[Component], conversation: Conversation, turn: int) -> Sequence[Verdict]:
        return [
            verdict("a", turn, "COMPLETE"),
            verdict("stranger", turn, "COMPLETE"),
            verdict("b", turn + 1, "ALIGNED"),  # about a turn that was not asked about
        ]

    parts = [objective("a"), policy("b")]
    verdicts = asyncio.run(track(parts, Judges(careless)))
    assert {v.component for v in verdicts} == {"a", "b"}
    assert [v.error for v in verdicts if v.component == "b"] == ["the judge judges left this sub-component out"] * 2
    assert labels(parts, verdicts) == ["COMPLETE", "ERROR"]


def test_what_is_settled_is_not_judged_again() -> None:
    asked: list[tuple[int, list[str]]] = []
    script = {
        1: {"a": "COMPLETE", "b": "ALIGNED", "c": "ATTEMPTED"},
        2: {"b": "MISALIGNED", "c": "ATTEMPTED"},
        3: {"c": "ATTEMPTED"},
    }

    async def judge(components: Sequence[Component], conversation: Conversation, turn: int) -> Sequence[Verdict]:
        asked.append((turn, [c.id for c in components]))
        return [verdict(c.id, turn, script[turn][c.id]) for c in components]

    parts = [objective("a"), policy("b"), objective("c")]
    verdicts = asyncio.run(track(parts, Judges(judge), turns=3))
    assert asked == [(1, ["a", "b", "c"]), (2, ["b", "c"]), (3, ["c"])]
    assert labels(parts, verdicts, 3) == ["COMPLETE", "MISALIGNED", "ATTEMPTED"]


def test_once_all_is_settled_nobody_is_asked() -> None:
    judge = FirstStatus()
    parts = [objective("a", done_when("turn 1"))]
    verdicts = asyncio.run(track(parts, judge, turns=4))
    assert judge.asked == []
    assert [(v.turn, v.status) for v in verdicts] == [(1, Status.COMPLETE)]


def test_checked_sub_components_never_reach_the_judge() -> None:
    judge = FirstStatus()
    parts = [objective("a", done_when("turn 2")), objective("b"), policy("c", once("turn 3"))]
    verdicts = asyncio.run(track(parts, judge, turns=2))
    assert judge.asked == [(1, ["b"]), (2, ["b"])]
    assert {v.component for v in verdicts if v.by == "checks"} == {"a", "c"}
    # The rule "once" is judged at the end.
    assert labels(parts, verdicts) == ["COMPLETE", "INCOMPLETE", "MISALIGNED"]


class Gate:
    """A judge that answers about a turn only when it is let."""

    name = "judges"

    def __init__(self) -> None:
        self.events: list[str] = []
        self.open: dict[int, asyncio.Event] = {}

    def let(self, turn: int) -> asyncio.Event:
        return self.open.setdefault(turn, asyncio.Event())

    async def judge(self, components: Sequence[Component], conversation: Conversation, turn: int) -> Sequence[Verdict]:
        self.events.append(f"judge {turn} asked")
        await self.let(turn).wait()
        self.events.append(f"judge {turn} said")
        return [verdict(c.id, turn, "INCOMPLETE") for c in components]


def test_a_slow_judge_holds_nobody_up() -> None:
    """Without steering the whole conversation is over before the first verdict is there."""

    async def scene() -> None:
        gate = Gate()

        async def speak(conversation: Conversation, state: GoalState | None) -> UserTurn:
            turn = len(conversation.turns) + 1
            gate.events.append(f"user {turn}")
            assert state is None
            await asyncio.sleep(0)
            if turn == 4:
                gate.let(1).set()
                return END
            return UserTurn(f"turn {turn}")

        spec = make_spec(make_goal("g", objective("a")))
        playing = asyncio.create_task(run_episode(spec, make_roles(speak, judge=gate)))
        await gate.let(1).wait()
        for turn in (2, 3):
            gate.let(turn).set()
        episode = await playing
        # Everything was said before the first verdict; then they come turn after turn, although all were waiting.
        assert [e for e in gate.events if e.startswith("user")] == ["user 1", "user 2", "user 3", "user 4"]
        assert gate.events.index("judge 1 said") > gate.events.index("user 4")
        judged = [e for e in gate.events if e.startswith("judge")]
        assert judged == [f"judge {turn} {what}" for turn in (1, 2, 3) for what in ("asked", "said")]
        assert [v.turn for v in episode.verdicts] == [1, 2, 3]

    asyncio.run(asyncio.wait_for(scene(), 30))


def test_steering_by_state_waits_for_the_state_before() -> None:
    async def scene() -> None:
        gate = Gate()
        seen: list[int] = []

        async def speak(conversation: Conversation, state: GoalState | None) -> UserTurn:
            assert state is not None
            assert state.turn == len(conversation.turns)
            assert all(s.error is None for s in state)
            seen.append(state.turn)
            gate.events.append(f"user {len(conversation.turns) + 1}")
            return UserTurn(f"turn {state.turn + 1}") if state.turn < 2 else END

        spec = make_spec(make_goal("g", objective("a")), steer="state")
        playing = asyncio.create_task(run_episode(spec, make_roles(speak, judge=gate)))
        for _ in range(50):
            await asyncio.sleep(0)
        assert gate.events == ["user 1", "judge 1 asked"]  # the second utterance needs S_1
        gate.let(1).set()
        gate.let(2).set()
        await playing
        assert gate.events == [
            *("user 1", "judge 1 asked", "judge 1 said"),
            *("user 2", "judge 2 asked", "judge 2 said"),
            "user 3",
        ]
        assert seen == [0, 1, 2]

    asyncio.run(asyncio.wait_for(scene(), 30))


def test_a_judge_out_of_reach_ends_the_conversation_soon() -> None:
    """What a judge can't judge is not worth playing on, and paying for."""
    spoken: list[int] = []

    async def gone(components: Sequence[Component], conversation: Conversation, turn: int) -> Sequence[Verdict]:
        raise ChatUnavailableError("no server at http://x")

    async def speak(conversation: Conversation, state: GoalState | None) -> UserTurn:
        spoken.append(len(conversation.turns))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return UserTurn("more")

    spec = make_spec(make_goal("g", objective("a")), max_turns=50)
    with pytest.raises(ChatUnavailableError, match="no server"):
        asyncio.run(run_episode(spec, make_roles(speak, judge=Judges(gone))))
    assert len(spoken) < 5


def test_giving_up_leaves_no_task_behind() -> None:
    async def scene() -> list[str]:
        told: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context["message"]))
        gate = Gate()

        async def crash(conversation: Conversation, session: Session) -> AgentTurn:
            if len(conversation.turns) == 2:
                raise ChatUnavailableError("gone")
            return await agrees(conversation, session)

        with pytest.raises(ChatUnavailableError):
            await run_episode(make_spec(make_goal("g", objective("a"))), make_roles(answer=crash, judge=gate))
        for _ in range(5):
            await asyncio.sleep(0)
        rest = [t.get_coro().__qualname__ for t in asyncio.all_tasks() if t is not asyncio.current_task()]  # type: ignore[union-attr]
        assert not [name for name in rest if name.startswith("GoalTracker")]
        return told

    assert asyncio.run(asyncio.wait_for(scene(), 30)) == []


def test_without_a_turn_there_are_no_verdicts() -> None:
    async def end(conversation: Conversation, state: GoalState | None) -> UserTurn:
        return END

    episode: Episode = asyncio.run(
        run_episode(make_spec(make_goal("g", policy("a", once("x")), objective("b"))), make_roles(end))
    )
    assert episode.verdicts == ()
    assert [s.label for s in episode.final_state] == ["ERROR", "INCOMPLETE"]
    assert not episode.succeeded


BESIDE = (policy("b", once("please", beside=True)), objective("a", done_when("turn 1", beside=True)))
"""Sub-components that a model judges, with checks as second opinions."""


def test_a_check_beside_the_judge_leaves_the_decision_to_it() -> None:
    judge = FirstStatus()
    parts = (*BESIDE, objective("c", done_when("turn 1")))
    verdicts = asyncio.run(track(parts, judge, turns=1))
    assert judge.asked == [(1, ["b", "a"])]
    state = GoalState.fold(parts, verdicts, 1)
    assert state["a"].status is Status.INCOMPLETE
    assert state["c"].status is Status.COMPLETE


def test_without_a_judge_model_the_check_decides() -> None:
    parts = (*BESIDE, objective("c", done_when("turn 1")))
    verdicts = asyncio.run(track(parts, ChecksJudge(), turns=1))
    assert GoalState.fold(parts, verdicts, 1).statuses() == {
        "b": Status.MISALIGNED,
        "a": Status.COMPLETE,
        "c": Status.COMPLETE,
    }
