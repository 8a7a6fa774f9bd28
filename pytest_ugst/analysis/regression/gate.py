"""The gate against a baseline, from the options to decisions: one session's ``--ugst-baseline``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytest_ugst.analysis.regression.baseline import NO_FILE, Baseline, GoalKey, baseline_of, find_baseline
from pytest_ugst.analysis.regression.comparability import (
    RunOutline,
    mismatches,
    parse_allowances,
    refusal,
    run_outline,
    same_goals,
    shared_goals,
)
from pytest_ugst.analysis.regression.comparison import compare, gate_failures, with_unplayed
from pytest_ugst.analysis.regression.decision import Comparison, parse_margins
from pytest_ugst.analysis.success.goal_digest import GoalDigest, parts_digest, text_digest
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import counted
from pytest_ugst.runs.run import SETTING_FILE, StoredRun, find_run
from pytest_ugst.utils.files import is_file

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.episode import EpisodeConfig
    from pytest_ugst.core.goal import Goal


class PlannedGoal(NamedTuple):
    """A goal that is going to be played."""

    goal: Goal | None
    """None where only the running test can tell."""
    max_turns: int
    """Turns the conversation may take where the goal does not say."""


class Decision(NamedTuple):
    """What a gate decides, as a line for people."""

    text: str
    passed: bool


@dataclass(frozen=True, slots=True)
class BaselineGate:
    """A baseline with the drops that are allowed: one session's ``--ugst-baseline``."""

    name: str
    """What the baseline was called on the command line."""
    base: Baseline
    margins: Mapping[str, float]
    """Points by column."""
    allowed: frozenset[str]
    """What may differ beside the simulator."""
    strict: bool
    """Whether an inconclusive column fails the run as well."""

    @classmethod
    def open(cls, settings: Options, record: str = "") -> BaselineGate | None:
        """Read the baseline; None if the options name none.

        Args:
            settings: The options.
            record: The baseline as JSON, where another process has read it: by now the latest run may be another.

        Raises:
            UsageError: If an option is wrong, or there is no such baseline.
        """
        margins, allowed = check_options(settings)
        if not settings.baseline:
            return None
        if record:
            base = Baseline.model_validate_json(record)
        else:
            base, run = find_baseline(settings.home, settings.baseline, root=settings.root)
            if run is not None and settings.resume and run.is_same(find_run(settings.home, settings.resume)):
                raise UsageError(
                    f"--ugst-baseline={settings.baseline}: that is the run which is resumed; name another one"
                )
        if not base.goals:
            raise UsageError(f"--ugst-baseline={settings.baseline}: it holds no goal; name a run that was played")
        return cls(settings.baseline, base, margins, allowed, settings.strict_gate)

    def check_plan(
        self, planned: Iterable[PlannedGoal], config: EpisodeConfig, data: Mapping[str, str], *, own_judge: bool = False
    ) -> None:
        """Refuse what can't be compared, before it is played.

        Args:
            planned: The goals of the episodes to play, one for each.
            config: What they are played with, apart from roles of a test's own.
            data: Digests of the domains' data.
            own_judge: Whether any test brings a judge of its own.

        Raises:
            UsageError: Naming all that differs and is not allowed to.
        """
        digests: dict[GoalKey, GoalDigest] = {}
        whole = True
        for goal, max_turns in planned:
            if goal is None:
                whole = False  # which goals these are, only the running tests can tell
                continue
            parts = None if goal.components is None else parts_digest(goal)
            digests[GoalKey(goal.domain or "", goal.id)] = GoalDigest(
                text_digest(goal), parts, goal.max_turns or max_turns
            )
        outline = RunOutline(digests, () if own_judge else (config,), data, whole)
        there = run_outline(self.base)
        if whole and not same_goals(there, outline):
            raise UsageError(f"--ugst-baseline={self.name}: {self._nothing_shared()}")
        if message := refusal(mismatches(there, outline), self.allowed, self.name):
            raise UsageError(message)

    def measure(self, run: StoredRun) -> Baseline:
        """Return the record of a run that is compared with the baseline."""
        return with_unplayed(baseline_of(run), self.base)

    def compare(self, run: StoredRun, new: Baseline) -> Comparison:
        """Compare what was played with the baseline.

        Args:
            run: What was played.
            new: Its record, from :meth:`measure`.

        Returns:
            A comparison also where nothing can be compared: what was played must not be lost.
        """
        there, here = run_outline(self.base), run_outline(new)
        found = mismatches(there, here)
        reason = refusal(found, self.allowed, self.name)
        if reason and run.missing:
            left = counted(run.missing, "selected episode", ("was", "were"))
            reason = (
                f"--ugst-baseline={self.name}: {left} not played, so there is less to compare than there is to be; "
                f"--ugst-resume={run.name} plays what is missing"
            )
        if not reason and not shared_goals(self.base, new):
            reason = f"--ugst-baseline={self.name}: {self._nothing_shared()}"
        if reason:
            return Comparison(base=self.name, base_run=self.base.run, run=run.name, goals=0, refused=reason)
        return compare(self.base, new, self.margins, name=self.name, found=found)

    def decisions(self, comparison: Comparison) -> list[Decision]:
        """Return what the gate decides, a line each."""
        if comparison.refused:
            return [Decision(f"REFUSED {comparison.refused}", passed=False)]
        if failures := gate_failures(comparison, strict=self.strict):
            return [Decision(f"FAILED --ugst-baseline: {sentence}", passed=False) for sentence in failures]
        counts: dict[str, int] = {}
        for one in comparison.findings:
            counts[one.verdict] = counts.get(one.verdict, 0) + 1
        found = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        return [Decision(f"--ugst-baseline={self.name}: no regression ({found})", passed=True)]

    def _nothing_shared(self) -> str:
        return f"it shares no goal with what is played now (it holds {len(self.base.goals)} others); name another one"


def check_options(settings: Options) -> tuple[dict[str, float], frozenset[str]]:
    """Read the gate's options.

    Raises:
        UsageError: If one of them is wrong.
    """
    return parse_margins(settings.max_drop), parse_allowances(settings.baseline_allow)


def check_baseline(settings: Options) -> None:
    """Check the options, and that there is something of the baseline's name, without reading it.

    Raises:
        UsageError: If not.
    """
    check_options(settings)
    if settings.baseline:
        if any(is_file(path) for path in (settings.root / settings.baseline, Path(settings.baseline))):
            return
        if is_file(settings.root / settings.baseline / SETTING_FILE):
            return
        if settings.baseline.endswith(".json"):
            raise UsageError(f"--ugst-baseline={settings.baseline}: {NO_FILE}")
        find_run(settings.home, settings.baseline, option="--ugst-baseline")
