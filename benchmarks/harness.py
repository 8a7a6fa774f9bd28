"""Compare several ways of making the same model calls, each in a process of its own, against one loopback server.

The server, in a process of its own too, answers every request after a fixed latency. Conversations run side by side,
each turn being two calls (a simulator's and an agent's) whose history grows. A way is measured by its wall time against
the ideal (turns x 2 x latency), and by its CPU per call as a ratio to the bare loop's in the same round: the ways of a
round run one after the other, on a machine that is equally busy.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

WORDS = "I would like a table for two on Friday, somewhere quiet in the old town, and please no smoking. "

Play = Callable[[str, int, int, int, Path], None]
"""``play(way, port, conversations, turns, folder)`` makes the calls; all ways of a round are given the same folder."""


async def serve(latency: float) -> None:
    """Answer chat completions until killed; print the port first."""
    from aiohttp import web

    answer = json.dumps(
        {
            "id": "x",
            "object": "chat.completion",
            "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": WORDS * 2}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 40, "total_tokens": 140},
        }
    ).encode()

    async def complete(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(latency)
        return web.Response(body=answer, content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def opening(number: int) -> list[Any]:
    """Return the messages that a conversation starts with."""
    return [{"role": "system", "content": f"Conversation {number}. {WORDS * 10}"}]


async def bare(port: int, conversations: int, turns: int) -> None:
    """Make the calls with aiohttp alone."""
    import aiohttp

    url = f"http://127.0.0.1:{port}/v1/chat/completions"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def converse(number: int) -> None:
            messages = opening(number)
            for _ in range(turns):
                for role in ("user", "assistant"):
                    async with session.post(url, json={"model": "m", "messages": messages}) as response:
                        data = await response.json()
                    messages.append({"role": role, "content": data["choices"][0]["message"]["content"]})

        await asyncio.gather(*(converse(n) for n in range(conversations)))


def measure(play: Play, options: argparse.Namespace) -> None:
    """Make the calls in this process and print seconds of wall and CPU; imports and what is made once are left out."""

    def calls(conversations: int, turns: int, folder: Path) -> None:
        if options.way == "bare":
            asyncio.run(bare(options.port, conversations, turns))
        else:
            play(options.way, options.port, conversations, turns, folder)

    with tempfile.TemporaryDirectory() as other:
        calls(2, 1, Path(other))
    wall, cpu = time.perf_counter(), time.process_time()
    calls(options.conversations, options.turns, options.folder)
    print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}))


@contextlib.contextmanager
def server(me: Sequence[str], latency: float) -> Iterator[str]:
    """Start a server in a process of its own, and yield its port."""
    process = subprocess.Popen([*me, "--serve", "--latency", str(latency)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def rounds(me: Sequence[str], ways: Sequence[str], options: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    """Measure every way in every round, and return the seconds by way."""
    sizes = ["--conversations", str(options.conversations), "--turns", str(options.turns)]
    rows: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    with server(me, options.latency) as port:
        for _ in range(options.repeat):
            with tempfile.TemporaryDirectory() as folder:
                for way in ways:
                    command = [*me, "--way", way, "--port", port, "--folder", folder, *sizes]
                    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                    rows[way].append(json.loads(done.stdout))
    return rows


def main(about: str | None, script: str, ways: Sequence[str], play: Play) -> dict[str, tuple[float, float]]:
    """Measure every way, beside the bare loop, and print the table.

    Args:
        about: The description of the script.
        script: The file of the script, which is run again for every process.
        ways: The names that ``play`` knows.
        play: Makes the calls.

    Returns:
        For every way, its wall time relative to the ideal and its CPU relative to the bare loop; empty in the
        processes that are measured.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=128)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds that the server takes for an answer")
    parser.add_argument("--repeat", type=int, default=3, help="rounds; what is printed is their median")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--way", choices=["bare", *ways], help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.latency))
        return {}
    if options.way:
        measure(play, options)
        return {}
    rows = rounds([sys.executable, str(Path(script).resolve())], ["bare", *ways], options)
    calls = options.conversations * options.turns * 2
    ideal = options.turns * 2 * options.latency
    lines: list[list[Any]] = []
    found = {}
    for way, runs in rows.items():
        wall, cpu = (statistics.median(run[figure] for run in runs) for figure in ("wall", "cpu"))
        ratio = statistics.median(run["cpu"] / base["cpu"] for run, base in zip(runs, rows["bare"], strict=True))
        found[way] = wall / ideal, ratio
        lines.append([way, wall, wall / ideal, 1000 * cpu / calls, ratio])
    print(f"{calls} calls, latency {options.latency:g} s, ideal {ideal:.2f} s, median of {options.repeat} rounds")
    print(
        tabulate(
            lines, ["way", "wall s", "x ideal", "CPU ms/call", "x bare"], floatfmt=("", ".2f", ".2f", ".3f", ".2f")
        )
    )
    return found
