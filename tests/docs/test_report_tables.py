"""The tables on the pages about reports and the gate are what their commands print."""

from __future__ import annotations

import re
import shlex
import sys

import pytest

from tests.docs.pages import Sandbox, assert_shown, blocks, commands, read


@pytest.mark.slow
def test_the_tables_of_the_reports_page(pytester: pytest.Pytester) -> None:
    page = read("docs/reports.md")
    *played, report = commands(blocks(page, "console")[0].text)
    for command in played:
        Sandbox(pytester).run(command)
    runs = sorted(run.name for run in (pytester.path / ".ugst" / "runs").iterdir())
    assert shlex.split(report) == ["ugst", "report", "table", *(["RUN"] * len(runs))]
    # The program itself is on the path only where the environment is activated.
    table = [sys.executable, "-m", "pytest_ugst.cli", "report", "table", *runs]
    assert pytester.run(*table).outlines == blocks(page, "text")[0].text.splitlines()
    markdown = pytester.run(*table, "--style=markdown", "--no-intervals").outlines
    shown = blocks(page, "markdown")[0].text.splitlines()
    assert [re.sub(r"[ -]+", " ", line) for line in markdown] == [re.sub(r"[ -]+", " ", line) for line in shown]


@pytest.mark.slow
def test_the_comparison_on_the_gate_page(pytester: pytest.Pytester) -> None:
    page = read("docs/gate.md")
    example = next(block.text for block in blocks(page, "console") if "contradiction@0.3" in block.text)
    output = [Sandbox(pytester).run(command) for command in commands(example)]
    assert_shown(blocks(page, "text")[0].text, output[-1])
