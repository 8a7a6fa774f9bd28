"""Wording by a language model, in place of the templates' words. Sentences, and so sub-components, stay one to one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, Field

from pytest_ugst.core.chat import Chat, ChatError, ChatUnavailableError

if TYPE_CHECKING:
    from pytest_ugst.core.chat import Message

Reword = Callable[[Sequence[str]], Coroutine[Any, Any, list[str]]]
"""Sentences to as many other sentences that mean the same."""

_INSTRUCTION: Final = (
    "You rewrite instructions for a person who will talk to a booking agent. You get a JSON list of sentences. Return "
    "as many sentences, in the same order, each saying exactly what the original says in fresh, natural words. Address "
    'the person as "you". Keep every name, number, day, time and price word as it is written. Do not add or drop '
    "anything, and keep what is a must and what is only a wish apart."
)
_KEPT: Final = re.compile(
    r"\d+(?::\d\d)?|(?<!^)(?<![.!?] )\b[A-Z][\w'’]+"
    r"|\b(?:north|south|east|west|centre|cheap|moderately|moderate|expensive|free|parking|wifi|entry|stars?"
    r"|one|two|three|four|five|six|seven|eight|guesthouse|hotel|museum|college|park|theatre|cinema|nightclub"
    r"|phone|address|postcode|fee|price|booked|book|[Ii]f)\b"
)
"""Words that carry the meaning of a sentence, and so have to be in the other one."""


class _Sentences(BaseModel):
    sentences: list[Annotated[str, Field(min_length=1, max_length=600)]]


def by_model(chat: Chat) -> Reword:
    """Have a model find the words.

    A sentence that lost a name, a number or another word that matters is replaced by the original, and so is all of an
    answer that has not as many sentences as were asked for, or never came.

    Raises:
        ChatUnavailableError: From the returned function, if the model can't be reached at all.
    """

    async def reword(sentences: Sequence[str]) -> list[str]:
        messages: list[Message] = [
            {"role": "system", "content": _INSTRUCTION},
            {"role": "user", "content": json.dumps(list(sentences), ensure_ascii=False)},
        ]
        try:
            made = (await chat.parse(messages, _Sentences)).value.sentences
        except ChatUnavailableError:
            raise
        except ChatError:
            return list(sentences)
        if len(made) != len(sentences):
            return list(sentences)
        return [new if keeps(old, new) else old for old, new in zip(sentences, map(_tidy, made), strict=True)]

    return reword


def keeps(old: str, new: str) -> bool:
    """Whether a sentence still has every word of the old one that matters."""
    return bool(new) and all(re.search(rf"\b{re.escape(word)}\b", new, re.IGNORECASE) for word in _KEPT.findall(old))


def _tidy(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?")) else f"{text}."
