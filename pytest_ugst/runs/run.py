"""Runs: all episodes of one invocation, and the folder they are kept in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.base import writable
from pytest_ugst.core.errors import UsageError
from pytest_ugst.runs.journal import Journal
from pytest_ugst.utils.files import exists, is_file, write_whole

if TYPE_CHECKING:
    from pytest_ugst.core.episode import EpisodeConfig
    from pytest_ugst.runs.results import RunResults

EPISODES_FILE = "episodes.jsonl"
"""The journal, in a run's folder."""
RESULTS_FILE = "results.json"
"""What came of it, in its folder."""
PAGE_FILE = "report.html"
"""The page in which the episodes can be read, in a run's folder."""
SETTING_FILE = "run.json"
"""What the run is played with, in its folder."""
_FORMAT = 1


@dataclass(slots=True)
class Run:
    """One invocation's episodes.

    Attributes:
        folder: Where everything is kept: ``run.json``, ``episodes.jsonl``, ``results.json``, ``servers/``.
        journal: The finished episodes.
        selected: Ids of the episodes this invocation asked for; None where the run is only read, and all of it counts.
        failures: By episode id, why an episode could not be played at all.
        results: Rates, outcomes and usage, once all is done; of a run that is read, what its file says.
    """

    folder: Path
    journal: Journal = field(init=False)
    selected: tuple[str, ...] | None = None
    failures: dict[str, str] = field(default_factory=dict)
    results: RunResults | None = None

    def __post_init__(self) -> None:
        self.journal = Journal(self.folder / EPISODES_FILE)

    @property
    def name(self) -> str:
        """The run's name."""
        return self.folder.name

    def is_same(self, other: Run) -> bool:
        """Whether both are of one folder, whatever it was called."""
        return self.folder.resolve() == other.folder.resolve()

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the episodes that count; those that were selected need not have been played."""
        return self.journal.ids() if self.selected is None else self.selected

    @property
    def missing(self) -> int:
        """How many of the episodes that count were neither played nor tried in vain."""
        return sum(name not in self.journal and name not in self.failures for name in self.ids)

    def create(self, setting: EpisodeConfig, data: Mapping[str, str] | None = None) -> None:
        """Make the folder and note what the run is played with; harmless if another process did already.

        Args:
            setting: Names and options.
            data: Digests of the data that the domains work with, by domain.

        Raises:
            UsageError: If the folder can't be written, or belongs to a run with another setting.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / SETTING_FILE
            if not path.exists():
                record = {
                    "format": _FORMAT,
                    "setting": setting.model_dump(),
                    "data": dict(data or {}),
                    "created": datetime.now(UTC).isoformat(),
                }
                write_whole(path, json.dumps(record, indent=2) + "\n")
        except OSError as error:
            raise UsageError(
                f"can't write the run folder {self.folder}: {error.strerror}; set --ugst-dir to one you can write"
            ) from None
        self.require(setting)

    def require(self, setting: EpisodeConfig) -> None:
        """Check that the folder's run has this setting.

        Raises:
            UsageError: Naming each setting that differs.
        """
        there, here = self.read_setting(), setting.model_dump(mode="json")
        differing = [key for key in here if there.get(key) != here[key]]
        if differing:
            told = ", ".join(f"{key} was {there.get(key)!r} and is now {here[key]!r}" for key in differing)
            raise UsageError(
                f"the run {self.name} was played with other settings ({told}); resume it with the same ones, or start "
                "a new run without --ugst-resume"
            )

    def read_setting(self) -> Mapping[str, Any]:
        """What the run is played with.

        Raises:
            UsageError: If the folder holds no readable run.
        """
        setting = self._read_record().get("setting")
        if not isinstance(setting, dict):
            raise self._unreadable()
        return setting

    def read_data(self) -> Mapping[str, str]:
        """Digests of the data that the domains work with, by domain; those that are known.

        Raises:
            UsageError: If the folder holds no readable run.
        """
        data = self._read_record().get("data")
        if not isinstance(data, dict):
            return {}
        return {writable(str(name)): writable(str(digest)) for name, digest in data.items()}

    def _read_record(self) -> dict[str, Any]:
        path = self.folder / SETTING_FILE
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UsageError(f"{self.folder} holds no run ({SETTING_FILE} is missing); name another one") from None
        except (OSError, ValueError, RecursionError):
            raise self._unreadable() from None
        if not isinstance(record, dict):
            raise self._unreadable()
        return record

    def _unreadable(self) -> UsageError:
        return UsageError(f"{self.folder / SETTING_FILE} can't be read; start a new run without --ugst-resume")


def find_run(home: Path, name: str, *, option: str = "--ugst-resume") -> Run:
    """The run of a name, in a folder, or the latest one.

    Args:
        home: The folder that holds ``runs``.
        name: A run's name, a folder, or ``latest`` for the one that began last.
        option: The option that named it, for messages; empty for a plain argument.

    Raises:
        UsageError: If there is no such run.
    """
    runs = home / "runs"
    if name != "latest":
        for folder in (runs / name, Path(name)):
            if is_file(folder / SETTING_FILE):
                return Run(folder)
    there = _runs_in(runs)
    if name == "latest":
        if not there:
            remedy = "leave the option out to start one" if option else "play one with pytest, or name a run's folder"
            raise UsageError(f"{option and option + ': '}there is no run in {runs} yet; {remedy}")
        # One that was played, or could not be, if there is any: the others ended before they began.
        played = [name for name in there if any(exists(runs / name / f) for f in (EPISODES_FILE, RESULTS_FILE))]
        return Run(runs / (played or there)[-1])
    shown = ", ".join(there[-5:]) or "none"
    resumed = option == "--ugst-resume" and exists(Path(name))  # its value may be left out, and a path taken for it
    hint = f"; to resume the latest run, put the path to test before {option}" if resumed else ""
    raise UsageError(f"{option and option + '='}{name}: no such run; the latest in {runs}: {shown}{hint}")


def _runs_in(runs: Path) -> list[str]:
    """Names of runs, the one that began last at the end, whatever they are called by now."""
    if not runs.is_dir():
        return []
    there = (folder for folder in runs.iterdir() if is_file(folder / SETTING_FILE))
    return [folder.name for folder in sorted(there, key=lambda folder: (_began(folder), folder.name))]


def _began(folder: Path) -> datetime:
    path = folder / SETTING_FILE
    try:
        return datetime.fromisoformat(json.loads(path.read_text(encoding="utf-8"))["created"]).astimezone(UTC)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
