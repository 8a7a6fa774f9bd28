"""Baselines: the results of a run, goal by goal, small enough to be kept in a repository for later comparisons."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field, ValidationError, model_validator

from pytest_ugst.analysis.success.goal_digest import parts_digest, text_digest
from pytest_ugst.core.base import Frozen, SafeText
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.errors import UsageError, first_fault
from pytest_ugst.core.labels import ERROR
from pytest_ugst.core.status import CHAINS, SUCCESS, Category, Status
from pytest_ugst.core.text import one_line
from pytest_ugst.runs.reader import data_digests, open_run, unplayed_outcomes
from pytest_ugst.runs.run import EPISODES_FILE, RESULTS_FILE, SETTING_FILE, StoredRun
from pytest_ugst.utils.files import is_file, replace_text

BASELINE_VERSION: Literal[1] = 1
NO_FILE = "there is no such file; name a baseline that was saved, or a run"
"""The error for a name that ends in ``.json`` where there is no such file."""
_LARGEST = 200_000_000  # bytes; more is no baseline


class GoalKey(NamedTuple):
    """The unique name of a goal in a run."""

    domain: str
    """The goal's domain; empty for none."""
    goal: str
    """The goal's id."""

    def __str__(self) -> str:
        """Return the goal's id, which is enough in messages."""
        return self.goal


class Trial(Frozen):
    """An episode of a goal."""

    id: str
    """Id of the episode."""
    trial: int = Field(ge=1)
    """Number of the trial, from 1."""
    statuses: dict[str, str]
    """Final statuses by sub-component id; ``ERROR`` where no verdict can be trusted."""


class BaselineGoal(Frozen):
    """A goal with the results of its trials."""

    id: str
    """Id of the goal."""
    domain: str = ""
    """Domain of the goal; empty for none."""
    text: str
    """Digest of the goal's text, domain and data."""
    parts: str
    """Digest of the sub-components, checks included."""
    max_turns: int
    """Turn limit of the conversations."""
    components: dict[str, Category]
    """Categories of the sub-components, by id."""
    trials: tuple[Trial, ...]
    """Episodes of the goal."""

    @property
    def key(self) -> GoalKey:
        """The unique name of the goal."""
        return GoalKey(self.domain, self.id)

    @model_validator(mode="after")
    def _statuses_fit(self) -> BaselineGoal:
        for trial in self.trials:
            if trial.statuses.keys() != self.components.keys():
                raise ValueError(f"{trial.id}: the statuses are not those of the goal's sub-components")
            for name, status in trial.statuses.items():
                if status != ERROR and status not in CHAINS[self.components[name]]:
                    raise ValueError(f"{trial.id}: {name}: {status!r} is no status of a {self.components[name]}")
        return self

    def totals(self) -> dict[Category, float]:
        """Return the number of sub-components by category."""
        counts: dict[Category, float] = {}
        for category in self.components.values():
            counts[category] = counts.get(category, 0) + 1
        return counts

    def successes(self) -> dict[Category, float]:
        """Return the number of successes by category, on average over the trials."""
        counts = dict.fromkeys(self.components.values(), 0)
        for trial in self.trials:
            for name, category in self.components.items():
                counts[category] += succeeded(trial.statuses[name])
        return {category: count / len(self.trials) for category, count in counts.items()}


class Baseline(Frozen):
    """The content of a baseline file."""

    kind: Literal["pytest-ugst baseline"] = "pytest-ugst baseline"
    schema_version: Literal[1] = BASELINE_VERSION
    run: str
    """Name of the run that the baseline was made from."""
    settings: tuple[EpisodeConfig, ...]
    """Settings of the episodes; several where tests brought their own roles."""
    data: dict[str, str] = Field(default_factory=dict)
    """Digests of the domains' data by domain; domains without a known digest are left out."""
    unplayed: dict[str, SafeText] = Field(default_factory=dict)
    """Reasons why episodes could not be played at all, by episode id."""
    dropped: dict[str, SafeText] = Field(default_factory=dict)
    """Reasons why episodes that were played are not among the trials, by episode id."""
    goals: tuple[BaselineGoal, ...]
    """Goals in the order of their keys."""

    @model_validator(mode="after")
    def _once(self) -> Baseline:
        if len({goal.key for goal in self.goals}) < len(self.goals):
            raise ValueError("goals: a goal occurs twice")
        for goal in self.goals:
            if not goal.trials:
                raise ValueError(f"goals: {goal.id!r} has no trial")
        return self

    def by_key(self) -> dict[GoalKey, BaselineGoal]:
        """Return the goals by their keys."""
        return {goal.key: goal for goal in self.goals}

    @property
    def episodes(self) -> int:
        """The number of episodes, over all goals."""
        return sum(len(goal.trials) for goal in self.goals)

    @property
    def errors(self) -> int:
        """The number of sub-components without a trustworthy verdict, over all episodes."""
        return sum(status == ERROR for goal in self.goals for one in goal.trials for status in one.statuses.values())


def succeeded(status: str) -> bool:
    """Return whether a status counts as success."""
    return status != ERROR and Status(status) in SUCCESS


# From a run


def baseline_of(run: StoredRun) -> Baseline:
    """Return the baseline of a run: of its selected episodes, or of all. One episode is in memory at a time.

    Args:
        run: A run with its journal read.
    """
    goals: dict[GoalKey, BaselineGoal] = {}
    settings: dict[str, EpisodeConfig] = {}
    dropped: dict[str, str] = {}
    for name in run.ids:
        if name in run.journal:
            episode = run.journal.get(name)
            settings.setdefault(episode.setting.model_dump_json(), episode.setting)
            if not _add(goals, episode):
                dropped[name] = "cut into other sub-components than the goal's other trials"
    unplayed = {name: why for name, why in run.failures.items() if name not in run.journal}
    if run.selected is None:
        unplayed |= {one.id: one.error or "" for one in unplayed_outcomes(run)}
    return Baseline(
        run=run.name,
        settings=tuple(settings[key] for key in sorted(settings)),
        data=dict(data_digests(run)),
        unplayed=dict(sorted(unplayed.items())),
        dropped=dropped,
        goals=tuple(goals[key] for key in sorted(goals)),
    )


def _add(goals: dict[GoalKey, BaselineGoal], episode: Episode) -> bool:
    """Add an episode to its goal and return True, unless an earlier trial of the goal has other sub-components."""
    goal = episode.goal
    trial = Trial(
        id=episode.id,
        trial=episode.trial,
        statuses={state.component.id: state.label for state in episode.final_state},
    )
    new = BaselineGoal(
        id=goal.id,
        domain=goal.domain or "",
        text=text_digest(goal),
        parts=parts_digest(goal),
        max_turns=episode.max_turns,
        components={part.id: part.category for part in episode.components},
        trials=(trial,),
    )
    known = goals.get(new.key)
    if known is None:
        goals[new.key] = new
    elif known.components == new.components:
        # Trials end in any order, and the digest must not depend on it.
        parts = "+".join(sorted({*known.parts.split("+"), new.parts}))
        trials = tuple(sorted((*known.trials, trial), key=lambda one: one.id))
        goals[new.key] = known.model_copy(update={"trials": trials, "parts": parts})
    else:
        return False
    return True


# Writing and reading


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write a baseline file.

    The same run gives the same bytes, and each goal is one line, so that changes are visible in a diff.

    Raises:
        UsageError: If it can't be written.
    """
    replace_text(path, "".join(_lines(baseline)))


def _lines(baseline: Baseline) -> Iterator[str]:
    record = baseline.model_dump(mode="json")
    goals = record.pop("goals")
    yield json.dumps(record, indent=1, ensure_ascii=False).removesuffix("\n}") + ',\n "goals": ['
    for number, goal in enumerate(goals):
        comma = "," if number else ""
        yield f"{comma}\n  {json.dumps(goal, ensure_ascii=False, separators=(',', ':'))}"
    yield "\n ]\n}\n"


def read_baseline(path: Path) -> Baseline:
    """Read a baseline file.

    Raises:
        UsageError: If the file can't be read or is no baseline; the error names the field.
    """
    remedy = "save one with 'ugst baseline save RUN --out FILE', or name a run"
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path} is too large for a baseline; {remedy}")
        record = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}; {remedy}") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is no JSON file, so no baseline; {remedy}") from None
    if not isinstance(record, Mapping) or record.get("kind") != "pytest-ugst baseline":
        raise UsageError(f"{path} is no baseline; {remedy}")
    if record.get("schema_version") != BASELINE_VERSION:
        version = one_line(repr(record.get("schema_version")), 60)
        raise UsageError(
            f"{path} is a baseline of format {version}, and this version reads format {BASELINE_VERSION}; save it "
            "anew with 'ugst baseline save RUN --out FILE'"
        )
    try:
        return Baseline.model_validate(record)
    except ValidationError as error:
        raise UsageError(f"{path}: {first_fault(error)}; {remedy}") from None


def find_baseline(home: Path, name: str, *, root: Path | None = None) -> tuple[Baseline, StoredRun | None]:
    """Return the baseline that a name stands for, and the run where the name is that of a run.

    Args:
        home: Folder that holds ``runs``.
        name: A baseline file, or a run: its name, its folder, a file in it, or ``latest``.
        root: Folder that a relative path may start from, beside the working directory.

    Raises:
        UsageError: If there is neither such a file nor such a run.
    """
    for path in (root / name, Path(name)) if root is not None else (Path(name),):
        if path.name in (EPISODES_FILE, RESULTS_FILE) and is_file(path):
            name = str(path.parent)
            break
        if is_file(path):
            return read_baseline(path), None
        if is_file(path / SETTING_FILE):
            name = str(path)
            break
    try:
        run = open_run(home, name)
    except UsageError as error:
        if name.endswith(".json"):
            raise UsageError(f"{name}: {NO_FILE}") from None
        raise error from None
    return baseline_of(run), run
