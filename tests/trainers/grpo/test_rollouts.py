"""Multi-turn sampling: whole conversations with the agent, each turn learned after the context it has in play."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.protocols import AgentTurn, Session
from pytest_ugst.judges.checks import ChecksJudge
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.simulators.llm import request
from pytest_ugst.trainers.common.tokens import PromptTokens
from pytest_ugst.trainers.data.examples import examples_of
from pytest_ugst.trainers.grpo.reward.indicators import RewardWeights
from pytest_ugst.trainers.grpo.reward.replies import Replies
from pytest_ugst.trainers.grpo.reward.reward import PromptState, TurnReward
from pytest_ugst.trainers.grpo.rollouts import Rollouts, judge_rollouts
from pytest_ugst.trainers.grpo.samples import PromptSample
from tests.factories import complete, objective, once, policy
from tests.stub_roles import Agents
from tests.trainers.agenda_episodes import episodes, write_folder
from tests.trainers.common.byte_tokenizer import ByteTokenizer
from tests.trainers.grpo.reward.sampled_turns import Judge, recorded, speak
from tests.trainers.grpo.tiny_training import logged, train
from tests.trainers.tiny_model import tiny_model


class Bytes(ByteTokenizer):
    """Reads bytes back."""

    def decode(self, ids: list[int], skip_special_tokens: bool) -> str:
        return bytes(i for i in ids if i < 256).decode()


@dataclass
class Trainer:
    """A trainer whose model follows a script for each conversation, turn by turn."""

    scripts: list[list[str]]
    eos_token_ids: Sequence[int] = (256,)
    heads: Any = None
    remembered: Any = None

    def ugst_turn_sampler(self, heads: Any) -> Any:
        self.heads = heads
        self.read: list[list[list[int]]] = [[] for _ in heads]

        def say(which: list[int], contexts: list[list[int]]) -> Any:
            for number, context in zip(which, contexts, strict=True):
                self.read[number].append(context)
            return [[*self.scripts[n].pop(0).encode(), 256] for n in which], None

        return say

    def ugst_keep_turns(self, heads: Any, rollouts: Any) -> None:
        self.remembered = rollouts


class Roles:
    def run(self, work: Any) -> Any:
        return asyncio.run(work)


def play(scripts: list[list[str]], judge: Judge, answers: Any = None, **goal: Any) -> tuple[Any, Trainer, TurnReward]:
    """Conversations about one goal, by script; the agent repeats what it hears."""

    async def repeats(conversation: Conversation, session: Session) -> AgentTurn:
        assert all(turn.user_reasoning is None for turn in conversation.turns)
        return AgentTurn(f"yes, {conversation.turns[-1].user}")

    parts = (policy("thank", once("thank")), objective("t", complete("turn 2")), objective("s"))
    episode = recorded(*parts, **goal)
    row = next(examples_of(episode, Prompts.load(), "written"))
    sample = PromptSample([m.model_dump() for m in row.prompt], PromptState(episode, 1))

    def no_domain(name: str) -> Any:
        raise AssertionError(name)

    reward = TurnReward(judge, ChecksJudge(), Replies(Agents(answers or repeats), no_domain))
    trainer = Trainer(scripts)
    tokens = PromptTokens(Bytes())
    rollouts = Rollouts([sample], tokens, reward, Roles(), None)  # type: ignore[arg-type]
    made = rollouts([sample.prompt] * len(scripts), trainer)
    assert trainer.remembered == made["rollout"]
    for rollout, read in zip(made["rollout"], trainer.read, strict=True):
        for number, context in enumerate(read):
            before = rollout.conversation.up_to(number) if number else Conversation()
            played = request(Prompts.load(), episode.goal, before, episode.max_turns, True)
            assert context == tokens.ids([{"role": m["role"], "content": str(m["content"])} for m in played])
    return made, trainer, reward


def test_conversations_are_read_as_in_play_and_earn_by_their_final_state() -> None:
    scripts = [
        [speak("turn 1"), speak("turn 2, thank you"), speak("Terminate.")],
        [speak("turn 1"), speak("Terminate.")],
        [speak("turn 1"), "turn 2"],
    ]
    judge = Judge({"s": "COMPLETE"})
    made, _, reward = play(scripts, judge)
    judged = asyncio.run(judge_rollouts(reward, made["rollout"]))
    # All of it; the other objective and the thanks missing; a turn without reasoning.
    assert [one.reward for one in judged] == [2.5, 1.5 + 0.25, 0.0]
    assert judged[1].indicators is not None
    assert (judged[1].indicators.policy, judged[1].indicators.objective) == (0.0, 0.5)
    assert [one.parsed.format_error for one in judged] == [None, None, "no reasoning"]
    assert [len(rollout.segments) for rollout in made["rollout"]] == [3, 2, 2]
    assert made["completion_ids"][1] == [
        i for said in (speak("turn 1"), speak("Terminate.")) for i in [*said.encode(), 256]
    ]


def test_a_conversation_ends_at_the_turn_limit() -> None:
    made, _, reward = play([[speak("turn 1"), speak("turn 2")]], Judge({"s": "INCOMPLETE"}), max_turns=2)
    assert made["rollout"][0].conversation.stop == "turn_limit"
    (judged,) = asyncio.run(judge_rollouts(reward, made["rollout"]))
    assert judged.reward == 0.5 + 0.0 + 0.25 + 0.5 + 0.5  # no thanks, one of two objectives


def test_an_agent_or_a_judge_that_fails_gives_no_reward() -> None:
    async def fails(conversation: Conversation, session: Session) -> AgentTurn:
        raise ZeroDivisionError("oh")

    made, _, reward = play([[speak("turn 1")]], Judge({}), fails)
    (judged,) = asyncio.run(judge_rollouts(reward, made["rollout"]))
    assert (judged.reward, judged.error) == (None, "ZeroDivisionError: oh")

    made, _, reward = play([[speak("turn 1"), speak("Terminate.")]], Judge({}))
    (judged,) = asyncio.run(judge_rollouts(reward, made["rollout"]))
    assert judged.reward is None
    assert judged.error is not None
    reward.weights = RewardWeights(objective=0.0)
    (judged,) = asyncio.run(judge_rollouts(reward, made["rollout"]))
    assert judged.reward == 1.5  # what is missing does not count


@pytest.mark.slow
def test_turns_of_a_conversation_learn_as_one_tree_what_they_would_apart() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("trl")
    from transformers import AutoModelForCausalLM
    from trl.trainer.utils import add_fused_lm_head

    from pytest_ugst.trainers.grpo.shared_prompts import log_probs, turns_log_probs

    model = AutoModelForCausalLM.from_pretrained(tiny_model(), dtype=torch.float32)
    add_fused_lm_head(model, outputs=("log_probs", "entropy"))
    head = list(range(100, 140))
    rows = [
        [(head, [7, 8, 9]), ([*head, 7, 20, 21], [9, 9]), ([*head, 7, 20, 21, 30], [5])],
        [(head, [7, 6]), ([*head, 50], [8, 8, 8])],
    ]
    keep = 8

    def apart() -> tuple[Any, Any]:
        found = []
        for segments in rows:
            pairs = []
            for read, said in segments:
                ids = torch.tensor([[*read, *said]])
                pairs.append(log_probs(model, ids, torch.ones_like(ids), len(said)))
            logps, entropy = (torch.cat(part, dim=1)[0] for part in zip(*pairs, strict=True))
            found.append((logps, entropy))
        return tuple(
            torch.stack([torch.nn.functional.pad(part, (0, keep - len(part))) for part in parts])
            for parts in zip(*found, strict=True)
        )

    results = []
    for way in (apart, lambda: turns_log_probs(model, rows, keep, 0)):
        model.zero_grad()
        logps, entropy = way()
        (logps * torch.arange(1, 3).view(2, 1)).sum().backward()
        results.append((logps.detach(), entropy.detach(), [p.grad.clone() for p in model.parameters()]))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(other, one, atol=1e-4, rtol=1e-4)


@pytest.mark.slow
def test_turns_are_sampled_after_their_context_whatever_is_shared() -> None:
    torch = pytest.importorskip("torch")
    from transformers import AutoModelForCausalLM, GenerationConfig

    from pytest_ugst.trainers.grpo.shared_prompts import TurnSampler

    model = AutoModelForCausalLM.from_pretrained(tiny_model(), dtype=torch.float32)
    config = GenerationConfig(max_new_tokens=5, do_sample=False, pad_token_id=2, eos_token_id=2)
    heads = [list(range(100, 120)), list(range(100, 120)), list(range(300, 309))]
    sampler = TurnSampler(model, heads, config, 2)
    turns = [([0, 1, 2], heads), ([0, 2], [[*heads[0], 5, 6, 7], [*heads[2], 9]]), ([1], [[1, 2, 3]])]
    for which, contexts in turns:
        said = sampler.sample(model, which, contexts).tolist()
        for context, got in zip(contexts, said, strict=True):
            alone = model.generate(input_ids=torch.tensor([context]), generation_config=config)
            assert got[:5] == alone[0, len(context) :].tolist()


@pytest.mark.slow
def test_training_on_whole_conversations(tmp_path: Path) -> None:
    pytest.importorskip("trl")
    played = [e.model_copy(update={"max_turns": 3}) for e in episodes()]
    data = write_folder(tmp_path / "data", played, reasoning=False)
    out = train(tiny_model(), data, tmp_path / "out", agent="rules", multi_turn=True, max_turns=2, steps=2)
    rows = logged(out)
    assert [row["step"] for row in rows] == [0] * 4 + [1] * 4
    assert any(row["answer"] for row in rows)
    assert all(row["error"] is None for row in rows)
    assert (out / "model.safetensors").exists()
