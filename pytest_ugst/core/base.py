"""The base of all records: immutable, and strict about unknown fields."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """An immutable pydantic record; an unknown field is an error, so that a typo never passes silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some fields changed; unlike pydantic's, validated, and without what the original had cached."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**{**(deepcopy(fields) if deep else fields), **(update or {})})


MAX_DEPTH = 100
"""Levels of lists and objects in a record; readers of JSON give up at some 200, and what is written has to be read."""


def writable(value: Any) -> Any:
    """Replace the half surrogate pairs in all strings of JSON-like data, so that it can be written as UTF-8.

    A model may put ``\\ud83d`` without its other half into a JSON answer; Python takes that for a string, but no file
    and no request can hold it, and the episode would be lost when it is journaled.

    Raises:
        ValueError: If the data is nested more than :data:`MAX_DEPTH` levels deep.
    """
    return _writable(value, MAX_DEPTH)


def _writable(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value
    if not isinstance(value, dict | list):
        return value
    if levels == 0:
        raise ValueError(f"nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        return {_writable(key, levels - 1): _writable(item, levels - 1) for key, item in value.items()}
    return [_writable(item, levels - 1) for item in value]


SafeText = Annotated[str, AfterValidator(writable)]
"""Text from outside: what a model said, or a file holds."""

MAX_NAME = 1000
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(writable)]
"""What an episode or an annotator is called; a judge may be a checkpoint's path."""
