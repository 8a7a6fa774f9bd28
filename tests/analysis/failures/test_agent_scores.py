"""The line about the agent's own score."""

from __future__ import annotations

from pytest_ugst.analysis.failures.agent_scores import scores_line
from pytest_ugst.runs.outcome import EpisodeOutcome, Tally


def episode_outcome(goal: str, trial: int, **task: float) -> EpisodeOutcome:
    return EpisodeOutcome(id=f"{goal}@{trial}", tally=Tally(goal=goal, trial=trial), succeeded=True, task=task)


def test_pass_k_over_the_trials() -> None:
    solved = {"a": [1, 1, 1], "b": [1, 1, 0], "c": [0, 0, 0], "d": [1, 0, 0]}
    outcomes = [
        episode_outcome(goal, i, task=float(one), db=1.0, outputs=float(i == 0))
        for goal, trials in solved.items()
        for i, one in enumerate(trials)
    ]
    # Of three trials: pass^1 is 6 of 12; pass^2 is (3 + 1) of 12 pairs; pass^3 is 1 of 4.
    assert scores_line(outcomes) == (
        "agent's own score, in percent of 12 episodes: pass^1 50.0, pass^2 33.3, pass^3 25.0, db 100.0, outputs 33.3"
    )


def test_trials_that_are_missing_limit_k() -> None:
    outcomes = [
        episode_outcome("a", 1, task=1.0),
        episode_outcome("a", 2, task=1.0),
        episode_outcome("b", 1, task=0.0),
        episode_outcome("b", 2),
    ]
    assert scores_line(outcomes) == "agent's own score, in percent of 3 episodes: pass^1 50.0"


def test_no_scores() -> None:
    assert scores_line([episode_outcome("a", 1), episode_outcome("b", 1, nothing=1.0)]) is None
    assert scores_line([]) is None
