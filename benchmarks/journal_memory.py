"""Measure the memory that 5,000 finished episodes add to a run, played and journaled by the real scheduler.

The roles say fixed things of a realistic length in conversations of eight turns, with a tool call in each and three
sub-components judged after every turn, so that what could pile up is the episodes themselves.

    python benchmarks/journal_memory.py [--episodes 5000]
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pytest_ugst.analysis.summary import summarise
from pytest_ugst.core.conversation import Closing, Conversation, StopReason, ToolCall
from pytest_ugst.core.episode import EpisodeConfig
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.protocols import AgentTurn, Domain, Session, UserTurn
from pytest_ugst.core.status import Category, first_status
from pytest_ugst.core.verdict import Evidence, Verdict
from pytest_ugst.engine.scheduler import Scheduler
from pytest_ugst.engine.spec import EpisodeSpec, RoleSet
from pytest_ugst.judges.checks import ChecksJudge
from pytest_ugst.runs.run import StoredRun

TARGET = 200.0  # MB
TURNS = 8
WORDS = "I would like a table for two on Friday, somewhere quiet in the old town, and please no smoking. "


class Talker:
    """Simulator, agent and judge in one."""

    name = "talker"

    def start(self, goal: Goal, seed: int, max_turns: int) -> Talker:
        """Return itself, since it has no state."""
        return self

    async def next(self, conversation: Conversation, state: GoalState | None) -> UserTurn:
        """Speak for eight turns, then end the conversation."""
        said = len(conversation.turns)
        if said < TURNS:
            return UserTurn(f"{said}: {WORDS * 2}", reasoning=WORDS)
        return UserTurn("", stop=StopReason.USER_ENDED, closing=Closing(text="TERMINATE", separate=True))

    async def respond(self, conversation: Conversation, session: Session) -> AgentTurn:
        """Answer after a tool call."""
        number = len(conversation.turns)
        call = ToolCall(id=f"c{number}", name="search", arguments={"area": "old town"}, result=f"{number} {WORDS * 8}")
        return AgentTurn(f"{number}: {WORDS * 3}", (call,))

    async def judge(self, components: Sequence[Component], conversation: Conversation, turn: int) -> Sequence[Verdict]:
        """Return the first status of every sub-component, with reasoning and evidence."""
        quoted = (Evidence(turn=turn, speaker="user", quote=conversation.turns[-1].user[:80]),)
        return [
            Verdict(component=c.id, turn=turn, status=first_status(c.category), reasoning=WORDS, evidence=quoted)
            for c in components
        ]


def resident() -> float:
    """Return the megabytes of this process that are in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def nowhere(name: str) -> Domain:
    """Raise LookupError, since the goals name no domain."""
    raise LookupError(name)


def main() -> None:
    """Play the episodes, and print the memory of the process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=5000)
    options = parser.parse_args()
    talker = Talker()
    roles = RoleSet(talker, talker, talker, ChecksJudge(), nowhere)
    config = EpisodeConfig(simulator="talker", agent="talker", judge="talker")
    parts = tuple(
        Component(id=category.value, category=category, text=WORDS)
        for category in (Category.PROFILE, Category.OBJECTIVE, Category.PREFERENCE)
    )
    with tempfile.TemporaryDirectory() as name:
        run = StoredRun(Path(name) / "runs" / "benchmark")
        run.create(config)
        scheduler = Scheduler(run, concurrency=64)

        def play(first: int, count: int) -> None:
            goals = [Goal(id=f"g{n}", text=WORDS * 4, components=parts) for n in range(first, first + count)]
            for goal in goals:
                scheduler.start(EpisodeSpec(goal.id, goal, 1, config, 10), roles)
            for goal in goals:
                scheduler.wait(goal.id)

        play(0, 100)  # allocates what is needed once: code, buffers
        gc.collect()
        before = resident()
        started = time.process_time()
        play(100, options.episodes)
        taken = time.process_time() - started
        gc.collect()
        after = resident()
        scheduler.close(cancel=False)
        size = (run.folder / "episodes.jsonl").stat().st_size / 1e6
        summary = summarise(run)
        summarised = resident()
    each = 1000 * taken / options.episodes
    print(f"{options.episodes} episodes of {TURNS} turns: journal {size:.0f} MB, {each:.1f} ms of CPU each")
    print(
        f"memory before {before:.0f} MB, after {after:.0f} MB: {after - before:.0f} MB more (target: under {TARGET:g})"
    )
    print(f"with the summary of {len(summary.outcomes)} episodes: {summarised - before:.0f} MB more")
    sys.exit(summarised - before >= TARGET)


if __name__ == "__main__":
    main()
