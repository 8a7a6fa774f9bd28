from __future__ import annotations

import errno
import json
import math
import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import UsageError
from pytest_ugst.runs.journal import Journal
from tests.factories import make_conversation, make_episode
from tests.laws import share
from tests.strategies import episodes


def episode(name: str, seconds: float = 0.0, user: str = "hi") -> Episode:
    return make_episode(name, conversation=make_conversation(user, stop=StopReason.USER_ENDED), seconds=seconds)


@contextmanager
def fresh_path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "episodes.jsonl"


def held(journal: Journal) -> dict[str, Episode]:
    return {name: journal.get(name) for name in journal.ids()}


@given(st.lists(st.tuples(st.integers(0, 2), episodes(bare=True), st.booleans()), max_size=8))
@share(0.4)
def test_any_writers_in_any_order_read_the_same(steps: list[tuple[int, Episode, bool]]) -> None:
    with fresh_path() as path:
        writers = [Journal(path) for _ in range(3)]
        expected: dict[str, Episode] = {}
        for who, one, look in steps:
            writers[who].append(one)
            expected[one.id] = one
            # Whoever has written knows all that was written before, its own included.
            assert held(writers[who]) == expected
            if look:
                other = writers[(who + 1) % 3]
                other.refresh()
                assert held(other) == expected
        for journal in (*writers, Journal(path)):
            journal.refresh()
            assert held(journal) == expected
            assert journal.torn == 0
            assert len(journal) == len(expected)
            assert all(name in journal for name in expected)
            assert {e.id: e for e in journal} == expected


@given(episodes())
@share(0.4)
def test_what_is_written_is_what_is_read(one: Episode) -> None:
    with fresh_path() as path:
        journal = Journal(path)
        journal.append(one)
        again = Journal(path)
        again.refresh()
        assert journal.get(one.id) == again.get(one.id) == one


def test_a_tail_torn_at_any_byte_loses_one_episode_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "episodes.jsonl"
    writer = Journal(path)
    writer.append(episode("first"))
    start = path.stat().st_size
    writer.append(episode("torn", user="später — “sic”"))
    whole = path.read_bytes()
    for cut in range(start, len(whole)):
        path.write_bytes(whole[:cut])
        journal = Journal(path)
        journal.refresh()
        assert journal.ids() == ("first",)
        journal.append(episode("next"))
        assert sorted(held(journal)) == (["first", "next", "torn"] if cut == len(whole) - 1 else ["first", "next"])
        journal.append(episode("torn", seconds=2.0))
        for reader in (journal, Journal(path)):
            reader.refresh()
            assert sorted(held(reader)) == ["first", "next", "torn"]
            assert reader.get("torn").seconds == 2.0
            assert reader.torn == (0 if cut in (start, len(whole) - 1) else 1)


def test_a_line_being_written_is_read_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "episodes.jsonl"
    Journal(path).append(episode("first"))
    whole = path.read_bytes()
    path.write_bytes(whole[:20])
    journal = Journal(path)
    journal.refresh()
    assert (len(journal), journal.torn_end) == (0, True)
    with path.open("ab") as file:
        file.write(whole[20:])
    journal.refresh()
    assert (len(journal), journal.torn_end) == (1, False)
    assert journal.ids() == ("first",)
    assert journal.torn == 0


def test_lines_that_are_no_episode_are_counted_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "episodes.jsonl"
    Journal(path).append(episode("first"))
    with path.open("ab") as file:
        file.write(b'\n{"id": "x"}\nnot json\n\xff\xfe\n[1]\n')
    journal = Journal(path)
    journal.refresh()
    assert journal.ids() == ("first",)
    assert journal.torn == 4
    assert journal.first_fault == "line 3: goal: Field required"


@pytest.mark.parametrize("version", [0, 2, "1.5", None])
def test_a_line_of_another_format_is_an_error_that_names_it(tmp_path: Path, version: object) -> None:
    import json

    path = tmp_path / "episodes.jsonl"
    Journal(path).append(episode("first"))
    record = json.loads(path.read_bytes())
    path.write_text(json.dumps({**record, "schema_version": version}) + "\n")
    with pytest.raises(UsageError, match=r"episodes\.jsonl was written in episode format .*start a new run") as error:
        Journal(path).refresh()
    assert repr(version) in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        {"usage": {"judge": {"calls": 10**400}}},
        {"usage": {"judge": {"calls": -1}}},
        {"usage": {"judge": {"cost": math.inf}}},
        {"seconds": math.nan},
        {"id": ""},
        {"id": "x" * 1001},
    ],
)
def test_what_nothing_can_count_with_is_no_episode(tmp_path: Path, change: dict[str, object]) -> None:
    journal = Journal(tmp_path / "episodes.jsonl")
    journal.append(episode("g"))
    record = json.loads(journal.path.read_text()) | change
    with journal.path.open("a") as file:
        file.write(json.dumps(record) + "\n")
    again = Journal(journal.path)
    again.refresh()
    assert (again.ids(), again.torn) == (("g",), 1)
    assert str(again.first_fault).startswith(f"line 2: {next(iter(change))}")


def test_a_cut_line_is_reported_by_its_number(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "episodes.jsonl")
    journal.append(episode("g"))
    text = journal.path.read_text()
    journal.path.write_text(text + text[:40] + "\n")
    again = Journal(journal.path)
    again.refresh()
    assert again.first_fault == "line 2: Invalid JSON: EOF while parsing a string at column 40"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "episodes.jsonl")
    with pytest.raises(UsageError, match="is no file; name another run"):
        Journal(tmp_path / "episodes.jsonl").refresh()


def test_the_last_of_several_with_one_id_counts(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "episodes.jsonl")
    for seconds in (1.0, 2.0, 3.0):
        journal.append(episode("same", seconds))
    assert journal.get("same").seconds == 3.0
    assert [e.seconds for e in journal] == [3.0]


def test_forgetting_lasts_until_the_next_one_of_that_id(tmp_path: Path) -> None:
    path = tmp_path / "episodes.jsonl"
    Journal(path).append(episode("a"))
    journal = Journal(path)
    journal.refresh()
    journal.forget("a")
    journal.refresh()
    assert "a" not in journal
    with pytest.raises(KeyError):
        journal.get("a")
    journal.forget("nobody")
    Journal(path).append(episode("a", seconds=5.0))
    journal.refresh()
    assert journal.get("a").seconds == 5.0


def test_a_journal_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "nowhere" / "episodes.jsonl")
    journal.refresh()
    assert list(journal) == []
    with pytest.raises(UsageError, match=r"can't write .*set --ugst-dir"):
        journal.append(episode("a"))


def test_a_full_disk_is_reported_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(UsageError, match="No space left on device; free some space"):
        Journal(tmp_path / "episodes.jsonl").append(episode("a"))


def _append_many(path: Path, who: int, count: int) -> None:
    journal = Journal(path)
    for number in range(count):
        journal.append(episode(f"w{who}.{number}", user="x" * 20_000))


def test_processes_that_append_at_once_tear_nothing(tmp_path: Path) -> None:
    path = tmp_path / "episodes.jsonl"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_append_many, args=(path, who, 25)) for who in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    journal = Journal(path)
    journal.refresh()
    assert sorted(journal.ids()) == sorted(f"w{who}.{number}" for who in range(3) for number in range(25))
    assert journal.torn == 0
