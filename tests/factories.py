"""Factories of records: sub-components, goals, verdicts, conversations, episodes and runs.

A test gives what it is about and leaves the rest to the defaults here. Notations for many episodes at a glance rest on
these functions: ``tests.policy_episodes``, ``tests.analysis.lettered_episodes``. Random records are made by
``tests.strategies``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_ugst.core.check import Check, Condition
from pytest_ugst.core.conversation import Closing, Conversation, StopReason, ToolCall, Turn
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import Category, Status
from pytest_ugst.core.usage import Usage
from pytest_ugst.core.verdict import Evidence, Verdict
from pytest_ugst.engine.spec import episode_id
from pytest_ugst.runs.run import StoredRun

SETTING = EpisodeConfig(simulator="users", agent="agents", judge="judges")
ENDED = Closing(text="TERMINATE", separate=True)
"""The user's message of its own that ends a conversation."""

_TEXTS = {
    Category.PROFILE: "You are {}",
    Category.POLICY: "You never {}",
    Category.OBJECTIVE: "You want {}",
    Category.REQUIREMENT: "It is {}",
    Category.PREFERENCE: "You prefer {}",
}


def make_setting(**fields: Any) -> EpisodeConfig:
    """Return the configuration of stub roles, but for some fields."""
    return SETTING.model_copy(update=fields)


def make_component(
    category: Category | str,
    id: str = "c",
    check: Check | None = None,
    *,
    text: str = "",
    parent: str | None = None,
    slots: Mapping[str, Any] | None = None,
) -> Component:
    """Return a sub-component, with a text about its id if none is given."""
    kind = Category(category)
    return Component(
        id=id,
        category=kind,
        text=text or _TEXTS[kind].format(id),
        parent=parent,
        check=check,
        slots=dict(slots or {}),
    )


def profile(id: str, check: Check | None = None, *, text: str = "") -> Component:
    """Return a part of the user's profile."""
    return make_component(Category.PROFILE, id, check, text=text)


def policy(id: str, check: Check | None = None, *, text: str = "") -> Component:
    """Return a policy of the user."""
    return make_component(Category.POLICY, id, check, text=text)


def objective(
    id: str, check: Check | None = None, *, text: str = "", slots: Mapping[str, Any] | None = None
) -> Component:
    """Return a task objective."""
    return make_component(Category.OBJECTIVE, id, check, text=text, slots=slots)


def requirement(id: str, parent: str | None, check: Check | None = None, *, text: str = "") -> Component:
    """Return a requirement of an objective."""
    return make_component(Category.REQUIREMENT, id, check, text=text, parent=parent)


def preference(id: str, parent: str | None, check: Check | None = None, *, text: str = "") -> Component:
    """Return a preference about an objective."""
    return make_component(Category.PREFERENCE, id, check, text=text, parent=parent)


ONE_OF_EACH = (
    profile("profile-1", text="You are Ann."),
    policy("policy-1", text="Say please."),
    objective("task-1", text="Book a room."),
    requirement("task-1.requirement-1", "task-1", text="For two."),
    preference("task-1.preference-1", "task-1", text="Near the sea."),
)
"""Sub-components of a goal, one of each category."""


def once(pattern: str, *, beside: bool = False) -> Check:
    """Return a policy's check: the user has to say this at least once."""
    return Check(once=Condition(user_says=pattern), beside=beside)


def complete(pattern: str, *, beside: bool = False) -> Check:
    """Return a task's check: it is complete as soon as the user says this."""
    return Check(complete=Condition(user_says=pattern), beside=beside)


def make_goal(
    id: str = "g",
    *components: Component,
    text: str = "",
    domain: str | None = None,
    tags: Sequence[str] = (),
    max_turns: int | None = None,
    data: Mapping[str, Any] | None = None,
    source: str | None = None,
) -> Goal:
    """Return a goal; without sub-components, one that a judge model has to decompose."""
    return Goal(
        id=id,
        text=text or f"You want {id}.",
        domain=domain,
        components=components or None,
        tags=tuple(tags),
        max_turns=max_turns,
        data=dict(data or {}),
        source=source,
    )


def verdict(
    component: str,
    turn: int,
    status: Status | str | None,
    by: str = "judges",
    *,
    error: str | None = None,
    reasoning: str = "",
    quotes: Sequence[str | tuple[int, str, str]] = (),
) -> Verdict:
    """Return a verdict.

    Args:
        component: The id of the sub-component.
        turn: The turn after which it is given.
        status: The status; None for a missing verdict.
        by: The judge's name.
        error: The reason for which there is no status, if there is none.
        reasoning: The judge's reasoning.
        quotes: The evidence: words of the user in the same turn, or turn, speaker and words.
    """
    told = [(turn, "user", quote) if isinstance(quote, str) else quote for quote in quotes]
    evidence = [Evidence.model_validate({"turn": n, "speaker": who, "quote": words}) for n, who, words in told]
    return Verdict(
        component=component,
        turn=turn,
        status=None if status is None else Status(status),
        error="no answer" if status is None and error is None else error,
        reasoning=reasoning,
        evidence=tuple(evidence),
        by=by,
    )


def tool_call(
    name: str, result: str = "", *, id: str = "1", ok: bool = True, arguments: Mapping[str, Any] | None = None
) -> ToolCall:
    """Return a tool call of the agent with its result."""
    return ToolCall(id=id, name=name, arguments=dict(arguments or {}), result=result, ok=ok)


def make_turn(
    user: str = "Hello.",
    agent: str | None = "Yes.",
    *tool_calls: ToolCall,
    user_reasoning: str | None = None,
    agent_reasoning: str | None = None,
) -> Turn:
    """Return a turn; without an answer where ``agent`` is None."""
    return Turn(
        user=user, user_reasoning=user_reasoning, tool_calls=tool_calls, agent=agent, agent_reasoning=agent_reasoning
    )


def make_conversation(
    *turns: Turn | str | tuple[str, str | None],
    stop: StopReason | None = None,
    closing: Closing | None = None,
    error: str | None = None,
) -> Conversation:
    """Return a conversation, going on if no ``stop`` is given.

    Args:
        turns: Turns, words of the user, or words of the user and the agent.
        stop: The reason for which it ended.
        closing: The user's message that ended it.
        error: The error, where ``stop`` is one.
    """
    made = [
        turn if isinstance(turn, Turn) else make_turn(*([turn] if isinstance(turn, str) else turn)) for turn in turns
    ]
    return Conversation(turns=tuple(made), stop=stop, closing=closing, error=error)


def make_episode(
    goal: Goal | str = "g",
    *verdicts: Verdict,
    conversation: Conversation | None = None,
    id: str | None = None,
    trial: int = 1,
    setting: EpisodeConfig = SETTING,
    max_turns: int = 10,
    usage: Mapping[str, Usage] | None = None,
    started: str = "",
    seconds: float = 0.0,
    task: Mapping[str, float] | None = None,
) -> Episode:
    """Return an episode.

    Args:
        goal: The goal; a name stands for one with the objective ``t``.
        verdicts: What the judges decided.
        conversation: The conversation; one turn, after which the user ended it, if it is left out.
        id: The episode's id; that of goal and trial if it is left out.
        trial: The number of the trial.
        setting: The configuration, with the roles' names.
        max_turns: The limit of turns.
        usage: The usage of models, by role.
        started: The time of the start.
        seconds: The duration.
        task: The scores of the agent's work.
    """
    goal = make_goal(goal, objective("t")) if isinstance(goal, str) else goal
    return Episode(
        id=episode_id(goal.id, trial) if id is None else id,
        goal=goal,
        trial=trial,
        setting=setting,
        max_turns=max_turns,
        conversation=make_conversation("Hello.", stop=StopReason.USER_ENDED) if conversation is None else conversation,
        verdicts=verdicts,
        usage=dict(usage or {}),
        started=started,
        seconds=seconds,
        task=dict(task or {}),
    )


def make_run(folder: Path, *episodes: Episode, setting: EpisodeConfig | None = None) -> StoredRun:
    """Return a run with these episodes in its journal, configured as the first of them was."""
    run = StoredRun(folder)
    run.create(setting or (episodes[0].setting if episodes else SETTING))
    for episode in episodes:
        run.journal.append(episode)
    return run


def record(home: Path, name: str, *episodes: Episode) -> StoredRun:
    """Return a run with these episodes, kept where a project keeps its runs.

    Args:
        home: The project's ``.ugst``.
        name: The run's name.
        episodes: What was played.
    """
    return make_run(home / "runs" / name, *episodes)
