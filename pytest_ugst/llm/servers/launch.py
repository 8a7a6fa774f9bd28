"""The description of a server that is to be started: command line, port, key, model name."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.model_spec import ModelSpec
from pytest_ugst.llm.servers.weights import ModelWeights


@dataclass(frozen=True, slots=True)
class Command:
    """A process to run."""

    argv: tuple[str, ...]
    """The command line."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """Variables added to this process's environment. The key is one of them, since command lines are public."""
    folder: Path | None = None
    """The working directory; that of this process unless given."""


@dataclass(frozen=True, slots=True)
class ServerSlot:
    """The resources that the pool assigns to a server."""

    port: int
    """The port to listen on."""
    key: str
    """The API key to require."""
    folder: Path
    """A folder for files of the server's own."""


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """A plan to serve a model with one engine."""

    engine: Literal["vllm", "llama", "transformers"]
    model: str
    """The server's name of the model. It contains a digest of the weights, template and settings, so that it
    identifies the origin of a cached response whatever port the server listens on."""
    settings: str
    """The key by which servers are shared: equal for equal weights and settings."""
    command: Callable[[ServerSlot], Command]
    """Returns the server's command for a slot."""
    concurrency: int | None = None
    """Number of requests that the server processes at once; more would only wait there, against their time limit."""
    structured: Literal["text"] | None = None
    """``text``: the server does not take JSON schemas."""
    lists_models: bool = True
    """Whether ``/v1/models`` lists the model that is served."""


def identity(engine: str, weights: ModelWeights, spec: ModelSpec, context: int | None) -> tuple[str, str]:
    """Return the name of a model on its server, and the key by which servers are shared (:class:`LaunchPlan`)."""
    determinants = [engine, weights.fingerprint, weights.template, list(spec.serve.args), context]
    digest = hashlib.sha256(json.dumps(determinants).encode()).hexdigest()
    return f"{weights.label}-{digest[:12]}", json.dumps([digest, spec.serve.parallel])


def find_program(name: str, variable: str, environ: Mapping[str, str]) -> str | None:
    """Find an executable.

    Args:
        name: Its name, searched for beside this interpreter and on PATH.
        variable: An environment variable that may name another executable.
        environ: The environment.

    Returns:
        Its absolute path; None if there is none.

    Raises:
        UsageError: If the variable is set to something that is no executable.
    """
    named = environ.get(variable)
    if named:
        found = shutil.which(str(Path(named).expanduser()), path=environ.get("PATH"))
        if found is None:
            raise UsageError(f"{variable}={named} is no executable file; name one, or unset {variable}")
    else:
        beside = shutil.which(name, path=str(Path(sys.executable).parent))
        found = beside or shutil.which(name, path=environ.get("PATH"))
    # Absolute, since a server may run in another folder; links are not resolved, since a venv's interpreter is one.
    return found and str(Path(found).absolute())


def is_python(program: str) -> bool:
    """Return whether an executable is a Python interpreter rather than a tool's own script."""
    return Path(program).name.startswith("python")


def has_gpu(environ: Mapping[str, str]) -> bool:
    """Return whether there is an NVIDIA or AMD device that is not hidden."""
    if environ.get("CUDA_VISIBLE_DEVICES", "unset").strip() in ("", "-1"):
        return False
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/kfd").exists()


def usable_cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
