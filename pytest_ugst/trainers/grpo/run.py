"""The folder of a GRPO run: what it is trained with, its checkpoints, and the log of all completions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.trainers.common.bases import find_base
from pytest_ugst.trainers.common.checkpoint import data_digest
from pytest_ugst.trainers.grpo.options import GrpoOptions
from pytest_ugst.utils.files import replace_text

_RECORD = "grpo.json"
_FORMAT = 1
SERVERS = "servers"
"""In the output folder: logs of servers that were started."""
STEPS_FOLDER = "steps"
"""In the output folder: checkpoints, each of which can be played and resumed from."""
_FREE = frozenset({"keep", "log_every", "report_to", "save_every", "max_error_share"})
"""Options that may differ when a run goes on: they change nothing that is learned."""


class GrpoRun:
    """One run's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def check(
        self, model: str, data: Path, judge: str, agent: str | None, options: GrpoOptions, *, resume: bool
    ) -> dict[str, Any]:
        """See that the folder is free, or holds the run that is to go on; nothing is written but the folder.

        Returns:
            What to :meth:`begin` the run with.

        Raises:
            UsageError: If it holds another run, or one that was not asked to go on; if it can't be written.
        """
        record = {
            "format": _FORMAT,
            "model": str(find_base(model).path or model),
            "data": data_digest(data),
            "judge": judge,
            "agent": agent,
            "options": options.model_dump(mode="json"),
        }
        path = self.folder / _RECORD
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            held = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
            others = sorted(p.name for p in self.folder.iterdir() if p.name != SERVERS and not p.name.startswith("."))
        except ValueError:
            raise UsageError(f"{path} is damaged; name another folder with --out") from None
        except OSError as error:
            raise UsageError(f"--out {self.folder}: {error.strerror}; name a folder you can write") from None
        if held is None:
            if others:
                raise UsageError(f"--out {self.folder} holds {others[0]} and no GRPO run; name another folder")
        elif not resume:
            raise UsageError(f"--out {self.folder} holds a run already; go on with it by --resume, or name another")
        elif (field := _difference(held, record)) is not None:
            raise UsageError(f"--resume: {self.folder} was begun with another {field}; call it as before")
        return record

    def begin(self, record: Mapping[str, Any]) -> None:
        """Note what the run is trained with.

        Raises:
            UsageError: If it can't be written.
        """
        replace_text(self.folder / _RECORD, json.dumps(record, indent=2) + "\n")

    @property
    def steps(self) -> Path:
        """Where checkpoints to resume from are."""
        return self.folder / STEPS_FOLDER

    @property
    def completions(self) -> Path:
        """The log of all completions, a JSON object a line; further processes of a distributed run add their rank."""
        return self.folder / "completions.jsonl"

    def log_path(self, rank: int) -> Path:
        """Where one process logs."""
        return self.completions if rank == 0 else self.folder / f"completions-{rank}.jsonl"

    def last_checkpoint(self) -> Path | None:
        """The latest checkpoint that was written to its end."""
        # The trainer's state is written last; a folder without one is what a full disk or a kill left behind.
        whole = [path.parent for path in self.steps.glob("checkpoint-*/trainer_state.json") if _is_json(path)]
        return max(whole, key=lambda folder: int(folder.name.rsplit("-", 1)[1]), default=None)

    def forget_after(self, step: int, rank: int = 0) -> None:
        """Drop from the log what was sampled at or after ``step``: it is going to be sampled again."""
        path = self.log_path(rank)
        if not path.exists():
            return
        kept = []
        with path.open(encoding="utf-8") as file:
            for line in file:
                try:
                    if json.loads(line)["step"] < step:
                        kept.append(line)
                except (ValueError, KeyError, TypeError):
                    continue  # torn by a kill
        replace_text(path, "".join(kept))

    def log(self, records: Iterable[Mapping[str, Any]], rank: int = 0) -> None:
        """Append to the log.

        Raises:
            UsageError: If it can't be written.
        """
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        try:
            with self.log_path(rank).open("a", encoding="utf-8") as file:
                file.write(lines)
        except OSError as error:
            raise UsageError(f"can't write {self.log_path(rank)}: {error.strerror}; free some space") from None


def _difference(held: Any, record: Mapping[str, Any]) -> str | None:
    """The first thing in which two records differ."""
    if not isinstance(held, dict) or held.get("format") != _FORMAT or not isinstance(held.get("options"), dict):
        return "format"
    for name in ("model", "data", "judge", "agent"):
        if held.get(name) != record[name]:
            return name
    options = record["options"]
    return next((n for n in options if n not in _FREE and held["options"].get(n) != options[n]), None)


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True
