"""Failure patterns by a language model: one call per failed episode, one pattern per failed sub-component."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from pytest_ugst.analysis.failures.record import Failure, Pattern
from pytest_ugst.core.chat import AnswerError
from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.text import one_line
from pytest_ugst.core.verdict import Evidence
from pytest_ugst.judges.transcript import as_data, find_quote, render

if TYPE_CHECKING:
    from pytest_ugst.core.chat import Chat
    from pytest_ugst.core.episode import Episode
    from pytest_ugst.core.goal_state import ComponentState
    from pytest_ugst.prompts.loader import Prompts

PROMPT = "failure_patterns"
"""Name of the prompt that the answers depend on."""

_ENDS = {
    StopReason.USER_ENDED: "the user ended it",
    StopReason.TURN_LIMIT: "it was cut off at its limit of turns",
    StopReason.OUT_OF_SCOPE: "the user ended it, not knowing how to go on",
}


def _word(value: Any) -> Any:
    return re.sub(r"[^a-z]+", "_", value.strip().lower()).strip("_") if isinstance(value, str) else value


class _Entry(BaseModel):
    """One sub-component in the model's words."""

    model_config = ConfigDict(extra="ignore")

    part: str
    reasoning: str = ""
    pattern: Annotated[
        Literal["contradiction", "confusion", "misprioritization", "wrongful_termination"], BeforeValidator(_word)
    ]
    turn: int = 0
    quote: str = ""


def _usable(value: Any) -> Any:
    """Drop entries that don't match the schema: for what is missing, the rules decide."""
    kept = []
    for entry in value if isinstance(value, list) else []:
        try:
            kept.append(_Entry.model_validate(entry))
        except ValueError:
            continue
    return kept


class PatternAnswer(BaseModel):
    """What the model says of all sub-components it was asked about."""

    model_config = ConfigDict(extra="ignore")

    failures: Annotated[list[_Entry], BeforeValidator(_usable)] = Field(default_factory=list)


async def judge_failures(
    chat: Chat, prompts: Prompts, episode: Episode, parts: Sequence[ComponentState], *, tools: bool = True
) -> tuple[Failure, ...]:
    """Ask a model by which patterns sub-components failed, and for the words that show it.

    A quote that nobody said is left out.

    Args:
        chat: The model.
        prompts: The prompts, of which :data:`PROMPT` is sent.
        episode: The episode in which they failed.
        parts: The failed sub-components to ask about.
        tools: Whether tool calls are shown.

    Returns:
        One failure per pattern. A sub-component that the model left out is in none.

    Raises:
        AnswerError: If the model answers about none of them.
        ChatError: If there is no answer.
    """
    lines = [f'<part id="{s.component.id}">{s.category.value}: {as_data(one_line(s.text))}</part>' for s in parts]
    prompt = prompts.fill(
        PROMPT,
        goal=as_data(episode.goal.text),
        chat=render(episode.conversation, tools).strip(),
        end=_ENDS.get(episode.conversation.stop or StopReason.USER_ENDED, "it broke off"),
        parts="\n".join(lines),
    )
    answer = (await chat.parse([{"role": "user", "content": prompt}], PatternAnswer)).value
    wanted = {s.component.id for s in parts}
    known = {component.id for component in episode.components}
    entries: dict[str, _Entry] = {}
    for entry in answer.failures:
        name = entry.part.strip()
        # Small models copy the word for an id from the form; asked about one part, they can only mean that.
        if len(parts) == 1 and name not in known:
            name = parts[0].component.id
        if name in wanted:
            entries.setdefault(name, entry)
    if not entries:
        raise AnswerError(f"{chat.name} named a pattern for none of the {len(parts)} failed sub-components")
    return _failures(chat.name, episode, entries, tools)


def _failures(by: str, episode: Episode, entries: dict[str, _Entry], tools: bool) -> tuple[Failure, ...]:
    found = []
    for pattern in Pattern:
        shown = {name: entry for name, entry in entries.items() if entry.pattern == pattern.value}
        if not shown:
            continue
        evidence: list[Evidence] = []
        for entry in shown.values():
            located = find_quote(episode.conversation, entry.quote, entry.turn, "user", tools)
            if located is not None:
                quote = Evidence(turn=located.turn, speaker=located.speaker, quote=entry.quote.strip())
                evidence += [quote] if quote not in evidence else []
        named = [e.turn for e in shown.values() if 1 <= e.turn <= len(episode.conversation.turns)]
        found.append(
            Failure(
                pattern=pattern,
                by=by,
                why=" ".join(dict.fromkeys(e.reasoning.strip() for e in shown.values() if e.reasoning.strip())),
                turn=min([e.turn for e in evidence] or named, default=None),
                components=tuple(shown),
                evidence=tuple(evidence),
            )
        )
    return tuple(found)
