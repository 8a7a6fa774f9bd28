"""The choice of an engine for a model: vLLM, llama.cpp or transformers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.model_spec import ModelSpec
from pytest_ugst.llm.servers import llama_cpp, transformers, vllm
from pytest_ugst.llm.servers.launch import LaunchPlan, has_gpu
from pytest_ugst.llm.servers.weights import ModelWeights, find_weights

CONVERTED_GGUF = "model.gguf"
"""The name of the GGUF file in a checkpoint's folder that ``ugst train export-gguf`` makes."""
_GET_LLAMA = "pip install xllamacpp"
_GET_VLLM = "pip install 'pytest-ugst[vllm]'"
_GET_TRANSFORMERS = 'pip install "transformers[serving]" torch'


def make_plan(spec: ModelSpec, environ: Mapping[str, str]) -> LaunchPlan:
    """Choose an engine for a model, by ``spec.serve.engine`` or by what is installed.

    A GGUF file goes to llama.cpp, and so does one in a checkpoint's folder where there is no GPU. A checkpoint folder,
    an adapter or a hub name goes to vLLM where that is installed and has a GPU or is a CPU build, else to
    ``transformers serve``.

    Args:
        spec: The model.
        environ: The environment of the server.

    Raises:
        UsageError: If there is no such model, or no engine for it; the message contains the pip command.
    """
    try:
        weights = find_weights(spec.model, spec.serve.chat_template)
    except UsageError as error:
        raise UsageError(f"model {spec.name!r}: {error}") from None
    engine = spec.serve.engine
    if weights.kind == "checkpoint" and engine in ("auto", "llama"):
        weights = _converted(weights, spec, environ) or weights
    if engine == "auto":
        engine = "llama" if weights.kind == "gguf" else _engine_for_checkpoints(environ)
    if engine == "llama":
        return _plan_llama(weights, spec)
    if engine == "vllm":
        return _plan_vllm(weights, spec, environ)
    return _plan_transformers(weights, spec, environ)


def _engine_for_checkpoints(environ: Mapping[str, str]) -> Literal["vllm", "transformers"]:
    return "vllm" if vllm.is_usable(environ) else "transformers"


def _converted(weights: ModelWeights, spec: ModelSpec, environ: Mapping[str, str]) -> ModelWeights | None:
    """Return the GGUF file that was made from a checkpoint, if it is there and is to be served in its place.

    On a CPU, llama.cpp serves it several times as fast as transformers serves the checkpoint. With a GPU, vLLM serves
    the checkpoint.
    """
    file = Path(weights.where) / CONVERTED_GGUF
    if not file.is_file() or not llama_cpp.is_usable():
        return None
    if spec.serve.engine == "auto" and has_gpu(environ) and vllm.is_usable(environ):
        return None
    return replace(find_weights(str(file), spec.serve.chat_template), label=weights.label)


def _plan_llama(weights: ModelWeights, spec: ModelSpec) -> LaunchPlan:
    if weights.kind != "gguf":
        raise UsageError(f"model {spec.name!r}: serve.engine=llama takes a GGUF file, and {weights.where} is none")
    if not llama_cpp.is_usable():
        raise UsageError(f"model {spec.name!r}: nothing here serves GGUF files; {_GET_LLAMA}")
    return llama_cpp.plan(weights, spec)


def _plan_vllm(weights: ModelWeights, spec: ModelSpec, environ: Mapping[str, str]) -> LaunchPlan:
    start = vllm.find(environ)
    if start is None:
        raise UsageError(
            f"model {spec.name!r}: vLLM is not installed; {_GET_VLLM}, or name the executable of another"
            f" environment in {vllm.VARIABLE}"
        )
    return vllm.plan(start, weights, spec, environ)


def _plan_transformers(weights: ModelWeights, spec: ModelSpec, environ: Mapping[str, str]) -> LaunchPlan:
    if weights.kind == "gguf":
        raise UsageError(
            f"model {spec.name!r}: serve.engine=transformers takes a checkpoint; a GGUF file: engine=llama"
        )
    start = transformers.find(environ)
    if start is None:
        remedy = _GET_VLLM if has_gpu(environ) else _GET_TRANSFORMERS
        raise UsageError(
            f"model {spec.name!r}: nothing here serves checkpoints; {remedy}, or name the executable of another"
            f" environment in {vllm.VARIABLE} or {transformers.VARIABLE}"
        )
    return transformers.plan(start, weights, spec, environ)
