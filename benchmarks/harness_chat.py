"""What the chat layer adds to a model call, against a bare aiohttp loop that makes the same calls.

A loopback server in a process of its own answers every request after a fixed latency. Conversations run side by side,
each turn being two calls (a simulator's and an agent's) whose history grows. The client, in a process of its own too,
is measured: wall time against the ideal (turns x 2 x latency), and its CPU per call as a ratio to the bare loop's.

    python benchmarks/harness_chat.py [--conversations 128] [--turns 10] [--latency 0.2] [--repeat 3]
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

WORDS = "I would like a table for two on Friday, somewhere quiet in the old town, and please no smoking. "
WAYS = ("bare", "client", "client+cache", "client+cache hits")


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
    """The messages a conversation starts with."""
    return [{"role": "system", "content": f"Conversation {number}. {WORDS * 10}"}]


async def bare(port: int, conversations: int, turns: int) -> None:
    """The same calls by aiohttp alone."""
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


async def client(port: int, conversations: int, turns: int, cache: str | None) -> None:
    """The same calls by the chat layer."""
    from pytest_ugst.chat.cache import ResponseCache
    from pytest_ugst.chat.client import ChatPool
    from pytest_ugst.chat.metering import begin_episode
    from pytest_ugst.chat.spec import ModelSpec

    spec = ModelSpec(
        name="bench",
        model="m",
        base_url=f"http://127.0.0.1:{port}/v1",
        concurrency=max(conversations, 1),
    )
    pool = ChatPool(ResponseCache(Path(cache)) if cache else None)
    simulator, agent = pool.chat(spec, "simulator"), pool.chat(spec, "agent")

    async def converse(number: int) -> None:
        begin_episode()
        messages = opening(number)
        for _ in range(turns):
            for role, model in (("user", simulator), ("assistant", agent)):
                reply = await model.complete(messages)
                messages.append({"role": role, "content": reply.text})

    await asyncio.gather(*(asyncio.create_task(converse(n)) for n in range(conversations)))
    await pool.close()


def measure(way: str, port: int, conversations: int, turns: int, cache: str | None, profile: str | None) -> None:
    """Run one way in this process and print seconds of wall and CPU, imports left out."""
    import aiohttp  # noqa: F401

    import pytest_ugst.chat.cache
    import pytest_ugst.chat.client  # noqa: F401

    def play(number: int, length: int, where: str | None) -> None:
        asyncio.run(bare(port, number, length) if way == "bare" else client(port, number, length, where))

    play(2, 1, None)  # warms up imports made on the way
    profiler: Any = None
    if profile:
        import cProfile

        profiler = cProfile.Profile()
        profiler.enable()
    wall, cpu = time.perf_counter(), time.process_time()
    play(conversations, turns, cache)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if profiler is not None:
        profiler.disable()
        profiler.dump_stats(profile)
    print(json.dumps({"wall": wall, "cpu": cpu}))


def main() -> None:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=128)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--profile", help="write a cProfile of the one way measured here")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--cache", help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.latency))
        return
    if options.way:
        measure(options.way, options.port, options.conversations, options.turns, options.cache, options.profile)
        return

    me = [sys.executable, str(Path(__file__).resolve())]
    server = subprocess.Popen([*me, "--serve", "--latency", str(options.latency)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        sizes = ["--conversations", str(options.conversations), "--turns", str(options.turns)]
        rows: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        with tempfile.TemporaryDirectory() as folder:
            for number in range(options.repeat):
                for way in WAYS:
                    file = ["--cache", f"{folder}/{number}.sqlite"] if "cache" in way else []
                    command = [*me, "--way", way, "--port", port, *sizes, *file]
                    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                    rows[way].append(json.loads(done.stdout))
    finally:
        server.kill()
        server.wait()
    calls = options.conversations * options.turns * 2
    ideal = options.turns * 2 * options.latency
    base = statistics.median(r["cpu"] for r in rows["bare"])
    print(f"{calls} calls, latency {options.latency:g} s, ideal {ideal:.2f} s, median of {options.repeat} runs")
    print(f"{'way':<20}{'wall s':>8}{'x ideal':>9}{'CPU ms/call':>13}{'x bare':>8}")
    for way, runs in rows.items():
        wall = statistics.median(r["wall"] for r in runs)
        cpu = statistics.median(r["cpu"] for r in runs)
        print(f"{way:<20}{wall:>8.2f}{wall / ideal:>9.2f}{1000 * cpu / calls:>13.3f}{cpu / base:>8.2f}")


if __name__ == "__main__":
    main()
