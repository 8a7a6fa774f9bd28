"""The weights behind a model's name, and the errors where there are none that can be served."""

from __future__ import annotations

import contextlib
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.servers import find_weights
from pytest_ugst.llm.servers.gguf import read_metadata

TEMPLATE = "{% for message in messages %}{{ message.content }}{% endfor %}"


def gguf_string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def gguf(fields: dict[str, bytes]) -> bytes:
    body = b"".join(gguf_string(key) + value for key, value in fields.items())
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(fields)) + body


def string(text: str) -> bytes:
    return struct.pack("<I", 8) + gguf_string(text)


def number(value: int) -> bytes:
    return struct.pack("<II", 4, value)


def strings(values: list[str]) -> bytes:
    return struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(gguf_string, values))


def floats(values: list[float]) -> bytes:
    return struct.pack(f"<IIQ{len(values)}f", 9, 6, len(values), *values)


MODEL = {
    "general.architecture": string("llama"),
    "tokenizer.ggml.tokens": strings(["a", "bé", "c" * 300]),
    "tokenizer.ggml.scores": floats([0.5, 1.0]),
    "llama.context_length": number(8192),
    "tokenizer.chat_template": string(TEMPLATE),
}


def checkpoint(path: Path, **files: Any) -> Path:
    path.mkdir(parents=True)
    named = {
        "config": {"max_position_embeddings": 2048},
        "tokenizer_config": {"chat_template": TEMPLATE},
        **files,
    }
    for name, content in named.items():
        if content is not None:
            (path / f"{name}.json").write_text(content if isinstance(content, str) else json.dumps(content))
    (path / "model.safetensors").write_bytes(b"weights")
    return path


def test_a_gguf_file(tmp_path: Path) -> None:
    file = tmp_path / "tiny.Q4.gguf"
    file.write_bytes(gguf(MODEL))
    found = find_weights(str(file))
    assert (found.kind, found.where, found.label) == ("gguf", str(file), "tiny.Q4")
    assert (found.template, found.context, found.takes_tools) == (TEMPLATE, 8192, False)


@given(st.integers(0, len(gguf(MODEL)) - 1))
def test_a_gguf_file_cut_anywhere_is_a_clear_error(tmp_path_factory: pytest.TempPathFactory, size: int) -> None:
    file = tmp_path_factory.mktemp("cut") / "tiny.gguf"
    file.write_bytes(gguf(MODEL)[:size])
    with pytest.raises(UsageError, match=r"tiny.gguf is not a usable GGUF file: it"):
        read_metadata(file, {"tokenizer.chat_template"})


@given(st.binary(max_size=200))
def test_a_gguf_file_of_rubbish_is_a_clear_error_or_says_nothing(
    tmp_path_factory: pytest.TempPathFactory, rubbish: bytes
) -> None:
    file = tmp_path_factory.mktemp("rubbish") / "tiny.gguf"
    file.write_bytes(b"GGUF" + struct.pack("<I", 3) + rubbish)
    # Nothing but a UsageError may come out, and rubbish of no fields at all is a file that says nothing.
    with contextlib.suppress(UsageError):
        assert read_metadata(file, {"no.such.key"}) == {}


@pytest.mark.parametrize(
    "field",
    [
        struct.pack("<I", 99),
        struct.pack("<IIQ", 9, 9, 1),
        struct.pack("<IIQ", 9, 8, 1 << 60),
        struct.pack("<IQ", 8, 1 << 62),
    ],
    ids=["unknown type", "array of arrays", "endless array", "endless string"],
)
def test_a_gguf_file_with_a_senseless_field(tmp_path: Path, field: bytes) -> None:
    file = tmp_path / "tiny.gguf"
    file.write_bytes(gguf({"general.name": field}))
    with pytest.raises(UsageError, match="not a usable GGUF file"):
        find_weights(str(file))


def test_a_checkpoint_folder(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "grpo-350", tokenizer_config={"chat_template": "{{ tools }}"})
    found = find_weights(str(folder))
    assert (found.kind, found.where, found.label, found.context) == ("checkpoint", str(folder), "grpo-350", 2048)
    assert found.takes_tools


@pytest.mark.parametrize(
    "files",
    [
        {
            "tokenizer_config": {
                "chat_template": [{"name": "tool_use", "template": "x"}, {"name": "default", "template": "d"}]
            }
        },
        {"tokenizer_config": None, "chat_template": {"chat_template": "d"}},
    ],
    ids=["named templates", "chat_template.json"],
)
def test_where_a_chat_template_may_be(tmp_path: Path, files: dict[str, Any]) -> None:
    assert find_weights(str(checkpoint(tmp_path / "c", **files))).template == "d"


def test_a_template_file_beside_the_weights_or_named_comes_first(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "c")
    (folder / "chat_template.jinja").write_text("beside")
    (tmp_path / "mine.jinja").write_text("mine")
    assert find_weights(str(folder)).template == "beside"
    assert find_weights(str(folder), tmp_path / "mine.jinja").template == "mine"


def test_an_adapter_stands_on_its_base(tmp_path: Path) -> None:
    base = checkpoint(tmp_path / "base")
    adapter = tmp_path / "lora-40"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(base), "r": 16}))
    (adapter / "adapter_model.safetensors").write_bytes(b"low rank")
    found = find_weights(str(adapter))
    assert (found.kind, found.base, found.rank, found.template) == ("adapter", str(base), 16, TEMPLATE)
    before = found.fingerprint
    (base / "model.safetensors").write_bytes(b"trained")
    assert find_weights(str(adapter)).fingerprint != before


def test_a_hub_name_is_left_to_the_server() -> None:
    found = find_weights("HuggingFaceTB/SmolLM2-135M-Instruct")
    assert (found.kind, found.label, found.template, found.takes_tools) == ("hub", "SmolLM2-135M-Instruct", None, None)


def test_the_fingerprint_follows_the_content(tmp_path: Path) -> None:
    one, two = checkpoint(tmp_path / "a" / "c"), checkpoint(tmp_path / "b" / "c")
    assert find_weights(str(one)).fingerprint == find_weights(str(two)).fingerprint
    (two / "model.safetensors").write_bytes(b"w3ights")
    assert find_weights(str(one)).fingerprint != find_weights(str(two)).fingerprint


def test_the_fingerprint_of_large_weights_sees_the_middle_and_the_end(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "c")
    weights, seen = bytearray(8 << 20), set()
    for place in (None, 4 << 20, (8 << 20) - 1):
        if place is not None:
            weights[place] ^= 1
        (folder / "model.safetensors").write_bytes(weights)
        seen.add(find_weights(str(folder)).fingerprint)
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"config": None}, "has no config.json"),
        ({"config": "{"}, "config.json can't be read as JSON"),
        ({"config": "[]"}, "config.json is not a JSON object"),
        ({"tokenizer_config": {}}, "has no chat template; name a Jinja file as serve.chat_template"),
        ({"tokenizer_config": None}, "has no chat template"),
        ({"tokenizer_config": {"chat_template": " "}}, "has no chat template"),
    ],
    ids=str,
)
def test_a_folder_that_cannot_be_served(tmp_path: Path, files: dict[str, Any], message: str) -> None:
    folder = checkpoint(tmp_path / "c", **files)
    with pytest.raises(UsageError, match=message) as caught:
        find_weights(str(folder))
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_weights(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "c")
    (folder / "model.safetensors").unlink()
    (folder / "training_args.bin").touch()
    with pytest.raises(UsageError, match="no weights"):
        find_weights(str(folder))


def test_other_things_that_cannot_be_served(tmp_path: Path) -> None:
    (tmp_path / "model.bin").touch()
    with pytest.raises(UsageError, match="not a GGUF file"):
        find_weights(str(tmp_path / "model.bin"))
    (tmp_path / "bare.gguf").write_bytes(gguf({"general.name": string("x")}))
    with pytest.raises(UsageError, match="has no chat template"):
        find_weights(str(tmp_path / "bare.gguf"))
    with pytest.raises(UsageError, match="no GGUF file, no checkpoint folder and no hub name"):
        find_weights("gpt-4o-mini")
    with pytest.raises(UsageError, match="no GGUF file"):
        find_weights("models/typo.gguf")
    with pytest.raises(UsageError, match=r"chat template .*none.jinja: No such file"):
        find_weights("owner/name", tmp_path / "none.jinja")
    adapter = tmp_path / "lora"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    with pytest.raises(UsageError, match="base_model_name_or_path is missing"):
        find_weights(str(adapter))
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "gone"}))
    with pytest.raises(UsageError, match=r"base_model_name_or_path: the model 'gone'"):
        find_weights(str(adapter))
