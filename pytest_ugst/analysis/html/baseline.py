"""The comparison of a run with a baseline, as the run's page shows it."""

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
    """A baseline and the comparison with it, for the page of a run."""

    base: Baseline
    """The baseline."""
    comparison: Comparison
    """Comparison of the run with the baseline."""
    _final_statuses: Mapping[str, Mapping[str, str]]
    """Final statuses in the baseline by sub-component id, by id of the new episode that is compared with them."""

    @classmethod
    def of(cls, run: StoredRun, base: Baseline, name: str) -> PageBaseline:
        """Compare a run with a baseline as ``ugst report compare`` does by default.

        Args:
            run: A run with its journal read.
            base: The baseline.
            name: The baseline as the user named it.

        Raises:
            UsageError: If they share no goal.
        """
        new = with_unplayed(baseline_of(run), base)
        found = mismatches(run_outline(base), run_outline(new))
        return cls.paired(base, new, compare(base, new, parse_margins(DEFAULT_MAX_DROP), name=name, found=found))

    @classmethod
    def paired(cls, base: Baseline, new: Baseline, comparison: Comparison) -> PageBaseline:
        """Return the record of a comparison that was made already.

        Args:
            base: The baseline.
            new: The results of the run.
            comparison: Comparison of the two.
        """
        return cls(base, comparison, {trial.id: before.statuses for _, before, trial in paired_trials(base, new)})

    def final_letters(self, episode: Episode) -> str | None:
        """Return the final statuses of an episode's sub-components in the baseline, one letter each.

        Returns:
            Letters of :data:`pytest_ugst.analysis.html.records.LETTERS`, or None if the episode is not compared.
        """
        statuses = self._final_statuses.get(episode.id)
        if statuses is None:
            return None
        return "".join(LETTERS[statuses[component.id]] for component in episode.components)

    def overview(self) -> dict[str, Any]:
        """Return the comparison as JSON-like data for the page's overview."""
        columns = {name: one.model_dump(mode="json") for name, one in self.comparison.others.items()}
        for finding in self.comparison.findings:
            decision = {"verdict": finding.verdict.value, "margin": finding.margin}
            columns[finding.column] = finding.difference.model_dump(mode="json") | decision
        return {
            "name": self.comparison.base,
            "simulators": list(dict.fromkeys(labels(self.base.settings))),
            "goals": self.comparison.goals,
            "columns": columns,
            "notes": list(self.comparison.notes),
        }
