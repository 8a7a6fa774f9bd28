"""Goal files as tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.engine.spec import GoalCase, cases
from pytest_ugst.goals.files import load_goals
from pytest_ugst.plugin.state import session_of

if TYPE_CHECKING:
    from pytest_ugst.core.episode import Episode

ERROR_PREFIX = "pytest-ugst: "
"""Begins the report of a collection error that is the user's to mend."""


class GoalFile(pytest.File):
    """A goal file in a tested folder: every goal in it is a test."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield one item per goal and trial."""
        session = session_of(self.config)
        try:
            settings = session.settings
            goals = [session.edited.instead_of(goal) for goal in load_goals(self.path)]
        except UsageError as error:
            raise self.CollectError(f"{ERROR_PREFIX}{error}") from None
        for case in cases(goals, settings.trials, settings.max_turns):
            yield GoalItem.make(self, case)


class MisalignedError(AssertionError):
    """The failure of a goal test: sub-components of its goal are no successes."""


def _goal_test(episode: Episode) -> None:
    __tracebackhide__ = True
    if not episode.succeeded:
        raise MisalignedError(episode.explain())


class GoalItem(pytest.Function):
    """The test of one goal of a goal file.

    A test function like any other, so that fixtures can be overridden for it.
    """

    ugst_case: GoalCase

    @classmethod
    def make(cls, parent: GoalFile, case: GoalCase) -> GoalItem:
        """Make the item of one case."""
        item: GoalItem = cls.from_parent(parent, name=case.id, callobj=_goal_test)
        item.ugst_case = case
        return item

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the goal stands."""
        line = int((self.ugst_case.goal.source or ":1").rpartition(":")[2]) if self.ugst_case.goal else 1
        return self.path, line - 1, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        """Return the explanation alone: there is no code of the user's to show."""
        if isinstance(excinfo.value, MisalignedError | UsageError):
            from pytest_ugst.core.text import plain

            return plain(str(excinfo.value))
        return super().repr_failure(excinfo, *args, **kwargs)
