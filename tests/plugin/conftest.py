from __future__ import annotations

from importlib import import_module

import pytest

from tests.plugin_project import Project

# Whatever an inner pytest run in this process imports first is dropped after it, which C extensions do not survive.
for _name in ("aiohttp", "numpy", "tabulate", "yaml", "pytest_ugst.runtime", "pytest_ugst.terminal"):
    import_module(_name)


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project(pytester)
