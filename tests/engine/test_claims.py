"""Claims on episodes: held by one process at a time, and released however it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.engine.claims import claim, claim_path

HOLDER = """
import sys
from pathlib import Path
from pytest_ugst.engine.claims import claim
with claim(Path(sys.argv[1])) as held:
    print(held, flush=True)
    sys.stdin.readline()
"""


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Hold a claim in another process until a line is written to it."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        try:
            yield process
        finally:
            process.kill()


def is_free(path: Path) -> bool:
    with claim(path) as held:
        return held


def test_another_process_has_to_wait_until_it_is_released(tmp_path: Path) -> None:
    path = claim_path(tmp_path, "g")
    with holder(path) as process:
        assert not is_free(path)
        assert is_free(claim_path(tmp_path, "g@2"))
        process.communicate("done\n", timeout=30)
        assert is_free(path)


def test_a_killed_process_releases_its_claim(tmp_path: Path) -> None:
    path = claim_path(tmp_path, "g")
    with holder(path) as process:
        assert not is_free(path)
        process.kill()
        assert process.wait(30) == -signal.SIGKILL
        assert is_free(path)


def test_a_claim_is_held_once_within_a_process_too(tmp_path: Path) -> None:
    path = claim_path(tmp_path, "g")
    with claim(path) as first, claim(path) as second:
        assert (first, second) == (True, False)
    assert is_free(path)


@given(st.lists(st.text(max_size=400), max_size=5, unique=True))
def test_every_episode_has_a_file_of_its_own(names: list[str]) -> None:
    folder = Path("runs/r")
    paths = [claim_path(folder, name) for name in names]
    assert len(set(paths)) == len(names)
    for path in paths:
        assert path.parent == folder / "claims"
        assert len(path.name.encode()) <= 255
