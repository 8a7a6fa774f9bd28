"""The gate against a baseline, from the options to a verdict: one session's ``--ugst-baseline``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.analysis.regression.baseline import NO_FILE, Baseline, GoalKey, baseline_of, find_baseline
from pytest_ugst.analysis.regression.comparability import (
    RunOutline,
    mismatches,
    run_outline,
    parse_allowances,
    refusal,
    same_goals,
    shared_goals,
)
from pytest_ugst.analysis.regression.comparison import compare, gate_failures, with_unplayed
from pytest_ugst.analysis.regression.decision import Comparison, parse_margins
from pytest_ugst.analysis.success.goal_digest import GoalDigest, parts_digest, text_digest
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import counted
from pytest_ugst.plugin.overrides import case_of, overridden
from pytest_ugst.runs.run import SETTING_FILE, Run, find_run
from pytest_ugst.utils.files import is_file

if TYPE_CHECKING:
    import pytest

    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.episode import EpisodeConfig


@dataclass(frozen=True, slots=True)
class BaselineGate:
    """What a run is held against, and what it may lose."""

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

    def check_plan(self, items: Iterable[pytest.Function], setting: EpisodeConfig, data: Mapping[str, str]) -> None:
        """Refuse what can't be compared, before it is played.

        Args:
            items: The tests for which episodes are played.
            setting: What they are played with, apart from roles of their own.
            data: Digests of the domains' data.

        Raises:
            UsageError: Naming all that differs and is not allowed to.
        """
        asked: dict[GoalKey, GoalDigest] = {}
        whole, judged = True, True
        for item in items:
            case, own = case_of(item), overridden(item)
            judged = judged and "judge" not in own
            if case.goal is None or "goal" in own:
                whole = False  # which goals these are, only the running tests can tell
                continue
            parts = None if case.goal.components is None else parts_digest(case.goal)
            max_turns = case.goal.max_turns or case.max_turns
            asked[GoalKey(case.goal.domain or "", case.goal.id)] = GoalDigest(text_digest(case.goal), parts, max_turns)
        planned = RunOutline(asked, (setting,) if judged else (), data, whole)
        there = run_outline(self.base)
        if whole and not same_goals(there, planned):
            raise UsageError(f"--ugst-baseline={self.name}: {self._nothing_shared()}")
        if told := refusal(mismatches(there, planned), self.allowed, self.name):
            raise UsageError(told)

    def measure(self, run: Run) -> Baseline:
        """What the run came to, to be held against the baseline."""
        return with_unplayed(baseline_of(run), self.base)

    def decide(self, run: Run, new: Baseline) -> Comparison:
        """Hold what was played against the baseline.

        Args:
            run: What was played.
            new: As :meth:`measure` gives it.

        Returns:
            Also where nothing can be compared: what was played must not be lost.
        """
        there, here = run_outline(self.base), run_outline(new)
        found = mismatches(there, here)
        told = refusal(found, self.allowed, self.name)
        if told and run.missing:
            left = counted(run.missing, "selected episode", ("was", "were"))
            told = (
                f"--ugst-baseline={self.name}: {left} not played, so there is less to compare than there is to be; "
                f"--ugst-resume={run.name} plays what is missing"
            )
        if not told and not shared_goals(self.base, new):
            told = f"--ugst-baseline={self.name}: {self._nothing_shared()}"
        if told:
            return Comparison(base=self.name, base_run=self.base.run, run=run.name, goals=0, refused=told)
        return compare(self.base, new, self.margins, name=self.name, found=found)

    def verdict(self, comparison: Comparison) -> list[tuple[str, bool]]:
        """What to say of it, a line each, and whether it is good news."""
        if comparison.refused:
            return [(f"REFUSED {comparison.refused}", False)]
        if told := gate_failures(comparison, strict=self.strict):
            return [(f"FAILED --ugst-baseline: {sentence}", False) for sentence in told]
        counts: dict[str, int] = {}
        for one in comparison.findings:
            counts[one.verdict] = counts.get(one.verdict, 0) + 1
        told_of = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        return [(f"--ugst-baseline={self.name}: no regression ({told_of})", True)]

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
