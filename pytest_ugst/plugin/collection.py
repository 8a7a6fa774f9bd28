"""From goals to test items: the ``ugst`` marker's goals, and goal files as tests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ugst.config.data_dirs import DataMissing
from pytest_ugst.core.errors import GoalFileError, UsageError, unknown
from pytest_ugst.core.goal import Goal
from pytest_ugst.engine.spec import episode_id
from pytest_ugst.goals.files import SUFFIXES, find_duplicates, is_goal_file, load_goals

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

    from pytest_ugst.core.episode import Episode
    from pytest_ugst.core.registry import Registry
    from pytest_ugst.goals.overrides import EditedGoals

ERROR_PREFIX = "pytest-ugst: "
"""Begins the report of a collection error that is the user's to mend."""
_MARKER_FIELDS = ("goals", "split", "tags", "max_turns", "trials", "unplayable")


@dataclass(frozen=True, slots=True)
class Case:
    """One goal to play, for the n-th time. Without a goal where a test brings its own by the fixture ``goal``."""

    goal: Goal | None
    trial: int
    max_turns: int
    optional: bool = False
    """Whether it is skipped where the roles that the options name can't play it."""
    skip: bool = False
    """Whether it only stands for goals that can't be had here."""

    @property
    def id(self) -> str:
        """As in the test's name."""
        return episode_id(self.goal.id if self.goal is not None else "own", self.trial)


def cases(goals: Iterable[Goal], trials: int, max_turns: int, optional: bool = False) -> Iterator[Case]:
    """Every goal ``trials`` times."""
    for goal in goals:
        for trial in range(1, trials + 1):
            yield Case(goal, trial, goal.max_turns or max_turns, optional)


@dataclass(frozen=True, slots=True)
class GoalMarker:
    """What ``@pytest.mark.ugst(...)`` says; the closest marker that gives a field wins."""

    goals: Any = None
    split: str | tuple[str, ...] | None = None
    """One split, or several of which ``-m`` chooses; the first unless it names others."""
    tags: tuple[str, ...] = ()
    max_turns: int | None = None
    trials: int | None = None
    unplayable: str = "error"

    @classmethod
    def of(cls, node: pytest.Item | pytest.Collector, marks: Iterable[pytest.Mark]) -> GoalMarker | None:
        """Read the markers, closest first.

        Raises:
            UsageError: For an argument the marker does not take.
        """
        fields: dict[str, Any] = {}
        found = False
        for mark in marks:
            found = True
            if mark.args:
                raise UsageError(f"{node.nodeid}: the ugst marker takes keywords only, e.g. ugst(goals='concierge')")
            for name, value in mark.kwargs.items():
                if name not in _MARKER_FIELDS:
                    raise UsageError(f"{node.nodeid}: ugst marker: {unknown('argument', name, _MARKER_FIELDS)}")
                fields.setdefault(name, value)
        if not found:
            return None
        tags = fields.get("tags", ())
        tags = (tags,) if isinstance(tags, str) else tags
        if not isinstance(tags, list | tuple | set | frozenset) or not all(isinstance(tag, str) for tag in tags):
            raise UsageError(f"{node.nodeid}: ugst marker: tags={tags!r}; give a tag or a list of tags")
        fields["tags"] = tuple(tags)
        split = fields.get("split")
        if isinstance(split, list | tuple) and split and all(isinstance(s, str) and s.isidentifier() for s in split):
            fields["split"] = tuple(split)
        elif not isinstance(split, str | None):
            raise UsageError(f"{node.nodeid}: ugst marker: split={split!r}; give the name of a part, or a list of them")
        if (unplayable := fields.get("unplayable", "error")) not in ("error", "skip"):
            raise UsageError(f"{node.nodeid}: ugst marker: unplayable={unplayable!r}; write 'error' or 'skip'")
        for name in ("max_turns", "trials"):
            value = fields.get(name)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
                raise UsageError(f"{node.nodeid}: ugst marker: {name}={value!r}; write a whole number from 1")
        return cls(**fields)


def parameters(
    marker: GoalMarker,
    registry: Registry,
    folders: Sequence[Path],
    trials: int,
    max_turns: int,
    expression: str,
    edited: EditedGoals,
) -> list[ParameterSet]:
    """What a test is parametrized with: the cases of the goals its marker asks for.

    Where the goals' data is not on this machine, one case that is skipped with the reason stands for them.

    Args:
        marker: What the test asks for.
        registry: Where goal sources are found by name.
        folders: Where goal files are looked for.
        trials: How often each goal is played.
        max_turns: Where the goal does not say.
        expression: Of ``-m``.
        edited: Goals to play in place of those with the same ids.

    Raises:
        UsageError: If there are no goals.
    """
    optional = marker.unplayable == "skip"
    found = []
    try:
        for part in _parts(marker.split, expression):
            # A single split was chosen by the test's author and is no choice of whoever runs it.
            marks = [getattr(pytest.mark, part)] if part and isinstance(marker.split, tuple) else []
            goals = map(edited.instead_of, find_goals(marker, part, registry, folders))
            found += [pytest.param(c, id=c.id, marks=marks) for c in cases(goals, trials, max_turns, optional)]
    except DataMissing as error:
        missing = Case(None, 1, max_turns, optional, skip=True)
        parts = marker.split if isinstance(marker.split, tuple) else ()
        marks = [pytest.mark.skip(reason=str(error)), *(getattr(pytest.mark, part) for part in parts)]
        return [pytest.param(missing, id="no-data", marks=marks)]
    return found


def _parts(split: str | tuple[str, ...] | None, expression: str) -> Sequence[str | None]:
    """The splits to play: the first, and those that ``-m`` mentions, which it then selects from."""
    if not isinstance(split, tuple):
        return (split,)
    return [part for i, part in enumerate(split) if i == 0 or re.search(rf"\b{part}\b", expression)]


def find_goals(marker: GoalMarker, split: str | None, registry: Registry, folders: Sequence[Path]) -> list[Goal]:
    """The goals a marker asks for, of one split.

    ``goals`` is the name of a goal source (``concierge``, or ``concierge:train`` for one of its parts), a goal file or
    a folder of them relative to the test's folder or the root, a goal, or a list of any of these.

    Raises:
        UsageError: If there are none.
    """
    wanted = marker.goals if isinstance(marker.goals, list | tuple) else [marker.goals]
    goals: list[Goal] = []
    for each in wanted:
        if isinstance(each, Goal):
            goals.append(each)
        elif isinstance(each, str | Path):
            goals += _named(str(each), split, registry, folders)
        else:
            raise UsageError(
                f"ugst marker: goals={each!r}; give a goal source's name, a path, a Goal, or a list of them"
            )
    kept = [g for g in goals if set(marker.tags) <= set(g.tags)]
    if not kept:
        asked = ", ".join(filter(None, [f"split {split!r}" if split else "", *map(repr, marker.tags)]))
        raise UsageError(f"ugst marker: no goal of {marker.goals!r} is left" + (f" after {asked}" if asked else ""))
    return kept


def _named(name: str, split: str | None, registry: Registry, folders: Sequence[Path]) -> list[Goal]:
    source, _, part = name.partition(":")
    if source in registry.goal_sources:
        return list(registry.goal_sources.get(source)(part or split or None))
    for folder in folders:
        path = folder / name
        if path.is_dir():
            goals = [g for file in sorted(path.iterdir()) if is_goal_file(file) for g in load_goals(file)]
        elif path.is_file():
            if not is_goal_file(path):
                raise UsageError(f"{path}: not a goal file; its name has to end with {', '.join(SUFFIXES)}")
            goals = load_goals(path)
        else:
            continue
        if duplicates := find_duplicates(goals):
            raise GoalFileError("\n".join(duplicates))
        return [g for g in goals if split is None or split in g.tags]
    raise UsageError(
        f"{unknown('goal source', name, registry.goal_sources.entries)}; nor is there such a file or folder"
    )


class GoalFile(pytest.File):
    """A goal file in a tested folder: every goal in it is a test."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item per goal and trial."""
        from pytest_ugst.plugin.fixtures import RUNTIME

        runtime = self.config.stash[RUNTIME]
        try:
            settings = runtime.settings
            goals = [runtime.edited.instead_of(goal) for goal in load_goals(self.path)]
        except UsageError as error:
            raise self.CollectError(f"{ERROR_PREFIX}{error}") from None
        for case in cases(goals, settings.trials, settings.max_turns):
            yield GoalItem.make(self, case)


class Misaligned(AssertionError):
    """A goal test failed: sub-components of the goal were not succeeded in."""


def _goal_test(episode: Episode) -> None:
    __tracebackhide__ = True
    if not episode.succeeded:
        raise Misaligned(episode.explain())


class GoalItem(pytest.Function):
    """One goal of a goal file, as a test. A test function like any other, so that fixtures can be overridden for it."""

    ugst_case: Case

    @classmethod
    def make(cls, parent: GoalFile, case: Case) -> GoalItem:
        """An item for one case."""
        item: GoalItem = cls.from_parent(parent, name=case.id, callobj=_goal_test)
        item.ugst_case = case
        return item

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the goal stands."""
        line = int((self.ugst_case.goal.source or ":1").rpartition(":")[2]) if self.ugst_case.goal else 1
        return self.path, line - 1, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        """The explanation alone: there is no code of the user's to show."""
        if isinstance(excinfo.value, Misaligned | UsageError):
            from pytest_ugst.core.text import plain

            return plain(str(excinfo.value))
        return super().repr_failure(excinfo, *args, **kwargs)
