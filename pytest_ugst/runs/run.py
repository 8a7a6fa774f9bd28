"""A run: all episodes of one invocation, and the folder that they are kept in."""

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
"""The outcomes and rates, in a run's folder."""
PAGE_FILE = "report.html"
"""The page in which the episodes can be read, in a run's folder."""
SETTING_FILE = "run.json"
"""The configuration that the run is played with, in its folder."""
_FORMAT = 1


@dataclass(slots=True)
class StoredRun:
    """A run's folder, with its journal and what is known of its other episodes.

    Attributes:
        folder: The folder of ``run.json``, ``episodes.jsonl``, ``results.json``, ``servers/``.
        journal: The finished episodes.
        selected: The ids of the episodes that this invocation asked for; None where the run is only read, and all
            episodes count.
        failures: The reasons for which episodes could not be played at all, by episode id.
        results: The outcomes, usage and rates, once all is done; of a run that is read, the content of its file.

    Example:
        >>> import pytest_ugst as ugst
        >>> def pytest_ugst_report(run: ugst.StoredRun) -> None:
        ...     print(run.folder, run.results.rows[-1].rates.average.value)
        >>> stored = ugst.simulate("concierge:test", cache="off").stored
        >>> stored.missing, len(stored.journal)
        (0, 32)
    """

    folder: Path
    journal: Journal = field(init=False)
    selected: tuple[str, ...] | None = None
    failures: dict[str, str] = field(default_factory=dict)
    results: RunResults | None = None

    def __post_init__(self) -> None:
        """Make the journal of the folder, without reading it."""
        self.journal = Journal(self.folder / EPISODES_FILE)

    @property
    def name(self) -> str:
        """The run's name."""
        return self.folder.name

    def is_same(self, other: StoredRun) -> bool:
        """Return whether both runs have the same folder, whatever the paths."""
        return self.folder.resolve() == other.folder.resolve()

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the episodes that count; those that were selected need not have been played."""
        return self.journal.ids() if self.selected is None else self.selected

    @property
    def missing(self) -> int:
        """The number of episodes that count and were neither played nor tried in vain."""
        return sum(name not in self.journal and name not in self.failures for name in self.ids)

    def create(self, setting: EpisodeConfig, data: Mapping[str, str] | None = None) -> None:
        """Make the folder and write ``run.json``, unless another process did already.

        Args:
            setting: The configuration that the run is played with.
            data: The digests of the data that the domains work with, by domain.

        Raises:
            UsageError: If the folder can't be written, or belongs to a run with another configuration.
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
        """Check that the folder's run has this configuration.

        Raises:
            UsageError: Naming each field that differs.
        """
        # A field that did not exist when the run began has its default: what was done before there was a choice.
        before = {**_defaults(type(setting)), **self.read_setting()}
        now = setting.model_dump(mode="json")
        differing = [key for key in now if before.get(key) != now[key]]
        if differing:
            shown = ", ".join(f"{key} was {before.get(key)!r} and is now {now[key]!r}" for key in differing)
            raise UsageError(
                f"the run {self.name} was played with other settings ({shown}); resume it with the same ones, or start "
                "a new run without --ugst-resume"
            )

    def read_setting(self) -> Mapping[str, Any]:
        """Return the configuration that the run is played with, not validated.

        Raises:
            UsageError: If the folder holds no readable run.
        """
        setting = self._read_record().get("setting")
        if not isinstance(setting, dict):
            raise self._unreadable()
        return setting

    def read_data(self) -> Mapping[str, str]:
        """Return the known digests of the data that the domains work with, by domain.

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


def _defaults(record: type[EpisodeConfig]) -> dict[str, Any]:
    return {name: field.default for name, field in record.model_fields.items() if not field.is_required()}


def find_run(home: Path, name: str, *, option: str = "--ugst-resume") -> StoredRun:
    """Find a run by its name or folder, or the latest one.

    Args:
        home: The folder that holds ``runs``.
        name: A run's name, a folder, or ``latest`` for the one that started last.
        option: The option that named it, for messages; empty for a positional argument.

    Raises:
        UsageError: If there is no such run.
    """
    runs = home / "runs"
    if name != "latest":
        for folder in (runs / name, Path(name)):
            if is_file(folder / SETTING_FILE):
                return StoredRun(folder)
    known = _names_in(runs)
    if name == "latest":
        if not known:
            remedy = "leave the option out to start one" if option else "play one with pytest, or name a run's folder"
            raise UsageError(f"{option and option + ': '}there is no run in {runs} yet; {remedy}")
        # Runs without journal and results ended before they began, and count only if there is no other.
        played = [name for name in known if any(exists(runs / name / f) for f in (EPISODES_FILE, RESULTS_FILE))]
        return StoredRun(runs / (played or known)[-1])
    shown = ", ".join(known[-5:]) or "none"
    # The value of that option may be left out, so that it takes the path that follows.
    resumed = option == "--ugst-resume" and exists(Path(name))
    hint = f"; to resume the latest run, put the path to test before {option}" if resumed else ""
    raise UsageError(f"{option and option + '='}{name}: no such run; the latest in {runs}: {shown}{hint}")


def _names_in(runs: Path) -> list[str]:
    """Return the names of the runs in a folder in the order in which they started, even if they were renamed."""
    if not runs.is_dir():
        return []
    folders = (folder for folder in runs.iterdir() if is_file(folder / SETTING_FILE))
    return [folder.name for folder in sorted(folders, key=lambda folder: (_started(folder), folder.name))]


def _started(folder: Path) -> datetime:
    """Return the time at which a run started, or at which its file was written where it does not say."""
    path = folder / SETTING_FILE
    try:
        return datetime.fromisoformat(json.loads(path.read_text(encoding="utf-8"))["created"]).astimezone(UTC)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
