from __future__ import annotations

from importlib import import_module

import pytest

from tests.plugin_project import Project

# Whatever an inner pytest run in this process imports first is dropped after it, which C extensions do not survive, and
# imported anew by the next one, which takes long in the end.
_LIBRARIES = ("aiohttp", "numpy", "tabulate", "yaml")
_OURS = (
    "agents.adapt",
    "cli.main",
    "config.settings",
    "domains.session",
    "goals.shipped",
    "judges.adapt",
    "llm.api_keys",
    "llm.model_names",
    "llm.servers",
    "roles.builtins",
    "plugin.collection",
    "plugin.session",
    "plugin.terminal",
    "simulators.adapt",
    "simulators.llm",
    "trainers.data.command",
    "trainers.grpo.command",
    "trainers.judge.command",
    "trainers.sft.command",
)
for _name in (*_LIBRARIES, *(f"pytest_ugst.{name}" for name in _OURS)):
    import_module(_name)


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project(pytester)
