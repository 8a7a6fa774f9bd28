"""Judging sampled turns: what earns what, and what earns nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pytest_ugst.core.check import Check, CheckMode, Condition
from pytest_ugst.core.conversation import Conversation, ToolCall, Turn
from pytest_ugst.core.protocols import AgentTurn, Session
from pytest_ugst.core.status import Category, Status
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.judges.checks import ChecksJudge
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.trainers.data.examples import FINAL_WORD
from pytest_ugst.trainers.grpo.reward.replies import Replies
from pytest_ugst.trainers.grpo.reward.reward import JudgedCompletion, PromptState, TurnReward
from pytest_ugst.trainers.grpo.reward.shaping import Shaping
from pytest_ugst.trainers.grpo.reward.wording import ModelWording
from tests.factories import objective, once, policy, verdict
from tests.scripted_chat import ScriptedChat
from tests.stub_roles import Agents
from tests.trainers.agenda_episodes import episodes, resolver
from tests.trainers.grpo.reward.sampled_turns import Judge, recorded, speak


def judge_one(reward: TurnReward, prompt_state: PromptState, text: str, finished: bool = True) -> JudgedCompletion:
    return asyncio.run(reward.judge_one(prompt_state, text, finished))


def by_checks(**more: object) -> TurnReward:
    made = resolver()
    return TurnReward(made.judge, made.checks, Replies(made.agent, made.domain), **more)  # type: ignore[arg-type]


def test_recorded_turns_are_answered_as_they_were_and_earn_what_they_did() -> None:
    reward = by_checks()
    for episode in episodes():
        for number, turn in enumerate(episode.conversation.turns, 1):
            got = judge_one(reward, PromptState(episode, number), speak(turn.user))
            assert got.error is None
            assert got.turn is not None
            assert (got.turn.agent, got.turn.tool_calls) == (turn.agent, turn.tool_calls)
            # These conversations keep to their goals: nothing is broken, and the state moves as it did.
            assert got.indicators is not None
            assert (got.indicators.profile, got.indicators.policy) == (1.0, 1.0)
            moved = [
                b.category
                for a, b in zip(episode.state(number - 1), episode.state(number), strict=True)
                if a.status is not b.status
            ]
            assert (Category.REQUIREMENT in moved) <= (got.indicators.requirement == 1.0)
        end = judge_one(reward, PromptState(episode, len(episode.conversation.turns) + 1), speak(FINAL_WORD))
        assert (end.reward, end.ended) == (2.5, True)
    assert reward.replies is not None
    assert reward.replies.counts["differed"] == 0
    assert reward.replies.counts["replayed"] > 0


def test_ending_early_forfeits_what_is_left() -> None:
    episode = episodes()[0]
    early = judge_one(by_checks(), PromptState(episode, 2), speak(FINAL_WORD))
    assert early.ended
    assert early.indicators is not None
    assert early.indicators.objective == 0.0
    assert early.reward == 2.0  # in turn 1 all else was done, or tried
    assert judge_one(by_checks(), PromptState(episode, 1), speak(FINAL_WORD)).reward == 0.0


def test_a_rule_that_falls_due_at_the_end_does_so_for_a_sampled_end() -> None:
    episode = recorded(policy("thank", once("thank")), objective("t"), said=[verdict("t", 1, "COMPLETE")])
    reward = TurnReward(Judge({}), ChecksJudge())
    prompt_state = PromptState(episode, 3)
    assert judge_one(reward, prompt_state, speak("Terminate.")).reward == 2.0
    assert judge_one(reward, prompt_state, speak("Thank you!\nTerminate.")).reward == 2.5
    # What the record's own end told of that rule is not known yet where the user speaks.
    ended = Verdict(component="thank", turn=2, status=Status.MISALIGNED, by="checks")
    late = episode.model_copy(
        update={"verdicts": (*episode.verdicts, verdict("thank", 1, "ALIGNED"), verdict("thank", 2, "ALIGNED"), ended)}
    )
    assert judge_one(reward, PromptState(late, 3), speak("Thank you!\nTerminate.")).reward == 2.5


@pytest.mark.parametrize(("mode", "asked", "reward"), [("decide", [], 1.0), ("beside", [["thank"]], 0.0)])
def test_the_judge_that_is_named_pays_the_reward(mode: CheckMode, asked: list[list[str]], reward: float) -> None:
    episode = recorded(policy("thank", Check(every=Condition(user_says="thank"))))
    judge = Judge({"thank": "MISALIGNED"})
    got = judge_one(TurnReward(judge, ChecksJudge(mode=mode)), PromptState(episode, 1), speak("I thank you."))
    assert got.indicators is not None
    assert got.indicators.policy == reward
    assert judge.asked == asked


def test_the_last_turn_there_is_ends_the_conversation() -> None:
    episode = recorded(policy("thank", once("thank")), objective("t"), max_turns=3)
    got = judge_one(TurnReward(Judge({"t": "COMPLETE"}), ChecksJudge()), PromptState(episode, 3), speak("go on"))
    assert got.ended
    assert got.reward == 2.0


@pytest.mark.parametrize(
    ("text", "finished", "fault"),
    [
        ("Hello.", True, "no reasoning"),
        ("Hello.", False, "cut off"),
        ("<think>\nlet me see", True, "unclosed reasoning"),
        ("<think>\n\n</think>\n\nHello.", True, "empty reasoning"),
        ("<think>a</think>\n\nHello <think>b</think>", True, "leaked reasoning"),
        ("<think>a</think>\n\n</think> Hello.", True, "leaked reasoning"),
        ("<think>a <think>b</think>\n\nHello.", True, "leaked reasoning"),
        ("Hello. <think>a</think>", True, "leaked reasoning"),
        ("so</think>\n\nHello.", True, "leaked reasoning"),
        ("<think>a</think>\n\n<reasoning>b</reasoning>Hello.", True, "leaked reasoning"),
        ("<think>a</think>\n\n", True, "nothing said"),
        ("<think>a</think>\n\nHello, I", False, "cut off"),
        ("", True, "no reasoning"),
    ],
)
def test_malformed_reasoning_earns_nothing_and_asks_nobody(text: str, finished: bool, fault: str) -> None:
    judge = Judge({"t": "COMPLETE"})
    got = judge_one(TurnReward(judge, ChecksJudge()), PromptState(recorded(objective("t")), 1), text, finished)
    assert (got.reward, got.parsed.format_error, judge.asked) == (0.0, fault, [])


def test_a_judge_that_fails_gives_no_reward_and_takes_none_from_others() -> None:
    episode = recorded(objective("t"), objective("s"), said=[verdict("s", 1, "COMPLETE")])
    judge = Judge({})
    reward = TurnReward(judge, ChecksJudge())
    prompt_states = [PromptState(episode, 2), PromptState(recorded(objective("s")), 1)]
    judge.says["s"] = "COMPLETE"
    failed, fine = asyncio.run(reward.judge_all(prompt_states, [speak("a"), speak("b")], [True, True]))
    assert (failed.reward, failed.error) == (None, "no answer")
    assert (fine.reward, fine.error) == (2.5, None)
    assert ["t"] in judge.asked  # s is complete already, and not judged again


def test_what_can_be_told_without_the_missing_verdict_counts() -> None:
    # One objective moved: whatever would have been said of the other, the condition is met.
    episode = recorded(objective("t"), objective("s"))
    got = judge_one(TurnReward(Judge({"t": "COMPLETE"}), ChecksJudge()), PromptState(episode, 2), speak("a"))
    assert got.reward == 2.5


@pytest.mark.parametrize("who", ["agent", "judge"])
def test_whatever_a_plugged_in_role_raises_costs_only_the_reward(who: str) -> None:
    class Broken:
        name = "broken"

        async def judge(self, *_: object) -> Sequence[Verdict]:
            raise ZeroDivisionError("oh")

    async def fails(conversation: Conversation, session: Session) -> AgentTurn:
        raise ZeroDivisionError("oh")

    judge = Broken() if who == "judge" else Judge({"t": "COMPLETE"})
    replies = Replies(Agents(fails), resolver().domain, "tools") if who == "agent" else None
    got = judge_one(TurnReward(judge, ChecksJudge(), replies), PromptState(recorded(objective("t")), 2), speak("a"))
    assert (got.reward, got.error) == (None, "ZeroDivisionError: oh")


def test_a_batch_is_judged_at_once_and_equal_completions_once() -> None:
    judge = Judge({"t": "COMPLETE"})
    prompt_state = PromptState(recorded(objective("t")), 1)
    texts = [speak(f"say {n % 5}") for n in range(10)]
    got = asyncio.run(TurnReward(judge, ChecksJudge()).judge_all([prompt_state] * 10, texts, [True] * 10))
    assert (judge.busiest, len(judge.asked)) == (5, 5)
    assert [one.reward for one in got] == [2.5] * 10


def test_the_agent_hears_no_reasoning_and_makes_recorded_calls_again() -> None:
    heard: list[Conversation] = []

    async def answers(conversation: Conversation, session: Session) -> AgentTurn:
        heard.append(conversation)
        return AgentTurn("fine")

    episode = episodes()[0]
    replies = Replies(Agents(answers), resolver().domain, "tools")
    got = judge_one(
        TurnReward(resolver().judge, resolver().checks, replies), PromptState(episode, 3), speak("And now?")
    )
    assert got.turn is not None
    assert got.turn.agent == "fine"
    assert len(heard) == 1
    assert [t.user_reasoning for t in heard[0].turns] == [None] * 3
    assert replies.counts == {"replayed": 2, "differed": 0}
    # A record of another database is noticed.
    wrong = ToolCall(id="1", name="search_trains", arguments={}, result="nothing of the kind")
    turns = (episode.conversation.turns[0].model_copy(update={"tool_calls": (wrong,)}),)
    other = episode.model_copy(update={"conversation": Conversation(turns=turns)})
    asyncio.run(replies.answer(other, other.conversation, Turn(user="a")))
    assert replies.counts["differed"] == 1


def test_penalties_are_off_unless_asked_for_and_say_what_they_took() -> None:
    episode = recorded(objective("t"), objective("s"), said=[verdict("t", 1, "COMPLETE")])
    long = speak("turn 1 " * 30)
    judge = Judge({"s": "INCOMPLETE"})
    plain = judge_one(TurnReward(judge, ChecksJudge()), PromptState(episode, 2), long)
    assert (plain.reward, plain.shaping) == (2.0, {})
    shaping = Shaping(length=0.5, max_words=40, repetition=1.0, termination=0.25)
    shaped = judge_one(TurnReward(judge, ChecksJudge(), shaping=shaping), PromptState(episode, 2), long)
    assert shaped.reward == pytest.approx(2.0 + sum(shaped.shaping.values()))
    assert shaped.shaping["length"] == pytest.approx(-0.25)
    assert -1.0 <= shaped.shaping["repetition"] < -0.9
    assert shaped.shaping["termination"] == 0.0


@pytest.mark.parametrize(
    ("status", "utterance", "penalty"),
    [
        ("INCOMPLETE", "Terminate.", -0.5),
        ("INCOMPLETE", "Go on.", 0.0),
        ("COMPLETE", "Terminate.", 0.0),
        ("COMPLETE", "Can you help me?\nTerminate.", -0.5),
        ("COMPLETE", "And then?", -0.5),
    ],
)
def test_discipline_at_the_end(status: str, utterance: str, penalty: float) -> None:
    episode = recorded(objective("t"), said=[verdict("t", n, status) for n in (1, 2)])
    reward = TurnReward(Judge({"t": "INCOMPLETE"}), ChecksJudge(), shaping=Shaping(termination=0.5))
    assert judge_one(reward, PromptState(episode, 3), speak(utterance)).shaping == {"termination": penalty}


@pytest.mark.parametrize(("answer", "reward"), [('{"score": 4}', 2.5 + 0.75), ("no idea", None)])
def test_the_judge_models_rating_is_a_term(answer: str, reward: float | None) -> None:
    chat = ScriptedChat(answer)
    shaping = Shaping(naturalness=1.0, wording=ModelWording(chat, Prompts.load()))
    got = judge_one(
        TurnReward(Judge({"t": "COMPLETE"}), ChecksJudge(), shaping=shaping),
        PromptState(recorded(objective("t")), 2),
        speak("a"),
    )
    assert got.reward == reward
    assert "You want g." in str(chat.requests[0])
    assert ("naturalness" in got.shaping) == (reward is not None) == (got.error is None)
