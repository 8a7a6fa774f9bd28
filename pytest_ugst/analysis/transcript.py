"""An episode as text: the conversation with tool calls, and the changes of the goal state after every turn."""

from __future__ import annotations

import json
import textwrap

from pytest_ugst.core.conversation import ToolCall
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.text import one_line, plain

_WIDTH = 100  # characters of a line
_RESULT = 300  # characters of a tool's result


def render_episode(episode: Episode, *, reasoning: bool = False) -> str:
    """Return an episode as text for a terminal.

    Args:
        episode: The episode; control characters in what models wrote are removed.
        reasoning: Whether to show the reasoning of simulator and agent as well.
    """
    setting = episode.setting
    roles = f"{setting.simulator} as the user, agent {setting.agent}, judge {setting.judge}"
    lines = [f"{episode.id}: {roles}", "", *_wrapped("goal: ", episode.goal.text)]
    for number, turn in enumerate(episode.conversation.turns, 1):
        lines += ["", f"turn {number} of {episode.max_turns}"]
        if reasoning and turn.user_reasoning:
            lines += _wrapped("  (user thinks) ", turn.user_reasoning)
        lines += _wrapped("  user:  ", turn.user)
        lines += [f"  tool:  {_call(call)}" for call in turn.tool_calls]
        if reasoning and turn.agent_reasoning:
            lines += _wrapped("  (agent thinks) ", turn.agent_reasoning)
        lines += _wrapped("  agent: ", "(no answer)" if turn.agent is None else turn.agent)
        lines += _changes(episode, number)
    lines += ["", f"ended: {episode.conversation.stop}" + (f" ({episode.broken_off})" if episode.broken_off else "")]
    if (closing := episode.conversation.closing) is not None:
        lines += _wrapped("  user:  ", closing.text)
        lines += ["  it asked for something that the agent could not answer any more"] if closing.asked else []
    lines += ["", "at the end"]
    lines += [f"  {state.label:<10}  {state.category:<11}  {one_line(state.text)}" for state in episode.final_state]
    return plain("\n".join(lines))


def _changes(episode: Episode, turn: int) -> list[str]:
    before, after = episode.state(turn - 1), episode.state(turn)
    return [
        f"  -> {new.category} {new.status}: {one_line(new.text, 80)}"
        for old, new in zip(before, after, strict=True)
        if old.status is not new.status
    ]


def _call(call: ToolCall) -> str:
    arguments = ", ".join(f"{name}={json.dumps(value)}" for name, value in call.arguments.items())
    return one_line(f"{call.name}({arguments}) -> {call.result}", _RESULT)


def _wrapped(head: str, text: str) -> list[str]:
    indent = " " * len(head)
    paragraphs = plain(text).split("\n")
    lines = [line for part in paragraphs for line in (textwrap.wrap(part, _WIDTH - len(head)) or [""])]
    return [(head if i == 0 else indent) + line for i, line in enumerate(lines)]
