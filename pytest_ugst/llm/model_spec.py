"""What is known of a model before the first call: where it is, how to sample, what it costs, how to serve it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr

from pytest_ugst.core.base import Frozen


class Price(Frozen):
    """Money per million tokens."""

    prompt: float = Field(default=0.0, ge=0)
    cached: float | None = Field(default=None, ge=0)
    """Prompt tokens from the server's prefix cache; as ``prompt`` unless given."""
    completion: float = Field(default=0.0, ge=0)


class Serve(Frozen):
    """How to start a server for the model, where it has none."""

    engine: Literal["auto", "vllm", "llama", "transformers"] = "auto"
    args: tuple[str, ...] = ()
    """Handed to the server as they are."""
    context: int | None = Field(default=None, ge=128)
    """Tokens one conversation may take."""
    parallel: int | None = Field(default=None, ge=1)
    """Conversations served at once."""
    chat_template: Path | None = None
    """A Jinja file in place of the model's own template."""
    startup_timeout: float = Field(default=600.0, gt=0)


class ModelSpec(Frozen):
    """One entry of ``[tool.ugst.models.NAME]``."""

    name: str
    """The alias."""
    model: str
    """What the server calls it; or a hub name, a checkpoint folder or a GGUF file to serve."""
    base_url: str | None = None
    """The server's address up to and including ``/v1``; for azure the resource's,
    ``https://NAME.openai.azure.com``. None: a server is started for the run."""
    provider: Literal["openai", "azure"] = "openai"
    api_version: str | None = None
    """For azure."""
    api_key_env: str | None = None
    """The environment variable that holds the key."""
    api_key: SecretStr | None = Field(default=None, exclude=True, repr=False)
    """The key itself, of a server that was started for the run; never written anywhere, never read from a file."""
    sampling: dict[str, Any] = Field(default_factory=dict)
    """Sent along with every request: ``temperature``, ``max_tokens``, ``seed``, ..."""
    structured: Literal["auto", "json_schema", "text"] = "auto"
    """Whether the server takes a JSON schema; auto tries once and remembers."""
    concurrency: int = Field(default=64, ge=1, le=4096)
    """Requests under way at once, at most; backs off on 429."""
    timeout: float = Field(default=300.0, gt=0)
    """Seconds for one request."""
    retries: int = Field(default=5, ge=0, le=20)
    price: Price = Price()
    serve: Serve = Serve()


_MADE_OF = frozenset({"model", "provider", "api_version", "sampling", "structured", "serve"})


def digest(spec: ModelSpec) -> str:
    """What decides a model's answers, in twelve hex digits: not its address, but the files of its weights.

    Files count by size and time of change: reading gigabytes at every start would cost more than it is worth.
    """
    made = hashlib.sha256(spec.model_dump_json(include=set(_MADE_OF)).encode())
    path = Path(spec.model)
    if spec.base_url is None and path.exists():
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            stat = file.stat()
            made.update(f"{file.name} {stat.st_size} {stat.st_mtime_ns}".encode())
    return made.hexdigest()[:12]
