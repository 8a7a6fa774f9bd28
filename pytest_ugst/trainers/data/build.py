"""Stage 1 into stage 2: from goals or recorded runs to a data folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytest_ugst import __version__
from pytest_ugst.core.errors import UsageError
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.trainers.common.card import data_card
from pytest_ugst.trainers.data.contamination import require_apart, suite_goals
from pytest_ugst.trainers.data.examples import Example, Traces, examples_of
from pytest_ugst.trainers.data.folder import INFO_FILE, PARTS, DataInfo, write_data
from pytest_ugst.trainers.data.selection import (
    Keep,
    balance_categories,
    balance_goals,
    hold_out,
    keep_rows,
    moved,
    within,
    without_doubles,
)

if TYPE_CHECKING:
    from pytest_ugst.core.episode import Episode
    from pytest_ugst.core.registry import Registry

PROMPT_FILES = ("simulator_system", "simulator_reasoning", "simulator_greeting", "simulator_again")
"""The prompts that a trained simulator is played with."""
Balance = Literal["none", "goals", "categories", "both"]


@dataclass(frozen=True, slots=True)
class Making:
    """How data is made from episodes."""

    keep: Keep = "episodes"
    traces: Traces = "auto"
    doubles: bool = False
    """Whether equal rows are kept."""
    balance: Balance = "none"
    max_tokens: int = 2048
    tokenizer: str = ""
    """A model whose tokenizer counts; without one, four characters count as a token."""
    eval_share: float = 0.1
    seed: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    """What else the card is to say."""


def check_out(out: Path, force: bool) -> None:
    """Make sure that no other data is lost.

    Raises:
        UsageError: If the folder holds something already.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not force:
        what = "training data" if (out / INFO_FILE).exists() else "something else"
        raise UsageError(f"--out {out} holds {what} already; name another folder, or replace it with --force")


def make_data(
    episodes: Iterable[Episode], prompts: Prompts, how: Making, registry: Registry, out: Path
) -> tuple[DataInfo, dict[str, list[Example]]]:
    """Make a data folder from recorded episodes.

    Args:
        episodes: Recorded ones; of two with the same id the second gets another.
        prompts: With which the trained model will be prompted.
        how: What is kept, and in which form.
        registry: Where the suites' test goals are found.
        out: The folder.

    Returns:
        What was written about it, and the rows by part.

    Raises:
        UsageError: If a goal is a test goal, if nothing is left, or if the folder can't be written.
    """
    by_id = by_unique_id(episodes)
    require_apart({e.goal.id: e.goal.text for e in by_id.values()}, suite_goals(registry), "training data")
    count = token_counter(how.tokenizer)
    dropped: Counter[str] = Counter()
    rows: list[Example] = []
    made = 0
    for episode in by_id.values():
        all_rows = list(examples_of(episode, prompts, how.traces, how.seed))
        held = keep_rows(episode, all_rows, how.keep)
        made += len(all_rows)
        dropped["not aligned"] += len(all_rows) - len(held)
        rows += held
    steps: list[tuple[str, Callable[[list[Example]], list[Example]]]] = [
        (f"over {how.max_tokens} tokens", lambda held: within(held, how.max_tokens, count)),
    ]
    if not how.doubles:
        steps.append(("doubles", without_doubles))
    if how.balance in ("goals", "both"):
        steps.append(("balancing goals", lambda held: balance_goals(held, how.seed)))
    if how.balance in ("categories", "both"):
        steps.append(("balancing categories", lambda held: balance_categories(held, by_id, how.seed)))
    for why, step in steps:
        before = len(rows)
        rows = step(rows)
        dropped[why] += before - len(rows)
    if not rows:
        told = ", ".join(f"{n} {why}" for why, n in dropped.items() if n)
        raise UsageError(
            f"no row is left of {made} ({told or 'no turn was recorded'}); try --keep turns, or other runs"
        )
    apart = hold_out((row.goal for row in rows), how.eval_share, how.seed)
    parts = {"train": [r for r in rows if r.goal not in apart], "eval": [r for r in rows if r.goal in apart]}
    used = {row.episode for row in rows}
    info = DataInfo(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
        reasoning="none" if how.traces == "none" else "think",
        traces=how.traces,
        prompts=prompts.version,
        seed=how.seed,
        settings={
            "keep": how.keep,
            "balance": how.balance,
            "max_tokens": how.max_tokens,
            "eval_share": how.eval_share,
            **how.settings,
            **_played_with(by_id.values()),
        },
        goals={part: sorted({row.goal for row in parts[part]}) for part in PARTS},
        counts={
            "episodes recorded": len(by_id),
            "episodes used": len(used),
            "rows made": made,
            **{part: len(parts[part]) for part in PARTS},
            "left out": {why: n for why, n in dropped.items() if n},
            **statistics(parts["train"] + parts["eval"], by_id, count, bool(how.tokenizer)),
        },
    )
    files = {f"{name}.md": _prompt_file(prompts, name) for name in PROMPT_FILES}
    card = data_card(info, parts["train"][0] if parts["train"] else None)
    write_data(out, info, parts, (e for e in by_id.values() if e.id in used), files, card)
    return info, parts


def statistics(
    rows: Sequence[Example], episodes: dict[str, Episode], count: Callable[[Example], int], exact: bool
) -> dict[str, Any]:
    """What the rows are like: their lengths, their turns, and in how many each category is moved forward."""
    lengths = sorted(count(row) for row in rows)
    spoken = sorted(len(row.completion_text.split()) for row in rows)
    moves = Counter(str(c) for row in rows for c in moved(episodes[row.episode], row.turn))
    about = "tokens" if exact else "tokens (estimated)"
    return {
        about: {"mean": round(sum(lengths) / len(lengths)), "median": _middle(lengths), "most": lengths[-1]},
        "words of a target": {"mean": round(sum(spoken) / len(spoken)), "most": spoken[-1]},
        "rows by turn": {str(turn): n for turn, n in sorted(Counter(row.turn for row in rows).items())},
        "rows that move": dict(sorted(moves.items())),
    }


def token_counter(tokenizer: str) -> Callable[[Example], int]:
    """Counts the tokens of a row, by a model's tokenizer or, without one, by a quarter of its characters.

    Raises:
        UsageError: If the tokenizer can't be loaded or has no chat template.
    """
    if not tokenizer:
        return lambda row: sum(len(m.content) for m in (*row.prompt, *row.completion)) // 4
    from pytest_ugst.trainers.common.bases import load_tokenizer
    from pytest_ugst.trainers.common.tokens import PromptTokens

    loaded = load_tokenizer(tokenizer)
    tokens = PromptTokens(loaded)
    return lambda row: (
        len(tokens.ids([m.model_dump() for m in row.prompt]))
        + len(loaded(row.completion_text, add_special_tokens=False)["input_ids"])
    )


def recorded(home: Path, names: Sequence[str]) -> Iterator[Episode]:
    """The episodes of recorded runs, run by run.

    Raises:
        UsageError: If there is no such run.
    """
    from pytest_ugst.runs.reader import open_run

    for name in names:
        yield from open_run(home, name).journal


def by_unique_id(episodes: Iterable[Episode]) -> dict[str, Episode]:
    """Episodes of several runs by id; one whose id was there before gets another."""
    found: dict[str, Episode] = {}
    for episode in episodes:
        name, number = episode.id, 1
        while name in found:
            number += 1
            name = f"{episode.id}#{number}"
        found[name] = episode if name == episode.id else episode.model_copy(update={"id": name})
    return found


def _played_with(episodes: Iterable[Episode]) -> dict[str, Any]:
    settings = [episode.setting for episode in episodes]
    return {
        f"played: {name}": ", ".join(sorted({str(getattr(setting, name)) for setting in settings}))
        for name in ("simulator", "agent", "judge", "steer", "reasoning", "seed")
    }


def _prompt_file(prompts: Prompts, name: str) -> str:
    """A prompt as a file, under the version name of all of them."""
    version = prompts.version.rpartition("-")[0].replace("+", ".")[:40] or "1"
    text = prompts.texts[f"{name}.md"]
    return f"<!-- version: {version} -->\n{text}\n"


def _middle(ordered: Sequence[int]) -> int:
    return ordered[len(ordered) // 2]
