"""Training data on disk: a folder that describes itself.

``train.jsonl`` and ``eval.jsonl`` (held-out goals) hold the examples, ``episodes.jsonl`` the episodes they come from
as a journal, ``prompts/`` the simulator's prompts, ``data.json`` the rest: counts, settings, goals, seed, versions.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from pytest_ugst.core.base import Frozen
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import UsageError, first_fault
from pytest_ugst.runs.journal import Journal
from pytest_ugst.runs.run import EPISODES_FILE
from pytest_ugst.trainers.data.examples import Example
from pytest_ugst.utils.files import is_file, replace_text

FORMAT: Literal[1] = 1
INFO_FILE = "data.json"
PARTS = ("train", "eval")
_MAX_LINE = 4 * 2**20


class DataInfo(Frozen):
    """The content of ``data.json``."""

    format: Literal[1] = FORMAT
    kind: Literal["simulator", "judge"] = "simulator"
    """The role that the examples teach."""
    created: str = ""
    """The time in UTC, ISO 8601."""
    version: str = ""
    """The version of this package."""
    reasoning: Literal["think", "none"] = "think"
    """The form of the completions: ``think`` is ``<think>``, reasoning, ``</think>``, utterance."""
    traces: str = ""
    """The source of the reasoning."""
    prompts: str = ""
    """The prompts' version, with digest."""
    seed: int = 0
    settings: dict[str, Any] = Field(default_factory=dict)
    """Options the data was made with, and the settings its episodes were played with."""
    goals: dict[str, list[str]] = Field(default_factory=dict)
    """Goal ids by part."""
    counts: dict[str, Any] = Field(default_factory=dict)
    """What was kept, and what was left out and why."""


@dataclass(slots=True)
class TrainingData:
    """The content of a data folder."""

    folder: Path
    info: DataInfo
    examples: dict[str, list[Example]]
    """The examples by part."""
    _journal: Journal = field(repr=False)

    @property
    def train(self) -> list[Example]:
        """The examples to learn from."""
        return self.examples["train"]

    @property
    def eval(self) -> list[Example]:
        """The examples of held-out goals."""
        return self.examples["eval"]

    @property
    def digest(self) -> str:
        """The digest of the files; see :func:`data_digest`."""
        return data_digest(self.folder)

    def episode(self, episode_id: str) -> Episode:
        """Return the episode that an example comes from.

        Raises:
            UsageError: If it is missing.
        """
        try:
            return self._journal.get(episode_id)
        except KeyError:
            raise UsageError(
                f"{self._journal.path}: the episode {episode_id!r} is missing; make the data again"
            ) from None

    @property
    def episodes(self) -> dict[str, Episode]:
        """The episodes by id."""
        return {episode.id: episode for episode in self._journal}

    @property
    def prompts_folder(self) -> Path | None:
        """The simulator's prompts, to be used as ``--ugst-prompts``; None where the folder holds none."""
        folder = self.folder / "prompts"
        return folder if folder.is_dir() else None

    def prompt_files(self) -> dict[str, str]:
        """Read the prompts, by the names of their files, to go with a checkpoint."""
        folder = self.prompts_folder
        if folder is None:
            return {}
        return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))}


def holds_data(folder: Path) -> bool:
    """Return whether a folder is a data folder."""
    return is_file(folder / INFO_FILE)


def data_digest(folder: Path) -> str:
    """Return a digest that is equal for equal training data, wherever it lies."""
    digest = hashlib.sha256()
    for name in ("train.jsonl", "eval.jsonl", "episodes.jsonl"):
        try:
            with (folder / name).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError:
            continue  # reading the data reports what is wrong with it
    return digest.hexdigest()


def read_data(folder: Path, *, kind: Literal["simulator", "judge"] = "simulator") -> TrainingData:
    """Read a data folder.

    Args:
        folder: The folder.
        kind: The role that the examples are to teach.

    Raises:
        UsageError: If it is no data folder, or of another format or kind; the message names file, line and remedy.
    """
    remedy = "make it with 'ugst train data'" if kind == "simulator" else "make it with 'ugst train judge --out'"
    path = folder / INFO_FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{folder} is no training data ({INFO_FILE} is missing); {remedy}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} can't be read ({error}); {remedy}") from None
    found = raw.get("format") if isinstance(raw, dict) else None
    if found != FORMAT:
        raise UsageError(f"{path}: format is {found!r} and not {FORMAT}; {remedy} of this version")
    try:
        info = DataInfo.model_validate(raw)
    except ValidationError as error:
        raise UsageError(f"{path}: {first_fault(error)}; {remedy}") from None
    if info.kind != kind:
        raise UsageError(f"{folder} teaches a {info.kind}, and a {kind} is to be trained; {remedy}")
    examples = {part: _read_examples(folder / f"{part}.jsonl") for part in PARTS}
    if not examples["train"]:
        raise UsageError(f"{folder / 'train.jsonl'} holds no row; {remedy}")
    journal = Journal(folder / EPISODES_FILE)
    journal.refresh()
    return TrainingData(folder, info, examples, journal)


def _read_examples(path: Path) -> list[Example]:
    examples = []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if len(line) > _MAX_LINE:
                    raise UsageError(f"{path}:{number}: longer than {_MAX_LINE // 2**20} MiB; make the data again")
                if not line.strip():
                    continue
                try:
                    example = Example.model_validate_json(line)
                except ValidationError as error:
                    raise UsageError(f"{path}:{number}: {first_fault(error)}; make the data again") from None
                if len(example.completion) != 1 or example.completion[0].role != "assistant" or not example.prompt:
                    raise UsageError(f"{path}:{number}: a row has a prompt and one assistant message as completion")
                examples.append(example)
    except FileNotFoundError:
        raise UsageError(f"{path} is missing; make the data again") from None
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from None
    return examples


def write_data(
    folder: Path,
    info: DataInfo,
    examples: Mapping[str, Sequence[Example]],
    episodes: Iterable[Episode],
    prompts: Mapping[str, str],
    card: str,
) -> None:
    """Write a data folder; ``data.json`` last, so that a folder without it is not whole.

    Args:
        folder: Made if need be; what it held of the same names is replaced.
        info: The content of ``data.json``.
        examples: The examples by part.
        episodes: The episodes they come from.
        prompts: The files of ``prompts/`` by name.
        card: The text of ``README.md``.

    Raises:
        UsageError: If it can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / INFO_FILE).unlink(missing_ok=True)
        (folder / EPISODES_FILE).unlink(missing_ok=True)
        if prompts:
            (folder / "prompts").mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"can't write {folder}: {error.strerror}; name a folder you can write") from None
    for part in PARTS:
        lines = (json.dumps(example.record(), ensure_ascii=False) + "\n" for example in examples.get(part, ()))
        replace_text(folder / f"{part}.jsonl", "".join(lines))
    journal = Journal(folder / EPISODES_FILE)
    for episode in episodes:
        journal.append(episode)
    for name, text in prompts.items():
        replace_text(folder / "prompts" / name, text)
    write_datasets(folder / "hf", examples)
    replace_text(folder / "README.md", card)
    replace_text(folder / INFO_FILE, json.dumps(info.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n")


def write_datasets(folder: Path, examples: Mapping[str, Sequence[Example]]) -> bool:
    """Write the examples as folders of the library ``datasets``, one per part, if it is installed.

    Returns:
        Whether it is installed.
    """
    import importlib.util

    if importlib.util.find_spec("datasets") is None:
        return False
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    import datasets

    for part in PARTS:
        if held := examples.get(part):
            datasets.Dataset.from_list([example.record() for example in held]).save_to_disk(str(folder / part))
    return True
