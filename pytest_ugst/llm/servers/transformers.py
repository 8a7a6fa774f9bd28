"""``transformers serve``: for checkpoint folders without vLLM. Slow, no JSON schemas: enough for a simulator."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.model_spec import ModelSpec
from pytest_ugst.llm.servers.launch import Command, LaunchPlan, ServerSlot, find_program, has_gpu, identity, is_python
from pytest_ugst.llm.servers.weights import ModelWeights

VARIABLE = "UGST_TRANSFORMERS"
"""Names the ``transformers`` executable of an environment that has ``transformers[serving]`` and torch."""


def find(environ: Mapping[str, str]) -> tuple[str, ...] | None:
    """The start of the command line, or None where something is missing."""
    program = find_program("transformers", VARIABLE, environ)
    if program is None:
        return None
    if is_python(program):
        return (program, "-m", "transformers.cli.transformers", "serve")
    own = Path(program).parent == Path(sys.executable).parent
    if own and not all(importlib.util.find_spec(name) for name in ("torch", "fastapi", "uvicorn")):
        return None
    return (program, "serve")


def plan(start: tuple[str, ...], weights: ModelWeights, spec: ModelSpec, environ: Mapping[str, str]) -> LaunchPlan:
    """How to serve with transformers.

    The server calls a model by the path it was given and counts a request's temperature only if the checkpoint's
    generation settings sample, so a checkpoint is shown to it through a folder of links with a name of our own and
    ``do_sample`` set. It has no API keys: it listens on the loopback interface, open to the users of this machine.
    """
    serve = spec.serve
    name, settings = identity("transformers", weights, spec, serve.context)
    if weights.kind == "hub":
        if serve.chat_template is not None:
            raise UsageError(f"{spec.name}: transformers serve takes no chat template for a hub name; use a folder")
        name = weights.where
    options = ["--dtype", "float32", "--device", "cpu"] if not has_gpu(environ) else []
    extra = {"OMP_WAIT_POLICY": "PASSIVE"}

    def command(seat: ServerSlot) -> Command:
        if weights.kind != "hub":
            _overlay(weights, seat.folder / name)
        return Command(
            (*start, name, "--host", "127.0.0.1", "--port", str(seat.port), *options, *serve.args),
            extra,
            folder=seat.folder,
        )

    return LaunchPlan(
        "transformers",
        name,
        settings,
        command,
        concurrency=serve.parallel or 1,
        structured="text",
        lists_models=False,
    )


def _overlay(weights: ModelWeights, folder: Path) -> None:
    """A folder of links to the weights with the chat template and the generation settings to use."""
    source = Path(weights.where)
    folder.mkdir(parents=True, exist_ok=True)
    written = {
        "generation_config.json": json.dumps({**_generation(source), "do_sample": True}),
        "chat_template.jinja": weights.template or "",
    }
    if weights.kind == "adapter":
        settings = json.loads((source / "adapter_config.json").read_text(encoding="utf-8"))
        written["adapter_config.json"] = json.dumps({**settings, "base_model_name_or_path": weights.base})
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8")
    for file in source.iterdir():
        link = folder / file.name
        if file.name not in {*written, "chat_template.json"} and not link.exists():
            link.symlink_to(file)


def _generation(source: Path) -> dict[str, object]:
    try:
        value = json.loads((source / "generation_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
