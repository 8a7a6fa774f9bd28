"""Measure the time of the reward of a batch against its slowest single judge call.

A loopback server in a process of its own answers judge requests after a latency drawn for each, without a limit of its
own. 16 prompts with 8 completions each are rewarded as in training: every completion differs, every goal has five
sub-components, one of each category, none with a check, so that 640 calls are made. The target is 1.3 times the time of
the slowest call.

On a machine with other work, `chrt -r 10` in front keeps that work out of the measurement.

    python benchmarks/reward_latency.py [--prompts 16] [--rollouts 8] [--latency 3] [--repeat 3] [--cache]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pytest_ugst.core.conversation import Conversation, Turn
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import Category
from pytest_ugst.judges.checks import ChecksJudge
from pytest_ugst.judges.llm import LlmJudge
from pytest_ugst.llm.cache import ResponseCache
from pytest_ugst.llm.client import ChatPool
from pytest_ugst.llm.model_spec import ModelSpec
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.trainers.data.examples import completion_text
from pytest_ugst.trainers.grpo.reward.reward import PromptState, TurnReward

STATUSES = {"profile": "ALIGNED", "policy": "ALIGNED", "preference": "ALIGNED"}
WORDS = "I would like a table for two on Friday, somewhere quiet in the old town, and please no smoking."


async def serve(latency: float) -> None:
    """Answer chat completions until killed; print the port first. ``GET /slowest`` returns the slowest call since."""
    from aiohttp import web

    chance = random.Random(0)
    slowest = 0.0

    async def complete(request: web.Request) -> web.Response:
        nonlocal slowest
        began = time.perf_counter()
        body = json.loads(await request.read())
        allowed = json.dumps(body["response_format"])
        status = "ALIGNED" if "MISALIGNED" in allowed else "ATTEMPTED"
        await asyncio.sleep(chance.uniform(latency / 2, latency))
        content = json.dumps({"reasoning": "It was said.", "evidence": [], "status": status})
        message = {"role": "assistant", "content": content}
        slowest = max(slowest, time.perf_counter() - began)
        return web.json_response({"model": "m", "choices": [{"index": 0, "finish_reason": "stop", "message": message}]})

    async def report_slowest(request: web.Request) -> web.Response:
        nonlocal slowest
        seconds, slowest = slowest, 0.0
        return web.json_response(seconds)

    app = web.Application(client_max_size=2**26)
    app.router.add_post("/v1/chat/completions", complete)
    app.router.add_get("/slowest", report_slowest)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def prompt_states(prompts: int) -> list[PromptState]:
    """Return places in conversations of six turns, each with its own goal of one sub-component per category."""
    made = []
    for number in range(prompts):
        parts = tuple(Component(id=c.value, category=c, text=f"{c} {number}: {WORDS}") for c in Category)
        turns = tuple(Turn(user=f"{n}. {WORDS}", agent=f"{n}. {WORDS} {WORDS}") for n in range(6))
        goal = Goal(id=f"g{number}", text=WORDS, components=parts)
        setting = EpisodeConfig(simulator="s", agent="a", judge="j")
        episode = Episode(
            id=goal.id, goal=goal, setting=setting, max_turns=10, conversation=Conversation(turns=turns), verdicts=()
        )
        made.append(PromptState(episode, 1 + number % 6))
    return made


async def measure(port: int, args: argparse.Namespace, folder: Path, repeat: int) -> tuple[float, float, float, int]:
    """Return the batch's seconds, the slowest call's, the CPU seconds here, and the number of rewarded completions."""
    import aiohttp

    spec = ModelSpec(name="judge", model="m", base_url=f"http://127.0.0.1:{port}/v1", concurrency=4_096)
    pool = ChatPool(ResponseCache(folder / f"{repeat}.sqlite", "on") if args.cache else None)
    try:
        judge = LlmJudge(pool.chat(spec, "judge"), Prompts.load())
        reward = TurnReward(judge, ChecksJudge())
        states = [state for state in prompt_states(args.prompts) for _ in range(args.rollouts)]
        texts = [completion_text("Now for the table.", f"{n}: {WORDS}") for n in range(len(states))]
        began, spent = time.perf_counter(), time.process_time()
        judged = await reward.judge_all(states, texts, [True] * len(states))
        seconds, spent = time.perf_counter() - began, time.process_time() - spent
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/slowest") as response:
            slowest = float(await response.json())
    finally:
        await pool.close()
    return seconds, slowest, spent, sum(one.reward is not None for one in judged)


def main() -> int:
    """Start the server, reward the completions, and print the times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=16)
    parser.add_argument("--rollouts", type=int, default=8)
    parser.add_argument(
        "--latency", type=float, default=3.0, help="seconds of the slowest answers; half of that at least"
    )
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--cache", action="store_true", help="with the response cache, empty at first")
    parser.add_argument("--most", type=float, default=1.3, help="exit with 1 if the median ratio is larger")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve(args.latency))
    command = [sys.executable, __file__, "--serve", "--latency", str(args.latency)]
    ratios = []
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        assert server.stdout is not None
        port = int(server.stdout.readline())
        try:
            for repeat in range(args.repeat):
                seconds, slowest, spent, rewarded = asyncio.run(measure(port, args, Path(folder), repeat))
                ratios.append(seconds / slowest)
                count = args.prompts * args.rollouts
                print(
                    f"{rewarded} of {count} completions rewarded by {5 * count} calls in {seconds:.2f} s, slowest "
                    f"call {slowest:.2f} s: ratio {ratios[-1]:.2f}; {spent:.2f} s of CPU; load "
                    f"{os.getloadavg()[0]:.1f}",
                    flush=True,
                )
        finally:
            server.terminate()
    median = sorted(ratios)[len(ratios) // 2]
    print(f"median ratio {median:.2f}, to be at most {args.most:g}")
    return int(median > args.most)


if __name__ == "__main__":
    sys.exit(main())
