"""``ugst train sft`` on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_ugst.trainers.common.presets import add_option_flags, read_options
from pytest_ugst.trainers.data.options import add_data_options, read_data_options
from pytest_ugst.trainers.sft.options import SftOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "--model",
        required=True,
        metavar="MODEL",
        help="what to start from: a checkpoint folder, a GGUF file, smollm2, or a hub name",
    )
    add_data_options(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the trained model is saved")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --out")
    add_option_flags(parser, SftOptions, "sft")


def run(args: argparse.Namespace) -> int:
    """Train.

    Raises:
        UsageError: For what the user has to mend.
    """
    from pytest_ugst.trainers.sft.call import SftCall
    from pytest_ugst.trainers.sft.train import train_sft

    options = read_options(SftOptions, args)
    dataset, data = read_data_options(args)
    out = train_sft(SftCall(args.model, dataset, args.out, options, args.resume, data=data))
    print(f"the trained model is in {out}; test it with pytest suites --ugst-sim={out}")
    return 0
