"""One of several processes that play one run: ``player.py FOLDER EPISODES [LETHAL]``.

Notes every question to its agent in ``FOLDER/asked``. With LETHAL, an episode's id, it kills itself (once) when that
episode's agent is asked for the second time.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.protocols import AgentTurn, Session
from pytest_ugst.engine.scheduler import Scheduler
from tests.factories import make_run
from tests.stub_roles import agrees, make_roles, make_spec, short_goal, speaks


def main(folder: Path, count: int, lethal: str = "") -> None:
    run = make_run(folder)

    async def answer(conversation: Conversation, session: Session) -> AgentTurn:
        task = asyncio.current_task()
        assert task is not None
        turn = len(conversation.turns)
        with (folder / "asked").open("a") as file:
            file.write(f"{task.get_name()} {turn} {os.getpid()}\n")
        if task.get_name() == lethal and turn == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.sleep(0.001)
        return await agrees(conversation, session)

    engine = Scheduler(run, concurrency=4, shared=True)
    specs = [make_spec(short_goal(f"g{number}")) for number in range(count)]
    roles = make_roles(speaks(3), answer)
    print("ready", flush=True)
    sys.stdin.readline()
    for spec in specs:
        engine.start(spec, roles)
    for spec in specs:
        assert engine.wait(spec.id).succeeded
    engine.close(cancel=False)
    print(f"played {engine.played}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
