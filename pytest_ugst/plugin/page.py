"""The page of ``--ugst-html``, written from a session's outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ugst.analysis.html.baseline import PageBaseline
from pytest_ugst.analysis.html.builder import page_path, write_page
from pytest_ugst.core.errors import UgstError

if TYPE_CHECKING:
    from pytest_ugst.plugin.outcome import SessionOutcome
    from pytest_ugst.plugin.session import PluginSession


def write_session_page(session: PluginSession, outcome: SessionOutcome) -> str:
    """Write the page, and return a line that says where it is, or why there is none."""
    assert outcome.summary is not None
    comparison = outcome.summary.comparison
    baseline = None
    if session.gate is not None and outcome.measured is not None and comparison is not None and not comparison.refused:
        baseline = PageBaseline.paired(session.gate.base, outcome.measured, comparison)
    try:
        path = page_path(session.settings.html, session.settings.root, session.run.folder)
        write_page(session.run, path, outcome.summary, baseline)
    except (UgstError, OSError) as error:  # pytest would show a traceback, and the run is not lost
        return f"no page: {error}"
    return f"page: {path}"
