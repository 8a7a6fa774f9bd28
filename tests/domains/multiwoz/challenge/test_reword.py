"""Wording by a model: what it may change, and what becomes of bad answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from pytest_ugst.core.chat import AnswerError, Chat, ChatUnavailableError, ParsedReply, Reply
from pytest_ugst.core.usage import Usage
from pytest_ugst.domains.multiwoz import read_database
from pytest_ugst.domains.multiwoz.challenge import SplitDatabase, by_model, generate, generate_worded, load_pools
from pytest_ugst.domains.multiwoz.challenge.reword import keeps
from tests.domains.multiwoz.small_database import write_database


class Model:
    """Answers with a function of the sentences it is given."""

    name, role = "model", "decomposer"

    def __init__(self, answer: Callable[[list[str]], list[str]]) -> None:
        self._answer = answer
        self.asked = 0

    async def parse(self, messages: Sequence[Any], answer: type[Any], **kwargs: Any) -> ParsedReply[Any]:
        self.asked += 1
        made = self._answer(json.loads(messages[-1]["content"]))
        reply = Reply(text="", reasoning=None, tool_requests=(), finish_reason="stop", usage=Usage())
        return ParsedReply(answer(sentences=made), reply)


def reworded(answer: Callable[[list[str]], list[str]], *sentences: str) -> list[str]:
    return asyncio.run(by_model(cast(Chat, Model(answer)))(sentences))


def fail(error: Exception) -> Callable[[list[str]], list[str]]:
    def answer(_: list[str]) -> list[str]:
        raise error

    return answer


def test_a_models_words_are_taken() -> None:
    assert reworded(lambda s: ["See to it that it is in the west"], "It has to be in the west.") == [
        "See to it that it is in the west."
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("The table is for four people on Friday at 19:00.", "A table for four at 19:00."),
        ("You want to know its phone number.", "You want to know how to call it."),
        ("It must be a guesthouse and not a hotel.", "It must be a guesthouse."),
        ("You want to hear about Curry Prince.", "You want to hear about a curry place."),
        ("If it is in the east, look for a museum instead.", "It is in the east, look for a museum instead."),
    ],
)
def test_a_sentence_that_lost_something_is_not_taken(old: str, new: str) -> None:
    assert not keeps(old, new)
    assert reworded(lambda s: [new], old) == [old]


@pytest.mark.parametrize(
    "answer", [lambda s: [], lambda s: [*s, "More."], fail(AnswerError("no answer in the form asked for"))]
)
def test_a_useless_answer_leaves_the_templates_words(answer: Callable[[list[str]], list[str]]) -> None:
    assert reworded(answer, "It has to be cheap.", "Wifi is a must.") == ["It has to be cheap.", "Wifi is a must."]


def test_a_model_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ChatUnavailableError):
        reworded(fail(ChatUnavailableError("nobody listens")), "Wifi is a must.")


def test_goals_keep_their_components_in_other_words(tmp_path: Path) -> None:
    database, pools = SplitDatabase(read_database(write_database(tmp_path))), load_pools()
    model = Model(lambda sentences: [f"Mind this: {sentence}" for sentence in sentences])
    worded = asyncio.run(generate_worded(database, pools, 5, 8, "test", by_model(cast(Chat, model))))
    plain = list(generate(database, pools, 5, 8, "test"))
    assert model.asked == 8
    for one, other in zip(worded, plain, strict=True):
        assert one.id == other.id
        assert one.text != other.text
        for a, b in zip(one.components or (), other.components or (), strict=True):
            assert (a.id, a.check, a.slots) == (b.id, b.check, b.slots)
            if a.category not in ("profile", "policy"):
                assert a.text.startswith("Mind this: ")
                assert all(part in one.text for part in a.text.split(" Mind this: "))
