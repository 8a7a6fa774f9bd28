"""Several processes on one run folder."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.stub_roles import journaled

PLAYER = Path(__file__).with_name("player.py")


def launch(folder: Path, count: int, *more: str) -> subprocess.Popen[str]:
    path = {"PYTHONPATH": f"{PLAYER.parents[1]}:{PLAYER.parents[2]}"}
    command = [sys.executable, str(PLAYER), str(folder), str(count), *more]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=path)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def asked(folder: Path) -> Counter[tuple[str, str]]:
    lines = (folder / "asked").read_text().splitlines()
    return Counter((name, turn) for name, turn, _ in map(str.split, lines))


@pytest.mark.parametrize("count", [24])
def test_two_processes_play_each_episode_once(tmp_path: Path, count: int) -> None:
    folder = tmp_path / "r"
    both = [launch(folder, count), launch(folder, count)]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    played = [int(line.split()[1]) for line in told]
    assert sum(played) == count
    assert sorted(e.id for e in journaled(folder)) == sorted(f"g{n}" for n in range(count))
    assert set(asked(folder).values()) == {1}


def test_what_a_killed_process_was_playing_is_taken_over(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    doomed, other = launch(folder, 12, "g2"), launch(folder, 12)
    assert doomed.stdin is not None
    doomed.stdin.write("go\n")
    doomed.stdin.flush()
    assert doomed.wait(60) == -signal.SIGKILL
    before = {e.id for e in journaled(folder)} if (folder / "episodes.jsonl").exists() else set()
    told = other.communicate("go\n", timeout=60)[0]
    assert other.returncode == 0
    episodes = journaled(folder)
    assert sorted(e.id for e in episodes) == sorted(f"g{n}" for n in range(12))
    assert told == f"played {12 - len(before)}\n"
    assert asked(folder)[("g2", "1")] == 2  # begun by the one, played to its end by the other
    assert "g2" not in before
