"""In a project that has nothing to do with us: silent, and almost free."""

from __future__ import annotations

import json

import pytest

from tests.plugin_project import CONFTEST as ROLES
from tests.plugin_project import QUICK, Project, goal

HEAVY = ("openai", "pydantic", "aiohttp", "httpx", "yaml", "numpy", "torch", "tabulate", "json_repair")
PLUGIN = {
    "pytest_ugst",
    "pytest_ugst.config",
    "pytest_ugst.config.options",
    "pytest_ugst.plugin",
    "pytest_ugst.plugin.fixtures",
    "pytest_ugst.plugin.hooks",
    "pytest_ugst.plugin.hookspecs",
    "pytest_ugst.plugin.keys",
    "pytest_ugst.plugin.notes",
    "pytest_ugst.plugin.state",
}
"""All that every pytest run pays for."""
CONTROLLER = {
    "pytest_ugst.core",
    "pytest_ugst.core.errors",
    "pytest_ugst.core.text",
    "pytest_ugst.plugin.xdist",
    "pytest_ugst.runs",
    "pytest_ugst.runs.names",
}
"""What the controlling process of pytest-xdist needs beside: a name for the session."""
CONFTEST = """
import json, sys

def pytest_unconfigure(config):
    worker = getattr(config, "workerinput", {}).get("workerid", "main")
    with open(f"modules-{worker}.json", "w") as file:
        json.dump(sorted(sys.modules), file)
"""


@pytest.mark.parametrize(("args", "processes"), [((), ["main"]), (("-n", "2"), ["main", "gw0", "gw1"])])
def test_nothing_is_imported_printed_or_written(
    pytester: pytest.Pytester, args: tuple[str, ...], processes: list[str]
) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile("def test_one():\n    pass\ndef test_two(tmp_path):\n    assert tmp_path\n")
    result = pytester.runpytest_subprocess(*QUICK, *args)
    result.assert_outcomes(passed=2)
    for process in processes:
        modules = set(json.loads((pytester.path / f"modules-{process}.json").read_text()))
        assert modules.isdisjoint(HEAVY)
        ours = {m for m in modules if m.startswith("pytest_ugst")}
        assert ours == (PLUGIN | CONTROLLER if len(processes) > 1 and process == "main" else PLUGIN)
    said = [line for line in result.outlines if "ugst" in line and not line.startswith(("plugins:", "rootdir:"))]
    assert [line for line in said if "runpytest" not in line and str(pytester.path) not in line] == []
    assert not (pytester.path / ".ugst").exists()


def test_a_run_without_models_imports_nothing_that_calls_models(pytester: pytest.Pytester) -> None:
    Project(pytester).goals("tea.goal.yaml", goal("tea"))
    pytester.makeconftest(ROLES + CONFTEST)
    result = pytester.runpytest_subprocess(*QUICK, "tea.goal.yaml")
    result.assert_outcomes(passed=1)
    modules = set(json.loads((pytester.path / "modules-main.json").read_text()))
    assert modules.isdisjoint({"aiohttp", "openai", "httpx", "json_repair", "pytest_ugst.llm.model_spec"})
