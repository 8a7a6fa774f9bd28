"""``ugst report generation``: how well goals were cut into sub-components."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pytest_ugst.cli.encoder import add_encoder, read_encoder
from pytest_ugst.cli.options import add_dir, add_table_output
from pytest_ugst.cli.output import check_style, write_tables
from pytest_ugst.core.errors import UsageError

if TYPE_CHECKING:
    from pytest_ugst.analysis.decomposition.metrics import Similarity
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "generation",
        help="how well goals were cut into sub-components (the paper's Table 5)",
        description="Compares the sub-components of goals, one to one: precision, recall, F1, and the accuracy of the "
        "categories of those that match.",
    )
    for name, what in (("gold", "as it should be"), ("predicted", "as it was made")):
        parser.add_argument(name, metavar=name.upper(), help=f"{what}: a goal file, a run, or a file of labels (JSONL)")
    parser.add_argument(
        "--threshold", type=float, metavar="X", help="from which similarity on two can be the same (words: 0.5)"
    )
    add_encoder(parser, "compare by BERTScore in place of the words in common; needs --threshold")
    parser.add_argument("--details", action="store_true", help="list all sub-components with their matches")
    add_table_output(parser)
    add_dir(parser)
    parser.set_defaults(handler=_generation)


def _generation(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.decomposition.metrics import THRESHOLD, compare, word_overlap
    from pytest_ugst.analysis.decomposition.table import generation_tables
    from pytest_ugst.cli.sources import read_parts, require_same_goals

    check_style(args)
    if args.encoder is not None and args.threshold is None:
        raise UsageError("--encoder: similarities of encoders have scales of their own; say --threshold=X as well")
    threshold = THRESHOLD if args.threshold is None else args.threshold
    if not 0 < threshold <= 1:
        raise UsageError(f"--threshold={threshold:g}: write a number above 0, up to 1")
    notes: list[str] = []
    gold, predicted = (read_parts(source, args.dir, notes) for source in (args.gold, args.predicted))
    require_same_goals(args.gold, gold, args.predicted, predicted)
    encoder = read_encoder(args)
    similarity: Similarity = word_overlap if encoder is None else encoder.pairwise
    name = "words in common (F1)" if encoder is None else f"BERTScore by {encoder.name}"
    result = compare(
        {goal: found.parts for goal, found in gold.items()},
        {goal: found.parts for goal, found in predicted.items()},
        similarity,
        threshold,
    )
    write_tables(generation_tables(result, name, threshold, args.details), args, notes)
    return 0
