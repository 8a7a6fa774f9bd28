"""What the chat layer adds to a model call, against a bare aiohttp loop that makes the same calls (``harness.py``).

python benchmarks/harness_chat.py [--conversations 128] [--turns 10] [--latency 0.2] [--repeat 3]
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from harness import main, opening

WAYS = ("client", "client+cache", "client+cache hits")


async def client(port: int, conversations: int, turns: int, cache: Path | None) -> None:
    """The same calls by the chat layer."""
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
    """Make the calls; hits are what the way before has left in the cache."""
    asyncio.run(client(port, conversations, turns, folder / "cache.sqlite" if "cache" in way else None))


if __name__ == "__main__":
    main(__doc__, __file__, WAYS, play)
