"""Naturalness and coherence of a user, rated 1 to 5 by a model.

After appendix F of "Goal Alignment in LLM-Based User Simulators for Conversational AI": one rating per conversation and
aspect, on what user and agent said; tool calls are not shown, since the user has not seen them either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from pytest_ugst.core.chat import ChatError, ChatUnavailableError
from pytest_ugst.core.text import one_line
from pytest_ugst.judges.transcript import as_data, render

if TYPE_CHECKING:
    from pytest_ugst.core.chat import Chat
    from pytest_ugst.core.conversation import Conversation
    from pytest_ugst.prompts.loader import Prompts


class Aspect(StrEnum):
    """An aspect that is rated: how a user sounds, or how well they pursue their goal."""

    NATURALNESS = "naturalness"
    COHERENCE = "coherence"


PROMPT_NAMES: Sequence[str] = tuple(f"quality_{aspect}" for aspect in Aspect)
"""Names of the prompts that ratings depend on."""


@dataclass(frozen=True, slots=True)
class Rating:
    """The rating of one aspect of one conversation: a score, or the reason why there is none."""

    score: int | None = None
    """1 to 5."""
    error: str | None = None
    reasoning: str = ""


def _whole(value: Any) -> Any:
    """Convert a whole number that a model wrote as a string or float; all else stays as it is, and is refused.

    Small models put numbers into quotation marks.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.strip() in {"1", "2", "3", "4", "5"}:
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Rated(BaseModel):
    """A rating in the model's words. The reasoning comes first, so that the score follows from it."""

    model_config = ConfigDict(extra="ignore")

    reasoning: str
    score: Annotated[Literal[1, 2, 3, 4, 5], BeforeValidator(_whole)]

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        # Only the score is indispensable.
        return {"reasoning": "", **data} if isinstance(data, dict) else data


async def rate(chat: Chat, prompts: Prompts, aspect: Aspect, goal: str, conversation: Conversation) -> Rating:
    """Ask a model to rate one aspect of a conversation.

    A call that fails, or an answer that is no score from 1 to 5 (also after it was asked for again), is an error.

    Args:
        chat: The model.
        prompts: The prompts, of which that of the aspect is sent.
        aspect: The aspect to rate.
        goal: The text of the user's goal.
        conversation: The conversation; tool calls are not shown.

    Raises:
        ChatUnavailableError: If the server is gone or refuses access: every later call would fail as well.
    """
    if not any(one_line(turn.user) for turn in conversation.turns):
        return Rating(error="the user said nothing")
    prompt = prompts.fill(f"quality_{aspect}", goal=as_data(goal), chat=render(conversation, tools=False).strip())
    try:
        rated = (await chat.parse([{"role": "user", "content": prompt}], Rated)).value
    except ChatUnavailableError:
        raise
    except ChatError as error:
        return Rating(error=str(error))
    return Rating(rated.score, reasoning=rated.reasoning.strip())
