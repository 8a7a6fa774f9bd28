"""API keys, read from the environment; never from a file, never printed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pytest_ugst.core.errors import UsageError

if TYPE_CHECKING:
    from pytest_ugst.llm.model_spec import ModelSpec


def read_key(spec: ModelSpec) -> str | None:
    """Return the API key for a model's server; None where it needs none.

    Raises:
        UsageError: If the environment variable is not set, or its value can't be sent in a header.
    """
    if spec.api_key is not None:
        return spec.api_key.get_secret_value()
    if spec.api_key_env is None:
        return None
    key = os.environ.get(spec.api_key_env, "").strip()
    if not key:
        raise UsageError(
            f"model {spec.name!r} needs an API key: set the environment variable {spec.api_key_env} "
            f"(or another one by api_key_env in [tool.ugst.models.NAME])"
        )
    if not key.isprintable() or not key.isascii():
        raise UsageError(f"model {spec.name!r}: the environment variable {spec.api_key_env} does not hold an API key")
    return key


def require_key(spec: ModelSpec) -> None:
    """Check that a model's API key is set, before the first request.

    Raises:
        UsageError: If it is not.
    """
    read_key(spec)
