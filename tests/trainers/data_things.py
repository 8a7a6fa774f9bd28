"""Conversations of the concierge's train goals, for tests of training data."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pytest_ugst.core.conversation import Closing, Conversation, StopReason, Turn
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import Category, Status
from pytest_ugst.core.verdict import Verdict

GOAL = Goal(
    id="supper",
    text="You never shout. Book supper for two in the east. Then find a museum.",
    components=(
        Component(id="shout", category=Category.POLICY, text="You never shout."),
        Component(id="supper", category=Category.OBJECTIVE, text="Book supper."),
        Component(id="two", category=Category.REQUIREMENT, text="For two in the east.", parent="supper"),
        Component(id="museum", category=Category.OBJECTIVE, text="Find a museum."),
    ),
)
END = Closing(text="TERMINATE", separate=True)
SAID = ("A table for two in the east?", "And is there a museum?")


def said(part: str, turn: int, status: str, by: str = "judge") -> Verdict:
    return Verdict(component=part, turn=turn, status=Status(status), by=by, reasoning="because")


def verdicts(shouts: int = 0) -> tuple[Verdict, ...]:
    """Return verdicts by which all is done after two turns, unless the user shouts in one of them."""
    return (
        said("shout", 1, "MISALIGNED" if shouts == 1 else "ALIGNED"),
        said("shout", 2, "MISALIGNED" if shouts == 2 else "ALIGNED"),
        said("supper", 1, "COMPLETE"),
        said("two", 1, "COMPLETE"),
        said("museum", 1, "INCOMPLETE"),
        said("museum", 2, "COMPLETE"),
    )


def make_episode(name: str = "supper", closing: Closing | None = END, shouts: int = 0, **more: Any) -> Episode:
    """Return an episode of two turns and an ending."""
    turns: tuple[Turn, ...] = tuple(Turn(user=text, agent="Done.", user_reasoning="I thought.") for text in SAID)
    if closing is not None and not closing.separate:
        turns = (turns[0], turns[1].model_copy(update={"agent": None}))
    stop = StopReason.USER_ENDED if closing is not None else StopReason.TURN_LIMIT
    fields: dict[str, Any] = {
        "goal": GOAL.model_copy(update={"id": name.partition("@")[0]}),
        "setting": EpisodeConfig(simulator="sim", agent="rules", judge="judge"),
        "conversation": Conversation(turns=turns, stop=stop, closing=closing),
        "verdicts": verdicts(shouts),
        **more,
    }
    return Episode(id=name, max_turns=10, **fields)


def thinking(episode: Episode) -> Episode:
    """Return an episode as if a model had played it that was asked to think."""
    setting = episode.setting.model_copy(update={"reasoning": True, "models": {"sim": "0"}})
    return episode.model_copy(update={"setting": setting})


def parse(add: Any, *arguments: str | Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add(parser)
    return parser.parse_args([str(argument) for argument in arguments])
