"""Distilling a judge: recorded verdicts of a strong one become rows that a small model is trained on.

The prompt is the one a judge model gets, made by the very function that makes it in a run; the target is the answer in
the form that is asked for: a JSON object of reasoning, evidence and status.
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

from pytest_ugst import __version__
from pytest_ugst.core.check import CHECKS
from pytest_ugst.core.errors import UsageError
from pytest_ugst.judges.llm import LlmJudge
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.trainers.common.card import data_card
from pytest_ugst.trainers.data.build import by_unique_id, token_counter
from pytest_ugst.trainers.data.examples import Example, Message
from pytest_ugst.trainers.data.folder import PARTS, DataInfo, write_data
from pytest_ugst.trainers.data.selection import hold_out

if TYPE_CHECKING:
    from pytest_ugst.core.chat import Chat
    from pytest_ugst.core.episode import Episode
    from pytest_ugst.core.verdict import Verdict

_DROPPED = re.compile(r" ?\(\d+ quoted passage\(s\) not found in the conversation left out\)$")
_RATIO = 2  # how many times as many rows the commonest status of a category may have as the rarest
_FEWEST = 10  # rows of a status that are never thinned out


def answer(verdict: Verdict) -> str:
    """A verdict as the answer that a judge model is asked for."""
    record = {
        "reasoning": _DROPPED.sub("", verdict.reasoning),
        "evidence": [e.model_dump(mode="json") for e in verdict.evidence],
        "status": verdict.status,
    }
    return json.dumps(record, ensure_ascii=False)


def judge_rows(episode: Episode, prompts: Prompts, teacher: str = "") -> Iterator[tuple[Example, str]]:
    """The rows of an episode's verdicts, each with category and status.

    Args:
        episode: A recorded one.
        prompts: With which the trained judge will be asked.
        teacher: Whose verdicts count; those of any model, if empty.
    """
    asker = LlmJudge(cast("Chat", None), prompts, episode.setting.judge_sees_tools)
    parts = {c.id: c for c in episode.components}
    for verdict in episode.verdicts:
        if verdict.status is None or verdict.component not in parts:
            continue
        if (verdict.by != teacher) if teacher else (verdict.by == CHECKS):
            continue
        component = parts[verdict.component]
        messages: Any = asker.messages(component, episode.conversation, verdict.turn)
        row = Example(
            prompt=tuple(Message(role=m["role"], content=m["content"]) for m in messages),
            completion=(Message(role="assistant", content=answer(verdict)),),
            episode=episode.id,
            goal=episode.goal.id,
            trial=episode.trial,
            turn=verdict.turn,
        )
        yield row, f"{component.category} {verdict.status}"


def make_judge_data(
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
    """Make a data folder for a judge from recorded episodes.

    Args:
        episodes: Recorded ones, judged by a strong judge.
        prompts: With which the trained judge will be asked.
        out: The folder.
        teacher: Whose verdicts count; those of any model, if empty.
        balance: Whether common statuses are thinned out: most statuses never move, and a judge that always says so
            would seem good.
        max_tokens: Longer rows are left out.
        tokenizer: Whose tokens are counted.
        eval_share: Share of the goals held out.
        seed: Of what is drawn.
        sources: Where the episodes come from, for the card.

    Raises:
        UsageError: If there is no such verdict, or the folder can't be written.
    """
    by_id = by_unique_id(episodes)
    count = token_counter(tokenizer)
    found = [pair for episode in by_id.values() for pair in judge_rows(episode, prompts, teacher)]
    if not found:
        others = sorted({v.by for e in by_id.values() for v in e.verdicts})
        whose = f"no verdict by {teacher!r}" if teacher else "no verdict by a model"
        raise UsageError(
            f"{whose} in these runs (verdicts there are by {', '.join(others) or 'nobody'}); see --teacher"
        )
    short = [pair for pair in found if count(pair[0]) <= max_tokens]
    kept = thinned(short, seed) if balance else short
    if not kept:
        raise UsageError(f"no verdict fits into {max_tokens} tokens; raise --max-tokens")
    rows = [row for row, _ in kept]
    apart = hold_out((row.goal for row in rows), eval_share, seed)
    parts = {"train": [r for r in rows if r.goal not in apart], "eval": [r for r in rows if r.goal in apart]}
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
        goals={part: sorted({row.goal for row in parts[part]}) for part in PARTS},
        counts={
            "verdicts": len(found),
            **{part: len(parts[part]) for part in PARTS},
            "left out": {"too long": len(found) - len(short), "balancing": len(short) - len(kept)},
            "statuses": dict(sorted(Counter(status for _, status in kept).items())),
        },
    )
    used = {row.episode for row in rows}
    write_data(out, info, parts, (e for e in by_id.values() if e.id in used), {}, data_card(info, rows[0]))
    return info


def thinned(pairs: Sequence[tuple[Example, str]], seed: int) -> list[tuple[Example, str]]:
    """Rows without most of the commonest statuses of each category, drawn by seed."""
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
