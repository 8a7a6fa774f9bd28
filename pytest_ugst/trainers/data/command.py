"""``ugst train data`` on the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import counted
from pytest_ugst.trainers.common.check_option import add_checks

_KEEP = ("episodes", "turns", "all")
_TRACES = ("auto", "recorded", "written", "none")
_BALANCE = ("none", "goals", "categories", "both")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    source = parser.add_argument_group("where the conversations come from")
    source.add_argument(
        "--goals",
        action="append",
        default=[],
        metavar="SOURCE",
        help="play these: concierge:train, or a goal file; again for more",
    )
    source.add_argument(
        "--runs", nargs="+", default=[], metavar="RUN", help="take those of recorded runs: names, folders or 'latest'"
    )
    source.add_argument("--sim", metavar="NAME", help="who plays the user, named as for --ugst-sim (agenda)")
    source.add_argument("--agent", metavar="NAME", help="the agent, named as for --ugst-agent (rules)")
    source.add_argument("--judge", metavar="NAME", help="the judge, named as for --ugst-judge (checks)")
    add_checks(source)
    source.add_argument(
        "--decomposer", metavar="NAME", help="the model that cuts goals into sub-components (a judge that is a model)"
    )
    source.add_argument(
        "--steer", choices=("none", "goal", "state"), default="state", help="what the simulator is reminded of (state)"
    )
    source.add_argument("--trials", type=int, default=1, metavar="N", help="how often each goal is played (1)")
    source.add_argument(
        "--max-turns", type=int, default=10, metavar="N", help="turns, where the goal does not say (10)"
    )
    source.add_argument("--concurrency", type=int, default=64, metavar="N", help="episodes played at once (64)")
    source.add_argument("--limit", type=int, metavar="N", help="only the first N goals")
    source.add_argument("--data", type=Path, metavar="DIR", help="where benchmark data is looked for first")
    source.add_argument("--dir", default=".ugst", metavar="DIR", help="where runs and the response cache are (.ugst)")
    source.add_argument("--cache", choices=("off", "read", "on", "refresh"), default="on", help="as --ugst-cache (on)")
    made = parser.add_argument_group("what is made of them")
    made.add_argument("--out", type=Path, metavar="DIR", help="the data folder; without it only --show is possible")
    made.add_argument("--force", action="store_true", help="replace what --out holds")
    made.add_argument(
        "--keep",
        choices=_KEEP,
        default="episodes",
        help="episodes that succeeded in every part and were ended as asked (default), or turns of any up to the first "
        "that broke something, or all",
    )
    made.add_argument(
        "--traces",
        choices=_TRACES,
        default="auto",
        help="reasoning: a thinking model's own, else written from the goal state (auto); or one of them; or none",
    )
    made.add_argument("--balance", choices=_BALANCE, default="none", help="thin out what there is most of (none)")
    made.add_argument("--doubles", action="store_true", help="keep equal rows")
    made.add_argument("--max-tokens", type=int, default=2048, metavar="N", help="leave out longer rows (2048)")
    made.add_argument(
        "--tokenizer", default="", metavar="MODEL", help="whose tokens are counted (else 4 characters are one)"
    )
    made.add_argument("--eval-share", type=float, default=0.1, metavar="X", help="share of the goals held out (0.1)")
    made.add_argument("--prompts", default="", metavar="DIR", help="as --ugst-prompts; they go with the data")
    made.add_argument("--seed", type=int, default=0, metavar="N", help="seed of everything that is drawn (0)")
    made.add_argument(
        "--show", type=int, nargs="?", const=2, metavar="N", help="print N rows (2); of --out if no source is given"
    )


def run(args: argparse.Namespace) -> int:
    """Make data, or show what was made.

    Raises:
        UsageError: For what the user has to mend.
    """
    from pytest_ugst.trainers.data.folder import read_data

    if not args.goals and not args.runs:
        if args.show is None or args.out is None:
            raise UsageError("name --goals to play or --runs to read, and --out; or --show what an --out holds")
        data = read_data(args.out)
        _report(args.out, data.info, data.examples, args.show)
        return 0
    if args.goals and args.runs:
        raise UsageError("--goals plays and --runs reads; name one of them")
    if args.out is None:
        raise UsageError("--out is missing; name a folder for the data")
    return _make(args)


def _make(args: argparse.Namespace) -> int:
    from pytest_ugst.roles.batch import builtin_registry, settings_here
    from pytest_ugst.trainers.data.build import DataRecipe, build_data, check_out, recorded_episodes, token_counter

    _check(args)
    check_out(args.out, args.force)
    registry = builtin_registry(args.data)
    token_counter(args.tokenizer)  # before anything is played
    settings = settings_here(
        sim=args.sim,
        agent=args.agent,
        judge=args.judge,
        checks=args.checks,
        decomposer=args.decomposer,
        steer=args.steer,
        # The trained model reasons, so one that can is asked to.
        reasoning=args.traces != "none",
        trials=args.trials,
        max_turns=args.max_turns,
        concurrency=args.concurrency,
        seed=args.seed,
        prompts=args.prompts,
        dir=args.dir,
        cache=args.cache,
    )
    from pytest_ugst.prompts.loader import Prompts

    prompts = Prompts.load(settings.prompts_dir)
    recipe = DataRecipe(
        keep=args.keep,
        reasoning=args.traces,
        keep_duplicates=args.doubles,
        balance=args.balance,
        max_tokens=args.max_tokens,
        tokenizer=args.tokenizer,
        eval_share=args.eval_share,
        seed=args.seed,
        settings={"goals": args.goals, "trials": args.trials} if args.goals else {"runs": args.runs},
    )
    if args.goals:
        episodes: Any = _played(args, settings, registry)
    else:
        episodes = recorded_episodes(settings.home, args.runs)
    info, examples = build_data(episodes, prompts, recipe, registry, args.out)
    _report(args.out, info, examples, args.show or 0)
    return 0


def _played(args: argparse.Namespace, settings: Any, registry: Any) -> Any:
    from pytest_ugst.roles.goal_lookup import find_goals
    from pytest_ugst.runs.names import new_name
    from pytest_ugst.trainers.data.contamination import require_no_test_goals, suite_test_goals
    from pytest_ugst.trainers.data.play import play_goals
    from pytest_ugst.utils.progress import counting

    goals = find_goals(args.goals, registry=registry, folders=(Path.cwd(),))[: args.limit]
    require_no_test_goals({g.id: g.text for g in goals}, suite_test_goals(registry), "--goals")
    folder = settings.home / "runs" / new_name()
    with counting("episodes played") as on_progress:
        run = play_goals(goals, settings, registry, folder, on_progress)
    for name, reason in run.failures.items():
        print(f"ugst: {name}: {reason}", file=sys.stderr)
    print(f"ugst: {counted(len(run.journal), 'episode')} in {folder}", file=sys.stderr)
    return run.journal


def _report(out: Path, info: Any, examples: Any, show: int) -> None:
    from pytest_ugst.trainers.data.card import render_example

    for example in examples["train"][:show]:
        print(f"{render_example(example)}\n\n{'-' * 40}\n")
    counts = info.counts
    print(f"{out}: {len(examples['train'])} rows to train on, {len(examples['eval'])} of held-out goals")
    for name, value in counts.items():
        if name in ("train", "eval"):
            continue
        shown = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        print(f"  {name}: {shown}" if shown != "" else f"  {name}: none")


def _check(args: argparse.Namespace) -> None:
    if not 0.0 <= args.eval_share < 1.0:
        raise UsageError(f"--eval-share {args.eval_share}: write a number from 0 to less than 1")
    for name in ("max_tokens", "trials"):
        if getattr(args, name) < 1:
            raise UsageError(f"--{name.replace('_', '-')} {getattr(args, name)}: write a whole number from 1")
    if args.limit is not None and args.limit < 1:
        raise UsageError(f"--limit {args.limit}: write a whole number from 1")
