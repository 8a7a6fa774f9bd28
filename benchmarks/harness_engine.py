"""What the whole harness adds to a model call, against a bare aiohttp loop that makes the same calls.

As ``harness_chat.py``, whose server and bare loop it uses; but here the conversations are episodes, played by the real
engine with a model as simulator and as agent, journaled, and not judged. Calls are the same in number, and in size
within a few percent: the bare loop sends histories of the same length.

    python benchmarks/harness_engine.py [--conversations 128] [--turns 10] [--latency 0.2] [--repeat 3]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness_chat import WORDS, bare, serve

TARGET_WALL = 1.25
TARGET_CPU = 2.5
WAYS = ("bare", "engine", "engine+cache")


def play(port: int, conversations: int, turns: int, folder: Path, cached: bool) -> None:
    """The same calls by simulators and agents in episodes."""
    from pytest_ugst.agents.llm import make_llm_agent
    from pytest_ugst.chat.cache import ResponseCache
    from pytest_ugst.chat.client import ChatPool
    from pytest_ugst.chat.spec import ModelSpec
    from pytest_ugst.core.episode import Setting
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.core.roles import Domain
    from pytest_ugst.engine.engine import Engine
    from pytest_ugst.engine.plan import Cast, Plan
    from pytest_ugst.engine.run import Run
    from pytest_ugst.judges.checks import ChecksJudge
    from pytest_ugst.registry import RoleContext
    from pytest_ugst.simulators.llm import make_llm_simulator

    spec = ModelSpec(name="bench", model="m", base_url=f"http://127.0.0.1:{port}/v1", concurrency=conversations)
    pool = ChatPool(ResponseCache(folder / "cache.sqlite") if cached else None)
    context = RoleContext(chat=lambda name, role: pool.chat(spec, role))
    simulator = make_llm_simulator(pool.chat(spec, "simulator"), context)
    agent = make_llm_agent(pool.chat(spec, "agent"), context)

    def nowhere(name: str) -> Domain:
        raise LookupError(name)

    checks = ChecksJudge()
    cast = Cast(simulator, agent, checks, checks, nowhere)
    setting = Setting(simulator="bench", agent="bench", judge="checks")
    run = Run(folder / "runs" / "r")
    run.create(setting)
    engine = Engine(run, concurrency=conversations, closing=pool.close)
    goals = [Goal(id=f"g{n}", text=f"Conversation {n}. {WORDS * 4}", components=()) for n in range(conversations)]
    for goal in goals:
        engine.start(Plan(goal.id, goal, 1, setting, turns), cast)
    for goal in goals:
        episode = engine.wait(goal.id)
        assert len(episode.conversation.turns) == turns
        assert episode.broken_off is None
        assert sum(usage.calls for usage in episode.usage.values()) == 2 * turns
    engine.close(cancel=False)


def measure(way: str, port: int, conversations: int, turns: int, profile: bool) -> None:
    """Run one way in this process and print seconds of wall and CPU, imports left out."""

    def once(number: int, length: int) -> None:
        if way == "bare":
            asyncio.run(bare(port, number, length))
            return
        with tempfile.TemporaryDirectory() as folder:
            play(port, number, length, Path(folder), way.endswith("cache"))

    once(2, 1)  # imports, and what is made once
    profiler: Any = None
    if profile:  # of the thread that does the work
        import cProfile
        import threading

        profiler = cProfile.Profile()
        start = threading.Thread.run

        def run(self: threading.Thread) -> None:
            if self.name == "ugst-engine":
                profiler.enable()
            start(self)
            if self.name == "ugst-engine":
                profiler.disable()

        threading.Thread.run = run  # type: ignore[method-assign]
    wall, cpu = time.perf_counter(), time.process_time()
    once(conversations, turns)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if profiler is not None:
        import pstats

        pstats.Stats(profiler).sort_stats("tottime").print_stats(35)
        return
    print(json.dumps({"wall": wall, "cpu": cpu}))


def main() -> None:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=128)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument(
        "--profile", action="store_true", help="print where the engine's thread spends its time instead"
    )
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.latency))
        return
    if options.way:
        measure(options.way, options.port, options.conversations, options.turns, options.profile)
        return

    me = [sys.executable, str(Path(__file__).resolve())]
    server = subprocess.Popen([*me, "--serve", "--latency", str(options.latency)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        sizes = ["--conversations", str(options.conversations), "--turns", str(options.turns)]
        if options.profile:
            subprocess.run([*me, "--way", "engine", "--profile", "--port", port, *sizes], check=True)
            return
        rows: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for _ in range(options.repeat):
            for way in WAYS:
                command = [*me, "--way", way, "--port", port, *sizes]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                rows[way].append(json.loads(done.stdout))
    finally:
        server.kill()
        server.wait()
    calls = options.conversations * options.turns * 2
    ideal = options.turns * 2 * options.latency
    # Ratios within one round: its ways ran one after the other, on a machine that was equally busy.
    print(f"{calls} calls, latency {options.latency:g} s, ideal {ideal:.2f} s, median of {options.repeat} rounds")
    print(f"{'way':<14}{'wall s':>8}{'x ideal':>9}{'CPU ms/call':>13}{'x bare':>8}")
    ratios: dict[str, float] = {}
    walls: dict[str, float] = {}
    for way, runs in rows.items():
        wall = statistics.median(r["wall"] for r in runs)
        cpu = statistics.median(r["cpu"] for r in runs)
        walls[way] = wall / ideal
        ratios[way] = statistics.median(r["cpu"] / b["cpu"] for r, b in zip(runs, rows["bare"], strict=True))
        print(f"{way:<14}{wall:>8.2f}{walls[way]:>9.2f}{1000 * cpu / calls:>13.3f}{ratios[way]:>8.2f}")
    print(f"targets: {TARGET_WALL:g} x ideal, {TARGET_CPU:g} x bare")
    sys.exit(walls["engine"] > TARGET_WALL or ratios["engine"] > TARGET_CPU)


if __name__ == "__main__":
    main()
