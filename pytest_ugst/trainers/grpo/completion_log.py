"""The log of all completions that a GRPO run samples, in the run's folder: a JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.trainers.common.disk import save_error
from pytest_ugst.utils.files import replace_text


class CompletionLog:
    """The log of one process: ``completions.jsonl``; further processes of a distributed run add their rank."""

    def __init__(self, folder: Path, rank: int = 0) -> None:
        """Name the file, without opening it.

        Args:
            folder: The run's folder.
            rank: The process's number.
        """
        self.path = folder / ("completions.jsonl" if rank == 0 else f"completions-{rank}.jsonl")

    def append(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Append records.

        Raises:
            UsageError: If they can't be written.
        """
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(lines)
        except OSError as error:
            raise UsageError(f"can't write {self.path}: {save_error(error)}; free some space") from None

    def forget_after(self, step: int) -> None:
        """Drop what was sampled at or after ``step``: it is going to be sampled again."""
        if not self.path.exists():
            return
        kept = []
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                try:
                    if json.loads(line)["step"] < step:
                        kept.append(line)
                except (ValueError, KeyError, TypeError):
                    continue  # torn by a kill
        replace_text(self.path, "".join(kept))
