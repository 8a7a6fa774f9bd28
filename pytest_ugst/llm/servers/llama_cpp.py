"""llama.cpp's server out of the prebuilt ``xllamacpp`` wheel: for GGUF files."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from pytest_ugst.llm.model_spec import ModelSpec
from pytest_ugst.llm.servers.launch import Command, LaunchPlan, ServerSlot, cores, identity
from pytest_ugst.llm.servers.weights import ModelWeights

_CONTEXT = 4096
_PARALLEL = 4


def usable() -> bool:
    """Whether xllamacpp is installed (looked up, not imported)."""
    return importlib.util.find_spec("xllamacpp") is not None


def plan(weights: ModelWeights, spec: ModelSpec) -> LaunchPlan:
    """How to serve a GGUF file; by default 4 conversations of up to 4096 tokens each."""
    serve = spec.serve
    context = serve.context or min(weights.context or _CONTEXT, _CONTEXT)
    parallel = serve.parallel or _PARALLEL
    name, settings = identity("llama", weights, spec, context)

    def command(seat: ServerSlot) -> Command:
        template: list[str] = []
        if serve.chat_template is not None and weights.template is not None:
            file = seat.folder / "chat_template.jinja"
            file.write_text(weights.template, encoding="utf-8")
            template = ["--chat-template", str(file)]
        return Command(
            (
                # The file, and -P: neither the caller's folder nor this one may come before the installed packages.
                *(sys.executable, "-P", str(Path(__file__).with_name("llama_cpp_main.py"))),
                *("--model", weights.where, "--alias", name, "--port", str(seat.port)),
                *("--context", str(context), "--parallel", str(parallel), "--threads", str(cores())),
                *template,
                *serve.args,
            ),
            {"UGST_SERVER_KEY": seat.key},
        )

    return LaunchPlan("llama", name, settings, command, concurrency=parallel)
