"""What talking to models costs."""

from __future__ import annotations

from pytest_ugst.core.base import Frozen


class Usage(Frozen):
    """Calls, tokens, seconds and money. Adds up."""

    calls: int = 0
    """Requests answered, from a server or the cache."""
    cache_hits: int = 0
    """How many of them the response cache answered."""
    retries: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens the server took from its own prefix cache."""
    completion_tokens: int = 0
    seconds: float = 0.0
    """Waiting time, summed over calls that may have run side by side."""
    cost: float = 0.0
    """In the currency of the model's configured prices."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(**{name: getattr(self, name) + getattr(other, name) for name in type(self).model_fields})
