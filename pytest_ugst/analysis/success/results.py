"""``results.json``: a run's numbers for machines, such as a later run that is compared with this one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue

from pytest_ugst.analysis.regression.decision import Comparison
from pytest_ugst.analysis.success.rates import Tally, tally
from pytest_ugst.analysis.success.table import Row
from pytest_ugst.core.base import Frozen, Words
from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.usage import Usage
from pytest_ugst.utils.files import replace_text

RESULTS_VERSION: Literal[1] = 1
_PACKAGES = ("pytest-ugst", "pytest", "pydantic", "numpy", "aiohttp", "openai", "vllm", "xllamacpp", "transformers")


class Outcome(Frozen):
    """What came of one episode: small, and enough for tables and for comparing runs goal by goal."""

    id: str
    """The episode's id."""
    tally: Tally
    succeeded: bool
    """Whether every sub-component counts as success."""
    statuses: dict[str, str] = Field(default_factory=dict)
    """By sub-component id; ``ERROR`` where no verdict can be trusted."""
    stop: StopReason | None = None
    turns: int = 0
    error: Words | None = None
    """Why the conversation broke off, or why the episode could not be played at all."""
    seconds: float = 0.0
    task: dict[str, float] = Field(default_factory=dict)
    """Scores of the agent's own work."""


class Results(Frozen):
    """The file as a whole. Rates are in percent."""

    schema_version: Literal[1] = RESULTS_VERSION
    run: str
    """The run's name."""
    created: str
    """UTC, ISO 8601."""
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    """What the run was played with."""
    rows: tuple[Row, ...]
    """The summary table, row by row; the row of the whole run comes last."""
    gate: dict[str, float] = Field(default_factory=dict)
    """The least that was asked for, in percent by column."""
    missed: tuple[str, ...] = ()
    """What fell short of it."""
    comparison: Comparison | None = None
    """With the baseline, where one was named."""
    episodes: tuple[Outcome, ...] = ()
    """In the order of their ids."""
    usage: dict[str, Usage] = Field(default_factory=dict)
    """By role."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Of what could change the numbers."""


def outcome(episode: Episode) -> Outcome:
    """An episode's outcome."""
    state = episode.final_state
    return Outcome(
        id=episode.id,
        tally=tally(episode),
        succeeded=episode.succeeded,
        statuses={s.component.id: s.label for s in state},
        stop=episode.conversation.stop,
        turns=len(episode.conversation.turns),
        error=episode.broken_off,
        seconds=episode.seconds,
        task=episode.task,
    )


def not_played(episode_id: str, goal_id: str, trial: int, error: str) -> Outcome:
    """The outcome of an episode that could not be played at all, such as one whose goal could not be decomposed."""
    return Outcome(id=episode_id, tally=Tally(goal=goal_id, trial=trial, measured=False), succeeded=False, error=error)


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of what it plays with."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def add_usage(parts: Iterable[Mapping[str, Usage]]) -> dict[str, Usage]:
    """Usage by role, summed over episodes."""
    total: dict[str, Usage] = {}
    for part in parts:
        for role, usage in part.items():
            total[role] = total.get(role, Usage()) + usage
    return total


def write_results(path: Path, results: Results) -> None:
    """Write the file; whoever reads it meanwhile sees the old one or the new one, never half of one.

    Raises:
        UsageError: If it can't be written.
    """
    replace_text(path, results.model_dump_json(indent=2) + "\n")
