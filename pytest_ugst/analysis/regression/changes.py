"""Changes between a baseline and a run, episode by episode, with the evidence for them."""

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
    """A sub-component of an episode that succeeds in the baseline or in the new run only."""

    goal: str
    """Id of the goal."""
    domain: str = ""
    """Domain of the goal; empty for none."""
    trial: int
    """Number of the trial in the new run."""
    episode: str
    """Id of the new episode."""
    component: str
    """Id of the sub-component."""
    category: Category
    """Category of the sub-component."""
    text: SafeText = ""
    """Text of the sub-component; empty unless the new run is at hand."""
    base: str
    """Status in the baseline; ``ERROR`` without a trustworthy verdict."""
    new: str
    """Status in the new run; ``ERROR`` without a trustworthy verdict."""
    turn: int | None = None
    """Turn of the new conversation in which the status was reached or was last missed."""
    reasoning: SafeText = ""
    """Reasoning of the judge, or the reason why there is no verdict."""
    evidence: tuple[Evidence, ...] = ()
    """Evidence of the judge."""
    link: str = ""
    """Link to the place in the new run's page; empty if there is no page."""

    @property
    def direction(self) -> Literal["better", "worse"]:
        """The direction of the change."""
        return "better" if succeeded(self.new) else "worse"


class EpisodeChanges(Frozen):
    """An episode with its changed sub-components."""

    episode: str
    """Id of the new episode."""
    changes: tuple[Change, ...]

    @property
    def net(self) -> int:
        """The number of sub-components gained, minus those lost."""
        return sum(1 if change.direction == "better" else -1 for change in self.changes)

    @property
    def link(self) -> str:
        """The link to the first change that has one; empty if none has."""
        return next((change.link for change in self.changes if change.link), "")


def changes(base: Baseline, new: Baseline, run: StoredRun | None = None) -> list[EpisodeChanges]:
    """Return the changes in the shared goals, trial by trial: the episodes with the largest losses first.

    Trials that exist on one side only are left out.

    Args:
        base: The baseline.
        new: The results that are compared with it.
        run: The run that ``new`` was made from, for turns and evidence; one episode is in memory at a time.
    """
    after = new.by_key()
    page = None if run is None else run.folder / PAGE_FILE
    found = []
    for key, before, trial in paired_trials(base, new):
        categories = after[key].components
        differing = [name for name in categories if succeeded(before.statuses[name]) != succeeded(trial.statuses[name])]
        if not differing:
            continue
        states = _final_states(run, trial.id)
        found.append(
            EpisodeChanges(
                episode=trial.id,
                changes=tuple(
                    _change(key, trial, name, categories[name], before.statuses[name], states.get(name), page)
                    for name in differing
                ),
            )
        )
    return sorted(found, key=lambda one: (one.net, one.episode))


def _final_states(run: StoredRun | None, episode: str) -> dict[str, ComponentState]:
    if run is None or episode not in run.journal:
        return {}
    return {state.component.id: state for state in run.journal.get(episode).final_state}


def _change(
    key: GoalKey,
    trial: Trial,
    name: str,
    category: Category,
    base: str,
    state: ComponentState | None,
    page: Path | None,
) -> Change:
    """Return the record of a change.

    Args:
        key: The goal.
        trial: The new episode.
        name: Id of the sub-component.
        category: Category of the sub-component.
        base: Status of the sub-component in the baseline.
        state: Final state of the sub-component in the new episode; None unless the run is at hand.
        page: The new run's page, which need not exist.
    """
    verdict = state.decisive if state is not None else None
    turn = verdict.turn if verdict is not None else None
    link = ""
    if page is not None and page.is_file():
        link = f"{page.resolve().as_uri()}#e={quote(trial.id, safe='')}" + (f"&t={turn}" if turn else "")
    return Change(
        goal=key.goal,
        domain=key.domain,
        trial=trial.trial,
        episode=trial.id,
        component=name,
        category=category,
        text=state.text if state is not None else "",
        base=base,
        new=trial.statuses[name],
        turn=turn,
        reasoning=state.error if state is not None and state.error else verdict.reasoning if verdict else "",
        evidence=verdict.evidence if verdict is not None else (),
        link=link,
    )
