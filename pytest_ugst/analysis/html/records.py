"""Episodes as the page's JSON: a short entry for the list, and a detail that is read when an episode is opened.

The page never folds verdicts itself: the status of every sub-component after every turn, and the verdict it rests on,
are worked out here, so that the page can't disagree with the tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_ugst.analysis.failures.record import Failure
from pytest_ugst.analysis.success.systems import label
from pytest_ugst.core.conversation import Turn
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.goal import Component
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.usage import Usage
from pytest_ugst.core.verdict import Verdict

LETTERS: Mapping[str, str] = {
    "ALIGNED": "A",
    "MISALIGNED": "M",
    "INCOMPLETE": "I",
    "ATTEMPTED": "T",
    "COMPLETE": "C",
    "ERROR": "E",
}
"""One letter for each status, and for a status that can't be trusted."""
_EXCERPT = 240  # characters of a goal that the list shows


class SharedRecords:
    """What many episodes have in common, kept once: goals, settings, simulators."""

    def __init__(self) -> None:
        self.goals: list[dict[str, Any]] = []
        self.settings: list[dict[str, Any]] = []
        self.simulators: list[str] = []
        self._known: dict[str, int] = {}

    def goal(self, episode: Episode) -> int:
        """The number of the episode's goal; one that was cut up differently is another."""
        goal = episode.goal
        return self._number(
            self.goals,
            {
                "id": goal.id,
                "text": goal.text if len(goal.text) <= _EXCERPT else goal.text[:_EXCERPT] + "…",
                "domain": goal.domain or "",
                "tags": list(goal.tags),
                "categories": [component.category.value for component in episode.components],
            },
        )

    def setting(self, setting: EpisodeConfig) -> int:
        """The number of a setting."""
        return self._number(self.settings, setting.model_dump(mode="json"))

    def simulator(self, setting: EpisodeConfig) -> int:
        """The number of a simulator, as the tables name it."""
        return self._number(self.simulators, label(setting))

    def _number(self, table: list[Any], record: Any) -> int:
        key = f"{id(table)}{json.dumps(record, sort_keys=True)}"
        if key not in self._known:
            self._known[key] = len(table)
            table.append(record)
        return self._known[key]


def list_entry(
    episode: Episode,
    opened: Mapping[str, Any],
    tables: SharedRecords,
    failures: Sequence[Failure] = (),
    fault: str = "",
) -> dict[str, Any]:
    """What the list, the filters and the charts need to know of an episode.

    Args:
        episode: Any.
        opened: Its :func:`episode_detail`.
        tables: Takes in what the episode shares with others.
        failures: The failure patterns that the episode shows.
        fault: Whose fault it is that the agent's task failed, where it did.
    """
    total = sum(episode.usage.values(), Usage())
    made: dict[str, Any] = {
        "id": episode.id,
        "goal": tables.goal(episode),
        "trial": episode.trial,
        "sim": tables.simulator(episode.setting),
        "stop": str(episode.conversation.stop or ""),
        "turns": len(episode.conversation.turns),
        "ok": episode.succeeded,
        "states": [track["states"] for track in opened["tracks"]],
        "seconds": round(episode.seconds, 3),
    }
    if failures:
        made["patterns"] = list(dict.fromkeys(failure.pattern.value for failure in failures))
    if fault:
        made["fault"] = fault
    if episode.broken_off:
        made["broken"] = True
    if total.calls:
        made["tokens"] = total.prompt_tokens + total.completion_tokens
        made["cost"] = round(total.cost, 6)
    if episode.task:
        made["task"] = episode.task
    return made


def episode_detail(episode: Episode, tables: SharedRecords, failures: Sequence[Failure] = ()) -> dict[str, Any]:
    """All that the page shows of an opened episode.

    Args:
        episode: Any.
        tables: Takes in what the episode shares with others.
        failures: The failure patterns that the episode shows.
    """
    states = episode.states
    conversation = episode.conversation
    made: dict[str, Any] = {
        "id": episode.id,
        "goal": episode.goal.text,
        "setting": tables.setting(episode.setting),
        "max_turns": episode.max_turns,
        "started": episode.started,
        "components": [
            {"id": c.id, "category": c.category.value, "text": c.text, "parent": c.parent, "check": c.check is not None}
            for c in episode.components
        ],
        "turns": [_turn(turn) for turn in conversation.turns],
        "tracks": [_track(component, states) for component in episode.components],
        "usage": {role: _filled(usage.model_dump()) for role, usage in episode.usage.items()},
    }
    if conversation.closing is not None:
        made["closing"] = _filled(conversation.closing.model_dump())
    if episode.broken_off:
        made["broken"] = episode.broken_off
    if failures:
        made["failures"] = [_filled(failure.model_dump(mode="json")) for failure in failures]
    return made


def _turn(turn: Turn) -> dict[str, Any]:
    made: dict[str, Any] = {"user": turn.user, "agent": turn.agent}
    if turn.user_reasoning:
        made["user_reasoning"] = turn.user_reasoning
    if turn.agent_reasoning:
        made["agent_reasoning"] = turn.agent_reasoning
    if turn.tool_calls:
        made["tools"] = [
            {
                "name": call.name,
                # As JSON text: a browser would round large numbers.
                "arguments": [[name, json.dumps(value, ensure_ascii=False)] for name, value in call.arguments.items()],
                "result": call.result,
                "ok": call.ok,
            }
            for call in turn.tool_calls
        ]
    return made


def _track(component: Component, states: Sequence[GoalState]) -> dict[str, Any]:
    """Everything said of one sub-component, and after each turn which verdict its status rests on.

    Returns:
        ``states``: a letter per S_0 to S_n; ``verdicts``: all, in order; ``why``: for each letter the verdict's
        place, -1 for none; ``errors``: by turn why the status can't be trusted.
    """
    followed = [state[component.id] for state in states]
    said = followed[-1].verdicts
    made: dict[str, Any] = {
        "states": "".join(LETTERS[state.label] for state in followed),
        "verdicts": [_verdict(verdict) for verdict in said],
        "why": [-1 if (verdict := state.decisive) is None else said.index(verdict) for state in followed],
    }
    errors = {str(turn): state.error for turn, state in enumerate(followed) if state.error is not None}
    return made | ({"errors": errors} if errors else {})


def _verdict(verdict: Verdict) -> dict[str, Any]:
    made: dict[str, Any] = {"turn": verdict.turn, "by": verdict.by}
    if verdict.status is not None:
        made["status"] = LETTERS[verdict.status.value]
    if verdict.error is not None:
        made["error"] = verdict.error
    if verdict.reasoning:
        made["reasoning"] = verdict.reasoning
    if verdict.evidence:
        made["evidence"] = [[e.turn, e.speaker, e.quote] for e in verdict.evidence]
    return made


def _filled(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without what is empty, to save room."""
    return {name: value for name, value in record.items() if value}
