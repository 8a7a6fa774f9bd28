"""Known files come out of an archive, whatever else is in it."""

from __future__ import annotations

import contextlib
import io
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.domains.download import archive
from pytest_ugst.domains.download.archive import ArchiveError, extract
from tests.archives import FILES, dataset, member, packed, tar

WANTED = dataset().files


def unpack(folder: Path, data: bytes) -> dict[str, bytes]:
    """Extract an archive and return every file below the folder, by path."""
    (folder / "a.tar.gz").write_bytes(data)
    out = folder / "out"
    out.mkdir()
    extract(folder / "a.tar.gz", WANTED, out)
    assert not any(path.is_symlink() for path in out.rglob("*"))
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_only_what_is_wanted(tmp_path: Path) -> None:
    assert unpack(tmp_path, packed(tar())) == FILES


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_long_names_of_other_files(tmp_path: Path, format: int) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as made:
        deep = "/".join(["toys-0123", "a" * 60, "b" * 60, "c"])
        made.addfile(member(deep, size=3), io.BytesIO(b"abc"))
        for path, data in FILES.items():
            made.addfile(member(f"toys-0123/{path}", size=len(data)), io.BytesIO(data))
    assert unpack(tmp_path, packed(out.getvalue())) == FILES


@pytest.mark.parametrize(
    "name", ["../evil", "toys-0123/../../evil", "/tmp/evil", "//evil", "toys-0123/..", "toys-0123/data/../../../evil"]
)
def test_paths_that_lead_out(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveError, match=r"leads out of it; it was not unpacked"):
        unpack(tmp_path, packed(tar(extra=[member(name)])))
    assert everything(tmp_path) == {"a.tar.gz", "out"}


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.SYMTYPE, "../../evil"),
        (tarfile.LNKTYPE, "toys-0123/README.md"),
        (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""),
        (tarfile.FIFOTYPE, ""),
        (tarfile.DIRTYPE, ""),
        (tarfile.GNUTYPE_SPARSE, ""),
    ],
)
def test_a_wanted_file_that_is_no_plain_file(tmp_path: Path, kind: bytes, link: str) -> None:
    with pytest.raises(ArchiveError, match=r"data/db.json is no plain file"):
        unpack(tmp_path, packed(tar(extra=[member("toys-0123/data/db.json", kind, link)])))
    assert everything(tmp_path) == {"a.tar.gz", "out"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_where_a_folder_should_be_has_no_effect(tmp_path: Path, kind: bytes) -> None:
    aside = tmp_path / "aside"
    aside.mkdir()
    assert unpack(tmp_path, packed(tar(extra=[member("toys-0123/data", kind, str(aside))]))) == FILES
    assert not any(aside.iterdir())


def test_another_content(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"data/db.json has another content than expected \(its SHA-256 differs\)"):
        unpack(tmp_path, packed(tar({**FILES, "data/db.json": b"[]"})))


def test_another_size(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"data/db.json has 3 bytes in it and should have 2"):
        unpack(tmp_path, packed(tar({**FILES, "data/db.json": b"[1]"})))


def test_a_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"lacks data/db.json; this is not the archive"):
        unpack(tmp_path, packed(tar({path: data for path, data in FILES.items() if path != "data/db.json"})))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_cut_off(tmp_path: Path, share: float) -> None:
    data = packed(tar())
    with pytest.raises(ArchiveError, match=r"is damaged, or not complete"):
        unpack(tmp_path, data[: int(len(data) * share)])


def test_not_an_archive(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="is damaged, or not complete"):
        unpack(tmp_path, b"<html>Please log in to the network first.</html>" * 50)


def test_a_bomb_is_not_unpacked_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_UNPACKED", 10 * 2**20)
    header = member("toys-0123/zeros", size=2**33).tobuf(tarfile.GNU_FORMAT)
    bomb = packed(header + bytes(12 * 2**20))
    assert len(bomb) < 2**18
    with pytest.raises(ArchiveError, match="unpacks to more than"):
        unpack(tmp_path, bomb)
    assert everything(tmp_path) == {"a.tar.gz", "out"}


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_huge_header_takes_no_memory(tmp_path: Path, kind: bytes) -> None:
    size = 32 * 2**20
    header = member("toys-0123/x", kind, size=size).tobuf(tarfile.GNU_FORMAT)
    data = packed(header + bytes(size) + tar())
    tracemalloc.start()
    try:
        assert unpack(tmp_path, data) == FILES
        assert tracemalloc.get_traced_memory()[1] < size / 4
    finally:
        tracemalloc.stop()


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 1_000)
    with pytest.raises(ArchiveError, match="holds more than 1,000 files"):
        unpack(tmp_path, packed(tar(extra=[member(f"toys-0123/{i}") for i in range(1_001)])))


def test_the_first_of_two_of_one_name_counts(tmp_path: Path) -> None:
    again = [member("toys-0123/data/db.json", tarfile.SYMTYPE, "/etc/passwd")]
    assert unpack(tmp_path, packed(tar(extra=again, before=False))) == FILES


def test_a_negative_size(tmp_path: Path) -> None:
    header = member("toys-0123/x", size=-1).tobuf(tarfile.GNU_FORMAT)
    with pytest.raises(ArchiveError, match="is damaged"):
        unpack(tmp_path, packed(header + tar()))


@given(junk=st.binary(max_size=3_000), at=st.integers(0, 20_000))
def test_whatever_is_in_it(tmp_path_factory: pytest.TempPathFactory, junk: bytes, at: int) -> None:
    """Either the very files come out, or an error of ours."""
    whole = tar({path: data for path, data in FILES.items() if len(data) < 1_000})
    small = [file for file in WANTED if file.bytes < 1_000]
    folder = tmp_path_factory.mktemp("x")
    (folder / "a.tar.gz").write_bytes(packed(whole[:at] + junk + whole[at + len(junk) :]))
    with contextlib.suppress(ArchiveError):
        extract(folder / "a.tar.gz", small, folder / "out")
    for path in (folder / "out").rglob("*"):
        assert path.is_dir() or str(path.relative_to(folder / "out")) in FILES
    assert {path.name for path in folder.iterdir()} <= {"a.tar.gz", "out"}
