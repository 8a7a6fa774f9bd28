"""``results.json``, as far as a run needs it to be read again: what was counted, and what could not be played."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, JsonValue

from pytest_ugst.core.base import Frozen
from pytest_ugst.core.usage import Usage
from pytest_ugst.runs.outcome import EpisodeOutcome

RESULTS_VERSION: Literal[1] = 1


class RunResults(Frozen):
    """The part of ``results.json`` that holds no tables; :class:`pytest_ugst.analysis.results.Results` is the
    file as a whole, and what a finished run carries."""

    model_config = ConfigDict(extra="ignore")

    schema_version: Literal[1] = RESULTS_VERSION
    run: str
    """The run's name."""
    created: str
    """UTC, ISO 8601."""
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    """What the run was played with."""
    gate: dict[str, float] = Field(default_factory=dict)
    """The least that was asked for, in percent by column."""
    missed: tuple[str, ...] = ()
    """What fell short of it."""
    episodes: tuple[EpisodeOutcome, ...] = ()
    """In the order of their ids."""
    usage: dict[str, Usage] = Field(default_factory=dict)
    """By role."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Of what could change the numbers."""
