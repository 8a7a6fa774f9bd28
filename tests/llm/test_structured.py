"""Requests for structured answers, and the search for them in a model's text."""

from __future__ import annotations

import contextlib
import string
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from pytest_ugst.llm.structured import AnswerFormatError, parse_answer, response_format


class Inner(BaseModel):
    quote: str = Field(default="", max_length=100, title="A title")


class Opinion(BaseModel):
    """The answer of a judge."""

    status: Literal["COMPLETE", "INCOMPLETE"]
    title: str = ""
    evidence: list[Inner] = []
    best: Inner | None = Field(default=None, description="The best one.")


GOOD = Opinion(status="COMPLETE", title="done")

WRITTEN = {
    "plain": '{"status": "COMPLETE", "title": "done"}',
    "space around": '\n\ufeff  {"status": "COMPLETE", "title": "done"}\n\n',
    "fenced": '```json\n{"status": "COMPLETE", "title": "done"}\n```',
    "fenced, words around": 'Sure! Here you go:\n```\n{"status": "COMPLETE", "title": "done"}\n```\nAnything else?',
    "words around": 'My verdict is {"status": "COMPLETE", "title": "done"}, as asked.',
    "trailing commas": '{"status": "COMPLETE", "title": "done", "evidence": [],}',
    "single quotes": "{'status': 'COMPLETE', 'title': 'done'}",
    "no closing bracket": '{"status": "COMPLETE", "title": "done", "evidence": []',
    "comment": '{"status": "COMPLETE", // sure\n "title": "done"}',
    "fenced and broken": 'So:\n```json\n{"status": "COMPLETE", "title": "done",}\n```',
    "another object first": 'Such as {"status": "SORT_OF"}. So: {"status": "COMPLETE", "title": "done"}',
    "changed its mind": '{"status": "INCOMPLETE"} No, wait. {"status": "COMPLETE", "title": "done"}',
    "braces in words": 'The set {a, b} matters. {"status": "COMPLETE", "title": "done"}',
    "a field more": '{"status": "COMPLETE", "title": "done", "mood": "good"}',
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_answers_are_found(text: str) -> None:
    assert parse_answer(text, Opinion) == GOOD


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("COMPLETE", "no JSON object"),
        ('["COMPLETE"]', "no JSON object"),
        ('"COMPLETE"', "no JSON object"),
        ("{}", "status: Field required"),
        ('{"status": "DONE"}', "status: Input should be 'COMPLETE' or 'INCOMPLETE'"),
        ('{"status": NaN}', "."),
        ('{"evidence": 3, "status": "COMPLETE"}', "evidence: Input should be a valid list"),
    ],
)
def test_no_answer_says_why(text: str, words: str) -> None:
    with pytest.raises(AnswerFormatError, match=words):
        parse_answer(text, Opinion)


@pytest.mark.parametrize(
    "text", ['{"status": "COMPLETE"', 'I think {"status": "COMPLETE", "title": "do', "hm, let me think about {"]
)
def test_half_an_answer_is_none(text: str) -> None:
    with pytest.raises(AnswerFormatError, match="cut off"):
        parse_answer(text, Opinion, cut_off=True)


def test_an_answer_that_just_fitted_counts() -> None:
    assert parse_answer(WRITTEN["plain"], Opinion, cut_off=True) == GOOD


PATHOLOGICAL = {
    "letters": "x" * 100_000,
    "brackets": "[" * 100_000,
    "braces": "{" * 100_000,
    "braces both": "{" * 50_000 + "}" * 50_000,
    "objects": '{"a":' * 20_000,
    "quotes": '{"a": "' + '"' * 100_000,
    "backslashes": '{"a": "' + '\\"' * 50_000,
    "fences": "```" * 33_000,
    "open fences": "```json\n{" * 10_000,
    "half objects": '{"a": "b " c' * 8_000,
    "empty objects": "{}" * 50_000,
    "digits": '{"status": ' + "9" * 100_000 + "}",
    "spaces": '{"status":' + " " * 100_000,
    "commas": "{" + "," * 100_000 + "}",
    "mebibyte": "{" * 2**20,
}


@pytest.mark.parametrize("text", PATHOLOGICAL.values(), ids=PATHOLOGICAL)
def test_garbage_is_refused(text: str) -> None:
    """Each of these takes a naive search, or the repairer let loose on it, seconds to hours."""
    with pytest.raises(AnswerFormatError) as caught:
        parse_answer(text, Opinion)
    assert len(str(caught.value)) < 1000


@given(st.text(alphabet="{}[]\":,\\`\n ' aeCOMPLETEstu01.-", max_size=300))
def test_anything_gives_an_answer_or_a_form_error(text: str) -> None:
    with contextlib.suppress(AnswerFormatError):
        assert isinstance(parse_answer(text, Opinion), Opinion)


@given(
    answer=st.builds(
        Opinion,
        status=st.sampled_from(["COMPLETE", "INCOMPLETE"]),
        title=st.text(max_size=40),
        evidence=st.lists(st.builds(Inner, quote=st.text(max_size=40)), max_size=3),
    ),
    before=st.text(alphabet=string.ascii_letters + " .,\n", max_size=40),
    after=st.text(alphabet=string.ascii_letters + " .,\n", max_size=40),
    fenced=st.booleans(),
)
def test_whole_answers_survive_any_words_around(answer: Opinion, before: str, after: str, fenced: bool) -> None:
    text = answer.model_dump_json()
    text = f"```json\n{text}\n```" if fenced and "```" not in text else text
    assert parse_answer(before + text + after, Opinion) == answer


def test_the_schema_is_strict() -> None:
    form = response_format(Opinion)["json_schema"]
    assert form["strict"] is True
    assert form["name"] == "Opinion"

    def check(part: Any) -> None:
        if isinstance(part, list):
            for item in part:
                check(item)
        if not isinstance(part, dict):
            return
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])
        assert "$ref" not in part or len(part) == 1
        assert not {"default", "maxLength"} & set(part)
        for item in part.values():
            check(item)

    check(form["schema"])
    # A property may be called like a keyword that is left out.
    assert set(form["schema"]["properties"]) == {"status", "title", "evidence", "best"}
