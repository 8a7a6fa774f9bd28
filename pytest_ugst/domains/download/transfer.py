"""Downloading one large file: goes on where it was cut off, and never takes a part of one file for a part of another.

The standard library's client: one connection, one file, proxies from the environment.
"""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytest_ugst.core.errors import UgstError, UsageError
from pytest_ugst.utils.files import replace_text

MAX_BYTES = 4 * 2**30
"""No archive is larger than this."""
ATTEMPTS = 4
"""How often a connection that broke is made anew, as long as every one of them brings something."""
TIMEOUT = 30.0
"""Seconds without a byte."""
_CHUNK = 256 * 1024

Progress = Callable[[int, int | None], None]
"""Told the bytes that are there, and how many it will be where the server says so."""


class _BrokenTransferError(Exception):
    """The connection ended before the file did."""


def download(url: str, path: Path, progress: Progress | None = None, *, pause: float = 1.0) -> None:
    """Bring a file from the web to ``path``.

    What is there of an earlier attempt is kept and completed, where the server can continue (``Range``) and says that
    it still has the same file (``If-Range``); else the file is fetched from its beginning.

    Args:
        url: ``https:`` or ``http:``.
        path: The file; a note on what it is a part of stands beside it until it is whole.
        progress: Told how far it is.
        pause: Seconds before the second attempt; more before the later ones.

    Raises:
        UsageError: If the address is none, or there is no such file.
        UgstError: If the server can't be reached, or the connection breaks again and again. What has arrived is kept.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise UsageError(f"{url}: not a web address; write https://HOST/...")
    attempt, farthest = 0, _size(path)
    while True:
        try:
            return _attempt(url, path, progress)
        except _BrokenTransferError as broken:
            here = _size(path)
            # Give up where nothing more arrives, not where a long file takes many connections.
            attempt = 1 if here > farthest else attempt + 1
            farthest = max(farthest, here)
            if attempt == ATTEMPTS:
                raise UgstError(
                    f"{url}: the connection broke off after {here:,} bytes ({broken}); run the command again to go on"
                ) from None
            time.sleep(pause * 2 ** (attempt - 1))


def _attempt(url: str, path: Path, progress: Progress | None) -> None:
    note = path.with_name(f"{path.name}.json")
    known = _read_note(note)
    start = _size(path)
    if not start or known.get("url") != url or not known.get("validator"):
        start, known = 0, {}
    if start and start == known.get("total"):
        return
    headers = {"User-Agent": "pytest-ugst", "Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": known["validator"]}
    try:
        with _open(urllib.request.Request(url, headers=headers)) as response:  # noqa: S310 - checked above
            if start and response.status == 206 and _first_byte(response) == start:
                total = known.get("total") or _total(response, start)
            else:
                start, total = 0, _total(response, 0)
                path.unlink(missing_ok=True)
                replace_text(note, json.dumps({"url": url, "validator": _validator(response), "total": total}))
            _copy(response, path, start, total, progress)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and start:  # what is there does not fit; begin anew
            note.unlink(missing_ok=True)
            raise _BrokenTransferError("the part that was there is not a part of it") from None
        if error.code in (429, 500, 502, 503, 504):
            raise _BrokenTransferError(f"the server answers {error.code}") from None
        raise UsageError(f"{url}: the server answers {error.code} {error.reason}; is the address right?") from None
    except urllib.error.URLError as error:
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise UgstError(f"can't reach {urlsplit(url).netloc}: {reason}; check the network, or name a mirror") from None
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise UsageError(f"can't write {error.filename}: {error.strerror}") from None
        raise _BrokenTransferError(str(error) or type(error).__name__) from None


def _open(request: urllib.request.Request) -> Any:
    return urllib.request.urlopen(request, timeout=TIMEOUT)  # noqa: S310 - the scheme is checked by the caller


def _copy(response: Any, path: Path, start: int, total: int | None, progress: Progress | None) -> None:
    if total is not None and total > MAX_BYTES:
        raise UsageError(f"{response.url}: {total:,} bytes, and at most {MAX_BYTES:,} are taken")
    done = start
    with path.open("ab") as file:
        if progress is not None:
            progress(done, total)
        while chunk := response.read1(_CHUNK):
            done += len(chunk)
            if done > MAX_BYTES:
                raise UsageError(f"{response.url}: more than {MAX_BYTES:,} bytes, which is the most that is taken")
            file.write(chunk)
            if progress is not None:
                progress(done, total)
    if total is not None and done < total:
        raise _BrokenTransferError(f"{total - done:,} bytes are missing")


def _validator(response: Any) -> str | None:
    """What tells this very content from a later one; a weak tag does not."""
    tag = response.headers.get("ETag")
    if tag and not tag.startswith("W/"):
        return str(tag)
    modified = response.headers.get("Last-Modified")
    return str(modified) if modified else None


def _first_byte(response: Any) -> int | None:
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _total(response: Any, start: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _read_note(note: Path) -> dict[str, Any]:
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
