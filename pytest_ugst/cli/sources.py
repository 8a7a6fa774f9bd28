"""The sources of comparisons: labels of goal states and sub-components, from runs, goal files and files of labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst.analysis.agreement.label_files import read_gold, read_labels
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.labels import LabelledPart, StateLabels, episode_labels, labelled_parts
from pytest_ugst.engine.spec import goal_and_trial
from pytest_ugst.goals.files import SUFFIXES, load_goals
from pytest_ugst.utils.files import is_file

if TYPE_CHECKING:
    from pytest_ugst.core.episode import Episode
    from pytest_ugst.judges.checks import ChecksJudge
    from pytest_ugst.runs.run import StoredRun


@dataclass(frozen=True, slots=True)
class SourceLabels:
    """Labels of one conversation, with the source that they are from."""

    source: str
    """The name of a run or file."""
    labels: StateLabels
    is_run: bool = False
    """True if the source is a run."""
    path: Path = Path()
    """The file or folder."""


@dataclass(frozen=True, slots=True)
class GoalParts:
    """The sub-components of a goal."""

    text: str | None
    """The goal's text; None where the source does not hold it."""
    parts: tuple[LabelledPart, ...]


def read_source_labels(
    source: str, home: Path, notes: list[str], *, checks: bool = False, data: Path | None = None
) -> list[SourceLabels]:
    """Read the goal states that a run or a file holds.

    Args:
        source: A run's name or folder, its ``episodes.jsonl``, ``latest``, or a file of labels.
        home: The folder that holds ``runs``.
        notes: A list to which a note on each fault of a journal is added.
        checks: Whether to add the goal states by the checks beside the judge of a run, as one more annotator.
        data: A folder in which benchmark data is looked for first.

    Raises:
        UsageError: If there is no such run or file, or it can't be read.
    """
    if _is_file(source):
        path = Path(source)
        return [SourceLabels(path.name, labels, False, path) for labels in read_labels(path)]
    run = _open(source, home, notes)
    tracked = (episode for episode in run.journal if episode.components)
    found = [SourceLabels(run.name, episode_labels(episode), True, run.folder) for episode in tracked]
    if checks:
        found += [SourceLabels(run.name, labels, True, run.folder) for labels in _second_opinions(run, data)]
    if not found:
        raise UsageError(f"{run.name}: no episode has sub-components, so there are no goal states; name another run")
    return found


def read_all_labels(
    sources: Sequence[str], home: Path, notes: list[str], *, checks: bool = False, data: Path | None = None
) -> list[SourceLabels]:
    """Read the goal states of several runs and files, with the arguments of :func:`read_source_labels`.

    Where two sources have the same name, they are called by what was typed.

    Raises:
        UsageError: As :func:`read_source_labels`, or if a source is given twice.
    """
    from pytest_ugst.runs.reader import require_once

    read = [(source, read_source_labels(source, home, notes, checks=checks, data=data)) for source in sources]
    require_once("source", [(source, some[0].path) for source, some in read])
    found = dict(read)
    names = Counter(name for some in found.values() for name in {one.source for one in some})
    return [
        replace(one, source=source) if names[one.source] > 1 else one for source, some in found.items() for one in some
    ]


def with_distinct_annotators(found: Sequence[SourceLabels]) -> Iterator[tuple[str, StateLabels]]:
    """Yield labels with the names of their annotators, to which the source is added where a name is ambiguous.

    A name is ambiguous if it is the judge of two runs, or labelled one conversation in two files. The labels of a
    person in several files are one person's.
    """
    seen = Counter((one.labels.annotator, one.labels.id) for one in found)
    twice = {annotator for (annotator, _), count in seen.items() if count > 1}
    runs = Counter(annotator for annotator, _ in {(one.labels.annotator, one.source) for one in found if one.is_run})
    twice |= {annotator for annotator, count in runs.items() if count > 1}
    for one in found:
        name = one.labels.annotator
        yield (f"{name} ({one.source})" if name in twice else name), one.labels


def read_parts(source: str, home: Path, notes: list[str]) -> dict[str, GoalParts]:
    """Read the sub-components of goals.

    Args:
        source: A goal file, a file of labels, or a run, of which the first trial of a goal counts.
        home: The folder that holds ``runs``.
        notes: A list to which a note on each fault of a journal is added.

    Returns:
        The sub-components by goal id.

    Raises:
        UsageError: If there is no such run or file, it can't be read, or holds no sub-components.
    """
    path = Path(source)
    found: dict[str, GoalParts] = {}
    if path.name.endswith(SUFFIXES):
        for goal in load_goals(path):
            found.setdefault(goal.id, GoalParts(goal.text, labelled_parts(goal.components or ())))
    elif _is_file(source):
        found = _parts_of_labels(path)
    else:
        for episode in _open(source, home, notes).journal:
            goal = episode.goal
            found.setdefault(goal.id, GoalParts(goal.text, labelled_parts(episode.components)))
    if not any(one.parts for one in found.values()):
        raise UsageError(f"{source}: no goal has sub-components; name a file or run of decomposed goals")
    return found


def require_same_goals(one: str, ours: Mapping[str, GoalParts], other: str, theirs: Mapping[str, GoalParts]) -> None:
    """Check that goals of the same id have the same text.

    Raises:
        UsageError: If two have not.
    """
    for goal in ours.keys() & theirs.keys():
        texts = {" ".join(text.split()) for text in (ours[goal].text, theirs[goal].text) if text is not None}
        if len(texts) > 1:
            raise UsageError(f"{one} and {other} mean different goals by {goal!r}; name files of the same goals")


def _parts_of_labels(path: Path) -> dict[str, GoalParts]:
    labels = read_labels(path)
    if all(one.annotator == "gold" for one in labels):
        try:
            return {g.goal.id: GoalParts(g.goal.text, g.labels.components) for g in read_gold(path)}
        except UsageError:  # a person may have that name as well
            pass
    found: dict[str, GoalParts] = {}
    for one in labels:  # of several trials the first
        found.setdefault(goal_and_trial(one.id)[0], GoalParts(None, one.components))
    return found


def _is_file(source: str) -> bool:
    from pytest_ugst.runs.run import EPISODES_FILE

    path = Path(source)
    return path.name != EPISODES_FILE and (is_file(path) or path.suffix in (".jsonl", ".json"))


def _open(source: str, home: Path, notes: list[str]) -> StoredRun:
    from pytest_ugst.analysis.success.leaderboard import journal_faults
    from pytest_ugst.runs.reader import open_run

    run = open_run(home, source)
    notes += [fault for fault in journal_faults({source: run}) if fault not in notes]
    return run


def _second_opinions(run: StoredRun, data: Path | None) -> list[StateLabels]:
    """Return the goal states by the checks, of sub-components that both a check and a judge decide."""
    from pytest_ugst.analysis.agreement.metrics import second_opinion

    episodes, checks = with_reference_checks(run, data)
    made = [labels for episode in episodes if (labels := second_opinion(episode, checks)) is not None]
    if not made:
        raise UsageError(f"{run.name}: no check stands beside the judge there, so --checks has nothing to say")
    return made


def with_reference_checks(run: StoredRun, data: Path | None) -> tuple[Iterator[Episode], ChecksJudge]:
    """Return a run's episodes, their goals with the checks of reference actions, and what evaluates checks.

    Args:
        run: The run.
        data: The folder in which benchmark data is looked for first.
    """
    from pytest_ugst.domains.tau.reference_check import with_reference_check
    from pytest_ugst.judges.checks import ChecksJudge
    from pytest_ugst.roles.batch import builtin_registry

    registry = builtin_registry(data)

    def load(name: str) -> Any:
        return registry.domains.get(name)()

    episodes = (e.model_copy(update={"goal": with_reference_check(e.goal, load)}) for e in run.journal)
    return episodes, ChecksJudge(registry.checks)
