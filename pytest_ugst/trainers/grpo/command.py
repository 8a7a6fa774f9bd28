"""The options of ``ugst train grpo`` on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.trainers.common.presets import add_option_flags, read_options
from pytest_ugst.trainers.grpo.options import GrpoOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("--model", required=True, metavar="DIR", help="the model to train: a checkpoint or a hub name")
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="what 'ugst train data' wrote")
    parser.add_argument("--judge", required=True, metavar="NAME", help="who judges: checks, an alias or a model")
    parser.add_argument(
        "--agent", metavar="NAME", help="who answers sampled utterances before they are judged: rules, or a model"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the trained model is saved")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --out")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where benchmark data is looked for first")
    parser.add_argument("--dir", default=".ugst", metavar="DIR", help="where the response cache is (.ugst)")
    add_option_flags(parser, GrpoOptions, "grpo")


def run(args: argparse.Namespace) -> int:
    """Train.

    Raises:
        UsageError: For what the user has to mend.
        UgstError: If training stopped early.
    """
    from pytest_ugst.trainers.grpo.train import GrpoCall, train_grpo

    options = read_options(GrpoOptions, args)
    if not args.data.is_dir():
        raise UsageError(f"--data {args.data}: there is no such folder; make one with 'ugst train data'")
    more: dict[str, Any] = {"resume": args.resume, "data_dir": args.data_dir, "home": args.dir}
    out = train_grpo(GrpoCall(args.model, args.data, args.judge, args.agent, args.out, options, **more))
    print(f"the trained model is in {out}; test it with pytest suites --ugst-sim={out}")
    return 0
