"""Whether two runs can be compared at all: what differs between them beside the simulator."""

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
"""What may be allowed to differ."""
_BESIDE = {"agent": "agent", "decomposer": "decomposer", "tool_rounds": "tool rounds", "seed": "seed"}
"""What is said where it differs, and not refused."""
_SHOWN = 3  # names in a message


@dataclass(frozen=True, slots=True)
class RunOutline:
    """What a run plays, before or after it is played."""

    goals: Mapping[GoalKey, GoalDigest]
    settings: Sequence[EpisodeConfig]
    """Empty where tests bring roles that are not known yet."""
    data: Mapping[str, str]
    whole: bool = True
    """Whether these are all of its goals."""


class Mismatch(NamedTuple):
    """One thing that differs."""

    kind: str
    """A key of :data:`ALLOWANCES`."""
    told: str


def run_outline(baseline: Baseline) -> RunOutline:
    """Of what was played."""
    goals = {goal.key: GoalDigest(goal.text, goal.parts, goal.max_turns) for goal in baseline.goals}
    return RunOutline(goals, baseline.settings, baseline.data)


def parse_allowances(text: str, option: str = "--ugst-baseline-allow") -> frozenset[str]:
    """Read what may differ: ``goals,judge``.

    Raises:
        UsageError: If one of them is nothing known.
    """
    named = [part.strip().lower() for part in text.split(",") if part.strip()]
    for name in named:
        if name not in ALLOWANCES:
            raise UsageError(f"{option}={text}: {unknown('difference', name, ALLOWANCES)}")
    return frozenset(named)


def same_goals(base: RunOutline, new: RunOutline) -> list[GoalKey]:
    """The goals that are the same in both, by name, text and sub-components."""
    return sorted(key for key in base.goals.keys() & new.goals.keys() if _same(base.goals[key], new.goals[key]))


def shared_goals(base: Baseline, new: Baseline) -> list[GoalKey]:
    """As :func:`same_goals`, of what was played. Digests alone don't tell where a file was edited by hand."""
    before, after = base.by_key(), new.by_key()
    return [
        key
        for key in same_goals(run_outline(base), run_outline(new))
        if before[key].components == after[key].components
    ]


def paired_trials(base: Baseline, new: Baseline) -> Iterator[tuple[GoalKey, Trial, Trial]]:
    """The episodes of shared goals that belong together; those that one side lacks are left out."""
    before, after = base.by_key(), new.by_key()
    for key in shared_goals(base, new):
        for there, here in _paired(before[key].trials, after[key].trials):
            yield key, there, here


def _paired(base: Sequence[Trial], new: Sequence[Trial]) -> Iterator[tuple[Trial, Trial]]:
    """Episodes of the same trial; of the same name, where tests brought several simulators of their own."""
    for key in ("id", "trial"):
        there = {getattr(trial, key): trial for trial in base}
        if len(there) == len(base) and len({getattr(trial, key) for trial in new}) == len(new):
            pairs = [(there[getattr(trial, key)], trial) for trial in new if getattr(trial, key) in there]
            if pairs:
                yield from pairs
                return


def _same(one: GoalDigest, other: GoalDigest) -> bool:
    return one.text == other.text and (one.parts is None or other.parts is None or one.parts == other.parts)


def mismatches(base: RunOutline, new: RunOutline) -> list[Mismatch]:
    """What differs beside the simulator, so that a difference in rates may be due to that."""
    found = []
    if told := _goals(base, new):
        found.append(Mismatch("goals", told))
    there = [key for key in base.goals.keys() & new.goals.keys() if _same(base.goals[key], new.goals[key])]
    limits = sorted(key for key in there if base.goals[key].max_turns != new.goals[key].max_turns)
    if limits:
        was, now = (sorted({one.goals[key].max_turns for key in limits}) for one in (base, new))
        goals = counted(len(limits), "goal")
        told = f"turn limit {_list(was)} before, {_list(now)} now, in {goals} ({_some(limits)})"
        found.append(Mismatch("turns", told))
    if base.settings and new.settings:
        for kind, describe in (("judge", _judges), ("prompts", _prompts)):
            there_by, here_by = describe(base.settings), describe(new.settings)
            if there_by and here_by and there_by.keys() != here_by.keys():
                told = f"{kind} {_list(there_by.values())} before, {_list(here_by.values())} now"
                found.append(Mismatch(kind, told))
    played = {key.domain for key in there}
    other = sorted(name for name in base.data.keys() & new.data.keys() & played if base.data[name] != new.data[name])
    if other:
        found.append(
            Mismatch("data", f"not the same data in {'domain' if len(other) == 1 else 'domains'} {_list(other)}")
        )
    return found


def other_differences(base: Sequence[EpisodeConfig], new: Sequence[EpisodeConfig]) -> list[str]:
    """What else differs, a sentence each: it is the reader's to judge."""
    told: list[str] = []
    if not base or not new:  # nothing was played there
        return told
    for key, words in _BESIDE.items():
        was, now = ({setting_value(setting, key): None for setting in one} for one in (base, new))
        if was.keys() != now.keys():
            told.append(f"not the same {words}: {_list(was)} before, {_list(now)} now")
    return told


def refusal(found: Iterable[Mismatch], allowed: frozenset[str], name: str, *, option: str = "--ugst-baseline") -> str:
    """Why a baseline is refused, with the remedy; empty if all that differs is allowed.

    Args:
        found: What differs.
        allowed: Kinds that may.
        name: What the baseline was called.
        option: That named it.
    """
    refused = [one for one in found if one.kind not in allowed]
    if not refused:
        return ""
    allow = ",".join(dict.fromkeys([*sorted(allowed), *(one.kind for one in refused)]))
    told = "; ".join(one.told for one in refused)
    return f"{option}={name}: {told}; save a new baseline, or compare all the same with {option}-allow={allow}"


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


def _judges(settings: Iterable[EpisodeConfig]) -> dict[str, str]:
    """Judges by what tells them apart, with what to call them."""

    def identity(setting: EpisodeConfig) -> tuple[str, str]:
        digest = setting.models.get(setting.judge, "")
        if not digest:
            return setting.judge, repr(setting.judge)
        blind = "" if setting.judge_sees_tools else " without tools"
        # The same model is the same judge, whatever its alias is called.
        return f"{digest}{blind}", f"{setting.judge!r} [{digest[:8]}]{blind}"

    return dict(map(identity, settings))


def _prompts(settings: Iterable[EpisodeConfig]) -> dict[str, str]:
    """Versions of the prompts; none where no model was prompted."""
    return {setting.prompts: repr(setting.prompts) for setting in settings if setting.prompts}


def _some(keys: Sequence[GoalKey]) -> str:
    return ", ".join(key.goal for key in keys[:_SHOWN]) + (", ..." if len(keys) > _SHOWN else "")


def _list(values: Iterable[object]) -> str:
    return " and ".join(map(str, values))
