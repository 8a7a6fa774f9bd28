"""Data sets are fetched whole and verified, or not at all."""

from __future__ import annotations

import hashlib
import multiprocessing
import multiprocessing.synchronize
import os
import socket
from pathlib import Path

import pytest

from pytest_ugst.config.data_dirs import MARKS
from pytest_ugst.core.errors import UgstError, UsageError
from pytest_ugst.domains.download import transfer
from pytest_ugst.domains.download.datasets import DataSet, datasets
from pytest_ugst.domains.download.fetch import fetch
from tests.archives import FILES, dataset, member, packed, tar
from tests.file_server import FileServer

ARCHIVE = packed(tar())
PART = ".toys-0123456789ab.tar.gz"


def get(home: Path, server: FileServer, data: DataSet | None = None) -> tuple[Path, list[str]]:
    said: list[str] = []
    return fetch(data or dataset(), home, mirror=server.url, notify=said.append, pause=0), said


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def left(home: Path) -> set[str]:
    """Return the names in the folder, without locks."""
    return {path.name for path in home.iterdir()} - {".toys.lock"}


def test_fetched_and_verified(tmp_path: Path) -> None:
    progress: list[tuple[int, int | None]] = []
    with FileServer(ARCHIVE) as server:
        said: list[str] = []
        folder = fetch(
            dataset(),
            tmp_path / "new",
            mirror=f"{server.url}/mirror/",
            notify=said.append,
            on_progress=lambda *t: progress.append(t),
        )
    assert server.paths == ["/mirror/owner/toys/tar.gz/0123456789abcdef"]
    assert folder == tmp_path / "new" / "toys"
    assert {path: data for path, data in files(folder).items() if path in FILES} == FILES
    assert set(files(folder)) - set(FILES) == {".fetched-by-pytest-ugst"}
    assert left(tmp_path / "new") == {"toys"}
    assert said[0] == "toys is published by Somebody under the MIT licence: github.com/owner/toys at 0123456789ab"
    assert said[-1].startswith("4 files verified by SHA-256")
    assert str(folder / "LICENSE") in said[-1]
    assert progress[0] == (0, len(ARCHIVE))
    assert progress[-1] == (len(ARCHIVE), len(ARCHIVE))


def test_there_already(tmp_path: Path) -> None:
    with FileServer(ARCHIVE) as server:
        folder, _ = get(tmp_path, server)
        before = {path: path.stat().st_ino for path in folder.rglob("*")}
        again, said = get(tmp_path, server)
        assert len(server.requests) == 1
    assert again == folder
    assert said == [f"toys is already there, whole and unchanged: {folder}"]
    assert {path: path.stat().st_ino for path in folder.rglob("*")} == before


def test_what_was_fetched_and_changed_since_is_replaced(tmp_path: Path) -> None:
    with FileServer(ARCHIVE) as server:
        folder, _ = get(tmp_path, server)
        (folder / "data" / "db.json").write_bytes(b"[]")
        get(tmp_path, server)
    assert (folder / "data" / "db.json").read_bytes() == b"{}"
    assert left(tmp_path) == {"toys"}


def test_a_folder_of_the_users_own_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "toys").mkdir()
    (tmp_path / "toys" / "LICENSE").write_text("mine")
    with FileServer(ARCHIVE) as server, pytest.raises(UsageError, match=r"was not fetched by this command .*LICENSE"):
        get(tmp_path, server)
    assert files(tmp_path / "toys") == {"LICENSE": b"mine"}
    assert not server.requests


def test_broken_off_and_resumed_by_itself(tmp_path: Path) -> None:
    third = len(ARCHIVE) // 3
    with FileServer(ARCHIVE, cut=[third, third]) as server:
        folder, _ = get(tmp_path, server)
    assert [request.get("range") for request in server.requests] == [None, f"bytes={third}-", f"bytes={2 * third}-"]
    assert all("if-range" in request for request in server.requests[1:])
    assert server.sent == len(ARCHIVE)  # nothing twice
    assert files(folder)["data/deep/er/large.bin"] == FILES["data/deep/er/large.bin"]


def test_what_a_killed_process_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".toys.x7y2" / "data").mkdir(parents=True)
    (tmp_path / ".other.x7y2").mkdir()
    with FileServer(ARCHIVE) as server:
        get(tmp_path, server)
    assert left(tmp_path) == {"toys", ".other.x7y2"}


def test_given_up_and_resumed_by_a_second_call(tmp_path: Path) -> None:
    with FileServer(ARCHIVE, cut=[1000, 0, 0, 0, 0]) as server:
        with pytest.raises(UgstError, match=r"the connection broke off after 1,000 bytes .*run the command again"):
            get(tmp_path, server)
        assert len(server.requests) == transfer.ATTEMPTS
        assert left(tmp_path) == {PART, f"{PART}.json"}
        server.cut.clear()
        get(tmp_path, server)
    assert server.requests[-1]["range"] == "bytes=1000-"
    assert server.sent == len(ARCHIVE)
    assert left(tmp_path) == {"toys"}


@pytest.mark.parametrize("how", ["no ranges", "no validator", "another file by now", "another mirror"])
def test_begun_anew_where_it_can_not_go_on(tmp_path: Path, how: str) -> None:
    with FileServer(
        packed(tar(top="other")) if how == "another file by now" else ARCHIVE, cut=[900, 0, 0, 0]
    ) as server:
        server.ranges = how != "no ranges"
        server.validator = how != "no validator"
        with pytest.raises(UgstError, match="broke off"):
            get(tmp_path, server)
        server.cut.clear()
        server.body = ARCHIVE
        mirror = server.url + ("/m" if how == "another mirror" else "")
        folder = fetch(dataset(), tmp_path, mirror=mirror, pause=0)
    assert files(folder)["LICENSE"] == FILES["LICENSE"]
    assert left(tmp_path) == {"toys"}


def test_a_part_that_is_longer_than_the_file(tmp_path: Path) -> None:
    with FileServer(ARCHIVE, cut=[1000, 0, 0, 0, 0]) as server:
        with pytest.raises(UgstError, match="broke off"):
            get(tmp_path, server)
        with (tmp_path / PART).open("ab") as file:
            file.write(bytes(2 * len(ARCHIVE)))
        server.cut.clear()
        get(tmp_path, server)  # 416, then from the beginning
    assert left(tmp_path) == {"toys"}


def test_no_length_given(tmp_path: Path) -> None:
    with FileServer(ARCHIVE, length=False) as server:
        get(tmp_path, server)
        server.body = ARCHIVE[:-5000]
        (tmp_path / "toys" / "LICENSE").unlink()
        with pytest.raises(UgstError, match="is damaged, or not complete; nothing was changed"):
            get(tmp_path, server)
    assert left(tmp_path) == {"toys"}


def test_a_server_that_is_busy_for_a_while(tmp_path: Path) -> None:
    with FileServer(ARCHIVE, status=[503, 429, 0]) as server:
        get(tmp_path, server)
    assert len(server.requests) == 3


@pytest.mark.parametrize(("status", "message"), [(404, "404"), (403, "403")])
def test_refused(tmp_path: Path, status: int, message: str) -> None:
    with (
        FileServer(ARCHIVE, status=[status]) as server,
        pytest.raises(UsageError, match=rf"toys/tar.gz/.*: the server answers {message} .*; is the address right"),
    ):
        get(tmp_path, server)
    assert left(tmp_path) == set()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (packed(tar({**FILES, "data/db.json": b"[]"})), "SHA-256 differs"),
        (packed(tar(extra=[member("../evil")])), "leads out of it"),
        (b"<html>", "is damaged"),
    ],
)
def test_what_is_wrong_changes_nothing_and_is_not_kept(tmp_path: Path, body: bytes, message: str) -> None:
    with FileServer(ARCHIVE) as server:
        folder, _ = get(tmp_path, server)
        (folder / "LICENSE").unlink()
        before = files(folder)
        server.body = body
        with pytest.raises(UgstError, match=rf"{message}.*; nothing was changed, and the download was thrown away"):
            get(tmp_path, server)
        assert files(folder) == before
        assert left(tmp_path) == {"toys"}
        server.body = ARCHIVE
        get(tmp_path, server)  # so that another try is not the same one
    assert files(folder)["LICENSE"] == FILES["LICENSE"]


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "MAX_BYTES", 10_000)
    with FileServer(ARCHIVE) as server:
        with pytest.raises(UsageError, match=r"at most 10,000 are taken"):
            get(tmp_path, server)
        server.length = False
        with pytest.raises(UsageError, match=r"more than 10,000 bytes"):
            get(tmp_path, server)


def test_offline_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and not listening
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UgstError) as message:
            fetch(dataset(), tmp_path, mirror=f"http://{where}", pause=0)
    assert str(message.value).startswith(f"can't reach {where}: ")
    assert "\n" not in str(message.value)


@pytest.mark.parametrize("mirror", ["ftp://x", "file:///etc", "/etc", "nowhere"])
def test_no_web_address(tmp_path: Path, mirror: str) -> None:
    with pytest.raises(UsageError, match="not a web address"):
        fetch(dataset(), tmp_path, mirror=mirror)


def test_a_folder_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with FileServer(ARCHIVE) as server, pytest.raises(UsageError, match="name a folder by --to"):
        get(tmp_path / "file", server)


def _hold(path: str, ready: multiprocessing.synchronize.Event, end: multiprocessing.synchronize.Event) -> None:
    import fcntl

    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(fd, fcntl.LOCK_EX)
    ready.set()
    end.wait(30)


def test_one_at_a_time(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, end = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(str(tmp_path / ".toys.lock"), ready, end))
    other.start()
    try:
        assert ready.wait(30)
        with FileServer(ARCHIVE) as server, pytest.raises(UsageError, match="another process is fetching toys"):
            get(tmp_path, server)
    finally:
        end.set()
        other.join()


def test_what_can_be_fetched_is_pinned() -> None:
    assert set(datasets()) == set(MARKS)
    for name, data in datasets().items():
        assert len(data.revision) == 40
        assert int(data.revision, 16)
        paths = {file.path for file in data.files}
        assert "LICENSE" in paths
        assert all(any(path == mark or path.startswith(f"{mark}/") for path in paths) for mark in MARKS[name])
        assert all(len(file.sha256) == 64 and file.bytes > 0 for file in data.files)


@pytest.mark.skipif("UGST_DATA" not in os.environ, reason="UGST_DATA names no folder with data")
@pytest.mark.parametrize("name", sorted(MARKS))
def test_upstream(name: str, tmp_path: Path) -> None:
    """The digests are those of the real files; and an archive of them, laid out as the host does, is taken."""
    data = datasets()[name]
    folder = Path(os.environ["UGST_DATA"]) / name
    assert data.differing(folder) == []
    contents = {file.path: (folder / file.path).read_bytes() for file in data.files}
    body = packed(tar(contents, top=f"{name}-{data.revision}"))
    with FileServer(body) as server:
        fetched = fetch(data, tmp_path, mirror=server.url)
    assert data.differing(fetched) == []
    assert server.paths == [f"/{data.repository}/tar.gz/{data.revision}"]
    assert hashlib.sha256((fetched / "LICENSE").read_bytes()).hexdigest() == data.files[0].sha256
