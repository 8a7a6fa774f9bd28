"""A checkpoint as a GGUF file, and back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.model_spec import ModelSpec
from pytest_ugst.llm.servers.engines import make_plan
from pytest_ugst.trainers.common.gguf_export import FILE, Kind, export_gguf
from tests.trainers.tiny_model import tiny_model

pytest.importorskip("gguf")


@pytest.mark.slow
def test_weights_come_back_as_they_were(tmp_path: Path) -> None:
    import torch

    from pytest_ugst.trainers.common.bases import load_model

    before = load_model(str(tiny_model())).state_dict()
    rough: dict[Kind, float] = {"f32": 0.0, "q8_0": 1e-3}
    for kind in rough:
        file = export_gguf(tiny_model(), tmp_path / f"{kind}.gguf", kind)
        after = load_model(str(file)).state_dict()
        assert set(after) == set(before)
        for name, tensor in before.items():
            assert torch.allclose(tensor, after[name], atol=rough[kind], rtol=rough[kind] * 10), (kind, name)


@pytest.mark.slow
def test_the_server_says_what_the_checkpoint_says(tmp_path: Path) -> None:
    """Greedily, by both; llama.cpp in full precision may still round a tie the other way, hence the real model."""
    import asyncio

    import torch

    from pytest_ugst.llm.client import ChatPool
    from pytest_ugst.llm.servers import ServerPool
    from pytest_ugst.trainers.common.bases import load_model, load_tokenizer
    from pytest_ugst.trainers.common.gguf_export import unpack

    pytest.importorskip("xllamacpp")
    folder = unpack("smollm2", tmp_path / "base", "f32")
    model, tokenizer = load_model(str(folder)).eval(), load_tokenizer(str(folder))
    messages = [{"role": "user", "content": "Name three colours."}]
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    with torch.no_grad():
        out = model.generate(**ids, max_new_tokens=16, do_sample=False)
    expected = tokenizer.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)
    spec = ModelSpec(
        name="base", model=str(folder), sampling={"temperature": 0, "max_tokens": 16, "repeat_penalty": 1.0}
    )

    async def ask(ready: ModelSpec) -> str:
        pool = ChatPool(None)
        try:
            return (await pool.chat(ready, "simulator").complete(messages)).text  # type: ignore[arg-type]
        finally:
            await pool.close()

    with ServerPool(tmp_path / "run") as servers:
        assert asyncio.run(ask(servers.start(spec))) == expected.strip()


@pytest.fixture
def llama(tmp_path: Path) -> Path:
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    return folder


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "is no checkpoint .config.json is missing."),
        ({"model_type": "qwen2"}, "architecture 'qwen2'; only llama"),
        ({"model_type": "llama", "attention_bias": True}, "a Llama with biases"),
        ({"model_type": "llama"}, "tokenizer.json can't be read"),
    ],
)
def test_what_can_not_be_written(llama: Path, config: dict[str, object] | None, message: str) -> None:
    pytest.importorskip("torch")
    if config is None:
        (llama / "config.json").unlink()
    else:
        (llama / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match=message):
        export_gguf(llama)


@pytest.mark.slow
def test_the_file_in_the_folder_is_what_is_served(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    folder = tmp_path / "c"
    shutil.copytree(tiny_model(), folder)
    spec = ModelSpec(name="c", model=str(folder))
    none = {"PATH": "", "CUDA_VISIBLE_DEVICES": ""}
    export_gguf(folder)
    assert (folder / FILE).is_file()
    plan = make_plan(spec, none)
    assert plan.engine == "llama"
    assert plan.model.startswith("c-")
