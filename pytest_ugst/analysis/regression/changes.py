"""Which goals got better and which got worse, episode by episode, with the words that show it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pytest_ugst.analysis.regression.baseline import Baseline, GoalKey, Trial, succeeded
from pytest_ugst.analysis.regression.comparability import paired_trials
from pytest_ugst.core.base import Frozen, SafeText
from pytest_ugst.core.goal_state import ComponentState
from pytest_ugst.core.status import Category
from pytest_ugst.core.verdict import Evidence
from pytest_ugst.runs.run import PAGE_FILE, StoredRun


class Change(Frozen):
    """One sub-component of one episode that succeeds on one side only."""

    goal: str
    domain: str = ""
    trial: int
    episode: str
    """The new episode's id."""
    component: str
    category: Category
    text: SafeText = ""
    """In the goal's words, where the new run is at hand."""
    base: str
    """Its status in the baseline; ``ERROR`` without a trustworthy verdict."""
    new: str
    turn: int | None = None
    """Of the new conversation, in which the status was reached or was last missed."""
    reasoning: SafeText = ""
    """Of the judge."""
    evidence: tuple[Evidence, ...] = ()
    link: str = ""
    """Into the new run's page, where there is one."""

    @property
    def direction(self) -> Literal["better", "worse"]:
        """Which way it went."""
        return "better" if succeeded(self.new) else "worse"


class EpisodeChanges(Frozen):
    """One episode with what changed in it."""

    episode: str
    changes: tuple[Change, ...]

    @property
    def net(self) -> int:
        """Sub-components gained, less those lost."""
        return sum(1 if change.direction == "better" else -1 for change in self.changes)

    @property
    def link(self) -> str:
        """To the first change that has one."""
        return next((change.link for change in self.changes if change.link), "")


def changes(base: Baseline, new: Baseline, run: StoredRun | None = None) -> list[EpisodeChanges]:
    """What changed in the goals that both hold, trial by trial: what got worst first, what got best last.

    Trials that one side lacks are left out.

    Args:
        base: The baseline.
        new: What is held against it.
        run: The run that ``new`` is of, for turns and words; one episode is in memory at a time.
    """
    after = new.by_key()
    page = None if run is None else run.folder / PAGE_FILE
    found = []
    for key, there, here in paired_trials(base, new):
        categories = after[key].components
        differing = [name for name in categories if succeeded(there.statuses[name]) != succeeded(here.statuses[name])]
        if not differing:
            continue
        said = _states(run, here.id)
        found.append(
            EpisodeChanges(
                episode=here.id,
                changes=tuple(
                    _change(key, here, name, categories[name], there.statuses[name], said.get(name), page)
                    for name in differing
                ),
            )
        )
    return sorted(found, key=lambda one: (one.net, one.episode))


def _states(run: StoredRun | None, episode: str) -> dict[str, ComponentState]:
    if run is None or episode not in run.journal:
        return {}
    return {state.component.id: state for state in run.journal.get(episode).final_state}


def _change(
    key: GoalKey,
    here: Trial,
    name: str,
    category: Category,
    status: str,
    state: ComponentState | None,
    page: Path | None,
) -> Change:
    verdict = state.decisive if state is not None else None
    turn = verdict.turn if verdict is not None else None
    link = ""
    if page is not None and page.is_file():
        link = f"{page.resolve().as_uri()}#e={quote(here.id, safe='')}" + (f"&t={turn}" if turn else "")
    return Change(
        goal=key.goal,
        domain=key.domain,
        trial=here.trial,
        episode=here.id,
        component=name,
        category=category,
        text=state.text if state is not None else "",
        base=status,
        new=here.statuses[name],
        turn=turn,
        reasoning=(state.error or "") if state is not None and state.error else verdict.reasoning if verdict else "",
        evidence=verdict.evidence if verdict is not None else (),
        link=link,
    )
