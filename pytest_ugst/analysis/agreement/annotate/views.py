"""The data that the page gets.

It never has more of a conversation than the annotator has got to, nor the judge's verdicts before the last turn is
done.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pytest_ugst.analysis.agreement.annotate.record import Annotations, Marks
from pytest_ugst.core.conversation import StopReason, ToolCall, Turn
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.status import CHAINS
from pytest_ugst.core.text import one_line, plain

MAX_TEXT = 200_000
"""The number of characters of an utterance that are shown."""
MAX_RESULT = 20_000
"""The number of characters of a tool's result that are shown."""

_ENDS = {
    StopReason.USER_ENDED: "The user ended the conversation here.",
    StopReason.TURN_LIMIT: "The conversation was cut off here, at its limit of turns.",
    StopReason.OUT_OF_SCOPE: "The user ended the conversation here, not knowing how to go on.",
    StopReason.AGENT_ERROR: "The conversation broke off here: the agent failed.",
    StopReason.USER_ERROR: "The conversation broke off here: the simulator failed.",
}


def overview(run: str, annotations: Annotations, episodes: Iterable[Episode]) -> dict[str, Any]:
    """Return the list of conversations, with the progress of each."""
    rows = []
    for episode in episodes:
        marks = annotations.of(episode)
        rows.append(
            {
                "id": episode.id,
                "goal": one_line(episode.goal.text, 160),
                "turns": marks.turns,
                "seen": marks.seen,
                "done": marks.done,
            }
        )
    return {"run": one_line(run), "annotator": annotations.annotator, "episodes": rows}


def conversation(episode: Episode, marks: Marks) -> dict[str, Any]:
    """Return a conversation up to the turn that is to be annotated next."""
    shown = min(marks.seen + 1, marks.turns)
    turns = episode.conversation.turns
    stop = episode.conversation.stop
    return {
        "id": episode.id,
        "goal": plain(episode.goal.text, MAX_TEXT),
        "components": [
            {
                "id": c.id,
                "category": c.category.value,
                "text": plain(c.text, MAX_TEXT),
                "parent": c.parent,
                "chain": [status.value for status in CHAINS[c.category]],
            }
            for c in episode.components
        ],
        "shown": [_turn(turn) for turn in turns[:shown]],
        "end": (_ENDS.get(stop, "The conversation ends here.") if stop else "The conversation ends here.")
        if shown == marks.turns
        else None,
        **progress(marks),
        "judge": _judge(episode) if marks.done else None,
    }


def progress(marks: Marks) -> dict[str, Any]:
    """Return what may change with a key."""
    moves = {name: {str(turn): status.value for turn, status in one.items()} for name, one in marks.moves.items()}
    return {"turns": marks.turns, "seen": marks.seen, "done": marks.done, "moves": moves}


def _turn(turn: Turn) -> dict[str, Any]:
    return {
        "user": plain(turn.user, MAX_TEXT),
        "agent": None if turn.agent is None else plain(turn.agent, MAX_TEXT),
        "calls": [_call(call) for call in turn.tool_calls],
    }


def _call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return {
        "name": one_line(call.name, 200),
        "arguments": plain(arguments, MAX_RESULT),
        "result": plain(call.result, MAX_RESULT),
        "ok": call.ok,
    }


def _judge(episode: Episode) -> dict[str, Any]:
    states = episode.states[1:]
    parts = {}
    for position, component in enumerate(episode.components):
        decisive = states[-1].components[position].decisive
        parts[component.id] = {
            "labels": [state.components[position].label for state in states],
            "why": "" if decisive is None else plain(decisive.reasoning or decisive.error or "", MAX_RESULT),
            "evidence": []
            if decisive is None
            else [
                {"turn": e.turn, "speaker": e.speaker, "quote": plain(e.quote, MAX_RESULT)} for e in decisive.evidence
            ],
        }
    return {"name": one_line(episode.setting.judge, 80), "parts": parts}
