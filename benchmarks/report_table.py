"""Measure time and memory of ``ugst report table`` over two runs of 5,000 episodes, of some 20 kB each.

What a table takes must not grow with what was said: episodes are read one at a time, and their counts are kept.

    python benchmarks/report_table.py [--episodes 5000]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pytest_ugst.core.conversation import Conversation, StopReason, ToolCall, Turn
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import Category, first_status
from pytest_ugst.core.verdict import Evidence, Verdict
from pytest_ugst.runs.run import StoredRun

TURNS = 8
WORDS = "I would like a table for two on Friday, somewhere quiet in the old town, and please no smoking. "
PER_EPISODE, MEMORY = 1.0, 200.0  # ms of CPU, and MB more than the same table of 100 episodes


def write_run(home: Path, name: str, episodes: int) -> None:
    """Write a run whose statuses never change, with texts of realistic length."""
    run = StoredRun(home / "runs" / name)
    config = EpisodeConfig(simulator=name, agent="talker", judge="talker")
    run.create(config)
    parts = tuple(Component(id=c.value, category=c, text=WORDS) for c in Category)
    turns = tuple(
        Turn(
            user=f"{n}: {WORDS * 2}",
            user_reasoning=WORDS,
            tool_calls=(ToolCall(id=f"c{n}", name="search", arguments={"area": "old town"}, result=WORDS * 8),),
            agent=f"{n}: {WORDS * 3}",
        )
        for n in range(TURNS)
    )
    verdicts = tuple(
        Verdict(
            component=part.id,
            turn=turn,
            status=first_status(part.category),
            reasoning=WORDS,
            evidence=(Evidence(turn=turn, speaker="user", quote=WORDS[:80]),),
        )
        for turn in range(1, TURNS + 1)
        for part in parts[:3]
    )
    talk = Conversation(turns=turns, stop=StopReason.USER_ENDED)
    for n in range(episodes):
        goal = Goal(id=f"g{n}", text=WORDS * 4, domain="town", components=parts)
        run.journal.append(
            Episode(id=goal.id, goal=goal, setting=config, max_turns=10, conversation=talk, verdicts=verdicts)
        )


def measure(home: str, names: list[str]) -> None:
    """Run the command in this process, and print milliseconds of CPU and the peak of memory in megabytes."""
    import resource

    from pytest_ugst.cli import main as ugst

    started = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        assert ugst(["report", "table", *names, f"--dir={home}"]) == 0
    print(1000 * (time.process_time() - started), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)


def main() -> None:
    """Write runs, measure the command in processes of its own, and print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=5000)
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure[0], options.measure[1:])
        return
    with tempfile.TemporaryDirectory() as name:
        for run in ("big", "other"):
            write_run(Path(name), run, options.episodes)
            write_run(Path(name), f"small-{run}", 100)
        size = (Path(name) / "runs" / "big" / "episodes.jsonl").stat().st_size / 1e6

        def of(*runs: str) -> tuple[float, float]:
            command = [sys.executable, __file__, "--measure", name, *runs]
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
            return float(out[0]), float(out[1])

        few, least = of("small-big", "small-other")
        many, most = of("big", "other")
    each = (many - few) / (2 * (options.episodes - 100))
    print(f"2 runs of {options.episodes} episodes, {size:.0f} MB each: {each:.2f} ms of CPU an episode")
    print(f"(target: under {PER_EPISODE:g}), {many / 1000:.1f} s in all")
    print(f"most memory {most:.0f} MB, of 2 x 100 episodes {least:.0f} MB: {most - least:.0f} MB more (target: under")
    print(f"{MEMORY:g} MB)")
    sys.exit(each >= PER_EPISODE or most - least >= MEMORY)


if __name__ == "__main__":
    main()
