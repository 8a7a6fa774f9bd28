"""Runs to make pages of, and a reader of what a page holds."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from pytest_ugst.core.conversation import Closing, Conversation, StopReason, ToolCall, Turn
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import Category, Status
from pytest_ugst.core.usage import Usage
from pytest_ugst.core.verdict import Evidence, Verdict
from pytest_ugst.runs.run import StoredRun

SETTING = EpisodeConfig(simulator="users", agent="agents", judge="judges")
PARTS = (
    Component(id="home", category=Category.PROFILE, text="You live in Dunmarsh."),
    Component(id="please", category=Category.POLICY, text="You say please in every message."),
    Component(id="table", category=Category.OBJECTIVE, text="Book a table."),
    Component(id="two", category=Category.REQUIREMENT, text="For two people.", parent="table"),
    Component(id="quiet", category=Category.PREFERENCE, text="You prefer a quiet place.", parent="table"),
)
TALK = (
    Turn(
        user="Hello, please find me a quiet restaurant.",
        user_reasoning="I should start with the preference.",
        tool_calls=(ToolCall(id="1", name="find", arguments={"quiet": True}, result='[{"name": "Wild Sorrel"}]'),),
        agent="Wild Sorrel is quiet. Shall I book it?",
        agent_reasoning="One place fits.",
    ),
    Turn(
        user="Yes, for two. I come from Brindleford.",
        tool_calls=(
            ToolCall(id="2", name="book", arguments={"people": 2, "id": 2**60}, result='{"ok": true, "id": "CQ-1"}'),
            ToolCall(id="3", name="pay", arguments={}, result="no card", ok=False),
        ),
        agent="It is booked: CQ-1.",
    ),
    Turn(user="Thank you, please goodbye.", agent="Goodbye!"),
)


def verdict(component: str, turn: int, status: str, reasoning: str = "", *quotes: tuple[int, str, str]) -> Verdict:
    evidence = tuple(Evidence.model_validate({"turn": t, "speaker": s, "quote": q}) for t, s, q in quotes)
    given = Status(status)
    return Verdict(component=component, turn=turn, status=given, reasoning=reasoning, evidence=evidence, by="judges")


VERDICTS = (
    verdict("home", 1, "ALIGNED"),
    verdict("home", 2, "MISALIGNED", "They name another town.", (2, "user", "I come from BRINDLEFORD")),
    verdict("please", 1, "ALIGNED"),
    verdict("please", 2, "MISALIGNED", "There is no please.", (2, "user", "Yes, for two.")),
    verdict("table", 1, "INCOMPLETE"),
    verdict("table", 2, "COMPLETE", "It is booked.", (2, "agent", "It is … CQ-1"), (2, "tool", '{"ok": true, "id"')),
    verdict("two", 1, "INCOMPLETE"),
    verdict("two", 2, "COMPLETE", "", (2, "user", "for two")),
    verdict("quiet", 1, "ALIGNED", "", (1, "user", "a quiet restaurant")),
)


def make_episode(name: str = "dinner", trial: int = 1, **fields: Any) -> Episode:
    """Three turns: the second breaks profile and policy, and books the table."""
    tags = fields.pop("tags", ("dinner",))
    text = "You live in Dunmarsh. Book a quiet table for two and say please."
    goal = fields.pop("goal", None) or Goal(id=name, text=text, domain="town", components=PARTS, tags=tags)
    ended = Closing(text="TERMINATE", separate=True)
    record: dict[str, Any] = {
        "id": name if trial == 1 else f"{name}@{trial}",
        "goal": goal,
        "trial": trial,
        "setting": SETTING,
        "max_turns": 10,
        "conversation": Conversation(turns=TALK, stop=StopReason.USER_ENDED, closing=ended),
        "verdicts": VERDICTS,
        "usage": {"judge": Usage(calls=9, prompt_tokens=900, completion_tokens=90, seconds=1.5, cost=0.02)},
        "seconds": 2.5,
        "task": {"task": 1.0},
    }
    return Episode(**(record | fields))


def aligned(name: str, **fields: Any) -> Episode:
    """The same, with nothing that failed."""
    kept = tuple(v for v in VERDICTS if v.status is not Status.MISALIGNED)
    more = tuple(verdict(c, t, "ALIGNED") for c in ("home", "please") for t in (2, 3))
    return make_episode(name, verdicts=(*kept, *more), **fields)


def make_run(folder: Path, episodes: Iterable[Episode]) -> StoredRun:
    """A run that was played."""
    run = StoredRun(folder)
    run.create(SETTING)
    for episode in episodes:
        run.journal.append(episode)
    return run


class Page(HTMLParser):
    """The content of a page for a browser: elements in order, and the text of those that hold data or code.

    Attributes:
        tags: All start tags with their attributes.
        scripts: By their ids (``""`` for the code), the text of script elements.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self.style = ""
        self._inside: tuple[str, str] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside = (tag, dict(attrs).get("id") or "")

    def handle_endtag(self, tag: str) -> None:
        self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside is None:
            return
        tag, name = self._inside
        if tag == "style":
            self.style += data
        else:
            self.scripts[name] = self.scripts.get(name, "") + data

    @property
    def index(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.scripts["index"])
        return loaded

    def details(self) -> dict[str, Any]:
        """The opened episodes by id, as the index points to them."""
        chunks = {
            int(name.removeprefix("chunk-")): json.loads(gzip.decompress(base64.b64decode(text)))
            for name, text in self.scripts.items()
            if name.startswith("chunk-")
        }
        return {entry["id"]: chunks[entry["at"][0]][entry["at"][1]] for entry in self.index["episodes"]}
