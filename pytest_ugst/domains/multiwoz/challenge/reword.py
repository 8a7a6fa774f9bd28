"""Rewording of the templates' sentences by a language model. Sentences, and so sub-components, stay one to one."""

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
"""Coroutine function from sentences to as many other sentences that mean the same."""

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
"""Pattern of the words that carry a sentence's meaning, and so have to be in the reworded one."""


class _Sentences(BaseModel):
    sentences: list[Annotated[str, Field(min_length=1, max_length=600)]]


def by_model(chat: Chat) -> Reword:
    """Return a function that has a model reword sentences.

    A sentence that lost a name, a number or another word that matters is replaced by the original. If the answer has
    another number of sentences, or there is none, all originals are kept.

    Args:
        chat: The model.

    Raises:
        ChatUnavailableError: From the returned function, if the model can't be reached at all.
    """

    async def reword(sentences: Sequence[str]) -> list[str]:
        messages: list[Message] = [
            {"role": "system", "content": _INSTRUCTION},
            {"role": "user", "content": json.dumps(list(sentences), ensure_ascii=False)},
        ]
        try:
            reworded = (await chat.parse(messages, _Sentences)).value.sentences
        except ChatUnavailableError:
            raise
        except ChatError:
            return list(sentences)
        if len(reworded) != len(sentences):
            return list(sentences)
        return [new if keeps(old, new) else old for old, new in zip(sentences, map(_tidy, reworded), strict=True)]

    return reword


def keeps(old: str, new: str) -> bool:
    """Return whether a reworded sentence has every word of the old one that matters."""
    return bool(new) and all(re.search(rf"\b{re.escape(word)}\b", new, re.IGNORECASE) for word in _KEPT.findall(old))


def _tidy(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?")) else f"{text}."
