"""Download of one large file, which resumes after an interruption and never mixes parts of different files.

It uses the standard library's client: one connection, one file, proxies from the environment.
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
"""Most bytes of a file."""
ATTEMPTS = 4
"""Most attempts in a row that bring no new bytes."""
TIMEOUT = 30.0
"""Seconds without a byte after which a connection is given up."""
_CHUNK = 256 * 1024

Progress = Callable[[int, int | None], None]
"""Callback with the number of bytes so far, and the total where the server states it."""


class _BrokenTransferError(Exception):
    """The connection ended before the file did."""


def download(url: str, path: Path, on_progress: Progress | None = None, *, pause: float = 1.0) -> None:
    """Download a file to ``path``.

    A part that an earlier attempt left is completed, where the server can continue (``Range``) and confirms that it
    still has the same file (``If-Range``); else the file is downloaded from its beginning.

    Args:
        url: An ``https:`` or ``http:`` address.
        path: Where to write the file. A JSON file beside it records what it is a part of.
        on_progress: Called after each chunk.
        pause: Seconds before the second attempt; doubled before each later one.

    Raises:
        UsageError: If the address is malformed, or there is no such file on the server.
        UgstError: If the server can't be reached, or the connection breaks again and again. The part that has arrived
            is kept.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise UsageError(f"{url}: not a web address; write https://HOST/...")
    attempt, farthest = 0, _size(path)
    while True:
        try:
            return _attempt(url, path, on_progress)
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


def _attempt(url: str, path: Path, on_progress: Progress | None) -> None:
    """Download the file, or the rest of it, over one connection.

    Raises:
        _BrokenTransferError: If another attempt may succeed.
    """
    note = path.with_name(f"{path.name}.json")
    known = _resumable(url, path, note)
    start = _size(path) if known else 0
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
            _copy(response, path, start, total, on_progress)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and start:  # the part on disk does not fit: start again
            note.unlink(missing_ok=True)
            raise _BrokenTransferError("the part that was there is not a part of it") from None
        raise _refusal(url, error) from None
    except urllib.error.URLError as error:
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise UgstError(f"can't reach {urlsplit(url).netloc}: {reason}; check the network, or name a mirror") from None
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise UsageError(f"can't write {error.filename}: {error.strerror}") from None
        raise _BrokenTransferError(str(error) or type(error).__name__) from None


def _resumable(url: str, path: Path, note: Path) -> dict[str, Any]:
    """Return the record of the part on disk; empty if there is none that can be completed."""
    known = _read_note(note)
    if not _size(path) or known.get("url") != url or not known.get("validator"):
        return {}
    return known


def _refusal(url: str, error: urllib.error.HTTPError) -> Exception:
    """Return the error for an HTTP status: one to retry, or a final one."""
    if error.code in (429, 500, 502, 503, 504):
        return _BrokenTransferError(f"the server answers {error.code}")
    return UsageError(f"{url}: the server answers {error.code} {error.reason}; is the address right?")


def _open(request: urllib.request.Request) -> Any:
    return urllib.request.urlopen(request, timeout=TIMEOUT)  # noqa: S310 - the scheme is checked by the caller


def _copy(response: Any, path: Path, start: int, total: int | None, on_progress: Progress | None) -> None:
    """Append the response's body to the file.

    Raises:
        _BrokenTransferError: If the body ends too early.
    """
    if total is not None and total > MAX_BYTES:
        raise UsageError(f"{response.url}: {total:,} bytes, and at most {MAX_BYTES:,} are taken")
    done = start
    with path.open("ab") as file:
        if on_progress is not None:
            on_progress(done, total)
        while chunk := response.read1(_CHUNK):
            done += len(chunk)
            if done > MAX_BYTES:
                raise UsageError(f"{response.url}: more than {MAX_BYTES:,} bytes, which is the most that is taken")
            file.write(chunk)
            if on_progress is not None:
                on_progress(done, total)
    if total is not None and done < total:
        raise _BrokenTransferError(f"{total - done:,} bytes are missing")


def _validator(response: Any) -> str | None:
    """Return the header that identifies this exact content, for ``If-Range``; a weak tag does not identify it."""
    tag = response.headers.get("ETag")
    if tag and not tag.startswith("W/"):
        return str(tag)
    modified = response.headers.get("Last-Modified")
    return str(modified) if modified else None


def _first_byte(response: Any) -> int | None:
    """Return the position at which a partial response starts."""
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _total(response: Any, start: int) -> int | None:
    """Return the size of the whole file, if the server states it."""
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
