"""Answers in a given form: the JSON schema that asks for it, and finding and validating it in what a model wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

if TYPE_CHECKING:
    from pydantic import BaseModel

M = TypeVar("M", bound="BaseModel")

_MAX_ANSWER = 200_000
"""Characters looked at."""
_MAX_REPAIR = 4_000
_MAX_BRACKETS = 120
_MAX_QUOTES = 400
"""What the repairer gets to see at most: its time grows with the square of some inputs, and the event loop waits."""
_MAX_DEPTH = 40
_MAX_CANDIDATES = 40
_FENCE = re.compile(r"```[A-Za-z0-9_+-]*[ \t]*\n?(.*?)```", re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}()]")
_DROPPED = frozenset({"title", "default", "minLength", "maxLength", "patternProperties", "uniqueItems", "examples"})
"""What strict servers refuse. Nothing is lost: pydantic checks the answer against the full model."""


class FormError(ValueError):
    """An answer is not in the form asked for; the message is fit to be shown to the model."""


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


@lru_cache(maxsize=256)
def response_format(answer: type[BaseModel]) -> dict[str, Any]:
    """The ``response_format`` that asks for an answer, in the strict form: every field required, no others."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", answer.__name__)[:64]
    return {
        "type": "json_schema",
        "json_schema": {"name": name, "strict": True, "schema": _strict(answer.model_json_schema())},
    }


def _strict(schema: Any, names: bool = False) -> Any:
    """A schema in the strict subset.

    Args:
        schema: A schema or a part of one.
        names: Whether the keys of ``schema`` are names (of properties, definitions) rather than keywords.
    """
    if isinstance(schema, list):
        return [_strict(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    if names:
        return {k: _strict(v) for k, v in schema.items()}
    if "$ref" in schema:
        # Nothing may stand beside a reference.
        return {"$ref": schema["$ref"]}
    if "oneOf" in schema and "anyOf" not in schema:
        schema = {"anyOf": schema["oneOf"], **{k: v for k, v in schema.items() if k not in ("oneOf", "discriminator")}}
    strict = {
        k: v if k in ("enum", "const", "required") else _strict(v, names=k in ("properties", "$defs"))
        for k, v in schema.items()
        if k not in _DROPPED
    }
    if isinstance(strict.get("properties"), dict):
        strict["additionalProperties"] = False
        strict["required"] = list(strict["properties"])
    return strict


def parse_answer(text: str, answer: type[M], *, cut_off: bool = False) -> M:
    """Find an answer in what a model wrote, and validate it.

    The whole text is tried first, then fenced blocks, then JSON objects among other words, the last one first (models
    think before they conclude); at last what looks like an object is repaired (trailing commas, single quotes,
    missing brackets).

    Args:
        text: What the model wrote, its thinking taken out.
        answer: The form asked for.
        cut_off: Whether the text ends where the model ran out of tokens; then nothing is repaired, since half an
            answer can read as a different whole one.

    Raises:
        FormError: If there is no answer in the text.
    """
    text = text.strip().lstrip("\ufeff")
    if not text:
        raise FormError("the answer is empty")
    if len(text) > _MAX_ANSWER:
        raise FormError(f"the answer is longer than {_MAX_ANSWER} characters")
    if cut_off and text[-1:] != "}" and text[-3:] != "```":
        raise FormError("the answer was cut off at the token limit")
    problem: str | None = None
    for value in _objects(text, repair=not cut_off):
        try:
            return answer.model_validate(value)
        except ValidationError as error:
            # The first candidate is the likeliest to be what was meant.
            problem = problem or _complaint(error)
    raise FormError(problem or "there is no JSON object in the answer")


def _objects(text: str, repair: bool) -> Iterator[dict[str, Any]]:
    """JSON objects in a text, the most likely answer first."""
    if (whole := _load(text)) is not None:
        yield whole
        return
    fenced = [m.strip() for m in _FENCE.findall(text)] if "```" in text else []
    for block in reversed(fenced):
        if (value := _load(block)) is not None:
            yield value
    among = list(_among_words(text))
    yield from reversed(among)
    if not repair:
        return
    candidates = [b for b in reversed(fenced) if "{" in b]
    if not among and (start := text.find("{")) >= 0:
        end = text.rfind("}")
        candidates.append(text[start : end + 1] if end > start else text[start:])
    for candidate in candidates[:3]:
        if (value := _repair(candidate)) is not None:
            yield value


def _load(text: str) -> dict[str, Any] | None:
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _among_words(text: str) -> Iterator[dict[str, Any]]:
    position = 0
    for _ in range(_MAX_CANDIDATES):
        position = text.find("{", position)
        if position < 0:
            return
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            position += 1
        else:
            yield value


def _repair(text: str) -> dict[str, Any] | None:
    if len(text) > _MAX_REPAIR or text.count('"') + text.count("'") > _MAX_QUOTES or not _modest(text):
        return None
    import json_repair

    try:
        value = json_repair.loads(text, skip_json_loads=True)
    except (ValueError, RecursionError, TypeError, IndexError, KeyError):
        # The repairer promises an answer to everything; untrusted text has found ways around that before.
        return None
    return value if isinstance(value, dict) else None


def _modest(text: str) -> bool:
    """Whether brackets are few and not nested deeply; strings are not told apart, since this is only a bound."""
    brackets = _BRACKET.findall(text)
    depth = deepest = 0
    for bracket in brackets:
        depth = depth + 1 if bracket in "[{(" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return len(brackets) <= _MAX_BRACKETS and deepest <= _MAX_DEPTH


def _complaint(error: ValidationError) -> str:
    """What is wrong with an answer, in one line, without quoting it."""
    parts = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False)[:5]:
        where = ".".join(str(p)[:60] for p in problem["loc"][:8])
        parts.append(f"{where}: {problem['msg']}" if where else problem["msg"])
    return "; ".join(parts)[:600]


def complaint_message(problem: str, schema: Mapping[str, Any]) -> str:
    """What to tell a model whose answer is not in the form asked for."""
    return (
        f"That answer can't be used: {problem}. Answer again with one JSON object and nothing else, "
        f"following this JSON schema:\n{json.dumps(schema, ensure_ascii=False)}"
    )
