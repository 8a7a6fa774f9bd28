"""The engine ``transformers serve``: for checkpoint folders without vLLM. Slow, without JSON schemas."""

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
"""The variable that names the ``transformers`` executable of an environment with its extra ``serving`` and torch."""


def find(environ: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the start of the command line; None if a required package is not installed."""
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
    """Return the plan to serve a model with transformers.

    The server names a model by its path, and applies a request's temperature only if the checkpoint's generation
    settings have ``do_sample`` set. So it gets a folder of links to the checkpoint, with the plan's name of the model
    and with ``do_sample`` set. It has no API keys: it listens on the loopback interface, open to the users of this
    machine.

    Args:
        start: The start of the command line.
        weights: The weights.
        spec: The model.
        environ: The environment of the server.

    Raises:
        UsageError: If a chat template is set for a hub name.
    """
    serve = spec.serve
    name, settings = identity("transformers", weights, spec, serve.context)
    if weights.kind == "hub":
        if serve.chat_template is not None:
            raise UsageError(f"{spec.name}: transformers serve takes no chat template for a hub name; use a folder")
        name = weights.where
    options = ["--dtype", "float32", "--device", "cpu"] if not has_gpu(environ) else []
    extra = {"OMP_WAIT_POLICY": "PASSIVE"}

    def command(slot: ServerSlot) -> Command:
        if weights.kind != "hub":
            _link_weights(weights, slot.folder / name)
        return Command(
            (*start, name, "--host", "127.0.0.1", "--port", str(slot.port), *options, *serve.args),
            extra,
            folder=slot.folder,
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


def _link_weights(weights: ModelWeights, folder: Path) -> None:
    """Make a folder of links to the weights, with the chat template and generation settings that are to be used."""
    source = Path(weights.where)
    folder.mkdir(parents=True, exist_ok=True)
    written = {
        "generation_config.json": json.dumps({**_generation_config(source), "do_sample": True}),
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


def _generation_config(source: Path) -> dict[str, object]:
    try:
        value = json.loads((source / "generation_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
