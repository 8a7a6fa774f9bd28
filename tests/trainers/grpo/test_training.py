"""GRPO end to end on a tiny model: it runs, goes on where it was cut off, stops when judges fail, and saves a model."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.core.errors import UgstError, UsageError
from tests.trainers.agenda_episodes import episodes, write_folder
from tests.trainers.grpo.tiny_training import ByLength, logged, train
from tests.trainers.tiny_model import tiny_model

pytestmark = pytest.mark.slow
pytest.importorskip("trl")


@pytest.fixture(scope="module")
def model() -> Path:
    return tiny_model()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Turns without checks and without reasoning: an untrained model never gets the form of reasoning right."""
    played = []
    for episode in episodes():
        parts = tuple(c.model_copy(update={"check": None}) for c in episode.components)
        played.append(episode.model_copy(update={"goal": episode.goal.model_copy(update={"components": parts})}))
    return write_folder(tmp_path_factory.mktemp("data"), played, reasoning=False)


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "model.safetensors"))


def test_resumed_equals_uninterrupted_and_the_model_can_be_loaded(model: Path, data: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    whole = train(model, data, tmp_path / "whole")
    rows = logged(whole)
    assert [row["step"] for row in rows] == [0] * 4 + [1] * 4 + [2] * 4
    assert len({row["reward"] for row in rows}) > 1, "nothing to learn from"

    cut = train(model, data, tmp_path / "cut")
    steps = cut / "steps"
    assert sorted(path.name for path in steps.iterdir()) == ["checkpoint-2", "checkpoint-3"]
    # As after a kill while the last checkpoint was being written.
    (steps / "checkpoint-3" / "trainer_state.json").unlink()
    resumed = train(model, data, cut, resume=True)
    assert logged(resumed) == rows
    for name, tensor in weights(whole).items():
        assert torch.equal(tensor, weights(resumed)[name]), name

    about = json.loads((whole / "ugst.json").read_text())
    assert [(step["method"], step["steps"]) for step in about["lineage"]] == [("grpo", 3)]
    loaded = AutoModelForCausalLM.from_pretrained(whole)
    assert loaded.config.use_cache
    assert AutoTokenizer.from_pretrained(whole).chat_template
    assert (steps / "checkpoint-2" / "ugst.json").exists()


def test_a_failing_judge_stops_training_with_what_was_learned(model: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = r"stopped at step \d: .* got no verdict.* what was learned is in .*; go on with --resume"
    with pytest.raises(UgstError, match=told):
        train(model, data, out, ByLength(fails_from=5), max_error_share=0.0)
    rows = logged(out)
    failed = [row for row in rows if row["error"]]
    last = rows[-1]["step"]
    assert failed
    assert {row["step"] for row in failed} == {last}
    assert last < 2, "it went on"
    assert all(row["reward"] is None and "judge down" in row["error"] for row in failed)
    assert all(row["reward"] is not None for row in rows if row not in failed)
    assert (out / "model.safetensors").exists()
    assert (out / "steps" / f"checkpoint-{last + 1}").exists()
    # With the judge back, it goes on.
    train(model, data, out, resume=True, max_error_share=0.0)
    assert logged(out)[-1]["step"] == 2


def test_a_full_disk_leaves_the_last_checkpoint_whole(
    model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    out, save = tmp_path / "out", torch.save

    def full(what: Any, where: Any, *more: Any, **options: Any) -> None:
        if "checkpoint-2" in str(where):
            raise OSError(errno.ENOSPC, "No space left on device")
        save(what, where, *more, **options)

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(UsageError, match=r"can't save to .*No space left on device.*go on with --resume"):
        train(model, data, out, save_every=1)
    assert (out / "steps" / "checkpoint-2").exists(), "half of it"
    monkeypatch.setattr(torch, "save", save)
    train(model, data, out, save_every=1, resume=True)
    assert [row["step"] for row in logged(out)] == [0] * 4 + [1] * 4 + [2] * 4
    # What is whole is only saved once more.
    before = weights(out)
    (out / "model.safetensors").unlink()
    train(model, data, out, save_every=1, resume=True)
    assert [row["step"] for row in logged(out)] == [0] * 4 + [1] * 4 + [2] * 4
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights(out).items())


def test_sharing_a_prompt_changes_neither_log_probabilities_nor_gradients(model: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM
    from trl.trainer.utils import add_fused_lm_head

    from pytest_ugst.trainers.grpo.shared_prompts import log_probs

    trained = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    add_fused_lm_head(trained, outputs=("log_probs", "entropy"))
    torch.manual_seed(0)
    keep, rows, masks = 9, [], []
    prompts = [torch.randint(5, 1000, (size,)) for size in (30, 21, 1)]
    for number in range(6):
        prompt, completion = prompts[number // 2], torch.randint(5, 1000, (keep - number,))
        left, right = torch.zeros(33 - len(prompt)).long(), torch.zeros(keep - len(completion)).long()
        rows.append(torch.cat([left, prompt, completion, right]))
        masks.append(torch.cat([left, torch.ones(len(prompt) + len(completion)).long(), right]))
    ids, mask = torch.stack(rows), torch.stack(masks)

    def separately() -> tuple[Any, Any]:
        labels = ids.masked_fill(mask == 0, -100)
        labels[:, :-keep] = -100
        out = trained(input_ids=ids, attention_mask=mask, labels=labels, fused_lm_head=True)
        return out.log_probs[:, -keep:], out.entropy[:, -keep:] * mask[:, -keep:]

    results = []
    for way in (separately, lambda: log_probs(trained, ids, mask, keep)):
        trained.zero_grad()
        logps, entropy = way()
        (logps * torch.arange(1, 7).view(6, 1)).sum().backward()
        results.append((logps.detach(), entropy.detach() * mask[:, -keep:], [p.grad for p in trained.parameters()]))
        results[-1] = (*results[-1][:2], [grad.clone() for grad in results[-1][2]])
    (logps, entropy, grads), (shared_logps, shared_entropy, shared_grads) = results
    torch.testing.assert_close(shared_logps, logps, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(shared_entropy, entropy, atol=1e-5, rtol=1e-5)
    for grad, shared in zip(grads, shared_grads, strict=True):
        torch.testing.assert_close(shared, grad, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"batch": 3, "micro_batch": 4}, r"6 completions .* micro-batches of 4 .* set micro_batch to a divisor"),
        ({"trl": {"num_iterations_": 2}}, "TRL refuses the options: .*num_iterations_"),
        ({"multi_turn": True}, "an agent has to answer, and none is named"),
        ({"naturalness": 0.5}, "rated by a judge model"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_the_first_step(
    model: Path, data: Path, tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        train(model, data, tmp_path / "out", **change)


def test_an_adapter_is_merged_into_what_is_saved(model: Path, data: Path, tmp_path: Path) -> None:
    import torch

    out = train(model, data, tmp_path / "out", lora_rank=2, steps=1)
    before, after = weights(model), weights(out)
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all("proj" in name for name in changed)


def test_in_half_precision_the_same_is_sampled_and_nearly_the_same_learned(
    model: Path, data: Path, tmp_path: Path
) -> None:
    import torch

    out, half = (train(model, data, tmp_path / name, steps=1, bf16=name == "half") for name in ("full", "half"))
    assert logged(out) == logged(half)
    before = weights(model)
    for name, tensor in weights(out).items():
        moved, also = tensor - before[name], weights(half)[name] - before[name]
        assert tensor.dtype == weights(half)[name].dtype == torch.float32
        # Adam's first step has the sign of the gradient: it may differ only where that is next to nothing.
        assert (moved.sign() == also.sign()).float().mean() > 0.9, name


def test_without_sharing_it_is_trls_own_way(model: Path, data: Path, tmp_path: Path) -> None:
    # Gradient checkpointing leaves no cache to share.
    out = train(model, data, tmp_path / "out", steps=1, batch=1, gradient_checkpointing=True)
    assert [row["step"] for row in logged(out)] == [0] * 2
