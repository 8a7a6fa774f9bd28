"""Checkpoints: whole or not at all, and played as they were trained."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.registry import RoleContext
from pytest_ugst.llm.checkpoint_info import CheckpointInfo, TrainingStep, read_checkpoint_info
from pytest_ugst.llm.manager import ModelManager
from pytest_ugst.prompts.loader import Prompts
from pytest_ugst.roles.batch import builtin_registry, settings_here
from pytest_ugst.roles.resolver import RoleResolver
from pytest_ugst.simulators.trained import as_trained
from pytest_ugst.trainers.common.checkpoint import add_results, save_checkpoint, saving

PROMPT = "<!-- version: own -->\nBe $goal.\n"
TRAINED = CheckpointInfo(
    reasoning="think",
    prompts="own-1",
    sampling={"max_tokens": 128, "temperature": 0.3},
    lineage=(TrainingStep(method="sft", base="b|<i>", data="d", episodes=3, rows=9, steps=4),),
)


def weights(text: str) -> Callable[[str], None]:
    def save(folder: str) -> None:
        (Path(folder) / "config.json").write_text("{}")
        (Path(folder) / "model.safetensors").write_text(text)

    return save


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "c"
    save_checkpoint(folder, weights("one"), TRAINED, {"simulator_system.md": PROMPT})
    return folder


def test_what_is_saved_says_how_it_is_played(checkpoint: Path) -> None:
    assert read_checkpoint_info(checkpoint) == TRAINED
    assert read_checkpoint_info(checkpoint.parent) is None
    card = (checkpoint / "README.md").read_text()
    assert "**sft**" in card
    assert "<i>" not in card
    assert not list(checkpoint.glob(".saving*"))


def test_a_full_disk_leaves_the_previous_checkpoint_whole(checkpoint: Path) -> None:
    before = {p.name: p.read_bytes() for p in checkpoint.iterdir() if p.is_file()}

    def full(folder: str) -> None:
        (Path(folder) / "model.safetensors").write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UsageError, match="No space left on device; what was there before is whole"):
        save_checkpoint(checkpoint, full, TRAINED, {})
    assert {p.name: p.read_bytes() for p in checkpoint.iterdir() if p.is_file()} == before
    assert not list(checkpoint.glob(".saving*"))


def test_safetensors_way_of_saying_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't save to"), saving(tmp_path / "n"):
        raise RuntimeError("I/O error: No space left on device (os error 28)")
    with pytest.raises(RuntimeError, match="shapes"), saving(tmp_path / "n"):
        raise RuntimeError("shapes differ")


def test_new_weights_drop_what_was_made_of_the_old_ones(checkpoint: Path) -> None:
    for name in ("model.gguf", "results.json", "notes.txt"):
        (checkpoint / name).write_text("old")
    save_checkpoint(checkpoint, weights("two"), TRAINED, {})
    left = {path.name for path in checkpoint.iterdir()}
    assert "notes.txt" in left
    assert not {"model.gguf", "results.json"} & left


def test_results_go_into_the_card(checkpoint: Path, tmp_path: Path) -> None:
    column = {"value": 61.4, "low": 50.0, "high": 70.1, "n": 7, "successes": 4, "errors": 1}
    results = {"run": "r1", "rows": [{"label": "c", "rates": {"columns": {"avg": column}}}]}
    (tmp_path / "results.json").write_text(json.dumps(results))
    add_results(checkpoint, tmp_path / "results.json")
    assert "| avg | 61.4 | 50.0–70.1 | 7 | 1 |" in (checkpoint / "README.md").read_text()
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(UsageError, match=r"can't be read as a run's results.json"):
        add_results(checkpoint, tmp_path / "results.json")
    with pytest.raises(UsageError, match="no checkpoint that was trained here"):
        add_results(tmp_path, tmp_path / "results.json")


def test_a_damaged_description_is_told(checkpoint: Path) -> None:
    for text, what in (("{", "can't be read"), ('{"format": 9}', "format: Input should be 1")):
        (checkpoint / "ugst.json").write_text(text)
        with pytest.raises(UsageError, match=what):
            read_checkpoint_info(checkpoint)


# Played as trained


def nobody(name: str, role: str) -> Any:
    raise AssertionError(name)


def context(**more: Any) -> RoleContext:
    return RoleContext(chat=nobody, **more)


def test_a_simulator_is_played_as_it_was_trained(checkpoint: Path, tmp_path: Path) -> None:
    assert as_trained(context(), str(checkpoint)) == context(reasoning=True, prompts=checkpoint / "prompts")
    own = context(prompts=tmp_path)
    assert as_trained(own, str(checkpoint)).prompts == tmp_path
    assert as_trained(context(), "gpt-4o-mini") == context()
    (checkpoint / "model.gguf").touch()
    assert as_trained(context(), str(checkpoint / "model.gguf")).reasoning


def resolver_of(sim: str, folder: Path) -> RoleResolver:
    settings, registry = settings_here(sim=sim), builtin_registry()
    return RoleResolver(settings, registry, ModelManager(settings, registry.roles(), folder / "run"))


def test_a_run_records_how_it_is_played(checkpoint: Path) -> None:
    resolver = resolver_of(str(checkpoint), checkpoint.parent)
    setting = resolver.config()
    assert setting.reasoning
    assert setting.prompts == Prompts.load(checkpoint / "prompts").version
    assert resolver.models.spec(str(checkpoint)).sampling == {"max_tokens": 128, "temperature": 0.3}
    plain = resolver_of("agenda", checkpoint.parent).config()
    assert not plain.reasoning
