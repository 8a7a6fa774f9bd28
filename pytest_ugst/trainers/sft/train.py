"""Supervised fine-tuning on reasoning and utterances, on TRL's trainer: the second stage of training.

Source: "Goal Alignment in LLM-Based User Simulators for Conversational AI", section 5.2 and appendix C. The loss is
that of the completions alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.core.errors import UsageError
from pytest_ugst.trainers.common.bases import find_base, load_tokenizer, require_libraries
from pytest_ugst.trainers.sft.call import SftCall

if TYPE_CHECKING:
    from pytest_ugst.core.registry import Registry
    from pytest_ugst.trainers.data.examples import Example
    from pytest_ugst.trainers.sft.encoding import EncodedExample, ExampleEncoder


def train_sft(call: SftCall, registry: Registry | None = None) -> Path:
    """Train, and save the model.

    Args:
        call: The model, the data and the options.
        registry: The registry with the suites' test goals; the built-in ones unless given.

    Returns:
        The folder of the trained model.

    Raises:
        UsageError: For what the user has to mend, before the first step; or if the disk is full.
    """
    require_libraries()
    from pytest_ugst.roles.batch import builtin_registry
    from pytest_ugst.trainers.common.memory import keep_memory
    from pytest_ugst.trainers.data.contamination import require_no_test_goals, suite_test_goals
    from pytest_ugst.trainers.data.folder import read_data
    from pytest_ugst.trainers.sft.encoding import ExampleEncoder
    from pytest_ugst.trainers.sft.trainer import SftRun

    find_base(call.model)
    data = read_data(call.dataset, kind=call.kind)
    if call.kind == "simulator":
        goals = {e.goal.id: e.goal.text for e in data.episodes.values()}
        tested = suite_test_goals(registry or builtin_registry(call.data))
        require_no_test_goals(goals, tested, str(call.dataset))
    folder = call.open_folder()
    encoder = ExampleEncoder(load_tokenizer(call.model))
    limit = call.options.max_tokens
    parts = {part: _encode(encoder, examples, part, limit) for part, examples in data.examples.items()}
    if not parts["train"]:
        raise UsageError(f"{call.dataset}: no row has {limit} tokens or less; raise --max-tokens")
    keep_memory()
    run = SftRun(call, folder, data, encoder, parts)
    folder.begin()
    run.train()
    return call.out


def _encode(encoder: ExampleEncoder, examples: Sequence[Example], part: str, limit: int) -> list[EncodedExample]:
    """Encode the examples of at most ``limit`` tokens, and print how many are longer."""
    encoded = [encoder.encode(example) for example in examples]
    kept = [example for example in encoded if len(example) <= limit]
    if len(kept) < len(encoded):
        print(f"ugst: {part}: {len(encoded) - len(kept)} of {len(encoded)} rows left out: too long", flush=True)
    return kept
