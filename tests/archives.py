"""Archives as a code host makes them, and hostile ones."""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import tarfile
from collections.abc import Iterable, Mapping

from pytest_ugst.domains.download.datasets import DataFile, DataSet

FILES: Mapping[str, bytes] = {
    "LICENSE": b"Do as you like.\n",
    "data/db.json": b"{}",
    "data/deep/er/large.bin": random.Random(1).randbytes(700_000),  # longer than what is read at once
    "data/empty.txt": b"",
}
"""What is wanted of the archive."""


def dataset(files: Mapping[str, bytes] = FILES, name: str = "toys") -> DataSet:
    described = (DataFile(path, len(data), hashlib.sha256(data).hexdigest()) for path, data in files.items())
    return DataSet(name, "owner/toys", "0123456789abcdef", "MIT", "Somebody", tuple(described))


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


def tar(
    files: Mapping[str, bytes] = FILES,
    extra: Iterable[tarfile.TarInfo] = (),
    top: str = "toys-0123",
    before: bool = True,
) -> bytes:
    """A tar file.

    Args:
        files: Its plain files.
        extra: More members, without content.
        top: The folder everything stands in.
        before: Whether the extra ones come first.
    """
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "0123"}) as archive:
        if before:
            for info in extra:
                archive.addfile(info)
        archive.addfile(member(top, tarfile.DIRTYPE))
        archive.addfile(member(f"{top}/README.md", size=3), io.BytesIO(b"Hi."))
        archive.addfile(member(f"{top}/link", tarfile.SYMTYPE, "README.md"))
        for path, data in files.items():
            archive.addfile(member(f"{top}/{path}", size=len(data)), io.BytesIO(data))
        if not before:
            for info in extra:
                archive.addfile(info)
    return out.getvalue()


def packed(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)
