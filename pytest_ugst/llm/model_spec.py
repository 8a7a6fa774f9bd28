"""The specification of a model: its address, sampling, price, and the options of a server for it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr

from pytest_ugst.core.base import Frozen


class Price(Frozen):
    """Prices per million tokens, in any currency."""

    prompt: float = Field(default=0.0, ge=0)
    """Price of prompt tokens."""
    cached: float | None = Field(default=None, ge=0)
    """Price of prompt tokens from the server's prefix cache; as ``prompt`` unless given."""
    completion: float = Field(default=0.0, ge=0)
    """Price of completion tokens."""


class ServeOptions(Frozen):
    """Options of the server that is started for a model without an address."""

    engine: Literal["auto", "vllm", "llama", "transformers"] = "auto"
    args: tuple[str, ...] = ()
    """Arguments that are passed on to the server."""
    context: int | None = Field(default=None, ge=128)
    """Maximum number of tokens of one conversation."""
    parallel: int | None = Field(default=None, ge=1)
    """Number of conversations that are served at once."""
    chat_template: Path | None = None
    """A Jinja file that replaces the model's own chat template."""
    startup_timeout: float = Field(default=600.0, gt=0)
    """Seconds until the server has to be ready."""


class ModelSpec(Frozen):
    """A model as configured in ``[tool.ugst.models.NAME]``, or resolved from a name."""

    name: str
    """The alias."""
    model: str
    """The server's name of the model; or a hub name, a checkpoint folder or a GGUF file to serve."""
    base_url: str | None = None
    """The server's address up to and including ``/v1``; for Azure the resource's, ``https://NAME.openai.azure.com``.
    None: a server is started for the run."""
    provider: Literal["openai", "azure"] = "openai"
    api_version: str | None = None
    """The version of Azure's API; required there."""
    api_key_env: str | None = None
    """The environment variable that holds the key."""
    api_key: SecretStr | None = Field(default=None, exclude=True, repr=False)
    """The key of a server that was started for the run; never written anywhere, never read from a file."""
    sampling: dict[str, Any] = Field(default_factory=dict)
    """Parameters of every request: ``temperature``, ``max_tokens``, ``seed``, ..."""
    structured: Literal["auto", "json_schema", "text"] = "auto"
    """Whether the server takes JSON schemas; ``auto`` tries once and remembers."""
    concurrency: int = Field(default=64, ge=1, le=4096)
    """Maximum number of requests in flight; lowered when the server answers 429."""
    timeout: float = Field(default=300.0, gt=0)
    """Seconds for one request."""
    retries: int = Field(default=5, ge=0, le=20)
    """Maximum number of tries beyond the first."""
    price: Price = Price()
    serve: ServeOptions = ServeOptions()


_DIGEST_FIELDS = frozenset({"model", "provider", "api_version", "sampling", "structured", "serve"})


def model_digest(spec: ModelSpec) -> str:
    """Return a digest of what determines a model's answers, in twelve hex digits.

    The address is not part of it, the weights' files are. They count by size and time of change: reading gigabytes at
    every start would cost more than it is worth.
    """
    digest = hashlib.sha256(spec.model_dump_json(include=set(_DIGEST_FIELDS)).encode())
    path = Path(spec.model)
    if spec.base_url is None and path.exists():
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            stat = file.stat()
            digest.update(f"{file.name} {stat.st_size} {stat.st_mtime_ns}".encode())
    return digest.hexdigest()[:12]
