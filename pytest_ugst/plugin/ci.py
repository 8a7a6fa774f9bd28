"""Files for continuous integration: the job's summary page on GitHub, and the properties of a JUnit file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.analysis.tables import escape_markdown, render
from pytest_ugst.core.text import one_line

if TYPE_CHECKING:
    import pytest

    from pytest_ugst.analysis.summary import Summary
    from pytest_ugst.plugin.outcome import SessionOutcome

_VARIABLE = "GITHUB_STEP_SUMMARY"
_LARGEST = 100_000  # bytes that one run adds
_ROOM = 1_000_000  # bytes that GitHub shows of one step, in all


def write_github_summary(outcome: SessionOutcome) -> str | None:
    """Append the tables to the file that GitHub shows as a job's summary, where ``$GITHUB_STEP_SUMMARY`` names one.

    A run does not fail by it, whatever is wrong with the file.

    Args:
        outcome: What was played and decided.

    Returns:
        What went wrong, for a person; None if nothing did.
    """
    name = os.environ.get(_VARIABLE)
    if not name or outcome.summary is None:
        return None
    path = Path(name)
    data = job_summary(outcome.summary, [*outcome.messages, outcome.where], outcome.lines).encode()
    try:
        if path.exists() and path.stat().st_size + len(data) > _ROOM:
            return f"the summary is not in ${_VARIABLE}: {path} is full"
        with path.open("ab") as file:
            file.write(data)
    except OSError as error:
        return f"the summary is not in ${_VARIABLE}: {path}: {error.strerror}"
    return None


def job_summary(summary: Summary, notes: Sequence[str], decisions: Sequence[str]) -> str:
    """Return the tables in GitHub's Markdown, at most 100 kB of them; see :func:`write_github_summary`."""
    lines = ["## User goal alignment", ""]
    lines += [f"**{escape_markdown(line)}**  " for line in decisions]
    lines += [*([""] if decisions else []), *render(summary.printed(), "markdown").splitlines(), ""]
    lines += [f"- {escape_markdown(note)}" for note in notes]
    kept, size = [], 0
    for line in lines:
        size += len(line.encode()) + 1
        if size > _LARGEST:
            kept += ["", "(there is more, which does not fit here)"]
            break
        kept.append(line)
    return "\n".join([*kept, "", ""])


def add_junit_properties(config: pytest.Config, run: str, outcome: SessionOutcome) -> None:
    """Add the rates as properties of the test suite to the file of ``--junitxml``, where there is one.

    Args:
        config: Of the process that writes the file.
        run: The run's name.
        outcome: What was played and decided.
    """
    if outcome.summary is None:
        return
    for plugin in config.pluginmanager.get_plugins():
        add = getattr(plugin, "add_global_property", None)
        if add is None:
            continue
        for name, value in properties(run, outcome.summary, outcome.lines):
            add(name, value)
        # Pytest wrote the file before everything was played and counted (with xdist: in the workers). Writing it is all
        # that this does, and it may be done again.
        plugin.pytest_sessionfinish()


def properties(run: str, summary: Summary, decisions: Sequence[str]) -> list[tuple[str, str]]:
    """Return names and values: ``ugst_avg`` and its like for all that was played, ``ugst_avg[ROW]`` for other rows."""
    made = [("ugst_run", run)]
    for row in reversed(summary.rows):
        of = "" if row is summary.rows[-1] else f"[{one_line(row.label)}]"
        for name, rate in row.rates.columns.items():
            numbers = {name: rate.value, f"{name}_low": rate.low, f"{name}_high": rate.high}
            made += [(f"ugst_{key}{of}", f"{value:.4f}") for key, value in numbers.items() if value is not None]
        counts = {
            "n": row.rates.average.n,
            "errors": row.rates.average.errors,
            "episodes": row.rates.episodes,
            "unmeasured": row.rates.unmeasured,
        }
        made += [(f"ugst_{key}{of}", str(value)) for key, value in counts.items()]
    return [*made, *(("ugst_gate", one_line(line)) for line in decisions)]
