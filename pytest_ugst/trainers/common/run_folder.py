"""The folder that a training run writes to: what the run was called with, and the checkpoints to resume from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pytest_ugst.core.errors import UsageError
from pytest_ugst.utils.files import replace_text

SERVERS = "servers"
"""In the folder: logs of servers that were started for the run."""
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The settings of a run: a call whose settings differ can't go on with the run."""

    method: Literal["sft", "grpo"]
    """Names the file: ``METHOD.json``."""
    settings: Mapping[str, Any]
    """Model, data and so on, by JSON key."""
    options: Mapping[str, Any]
    """All options of the training, by name."""
    free: frozenset[str]
    """Options that may differ when a run goes on: they change nothing that is learned."""

    @property
    def file(self) -> str:
        """The name of the record's file."""
        return f"{self.method}.json"

    def as_json(self) -> dict[str, Any]:
        """Return the record as JSON-like data."""
        return {"format": _FORMAT, **self.settings, "options": dict(self.options)}

    def difference(self, held: Any) -> str | None:
        """Return the first setting or option in which a record that was read differs from this one, or None."""
        if not isinstance(held, dict) or held.get("format") != _FORMAT or not isinstance(held.get("options"), dict):
            return "format"
        for name, value in self.settings.items():
            if held.get(name, _BEFORE.get(name)) != value:
                return name
        changed = (n for n, value in self.options.items() if n not in self.free and held["options"].get(n) != value)
        return next(changed, None)


_BEFORE = {"checks": "decide"}
"""Settings of runs that were begun before there was a choice."""


class RunFolder:
    """A training run's folder, made by :meth:`open`.

    It holds one run. ``METHOD.json`` has the run's record, ``checkpoint-N`` what it can be resumed from.
    """

    def __init__(self, folder: Path, record: RunRecord, checkpoints: Path) -> None:
        """Name the parts of the folder, without looking at them.

        Args:
            folder: The run's folder.
            record: The settings of the run.
            checkpoints: The folder of ``checkpoint-N``.
        """
        self.folder = folder
        self.checkpoints = checkpoints
        """The folder of the checkpoints to resume from."""
        self._record = record

    @classmethod
    def open(cls, folder: Path, record: RunRecord, *, resume: bool, checkpoints: str = "") -> RunFolder:
        """Check that a folder is free, or holds the run that is to go on; make it if need be.

        The record is not written before :meth:`begin`, so that a call which fails before its first step can be mended
        and made again.

        Args:
            folder: The run's folder.
            record: The settings of this call.
            resume: Whether the run in the folder is to go on.
            checkpoints: The subfolder of the checkpoints; the folder itself unless given.

        Raises:
            UsageError: If the folder holds something else, a run that is not to go on, or one with other settings; or
                if it can't be written.
        """
        path = folder / record.file
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
            others = sorted(p.name for p in folder.iterdir() if not p.name.startswith(".") and p.name != SERVERS)
        except ValueError:
            raise UsageError(f"{path} is damaged; name another folder with --out") from None
        except OSError as error:
            raise UsageError(f"--out {folder}: {error.strerror}; name a folder you can write") from None
        run = cls(folder, record, folder / checkpoints)
        if not path.exists():
            if others:
                name = record.method.upper()
                raise UsageError(f"--out {folder} holds {others[0]} and no {name} run; name another folder")
        elif not resume:
            if run._has_results():
                raise UsageError(
                    f"--out {folder} holds a run already; go on with it by --resume, or name another folder"
                )
        elif (changed := record.difference(held)) is not None:
            raise UsageError(f"--resume: {folder} was begun with another {changed}; call it as before")
        return run

    def begin(self) -> None:
        """Write the record.

        Raises:
            UsageError: If it can't be written.
        """
        replace_text(self.folder / self._record.file, json.dumps(self._record.as_json(), indent=2) + "\n")

    def last_checkpoint(self) -> Path | None:
        """Return the latest checkpoint that was written to its end, or None."""
        # The trainer's state is written last; a folder without one is what a full disk or a kill left behind.
        whole = [path.parent for path in self.checkpoints.glob("checkpoint-*/trainer_state.json") if _is_json(path)]
        return max(whole, key=_step_of, default=None)

    def last_step(self) -> int:
        """Return the optimizer step of :meth:`last_checkpoint`; 0 where there is none."""
        checkpoint = self.last_checkpoint()
        return 0 if checkpoint is None else _step_of(checkpoint)

    def _has_results(self) -> bool:
        """Return whether something would be lost by beginning anew: a checkpoint, weights, or a log of completions."""
        files = (*self.folder.glob("*.safetensors"), *self.folder.glob("*.jsonl"))
        return self.last_checkpoint() is not None or any(files)


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rsplit("-", 1)[1])


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True
