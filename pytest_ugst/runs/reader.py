"""The reader of runs that were played, for everything that works on journals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import counted, one_line
from pytest_ugst.runs.outcome import EpisodeOutcome
from pytest_ugst.runs.results import RunResults
from pytest_ugst.runs.run import EPISODES_FILE, RESULTS_FILE, StoredRun, find_run
from pytest_ugst.utils.files import is_file


def open_run(home: Path, name: str) -> StoredRun:
    """Open a run for reading, with its journal and its ``results.json``.

    Args:
        home: The folder that holds ``runs``.
        name: A run's name, its folder, its ``episodes.jsonl``, or ``latest``.

    Raises:
        UsageError: If there is no such run, its journal can't be read or is of another format, or holds no episode.
    """
    path = Path(name)
    if path.name == EPISODES_FILE and is_file(path):
        name = str(path.parent)
    # A journal alone is enough, if the file beside it has been lost.
    alone = Path(name) / EPISODES_FILE
    run = StoredRun(Path(name)) if is_file(alone) and name != "latest" else find_run(home, name, option="")
    run.journal.refresh()
    run.results = read_results(run)
    _forget_outdated(run)
    if not len(run.journal):
        faults = "".join(f"; {fault}" for fault in read_faults(run))
        raise UsageError(f"{run.journal.path} holds no finished episode{faults}; name another run")
    return run


def named_runs(home: Path, names: Sequence[str]) -> dict[str, StoredRun]:
    """Open several runs for reading.

    Args:
        home: The folder that holds ``runs``.
        names: Runs, as for :func:`open_run`.

    Returns:
        The runs by their names, or by what was typed where two of them have the same name.

    Raises:
        UsageError: As :func:`open_run`, or if two names stand for the same run.
    """
    runs = [open_run(home, name) for name in names]
    require_once("run", [(name, run.folder) for name, run in zip(names, runs, strict=True)])
    doubled = len({run.name for run in runs}) < len(runs)
    return {given if doubled else run.name: run for given, run in zip(names, runs, strict=True)}


def require_once(kind: str, given: Iterable[tuple[str, Path]]) -> None:
    """Check that no file or folder is given twice, under one name or two.

    Args:
        kind: The kind of thing that is named, for messages.
        given: Names as they were typed, each with the file or folder that it stands for.

    Raises:
        UsageError: If two names stand for the same file or folder.
    """
    names: dict[Path, str] = {}
    for name, place in given:
        first = names.get(place.resolve())
        if first is not None:
            same = f"{name!r} is given twice" if first == name else f"{first} and {name} are one {kind}"
            raise UsageError(f"{same} ({place}); name every {kind} once")
        names[place.resolve()] = name


def data_digests(run: StoredRun) -> Mapping[str, str]:
    """Return the known digests of the data that a run's domains worked with, by domain."""
    try:
        return run.read_data()
    except UsageError:  # a journal alone does not hold them
        return {}


def read_faults(run: StoredRun) -> list[str]:
    """Return a message for each kind of lines of a run's journal that could not be read."""
    journal = run.journal
    messages = []
    if journal.torn:
        first = f" (the first: {one_line(journal.first_fault, 200)})" if journal.first_fault else ""
        messages.append(f"{counted(journal.torn, 'line')} could not be read{first}")
    if journal.torn_end:
        messages.append("its last line is cut off")
    return messages


def unplayed_outcomes(run: StoredRun) -> list[EpisodeOutcome]:
    """Return the outcomes of episodes that a run could not play, which only its ``results.json`` holds.

    Without that file, or one that this version can read, none are known.
    """
    results = run.results or read_results(run)
    return [] if results is None else [o for o in results.episodes if not o.tally.measured and o.id not in run.journal]


def read_results(run: StoredRun) -> RunResults | None:
    """Read a run's ``results.json``; return None without that file, or one that this version can read."""
    path = run.folder / RESULTS_FILE
    if not is_file(path):
        return None
    try:
        return RunResults.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _forget_outdated(run: StoredRun) -> None:
    """Leave out episodes whose goals could not be played again later, after an edit for example."""
    if run.results is None:
        return
    for one in run.results.episodes:
        unplayed = one.stop is None and one.error is not None  # a judged recording has neither
        if unplayed and one.id in run.journal and run.journal.get(one.id).started < run.results.created:
            run.journal.forget(one.id)
