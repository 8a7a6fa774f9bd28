from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.errors import UsageError
from pytest_ugst.runs.names import new_name
from pytest_ugst.runs.run import StoredRun, find_run
from tests.factories import SETTING, make_run, make_setting


def test_creating_it_twice_is_harmless(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs" / "r")
    before = (run.folder / "run.json").read_bytes()
    run.create(SETTING)
    assert (run.folder / "run.json").read_bytes() == before
    assert run.read_setting() == SETTING.model_dump(mode="json")
    assert [p.name for p in run.folder.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"steer": "goal"}, "steer was 'none' and is now 'goal'"),
        ({"seed": 4, "simulator": "x"}, "simulator was 'users' and is now 'x', seed was 0 and is now 4"),
        ({"judge_sees_tools": False}, "judge_sees_tools was True and is now False"),
    ],
)
def test_other_settings_are_refused_by_name(tmp_path: Path, changes: dict[str, object], shown: str) -> None:
    run = make_run(tmp_path / "runs" / "r")
    with pytest.raises(UsageError) as error:
        StoredRun(run.folder).create(make_setting(**changes))
    assert shown in str(error.value)
    assert "without --ugst-resume" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_that_can_t_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match=r"can't write the run folder .*file/runs/r: .*; set --ugst-dir"):
        StoredRun(tmp_path / "file" / "runs" / "r").create(SETTING)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"setting": 3}', "{"])
def test_a_broken_record_is_reported(tmp_path: Path, content: str) -> None:
    run = make_run(tmp_path / "runs" / "r")
    (run.folder / "run.json").write_text(content)
    with pytest.raises(UsageError, match=r"run\.json can't be read"):
        run.create(SETTING)


def test_finding_by_name_by_folder_and_the_latest(tmp_path: Path) -> None:
    for name in ("2026-01-02T00-00-00-aaaa", "2026-01-10T00-00-00-0000"):
        make_run(tmp_path / "runs" / name)
    (tmp_path / "runs" / "2027-01-01T00-00-00-ffff").mkdir()  # nothing was played in it
    assert find_run(tmp_path, "latest").name == "2026-01-10T00-00-00-0000"
    assert find_run(tmp_path, "2026-01-02T00-00-00-aaaa").name == "2026-01-02T00-00-00-aaaa"
    folder = tmp_path / "runs" / "2026-01-02T00-00-00-aaaa"
    assert find_run(tmp_path / "elsewhere", str(folder)).folder == folder


def test_the_latest_is_the_one_that_began_last_whatever_it_is_called(tmp_path: Path) -> None:
    for name, began in (("main-branch", "2026-01-01T00:00:00+00:00"), ("2026-01-02T00-00-00-aaaa", None)):
        record = make_run(tmp_path / "runs" / name).folder / "run.json"
        if began:
            record.write_text(json.dumps({**json.loads(record.read_text()), "created": began}))
    assert find_run(tmp_path, "latest").name == "2026-01-02T00-00-00-aaaa"
    # Of a record that can't be read, when it was written.
    (tmp_path / "runs" / "main-branch" / "run.json").write_text("{")
    assert find_run(tmp_path, "latest").name == "main-branch"


def test_finding_nothing_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no run in .* yet; leave the option out"):
        find_run(tmp_path, "latest")
    make_run(tmp_path / "runs" / "2026-01-02T00-00-00-aaaa")
    with pytest.raises(UsageError, match=r"--ugst-resume=nope: no such run; .*2026-01-02T00-00-00-aaaa"):
        find_run(tmp_path, "nope")
    with pytest.raises(UsageError, match="to resume the latest run, put the path to test before --ugst-resume"):
        find_run(tmp_path, str(tmp_path))
    with pytest.raises(UsageError) as caught:
        find_run(tmp_path, str(tmp_path), option="--ugst-baseline")
    assert "resume" not in str(caught.value)


@pytest.mark.parametrize(
    "record", ["[" * 200_000, '{"created": "0001-01-01T00:00:00+14:00"}', '{"created": "9999-12-31T23:59:59-14:00"}']
)
def test_a_record_that_can_not_be_read_hides_no_other_run(tmp_path: Path, record: str) -> None:
    make_run(tmp_path / "runs" / "good")
    bad = make_run(tmp_path / "runs" / "bad")
    (bad.folder / "run.json").write_text(record)
    os.utime(bad.folder / "run.json", (0, 0))
    with pytest.raises(UsageError, match=r"no such run; the latest in .*good"):
        find_run(tmp_path, "nope")
    assert find_run(tmp_path, "latest").name in ("good", "bad")
    with pytest.raises(UsageError, match="can't be read"):
        bad.read_setting()


@pytest.mark.parametrize("name", ["x" * 300, "nul\0"])
def test_a_name_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no such run"):
        find_run(tmp_path, name)


def test_a_folder_without_a_run_has_no_setting(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no run \(run\.json is missing\)"):
        StoredRun(tmp_path).read_setting()


@given(
    early=st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2999, 1, 1)),
    apart=st.timedeltas(min_value=timedelta(milliseconds=1), max_value=timedelta(days=999)),
)
def test_names_sort_as_runs_began(early: datetime, apart: timedelta) -> None:
    assert new_name(early) < new_name(early + apart)


def test_names_of_the_same_moment_differ() -> None:
    now = datetime(2026, 9, 30, 23, 59, 59, tzinfo=UTC)
    assert len({new_name(now) for _ in range(8)}) > 1


def test_the_record_says_when_and_with_what(tmp_path: Path) -> None:
    record = json.loads((make_run(tmp_path / "runs" / "r").folder / "run.json").read_text())
    assert record["format"] == 1
    assert record["setting"]["simulator"] == "users"
    assert datetime.fromisoformat(record["created"]).tzinfo is not None
