"""Checkpoints: saved so that a full disk or a kill leaves the previous one whole, and telling what they are."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_ugst import __version__
from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.checkpoint_info import FILE, PROMPTS_FOLDER, Step, Trained, read_trained
from pytest_ugst.trainers.common.card import markdown_table, model_card
from pytest_ugst.trainers.data.folder import TrainingData
from pytest_ugst.utils.files import replace_text

RESULTS_FILE = "results.json"
"""What :func:`add_results` keeps beside the weights."""


@contextmanager
def saving(folder: Path) -> Iterator[Path]:
    """A folder to save into, whose files take their places in ``folder`` when all of them are written.

    Files of ``folder`` that have no successor stay, so what else lies there is safe.

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
        for file in sorted(files, key=lambda f: f.name == FILE):
            place = folder / file.relative_to(draft)
            place.parent.mkdir(parents=True, exist_ok=True)
            file.replace(place)
        _sync(folder)
    except (OSError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not _is_full(error):
            raise
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"can't save to {folder}: {why}; what was there before is whole. Free some space") from None
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(draft, ignore_errors=True)


def _is_full(error: Exception) -> bool:
    """Whether it is safetensors' or torch's way of telling that the disk is full."""
    text = str(error).lower()
    return any(
        sign in text for sign in ("no space left", "os error 28", "file write failed", "enforce fail", "i/o error")
    )


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def save_checkpoint(folder: Path, save: Callable[[str], None], trained: Trained, prompts: Mapping[str, str]) -> None:
    """Save a model with all that belongs to it.

    Args:
        folder: The checkpoint's.
        save: Writes weights, tokenizer and chat template into the folder it is given.
        trained: For ``ugst.json``.
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
        (draft / FILE).write_text(_json(trained), encoding="utf-8")
        (draft / "README.md").write_text(model_card(trained, []), encoding="utf-8")
        for path in stale:
            path.unlink(missing_ok=True)


def describe(folder: Path, trained: Trained, prompts: Mapping[str, str]) -> None:
    """Give a checkpoint that is already saved its ``ugst.json``, prompts and card.

    Raises:
        UsageError: If they can't be written.
    """
    save_checkpoint(folder, lambda draft: None, trained, prompts)


def next_step(method: str, base: str, data: TrainingData, *, steps: int, options: Mapping[str, Any]) -> Step:
    """A training for a lineage."""
    return Step(
        method=method,
        base=base,
        data=str(data.folder),
        data_digest=data_digest(data.folder),
        episodes=len({row.episode for row in data.train}),
        rows=len(data.train),
        steps=steps,
        options=dict(options),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
    )


def lineage_of(model: str) -> tuple[Step, ...]:
    """The trainings a model went through already; empty for one of other people's."""
    trained = read_trained(model) if Path(model).is_dir() else None
    return trained.lineage if trained is not None else ()


def data_digest(folder: Path) -> str:
    """Tells whether training data is the same, wherever it lies."""
    digest = hashlib.sha256()
    for name in ("train.jsonl", "eval.jsonl", "episodes.jsonl"):
        try:
            with (folder / name).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError:
            continue  # reading the data says what is wrong with it
    return digest.hexdigest()


def prompt_files(data: TrainingData) -> dict[str, str]:
    """The prompts that go with training data, to go with the checkpoint."""
    folder = data.prompts_folder
    if folder is None:
        return {}
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))}


def add_results(checkpoint: Path, results: Path) -> None:
    """Put a run's rates into a checkpoint's model card, and keep the file beside the weights.

    Args:
        checkpoint: The checkpoint's folder.
        results: The ``results.json`` of a run in which it played the user.

    Raises:
        UsageError: If the folder is no checkpoint of ours, or the file holds no rates.
    """
    trained = read_trained(checkpoint)
    if trained is None:
        raise UsageError(f"{checkpoint} is no checkpoint that was trained here ({FILE} is missing)")
    try:
        held = json.loads(results.read_text(encoding="utf-8"))
        lines = _rates(held)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{results} can't be read as a run's results.json: {error}") from None
    replace_text(checkpoint / RESULTS_FILE, json.dumps(held, indent=2) + "\n")
    replace_text(checkpoint / "README.md", model_card(trained, lines))


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


def _json(trained: Trained) -> str:
    return json.dumps(trained.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
