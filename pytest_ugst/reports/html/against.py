"""A run held against a baseline, as its page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.episode import Episode
from pytest_ugst.metrics.verdicts import Comparison, parse_margins
from pytest_ugst.options import DEFAULT_MAX_DROP
from pytest_ugst.reports.baseline import Baseline, baseline_of
from pytest_ugst.reports.comparability import mismatches, outline
from pytest_ugst.reports.comparison import compare, with_lost
from pytest_ugst.reports.entrants import labels
from pytest_ugst.reports.html.records import LETTERS

if TYPE_CHECKING:
    from pytest_ugst.engine.run import Run


@dataclass(frozen=True, slots=True)
class Against:
    """A baseline, and what the comparison with it came to."""

    base: Baseline
    comparison: Comparison
    _trials: dict[tuple[str, str], Mapping[str, str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for goal in self.base.goals:
            self._trials.update({(goal.domain, trial.id): trial.statuses for trial in goal.trials})

    @classmethod
    def of(cls, run: Run, base: Baseline, name: str) -> Against:
        """Compare over the shared goals, as ``ugst report compare`` does by default.

        Args:
            run: With its journal read.
            base: The baseline.
            name: What it was called.

        Raises:
            UsageError: If they share no goal.
        """
        new = with_lost(baseline_of(run), base)
        found = mismatches(outline(base), outline(new))
        return cls(base, compare(base, new, parse_margins(DEFAULT_MAX_DROP), name=name, found=found))

    def ends(self, episode: Episode) -> str | None:
        """How the episode's sub-components ended in the baseline, a letter each; ``-`` for one that it does not know.

        Returns:
            None where the baseline has no such episode.
        """
        known = self._trials.get((episode.goal.domain or "", episode.id))
        if known is None:
            return None
        return "".join(LETTERS.get(known.get(component.id, ""), "-") for component in episode.components)

    def overview(self) -> dict[str, Any]:
        """For the page's summary."""
        columns = {name: one.model_dump(mode="json") for name, one in self.comparison.others.items()}
        for finding in self.comparison.findings:
            told = {"verdict": finding.verdict.value, "margin": finding.margin}
            columns[finding.column] = finding.difference.model_dump(mode="json") | told
        return {
            "name": self.comparison.base,
            "simulators": list(dict.fromkeys(labels(self.base.settings))),
            "goals": self.comparison.goals,
            "columns": columns,
            "notes": list(self.comparison.notes),
        }
