"""The response cache: one request per key and no stored failures, across processes too, and when they are killed."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ugst.core.chat import ChatError
from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm import cache_db
from pytest_ugst.llm.cache import Mode, ResponseCache, cache_key
from tests.chat_server import until

KEY = cache_key("somebody", b"{}", "", "")


class Model:
    """A model that counts its requests."""

    def __init__(self, *, fail: bool = False, latency: float = 0.0) -> None:
        self.asked = 0
        self.fail = fail
        self.latency = latency

    async def __call__(self) -> str:
        self.asked += 1
        await asyncio.sleep(self.latency)
        if self.fail:
            raise ChatError("no answer")
        return json.dumps({"answer": self.asked})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "cache.sqlite"


def fetch(
    path: Path, model: Model, mode: Mode = "on", times: int = 1, since: float | None = None
) -> list[tuple[str, bool]]:
    async def play() -> list[tuple[str, bool]]:
        cache = ResponseCache(path, mode, since=since)
        try:
            return await asyncio.gather(*(cache.fetch(KEY, model) for _ in range(times)))
        finally:
            cache.close()

    return asyncio.run(play())


def test_asked_once(path: Path) -> None:
    model = Model(latency=0.02)
    answers = fetch(path, model, times=10)
    assert [a for a, _ in answers] == ['{"answer": 1}'] * 10
    assert sorted(had for _, had in answers) == [False] + [True] * 9
    assert fetch(path, model) == [('{"answer": 1}', True)]
    assert model.asked == 1


def test_modes(path: Path) -> None:
    model = Model()
    assert fetch(path, model, "read") == [('{"answer": 1}', False)]
    assert not path.exists()
    assert fetch(path, model, "off") == [('{"answer": 2}', False)]
    assert not path.exists()
    assert fetch(path, model, "on") == [('{"answer": 3}', False)]
    assert fetch(path, model, "read") == [('{"answer": 3}', True)]
    assert fetch(path, model, "refresh", times=3)[0][0] == '{"answer": 4}'
    assert fetch(path, model, "on") == [('{"answer": 4}', True)]
    assert model.asked == 4


def test_refresh_asks_once_a_run(path: Path) -> None:
    model = Model()
    fetch(path, model)
    begun = time.time()
    assert fetch(path, model, "refresh", since=begun) == [('{"answer": 2}', False)]
    assert fetch(path, model, "refresh", since=begun) == [('{"answer": 2}', True)]


def test_failures_are_shared_and_not_kept(path: Path) -> None:
    model = Model(fail=True, latency=0.02)

    async def play() -> None:
        cache = ResponseCache(path)
        results = await asyncio.gather(*(cache.fetch(KEY, model) for _ in range(5)), return_exceptions=True)
        assert all(isinstance(r, ChatError) for r in results)
        assert model.asked == 1
        model.fail = False
        assert await cache.fetch(KEY, model) == ('{"answer": 2}', False)
        cache.close()

    asyncio.run(play())


def test_whoever_waits_takes_over_from_the_cancelled(path: Path) -> None:
    async def play() -> None:
        cache = ResponseCache(path)
        slow, quick = Model(latency=30.0), Model()
        first = asyncio.create_task(cache.fetch(KEY, slow))
        await until(lambda: slow.asked > 0)
        others = [asyncio.create_task(cache.fetch(KEY, quick)) for _ in range(3)]
        await asyncio.sleep(0.01)
        others[0].cancel()
        first.cancel()
        answers = await asyncio.wait_for(asyncio.gather(*others[1:]), 10)
        assert [a for a, _ in answers] == ['{"answer": 1}'] * 2
        assert quick.asked == 1
        cache.close()

    asyncio.run(play())
    assert claims(path) == 0


def test_cancelled_at_every_moment_no_claim_is_left(path: Path) -> None:
    async def play() -> None:
        cache = ResponseCache(path)
        for number in range(30):
            key = cache_key("x", bytes([number]), "", "")
            task = asyncio.create_task(cache.fetch(key, Model(latency=0.001)))
            for _ in range(number):
                await asyncio.sleep(0.0002)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        cache.close()

    asyncio.run(play())
    assert claims(path) == 0


def claims(path: Path) -> int:
    with sqlite3.connect(path) as db:
        count: int = db.execute("SELECT count(*) FROM claims").fetchone()[0]
    return count


def test_forgotten_answers_are_asked_for_again(path: Path) -> None:
    model = Model()

    async def play() -> None:
        cache = ResponseCache(path)
        await cache.fetch(KEY, model)
        await cache.forget(KEY)
        assert await cache.fetch(KEY, model) == ('{"answer": 2}', False)
        cache.close()
        cache.close()
        # A closed cache only steps aside.
        assert await cache.fetch(KEY, model) == ('{"answer": 3}', False)

    asyncio.run(play())


def test_everything_that_determines_an_answer_is_in_the_key() -> None:
    parts = [
        ("a", b"b", "c", "d"),
        ("x", b"b", "c", "d"),
        ("a", b"x", "c", "d"),
        ("a", b"b", "x", "d"),
        ("a", b"b", "c", "x"),
    ]
    parts += [("ab", b"", "c", "d"), ("a", b"b", "cd", ""), ("a", b"b", "", "cd")]
    assert len({cache_key(*p) for p in parts}) == len(parts)


@pytest.mark.parametrize(
    "content", [b"not a database, but long enough to look like one" * 50, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_damaged_file_is_moved_aside(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    model = Model()
    with pytest.warns(UserWarning, match=r"moved to .*bad-"):
        assert fetch(path, model) == [('{"answer": 1}', False)]
    assert fetch(path, model) == [('{"answer": 1}', True)]
    (aside,) = path.parent.glob("*.bad-*")
    assert aside.read_bytes() == content


def test_damage_in_the_middle_costs_the_cache_not_the_run(path: Path) -> None:
    async def fill() -> None:
        cache = ResponseCache(path)
        for number in range(200):
            await cache.fetch(cache_key("x", str(number).encode(), "", ""), Model())
        cache.close()

    asyncio.run(fill())
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    model = Model()
    assert fetch(path, model)[0] == ('{"answer": 1}', False)
    assert list(path.parent.glob("*.bad-*"))
    # By now there is a new file, and it works.
    fetch(path, model)
    assert fetch(path, model)[0][1] is True


def test_another_version_is_moved_aside(path: Path) -> None:
    fetch(path, Model())
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.warns(UserWarning, match="version 99"):
        fetch(path, Model())


def test_somebody_elses_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE precious(x)")
    with pytest.raises(UsageError, match="another program's database"):
        ResponseCache(path)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"cache\.sqlite: .*--ugst-cache=off"):
        ResponseCache(tmp_path / "file" / "cache.sqlite")


# Other processes

WORKER = textwrap.dedent(
    """
    import asyncio, json, sys, time
    from pathlib import Path
    from pytest_ugst.llm.cache import ResponseCache, cache_key

    path, log, keys, latency = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])

    async def one(cache, number):
        async def ask():
            with log.open("a") as file:
                file.write(f"{number}\\n")
            await asyncio.sleep(latency)
            return json.dumps(number)

        return await cache.fetch(cache_key("x", str(number).encode(), "", ""), ask)

    async def main():
        cache = ResponseCache(path)
        answers = await asyncio.gather(*(one(cache, n) for n in range(keys)))
        print(json.dumps([json.loads(a) for a, _ in answers]), flush=True)
        if sys.argv[5:] == ["hang"]:
            await asyncio.sleep(60)
        cache.close()

    asyncio.run(main())
    """
)


class Workers:
    """Processes that share a cache."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "asked.txt"
        self.log.touch()
        self._script = folder / "worker.py"
        self._script.write_text(WORKER)
        self._path = folder / "folder" / "cache.sqlite"
        self._started: list[subprocess.Popen[str]] = []

    def start(self, keys: int, latency: float, *more: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(self._script), str(self._path), str(self.log), str(keys), str(latency), *more]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._started.append(process)
        return process

    def asked(self) -> list[int]:
        return [int(line) for line in self.log.read_text().split()]

    def wait_for_requests(self, count: int) -> None:
        deadline = time.monotonic() + 20
        while len(self.asked()) < count:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def stop(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    started = Workers(tmp_path)
    yield started
    started.stop()


def test_processes_ask_once_between_them(workers: Workers) -> None:
    processes = [workers.start(20, 0.1) for _ in range(3)]
    for process in processes:
        out, _ = process.communicate(timeout=30)
        assert json.loads(out) == list(range(20))
    assert sorted(workers.asked()) == list(range(20))


def test_claims_of_a_killed_process_are_taken_over(workers: Workers, path: Path) -> None:
    killed = workers.start(5, 60.0)
    workers.wait_for_requests(5)
    other = workers.start(5, 0.01)
    time.sleep(0.2)
    assert len(workers.asked()) == 5  # the other one waits
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    out, _ = other.communicate(timeout=30)
    assert json.loads(out) == [0, 1, 2, 3, 4]
    assert sorted(workers.asked()) == sorted([0, 1, 2, 3, 4] * 2)
    assert claims(path) == 0


def test_what_was_answered_survives_kill_9(workers: Workers) -> None:
    killed = workers.start(50, 0.0, "hang")
    assert killed.stdout is not None
    assert json.loads(killed.stdout.readline()) == list(range(50))
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    out, _ = workers.start(50, 0.0).communicate(timeout=30)
    assert json.loads(out) == list(range(50))
    assert len(workers.asked()) == 50


def test_claims_without_heartbeats_expire(path: Path) -> None:
    fetch(path, Model())
    owner = f"{platform.node()}|{os.getpid()}|{cache_db._start_time(os.getpid())}|another"
    other = cache_key("x", b"other", "", "")

    async def play(beat: float) -> bool:
        with sqlite3.connect(path) as db:
            db.execute("INSERT OR REPLACE INTO claims VALUES(?,?,?)", (other, owner, beat))
        cache = ResponseCache(path)
        try:
            await asyncio.wait_for(cache.fetch(other, Model(latency=0.0)), 0.4)
        except TimeoutError:
            return False
        finally:
            cache.close()
        return True

    assert asyncio.run(play(time.time())) is False
    assert asyncio.run(play(time.time() - cache_db.EXPIRY - 1)) is True


def test_claims_that_are_held_long_are_kept_alive(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_db, "_HEARTBEAT", 0.02)

    async def play() -> None:
        cache = ResponseCache(path)
        task = asyncio.create_task(cache.fetch(KEY, Model(latency=1.0)))

        def beat() -> float:
            with sqlite3.connect(path) as db:
                row = db.execute("SELECT beat FROM claims").fetchone()
            return 0.0 if row is None else float(row[0])

        await until(lambda: beat() > 0)
        first = beat()
        await until(lambda: beat() > first)
        await task
        cache.close()

    asyncio.run(play())


def test_the_name_of_a_process_may_hold_brackets() -> None:
    assert cache_db._start_time(os.getpid()).isdigit()
    assert cache_db._start_time(2**22 + 1) == ""
