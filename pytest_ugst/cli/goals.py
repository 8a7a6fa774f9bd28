"""``ugst goals import|decompose|disagreements``."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import counted

if TYPE_CHECKING:
    from pytest_ugst.core.goal import Goal


SOURCES = ("tau-bench", "tau2-bench", "multiwoz")
"""What ``import`` reads."""


def add_commands(verbs: argparse._SubParsersAction[Any]) -> None:
    """Add the commands to ``ugst goals``."""
    importing = verbs.add_parser("import", help="turn another project's goals into goal files")
    importing.add_argument("source", choices=SOURCES, help="where the goals come from")
    importing.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="your copy of that project; else what was fetched (which of MultiWOZ is the database without the goals: "
        "give the folder of its data.json)",
    )
    importing.add_argument(
        "--domain",
        metavar="NAME",
        help="only this domain's goals (tau-bench, tau2-bench: airline, retail; multiwoz: restaurant, hotel, "
        "attraction, train, taxi, police, hospital)",
    )
    importing.add_argument(
        "--split",
        metavar="NAME",
        help="only this part (tau-bench, multiwoz: test, train, dev; tau2-bench: test, train, and base for both)",
    )
    importing.add_argument("--limit", type=int, metavar="N", help="only the first N")
    _add_output(importing)
    importing.set_defaults(run=_import)

    decomposing = verbs.add_parser(
        "decompose",
        help="cut goals into sub-components with a model, into a file to read and edit",
        description="Cuts goals into sub-components with a model of yours. Answers are cached: a second call asks the "
        "model only about what is new. Objectives that reference actions decide get a check of the database beside the "
        "judge.",
    )
    decomposing.add_argument(
        "goals", metavar="PATH|SOURCE", help="a goal file, or a goal source such as airline or retail:train"
    )
    decomposing.add_argument("--judge", required=True, metavar="MODEL", help="the model, named as for --ugst-judge")
    decomposing.add_argument("--against", type=Path, metavar="FILE", help="show how it differs from this goal file")
    decomposing.add_argument("--limit", type=int, metavar="N", help="only the first N")
    decomposing.add_argument("--data", type=Path, metavar="DIR", help="where benchmark data is looked for first")
    decomposing.add_argument("--prompts", default="", metavar="DIR", help="as --ugst-prompts")
    decomposing.add_argument("--dir", default=".ugst", metavar="DIR", help="where the response cache is (.ugst)")
    decomposing.add_argument(
        "--cache", choices=("off", "read", "on", "refresh"), default="on", help="as --ugst-cache (on)"
    )
    _add_output(decomposing)
    decomposing.set_defaults(run=_decompose)

    differing = verbs.add_parser(
        "disagreements",
        help="list where a check beside the judge says something else than the judge",
        description="Evaluates the checks that stand beside the judge in a run's episodes, and where reference actions "
        "decide an objective, whether the database ended as they leave it; lists where that and the judge differ.",
    )
    differing.add_argument("run_name", metavar="RUN", help="a run's name or folder, or 'latest'")
    differing.add_argument("--dir", type=Path, default=Path(".ugst"), metavar="DIR", help="where runs are kept (.ugst)")
    differing.add_argument("--data", type=Path, metavar="DIR", help="where benchmark data is looked for first")
    differing.set_defaults(run=_disagreements)


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="NAME.goal.yaml or NAME.goal.jsonl; without it YAML is printed"
    )
    parser.add_argument("--force", action="store_true", help="overwrite FILE if it is there")


def check_output(out: Path | None, force: bool) -> None:
    """Make sure that nothing would be lost, before any work is done.

    Raises:
        UsageError: If the file is there, its name is not a goal file's, or it can't be written.
    """
    from pytest_ugst.goals.files import SUFFIXES
    from pytest_ugst.utils.files import check_target

    if out is None:
        return
    if not out.name.endswith(SUFFIXES):
        raise UsageError(f"{out}: a goal file's name ends with .goal.yaml or .goal.jsonl")
    if out.exists() and not force:
        raise UsageError(f"{out} is there already; name another file, or overwrite it with --force")
    check_target(out, f"--out={out}")


def write_output(out: Path | None, goals: Iterable[Goal]) -> None:
    """Write a goal file, or print it."""
    from pytest_ugst.goals.writer import to_yaml, write_goals

    if out is None:
        print(to_yaml(goals), end="")
    else:
        print(f"{counted(write_goals(out, goals), 'goal')} written to {out}")


def check_limit(limit: int | None) -> None:
    """Make sure that a limit is one.

    Raises:
        UsageError: If it is not.
    """
    if limit is not None and limit < 1:
        raise UsageError("--limit: write a whole number from 1")


def _import(args: argparse.Namespace) -> int:
    from pytest_ugst.domains.multiwoz.goals import import_multiwoz
    from pytest_ugst.domains.tau.goals import import_tau_bench
    from pytest_ugst.domains.tau.goals_tau2 import import_tau2_bench

    check_limit(args.limit)
    check_output(args.out, args.force)
    readers = dict(zip(SOURCES, (import_tau_bench, import_tau2_bench, import_multiwoz), strict=True))
    goals = readers[args.source](args.data or _fetched(args.source), args.domain, args.split)
    write_output(args.out, itertools.islice(goals, args.limit))
    return 0


def _fetched(source: str) -> Path:
    from pytest_ugst.config.data_dirs import USUAL_PLACES, DataMissingError
    from pytest_ugst.domains.multiwoz.goals import REMEDY

    try:
        return USUAL_PLACES.locate(source)
    except DataMissingError:
        if source == "multiwoz":  # what could be fetched would not help
            raise UsageError(f"name the folder of MultiWOZ's data.json; {REMEDY}") from None
        raise


def _decompose(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.decomposition.batch import decompose_all
    from pytest_ugst.goals.files import load_goals
    from pytest_ugst.goals.outline import difference
    from pytest_ugst.roles.batch import builtin_registry, settings_here
    from pytest_ugst.roles.goal_lookup import find_goals

    check_limit(args.limit)
    check_output(args.out, args.force)
    older = load_goals(args.against) if args.against is not None else None
    registry = builtin_registry(args.data)
    goals = find_goals(args.goals, registry=registry, folders=(Path.cwd(),))[: args.limit]
    settings = settings_here(decomposer=args.judge, prompts=args.prompts, dir=args.dir, cache=args.cache)
    done = decompose_all(goals, settings, registry)
    if done.goals and (args.out is not None or older is None):
        write_output(args.out, done.goals)
    if older is not None:
        chosen = {goal.id for goal in goals}
        told = difference([goal for goal in older if goal.id in chosen], done.goals)
        print("\n".join(told) if told else f"no difference from {args.against}")
    for name, why in done.failures.items():
        print(f"ugst: {name}: {why}", file=sys.stderr)
    return 1 if done.failures else 0


def _disagreements(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.agreement.disagreement import compare
    from pytest_ugst.domains.tau.reference_check import with_reference_check
    from pytest_ugst.judges.checks import ChecksJudge
    from pytest_ugst.roles.batch import builtin_registry
    from pytest_ugst.runs.reader import open_run

    registry = builtin_registry(args.data)
    run = open_run(args.dir, args.run_name)

    def load(name: str) -> Any:
        return registry.domains.get(name)()

    episodes = (e.model_copy(update={"goal": with_reference_check(e.goal, load)}) for e in run.journal)
    opinions = compare(episodes, ChecksJudge(registry.checks))
    for one in sorted(opinions.differing, key=lambda one: (one.episode, one.component)):
        judge = f"{one.judge} in turn {one.judge_turn}" if one.judge_turn else str(one.judge)
        check = f"{one.check} in turn {one.check_turn}" if one.check_turn else str(one.check)
        print(f"{one.episode} {one.component}: judge {judge}, check {check}: {' '.join(one.text.split())[:200]}")
    undecided = f"; {opinions.undecided} without a trustworthy verdict" if opinions.undecided else ""
    print(f"{run.name}: {len(opinions.differing)} of {opinions.compared} second opinions differ{undecided}")
    return 0
