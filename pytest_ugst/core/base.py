"""The base class of all records, which are immutable and strict about unknown fields, and types of their fields."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """An immutable pydantic record; an unknown field is an error, so that a typo never passes silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields changed; unlike pydantic's, validated and without cached properties."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**{**(deepcopy(fields) if deep else fields), **(update or {})})


MAX_DEPTH = 100
"""The most levels of lists and objects in a record; readers of JSON give up at some 200, and records are read again."""


def writable(value: Any) -> Any:
    r"""Replace the half surrogate pairs in all strings of JSON-like data, so that it can be written as UTF-8.

    A model may put ``\ud83d`` without its other half into a JSON answer. Python takes that for a string, but neither a
    file nor a request can hold it, and the episode would be lost when it is written to the journal.

    Args:
        value: Text, numbers, lists and dictionaries.

    Returns:
        An equal value where nothing has to be replaced.

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
"""Text from outside, of a model or a file, that can be written as UTF-8."""

MAX_NAME = 1000
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(writable)]
"""The name of an episode or an annotator; a judge's name may be a checkpoint's path."""
