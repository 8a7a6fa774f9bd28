"""The record of what calls of models cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pytest_ugst.core.base import Frozen

LARGEST = 10**15
"""The greatest number of calls or tokens that is accepted, so that a number from outside can't overflow a sum."""

Count = Annotated[int, Field(ge=0, le=LARGEST)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Usage(Frozen):
    """Calls, tokens, seconds and money; two records can be added.

    Example:
        >>> import pytest_ugst as ugst
        >>> (ugst.Usage(calls=1, prompt_tokens=90) + ugst.Usage(calls=2, prompt_tokens=10)).prompt_tokens
        100
    """

    calls: Count = 0
    """Requests that were answered, by a server or the response cache."""
    cache_hits: Count = 0
    """Calls that the response cache answered."""
    retries: Count = 0
    prompt_tokens: Count = 0
    cached_tokens: Count = 0
    """Prompt tokens that the server took from its own prefix cache."""
    completion_tokens: Count = 0
    seconds: Finite = 0.0
    """Waiting time, summed over calls that may have run in parallel."""
    cost: Finite = 0.0
    """Money, in the currency of the model's configured prices."""

    def __add__(self, other: Usage) -> Usage:
        """Return the sum of two records, field by field."""
        added = {name: getattr(self, name) + getattr(other, name) for name in type(self).model_fields}
        return Usage.model_construct(**added)  # a sum of valid numbers needs no validation
