"""``ugst report quality|agreement|generation|cost``: numbers beside the success rates, read from journals and files."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import counted

if TYPE_CHECKING:
    from pytest_ugst.analysis.decomposition.metrics import Similarity
    from pytest_ugst.analysis.quality.entries import QualityEntry
    from pytest_ugst.analysis.quality.similarity import Encoder


def add_commands(verbs: argparse._SubParsersAction[Any]) -> None:
    """Add the commands to ``ugst report``."""
    from pytest_ugst.cli.options import add_style
    from pytest_ugst.cli.report import add_home

    quality = verbs.add_parser(
        "quality",
        help="how users speak: BERTScore, naturalness, coherence, MTLD, HD-D (the paper's Table 6)",
        description="Measures what the users of runs said, several runs side by side. Diversity needs nothing; "
        "BERTScore takes an encoder, naturalness and coherence a model as judge. What was not asked for stays empty.",
    )
    quality.add_argument("runs", nargs="+", metavar="RUN", help="a run's name or folder, or 'latest'")
    _add_encoder(quality, "measure BERTScore F1 of utterances and goal")
    quality.add_argument("--judge", metavar="MODEL", help="rate naturalness and coherence; named as for --ugst-judge")
    quality.add_argument(
        "--sample",
        type=int,
        metavar="N",
        help="have N conversations of each simulator rated, of as many goals as can be, the same in all runs (all)",
    )
    quality.add_argument("--prompts", default="", metavar="DIR", help="as --ugst-prompts")
    quality.add_argument(
        "--cache", choices=("off", "read", "on", "refresh"), default="on", help="of ratings, as --ugst-cache (on)"
    )
    add_style(quality)
    add_home(quality)
    quality.set_defaults(run=_quality)

    agreement = verbs.add_parser(
        "agreement",
        help="how far annotators of goal states agree: people, judges, checks (the paper's Table 4)",
        description="Compares goal states of the same conversations by two annotators or more: proportion of equal "
        "statuses, Cohen's kappa, Krippendorff's alpha, confusions. Of two, the first is the reference.",
    )
    agreement.add_argument(
        "sources", nargs="+", metavar="SOURCE", help="a run, or a file of labels (JSONL): exported annotations, gold"
    )
    agreement.add_argument(
        "--checks", action="store_true", help="let the checks that stand beside the judge of the runs count as one more"
    )
    agreement.add_argument("--final", action="store_true", help="only the goal states at the end of conversations")
    agreement.add_argument("--data", type=Path, metavar="DIR", help="where benchmark data is looked for first")
    add_style(agreement)
    add_home(agreement)
    agreement.set_defaults(run=_agreement)

    generation = verbs.add_parser(
        "generation",
        help="how well goals were cut into sub-components (the paper's Table 5)",
        description="Compares the sub-components of goals, one to one: precision, recall, F1, and the accuracy of the "
        "categories of those that match.",
    )
    for name, what in (("gold", "as it should be"), ("predicted", "as it was made")):
        generation.add_argument(
            name, metavar=name.upper(), help=f"{what}: a goal file, a run, or a file of labels (JSONL)"
        )
    generation.add_argument(
        "--threshold", type=float, metavar="X", help="from which similarity on two can be the same (words: 0.5)"
    )
    _add_encoder(generation, "compare by BERTScore in place of the words in common; needs --threshold")
    generation.add_argument("--details", action="store_true", help="list all sub-components with their matches")
    add_style(generation)
    add_home(generation)
    generation.set_defaults(run=_generation)

    cost = verbs.add_parser(
        "cost",
        help="calls, tokens, seconds and money, per role, episode and verdict",
        description="Adds up what the episodes of runs cost, from their journals.",
    )
    cost.add_argument("runs", nargs="+", metavar="RUN", help="a run's name or folder, or 'latest'")
    add_style(cost)
    add_home(cost)
    cost.set_defaults(run=_cost)


def _add_encoder(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--encoder", metavar="MODEL", help=f"{what}: a folder with an encoder, or a model of the Hugging Face hub"
    )
    parser.add_argument(
        "--encoder-layer",
        type=int,
        metavar="N",
        help="whose output is compared (what bert-score recommends for hub models it knows, else the last)",
    )


def _encoder(args: argparse.Namespace) -> Encoder | None:
    if args.encoder is None:
        if args.encoder_layer is not None:
            raise UsageError("--encoder-layer says nothing without --encoder")
        return None
    from pytest_ugst.analysis.quality.similarity import Encoder

    return Encoder(args.encoder, layer=args.encoder_layer)


def _quality(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.quality.entries import quality_entries
    from pytest_ugst.analysis.quality.table import quality_table
    from pytest_ugst.analysis.success.leaderboard import missing_data, read_leaderboard
    from pytest_ugst.cli.options import check_style, write_tables
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
    how = [_rated(entries, args), _compared(entries, args)]
    write_tables([quality_table(entries)], args, [*missing_data(by_name), *how])
    return 0


def _compared(entries: Sequence[QualityEntry], args: argparse.Namespace) -> str:
    """Measure similarity, if asked for; says how, or what is missing."""
    from pytest_ugst.analysis.quality.entries import measure_similarity
    from pytest_ugst.utils.progress import ProgressLine

    encoder = _encoder(args)
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


def _rated(entries: Sequence[QualityEntry], args: argparse.Namespace) -> str:
    """Have conversations rated, if asked for; says by whom, or what is missing."""
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


def _agreement(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.agreement.metrics import combine_labels
    from pytest_ugst.analysis.agreement.table import agreement_tables
    from pytest_ugst.cli.options import check_style, write_tables
    from pytest_ugst.cli.sources import all_labels, named_apart

    check_style(args)
    told: list[str] = []
    found = all_labels(args.sources, args.dir, told, checks=args.checks, data=args.data)
    together = combine_labels(named_apart(found), final=args.final)
    write_tables(agreement_tables(together), args, told)
    return 0


def _generation(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.decomposition.metrics import THRESHOLD, compare, word_overlap
    from pytest_ugst.analysis.decomposition.table import generation_tables
    from pytest_ugst.cli.options import check_style, write_tables
    from pytest_ugst.cli.sources import parts_of, require_same_goals

    check_style(args)
    if args.encoder is not None and args.threshold is None:
        raise UsageError("--encoder: similarities of encoders have scales of their own; say --threshold=X as well")
    threshold = THRESHOLD if args.threshold is None else args.threshold
    if not 0 < threshold <= 1:
        raise UsageError(f"--threshold={threshold:g}: write a number above 0, up to 1")
    told: list[str] = []
    gold, made = (parts_of(source, args.dir, told) for source in (args.gold, args.predicted))
    require_same_goals(args.gold, gold, args.predicted, made)
    encoder = _encoder(args)
    similarity: Similarity = word_overlap if encoder is None else encoder.pairwise
    name = "words in common (F1)" if encoder is None else f"BERTScore by {encoder.name}"
    result = compare(
        {goal: found.parts for goal, found in gold.items()},
        {goal: found.parts for goal, found in made.items()},
        similarity,
        threshold,
    )
    write_tables(generation_tables(result, name, threshold, args.details), args, told)
    return 0


def _cost(args: argparse.Namespace) -> int:
    from pytest_ugst.analysis.cost.metrics import cost
    from pytest_ugst.analysis.cost.table import cost_table
    from pytest_ugst.analysis.success.leaderboard import missing_data
    from pytest_ugst.cli.options import check_style, write_tables
    from pytest_ugst.runs.reader import named_runs

    check_style(args)
    runs = named_runs(args.dir, args.runs)
    tables = [cost_table(cost(run.journal), name, missing_data({name: run})) for name, run in runs.items()]
    write_tables(tables, args)
    return 0
