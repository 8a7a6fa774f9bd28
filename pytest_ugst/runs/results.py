"""The part of ``results.json`` that a reader of runs needs: the outcomes, and the episodes that could not be played.

:mod:`pytest_ugst.analysis.results` adds the tables and the comparison, and writes the file. The record is split because
this package must not import the analysis, which makes those tables.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, JsonValue

from pytest_ugst.core.base import Frozen
from pytest_ugst.core.usage import Usage
from pytest_ugst.runs.outcome import EpisodeOutcome

RESULTS_VERSION: Literal[1] = 1


class RunResults(Frozen):
    """The fields of ``results.json``, those of tables unread.

    :class:`pytest_ugst.analysis.results.Results` is the whole file. A run that has just been played has the whole
    record; one that is read has this one.
    """

    model_config = ConfigDict(extra="ignore")

    schema_version: Literal[1] = RESULTS_VERSION
    run: str
    """The run's name."""
    created: str
    """The time of writing in UTC, ISO 8601."""
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    """The options that the run was played with."""
    rows: tuple[Any, ...] = ()
    """The rows of the summary table, as they stand in the file; the row of the whole run comes last."""
    gate: dict[str, float] = Field(default_factory=dict)
    """The least success rates that were asked for, in percent by column."""
    missed: tuple[str, ...] = ()
    """A message for each rate that fell short of them."""
    comparison: Any = None
    """The comparison with the baseline, as it stands in the file; None where none was named."""
    episodes: tuple[EpisodeOutcome, ...] = ()
    """The outcomes in the order of their ids."""
    usage: dict[str, Usage] = Field(default_factory=dict)
    """The usage of models by role."""
    versions: dict[str, str] = Field(default_factory=dict)
    """The versions of the packages that could change the numbers."""
