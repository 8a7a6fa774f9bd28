"""Measure the time of a GRPO step beside computing the model and waiting for rewards.

Trains a few steps of a preset on conversations of the concierge's train goals and times, inside each step, the calls
that compute the model (sampling, forward, backward, optimizer) and those that judge; what is left is the trainer's own:
to be under 5% of a step. Seconds are of CPU, so that other work on the machine does not show.

    ugst train export-gguf smollm2 --out base
    OMP_NUM_THREADS=1 python benchmarks/grpo_overhead.py --model base [--preset laptop-grpo] [--steps 3]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_ugst.core.episode import Episode
from pytest_ugst.engine.rollout import run_episode
from pytest_ugst.engine.spec import EpisodeSpec
from pytest_ugst.llm.manager import ModelManager
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.roles.batch import builtin_registry, settings_here
from pytest_ugst.roles.builtins import concierge_goals
from pytest_ugst.roles.resolver import RoleResolver
from pytest_ugst.trainers.data.examples import examples_of
from pytest_ugst.trainers.data.folder import DataInfo, write_data


def make_data(folder: Path) -> None:
    """Write the training examples of conversations of the agenda with the rules agent."""
    settings, registry = settings_here(cache="off"), builtin_registry()
    resolver = RoleResolver(settings, registry, ModelManager(settings, registry.roles(), folder))

    async def play_all() -> list[Episode]:
        roles, config = resolver.role_set(), resolver.config()
        return [await run_episode(EpisodeSpec(g.id, g, 1, config, 10), roles) for g in concierge_goals("train")]

    episodes = asyncio.run(play_all())
    examples = [example for episode in episodes for example in examples_of(episode, Prompts.load())]
    write_data(folder, DataInfo(), {"train": examples, "eval": []}, episodes, {}, "")


def timed(owner: Any, name: str, seconds: dict[str, float], kind: str) -> None:
    """Wrap a method so that its time, and that of all it calls, is added up under ``kind``."""
    inner: Callable[..., Any] = getattr(owner, name)
    depth = 0

    def outer(*args: Any, **kwargs: Any) -> Any:
        nonlocal depth
        began, depth = time.process_time(), depth + 1
        try:
            return inner(*args, **kwargs)
        finally:
            depth -= 1
            if depth == 0:
                seconds[kind] += time.process_time() - began

    setattr(owner, name, outer)


def main() -> int:
    """Train a few steps, and print the share of each kind of work."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--preset", default="laptop-grpo")
    parser.add_argument("--steps", type=int, default=3)
    args, more = parser.parse_known_args()
    model = str(Path(args.model).resolve()) if Path(args.model).exists() else args.model  # the folder changes below

    from pytest_ugst.roles.background import BackgroundRoles
    from pytest_ugst.trainers.grpo import shared_prompts, trainer
    from pytest_ugst.trainers.grpo.__main__ import main as grpo

    seconds: dict[str, float] = defaultdict(float)
    made = trainer.GrpoRun._make_trainer

    def make(self: Any) -> Any:
        trainer = made(self)
        timed(trainer, "_generate_single_turn", seconds, "sampling")
        timed(trainer.accelerator, "backward", seconds, "backward")
        timed(trainer, "training_step", seconds, "all")
        inner = trainer.create_optimizer

        def create(*a: Any, **k: Any) -> Any:
            optimizer = inner(*a, **k)
            timed(optimizer, "step", seconds, "optimizer")
            return optimizer

        trainer.create_optimizer = create
        return trainer

    trainer.GrpoRun._make_trainer = make  # type: ignore[method-assign]
    timed(shared_prompts, "log_probs", seconds, "forward")
    timed(BackgroundRoles, "run", seconds, "rewards")
    with tempfile.TemporaryDirectory() as folder:
        make_data(Path(folder) / "data")
        os.chdir(folder)
        command = f"--dataset data --judge checks --agent rules --out out --preset {args.preset} --steps {args.steps}"
        status = grpo(["--model", model, *command.split(), *more])
    if status:
        return status
    whole = seconds.pop("all") + seconds["optimizer"]
    rest = whole - sum(seconds.values())
    for name, spent in [*seconds.items(), ("the trainer's own", rest)]:
        print(f"{name:>20}: {spent:8.2f} s {spent / whole:7.2%}")
    print(f"{args.steps} steps in {whole:.1f} s of CPU")
    return int(rest / whole > 0.05)


if __name__ == "__main__":
    sys.exit(main())
