"""The weights behind a model's name: a GGUF file, a checkpoint folder, an adapter with its base, or a hub name."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.servers.gguf import read_metadata

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_WEIGHT_FILES = ("*.safetensors", "*.bin", "*.pt", "*.gguf")
_SAMPLE = 1 << 20
"""Size in bytes of each part of a file that its digest is made from."""
_NO_TEMPLATE = (
    "has no chat template; name a Jinja file as serve.chat_template, or save the tokenizer's beside the weights"
)


@dataclass(frozen=True, slots=True)
class ModelWeights:
    """The weights of a model that can be served."""

    kind: Literal["gguf", "checkpoint", "adapter", "hub"]
    where: str
    """An absolute path, or the hub name."""
    label: str
    """A short name for people."""
    fingerprint: str
    """A hex digest that changes when the weights do; for a hub name that of the name."""
    template: str | None
    """The text of the chat template that the server will use; None where only the server knows it."""
    context: int | None
    """The length of context in tokens that the model was trained for, where the files state it."""
    base: str | None = None
    """The base model of an adapter: an absolute path or a hub name."""
    rank: int | None = None
    """The rank of an adapter."""
    config: dict[str, Any] | None = None
    """The content of a checkpoint's ``config.json``."""

    @property
    def takes_tools(self) -> bool | None:
        """Whether the chat template shows tools to the model; None where only the server knows it."""
        return None if self.template is None else "tools" in self.template


def find_weights(model: str, chat_template: Path | None = None) -> ModelWeights:
    """Find and check the weights of a model, before a server is started.

    Args:
        model: A path to a GGUF file, a checkpoint folder or an adapter folder; or a hub name, ``owner/name``.
        chat_template: A Jinja file that replaces the model's own template.

    Raises:
        UsageError: If there are no weights, or they have no chat template.
    """
    return _find(model, _read(chat_template) if chat_template is not None else None)


def _find(model: str, override: str | None) -> ModelWeights:
    path = Path(model).expanduser()
    if path.is_file():
        return _gguf(path.resolve(), override)
    if path.is_dir():
        path = path.resolve()
        if (path / "adapter_config.json").is_file():
            return _adapter(path, override)
        return _checkpoint(path, override)
    if _HUB_NAME.fullmatch(model) and not model.endswith(".gguf"):
        digest = hashlib.sha256(model.encode()).hexdigest()
        return ModelWeights("hub", model, model.rsplit("/", 1)[1], digest, override, None)
    raise UsageError(
        f"the model {model!r} has no base_url and is no GGUF file, no checkpoint folder and no hub name (owner/name)"
    )


def _gguf(path: Path, override: str | None) -> ModelWeights:
    if path.suffix.lower() != ".gguf":
        raise UsageError(f"{path} is a file but not a GGUF file; name the folder of a checkpoint, or a *.gguf file")
    fields = read_metadata(path, {"tokenizer.chat_template", "*.context_length"})
    template = override or fields.get("tokenizer.chat_template")
    if not isinstance(template, str) or not template.strip():
        raise UsageError(f"{path} {_NO_TEMPLATE}")
    trained = fields.get("*.context_length")
    parts = sorted(path.parent.glob(re.sub(r"-00001-of-(\d{5})$", r"-*-of-\1", path.stem) + path.suffix))
    return ModelWeights(
        "gguf",
        str(path),
        path.stem,
        fingerprint(path.parent, parts or [path]),
        template,
        trained if isinstance(trained, int) and trained > 0 else None,
    )


def _checkpoint(path: Path, override: str | None) -> ModelWeights:
    if not (path / "config.json").is_file():
        raise UsageError(f"{path} is no checkpoint: it has no config.json (a folder saved by save_pretrained has one)")
    files = _weight_files(path)
    if not files:
        raise UsageError(f"{path} is no checkpoint: it has a config.json but no weights (*.safetensors or *.bin)")
    config = _json(path / "config.json")
    template = override or _template(path)
    if template is None:
        raise UsageError(f"{path} {_NO_TEMPLATE}")
    # In the configuration of a multimodal model, the language model's part is one level down.
    text = config.get("text_config")
    trained = (text if isinstance(text, dict) else config).get("max_position_embeddings")
    return ModelWeights(
        "checkpoint",
        str(path),
        path.name,
        fingerprint(path, [*files, *path.glob("*.json"), *path.glob("*.jinja")]),
        template,
        trained if isinstance(trained, int) and trained > 0 else None,
        config=config,
    )


def _adapter(path: Path, override: str | None) -> ModelWeights:
    settings = _json(path / "adapter_config.json")
    base, rank = settings.get("base_model_name_or_path"), settings.get("r")
    if not isinstance(base, str) or not base:
        raise UsageError(f"{path}/adapter_config.json: base_model_name_or_path is missing; name the base model there")
    try:
        base_weights = _find(base, override or _template(path))
    except UsageError as error:
        raise UsageError(f"{path}/adapter_config.json: base_model_name_or_path: {error}") from None
    if base_weights.kind not in ("checkpoint", "hub"):
        raise UsageError(f"{path}/adapter_config.json: the base model {base!r} is no checkpoint folder and no hub name")
    digests = base_weights.fingerprint + fingerprint(path, sorted(path.glob("*")))
    return ModelWeights(
        "adapter",
        str(path),
        path.name,
        hashlib.sha256(digests.encode()).hexdigest(),
        base_weights.template,
        base_weights.context,
        base=base_weights.where,
        rank=rank if isinstance(rank, int) else None,
        config=base_weights.config,
    )


def fingerprint(folder: Path, files: list[Path]) -> str:
    """Return a digest of files: of their names, sizes, and the first, middle and last MiB of their contents.

    It is fast for weights of any size. Training changes weights everywhere, so a sample tells two checkpoints apart;
    small files are read whole.

    Args:
        folder: The folder that names are relative to.
        files: The files, in any order.

    Raises:
        UsageError: If a file can't be read.
    """
    digest = hashlib.sha256()
    try:
        for file in sorted(set(files)):
            if not file.is_file():
                continue
            size = file.stat().st_size
            digest.update(f"{file.relative_to(folder)}\0{size}\0".encode())
            with file.open("rb") as stream:
                for start in sorted({0, max(0, size // 2 - _SAMPLE // 2), max(0, size - _SAMPLE)}):
                    stream.seek(start)
                    digest.update(stream.read(_SAMPLE))
    except OSError as error:
        raise UsageError(f"{error.filename or folder}: {error.strerror or error}") from None
    return digest.hexdigest()


def _weight_files(path: Path) -> list[Path]:
    return [file for pattern in _WEIGHT_FILES for file in path.glob(pattern) if file.name != "training_args.bin"]


def _template(path: Path) -> str | None:
    """Return a checkpoint's chat template, from the files in which transformers looks for it; None if there is none."""
    if (path / "chat_template.jinja").is_file():
        return _read(path / "chat_template.jinja")
    for name in ("chat_template.json", "tokenizer_config.json"):
        if (path / name).is_file():
            template = _json(path / name).get("chat_template")
            if isinstance(template, list):
                named = {item.get("name"): item.get("template") for item in template if isinstance(item, dict)}
                template = named.get("default")
            if isinstance(template, str) and template.strip():
                return template
    return None


def _read(path: Path) -> str:
    try:
        text = path.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise UsageError(f"chat template {path}: {reason}") from None
    if not text.strip():
        raise UsageError(f"chat template {path} is empty")
    return text


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} can't be read as JSON: {error}") from None
    if not isinstance(value, dict):
        raise UsageError(f"{path} is not a JSON object")
    return value
