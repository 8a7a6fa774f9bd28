"""What talking to models costs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pytest_ugst.core.base import Frozen

LARGEST = 10**15
"""Calls or tokens that can't be meant: a number from outside must not be too large for what counts with it."""

Count = Annotated[int, Field(ge=0, le=LARGEST)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Usage(Frozen):
    """Calls, tokens, seconds and money. Adds up."""

    calls: Count = 0
    """Requests answered, from a server or the cache."""
    cache_hits: Count = 0
    """How many of them the response cache answered."""
    retries: Count = 0
    prompt_tokens: Count = 0
    cached_tokens: Count = 0
    """Prompt tokens the server took from its own prefix cache."""
    completion_tokens: Count = 0
    seconds: Finite = 0.0
    """Waiting time, summed over calls that may have run side by side."""
    cost: Finite = 0.0
    """In the currency of the model's configured prices."""

    def __add__(self, other: Usage) -> Usage:
        added = {name: getattr(self, name) + getattr(other, name) for name in type(self).model_fields}
        return Usage.model_construct(**added)  # a sum of valid ones needs no look
