"""What it takes to start one server, before it is started."""

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
    environ: Mapping[str, str] = field(default_factory=dict)
    """On top of this process's environment; the key goes here, since command lines are public."""
    folder: Path | None = None
    """Working directory."""


@dataclass(frozen=True, slots=True)
class ServerSlot:
    """What the park gives a server: where to listen, which key to ask for, a folder for files of its own."""

    port: int
    key: str
    folder: Path


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """How to serve some weights with one engine."""

    engine: Literal["vllm", "llama", "transformers"]
    model: str
    """What the server will call the model. It holds a digest of the weights, template and settings, so that it
    names an answer's origin in a cache whatever port the server listens on."""
    settings: str
    """Equal settings (and weights) share a server."""
    command: Callable[[ServerSlot], Command]
    concurrency: int | None = None
    """Requests the server works on at once; more would only wait there, against their time limit."""
    structured: Literal["text"] | None = None
    """text: the server does not take JSON schemas."""
    lists_models: bool = True
    """Whether ``/v1/models`` names what is served."""


def identity(engine: str, weights: ModelWeights, spec: ModelSpec, context: int | None) -> tuple[str, str]:
    """A model name that stands for everything the answers depend on, and the settings that decide about sharing."""
    about = [engine, weights.fingerprint, weights.template, list(spec.serve.args), context]
    digest = hashlib.sha256(json.dumps(about).encode()).hexdigest()
    return f"{weights.label}-{digest[:12]}", json.dumps([digest, spec.serve.parallel])


def find_program(name: str, variable: str, environ: Mapping[str, str]) -> str | None:
    """An executable: the one an environment variable names, one beside this interpreter, or one on PATH.

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
    # Absolute, since a server may run in another folder; links are kept, since an environment's interpreter is one.
    return found and str(Path(found).absolute())


def is_python(program: str) -> bool:
    """Whether an executable is a Python interpreter rather than a tool's own script."""
    return Path(program).name.startswith("python")


def has_gpu(environ: Mapping[str, str]) -> bool:
    """Whether an NVIDIA or AMD device is there and not hidden."""
    if environ.get("CUDA_VISIBLE_DEVICES", "unset").strip() in ("", "-1"):
        return False
    return any(Path("/dev").glob("nvidia[0-9]*")) or Path("/dev/kfd").exists()


def cores() -> int:
    """Processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
