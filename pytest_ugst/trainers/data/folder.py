"""Training data on disk: a folder that says all about itself.

``train.jsonl`` and ``eval.jsonl`` (held-out goals) hold the rows, ``episodes.jsonl`` the episodes they come from as a
journal, ``prompts/`` the simulator's prompts, ``data.json`` the rest: counts, settings, goals, seed, versions.
"""

from __future__ import annotations

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
from pytest_ugst.utils.files import replace_text

FORMAT: Literal[1] = 1
INFO_FILE = "data.json"
PARTS = ("train", "eval")
_MAX_LINE = 4 * 2**20


class DataInfo(Frozen):
    """What ``data.json`` holds."""

    format: Literal[1] = FORMAT
    kind: Literal["simulator", "judge"] = "simulator"
    """Whom the rows teach."""
    created: str = ""
    """UTC, ISO 8601."""
    version: str = ""
    """Of this package."""
    reasoning: Literal["think", "none"] = "think"
    """The form of the targets: ``think`` is ``<think>``, reasoning, ``</think>``, utterance."""
    traces: str = ""
    """Where the reasoning comes from."""
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
    """A data folder, read."""

    folder: Path
    info: DataInfo
    rows: dict[str, list[Example]]
    """By part."""
    _journal: Journal = field(repr=False)

    @property
    def train(self) -> list[Example]:
        """The rows to learn from."""
        return self.rows["train"]

    @property
    def eval(self) -> list[Example]:
        """The rows of held-out goals."""
        return self.rows["eval"]

    def episode(self, episode_id: str) -> Episode:
        """The episode a row comes from.

        Raises:
            UsageError: If it is not there.
        """
        try:
            return self._journal.get(episode_id)
        except KeyError:
            raise UsageError(
                f"{self._journal.path}: the episode {episode_id!r} is missing; make the data again"
            ) from None

    @property
    def episodes(self) -> dict[str, Episode]:
        """All episodes by id."""
        return {episode.id: episode for episode in self._journal}

    @property
    def prompts_folder(self) -> Path | None:
        """The simulator's prompts, to be used as ``--ugst-prompts``; None where the folder holds none."""
        folder = self.folder / "prompts"
        return folder if folder.is_dir() else None


def read_data(folder: Path, *, kind: Literal["simulator", "judge"] = "simulator") -> TrainingData:
    """Read a data folder.

    Raises:
        UsageError: If it is none, or of another format or kind; the message names file, line and remedy.
    """
    remedy = "make it with 'ugst train data'" if kind == "simulator" else "make it with 'ugst train judge --out'"
    path = folder / INFO_FILE
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{folder} is no training data ({INFO_FILE} is missing); {remedy}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} can't be read ({error}); {remedy}") from None
    there = raw.get("format") if isinstance(raw, dict) else None
    if there != FORMAT:
        raise UsageError(f"{path}: format is {there!r} and not {FORMAT}; {remedy} of this version")
    try:
        info = DataInfo.model_validate(raw)
    except ValidationError as error:
        raise UsageError(f"{path}: {first_fault(error)}; {remedy}") from None
    if info.kind != kind:
        raise UsageError(f"{folder} teaches a {info.kind}, and a {kind} is to be trained; {remedy}")
    rows = {part: _read_rows(folder / f"{part}.jsonl") for part in PARTS}
    if not rows["train"]:
        raise UsageError(f"{folder / 'train.jsonl'} holds no row; {remedy}")
    journal = Journal(folder / EPISODES_FILE)
    journal.refresh()
    return TrainingData(folder, info, rows, journal)


def _read_rows(path: Path) -> list[Example]:
    rows = []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if len(line) > _MAX_LINE:
                    raise UsageError(f"{path}:{number}: longer than {_MAX_LINE // 2**20} MiB; make the data again")
                if not line.strip():
                    continue
                try:
                    row = Example.model_validate_json(line)
                except ValidationError as error:
                    raise UsageError(f"{path}:{number}: {first_fault(error)}; make the data again") from None
                if len(row.completion) != 1 or row.completion[0].role != "assistant" or not row.prompt:
                    raise UsageError(f"{path}:{number}: a row has a prompt and one assistant message as completion")
                rows.append(row)
    except FileNotFoundError:
        raise UsageError(f"{path} is missing; make the data again") from None
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from None
    return rows


def write_data(
    folder: Path,
    info: DataInfo,
    rows: Mapping[str, Sequence[Example]],
    episodes: Iterable[Episode],
    prompts: Mapping[str, str],
    card: str,
) -> None:
    """Write a data folder; ``data.json`` last, so that a folder without it is not whole.

    Args:
        folder: Made if need be; what it held of the same names is replaced.
        info: What to say about it.
        rows: By part.
        episodes: Those the rows come from.
        prompts: Files for ``prompts/`` by name.
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
        lines = (json.dumps(row.record(), ensure_ascii=False) + "\n" for row in rows.get(part, ()))
        replace_text(folder / f"{part}.jsonl", "".join(lines))
    journal = Journal(folder / EPISODES_FILE)
    for episode in episodes:
        journal.append(episode)
    for name, text in prompts.items():
        replace_text(folder / "prompts" / name, text)
    write_hf(folder / "hf", rows)
    replace_text(folder / "README.md", card)
    replace_text(folder / INFO_FILE, json.dumps(info.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n")


def write_hf(folder: Path, rows: Mapping[str, Sequence[Example]]) -> bool:
    """Write the rows as ``datasets`` folders, one per part, if that library is installed.

    Returns:
        Whether it is.
    """
    import importlib.util

    if importlib.util.find_spec("datasets") is None:
        return False
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    import datasets

    for part in PARTS:
        if held := rows.get(part):
            datasets.Dataset.from_list([row.record() for row in held]).save_to_disk(str(folder / part))
    return True
