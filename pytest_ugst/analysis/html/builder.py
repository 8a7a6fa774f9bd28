"""A run's page, from its journal: one episode in memory at a time."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst import __version__
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
from pytest_ugst.runs.outcome import tally
from pytest_ugst.runs.reader import read_faults, read_results, unplayed_outcomes
from pytest_ugst.runs.run import PAGE_FILE
from pytest_ugst.utils.files import check_target, replace_text

if TYPE_CHECKING:
    from pytest_ugst.runs.run import StoredRun


def page_path(asked: str, root: Path, folder: Path | None = None) -> Path:
    """Where the option ``--ugst-html`` asks the page to be written.

    Args:
        asked: The option's value: ``auto``, or a file.
        root: Relative paths start here.
        folder: The run's; None while there is none yet.

    Raises:
        UsageError: If no page can be written there.
    """
    if asked == "auto":
        return (folder or root) / PAGE_FILE
    path = root / asked
    if path.suffix not in (".html", ".htm"):
        # "pytest --ugst-html suites" takes the path to test for the page's name.
        raise UsageError(
            f"--ugst-html={asked}: write a file name that ends in .html, or none; the path to test stands before it"
        )
    check_target(path, f"--ugst-html={asked}")
    return path


def write_page(run: StoredRun, path: Path, summary: Summary | None = None, against: PageBaseline | None = None) -> None:
    """Write a run's page.

    Args:
        run: With at least one episode.
        path: The file; one that is there is replaced.
        summary: The run's, where it was made already.
        against: The baseline that it is held against.

    Raises:
        UsageError: If the file can't be written.
    """
    replace_text(path, build_page(run, summary, against))


def build_page(run: StoredRun, summary: Summary | None = None, against: PageBaseline | None = None) -> str:
    """A run's page; see :func:`write_page`."""
    summary = summary or summarise(run)
    tables, chunks = SharedRecords(), Chunks()
    episodes: list[dict[str, Any]] = []
    cost = Cost()
    for episode_id in sorted(set(run.ids) & set(run.journal.ids())):
        episode = run.journal.get(episode_id)
        failures = classify(episode)
        opened = episode_detail(episode, tables, failures)
        made = list_entry(episode, opened, tables, failures, _fault(episode))
        if against is not None and (ends := against.ends(episode)) is not None:
            made["base"] = ends
        made["at"] = chunks.add(opened)
        cost.add(episode)
        episodes.append(made)
    index = {
        "run": _overview(run, summary, cost),
        "goals": tables.goals,
        "settings": tables.settings,
        "simulators": tables.simulators,
        "episodes": episodes,
        "baseline": None if against is None else against.overview(),
    }
    return render_page(f"{run.name} – pytest-ugst", index, chunks.packed())


def _fault(episode: Episode) -> str:
    """Whose fault it is that the agent's task failed; empty where it did not, or nobody scored it."""
    attributed = attribute(tally(episode), episode.conversation.stop, episode.task)
    return attributed.fault.value if attributed is not None and attributed.fault is not None else ""


def _overview(run: StoredRun, summary: Summary, cost: Cost) -> dict[str, Any]:
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
    """What the gate said: it stands in the results of a run that came to its end."""
    results = run.results or read_results(run)
    return () if results is None else results.missed


def _setting(run: StoredRun) -> dict[str, Any]:
    """What a run was played with, also where the file beside its journal has been lost."""
    with contextlib.suppress(UsageError):
        return dict(run.read_setting())
    return next(iter(run.journal)).setting.model_dump(mode="json")
