"""The model to start from: a checkpoint folder, a hub name, or a GGUF file, which is converted.

GGUF files go through transformers, which reads the quantized tensors of the common architectures into full precision;
chat template and tokenizer come along.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import one_line
from pytest_ugst.llm.packaged import PACKAGED, packaged_spec

_INSTALL = "pip install 'pytest-ugst[train]'"


def require_libraries(*names: str) -> None:
    """Check that the libraries for training are installed, and silence them.

    Args:
        *names: The modules; those of all trainers unless given.

    Raises:
        UsageError: With the pip command, if one is not.
    """
    import importlib.util

    for name in names or ("torch", "transformers", "trl", "datasets", "accelerate"):
        if importlib.util.find_spec(name) is None:
            raise UsageError(f"training needs {name}, which is not installed; {_INSTALL}")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    silence_libraries()


def silence_libraries() -> None:
    """Keep progress bars of libraries, and their advice that is not for users, out of the log."""
    import importlib.util
    import warnings

    warnings.filterwarnings("ignore", message=".*pin_memory.*")
    warnings.filterwarnings("ignore", message=".*gradient_checkpointing.*deprecated.*")
    if importlib.util.find_spec("transformers") is not None:
        from transformers.utils import logging

        logging.disable_progress_bar()
        logging.set_verbosity_error()


@dataclass(frozen=True, slots=True)
class ModelSource:
    """The place of a model."""

    name: str
    """The name as it was given."""
    where: str
    """A folder, or a hub name."""
    gguf: str | None = None
    """The file in that folder, where it is one."""

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that ``from_pretrained`` takes beside ``where``."""
        return {"gguf_file": self.gguf} if self.gguf else {}

    @property
    def path(self) -> Path | None:
        """The folder or file; None for a hub name."""
        path = Path(self.where)
        return (path / self.gguf if self.gguf else path) if path.exists() else None


def find_base(name: str) -> ModelSource:
    """Find the model that a name given as ``--model`` stands for.

    Args:
        name: A checkpoint folder, a GGUF file, a packaged model (``smollm2``), or a hub name.

    Raises:
        UsageError: If there is nothing of that name, or it is an adapter.
    """
    if name in PACKAGED:
        path = Path(packaged_spec(name).model)
        return ModelSource(name, str(path.parent), path.name)
    path = Path(name).expanduser()
    if path.is_file():
        if path.suffix.lower() != ".gguf":
            raise UsageError(f"--model {name}: a file, and no GGUF file; name a checkpoint's folder")
        return ModelSource(name, str(path.parent.resolve()), path.name)
    if path.is_dir():
        if (path / "config.json").is_file():
            return ModelSource(name, str(path.resolve()))
        if (path / "adapter_config.json").is_file():
            raise UsageError(f"--model {name}: an adapter; merge it first (train with --merge), or name its base")
        raise UsageError(f"--model {name}: no checkpoint (config.json is missing); name a folder that was saved whole")
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise UsageError(f"--model {name}: there is no such folder or file; name one, or a hub name (owner/name)")
    return ModelSource(name, name)


def load_tokenizer(name: str) -> Any:
    """Load a model's tokenizer.

    Args:
        name: As for :func:`find_base`.

    Raises:
        UsageError: If there is none, or it has no chat template.
    """
    require_libraries("transformers")
    from transformers import AutoTokenizer

    base = find_base(name)
    with _report_load_errors(name, "tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(base.where, **base.arguments)
    if not getattr(tokenizer, "chat_template", None):
        raise UsageError(
            f"--model {name}: its tokenizer has no chat template; take a chat model, or put a chat_template.jinja "
            "beside its tokenizer"
        )
    return tokenizer


def load_model(name: str, **arguments: Any) -> Any:
    """Load a causal language model, in full precision unless ``dtype`` is given.

    Args:
        name: As for :func:`find_base`.
        **arguments: More arguments of ``from_pretrained``.

    Raises:
        UsageError: If it can't be loaded.
    """
    import torch
    from transformers import AutoModelForCausalLM

    base = find_base(name)
    with _report_load_errors(name, "model"):
        model = AutoModelForCausalLM.from_pretrained(
            base.where, **{"dtype": torch.float32, **base.arguments, **arguments}
        )
    if base.gguf:
        # It is no quantized model any more, and would be refused as one when saved.
        model.hf_quantizer = None
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
    return model


@contextmanager
def _report_load_errors(name: str, what: str) -> Iterator[None]:
    """Report what a library raises while it loads a model as one line."""
    try:
        yield
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise UsageError(f"--model {name}: no {what} can be loaded: {one_line(str(error), 300)}") from None
