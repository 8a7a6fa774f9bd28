"""Comparability of two runs: the differences between them beside the simulator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pytest_ugst.analysis.regression.baseline import Baseline, GoalKey, Trial
from pytest_ugst.analysis.success.goal_digest import GoalDigest
from pytest_ugst.analysis.success.systems import setting_value
from pytest_ugst.core.episode import EpisodeConfig
from pytest_ugst.core.errors import UsageError, unknown
from pytest_ugst.core.text import counted

ALLOWANCES = {
    "goals": "another set of goals, or goals that were changed: the shared ones are compared",
    "judge": "another judge",
    "prompts": "other versions of the prompts",
    "turns": "another turn limit",
    "data": "other data of the domains",
}
"""Kinds of differences that the user may allow, with their descriptions."""
_OTHER_SETTINGS = {"agent": "agent", "decomposer": "decomposer", "tool_rounds": "tool rounds", "seed": "seed"}
"""Settings whose differences are noted and not refused, with their names in messages."""
_SHOWN = 3  # names in a message


@dataclass(frozen=True, slots=True)
class RunOutline:
    """The goals and settings of a run, before or after it is played."""

    goals: Mapping[GoalKey, GoalDigest]
    """Digests of the goals."""
    settings: Sequence[EpisodeConfig]
    """Settings of the episodes; empty where tests bring roles that are not known yet."""
    data: Mapping[str, str]
    """Digests of the domains' data, by domain."""
    whole: bool = True
    """Whether these are all goals of the run."""


class Mismatch(NamedTuple):
    """A difference that limits the comparison of two runs."""

    kind: str
    """A key of :data:`ALLOWANCES`."""
    message: str
    """Description of the difference."""


def run_outline(baseline: Baseline) -> RunOutline:
    """Return the outline of the run that a baseline was made from."""
    goals = {goal.key: GoalDigest(goal.text, goal.parts, goal.max_turns) for goal in baseline.goals}
    return RunOutline(goals, baseline.settings, baseline.data)


def parse_allowances(text: str, option: str = "--ugst-baseline-allow") -> frozenset[str]:
    """Read the kinds of differences to allow: ``goals,judge``.

    Args:
        text: Kinds separated by commas, keys of :data:`ALLOWANCES`.
        option: Name of the option, for messages.

    Raises:
        UsageError: If there is no such kind.
    """
    named = [part.strip().lower() for part in text.split(",") if part.strip()]
    for name in named:
        if name not in ALLOWANCES:
            raise UsageError(f"{option}={text}: {unknown('difference', name, ALLOWANCES)}")
    return frozenset(named)


def same_goals(base: RunOutline, new: RunOutline) -> list[GoalKey]:
    """Return the goals that are the same in both runs, by name, text and sub-components."""
    return sorted(key for key in base.goals.keys() & new.goals.keys() if _same(base.goals[key], new.goals[key]))


def shared_goals(base: Baseline, new: Baseline) -> list[GoalKey]:
    """Return the :func:`same_goals` of two baselines, without those of other sub-components.

    Digests alone are not enough, as a baseline file may have been edited by hand.
    """
    before, after = base.by_key(), new.by_key()
    return [
        key
        for key in same_goals(run_outline(base), run_outline(new))
        if before[key].components == after[key].components
    ]


def paired_trials(base: Baseline, new: Baseline) -> Iterator[tuple[GoalKey, Trial, Trial]]:
    """Yield the episodes of shared goals that correspond; those that exist on one side only are left out."""
    before, after = base.by_key(), new.by_key()
    for key in shared_goals(base, new):
        for old, trial in _paired(before[key].trials, after[key].trials):
            yield key, old, trial


def _paired(base: Sequence[Trial], new: Sequence[Trial]) -> Iterator[tuple[Trial, Trial]]:
    """Yield the episodes with equal ids, which tests with several simulators need; failing that, with equal trials."""
    for key in ("id", "trial"):
        before = {getattr(trial, key): trial for trial in base}
        if len(before) == len(base) and len({getattr(trial, key) for trial in new}) == len(new):
            pairs = [(before[getattr(trial, key)], trial) for trial in new if getattr(trial, key) in before]
            if pairs:
                yield from pairs
                return


def _same(one: GoalDigest, other: GoalDigest) -> bool:
    return one.text == other.text and (one.parts is None or other.parts is None or one.parts == other.parts)


def mismatches(base: RunOutline, new: RunOutline) -> list[Mismatch]:
    """Return the differences beside the simulator that may explain a difference in rates."""
    messages = {
        "goals": _goals(base, new),
        "turns": _turn_limits(base, new),
        "judge": _roles("judge", _judges(base.settings), _judges(new.settings)),
        "prompts": _roles("prompts", _prompts(base.settings), _prompts(new.settings)),
        "data": _data(base, new),
    }
    return [Mismatch(kind, message) for kind, message in messages.items() if message]


def other_differences(base: Sequence[EpisodeConfig], new: Sequence[EpisodeConfig]) -> list[str]:
    """Return a note for each further setting that differs, without refusing the comparison."""
    notes: list[str] = []
    if not base or not new:  # one of them has no episodes
        return notes
    for key, words in _OTHER_SETTINGS.items():
        was, now = ({setting_value(setting, key): None for setting in one} for one in (base, new))
        if was.keys() != now.keys():
            notes.append(f"not the same {words}: {_list(was)} before, {_list(now)} now")
    return notes


def refusal(found: Iterable[Mismatch], allowed: frozenset[str], name: str, *, option: str = "--ugst-baseline") -> str:
    """Return the reason why a baseline is refused, with the remedy; empty if all differences are allowed.

    Args:
        found: Differences between the runs.
        allowed: Kinds of differences that are allowed.
        name: The baseline as the user named it.
        option: Name of the option that named it.
    """
    refused = [one for one in found if one.kind not in allowed]
    if not refused:
        return ""
    allow = ",".join(dict.fromkeys([*sorted(allowed), *(one.kind for one in refused)]))
    reasons = "; ".join(one.message for one in refused)
    return f"{option}={name}: {reasons}; save a new baseline, or compare all the same with {option}-allow={allow}"


def _goals(base: RunOutline, new: RunOutline) -> str:
    missing = sorted(base.goals.keys() - new.goals.keys()) if new.whole else []
    added = sorted(new.goals.keys() - base.goals.keys())
    both = base.goals.keys() & new.goals.keys()
    changed = sorted(key for key in both if not _same(base.goals[key], new.goals[key]))
    parts = []
    if missing:
        parts.append(f"{len(missing)} of {counted(len(base.goals), 'goal')} not played now ({_some(missing)})")
    if changed:
        parts.append(f"{len(changed)} with another text, other sub-components or checks now ({_some(changed)})")
    if added:
        parts.append(f"{len(added)} played only now ({_some(added)})")
    return f"not the same goals: {', '.join(parts)}" if parts else ""


def _turn_limits(base: RunOutline, new: RunOutline) -> str:
    limits = [key for key in same_goals(base, new) if base.goals[key].max_turns != new.goals[key].max_turns]
    if not limits:
        return ""
    was, now = (sorted({one.goals[key].max_turns for key in limits}) for one in (base, new))
    goals = counted(len(limits), "goal")
    return f"turn limit {_list(was)} before, {_list(now)} now, in {goals} ({_some(limits)})"


def _roles(kind: str, base: Mapping[str, str], new: Mapping[str, str]) -> str:
    """Return a message if judges or prompts differ; nothing where one side has none or they are not known yet."""
    if not base or not new or base.keys() == new.keys():
        return ""
    return f"{kind} {_list(base.values())} before, {_list(new.values())} now"


def _data(base: RunOutline, new: RunOutline) -> str:
    domains = {key.domain for key in same_goals(base, new)}
    other = sorted(name for name in base.data.keys() & new.data.keys() & domains if base.data[name] != new.data[name])
    return f"not the same data in {'domain' if len(other) == 1 else 'domains'} {_list(other)}" if other else ""


def _judges(settings: Iterable[EpisodeConfig]) -> dict[str, str]:
    """Return the judges' names in messages, by their identities."""

    def identity(setting: EpisodeConfig) -> tuple[str, str]:
        digest = setting.models.get(setting.judge, "")
        how = "" if setting.judge_sees_tools or not digest else " without tools"
        if setting.checks != "decide":
            how += f" with checks {setting.checks}"
        # The same model is the same judge, whatever its alias is called.
        shown = f"{setting.judge!r} [{digest[:8]}]" if digest else repr(setting.judge)
        return f"{digest or setting.judge}{how}", f"{shown}{how}"

    return dict(map(identity, settings))


def _prompts(settings: Iterable[EpisodeConfig]) -> dict[str, str]:
    """Return the versions of the prompts; none where no model was prompted."""
    return {setting.prompts: repr(setting.prompts) for setting in settings if setting.prompts}


def _some(keys: Sequence[GoalKey]) -> str:
    return ", ".join(key.goal for key in keys[:_SHOWN]) + (", ..." if len(keys) > _SHOWN else "")


def _list(values: Iterable[object]) -> str:
    return " and ".join(map(str, values))
