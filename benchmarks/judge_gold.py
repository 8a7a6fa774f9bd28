"""Measure how well a model does as judge and decomposer on hand-labelled conversations.

    python benchmarks/judge_gold.py GOLD.jsonl --model model.gguf            # a server is started for it
    python benchmarks/judge_gold.py GOLD.jsonl --model NAME --base-url URL   # or it is served already

Judges conversations turn by turn as a run does, with verdicts that pass the law of statuses, and decomposes their
goals; prints the tables of ``ugst report agreement`` and ``ugst report generation`` (tables 4 and 5 of "Goal Alignment
in LLM-Based User Simulators for Conversational AI"), then the usage. With ``--cache`` a run that was cut off can go on,
and a finished one costs nothing to repeat.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from pytest_ugst.analysis.agreement.label_files import GoldConversation, read_gold, write_labels
from pytest_ugst.analysis.agreement.metrics import combine_labels
from pytest_ugst.analysis.agreement.table import agreement_tables
from pytest_ugst.analysis.decomposition.metrics import THRESHOLD, compare, word_overlap
from pytest_ugst.analysis.decomposition.table import generation_tables
from pytest_ugst.analysis.tables import render
from pytest_ugst.core.chat import ChatError
from pytest_ugst.core.errors import UgstError
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.labels import StateLabels, labelled_parts, state_labels
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.goals.writer import write_goals
from pytest_ugst.judges.decomposer import decompose
from pytest_ugst.judges.llm import LlmJudge
from pytest_ugst.llm.cache import ResponseCache
from pytest_ugst.llm.client import ChatPool
from pytest_ugst.llm.model_spec import ModelSpec, ServeOptions
from pytest_ugst.llm.servers import ServerPool
from pytest_ugst.prompts.loader import Prompts


async def judged(judge: LlmJudge, gold: GoldConversation, turns: int) -> StateLabels:
    """Judge a conversation turn by turn; a sub-component that has reached its last status is not judged again."""
    components = gold.goal.components or ()
    verdicts: list[Verdict] = []
    states = []
    for turn in range(1, min(turns, len(gold.conversation.turns)) + 1):
        state = GoalState.fold(components, verdicts, turn - 1)
        verdicts += await judge.judge(state.open(), gold.conversation.up_to(turn), turn)
        states.append(state_labels(GoalState.fold(components, verdicts, turn)))
        print(".", end="", file=sys.stderr, flush=True)
    print(f" {gold.goal.id}", file=sys.stderr, flush=True)
    return gold.labels.model_copy(update={"annotator": judge.name, "labels": tuple(states)})


async def decompose_all(
    pool: ChatPool, spec: ModelSpec, prompts: Prompts, gold: Sequence[GoldConversation]
) -> list[Goal]:
    """Decompose every goal; those that fail are reported and left out."""
    chat = pool.chat(spec, "decomposer")
    made = []
    for entry in gold:
        try:
            made.append(await decompose(chat, entry.goal.model_copy(update={"components": None}), prompts))
            print(f"decomposed {entry.goal.id}", file=sys.stderr, flush=True)
        except ChatError as error:
            print(f"{entry.goal.id}: {error}")
    return made


async def measure(options: argparse.Namespace, spec: ModelSpec, gold: Sequence[GoldConversation]) -> None:
    """Run judge and decomposer, and print the tables."""
    prompts = Prompts.load(options.prompts)
    pool = ChatPool(cache=ResponseCache(options.cache) if options.cache else None)
    started = time.perf_counter()
    try:
        if options.only != "decomposer":
            judge = LlmJudge(pool.chat(spec, "judge"), prompts, not options.text_only)
            labels = [await judged(judge, entry, options.turns) for entry in gold]
            if options.labels:
                write_labels(options.labels, labels)
            records = [(one.annotator, one) for one in (*(entry.labels for entry in gold), *labels)]
            print(f"Judge {spec.name}, prompts {prompts.version}, {len(gold)} conversations\n")
            print(render(agreement_tables(combine_labels(records)), "terminal"))
        if options.only != "judge":
            made = await decompose_all(pool, spec, prompts, gold)
            if options.goals:
                write_goals(options.goals, made)
            result = compare(
                {entry.goal.id: entry.labels.components for entry in gold},
                {goal.id: labelled_parts(goal.components or ()) for goal in made},
                word_overlap,
            )
            print(f"Decomposer {spec.name}, prompts {prompts.version}, {len(gold)} goals\n")
            print(render(generation_tables(result, "words in common (F1)", THRESHOLD), "terminal"))
        usage = pool.totals.by_role()
        columns = ["calls", "cache_hits", "prompt_tokens", "cached_tokens", "completion_tokens", "seconds"]
        print(tabulate([[r, *(getattr(u, c) for c in columns)] for r, u in usage.items()], ["role", *columns]))
        print(f"{time.perf_counter() - started:.0f} s in all")
    finally:
        await pool.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, and run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path)
    parser.add_argument("--model", required=True, help="a GGUF file or checkpoint folder to serve, or a served name")
    parser.add_argument("--base-url", help="where the model is served already, with /v1")
    parser.add_argument("--api-key-env", help="the environment variable that holds the server's key")
    parser.add_argument("--only", choices=["judge", "decomposer"])
    parser.add_argument("--ids", help="conversations to take, by id, separated by commas")
    parser.add_argument("--turns", type=int, default=1000, help="judge the first so many turns")
    parser.add_argument("--text-only", action="store_true", help="hide tool calls from the judge")
    parser.add_argument("--prompts", type=Path, help="a folder of prompt files")
    parser.add_argument(
        "--cache", type=Path, help="keep answers in this file, so that a run that was cut off can go on"
    )
    parser.add_argument("--concurrency", type=int, default=1, help="requests at once; 1 serves a prefix cache best")
    parser.add_argument("--context", type=int, default=6144)
    parser.add_argument("--max-tokens", type=int, default=400)
    parser.add_argument("--labels", type=Path, help="write the judge's goal states there (JSONL)")
    parser.add_argument("--goals", type=Path, help="write the decomposed goals there (NAME.goal.yaml)")
    options = parser.parse_args(arguments)
    spec = ModelSpec(
        name=Path(options.model).name,
        model=options.model,
        base_url=options.base_url,
        api_key_env=options.api_key_env,
        sampling={"temperature": 0, "max_tokens": options.max_tokens},
        concurrency=options.concurrency,
        timeout=1800,
        serve=ServeOptions(context=options.context, parallel=options.concurrency),
    )
    try:
        wanted = options.ids.split(",") if options.ids else None
        gold = [entry for entry in read_gold(options.gold) if wanted is None or entry.goal.id in wanted]
        with (
            tempfile.TemporaryDirectory() as folder,
            ServerPool(Path(folder), notify=lambda line: print(line, file=sys.stderr)) as servers,
        ):
            asyncio.run(measure(options, servers.start(spec), gold))
    except UgstError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
