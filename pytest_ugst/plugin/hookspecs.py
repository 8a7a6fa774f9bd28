"""The hooks by which a conftest.py or an installed package extends pytest-ugst.

They are registered with pytest's own plugin manager, so a function of one of these names in a ``conftest.py`` or in a
pytest plugin is all it takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_ugst.core.episode import Episode
    from pytest_ugst.core.registry import Registry
    from pytest_ugst.runs.run import StoredRun


@pytest.hookspec
def pytest_ugst_register(registry: Registry) -> None:
    """Register simulators, agents, judges, checks, domains and goal sources by name.

    Called once per process, before the first goal is collected. The built-ins come in the same way.
    """


@pytest.hookspec
def pytest_ugst_episode_finished(episode: Episode) -> None:
    """Take note of an episode that was played and journaled.

    Called in the process that played it, from the scheduler's thread.
    """


@pytest.hookspec
def pytest_ugst_report(run: StoredRun) -> None:
    """Report a run whose episodes are all done; ``run.results`` holds its numbers, and ``results.json`` is written.

    Called once, in the controlling process, before the summary is printed.
    """
