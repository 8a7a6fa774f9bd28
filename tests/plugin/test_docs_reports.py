"""The tables on the reports page are what its commands print."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.plugin.test_docs import blocks


@pytest.mark.slow
def test_the_tables_of_the_reports_page(pytester: pytest.Pytester) -> None:
    suites = Path(__file__).parents[2] / "suites"
    *played, report = blocks("docs/reports.md", "console")[0].splitlines()
    for line in played:
        program, path, *options = shlex.split(line.replace("suites/", f"{suites}/"))
        assert program == "pytest"
        pytester.runpytest_inprocess("-p", "no:cacheprovider", f"--rootdir={pytester.path}", path, *options)
    runs = sorted(run.name for run in (pytester.path / ".ugst" / "runs").iterdir())
    assert shlex.split(report)[:3] == ["ugst", "report", "table"]
    # The program itself is on the path only where the environment is activated.
    command = [sys.executable, "-m", "pytest_ugst.cli", "report", "table", *runs]
    assert report.count("RUN") == len(runs)
    assert pytester.run(*command).outlines == blocks("docs/reports.md", "text")[0].splitlines()
    markdown = pytester.run(*command, "--style=markdown", "--no-intervals").outlines
    shown = blocks("docs/reports.md", "markdown")[0].splitlines()
    assert [re.sub(r"[ -]+", " ", line) for line in markdown] == [re.sub(r"[ -]+", " ", line) for line in shown]
