"""Conversion of a checkpoint to a GGUF file, which llama.cpp serves on a CPU several times as fast as transformers.

For models of the Llama architecture (SmolLM2 among them). The tokenizer's part of the file is taken from another GGUF
file of the same vocabulary: training changes weights, not tokens.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.packaged import PACKAGED, packaged_spec
from pytest_ugst.llm.servers.engines import CONVERTED_GGUF
from pytest_ugst.trainers.common.bases import find_base, load_model, load_tokenizer, require_libraries
from pytest_ugst.trainers.common.checkpoint import saving

FILE = CONVERTED_GGUF
"""The file in a checkpoint's folder that llama.cpp serves in place of the checkpoint where there is no GPU."""
Kind = Literal["f32", "f16", "bf16", "q8_0", "q4_0"]
KINDS: tuple[Kind, ...] = ("q8_0", "q4_0", "f16", "bf16", "f32")

_LAYER = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_TOP = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def export_gguf(checkpoint: Path, out: Path | None = None, kind: Kind = "q8_0", like: Path | None = None) -> Path:
    """Write a checkpoint as a GGUF file.

    Args:
        checkpoint: The folder of a model of the Llama architecture.
        out: The file; ``model.gguf`` in the folder unless given.
        kind: The type of the stored weights; vectors are always 32-bit floats.
        like: A GGUF file with the same vocabulary; a packaged model's if that fits, unless given.

    Returns:
        The file.

    Raises:
        UsageError: If the checkpoint is of another architecture, no file with its vocabulary is known, or the file
            can't be written.
    """
    require_libraries("gguf", "safetensors", "torch")
    import gguf

    config = _config(checkpoint)
    vocabulary = _vocabulary(checkpoint)
    template = _find_vocabulary(like, vocabulary, checkpoint)
    out = out or checkpoint / FILE
    draft = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        writer = gguf.GGUFWriter(draft, "llama")
        _write_metadata(writer, template, config, checkpoint, kind)
        for name, tensor in _tensors(checkpoint, config):
            _add(writer, name, tensor, kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(out)
    except OSError as error:
        raise UsageError(
            f"can't write {out}: {error.strerror or error}; free some space, or name another file"
        ) from None
    finally:
        draft.unlink(missing_ok=True)
    return out


def unpack(name: str, out: Path, kind: Kind = "q8_0") -> Path:
    """Make a checkpoint folder of a GGUF file, to train from, with a GGUF file of its own in it.

    Args:
        name: The file, or a packaged model such as ``smollm2``.
        out: The folder; made if need be.
        kind: The type of weights of the GGUF file that is put into the folder.

    Raises:
        UsageError: If the file can't be read, the folder holds something, or it can't be written.
    """
    require_libraries("gguf", "safetensors", "torch", "transformers")
    base = find_base(name)
    if base.gguf is None:
        raise UsageError(f"{name} is no GGUF file, and no packaged model")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out {out} holds something already; name another folder")
    model, tokenizer = load_model(name), load_tokenizer(name)
    with saving(out) as draft:
        model.save_pretrained(draft)
        tokenizer.save_pretrained(draft)
    export_gguf(out, kind=kind, like=base.path)
    return out


def _config(checkpoint: Path) -> Mapping[str, Any]:
    path = checkpoint / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{checkpoint} is no checkpoint (config.json is missing)") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read: {error}") from None
    if not isinstance(config, dict) or config.get("model_type") != "llama":
        kind = config.get("model_type") if isinstance(config, dict) else None
        raise UsageError(
            f"{checkpoint}: architecture {kind!r}; only llama is written as GGUF here (convert others with llama.cpp's "
            "convert_hf_to_gguf.py)"
        )
    if config.get("attention_bias") or config.get("mlp_bias"):
        raise UsageError(f"{checkpoint}: a Llama with biases; convert it with llama.cpp's convert_hf_to_gguf.py")
    return config


def _vocabulary(checkpoint: Path) -> list[str]:
    """Return the tokens in the order of their ids."""
    path = checkpoint / "tokenizer.json"
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        tokens = dict(held["model"]["vocab"]) | {t["content"]: t["id"] for t in held["added_tokens"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} can't be read as a fast tokenizer: {error}") from None
    return sorted(tokens, key=lambda token: int(tokens[token]))


def _find_vocabulary(like: Path | None, vocabulary: list[str], checkpoint: Path) -> Any:
    """Return a reader of a GGUF file that has this vocabulary."""
    import gguf

    files = [like] if like is not None else [Path(path) for path in _packaged()]
    for file in files:
        try:
            reader = gguf.GGUFReader(file)
        except (OSError, ValueError) as error:
            raise UsageError(f"--like {file} can't be read as GGUF: {error}") from None
        tokens = reader.get_field("tokenizer.ggml.tokens")
        if tokens is not None and tokens.contents() == vocabulary:
            return reader
    remedy = f"{like} has another vocabulary" if like is not None else "name one by --like"
    raise UsageError(f"{checkpoint}: the tokenizer's part comes from a GGUF file with the same vocabulary; {remedy}")


def _packaged() -> Iterator[str]:
    for name in PACKAGED:
        try:
            yield packaged_spec(name).model
        except UsageError:
            continue


def _write_metadata(writer: Any, template: Any, config: Mapping[str, Any], checkpoint: Path, kind: Kind) -> None:
    import gguf

    for name, field in template.fields.items():
        if name.startswith("tokenizer.ggml."):
            inner = field.types[-1] if field.types[0] is gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), field.types[0], inner)
    chat_template = checkpoint / "chat_template.jinja"
    if chat_template.is_file():
        writer.add_chat_template(chat_template.read_text(encoding="utf-8"))
    heads = int(config["num_attention_heads"])
    size = int(config.get("head_dim") or int(config["hidden_size"]) // heads)
    rope = config.get("rope_parameters") or {}
    theta = rope.get("rope_theta", config.get("rope_theta", 10_000.0))
    writer.add_name(checkpoint.resolve().name)
    writer.add_context_length(int(config["max_position_embeddings"]))
    writer.add_embedding_length(int(config["hidden_size"]))
    writer.add_block_count(int(config["num_hidden_layers"]))
    writer.add_feed_forward_length(int(config["intermediate_size"]))
    writer.add_head_count(heads)
    writer.add_head_count_kv(int(config.get("num_key_value_heads") or heads))
    writer.add_rope_dimension_count(size)
    writer.add_rope_freq_base(float(theta))
    writer.add_layer_norm_rms_eps(float(config["rms_norm_eps"]))
    writer.add_vocab_size(int(config["vocab_size"]))
    writer.add_file_type(getattr(gguf.LlamaFileType, "ALL_F32" if kind == "f32" else f"MOSTLY_{kind.upper()}"))


def _tensors(checkpoint: Path, config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    from safetensors import safe_open

    heads = int(config["num_attention_heads"])
    key_heads = int(config.get("num_key_value_heads") or heads)
    files = sorted(checkpoint.glob("model*.safetensors"))
    if not files:
        raise UsageError(f"{checkpoint} holds no model*.safetensors; merge an adapter first")
    for file in files:
        with safe_open(file, framework="pt") as held:
            for name in held.keys():  # noqa: SIM118 - not a mapping
                stored_as = _gguf_name(name)
                if stored_as is None:
                    raise UsageError(f"{file}: unknown tensor {name!r} for a Llama")
                if name == "lm_head.weight" and config.get("tie_word_embeddings"):
                    continue
                array = held.get_tensor(name).float().numpy()
                if stored_as.endswith(".attn_q.weight"):
                    array = _interleaved(array, heads)
                elif stored_as.endswith(".attn_k.weight"):
                    array = _interleaved(array, key_heads)
                yield stored_as, array


def _gguf_name(name: str) -> str | None:
    """Return the name of a tensor in GGUF files; None for a tensor that a Llama does not have."""
    stem, _, kind = name.rpartition(".")
    if kind != "weight":
        return None
    if stem in _TOP:
        return f"{_TOP[stem]}.weight"
    parts = stem.split(".", 3)
    if len(parts) == 4 and parts[:2] == ["model", "layers"] and parts[3] in _LAYER:
        return f"blk.{parts[2]}.{_LAYER[parts[3]]}.weight"
    return None


def _interleaved(array: Any, heads: int) -> Any:
    """Return a query or key projection as llama.cpp's rotary embedding wants it: pairs side by side, not halves."""
    return array.reshape(heads, 2, array.shape[0] // heads // 2, *array.shape[1:]).swapaxes(1, 2).reshape(array.shape)


def _add(writer: Any, name: str, array: Any, kind: Kind) -> None:
    import gguf
    import numpy as np

    if array.ndim < 2 or kind == "f32":
        writer.add_tensor(name, array.astype(np.float32))
        return
    stored = gguf.GGMLQuantizationType[kind.upper()]
    if kind in ("q8_0", "q4_0") and array.shape[-1] % 32:
        stored = gguf.GGMLQuantizationType.F16
    if stored is gguf.GGMLQuantizationType.F16:
        writer.add_tensor(name, array.astype(np.float16))
    else:
        writer.add_tensor(name, gguf.quants.quantize(array, stored), raw_dtype=stored)
