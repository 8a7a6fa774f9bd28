"""Checkpoints: saved so that a full disk or a kill leaves the previous one whole, and described in a file."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.checkpoint_info import INFO_FILE, PROMPTS_FOLDER, CheckpointInfo, read_checkpoint_info
from pytest_ugst.trainers.common.disk import is_disk_full, save_error
from pytest_ugst.trainers.common.markdown import markdown_table
from pytest_ugst.trainers.common.model_card import model_card
from pytest_ugst.utils.files import replace_text

RESULTS_FILE = "results.json"
"""The file that :func:`add_results` keeps beside the weights."""


@contextmanager
def saving(folder: Path) -> Iterator[Path]:
    """Yield a folder to save into, whose files take their places in ``folder`` when all of them are written.

    Files of ``folder`` that have no successor stay, so what else lies there is safe.

    Args:
        folder: Made if need be.

    Raises:
        UsageError: If the disk is full or the folder can't be written; ``folder`` is as it was.
    """
    draft = folder / f".saving-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        yield draft
        files = sorted(path for path in draft.rglob("*") if path.is_file())
        for file in files:
            _sync(file)
        # ugst.json last: a folder whose weights and description differ would be played wrongly.
        for file in sorted(files, key=lambda f: f.name == INFO_FILE):
            place = folder / file.relative_to(draft)
            place.parent.mkdir(parents=True, exist_ok=True)
            file.replace(place)
        _sync(folder)
    except Exception as error:
        full = is_disk_full(error)
        if not full and not isinstance(error, OSError):
            raise
        remedy = "Free some space" if full else "Name a folder you can write"
        raise UsageError(
            f"can't save to {folder}: {save_error(error)}; what was there before is whole. {remedy}"
        ) from None
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(draft, ignore_errors=True)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def save_checkpoint(
    folder: Path, save: Callable[[str], None], info: CheckpointInfo, prompts: Mapping[str, str]
) -> None:
    """Save a model with all that belongs to it.

    Args:
        folder: The checkpoint's folder.
        save: Writes weights, tokenizer and chat template into the folder it is given.
        info: The content of ``ugst.json``.
        prompts: The simulator's prompts, as files by name.

    Raises:
        UsageError: If it can't be written; what was there before is whole.
    """
    # What is converted from older weights must not outlive them.
    stale = [path for path in (folder / "model.gguf", folder / RESULTS_FILE) if path.exists()]
    with saving(folder) as draft:
        save(str(draft))
        if prompts:
            (draft / PROMPTS_FOLDER).mkdir(exist_ok=True)
            for name, text in prompts.items():
                (draft / PROMPTS_FOLDER / name).write_text(text, encoding="utf-8")
        (draft / INFO_FILE).write_text(_json(info), encoding="utf-8")
        (draft / "README.md").write_text(model_card(info, []), encoding="utf-8")
        for path in stale:
            path.unlink(missing_ok=True)


def describe_checkpoint(folder: Path, info: CheckpointInfo, prompts: Mapping[str, str]) -> None:
    """Give a checkpoint that is already saved its ``ugst.json``, prompts and card.

    Raises:
        UsageError: If they can't be written.
    """
    save_checkpoint(folder, lambda draft: None, info, prompts)


def save_trained_model(
    trainer: Any, tokenizer: Any, folder: Path, info: CheckpointInfo, prompts: Mapping[str, str], *, merge: bool
) -> None:
    """Save what a trainer of transformers has trained, with all that belongs to it.

    Args:
        trainer: The trainer, after its training.
        tokenizer: The model's tokenizer.
        folder: The checkpoint's folder.
        info: The content of ``ugst.json``.
        prompts: The simulator's prompts, as files by name.
        merge: Whether the model has an adapter that is merged into its weights.

    Raises:
        UsageError: If it can't be written; what was there before is whole.
    """
    model = trainer.accelerator.unwrap_model(trainer.model)
    if merge:
        model = model.merge_and_unload()
    if hasattr(model, "config"):
        model.config.use_cache = True  # off while training; saved so, it would make play slow

    def save(draft: str) -> None:
        model.save_pretrained(draft)
        tokenizer.save_pretrained(draft)

    save_checkpoint(folder, save, info, prompts)


def add_results(checkpoint: Path, results: Path) -> None:
    """Put a run's rates into a checkpoint's model card, and keep the file beside the weights.

    Args:
        checkpoint: The checkpoint's folder.
        results: The ``results.json`` of a run in which it played the user.

    Raises:
        UsageError: If the folder is no checkpoint of ours, or the file holds no rates.
    """
    info = read_checkpoint_info(checkpoint)
    if info is None:
        raise UsageError(f"{checkpoint} is no checkpoint that was trained here ({INFO_FILE} is missing)")
    try:
        held = json.loads(results.read_text(encoding="utf-8"))
        lines = _rates(held)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{results} can't be read as a run's results.json: {error}") from None
    replace_text(checkpoint / RESULTS_FILE, json.dumps(held, indent=2) + "\n")
    replace_text(checkpoint / "README.md", model_card(info, lines))


def _rates(held: Any) -> list[str]:
    lines: list[str] = []
    for row in held["rows"]:
        columns = row["rates"]["columns"]
        rows = [
            [name, _number(c["value"]), f"{_number(c['low'])}–{_number(c['high'])}", str(c["n"]), str(c["errors"])]
            for name, c in columns.items()
        ]
        lines += [f"Run {held['run']}, {row['label']}; rates in percent.", ""]
        lines += markdown_table(["category", "rate", "95% interval", "n", "errors"], rows)
    return lines


def _number(value: Any) -> str:
    return "" if value is None else f"{float(value):.1f}"


def _json(info: CheckpointInfo) -> str:
    return json.dumps(info.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
