"""``ugst train judge`` and ``ugst train rejudge`` on the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import counted
from pytest_ugst.trainers.common.check_option import add_checks
from pytest_ugst.trainers.common.presets import add_option_flags, read_options
from pytest_ugst.trainers.sft.options import SftOptions
from pytest_ugst.utils.deprecated import add_renamed_option


def add_judge(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``judge``."""
    parser.add_argument("--runs", nargs="+", required=True, metavar="RUN", help="runs that a strong judge judged")
    parser.add_argument("--teacher", default="", metavar="NAME", help="whose verdicts count (any model's)")
    parser.add_argument("--model", required=True, metavar="MODEL", help="the model to train, named as for 'train sft'")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the trained judge is saved")
    add_renamed_option(
        parser, "--dataset", "--data-out", type=Path, metavar="DIR", help="where the rows are kept (OUT-data)"
    )
    parser.add_argument("--eval-share", type=float, default=0.1, metavar="X", help="share of the goals held out (0.1)")
    parser.add_argument("--unbalanced", action="store_true", help="keep all verdicts, however common")
    add_renamed_option(
        parser,
        "--dataset-only",
        "--data-only",
        nargs=0,
        const=True,
        default=False,
        help="make the rows, and don't train",
    )
    parser.add_argument("--prompts", default="", metavar="DIR", help="as --ugst-prompts")
    parser.add_argument("--dir", type=Path, default=Path(".ugst"), metavar="DIR", help="where runs are (.ugst)")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --out")
    add_option_flags(parser, SftOptions, "sft")


def run_judge(args: argparse.Namespace) -> int:
    """Make examples of verdicts, and train.

    Raises:
        UsageError: For what the user has to mend.
    """
    from pytest_ugst.prompts.loader import Prompts
    from pytest_ugst.roles.batch import settings_here
    from pytest_ugst.trainers.data.build import check_out, recorded_episodes
    from pytest_ugst.trainers.judge.examples import build_judge_data
    from pytest_ugst.trainers.sft.call import SftCall
    from pytest_ugst.trainers.sft.train import train_sft

    options = read_options(SftOptions, args)
    if not 0.0 <= args.eval_share < 1.0:
        raise UsageError(f"--eval-share {args.eval_share}: write a number from 0 to less than 1")
    dataset = args.dataset or args.out.with_name(f"{args.out.name}-data")
    settings = settings_here(prompts=args.prompts)
    if not args.resume or not dataset.exists():
        check_out(dataset, False)
        info = build_judge_data(
            recorded_episodes(args.dir, args.runs),
            Prompts.load(settings.prompts_dir),
            dataset,
            teacher=args.teacher,
            balance=not args.unbalanced,
            max_tokens=options.max_tokens,
            tokenizer=args.model,
            eval_share=args.eval_share,
            seed=options.seed,
            sources=args.runs,
        )
        shown = ", ".join(f"{status} {count}" for status, count in info.counts["statuses"].items())
        print(
            f"{dataset}: {info.counts['train']} verdicts to train on, {info.counts['eval']} of held-out goals ({shown})"
        )
    if args.dataset_only:
        return 0
    out = train_sft(SftCall(args.model, dataset, args.out, options, args.resume, "judge"))
    print(
        f"the trained judge is in {out}; compare it with its teacher: ugst train rejudge --runs RUN --judge {out} "
        f"--held-out {dataset} --out .ugst/runs/student && ugst report agreement RUN .ugst/runs/student"
    )
    return 0


def add_rejudge(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``rejudge``."""
    parser.add_argument("--runs", nargs="+", required=True, metavar="RUN", help="recorded runs")
    parser.add_argument("--judge", required=True, metavar="NAME", help="the judge, named as for --ugst-judge")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="the folder of the new run")
    parser.add_argument("--held-out", type=Path, metavar="DATA", help="only the goals this data holds out")
    add_checks(parser)
    parser.add_argument("--without-checks", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--concurrency", type=int, default=64, metavar="N", help="episodes judged at once (64)")
    parser.add_argument("--prompts", default="", metavar="DIR", help="as --ugst-prompts")
    parser.add_argument("--data", type=Path, metavar="DIR", help="where benchmark data is looked for first")
    parser.add_argument("--dir", default=".ugst", metavar="DIR", help="where runs and the response cache are (.ugst)")


def run_rejudge(args: argparse.Namespace) -> int:
    """Judge recorded conversations again.

    Raises:
        UsageError: For what the user has to mend.
    """
    from pytest_ugst.roles.batch import builtin_registry, settings_here
    from pytest_ugst.trainers.data.build import by_unique_id, recorded_episodes
    from pytest_ugst.trainers.data.folder import read_data
    from pytest_ugst.trainers.judge.rejudge import judge_again
    from pytest_ugst.utils.progress import counting

    more: dict[str, Any] = {"concurrency": args.concurrency, "prompts": args.prompts, "dir": args.dir}
    checks = args.checks
    if args.without_checks:
        print("ugst: --without-checks is an old name; write --checks=off", file=sys.stderr)
        checks = "off"
    settings = settings_here(judge=args.judge, checks=checks, **more)
    episodes = list(by_unique_id(recorded_episodes(settings.home, args.runs)).values())
    if args.held_out is not None:
        kept = set(read_data(args.held_out, kind="judge").info.goals.get("eval", ()))
        episodes = [episode for episode in episodes if episode.goal.id in kept]
        if not episodes:
            raise UsageError(f"--held-out {args.held_out}: none of its held-out goals is in these runs")
    with counting("episodes judged") as on_progress:
        run = judge_again(episodes, settings, builtin_registry(args.data), args.out, on_progress=on_progress)
    print(f"{counted(len(run.journal), 'episode')} judged by {args.judge} in {run.folder}", file=sys.stderr)
    return 0
