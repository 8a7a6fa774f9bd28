"""Find failure patterns of real simulators: in labelled conversations, and in tau-bench's recorded ones.

    python benchmarks/failure_real.py gold GOLD.jsonl [--model judge.gguf]
    python benchmarks/failure_real.py recorded TRAJECTORIES.json DIR --model judge.gguf --sample 6 [--at-most 1]

The first compares the patterns with the failure labels that a person has set, and takes the labelled statuses for those
of a judge; with a model, it does so once more after that model has decided where the rules only guess. The second has a
model decompose the goals of a sample of airline conversations and judge every turn, and writes a run into DIR for
``ugst report failures DIR --list``; a second call goes on where the first one ended.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from pytest_ugst.analysis.agreement.label_files import read_gold
from pytest_ugst.analysis.failures.llm import judge_failures
from pytest_ugst.analysis.failures.patterns import classify, merge, unsettled
from pytest_ugst.analysis.failures.record import Failure
from pytest_ugst.core.chat import ChatError
from pytest_ugst.core.conversation import Closing, Conversation, StopReason
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.errors import UgstError
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.judges.decomposer import decompose
from pytest_ugst.judges.llm import LlmJudge
from pytest_ugst.llm.cache import ResponseCache
from pytest_ugst.llm.client import ChatPool
from pytest_ugst.llm.model_spec import ModelSpec, ServeOptions
from pytest_ugst.llm.servers import ServerPool
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.recordings.tau_bench import STOP, read_recordings
from pytest_ugst.runs.run import StoredRun
from pytest_ugst.simulators.termination import read_ending

LONGEST = 4
"""The maximum number of turns of a recorded conversation: a verdict takes a small model many seconds."""


def ended(conversation: Conversation, stop: StopReason, by_user: bool) -> Conversation:
    """Return a recorded conversation with the way it ended.

    Args:
        conversation: As recorded.
        stop: Why it is over.
        by_user: Whether the user ended it, with the stop word.
    """
    turns = [turn.model_copy(update={"user": turn.user.replace(STOP, "").strip()}) for turn in conversation.turns]
    if turns and not turns[-1].user:
        turns.pop()
    if not by_user:
        return Conversation(turns=tuple(turns), stop=stop)
    last = turns[-1]
    ending = None if last.agent else read_ending(f"{last.user}\n{STOP}")
    closing = Closing(
        text=f"{last.user} {STOP}" if ending else STOP, separate=ending is None, asked=bool(ending and ending.asked)
    )
    return Conversation(turns=tuple(turns), stop=stop, closing=closing)


def gold_episodes(path: Path) -> list[Episode]:
    """Return the labelled conversations, with their labels as verdicts."""
    episodes = []
    for gold in read_gold(path):
        by_user = STOP in gold.conversation.turns[-1].user  # else the agent has handed the user over
        conversation = ended(gold.conversation, StopReason.USER_ENDED, by_user)
        labelled = {label.turn: label.status for label in gold.labels.labels if label.turn <= len(conversation.turns)}
        # A turn of the stop word alone is no turn here; the changes in it belong to the last one.
        labelled[len(conversation.turns)] = gold.labels.labels[-1].status
        episodes.append(
            Episode(
                id=gold.goal.id,
                goal=gold.goal,
                setting=EpisodeConfig(simulator="recorded", agent="recorded", judge="gold"),
                max_turns=30,
                conversation=conversation,
                verdicts=tuple(
                    Verdict(component=name, turn=turn, status=status, by="gold")
                    for turn, statuses in labelled.items()
                    for name, status in statuses.items()
                    if status != "ERROR"
                ),
            )
        )
    return episodes


async def compare(options: argparse.Namespace, pool: ChatPool | None, spec: ModelSpec | None) -> None:
    """Print the patterns of every labelled conversation beside the labels, and how they agree."""
    episodes = gold_episodes(options.gold)
    lines = [json.loads(line) for line in options.gold.read_text(encoding="utf-8").splitlines() if line.strip()]
    labels = {line["id"]: [f["kind"] for f in line["failures"] if f["kind"] != "none"] for line in lines}
    by_method: dict[str, dict[str, tuple[Failure, ...]]] = {"rule": {e.id: classify(e) for e in episodes}}
    if pool is not None and spec is not None:
        prompts, chat = Prompts.load(None), pool.chat(spec, "judge")
        with_judge: dict[str, tuple[Failure, ...]] = {}
        for episode in episodes:
            by_rule = by_method["rule"][episode.id]
            parts = unsettled(episode, by_rule)
            try:
                judged = await judge_failures(chat, prompts, episode, parts) if parts else ()
            except ChatError as error:
                print(f"{episode.id}: {error}", file=sys.stderr)
                judged = ()
            with_judge[episode.id] = merge(by_rule, judged)
        by_method[spec.name] = with_judge
    for name, found in by_method.items():
        print(f"\nby {name}")
        tally: Counter[str] = Counter()
        for episode_id, wanted in labels.items():
            kinds = [failure.pattern.value for failure in found[episode_id]]
            print(f"  {episode_id}: labelled {', '.join(wanted) or 'none'}; found {', '.join(kinds) or 'none'}")
            tally["failed or not"] += bool(kinds) == bool(wanted)
            tally["failed"] += bool(wanted)
            tally["primary among labels"] += bool(wanted and kinds) and kinds[0] in wanted
            tally["both"] += len(set(kinds) & set(wanted))
            tally["labelled"] += len(set(wanted))
            tally["found"] += len(set(kinds))
        print(f"  agree on whether anything failed: {tally['failed or not']} of {len(labels)}")
        print(f"  primary pattern is among the labelled ones: {tally['primary among labels']} of {tally['failed']}")
        print(f"  patterns found that are labelled: {tally['both']} of {tally['found']}")
        print(f"  patterns labelled that are found: {tally['both']} of {tally['labelled']}")


async def judge(options: argparse.Namespace, pool: ChatPool, spec: ModelSpec) -> None:
    """Decompose the goals of a sample of recorded conversations, judge the conversations, and write a run."""
    prompts = Prompts.load(None)
    chat, judge = pool.chat(spec, "decomposer"), LlmJudge(pool.chat(spec, "judge"), prompts)
    setting = EpisodeConfig(simulator="recorded gpt-4o", agent="recorded", judge=spec.name, prompts=prompts.version)
    run = StoredRun(options.out)
    run.create(setting)
    run.journal.refresh()
    short = [r for r in read_recordings(options.recordings, "airline") if 1 < len(r.conversation.turns) <= LONGEST]
    short.sort(key=lambda r: (r.goal.id, r.trial))
    chosen = random.Random(0).sample(short, min(options.sample, len(short)))
    left = [r for r in chosen if f"{r.goal.id}@{r.trial + 1}" not in run.journal][: options.at_most]
    print(f"{len(short)} of at most {LONGEST} turns, {len(chosen)} drawn, {len(left)} to judge now", file=sys.stderr)
    for recording in left:
        stop = StopReason.USER_ENDED if recording.finished else StopReason.TURN_LIMIT
        goal: Goal = await decompose(chat, recording.goal, prompts)
        conversation = ended(recording.conversation, stop, recording.finished)
        verdicts: list[Verdict] = []
        for turn in range(1, len(conversation.turns) + 1):
            state = GoalState.fold(goal.components or (), verdicts, turn - 1)
            verdicts += await judge.judge(state.open(), conversation.up_to(turn), turn)
        episode = Episode(
            id=f"{recording.goal.id}@{recording.trial + 1}",
            goal=goal,
            trial=recording.trial + 1,
            setting=setting,
            max_turns=30,
            conversation=conversation,
            verdicts=tuple(verdicts),
            task={"task": recording.reward},
        )
        run.journal.append(episode)
        print(f"{episode.id}: {len(conversation.turns)} turns, {len(verdicts)} verdicts", file=sys.stderr)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, and run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ways = parser.add_subparsers(required=True)
    gold = ways.add_parser("gold")
    gold.add_argument("gold", type=Path)
    gold.set_defaults(work=compare)
    recorded = ways.add_parser("recorded")
    recorded.add_argument("recordings", type=Path)
    recorded.add_argument("out", type=Path)
    recorded.add_argument("--sample", type=int, default=6)
    recorded.add_argument("--at-most", type=int, default=1000, help="judge so many in this call")
    recorded.set_defaults(work=judge)
    for way in (gold, recorded):
        way.add_argument("--model", type=Path, required=way is recorded, help="a GGUF file or checkpoint folder")
        way.add_argument("--cache", type=Path, help="keep answers in this file")
    options = parser.parse_args(arguments)
    try:
        if options.model is None:
            asyncio.run(options.work(options, None, None))
        else:
            with_model(options.model, options.cache, lambda pool, spec: options.work(options, pool, spec))
    except UgstError as error:
        sys.exit(f"error: {error}")


def with_model(model: Path, cache: Path | None, work: Callable[[ChatPool, ModelSpec], Awaitable[Any]]) -> None:
    """Serve a model while a function works with it."""
    spec = ModelSpec(
        name=model.name,
        model=str(model),
        sampling={"temperature": 0, "max_tokens": 800},
        concurrency=1,
        timeout=1800,
        serve=ServeOptions(context=8192, parallel=1),
    )

    async def run(served: ModelSpec) -> None:
        pool = ChatPool(cache=ResponseCache(cache) if cache else None)
        try:
            await work(pool, served)
        finally:
            await pool.close()

    with tempfile.TemporaryDirectory() as folder, ServerPool(Path(folder)) as servers:
        asyncio.run(run(servers.start(spec)))


if __name__ == "__main__":
    main()
