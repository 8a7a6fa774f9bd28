"""Measure what the package ``llm`` adds to a model call, against a bare aiohttp loop with the same calls.

See ``harness.py`` for the method.

    python benchmarks/harness_chat.py [--conversations 128] [--turns 10] [--latency 0.2] [--repeat 3]
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from harness import main, opening

WAYS = ("client", "client+cache", "client+cache hits")


async def client(port: int, conversations: int, turns: int, cache: Path | None) -> None:
    """Make the calls with the client of the package."""
    from pytest_ugst.llm.cache import ResponseCache
    from pytest_ugst.llm.client import ChatPool
    from pytest_ugst.llm.model_spec import ModelSpec
    from pytest_ugst.llm.usage_meter import begin_episode

    spec = ModelSpec(
        name="bench",
        model="m",
        base_url=f"http://127.0.0.1:{port}/v1",
        concurrency=max(conversations, 1),
    )
    pool = ChatPool(ResponseCache(cache) if cache else None)
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


def play(way: str, port: int, conversations: int, turns: int, folder: Path) -> None:
    """Make the calls; the hits are on what the way before has left in the cache."""
    asyncio.run(client(port, conversations, turns, folder / "cache.sqlite" if "cache" in way else None))


if __name__ == "__main__":
    main(__doc__, __file__, WAYS, play)
