"""Structured answers: the JSON schema of a request, and the search for a valid answer in a model's text."""

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
"""Maximum length of an answer in characters."""
_MAX_REPAIR = 4_000
_MAX_BRACKETS = 120
_MAX_QUOTES = 400
"""Bounds of text that is repaired: the time grows with the square of some inputs, and the event loop waits for it."""
_MAX_DEPTH = 40
_MAX_CANDIDATES = 40
_FENCE = re.compile(r"```[A-Za-z0-9_+-]*[ \t]*\n?(.*?)```", re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}()]")
_DROPPED = frozenset({"title", "default", "minLength", "maxLength", "patternProperties", "uniqueItems", "examples"})
"""Keywords that strict servers refuse. Nothing is lost: pydantic checks the answer against the full model."""


class AnswerFormatError(ValueError):
    """Raised if a text holds no valid answer; the message can be sent to the model."""


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


@lru_cache(maxsize=256)
def response_format(answer: type[BaseModel]) -> dict[str, Any]:
    """Return the ``response_format`` of a request, with a strict schema: all fields required, no others allowed."""
    name = re.sub(r"[^A-Za-z0-9_-]", "_", answer.__name__)[:64]
    return {
        "type": "json_schema",
        "json_schema": {"name": name, "strict": True, "schema": _strict(answer.model_json_schema())},
    }


def _strict(schema: Any, names: bool = False) -> Any:
    """Convert a schema to the subset that strict servers take.

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
        # Strict servers allow no other keyword beside a reference.
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
    """Find an answer in a model's text, and validate it.

    The whole text is tried first, then fenced blocks, then JSON objects embedded in other text, the last one first
    (models reason before they conclude); finally, text that looks like an object is repaired (trailing commas, single
    quotes, missing brackets).

    Args:
        text: The model's text, without its reasoning.
        answer: The form of the answer.
        cut_off: Whether the text ends because the model reached the token limit; then nothing is repaired, since half
            an answer may be read as a different whole one.

    Raises:
        AnswerFormatError: If there is no valid answer in the text.
    """
    text = text.strip().lstrip("\ufeff")
    if not text:
        raise AnswerFormatError("the answer is empty")
    if len(text) > _MAX_ANSWER:
        raise AnswerFormatError(f"the answer is longer than {_MAX_ANSWER} characters")
    if cut_off and text[-1:] != "}" and text[-3:] != "```":
        raise AnswerFormatError("the answer was cut off at the token limit")
    problem: str | None = None
    for value in _candidates(text, repair=not cut_off):
        try:
            return answer.model_validate(value)
        except ValidationError as error:
            # The first candidate is the most likely answer.
            problem = problem or _describe(error)
    raise AnswerFormatError(problem or "there is no JSON object in the answer")


def _candidates(text: str, repair: bool) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects in a text, the most likely answer first."""
    if (whole := _load(text)) is not None:
        yield whole
        return
    fenced = [m.strip() for m in _FENCE.findall(text)] if "```" in text else []
    for block in reversed(fenced):
        if (value := _load(block)) is not None:
            yield value
    embedded = list(_embedded_objects(text))
    yield from reversed(embedded)
    if not repair:
        return
    damaged = [b for b in reversed(fenced) if "{" in b]
    if not embedded and (start := text.find("{")) >= 0:
        end = text.rfind("}")
        damaged.append(text[start : end + 1] if end > start else text[start:])
    for candidate in damaged[:3]:
        if (value := _repair(candidate)) is not None:
            yield value


def _load(text: str) -> dict[str, Any] | None:
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _embedded_objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects inside other text, in order."""
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
    if len(text) > _MAX_REPAIR or text.count('"') + text.count("'") > _MAX_QUOTES or not _is_simple(text):
        return None
    import json_repair

    try:
        value = json_repair.loads(text, skip_json_loads=True)
    except (ValueError, RecursionError, TypeError, IndexError, KeyError):
        # The library documents no exceptions, but untrusted text has caused all of these.
        return None
    return value if isinstance(value, dict) else None


def _is_simple(text: str) -> bool:
    """Return whether brackets are few and not nested deeply; those in strings count too, since this is only a bound."""
    brackets = _BRACKET.findall(text)
    depth = deepest = 0
    for bracket in brackets:
        depth = depth + 1 if bracket in "[{(" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return len(brackets) <= _MAX_BRACKETS and deepest <= _MAX_DEPTH


def _describe(error: ValidationError) -> str:
    """Return the errors of an answer in one line, without quoting the answer."""
    parts = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False)[:5]:
        where = ".".join(str(p)[:60] for p in problem["loc"][:8])
        parts.append(f"{where}: {problem['msg']}" if where else problem["msg"])
    return "; ".join(parts)[:600]


def correction_message(problem: str, schema: Mapping[str, Any]) -> str:
    """Return the message that asks a model for a valid answer after an invalid one."""
    return (
        f"That answer can't be used: {problem}. Answer again with one JSON object and nothing else, "
        f"following this JSON schema:\n{json.dumps(schema, ensure_ascii=False)}"
    )
