"""Episodes as JSON for the page: a short entry for the list, and details that are read when an episode is opened.

The page never derives statuses from verdicts: the status of every sub-component after every turn, and the verdict it
rests on, are computed here, so that the page can't disagree with the tables.
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
"""A letter for each status, and for the lack of a trustworthy one."""
_EXCERPT = 240  # characters of a goal that the list shows


class SharedRecords:
    """Records that episodes share and that the page holds once: goals, settings, simulators.

    Attributes:
        goals: Goals with their categories, as the list shows them.
        settings: Settings of episodes.
        simulators: Labels of simulators, as in the tables.
    """

    def __init__(self) -> None:
        """Create empty lists of records."""
        self.goals: list[dict[str, Any]] = []
        self.settings: list[dict[str, Any]] = []
        self.simulators: list[str] = []
        self._known: dict[str, int] = {}

    def goal(self, episode: Episode) -> int:
        """Return the number of an episode's goal; with other sub-components it is another goal."""
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
        """Return the number of a setting."""
        return self._number(self.settings, setting.model_dump(mode="json"))

    def simulator(self, setting: EpisodeConfig) -> int:
        """Return the number of a setting's simulator, as it is labelled in the tables."""
        return self._number(self.simulators, label(setting))

    def _number(self, records: list[Any], record: Any) -> int:
        """Return the number of a record in one of the lists, where it is added if it is new."""
        key = f"{id(records)}{json.dumps(record, sort_keys=True)}"
        if key not in self._known:
            self._known[key] = len(records)
            records.append(record)
        return self._known[key]


def list_entry(
    episode: Episode,
    detail: Mapping[str, Any],
    shared: SharedRecords,
    failures: Sequence[Failure] = (),
    fault: str = "",
) -> dict[str, Any]:
    """Return the data of an episode for the list, the filters and the charts.

    Args:
        episode: The episode.
        detail: Its details, from :func:`episode_detail`.
        shared: Records that episodes share; those of this episode are added.
        failures: Failure patterns of the episode.
        fault: Who is responsible for the agent's failed task; empty where it did not fail or has no score.
    """
    total = sum(episode.usage.values(), Usage())
    record: dict[str, Any] = {
        "id": episode.id,
        "goal": shared.goal(episode),
        "trial": episode.trial,
        "sim": shared.simulator(episode.setting),
        "stop": str(episode.conversation.stop or ""),
        "turns": len(episode.conversation.turns),
        "ok": episode.succeeded,
        "states": [track["states"] for track in detail["tracks"]],
        "seconds": round(episode.seconds, 3),
    }
    if failures:
        record["patterns"] = list(dict.fromkeys(failure.pattern.value for failure in failures))
    if fault:
        record["fault"] = fault
    if episode.broken_off:
        record["broken"] = True
    if total.calls:
        record["tokens"] = total.prompt_tokens + total.completion_tokens
        record["cost"] = round(total.cost, 6)
    if episode.task:
        record["task"] = episode.task
    return record


def episode_detail(episode: Episode, shared: SharedRecords, failures: Sequence[Failure] = ()) -> dict[str, Any]:
    """Return the data of an episode that the page shows when it is opened.

    Args:
        episode: The episode.
        shared: Records that episodes share; those of this episode are added.
        failures: Failure patterns of the episode.
    """
    states = episode.states
    conversation = episode.conversation
    record: dict[str, Any] = {
        "id": episode.id,
        "goal": episode.goal.text,
        "setting": shared.setting(episode.setting),
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
        record["closing"] = _filled(conversation.closing.model_dump())
    if episode.broken_off:
        record["broken"] = episode.broken_off
    if failures:
        record["failures"] = [_filled(failure.model_dump(mode="json")) for failure in failures]
    return record


def _turn(turn: Turn) -> dict[str, Any]:
    record: dict[str, Any] = {"user": turn.user, "agent": turn.agent}
    if turn.user_reasoning:
        record["user_reasoning"] = turn.user_reasoning
    if turn.agent_reasoning:
        record["agent_reasoning"] = turn.agent_reasoning
    if turn.tool_calls:
        record["tools"] = [
            {
                "name": call.name,
                # As JSON text: a browser would round large numbers.
                "arguments": [[name, json.dumps(value, ensure_ascii=False)] for name, value in call.arguments.items()],
                "result": call.result,
                "ok": call.ok,
            }
            for call in turn.tool_calls
        ]
    return record


def _track(component: Component, states: Sequence[GoalState]) -> dict[str, Any]:
    """Return the verdicts on one sub-component, and the verdict that its status rests on after each turn.

    Returns:
        ``states``: letters of the statuses from S_0 to S_n; ``verdicts``: all verdicts, in order; ``why``: for each
        letter the position of the decisive verdict, -1 for none; ``errors``: by turn, why the status can't be trusted.
    """
    own = [state[component.id] for state in states]
    verdicts = own[-1].verdicts
    record: dict[str, Any] = {
        "states": "".join(LETTERS[state.label] for state in own),
        "verdicts": [_verdict(verdict) for verdict in verdicts],
        "why": [-1 if (verdict := state.decisive) is None else verdicts.index(verdict) for state in own],
    }
    errors = {str(turn): state.error for turn, state in enumerate(own) if state.error is not None}
    return record | ({"errors": errors} if errors else {})


def _verdict(verdict: Verdict) -> dict[str, Any]:
    record: dict[str, Any] = {"turn": verdict.turn, "by": verdict.by}
    if verdict.status is not None:
        record["status"] = LETTERS[verdict.status.value]
    if verdict.error is not None:
        record["error"] = verdict.error
    if verdict.reasoning:
        record["reasoning"] = verdict.reasoning
    if verdict.evidence:
        record["evidence"] = [[e.turn, e.speaker, e.quote] for e in verdict.evidence]
    return record


def _filled(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record without its empty values, to save space."""
    return {name: value for name, value in record.items() if value}
