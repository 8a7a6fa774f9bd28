"""Measure what the whole harness adds to a model call, against a bare aiohttp loop with the same calls.

See ``harness.py`` for the method. The conversations are episodes, played by the real scheduler with a model as
simulator and as agent, journaled, and not judged. Calls are the same in number, and in size within a few percent: the
bare loop sends histories of the same length.

    python benchmarks/harness_engine.py [--conversations 128] [--turns 10] [--latency 0.2] [--repeat 3]
"""

from __future__ import annotations

import sys
from pathlib import Path

from harness import WORDS, main

TARGET_WALL = 1.25
TARGET_CPU = 2.5
WAYS = ("engine", "engine+cache")


def play(way: str, port: int, conversations: int, turns: int, folder: Path) -> None:
    """Make the calls by simulators and agents in episodes."""
    from pytest_ugst.agents.llm import make_llm_agent
    from pytest_ugst.core.episode import EpisodeConfig
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.core.protocols import Domain
    from pytest_ugst.core.registry import RoleContext
    from pytest_ugst.engine.scheduler import Scheduler
    from pytest_ugst.engine.spec import EpisodeSpec, RoleSet
    from pytest_ugst.judges.checks import ChecksJudge
    from pytest_ugst.llm.cache import ResponseCache
    from pytest_ugst.llm.client import ChatPool
    from pytest_ugst.llm.model_spec import ModelSpec
    from pytest_ugst.runs.run import StoredRun
    from pytest_ugst.simulators.llm import make_llm_simulator

    spec = ModelSpec(name="bench", model="m", base_url=f"http://127.0.0.1:{port}/v1", concurrency=conversations)
    pool = ChatPool(ResponseCache(folder / way / "cache.sqlite") if way.endswith("cache") else None)
    context = RoleContext(chat=lambda name, role: pool.chat(spec, role))
    simulator = make_llm_simulator(pool.chat(spec, "simulator"), context)
    agent = make_llm_agent(pool.chat(spec, "agent"), context)

    def nowhere(name: str) -> Domain:
        raise LookupError(name)

    checks = ChecksJudge()
    roles = RoleSet(simulator, agent, checks, checks, nowhere)
    config = EpisodeConfig(simulator="bench", agent="bench", judge="checks")
    run = StoredRun(folder / way / "runs" / "r")
    run.create(config)
    scheduler = Scheduler(run, concurrency=conversations, on_close=pool.close)
    goals = [Goal(id=f"g{n}", text=f"Conversation {n}. {WORDS * 4}", components=()) for n in range(conversations)]
    for goal in goals:
        scheduler.start(EpisodeSpec(goal.id, goal, 1, config, turns), roles)
    for goal in goals:
        episode = scheduler.wait(goal.id)
        assert len(episode.conversation.turns) == turns
        assert episode.broken_off is None
        assert sum(usage.calls for usage in episode.usage.values()) == 2 * turns
    scheduler.close(cancel=False)


if __name__ == "__main__":
    if found := main(__doc__, __file__, WAYS, play):
        wall, cpu = found["engine"]
        print(f"targets for the engine: {TARGET_WALL:g} x ideal, {TARGET_CPU:g} x bare")
        sys.exit(wall > TARGET_WALL or cpu > TARGET_CPU)
