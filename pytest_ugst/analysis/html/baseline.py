"""A run held against a baseline, as its page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_ugst.analysis.html.records import LETTERS
from pytest_ugst.analysis.regression.baseline import Baseline, baseline_of
from pytest_ugst.analysis.regression.comparability import mismatches, paired_trials, run_outline
from pytest_ugst.analysis.regression.comparison import compare, with_unplayed
from pytest_ugst.analysis.regression.decision import Comparison, parse_margins
from pytest_ugst.analysis.success.systems import labels
from pytest_ugst.config.options import DEFAULT_MAX_DROP
from pytest_ugst.core.episode import Episode

if TYPE_CHECKING:
    from pytest_ugst.runs.run import StoredRun


@dataclass(frozen=True, slots=True)
class PageBaseline:
    """A baseline, and what the comparison with it came to."""

    base: Baseline
    comparison: Comparison
    _ends: Mapping[str, Mapping[str, str]]
    """By the episodes' ids, how the sub-components ended in the episodes that they are compared with."""

    @classmethod
    def of(cls, run: StoredRun, base: Baseline, name: str) -> PageBaseline:
        """Compare over the shared goals, as ``ugst report compare`` does by default.

        Args:
            run: With its journal read.
            base: The baseline.
            name: What it was called.

        Raises:
            UsageError: If they share no goal.
        """
        new = with_unplayed(baseline_of(run), base)
        found = mismatches(run_outline(base), run_outline(new))
        return cls.paired(base, new, compare(base, new, parse_margins(DEFAULT_MAX_DROP), name=name, found=found))

    @classmethod
    def paired(cls, base: Baseline, new: Baseline, comparison: Comparison) -> PageBaseline:
        """With what the comparison came to, where it was made already."""
        return cls(base, comparison, {here.id: there.statuses for _, there, here in paired_trials(base, new)})

    def ends(self, episode: Episode) -> str | None:
        """How the episode's sub-components ended in the baseline, a letter each.

        Returns:
            None where it is compared with none of the baseline.
        """
        known = self._ends.get(episode.id)
        if known is None:
            return None
        return "".join(LETTERS[known[component.id]] for component in episode.components)

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
