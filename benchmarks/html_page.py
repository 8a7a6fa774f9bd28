"""Measure the page of a run with many episodes: time to write it, size, and time to open it in headless Chromium.

    python benchmarks/html_page.py [--episodes 2000] [--recorded] [--dir DIR]

The episodes are those of the concierge suite, played by the rule-based simulator with and without planted faults; with
--recorded they are tau-bench's 200 recorded airline conversations (from UGST_DATA), with five sub-components and a
verdict of a sentence on each after every turn. They are repeated under other ids until there are enough. Opening is
timed by the browser itself, from the start of navigation: to the end of the script that draws overview and list, and to
the first frame after it.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from pytest_ugst.analysis.html.builder import write_page  # noqa: E402
from pytest_ugst.analysis.summary import summarise  # noqa: E402
from pytest_ugst.runs.reader import open_run  # noqa: E402
from tests.browser import Browser, browser  # noqa: E402

FAULTS = ("agenda", "agenda:contradiction", "agenda:confusion", "agenda:misprioritization")


def played(home: Path) -> Iterator[dict[str, Any]]:
    """Play the suite with every fault, and yield the records of the episodes."""
    for number, name in enumerate(FAULTS):
        folder = home / f"played-{number}"
        command = [sys.executable, "-m", "pytest", "suites/test_concierge.py", "-q", f"--ugst-sim={name}"]
        subprocess.run([*command, f"--ugst-dir={folder}"], cwd=ROOT, capture_output=True)
        for journal in folder.glob("runs/*/episodes.jsonl"):
            for line in journal.read_text(encoding="utf-8").splitlines():
                yield json.loads(line)


def recorded() -> Iterator[dict[str, Any]]:
    """Yield records of a language model's conversations, with verdicts whose reasons are drawn from their own words."""
    from pytest_ugst.config.data_dirs import USUAL_PLACES
    from pytest_ugst.core.status import CHAINS, Category
    from pytest_ugst.recordings.tau_bench import read_recordings

    parts = [{"id": c.value, "category": c.value, "text": f"A {c.value} of the user's goal."} for c in Category]
    drawn = random.Random(0)
    trajectories = USUAL_PLACES.locate("tau-bench") / "historical_trajectories" / "gpt-4o-airline.json"
    for one in read_recordings(trajectories, "airline"):
        words = " ".join(t.user + " " + (t.agent or "") for t in one.conversation.turns).split()
        verdicts = [
            {
                "component": category.value,
                "turn": turn,
                "status": CHAINS[category][min(turn // 3, len(CHAINS[category]) - 1)],
                "reasoning": " ".join(drawn.choices(words, k=30)),
                "evidence": [{"turn": turn, "speaker": "user", "quote": spoken.user[:60]}],
                "by": "judge",
            }
            for turn, spoken in enumerate(one.conversation.turns, 1)
            for category in Category
        ]
        yield {
            "schema_version": 1,
            "id": one.goal.id,
            "goal": {"id": one.goal.id, "text": one.goal.text, "domain": "airline", "components": parts},
            "setting": {"simulator": "gpt-4o", "agent": "gpt-4o", "judge": "judge"},
            "max_turns": 30,
            "conversation": one.conversation.model_dump(mode="json"),
            "verdicts": verdicts,
        }


def make_run(home: Path, records: list[dict[str, Any]], episodes: int) -> Path:
    """Write a run of that many episodes, and return its folder."""
    folder = home / "runs" / "many"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"format": 1, "setting": records[0]["setting"], "created": ""}))
    with (folder / "episodes.jsonl").open("w", encoding="utf-8") as file:
        for number in range(episodes):
            record = json.loads(json.dumps(records[number % len(records)]))
            # Copies stay far from each other, where compression does not see them; every utterance is its own.
            name = f"{number:05d}-{record['goal']['id']}"
            record["id"] = record["goal"]["id"] = name
            for turn in record["conversation"]["turns"]:
                turn["user"] += f" (case {number * 7919 % 100_003})"
            file.write(json.dumps(record) + "\n")
    return folder


def timed_open(here: Browser, page: str) -> dict[str, float]:
    """Open a page, and return milliseconds from the start of navigation, by event."""
    here.open("about:blank")
    here.open(page)
    found: dict[str, float] = here.driver.execute_async_script(
        """const done = arguments[0];
        const finish = () => requestAnimationFrame(() => setTimeout(() => {
          const at = performance.getEntriesByType("navigation")[0];
          const paint = performance.getEntriesByName("first-contentful-paint")[0];
          const drawn = performance.getEntriesByName("drawn")[0];
          done({drawn: drawn.startTime, paint: paint ? paint.startTime : -1, loaded: at.loadEventEnd});
        }));
        document.readyState === "complete" ? finish() : addEventListener("load", finish);"""
    )
    return found


def until(here: Browser, script: str) -> float:
    """Wait until a condition holds, and return the milliseconds that it took."""
    start = time.perf_counter()
    here.wait(lambda: here.js(f"return {script}"))
    return (time.perf_counter() - start) * 1000


def main() -> None:
    """Measure, and print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--episodes", type=int, default=2_000)
    parser.add_argument("--recorded", action="store_true", help="conversations of a language model")
    parser.add_argument("--dir", type=Path, help="keep everything in this folder")
    args = parser.parse_args()
    home = args.dir or Path(tempfile.mkdtemp(prefix="ugst-page-"))
    folder = home / "runs" / "many"
    if not folder.is_dir():
        make_run(home, list(recorded() if args.recorded else played(home)), args.episodes)
    journal = (folder / "episodes.jsonl").stat().st_size

    start = time.perf_counter()
    run = open_run(home, "many")
    read = time.perf_counter() - start
    summary = summarise(run)
    counted = time.perf_counter() - start - read
    page = folder / "report.html"
    write_page(run, page, summary)
    built = time.perf_counter() - start - read - counted
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(run.journal)} episodes, journal {journal / 1e6:.1f} MB, page {page.stat().st_size / 1e6:.2f} MB")
    print(f"journal read {read:.1f} s, counted {counted:.1f} s, page written {built:.1f} s; {memory:.0f} MB at most")
    with browser() as here:
        times = [timed_open(here, page.as_uri()) for _ in range(5)]
        for name in times[0]:
            print(
                f"{name}: {statistics.median(t[name] for t in times):.0f} ms (of 5: {max(t[name] for t in times):.0f})"
            )
        ids = run.journal.ids()
        deep = timed_open(here, f"{page.as_uri()}#e={ids[len(ids) // 2]}&t=2")
        print(f"an episode by its link: {deep['drawn']:.0f} ms")
        timed_open(here, page.as_uri())
        here.js("document.querySelector('#f-q').value = 'case 7919)'; setFilters({q: 'case 7919)'}, true)")
        took = until(here, "!reading")
        print(f"first search in all conversations: {took:.0f} ms, found {here.js('return kept.length')}")
        script = (
            "const start = performance.now(); setFilters({q: 'goodbye thank'}, true); return performance.now() - start"
        )
        print(f"search again: {here.js(script):.0f} ms, found {here.js('return kept.length')}")
        print(here.complaints())


if __name__ == "__main__":
    main()
