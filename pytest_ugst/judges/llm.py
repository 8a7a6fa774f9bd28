"""The judge played by a language model: one sub-component per call, all calls of a turn at once.

The statuses and criteria are those of "Goal Alignment in LLM-Based User Simulators for Conversational AI", section 4
and appendix D, with analogous ones for the categories the paper gives no prompt for. A request is laid out as fixed
rules, then the conversation so far, then the category's criteria and the sub-component, so that all calls about one
conversation share everything up to the criteria, and a later turn's calls all turns before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ugst.core.chat import ChatError, ChatUnavailableError
from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.goal import Component
from pytest_ugst.core.status import Category
from pytest_ugst.core.verdict import Evidence, Verdict
from pytest_ugst.judges.answers import ANSWERS, Answer
from pytest_ugst.judges.transcript import as_data, find_quote, render
from pytest_ugst.prompts.loader import Prompts

if TYPE_CHECKING:
    from pytest_ugst.core.chat import Chat, Message
    from pytest_ugst.core.registry import RoleContext


def make_llm_judge(chat: Chat, context: RoleContext) -> LlmJudge:
    """Return a judge played by a model.

    Raises:
        UsageError: For a bad folder of prompts.
    """
    return LlmJudge(chat, Prompts.load(context.prompts), context.judge_sees_tools)


@dataclass(frozen=True, slots=True)
class LlmJudge:
    """Judge that asks a model for statuses. It keeps no state, so that one serves any number of episodes."""

    chat: Chat
    prompts: Prompts
    sees_tools: bool = True
    """Whether the model is shown tool calls and results; the paper's judge read text only."""

    @property
    def name(self) -> str:
        """The model's alias."""
        return self.chat.name

    async def judge(self, components: Sequence[Component], conversation: Conversation, turn: int) -> Sequence[Verdict]:
        """Return one verdict per component after ``turn``, in their order.

        A call that fails gives a verdict with an error, and the others go on.

        Raises:
            ChatUnavailableError: If the server is gone or refuses our requests: every later call would fail as well,
                and a run of nothing but error verdicts would look like a finished one.
        """
        so_far = conversation.up_to(turn)
        chat = f"<chat>\n{render(so_far, self.sees_tools)}</chat>"
        # Started category by category: where few calls run at once, neighbours share the criteria as well.
        tasks = {
            c.id: asyncio.ensure_future(self._one(c, so_far, turn, chat))
            for c in sorted(components, key=lambda c: list(Category).index(c.category))
        }
        try:
            await asyncio.gather(*tasks.values())
        finally:
            # Cancelled or unavailable: leave no call running that nobody waits for.
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
        return [tasks[c.id].result() for c in components]

    def messages(self, component: Component, conversation: Conversation, turn: int) -> list[Message]:
        """Return the request about one sub-component after ``turn``."""
        return self._messages(component, turn, f"<chat>\n{render(conversation.up_to(turn), self.sees_tools)}</chat>")

    def _messages(self, component: Component, turn: int, chat: str) -> list[Message]:
        question = self.prompts.fill(
            f"judge_{component.category}",
            component=as_data(component.text),
            parent=as_data(component.parent_text or "(none in particular)"),
            turn=turn,
        )
        return [
            {"role": "system", "content": self.prompts.fill("judge_rules")},
            {"role": "user", "content": f"{chat}\n\n{question}"},
        ]

    async def _one(self, component: Component, conversation: Conversation, turn: int, chat: str) -> Verdict:
        try:
            parsed = await self.chat.parse(self._messages(component, turn, chat), ANSWERS[component.category])
        except ChatUnavailableError:
            raise
        except ChatError as error:
            return Verdict(component=component.id, turn=turn, error=str(error), by=self.name)
        answer = parsed.value
        evidence, dropped = self._evidence(answer, conversation)
        note = f" ({dropped} quoted passage(s) not found in the conversation left out)" if dropped else ""
        return Verdict(
            component=component.id,
            turn=turn,
            status=answer.status,
            reasoning=f"{answer.reasoning.strip()}{note}".strip(),
            evidence=evidence,
            by=self.name,
        )

    def _evidence(self, answer: Answer, conversation: Conversation) -> tuple[tuple[Evidence, ...], int]:
        """Return the quotes found in the conversation, each where it is found, and the number of the others."""
        kept: list[Evidence] = []
        dropped = 0
        for quote in answer.evidence:
            located = find_quote(conversation, quote.quote, quote.turn, quote.speaker, self.sees_tools)
            if located is None:
                dropped += 1
                continue
            evidence = Evidence(turn=located.turn, speaker=located.speaker, quote=quote.quote.strip())
            if evidence not in kept:
                kept.append(evidence)
        return tuple(kept), dropped
