"""``ugst train grpo`` on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_ugst.trainers.common.presets import add_option_flags, read_options
from pytest_ugst.trainers.data.options import add_data_options, read_data_options
from pytest_ugst.trainers.grpo.options import GrpoOptions
from pytest_ugst.utils.deprecated import report_old_name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--model", required=True, metavar="DIR", help="the model to train: a checkpoint or a hub name")
    add_data_options(parser)
    parser.add_argument("--judge", required=True, metavar="NAME", help="who judges: checks, an alias or a model")
    parser.add_argument(
        "--agent", metavar="NAME", help="who answers sampled utterances before they are judged: rules, or a model"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the trained model is saved")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --out")
    # The old name of --data, of which there may still be another one that means --dataset.
    parser.add_argument("--data-dir", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--dir", default=".ugst", metavar="DIR", help="where the response cache is (.ugst)")
    add_option_flags(parser, GrpoOptions, "grpo")


def run(args: argparse.Namespace) -> int:
    """Train.

    Raises:
        UsageError: For what the user has to mend.
        UgstError: If training stopped early.
    """
    from pytest_ugst.trainers.grpo.call import GrpoCall
    from pytest_ugst.trainers.grpo.train import train_grpo

    options = read_options(GrpoOptions, args)
    dataset, data = read_data_options(args)
    if args.data_dir is not None:
        report_old_name("--data-dir", "--data")
        data = data or args.data_dir
    call = GrpoCall(
        args.model, dataset, args.judge, args.agent, args.out, options, resume=args.resume, data=data, home=args.dir
    )
    out = train_grpo(call)
    print(f"the trained model is in {out}; test it with pytest suites --ugst-sim={out}")
    return 0
