"""Building a data folder from recorded episodes: the first of the three stages of training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.version import __version__
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.trainers.data.card import data_card
from pytest_ugst.trainers.data.contamination import require_no_test_goals, suite_test_goals
from pytest_ugst.trainers.data.examples import Example, ReasoningSource, examples_of
from pytest_ugst.trainers.data.folder import PARTS, DataInfo, holds_data, write_data
from pytest_ugst.trainers.data.selection import (
    Keep,
    balance_categories,
    balance_goals,
    hold_out,
    keep_examples,
    moved_categories,
    within_limit,
    without_duplicates,
)

if TYPE_CHECKING:
    from pytest_ugst.core.episode import Episode
    from pytest_ugst.core.registry import Registry

PROMPT_FILES = ("simulator_system", "simulator_reasoning", "simulator_greeting", "simulator_again")
"""Names of the prompts that a trained simulator is played with."""
Balance = Literal["none", "goals", "categories", "both"]


@dataclass(frozen=True, slots=True)
class DataRecipe:
    """The options by which data is built from episodes."""

    keep: Keep = "episodes"
    reasoning: ReasoningSource = "auto"
    keep_duplicates: bool = False
    balance: Balance = "none"
    max_tokens: int = 2048
    """The largest number of tokens of an example."""
    tokenizer: str = ""
    """A model whose tokenizer counts; without one, four characters count as a token."""
    eval_share: float = 0.1
    """The share of the goals that is held out."""
    seed: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    """More settings for ``data.json`` and the card."""


def check_out(out: Path, force: bool) -> None:
    """Check that no other data would be lost by writing into a folder.

    Args:
        out: The folder.
        force: Whether what it holds may be replaced.

    Raises:
        UsageError: If the folder holds something already.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not force:
        what = "training data" if holds_data(out) else "something else"
        raise UsageError(f"--out {out} holds {what} already; name another folder, or replace it with --force")


def build_data(
    episodes: Iterable[Episode], prompts: Prompts, recipe: DataRecipe, registry: Registry, out: Path
) -> tuple[DataInfo, dict[str, list[Example]]]:
    """Build a data folder from recorded episodes.

    Args:
        episodes: Recorded episodes; of two with the same id the second gets another.
        prompts: The prompts that the trained model will be played with.
        recipe: What is kept, and in which form.
        registry: The registry with the suites' test goals.
        out: The folder.

    Returns:
        The content of ``data.json``, and the examples by part.

    Raises:
        UsageError: If a goal is a test goal, if nothing is left, or if the folder can't be written.
    """
    by_id = by_unique_id(episodes)
    require_no_test_goals({e.goal.id: e.goal.text for e in by_id.values()}, suite_test_goals(registry), "training data")
    count = token_counter(recipe.tokenizer)
    dropped: Counter[str] = Counter()
    made, examples = _aligned_examples(by_id.values(), prompts, recipe, dropped)
    for reason, step in _selection_steps(recipe, by_id, count):
        before = len(examples)
        examples = step(examples)
        dropped[reason] += before - len(examples)
    if not examples:
        reasons = ", ".join(f"{n} {reason}" for reason, n in dropped.items() if n)
        raise UsageError(
            f"no row is left of {made} ({reasons or 'no turn was recorded'}); try --keep turns, or other runs"
        )
    held_out = hold_out((example.goal for example in examples), recipe.eval_share, recipe.seed)
    parts = {
        "train": [e for e in examples if e.goal not in held_out],
        "eval": [e for e in examples if e.goal in held_out],
    }
    used = {example.episode for example in examples}
    info = DataInfo(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        version=__version__,
        reasoning="none" if recipe.reasoning == "none" else "think",
        traces=recipe.reasoning,
        prompts=prompts.version,
        seed=recipe.seed,
        settings={
            "keep": recipe.keep,
            "balance": recipe.balance,
            "max_tokens": recipe.max_tokens,
            "eval_share": recipe.eval_share,
            **recipe.settings,
            **_played_with(by_id.values()),
        },
        goals={part: sorted({example.goal for example in parts[part]}) for part in PARTS},
        counts={
            "episodes recorded": len(by_id),
            "episodes used": len(used),
            "rows made": made,
            **{part: len(parts[part]) for part in PARTS},
            "left out": {reason: n for reason, n in dropped.items() if n},
            **statistics(parts["train"] + parts["eval"], by_id, count, bool(recipe.tokenizer)),
        },
    )
    files = {f"{name}.md": _prompt_file(prompts, name) for name in PROMPT_FILES}
    card = data_card(info, parts["train"][0] if parts["train"] else None)
    write_data(out, info, parts, (e for e in by_id.values() if e.id in used), files, card)
    return info, parts


def _aligned_examples(
    episodes: Iterable[Episode], prompts: Prompts, recipe: DataRecipe, dropped: Counter[str]
) -> tuple[int, list[Example]]:
    """Return how many examples the episodes give, and those that are to be learned from; count the others."""
    made, kept = 0, []
    for episode in episodes:
        examples = list(examples_of(episode, prompts, recipe.reasoning, recipe.seed))
        aligned = keep_examples(episode, examples, recipe.keep)
        made += len(examples)
        dropped["not aligned"] += len(examples) - len(aligned)
        kept += aligned
    return made, kept


def _selection_steps(
    recipe: DataRecipe, episodes: Mapping[str, Episode], count: Callable[[Example], int]
) -> Iterator[tuple[str, Callable[[list[Example]], list[Example]]]]:
    """Yield what drops examples, in order, each with the reason for the statistics."""
    yield f"over {recipe.max_tokens} tokens", lambda examples: within_limit(examples, recipe.max_tokens, count)
    if not recipe.keep_duplicates:
        yield "doubles", without_duplicates
    if recipe.balance in ("goals", "both"):
        yield "balancing goals", lambda examples: balance_goals(examples, recipe.seed)
    if recipe.balance in ("categories", "both"):
        yield "balancing categories", lambda examples: balance_categories(examples, episodes, recipe.seed)


def statistics(
    examples: Sequence[Example], episodes: Mapping[str, Episode], count: Callable[[Example], int], exact: bool
) -> dict[str, Any]:
    """Return statistics of examples: their lengths, their turns, and in how many each category is moved forward.

    Args:
        examples: At least one.
        episodes: The episodes they come from, by id.
        count: Counts the tokens of an example.
        exact: Whether that count is a tokenizer's, and no estimate.
    """
    lengths = sorted(count(example) for example in examples)
    words = sorted(len(example.completion_text.split()) for example in examples)
    moves = Counter(str(c) for e in examples for c in moved_categories(episodes[e.episode], e.turn))
    turns = Counter(example.turn for example in examples)
    unit = "tokens" if exact else "tokens (estimated)"
    return {
        unit: {"mean": round(sum(lengths) / len(lengths)), "median": _middle(lengths), "most": lengths[-1]},
        "words of a target": {"mean": round(sum(words) / len(words)), "most": words[-1]},
        "rows by turn": {str(turn): n for turn, n in sorted(turns.items())},
        "rows that move": dict(sorted(moves.items())),
    }


def token_counter(tokenizer: str) -> Callable[[Example], int]:
    """Return a function that counts the tokens of an example.

    Args:
        tokenizer: A model whose tokenizer counts; if empty, a quarter of the characters is taken.

    Raises:
        UsageError: If the tokenizer can't be loaded or has no chat template.
    """
    if not tokenizer:
        return lambda example: sum(len(m.content) for m in (*example.prompt, *example.completion)) // 4
    from pytest_ugst.trainers.common.bases import load_tokenizer
    from pytest_ugst.trainers.common.tokens import PromptTokens

    loaded = load_tokenizer(tokenizer)
    tokens = PromptTokens(loaded)
    return lambda example: (
        len(tokens.ids([m.model_dump() for m in example.prompt]))
        + len(loaded(example.completion_text, add_special_tokens=False)["input_ids"])
    )


def recorded_episodes(home: Path, names: Sequence[str]) -> Iterator[Episode]:
    """Yield the episodes of recorded runs, run by run.

    Args:
        home: The folder of ``runs``.
        names: The runs, as names or folders.

    Raises:
        UsageError: If there is no such run.
    """
    from pytest_ugst.runs.reader import open_run

    for name in names:
        yield from open_run(home, name).journal


def by_unique_id(episodes: Iterable[Episode]) -> dict[str, Episode]:
    """Return episodes of several runs by id; one whose id was there before gets another."""
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
    """Return a prompt as the text of a file, under the version name of all of them."""
    version = prompts.version.rpartition("-")[0].replace("+", ".")[:40] or "1"
    text = prompts.texts[f"{name}.md"]
    return f"<!-- version: {version} -->\n{text}\n"


def _middle(ordered: Sequence[int]) -> int:
    return ordered[len(ordered) // 2]
