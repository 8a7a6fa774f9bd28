"""Distillation of a judge: recorded verdicts of a strong one become examples that a small model is trained on.

The prompt is the one a judge model gets, made by the very function that makes it in a run; the completion is the answer
in the form that is asked for: a JSON object of reasoning, evidence and status.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pytest_ugst.core.check import CHECKS
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.version import __version__
from pytest_ugst.judges.llm import LlmJudge
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.trainers.data.build import by_unique_id, token_counter
from pytest_ugst.trainers.data.card import data_card
from pytest_ugst.trainers.data.examples import Example, Message
from pytest_ugst.trainers.data.folder import PARTS, DataInfo, write_data
from pytest_ugst.trainers.data.selection import hold_out

if TYPE_CHECKING:
    from pytest_ugst.core.chat import Chat
    from pytest_ugst.core.episode import Episode
    from pytest_ugst.core.verdict import Verdict

_DROPPED = re.compile(r" ?\(\d+ quoted passage\(s\) not found in the conversation left out\)$")
_RATIO = 2  # how many times as many examples the commonest status of a category may have as the rarest
_FEWEST = 10  # examples of a status that are never dropped


def verdict_as_answer(verdict: Verdict) -> str:
    """Return a verdict as the answer that a judge model is asked for."""
    record = {
        "reasoning": _DROPPED.sub("", verdict.reasoning),
        "evidence": [e.model_dump(mode="json") for e in verdict.evidence],
        "status": verdict.status,
    }
    return json.dumps(record, ensure_ascii=False)


def judge_examples(episode: Episode, prompts: Prompts, teacher: str = "") -> Iterator[tuple[Example, str]]:
    """Yield the examples of an episode's verdicts, each with category and status.

    Args:
        episode: A recorded episode.
        prompts: The prompts that the trained judge will be asked with.
        teacher: The judge whose verdicts count; those of any model, if empty.
    """
    judge = LlmJudge(cast("Chat", None), prompts, episode.setting.judge_sees_tools)
    parts = {c.id: c for c in episode.components}
    for verdict in episode.verdicts:
        if verdict.status is None or verdict.component not in parts:
            continue
        if (verdict.by != teacher) if teacher else (verdict.by == CHECKS):
            continue
        component = parts[verdict.component]
        messages: Any = judge.messages(component, episode.conversation, verdict.turn)
        example = Example(
            prompt=tuple(Message(role=m["role"], content=m["content"]) for m in messages),
            completion=(Message(role="assistant", content=verdict_as_answer(verdict)),),
            episode=episode.id,
            goal=episode.goal.id,
            trial=episode.trial,
            turn=verdict.turn,
        )
        yield example, f"{component.category} {verdict.status}"


def build_judge_data(
    episodes: Iterable[Episode],
    prompts: Prompts,
    out: Path,
    *,
    teacher: str = "",
    balance: bool = True,
    max_tokens: int = 2048,
    tokenizer: str = "",
    eval_share: float = 0.1,
    seed: int = 0,
    sources: Sequence[str] = (),
) -> DataInfo:
    """Build a data folder for a judge from recorded episodes.

    Args:
        episodes: Recorded episodes, judged by a strong judge.
        prompts: The prompts that the trained judge will be asked with.
        out: The folder.
        teacher: The judge whose verdicts count; those of any model, if empty.
        balance: Whether most examples of common statuses are dropped: most statuses never move, and a judge that always
            answers so would seem good.
        max_tokens: Tokens of an example; longer ones are left out.
        tokenizer: A model whose tokenizer counts them.
        eval_share: The share of the goals that is held out.
        seed: The seed of what is drawn.
        sources: The runs that the episodes come from, for the card.

    Raises:
        UsageError: If there is no such verdict, or the folder can't be written.
    """
    by_id = by_unique_id(episodes)
    count = token_counter(tokenizer)
    found = [pair for episode in by_id.values() for pair in judge_examples(episode, prompts, teacher)]
    if not found:
        others = sorted({v.by for e in by_id.values() for v in e.verdicts})
        whose = f"no verdict by {teacher!r}" if teacher else "no verdict by a model"
        raise UsageError(
            f"{whose} in these runs (verdicts there are by {', '.join(others) or 'nobody'}); see --teacher"
        )
    short = [pair for pair in found if count(pair[0]) <= max_tokens]
    kept = balance_statuses(short, seed) if balance else short
    if not kept:
        raise UsageError(f"no verdict fits into {max_tokens} tokens; raise --max-tokens")
    examples = [example for example, _ in kept]
    held_out = hold_out((example.goal for example in examples), eval_share, seed)
    parts = {
        "train": [e for e in examples if e.goal not in held_out],
        "eval": [e for e in examples if e.goal in held_out],
    }
    judges = sorted(
        {v.by for e in by_id.values() for v in e.verdicts if v.by == teacher or (not teacher and v.by != CHECKS)}
    )
    info = DataInfo(
        kind="judge",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
        reasoning="none",
        prompts=prompts.version,
        seed=seed,
        settings={"runs": list(sources), "teacher": ", ".join(judges), "balance": balance, "max_tokens": max_tokens},
        goals={part: sorted({example.goal for example in parts[part]}) for part in PARTS},
        counts={
            "verdicts": len(found),
            **{part: len(parts[part]) for part in PARTS},
            "left out": {"too long": len(found) - len(short), "balancing": len(short) - len(kept)},
            "statuses": dict(sorted(Counter(status for _, status in kept).items())),
        },
    )
    used = {example.episode for example in examples}
    write_data(out, info, parts, (e for e in by_id.values() if e.id in used), {}, data_card(info, examples[0]))
    return info


def balance_statuses(pairs: Sequence[tuple[Example, str]], seed: int) -> list[tuple[Example, str]]:
    """Drop most of the examples of the commonest statuses of each category, drawn by seed."""
    groups: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, (_, label) in enumerate(pairs):
        groups[label.split()[0]][label].append(index)
    rng = random.Random(seed)  # noqa: S311
    kept: set[int] = set()
    for statuses in groups.values():
        bound = max(_FEWEST, _RATIO * min(map(len, statuses.values())))
        for indices in statuses.values():
            kept.update(indices if len(indices) <= bound else rng.sample(indices, bound))
    return [pair for index, pair in enumerate(pairs) if index in kept]
