"""GRPO for a few steps, with a judge of what an untrained model says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.goal import Component
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.roles.batch import builtin_registry
from pytest_ugst.trainers.grpo.call import GrpoCall
from pytest_ugst.trainers.grpo.options import GrpoOptions
from tests.factories import verdict

SMALL: dict[str, Any] = {
    "steps": 3,
    "batch": 2,
    "rollouts": 2,
    "micro_batch": 2,
    "max_completion_tokens": 8,
    "save_every": 2,
    "learning_rate": 0.01,
    "samples": 8,
}


class ByLength:
    """A judge of an untrained model's babble, where the form alone does not decide. It fails from the n-th time on."""

    name = "bylength"

    def __init__(self, fails_from: int = 10**9) -> None:
        self.calls, self.fails_from = 0, fails_from

    async def judge(self, components: Sequence[Component], conversation: Conversation, turn: int) -> Sequence[Verdict]:
        self.calls += 1
        if self.calls >= self.fails_from:
            raise RuntimeError("judge down")
        even = len(conversation.turns[-1].user) % 2 == 0
        policy = "ALIGNED" if even else "MISALIGNED"
        statuses = {"profile": "ALIGNED", "policy": policy, "preference": "MISALIGNED"}
        return [verdict(c.id, turn, statuses.get(c.category, "INCOMPLETE"), self.name) for c in components]


def train(model: Path, data: Path, out: Path, judge: ByLength | None = None, **more: Any) -> Path:
    """Train the tiny model for a few steps, and return the folder.

    Args:
        model: The model's folder.
        data: The data folder.
        out: The folder to write.
        judge: The judge of what is sampled.
        more: Options; also ``resume`` and ``agent``.
    """
    from pytest_ugst.trainers.grpo.train import train_grpo

    judge = judge or ByLength()
    registry = builtin_registry()
    registry.judge("bylength", lambda argument, context: judge)
    resume, agent = more.pop("resume", False), more.pop("agent", None)
    options = GrpoOptions(**{**SMALL, **more})
    call = GrpoCall(str(model), data, "bylength", agent, out, options, resume=resume, home=str(out.parent / "ugst"))
    return train_grpo(call, registry)


def logged(out: Path) -> list[dict[str, Any]]:
    """Return the log of completions of a training."""
    return [json.loads(line) for line in (out / "completions.jsonl").read_text().splitlines()]
