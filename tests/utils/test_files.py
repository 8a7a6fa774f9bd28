"""Writing files: whole, through links, into pipes and devices, into folders that are not there yet."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.utils.files import check_target, is_file, replace_text


def test_replaces_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    replace_text(path, "new\n")
    assert path.read_bytes() == b"new\n"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    replace_text(tmp_path / "baselines" / "eu" / "main.json", "{}")
    assert (tmp_path / "baselines" / "eu" / "main.json").read_text() == "{}"


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_a_link(tmp_path: Path, there: bool) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    if there:
        real.write_text("old")
    link.symlink_to("real.json")
    replace_text(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    replace_text(pipe, "text")
    reader.join(10)
    assert read == ["text"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_pipe_without_a_name_is_written_to(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    link = tmp_path / "stdout"
    link.symlink_to(f"/dev/fd/{theirs}")
    check_target(link, "--out=stdout")
    replace_text(link, "text")
    os.close(theirs)
    assert os.read(ours, 100) == b"text"
    os.close(ours)


def test_who_may_read_it_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    replace_text(path, "old")
    path.chmod(0o640)
    replace_text(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_what_can_not_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        replace_text(tmp_path / "a.txt", "half a pair: \ud800")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_too_long_is_reported(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 300)
    with pytest.raises(UsageError, match="File name too long; name another file"):
        check_target(path, f"--out={path.name}")
    with pytest.raises(UsageError, match="File name too long; name a file"):
        replace_text(path, "text")
    assert not is_file(path)


def test_a_device_is_written_to() -> None:
    # Not /dev/null, which the whole machine would miss if this failed: a terminal of our own.
    ours, theirs = os.openpty()
    name = Path(os.ttyname(theirs))
    replace_text(name, "text")
    assert os.read(ours, 100) == b"text"
    assert stat.S_ISCHR(name.stat().st_mode)
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("name", [".", "/", "folder"])
def test_a_folder_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="it is a folder; name a file"):
        replace_text(Path(name), "text")
    with pytest.raises(UsageError, match=f"^--out={name}: this is a folder; name a file in it"):
        check_target(Path(name), f"--out={name}")


def test_what_is_no_folder_is_reported_before_and_after(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    path = tmp_path / "file" / "page.html"
    with pytest.raises(UsageError, match=r"^--out=.*: .*/file is no folder; name another file"):
        check_target(path, f"--out={path}")
    with pytest.raises(UsageError, match=r"can't write .*/file/page.html: "):
        replace_text(path, "text")
    assert (tmp_path / "file").read_text() == "here"


def test_what_can_be_written_is_not_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    for path in (tmp_path / "file", tmp_path / "new", tmp_path / "a" / "b" / "new", Path("new"), Path("/dev/stdout")):
        check_target(path, f"--out={path}")
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
