"""Resolution of model names."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.api_keys import require_key
from pytest_ugst.llm.model_names import resolve
from pytest_ugst.llm.model_spec import ModelSpec

TABLES = tomllib.loads(
    """
    [llama-8b]
    model = "meta-llama/Llama-3.1-8B-Instruct"
    concurrency = 32
    sampling = {temperature = 0.7}
    price = {prompt = 0.1, completion = 0.4}
    serve = {engine = "vllm", args = ["--enforce-eager"]}

    [remote]
    model = "qwen"
    base_url = "http://gpu-box:8000/v1/"

    [mini]
    model = "gpt-4o-mini"

    ["with.dot"]
    model = "x"
    base_url = "https://example.org/v1/chat/completions"
    """
)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_aliases() -> None:
    models = {name: resolve(name, TABLES) for name in TABLES}
    assert models["llama-8b"].base_url is None
    assert models["llama-8b"].concurrency == 32
    assert models["llama-8b"].serve.args == ("--enforce-eager",)
    assert models["remote"].base_url == "http://gpu-box:8000/v1"
    assert models["remote"].api_key_env is None
    assert (models["mini"].base_url, models["mini"].api_key_env) == ("https://api.openai.com/v1", "OPENAI_API_KEY")
    assert models["with.dot"].base_url == "https://example.org/v1"


@pytest.mark.parametrize("name", ["gpt-4o-mini", "o3", "o4-mini", "chatgpt-4o-latest", "ft:gpt-4o:me::1"])
def test_hosted_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = resolve(name, {})
    assert (spec.model, spec.base_url, spec.api_key_env) == (name, "https://api.openai.com/v1", "OPENAI_API_KEY")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:1234/v1/")
    assert resolve(name, {}).base_url == "http://localhost:1234/v1"


@pytest.mark.parametrize(
    ("name", "base_url", "model"),
    [
        ("http://localhost:8000", "http://localhost:8000/v1", "default"),
        ("http://localhost:8000/v1#qwen", "http://localhost:8000/v1", "qwen"),
        ("https://host/api/v2/chat/completions#my/model", "https://host/api/v2", "my/model"),
        ("http://host/chat/completions", "http://host", "default"),
        ("http://[::1]:80/v1/", "http://[::1]:80/v1", "default"),
    ],
)
def test_addresses(name: str, base_url: str, model: str) -> None:
    spec = resolve(name, {})
    assert (spec.name, spec.base_url, spec.model, spec.api_key_env) == (name, base_url, model, None)


def test_files_and_hub_names(tmp_path: Path) -> None:
    (tmp_path / "models" / "grpo-350").mkdir(parents=True)
    (tmp_path / "models" / "grpo-350" / "config.json").write_text("{}")
    (tmp_path / "small.gguf").touch()
    for name, where in (
        ("models/grpo-350", tmp_path / "models" / "grpo-350"),
        (str(tmp_path / "models" / "grpo-350"), tmp_path / "models" / "grpo-350"),
        ("small.gguf", tmp_path / "small.gguf"),
        ("./small.gguf", tmp_path / "small.gguf"),
    ):
        spec = resolve(name, {})
        assert (spec.name, spec.model, spec.base_url) == (name, str(where.resolve()), None)
    hub = resolve("Qwen/Qwen2.5-7B-Instruct", {})
    assert (hub.model, hub.base_url) == ("Qwen/Qwen2.5-7B-Instruct", None)


def test_paths_start_at_the_configuration_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "m.gguf").touch()
    tables = {"a": {"model": "m.gguf", "serve": {"chat_template": "t.jinja"}}}
    spec = resolve("a", tables, tmp_path / "project" / "pyproject.toml")
    assert spec.model == str((tmp_path / "project" / "m.gguf").resolve())
    assert spec.serve.chat_template == tmp_path / "project" / "t.jinja"
    assert resolve("m.gguf", {}, None, tmp_path / "project").model == spec.model


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lama-8b", r"unknown model 'lama-8b'; did you mean 'llama-8b'\?; add \[tool\.ugst\.models\.lama-8b\]"),
        ("zzz", r"unknown model 'zzz'; known: llama-8b, mini, remote, .*with\.dot; add"),
        ("./nothing", "no such file or folder"),
        ("nothing.gguf", "no such file or folder"),
        ("http://user:secret@host/v1", "set api_key_env"),
        ("http://", "not an http address"),
        ("http://host:port/v1", "not an address"),
        ("http://host/v1?key=1", "takes no query"),
    ],
)
def test_unknown_names(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        resolve(name, TABLES, Path("pyproject.toml"))
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_what_plays_another_role_is_not_suggested_in_its_place() -> None:
    others = {"agenda": "simulator", "rules": "agent"}
    with pytest.raises(UsageError, match=r"^'agenda:confusion' plays another role \(simulator\) and is no model; name"):
        resolve("agenda:confusion", TABLES, builtin=others)
    with pytest.raises(UsageError, match=r"'agend'; did you mean 'agenda'\?"):
        resolve("agend", TABLES, builtin=others)
    with pytest.raises(UsageError, match=r"'zzz'; known: agenda \(simulator\), llama-8b, .*, rules \(agent\), .*; add"):
        resolve("zzz", TABLES, builtin=others)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("a string", "has to be a table"),
        ({}, "model: missing; set model"),
        ({"model": 3, "base_url": "http://h/v1"}, "model: input should be a valid string"),
        ({"model": "m"}, "base_url: missing, and 'm' is no file to serve"),
        ({"model": "./m"}, "model: there is no './m'"),
        ({"model": "m", "base_url": "h:8000"}, "base_url: 'h:8000' is not an http address"),
        ({"model": "m", "base_url": "http://h/v1", "concurency": 3}, "did you mean 'concurrency'"),
        ({"model": "m", "base_url": "http://h/v1", "concurrency": 0}, "concurrency: input should be greater"),
        ({"model": "m", "base_url": "http://h/v1", "price": {"promt": 1}}, r"price\.promt: unknown field; remove it"),
        ({"model": "m", "base_url": "http://h/v1", "sampling": {"n": 2}}, r"sampling\.n: .*remove it"),
        ({"model": "m", "base_url": "http://h/v1", "api_key": "sk-1"}, "api_key: not allowed here; set api_key_env"),
        ({"model": "m", "provider": "azure"}, "base_url: missing; set base_url"),
        ({"model": "m", "provider": "azure", "base_url": "https://x.openai.azure.com"}, "api_version: missing"),
    ],
)
def test_bad_tables(table: Any, words: str) -> None:
    with pytest.raises(UsageError, match=rf"^conf\.toml: \[tool\.ugst\.models\.bad\]: .*{words}") as caught:
        resolve("bad", {"bad": table}, Path("conf.toml"))
    assert "\n" not in str(caught.value)
    assert "sk-1" not in str(caught.value)


def test_azure_tables() -> None:
    table = {"model": "d", "provider": "azure", "base_url": "https://x.openai.azure.com/", "api_version": "2024-10-21"}
    spec = resolve("az", {"az": table})
    assert (spec.base_url, spec.api_key_env) == ("https://x.openai.azure.com", "AZURE_OPENAI_API_KEY")


def test_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = resolve("gpt-4o-mini", {})
    for bad in ("", "  ", "two\nlines", "schlüssel"):
        monkeypatch.setenv("OPENAI_API_KEY", bad)
        with pytest.raises(UsageError, match="OPENAI_API_KEY"):
            require_key(spec)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    require_key(spec)
    require_key(ModelSpec(name="a", model="m"))
