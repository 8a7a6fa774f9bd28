"""``ugst report quality``: measures of what users say."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.cli.encoder import add_encoder, read_encoder
from pytest_ugst.cli.options import add_cache, add_dir, add_judge, add_prompts, add_runs, add_table_output
from pytest_ugst.cli.output import check_style, write_tables
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import counted

if TYPE_CHECKING:
    from pytest_ugst.analysis.quality.entries import QualityEntry
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "quality",
        help="how users speak: BERTScore, naturalness, coherence, MTLD, HD-D (the paper's Table 6)",
        description="Measures what the users of runs said, several runs side by side. Diversity needs nothing; "
        "BERTScore takes an encoder, naturalness and coherence a model as judge. What was not asked for stays empty.",
    )
    add_runs(parser)
    add_encoder(parser, "measure BERTScore F1 of utterances and goal")
    add_judge(parser, "rates naturalness and coherence")
    parser.add_argument(
        "--sample",
        type=int,
        metavar="N",
        help="have N conversations of each simulator rated, of as many goals as can be, the same in all runs (all)",
    )
    add_prompts(parser)
    add_cache(parser)
    add_table_output(parser)
    add_dir(parser)
    parser.set_defaults(handler=_quality)


def _quality(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.quality.entries import quality_entries
    from pytest_ugst.analysis.quality.table import quality_table
    from pytest_ugst.analysis.success.leaderboard import missing_data, read_leaderboard
    from pytest_ugst.config.settings import read_models
    from pytest_ugst.runs.reader import named_runs

    check_style(args)
    if args.sample is not None and args.judge is None:
        raise UsageError("--sample says nothing without --judge")
    if args.sample is not None and args.sample < 1:
        raise UsageError(f"--sample={args.sample}: write a number of conversations, from 1")
    by_name = named_runs(args.dir, args.runs)
    leaderboard = read_leaderboard(by_name, aliases=read_models(Path.cwd())[0])
    entries = quality_entries(leaderboard, by_name)
    # Ratings first: they are cached, so should the encoder fail, nothing that was paid for is lost.
    notes = [_rate(entries, args), _compare(entries, args)]
    write_tables([quality_table(entries)], args, [*missing_data(by_name), *notes])
    return 0


def _compare(entries: Sequence[QualityEntry], args: argparse.Namespace) -> str:
    """Measure similarity, if ``--encoder`` asks for it.

    Returns:
        A note on how it was measured, or on what is missing.
    """
    from pytest_ugst.analysis.quality.entries import measure_similarity
    from pytest_ugst.utils.progress import ProgressLine

    encoder = read_encoder(args)
    if encoder is None:
        return "F1 was not measured: it takes --encoder=MODEL"
    from pytest_ugst.analysis.quality.similarity import conversation_f1

    progress = ProgressLine()
    measure_similarity(
        entries,
        lambda texts: conversation_f1(encoder, texts, lambda done: progress.show(f"{done} utterances compared")),
    )
    progress.clear()
    layer = f", layer {encoder.layer}" if encoder.layer is not None else ""
    return f"F1: BERTScore of utterances and goal by {encoder.name}{layer}, not rescaled"


def _rate(entries: Sequence[QualityEntry], args: argparse.Namespace) -> str:
    """Have conversations rated, if ``--judge`` asks for it.

    Returns:
        A note on who rated them, or on what is missing.
    """
    if args.judge is None:
        return "N and C were not measured: they take --judge=MODEL"
    from pytest_ugst.analysis.quality.batch import rate_entries
    from pytest_ugst.analysis.quality.ratings import PROMPT_NAMES
    from pytest_ugst.prompts.loader import Prompts
    from pytest_ugst.roles.batch import builtin_registry, settings_here

    settings = settings_here(judge=args.judge, prompts=args.prompts, dir=str(args.dir), cache=args.cache)
    rate_entries(entries, settings, builtin_registry(), sample=args.sample)
    digest = Prompts.load(settings.prompts_dir).digest(*PROMPT_NAMES)
    few = f"; at most {counted(args.sample, 'conversation')} of each simulator" if args.sample else ""
    return f"N and C: naturalness and coherence, 1 to 5, rated by {args.judge} (prompts {digest}){few}"
