"""The options ``--encoder`` and ``--encoder-layer`` of commands that compare texts by BERTScore."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pytest_ugst.core.errors import UsageError

if TYPE_CHECKING:
    from pytest_ugst.analysis.quality.similarity import Encoder


def add_encoder(parser: argparse.ArgumentParser, task: str) -> None:
    """Add the options.

    Args:
        parser: The command's parser.
        task: What the encoder is used for, for the help.
    """
    parser.add_argument(
        "--encoder", metavar="MODEL", help=f"{task}: a folder with an encoder, or a model of the Hugging Face hub"
    )
    parser.add_argument(
        "--encoder-layer",
        type=int,
        metavar="N",
        help="whose output is compared (what bert-score recommends for hub models it knows, else the last)",
    )


def read_encoder(args: argparse.Namespace) -> Encoder | None:
    """Return the encoder that the options name, if any.

    Raises:
        UsageError: If it can't be loaded, or a layer is given without it.
    """
    if args.encoder is None:
        if args.encoder_layer is not None:
            raise UsageError("--encoder-layer says nothing without --encoder")
        return None
    from pytest_ugst.analysis.quality.similarity import Encoder

    return Encoder(args.encoder, layer=args.encoder_layer)
