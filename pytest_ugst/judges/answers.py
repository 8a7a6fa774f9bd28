"""The forms of the answers of judge models: verdicts and decompositions."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pytest_ugst.core.status import Category, Status

_SPEAKERS = {"assistant": "agent", "customer": "user", "human": "user", "system": "tool", "function": "tool"}


def _speaker(value: Any) -> Any:
    """Return our name for a speaker that a model may name otherwise."""
    word = value.strip().lower() if isinstance(value, str) else value
    return _SPEAKERS.get(word, word) if isinstance(word, str) else word


def _number(value: Any) -> Any:
    """Return the first number in a text, such as "turn 3"."""
    found = re.search(r"\d{1,4}", value) if isinstance(value, str) else None
    return int(found.group()) if found else value


class Quote(BaseModel):
    """Words from the conversation."""

    turn: Annotated[int, BeforeValidator(_number)]
    speaker: Annotated[Literal["user", "agent", "tool"], BeforeValidator(_speaker)]
    quote: str


def _usable(value: Any) -> Any:
    """Leave out what is no quote: an error in the evidence must not cost the verdict that it supports."""
    kept = []
    for entry in value if isinstance(value, list) else []:
        try:
            kept.append(Quote.model_validate(entry))
        except ValueError:
            continue
    return kept


def _word(value: Any) -> Any:
    """Return the name of a status, without markup and punctuation around it."""
    return re.sub(r"[^A-Z]", "", value.upper()) if isinstance(value, str) else value


class Answer(BaseModel):
    """A verdict in the model's words. The reasoning comes first, so that the status follows from it."""

    model_config = ConfigDict(extra="ignore")

    reasoning: str
    evidence: Annotated[list[Quote], BeforeValidator(_usable)]

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        # Only the status is indispensable.
        return {"reasoning": "", "evidence": [], **data} if isinstance(data, dict) else data


class AlignedAnswer(Answer):
    """For profile, policy and preference."""

    status: Annotated[Literal[Status.ALIGNED, Status.MISALIGNED], BeforeValidator(_word)]


class TaskAnswer(Answer):
    """For objectives and requirements."""

    status: Annotated[Literal[Status.INCOMPLETE, Status.ATTEMPTED, Status.COMPLETE], BeforeValidator(_word)]


ANSWERS: dict[Category, type[AlignedAnswer] | type[TaskAnswer]] = {
    Category.PROFILE: AlignedAnswer,
    Category.POLICY: AlignedAnswer,
    Category.PREFERENCE: AlignedAnswer,
    Category.OBJECTIVE: TaskAnswer,
    Category.REQUIREMENT: TaskAnswer,
}
"""The form of the answer, by category."""


class Objective(BaseModel):
    """A task with what belongs to it."""

    task_objective: str
    requirements: list[str] = Field(default_factory=list)
    preferences: list[str] = Field(default_factory=list)


class Decomposition(BaseModel):
    """A goal, cut into sub-components."""

    user_profile: list[str] = Field(default_factory=list)
    user_policy: list[str] = Field(default_factory=list)
    task_objectives: list[Objective] = Field(default_factory=list)
