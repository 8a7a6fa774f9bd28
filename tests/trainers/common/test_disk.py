"""A full disk, in the words of every library that writes checkpoints."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.trainers.common.disk import is_disk_full, report_save_errors, save_error

FULL = [
    OSError(errno.ENOSPC, "No space left on device"),
    OSError(errno.EDQUOT, "Disk quota exceeded"),
    OSError("Error writing bytes to file. Detail: [errno 28] No space left on device"),  # pyarrow
    Exception("No space left on device (os error 28)"),  # tokenizers
    RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534"),  # torch.save
    RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"),
    RuntimeError("write(): fd 3 failed with No space left on device"),
    UsageError("can't write completions.jsonl: No space left on device; free some space"),  # our own, while training
]
OTHER = [
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"),
    RuntimeError("shape '[2, 3]' is invalid for input of size 5"),
    RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    MemoryError("no space left on device"),
    OSError(errno.EACCES, "Permission denied"),
    ValueError("a write failed"),
]
WRITE = """
import sys
from pathlib import Path
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from tokenizers import Tokenizer, models
from pytest_ugst.core.errors import UsageError
from pytest_ugst.trainers.common.checkpoint import saving
from pytest_ugst.trainers.common.disk import is_disk_full

here = Path(sys.argv[1])
weights = {"a": torch.zeros(1_000_000)}
words = Tokenizer(models.WordLevel({f"t{i}": i for i in range(200_000)}, unk_token="t0"))
for save in (
    lambda: save_file(weights, here / "a.safetensors"),
    lambda: torch.save(weights, here / "a.pt"),
    lambda: torch.save(weights, here / "b.pt", _use_new_zipfile_serialization=False),
    lambda: words.save(str(here / "tokenizer.json")),
    lambda: (here / "a.txt").write_bytes(bytes(4_000_000)),
):
    try:
        save()
    except Exception as error:
        print(type(error).__name__, is_disk_full(error))
    else:
        print("written")
    for file in here.iterdir():
        file.unlink()
try:
    with saving(here / "checkpoint") as draft:
        save_file(weights, draft / "model.safetensors")
except UsageError as error:
    print(error)
"""


@pytest.mark.parametrize("error", FULL, ids=str)
def test_a_full_disk_is_recognised(error: Exception, tmp_path: Path) -> None:
    assert is_disk_full(error)
    assert save_error(error) in ("No space left on device", "Disk quota exceeded")
    message = r"can't save to .*what was saved before is whole.* go on with --resume$"
    with pytest.raises(UsageError, match=message) as raised, report_save_errors(tmp_path):
        raise error
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("error", OTHER, ids=str)
def test_other_errors_are_no_full_disk(error: Exception, tmp_path: Path) -> None:
    assert not is_disk_full(error)
    expected = UsageError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected) as raised, report_save_errors(tmp_path):
        raise error
    assert "Free some space" not in str(raised.value)


def test_the_class_of_safetensors() -> None:
    safetensors = pytest.importorskip("safetensors")
    assert is_disk_full(
        safetensors.SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
    )
    assert not is_disk_full(safetensors.SafetensorError("Error while serializing: InvalidTensorView"))


def test_a_lack_of_memory_in_torch() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as raised:
        torch.zeros(2**45)
    assert not is_disk_full(raised.value)


@pytest.mark.slow
def test_a_real_file_system_that_is_full(tmp_path: Path) -> None:
    """Write with every library to a file system of one mebibyte, in a name space of its own."""
    pytest.importorskip("torch")
    script = tmp_path / "write.py"
    script.write_text(WRITE)
    small = tmp_path / "small"
    small.mkdir()
    own = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size=1m tmpfs {small}"
    try:
        subprocess.run([*own, mount], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system lets nobody mount a small file system")
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [*own, f"{mount} && exec {sys.executable} {script} {small}"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    *lines, message = done.stdout.splitlines()
    assert lines == [
        "SafetensorError True", "RuntimeError True", "RuntimeError True", "Exception True", "OSError True",
    ], done.stderr  # fmt: skip
    assert message == (
        f"can't save to {small}/checkpoint: No space left on device; what was there before is whole. Free some space"
    )
