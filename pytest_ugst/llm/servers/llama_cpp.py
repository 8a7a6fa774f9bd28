"""The engine llama.cpp, from the prebuilt ``xllamacpp`` wheel: for GGUF files."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from pytest_ugst.llm.model_spec import ModelSpec
from pytest_ugst.llm.servers.launch import Command, LaunchPlan, ServerSlot, identity, usable_cores
from pytest_ugst.llm.servers.weights import ModelWeights

_CONTEXT = 4096
_PARALLEL = 4
_ENTRY_POINT = Path(__file__).with_name("llama_cpp_main.py")


def is_usable() -> bool:
    """Return whether xllamacpp is installed, without importing it."""
    return importlib.util.find_spec("xllamacpp") is not None


def plan(weights: ModelWeights, spec: ModelSpec) -> LaunchPlan:
    """Return the plan to serve a GGUF file; by default 4 conversations of up to 4096 tokens each."""
    serve = spec.serve
    context = serve.context or min(weights.context or _CONTEXT, _CONTEXT)
    parallel = serve.parallel or _PARALLEL
    name, settings = identity("llama", weights, spec, context)

    def command(slot: ServerSlot) -> Command:
        template: list[str] = []
        if serve.chat_template is not None and weights.template is not None:
            file = slot.folder / "chat_template.jinja"
            file.write_text(weights.template, encoding="utf-8")
            template = ["--chat-template", str(file)]
        return Command(
            (
                # Run as a file with -P, so that neither the working directory nor this folder, with its module
                # ``transformers``, precedes the installed packages on the import path.
                *(sys.executable, "-P", str(_ENTRY_POINT)),
                *("--model", weights.where, "--alias", name, "--port", str(slot.port)),
                *("--context", str(context), "--parallel", str(parallel), "--threads", str(usable_cores())),
                *template,
                *serve.args,
            ),
            {"UGST_SERVER_KEY": slot.key},
        )

    return LaunchPlan("llama", name, settings, command, concurrency=parallel)
