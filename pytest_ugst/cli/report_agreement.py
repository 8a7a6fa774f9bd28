"""``ugst report agreement``: how far annotators of goal states agree."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pytest_ugst.cli.options import add_data, add_dir, add_table_output
from pytest_ugst.cli.output import check_style, write_tables

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "agreement",
        help="how far annotators of goal states agree: people, judges, checks (the paper's Table 4)",
        description="Compares goal states of the same conversations by two annotators or more: proportion of equal "
        "statuses, Cohen's kappa, Krippendorff's alpha, confusions. Of two, the first is the reference.",
    )
    parser.add_argument(
        "sources", nargs="+", metavar="SOURCE", help="a run, or a file of labels (JSONL): exported annotations, gold"
    )
    parser.add_argument(
        "--checks", action="store_true", help="let the checks that stand beside the judge of the runs count as one more"
    )
    parser.add_argument("--final", action="store_true", help="only the goal states at the end of conversations")
    add_data(parser)
    add_table_output(parser)
    add_dir(parser)
    parser.set_defaults(handler=_agreement)


def _agreement(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.agreement.metrics import combine_labels
    from pytest_ugst.analysis.agreement.table import agreement_tables
    from pytest_ugst.cli.sources import read_all_labels, with_distinct_annotators

    check_style(args)
    notes: list[str] = []
    found = read_all_labels(args.sources, args.dir, notes, checks=args.checks, data=args.data)
    together = combine_labels(with_distinct_annotators(found), final=args.final)
    write_tables(agreement_tables(together), args, notes)
    return 0
