"""The page of a run, built from its journal with one episode in memory at a time."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst.analysis.cost.metrics import Cost
from pytest_ugst.analysis.failures.attribution import attribute
from pytest_ugst.analysis.failures.patterns import classify
from pytest_ugst.analysis.html.baseline import PageBaseline
from pytest_ugst.analysis.html.embedding import Chunks
from pytest_ugst.analysis.html.page import render_page
from pytest_ugst.analysis.html.records import SharedRecords, episode_detail, list_entry
from pytest_ugst.analysis.stats.columns import COLUMNS
from pytest_ugst.analysis.summary import Summary, summarise
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.version import __version__
from pytest_ugst.runs.outcome import tally
from pytest_ugst.runs.reader import read_faults, read_results, unplayed_outcomes
from pytest_ugst.runs.run import PAGE_FILE
from pytest_ugst.utils.files import check_target, replace_text

if TYPE_CHECKING:
    from pytest_ugst.runs.run import StoredRun


def page_path(option: str, root: Path, folder: Path | None = None) -> Path:
    """Return the file that the option ``--ugst-html`` names.

    Args:
        option: Value of the option: ``auto``, or a file.
        root: Folder that relative paths start from.
        folder: Folder of the run; None while there is none yet.

    Raises:
        UsageError: If no page can be written there.
    """
    if option == "auto":
        return (folder or root) / PAGE_FILE
    path = root / option
    if path.suffix not in (".html", ".htm"):
        # In "pytest --ugst-html suites" the tested path is parsed as the name of the page.
        raise UsageError(
            f"--ugst-html={option}: write a file name that ends in .html, or none; the path to test stands before it"
        )
    check_target(path, f"--ugst-html={option}")
    return path


def write_page(
    run: StoredRun, path: Path, summary: Summary | None = None, baseline: PageBaseline | None = None
) -> None:
    """Write the page of a run.

    Args:
        run: A run with at least one episode.
        path: The file; an existing one is replaced.
        summary: Summary of the run, if it was made already.
        baseline: Comparison with a baseline, if any.

    Raises:
        UsageError: If the file can't be written.
    """
    replace_text(path, build_page(run, summary, baseline))


def build_page(run: StoredRun, summary: Summary | None = None, baseline: PageBaseline | None = None) -> str:
    """Return the page of a run as HTML; see :func:`write_page`."""
    summary = summary or summarise(run)
    shared, chunks = SharedRecords(), Chunks()
    episodes: list[dict[str, Any]] = []
    cost = Cost()
    for episode_id in sorted(set(run.ids) & set(run.journal.ids())):
        episode = run.journal.get(episode_id)
        failures = classify(episode)
        detail = episode_detail(episode, shared, failures)
        entry = list_entry(episode, detail, shared, failures, _fault(episode))
        if baseline is not None and (letters := baseline.final_letters(episode)) is not None:
            entry["base"] = letters
        entry["at"] = chunks.add(detail)
        cost.add(episode)
        episodes.append(entry)
    index = {
        "run": _overview(run, summary, cost),
        "goals": shared.goals,
        "settings": shared.settings,
        "simulators": shared.simulators,
        "episodes": episodes,
        "baseline": None if baseline is None else baseline.overview(),
    }
    return render_page(f"{run.name} – pytest-ugst", index, chunks.packed())


def _fault(episode: Episode) -> str:
    """Return who is responsible for the agent's failed task; empty where it did not fail or has no score."""
    attributed = attribute(tally(episode), episode.conversation.stop, episode.task)
    return attributed.fault.value if attributed is not None and attributed.fault is not None else ""


def _overview(run: StoredRun, summary: Summary, cost: Cost) -> dict[str, Any]:
    """Return the JSON-like data of the page's overview."""
    failures = dict(summary.failures) or {one.id: one.error or "" for one in unplayed_outcomes(run)}
    return {
        "name": run.name,
        "version": __version__,
        "setting": _setting(run),
        "columns": COLUMNS,
        "missed": _missed(run),
        "tables": [
            {"title": table.title, "rows": [row.model_dump(mode="json") for row in table.rows], "notes": table.notes}
            for table in summary.tables
        ],
        "cost": {
            "roles": {role: usage.model_dump() for role, usage in cost.roles.items() if usage.calls},
            "episodes": cost.episodes,
            "verdicts": cost.verdicts,
            "failed": cost.failed,
        },
        "unplayed": [{"id": name, "why": why} for name, why in failures.items()],
        "faults": read_faults(run),
    }


def _missed(run: StoredRun) -> tuple[str, ...]:
    """Return the messages of the gate, which are in the results of a run that finished."""
    results = run.results or read_results(run)
    return () if results is None else results.missed


def _setting(run: StoredRun) -> dict[str, Any]:
    """Return the setting of a run, taken from its first episode if the file beside the journal is lost."""
    with contextlib.suppress(UsageError):
        return dict(run.read_setting())
    return next(iter(run.journal)).setting.model_dump(mode="json")
