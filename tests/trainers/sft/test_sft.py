"""SFT: the loss is on the targets, resume is exact, what is saved is whole and says what it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.cli import main
from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.checkpoint_info import read_checkpoint_info
from pytest_ugst.trainers.data.folder import read_data
from pytest_ugst.trainers.sft.call import SftCall
from pytest_ugst.trainers.sft.options import SftOptions
from pytest_ugst.trainers.sft.train import train_sft
from tests.trainers.agenda_episodes import episodes, write_folder
from tests.trainers.tiny_model import tiny_model

pytestmark = pytest.mark.slow
pytest.importorskip("trl")

OPTIONS: dict[str, Any] = {
    "max_steps": 4,
    "batch": 4,
    "micro_batch": 1,
    "learning_rate": 1e-2,
    "max_tokens": 1536,
    "save_every": 2,
    "keep": 2,
    "share_prefixes": True,
    "tree_tokens": 1536,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("data") / "d", episodes(2))


def call(data: Path, out: Path, *, resume: bool = False, **options: Any) -> SftCall:
    return SftCall(str(tiny_model()), data, out, SftOptions(**{**OPTIONS, **options}), resume)


def losses(out: Path, step: int) -> list[float]:
    """The loss after every step, as the trainer's state has it."""
    state = json.loads((out / f"checkpoint-{step}" / "trainer_state.json").read_text())
    return [entry["loss"] for entry in state["log_history"] if "loss" in entry]


def set_up(data: Path, made: SftCall) -> tuple[Any, Any]:
    """A run that has not begun, and its encoder."""
    from pytest_ugst.trainers.common.bases import load_tokenizer
    from pytest_ugst.trainers.sft.encoding import ExampleEncoder
    from pytest_ugst.trainers.sft.trainer import SftRun

    encoder = ExampleEncoder(load_tokenizer(str(tiny_model())))
    examples = [encoder.encode(example) for example in read_data(data).train]
    parts = {"train": examples, "eval": []}
    return SftRun(made, made.open_folder(), read_data(data), encoder, parts), encoder


def batches(data: Path, out: Path, **options: Any) -> tuple[Any, Any]:
    """The tokenizer, and the first batch the trainer would compute."""
    training, encoder = set_up(data, call(data, out, **options))
    return encoder.tokenizer, next(iter(training.trainer.get_train_dataloader()))


@pytest.mark.parametrize("shared", [False, True])
def test_the_loss_is_that_of_the_targets_alone(data: Path, tmp_path: Path, shared: bool) -> None:
    tokenizer, batch = batches(data, tmp_path, share_prefixes=shared)
    texts = {f"{row.completion_text}{tokenizer.eos_token}" for row in read_data(data).train}
    for ids, labels in zip(batch["input_ids"].tolist(), batch["labels"].tolist(), strict=True):
        targets: list[list[int]] = []
        current: list[int] = []
        for token, label in zip([*ids, -1], [*labels, -100], strict=True):
            if label == -100:
                targets += [current] if current else []
                current = []
            else:
                assert label == token
                current.append(label)
        assert targets
        assert {tokenizer.decode(t) for t in targets} <= texts
    assert (batch["labels"] == -100).float().mean() > 0.5


def test_shared_prefixes_and_scoring_targets_alone_change_no_loss(data: Path, tmp_path: Path) -> None:
    import torch

    from pytest_ugst.trainers.common.bases import load_model
    from pytest_ugst.trainers.sft.trl_sft import completion_loss

    model = load_model(str(tiny_model()), attn_implementation="sdpa")
    found = []
    for shared in (True, False):
        training, _ = set_up(data, call(data, tmp_path / str(shared), share_prefixes=shared, micro_batch=2))
        total, count = 0.0, 0
        with torch.no_grad():
            for batch in training.trainer.get_train_dataloader():
                tokens = int((batch["labels"] != -100).sum())
                own = float(completion_loss(model, batch, None))
                if not shared:
                    theirs = float(model(**batch).loss)
                    assert own == pytest.approx(theirs, rel=1e-4)
                total, count = total + own * tokens, count + tokens
        found.append(total / count)
    assert found[0] == pytest.approx(found[1], rel=1e-4)


def test_it_learns_and_a_resumed_run_equals_an_uninterrupted_one(data: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train_sft(call(data, whole))
    curve = losses(whole, 4)
    assert curve[-1] < curve[0] - 0.1

    class KilledError(Exception):
        pass

    with pytest.MonkeyPatch.context() as patch:
        from pytest_ugst.trainers.sft import trainer

        lines: list[str] = []

        def killed_after_two(step: int, *rest: Any) -> str:
            lines.append(str(step))
            if step == 3:
                raise KilledError
            return ""

        patch.setattr(trainer, "_progress_line", killed_after_two)
        with pytest.raises(KilledError):
            train_sft(call(data, cut))
    assert call(data, cut, resume=True).open_folder().last_checkpoint() == cut / "checkpoint-2"
    assert not (cut / "model.safetensors").exists()
    train_sft(call(data, cut, resume=True))
    assert losses(cut, 4) == curve
    one, two = load_file(whole / "model.safetensors"), load_file(cut / "model.safetensors")
    assert all(torch.equal(one[name], two[name]) for name in one)

    trained = read_checkpoint_info(whole)
    assert trained is not None
    assert trained.reasoning == "think"
    assert [step.method for step in trained.lineage] == ["sft"]
    assert trained.lineage[0].episodes == 2
    assert trained.sampling["max_tokens"] >= 64
    assert "sft" in (whole / "README.md").read_text()
    # A second training keeps the first in its lineage.
    third = tmp_path / "third"
    again = SftCall(str(whole), data, third, SftOptions(**{**OPTIONS, "max_steps": 1}))
    train_sft(again)
    told = read_checkpoint_info(third)
    assert told is not None
    assert [step.base for step in told.lineage] == [str(tiny_model()), str(whole)]


def test_a_full_disk_is_reported_in_a_line_and_the_run_goes_on(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch
    from safetensors import SafetensorError
    from transformers import modeling_utils

    monkeypatch.chdir(tmp_path)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in OPTIONS.items() if value is not True]
    base = ["train", "sft", "--model", str(tiny_model()), "--dataset", str(data), "--share-prefixes", *options]
    save_weights, save_state = modeling_utils.safe_save_file, torch.save

    def no_room_for_weights(tensors: Any, where: Any, *more: Any, **kwargs: Any) -> None:
        if "checkpoint-4" in str(where) or ".saving" in str(where):
            Path(where).write_text("half")
            raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
        save_weights(tensors, where, *more, **kwargs)

    def no_room_for_the_optimizer(what: Any, where: Any, *more: Any, **kwargs: Any) -> None:
        if "checkpoint-4" in str(where):
            raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534")
        save_state(what, where, *more, **kwargs)

    resume: list[str] = []
    for owner, name, full in (
        (modeling_utils, "safe_save_file", no_room_for_weights),
        (torch, "save", no_room_for_the_optimizer),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, full)
            assert main([*base, "--out", "o", *resume]) == 4
        (line,) = capsys.readouterr().err.splitlines()
        assert line == (
            "ugst: can't save to o: No space left on device; what was saved before is whole. Free some space and go on "
            "with --resume"
        )
        resume = ["--resume"]
        assert not (tmp_path / "o" / "model.safetensors").exists()
    assert main([*base, "--out", "o", "--resume"]) == 0
    assert main([*base, "--out", "whole"]) == 0
    assert losses(tmp_path / "o", 4) == losses(tmp_path / "whole", 4)


def test_a_run_that_only_could_not_be_saved_at_its_end_is_trained_no_further(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from transformers import modeling_utils

    out, save = tmp_path / "o", modeling_utils.safe_save_file

    def no_room(tensors: Any, where: Any, *more: Any, **kwargs: Any) -> None:
        if ".saving" in str(where):
            raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
        save(tensors, where, *more, **kwargs)

    # A rate that does not fall to nothing: a step more would show.
    options: dict[str, Any] = {"max_steps": 2, "scheduler": "constant", "batch": 2}
    with monkeypatch.context() as patch:
        patch.setattr(modeling_utils, "safe_save_file", no_room)
        refuse(data, out, "can't save to .*: No space left on device; .* Free some space$", **options)
    assert not (out / "model.safetensors").exists()
    train_sft(call(data, out, resume=True, **options))
    last, saved = load_file(out / "checkpoint-2" / "model.safetensors"), load_file(out / "model.safetensors")
    assert all(torch.equal(last[name], saved[name]) for name in saved)
    info = read_checkpoint_info(out)
    assert info is not None
    assert info.lineage[0].steps == 2
    assert not (out / "checkpoint-3").exists()


def test_an_adapter_is_merged_and_held_out_goals_stop_early(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    played = episodes(2)
    folder = write_folder(tmp_path / "d", played)
    lines = (folder / "train.jsonl").read_text().splitlines(keepends=True)
    held = [line for line in lines if json.loads(line)["goal"] == played[1].goal.id]
    (folder / "train.jsonl").write_text("".join(line for line in lines if line not in held))
    (folder / "eval.jsonl").write_text("".join(held))
    # A rate at which it can only get worse.
    options: dict[str, Any] = {"lora_rank": 2, "patience": 1, "eval_every": 1, "learning_rate": 30.0, "max_steps": 8}
    train_sft(call(folder, tmp_path / "out", **options))
    trained = read_checkpoint_info(tmp_path / "out")
    assert trained is not None
    assert trained.lineage[0].steps < 8
    assert set(load_file(tmp_path / "out" / "model.safetensors")) == set(load_file(tiny_model() / "model.safetensors"))


# Before hours are lost


def refuse(
    data: Path, out: Path, match: str, change: Callable[[SftCall], SftCall] = lambda made: made, **options: Any
) -> None:
    with pytest.raises(UsageError, match=match) as raised:
        train_sft(change(call(data, out, **options)))
    assert "\n" not in str(raised.value)


def test_a_model_without_a_chat_template(data: Path, tmp_path: Path) -> None:
    import shutil

    bare = tmp_path / "bare"
    shutil.copytree(tiny_model(), bare)
    (bare / "chat_template.jinja").unlink()
    refuse(data, tmp_path / "o", "no chat template", lambda c: SftCall(str(bare), c.dataset, c.out, c.options))


def test_test_goals_in_the_data(tmp_path: Path) -> None:
    from pytest_ugst.roles.builtins import concierge_goals

    goal = next(iter(concierge_goals("test")))
    played = [e.model_copy(update={"goal": e.goal.model_copy(update={"text": goal.text})}) for e in episodes(1)]
    refuse(write_folder(tmp_path / "d", played), tmp_path / "o", "holds test goals")
    assert not (tmp_path / "o").exists()


def test_a_folder_that_holds_another_run(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    train_sft(call(data, out, max_steps=1))
    refuse(data, out, "holds a run already")
    with pytest.raises(UsageError, match="begun with another learning_rate"):
        train_sft(call(data, out, max_steps=1, learning_rate=1e-3, resume=True))
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "thesis.txt").touch()
    refuse(data, tmp_path / "p", "holds thesis.txt and no SFT run")


def test_options_are_checked(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    base = ["train", "sft", "--model", str(tiny_model()), "--dataset", str(data), "--out", "o"]
    for more, message in (
        (["--learning-rate", "-1"], "--learning-rate"),
        (["--preset", "laptop-stf"], "did you mean 'laptop-sft'"),
        (["--trl", "no_such_field=1"], "TRL refuses the options"),
    ):
        assert main([*base, *more]) == 4
        assert message in capsys.readouterr().err
    assert not (tmp_path / "o" / "sft.json").exists()
