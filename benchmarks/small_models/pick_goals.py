"""Pick ten goals of each of the paper's benchmarks that checks alone can judge, for models too small to judge.

    UGST_DATA=DIR python benchmarks/small_models/pick_goals.py OUT

Writes OUT/multiwoz10.goal.yaml (the goals of the challenge with the fewest sub-components that need a judge, without
those) and OUT/airline10.goal.yaml and OUT/retail10.goal.yaml (the shortest goals of tau-bench's test split whose
reference changes the database, each with one objective that the database decides).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_ugst.core.check import Check
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.registry import Registry
from pytest_ugst.core.status import Category
from pytest_ugst.domains.tau.reference_check import NAME, changing
from pytest_ugst.goals.writer import write_goals
from pytest_ugst.roles.batch import builtin_registry

GOALS = 10


def challenge(registry: Registry) -> list[Goal]:
    """Return goals of the MultiWOZ Challenge without their unchecked sub-components."""
    goals = list(registry.goal_sources.get("multiwoz_challenge")("test"))
    goals.sort(key=lambda goal: (sum(c.check is None for c in goal.components or ()), len(goal.text)))
    return [
        goal.model_copy(update={"components": tuple(c for c in goal.components or () if c.check is not None)})
        for goal in goals[:GOALS]
    ]


def decided_by_the_database(registry: Registry, name: str) -> list[Goal]:
    """Return goals of tau-bench with one objective, which the database decides."""
    domain = registry.domains.get(name)()
    picked: dict[str, Goal] = {}
    for goal in sorted(registry.goal_sources.get(name)("test"), key=lambda goal: len(goal.text.split())):
        writes = changing(goal.data["upstream"]["actions"], goal, domain)
        if not writes or len(picked) == GOALS:
            continue
        objective = Component(
            id="task-1",
            category=Category.OBJECTIVE,
            text="Get done what your goal asks for.",
            check=Check(python=NAME, args={"domain": name, "actions": writes}),
        )
        # Some goals share their reference.
        picked.setdefault(str(writes), goal.model_copy(update={"components": (objective,)}))
    return list(picked.values())


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    registry = builtin_registry()
    write_goals(out / "multiwoz10.goal.yaml", challenge(registry))
    for name in ("airline", "retail"):
        write_goals(out / f"{name}10.goal.yaml", decided_by_the_database(registry, name))


if __name__ == "__main__":
    main()
