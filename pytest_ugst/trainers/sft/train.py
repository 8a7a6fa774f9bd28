"""Stage 2: supervised fine-tuning on reasoning and utterances, on TRL's trainer.

Source: "Goal Alignment in LLM-Based User Simulators for Conversational AI", section 5.2 and appendix C. The loss is
that of the targets alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import one_line
from pytest_ugst.trainers.common.bases import find_base, load_tokenizer, require_libraries
from pytest_ugst.trainers.sft.options import SftOptions
from pytest_ugst.utils.files import replace_text

if TYPE_CHECKING:
    from pytest_ugst.core.registry import Registry
    from pytest_ugst.trainers.sft.encoding import Encoded

RECORD = "sft.json"
_FORMAT = 1
_FREE = frozenset({"keep", "log_every", "report_to", "save_every", "sampling"})
"""Options that may differ when a run goes on: they change nothing that is learned."""


@dataclass(frozen=True, slots=True)
class SftCall:
    """One call of ``ugst train sft`` or ``ugst train judge``."""

    model: str
    data: Path
    out: Path
    options: SftOptions
    resume: bool = False
    kind: Literal["simulator", "judge"] = "simulator"


def train_sft(call: SftCall, registry: Registry | None = None) -> Path:
    """Train, and save the model.

    Args:
        call: What to train, on what.
        registry: Where the suites' test goals are found; the built-in ones unless given.

    Returns:
        The folder of the trained model.

    Raises:
        UsageError: For what the user has to mend, before the first step.
    """
    require_libraries()
    from pytest_ugst.roles.batch import builtin_registry
    from pytest_ugst.trainers.data.contamination import require_apart, suite_goals
    from pytest_ugst.trainers.data.folder import read_data
    from pytest_ugst.trainers.sft.encoding import ExampleEncoder

    find_base(call.model)
    data = read_data(call.data, kind=call.kind)
    goals = {e.goal.id: e.goal.text for e in data.episodes.values()}
    if call.kind == "simulator":
        require_apart(goals, suite_goals(registry or builtin_registry()), str(call.data))
    _open(call)
    encoder = ExampleEncoder(load_tokenizer(call.model))
    parts = {part: _encode(encoder, rows, part, call.options) for part, rows in data.rows.items()}
    if not parts["train"]:
        raise UsageError(f"{call.data}: no row has {call.options.max_tokens} tokens or less; raise --max-tokens")
    from pytest_ugst.trainers.common.memory import keep_memory
    from pytest_ugst.trainers.sft.trainer import SftRun

    keep_memory()
    training = SftRun(call, data, encoder, parts)
    training.train()
    return call.out


def _encode(encoder: Any, rows: Sequence[Any], part: str, options: SftOptions) -> list[Encoded]:
    encoded = [encoder.row(row) for row in rows]
    kept = [row for row in encoded if len(row) <= options.max_tokens]
    if len(kept) < len(encoded):
        print(f"ugst: {part}: {len(encoded) - len(kept)} of {len(encoded)} rows left out: too long", flush=True)
    return kept


def _open(call: SftCall) -> None:
    """Make the folder, or see that it holds the run that is to go on."""
    from pytest_ugst.trainers.common.checkpoint import data_digest

    out = call.out
    record = {
        "format": _FORMAT,
        "kind": call.kind,
        "model": str(find_base(call.model).path or call.model),
        "data": data_digest(call.data),
        "options": call.options.model_dump(mode="json"),
    }
    path = out / RECORD
    try:
        out.mkdir(parents=True, exist_ok=True)
        held = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        others = sorted(p.name for p in out.iterdir() if not p.name.startswith(".") and p.name != RECORD)
    except ValueError:
        raise UsageError(f"{path} is damaged; name another folder with --out") from None
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}; name a folder you can write") from None
    if held is None:
        if others:
            raise UsageError(f"--out {out} holds {others[0]} and no SFT run; name another folder")
    elif not call.resume and (last_step(out) is not None or any(out.glob("*.safetensors"))):
        raise UsageError(f"--out {out} holds a run already; go on with it by --resume, or name another folder")
    elif (field := _difference(held, record)) is not None:
        raise UsageError(f"--resume: {out} was begun with another {field}; call it as before")
    replace_text(path, json.dumps(record, indent=2) + "\n")


def _difference(held: Any, record: dict[str, Any]) -> str | None:
    if not isinstance(held, dict) or held.get("format") != _FORMAT or not isinstance(held.get("options"), dict):
        return "format"
    for name in ("kind", "model", "data"):
        if held.get(name) != record[name]:
            return name
    options = record["options"]
    return next((n for n in options if n not in _FREE and held["options"].get(n) != options[n]), None)


def last_step(out: Path) -> Path | None:
    """The latest checkpoint to resume from that was written to its end."""
    # The trainer's state is written last; a folder without one is what a full disk or a kill left behind.
    whole = [path.parent for path in out.glob("checkpoint-*/trainer_state.json") if _is_json(path)]
    return max(whole, key=lambda folder: int(folder.name.rsplit("-", 1)[1]), default=None)


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def told(error: Exception) -> str:
    """An error of a library, on one line."""
    return one_line(str(error), 300)


def main(argv: Sequence[str] | None = None) -> int:
    """``python -m pytest_ugst.trainers.sft``: as ``ugst train sft``, for accelerate and other launchers."""
    from pytest_ugst.trainers.common.launching import run_module
    from pytest_ugst.trainers.sft.command import add_arguments, run

    return run_module("sft", add_arguments, run, argv)
