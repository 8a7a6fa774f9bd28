"""The record of an episode: one goal, played by one simulator in one trial, with all that was said and judged."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from pytest_ugst.core.base import Frozen, Name
from pytest_ugst.core.conversation import BROKEN_OFF, Conversation
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.text import plain
from pytest_ugst.core.usage import Finite, Usage
from pytest_ugst.core.verdict import Verdict

Role = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
SCHEMA_VERSION: Literal[1] = 1


def _finite(scores: Any) -> Any:
    if not isinstance(scores, dict):
        return scores
    return {name: score for name, score in scores.items() if not isinstance(score, float) or math.isfinite(score)}


class EpisodeConfig(Frozen):
    """The configuration of an episode: everything that would make a second one differ, apart from chance.

    A journal leaves out defaults, so the defaults here are part of its format and independent of those of the options.

    Example:
        >>> import pytest_ugst as ugst
        >>> ugst.EpisodeConfig(simulator="agenda", agent="rules", judge="checks").seed
        0
    """

    simulator: str
    agent: str
    judge: str
    steer: Literal["none", "goal", "state"] = "none"
    reasoning: bool = False
    prompts: str = ""
    """The version or digest of the prompts."""
    judge_sees_tools: bool = True
    checks: Literal["decide", "beside", "off"] = "decide"
    """What the checks of goals did: decide in the judge's place, stand beside it, or nothing."""
    seed: int = 0
    decomposer: str = ""
    tool_rounds: int = 10
    models: dict[str, str] = Field(default_factory=dict)
    """A digest of what a model's alias stands for, by alias: two runs may use one alias for different models."""


class Episode(Frozen):
    """A goal played by a simulator once, with the goal state after every turn.

    ``goal.components`` holds the sub-components that were tracked (decomposed ones too). The goal states are derived
    from the verdicts, so that they can't disagree with them.

    Example:
        >>> import pytest_ugst as ugst
        >>> run = ugst.simulate("concierge:test", cache="off")
        >>> episode = next(iter(run))
        >>> episode.succeeded, len(episode.states) == len(episode.conversation.turns) + 1
        (True, True)
    """

    # cached_property needs a writable instance dictionary, which pydantic's frozen models do keep.
    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    schema_version: Literal[1] = SCHEMA_VERSION
    id: Name
    """The name of goal and trial within a run: ``GOAL`` or ``GOAL@2``."""
    goal: Goal
    trial: int = Field(default=1, ge=1)
    setting: EpisodeConfig
    max_turns: int
    conversation: Conversation
    verdicts: tuple[Verdict, ...] = ()
    second_opinions: tuple[Verdict, ...] = ()
    """Verdicts of the checks that stood beside the judge; they decide nothing."""
    usage: dict[Role, Usage] = Field(default_factory=dict)
    """The usage of models by role: simulator, agent, judge, decomposer."""
    started: str = ""
    """The time of the start in UTC, ISO 8601."""
    seconds: Finite = 0.0
    task: Annotated[dict[str, float], BeforeValidator(_finite)] = Field(default_factory=dict)
    """Scores of the agent's own work, where the domain knows how to give them. One that is no finite number is left
    out: JSON could not hold it."""

    def __repr__(self) -> str:
        """Return a short description, since pytest shows it with every failing assertion."""
        turns = len(self.conversation.turns)
        error = f": {plain(self.conversation.error)[:200]}" if self.conversation.error else ""
        return f"<Episode {self.id!r}: {turns} turns, {self.conversation.stop}{error}, by {self.setting.simulator!r}>"

    @property
    def components(self) -> tuple[Component, ...]:
        """The sub-components that were tracked."""
        return self.goal.components or ()

    @property
    def broken_off(self) -> str | None:
        """The reason for which the conversation broke off, where neither side chose to end it."""
        stop = self.conversation.stop
        if stop in BROKEN_OFF:
            return f"conversation broke off ({stop}): {self.conversation.error or 'no reason recorded'}"
        return None

    def state(self, turn: int) -> GoalState:
        """Return S_turn, the goal state after ``turn`` turns; 0 is the initial one."""
        if turn <= 0:
            return GoalState.initial(self.components)
        last = len(self.conversation.turns)
        if turn >= last:
            return self.final_state
        return GoalState.fold(self.components, self.verdicts, turn)

    @cached_property
    def final_state(self) -> GoalState:
        """The goal state S_n at the end of the conversation."""
        return GoalState.fold(self.components, self.verdicts, len(self.conversation.turns), self.broken_off)

    @property
    def states(self) -> tuple[GoalState, ...]:
        """The goal states S_0 to S_n; S_n is the final one, even if the conversation broke off before turn 1."""
        return (*(self.state(turn) for turn in range(len(self.conversation.turns))), self.final_state)

    @property
    def succeeded(self) -> bool:
        """True if every sub-component counts as success; never where none was tracked."""
        return len(self.final_state) > 0 and not self.final_state.failures()

    def explain(self) -> str:
        """Return an explanation of every failed sub-component, for a failing test; empty if none failed."""
        parts = [plain(self.broken_off)] if self.broken_off else []
        parts += [s.explain() for s in self.final_state.failures()]
        parts += [] if self.components else ["no sub-component was tracked, so there is nothing to succeed in"]
        return "\n".join(parts)
