"""Extraction of known files from a ``.tar.gz`` that is not trusted.

Nothing in the archive decides where anything is written, how large it gets or how much memory is used: the names,
sizes and digests of the wanted files are known beforehand, everything else is skipped unread. So links, devices and
paths that lead elsewhere have no effect; the latter are taken as a sign of a wrong archive.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from pytest_ugst.core.errors import UgstError
from pytest_ugst.domains.download.datasets import DataFile

MAX_UNPACKED = 16 * 2**30
"""Most bytes of the unpacked archive that are read."""
MAX_MEMBERS = 200_000
"""Most members of the archive that are read."""
_BLOCK = tarfile.BLOCKSIZE
_CHUNK = 256 * 1024
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)
_EMPTY = (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE)
_EXTENSIONS = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)


class ArchiveError(UgstError):
    """Error of an archive that is damaged, or not the expected one."""


def extract(archive: Path, files: Iterable[DataFile], folder: Path) -> None:
    """Write the wanted files of an archive into an empty folder, and verify each.

    Args:
        archive: A gzipped tar file whose members stand in one folder of any name, as GitHub makes them.
        files: The wanted files, by path below that folder.
        folder: The folder to write to.

    Raises:
        ArchiveError: If a wanted file is missing or differs, or the archive is damaged or far too large.
    """
    wanted = {file.path: file for file in files}
    with archive.open("rb") as compressed, gzip.GzipFile(fileobj=compressed) as stream:
        tar = _Tar(stream, archive.name)
        members = 0
        while wanted and (member := tar.next_member()) is not None:
            members += 1
            if members > MAX_MEMBERS:
                raise ArchiveError(f"{archive.name}: holds more than {MAX_MEMBERS:,} files; this is not the archive")
            file = _chosen(member, wanted, archive.name)
            if file is not None:
                _write(tar, file, folder)
                del wanted[file.path]
    if wanted:
        missing = ", ".join(sorted(wanted)[:3])
        raise ArchiveError(f"{archive.name}: lacks {missing}; this is not the archive that was expected")


def _chosen(member: tarfile.TarInfo, wanted: dict[str, DataFile], name: str) -> DataFile | None:
    """Return the wanted file that a member is, if it is one."""
    path = PurePosixPath(member.name)
    if member.type in _EXTENSIONS:
        return None  # long names, which none of the wanted files has, or comments
    if path.is_absolute() or ".." in path.parts:
        raise ArchiveError(f"{name}: holds the path {member.name[:80]!r}, which leads out of it; it was not unpacked")
    file = wanted.get("/".join(path.parts[1:]))
    if file is None:
        return None
    if member.type not in _PLAIN:
        raise ArchiveError(f"{name}: {file.path} is no plain file in it (a link, say); it was not unpacked")
    if member.size != file.bytes:
        raise ArchiveError(f"{name}: {file.path} has {member.size:,} bytes in it and should have {file.bytes:,}")
    return file


def _write(tar: _Tar, file: DataFile, folder: Path) -> None:
    """Write the current member's content and verify its digest."""
    path = folder / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("xb") as out:
        for chunk in tar.content():
            digest.update(chunk)
            out.write(chunk)
    if digest.hexdigest() != file.sha256:
        raise ArchiveError(f"{tar.name}: {file.path} has another content than expected (its SHA-256 differs)")


class _Tar:
    """Reader of a tar stream, member by member, in constant memory.

    ``tarfile`` itself would read extension headers of any size into memory; only its parser of single headers is used.
    """

    def __init__(self, stream: BinaryIO | gzip.GzipFile, name: str) -> None:
        self.name = name
        self._stream = stream
        self._read_so_far = 0
        self._left = 0  # bytes of the current member's content
        self._padding = 0

    def next_member(self) -> tarfile.TarInfo | None:
        """Return the next member's header; None at the end."""
        for _ in self.content():
            pass
        self._exactly(self._padding)
        block = self._exactly(_BLOCK)
        if not block.strip(b"\0"):
            return None
        try:
            member = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.TarError, ValueError, OverflowError):
            raise ArchiveError(f"{self.name}: is damaged (a header can't be read)") from None
        self._left = 0 if member.type in _EMPTY else member.size  # a link's header may state any size
        if self._left < 0:
            raise ArchiveError(f"{self.name}: is damaged (a file of negative size)")
        self._padding = -self._left % _BLOCK
        return member

    def content(self) -> Iterable[bytes]:
        """Yield the rest of the current member's content, in chunks."""
        while self._left:
            chunk = self._exactly(min(self._left, _CHUNK))
            self._left -= len(chunk)
            yield chunk

    def _exactly(self, count: int) -> bytes:
        """Read so many bytes, within the bounds."""
        self._read_so_far += count
        if self._read_so_far > MAX_UNPACKED:
            raise ArchiveError(f"{self.name}: unpacks to more than {MAX_UNPACKED // 2**30} GiB; this is not it")
        try:
            data = self._stream.read(count)
        except (EOFError, OSError, zlib.error):  # gzip's own errors are OSErrors
            raise ArchiveError(f"{self.name}: is damaged, or not complete") from None
        if len(data) < count:
            raise ArchiveError(f"{self.name}: is damaged, or not complete")
        return data
