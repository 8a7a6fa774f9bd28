"""What went wrong with a request: sorted into "try again", "won't help" and "ask differently", in one clear line."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from pytest_ugst.core.text import one_line
from pytest_ugst.llm.transport import ConnectionLostError, RawAnswer

MAX_PAUSE = 300.0
"""Seconds a server may ask to wait; one that asks for more is not waited for."""
_BACKOFF_START = 0.5
_BACKOFF_MAX = 60.0


class FailureKind(Enum):
    """What to do about a failure."""

    TRANSIENT = 1
    """Try again."""
    OVERLOADED = 2
    """Try again, later and with fewer at once."""
    UNAVAILABLE = 3
    """No request to this model will ever be answered."""
    REJECTED = 4
    """This request will not be answered."""
    TOO_LONG = 5
    """The conversation does not fit the model's context."""


@dataclass(frozen=True, slots=True)
class RequestFailure:
    """Why there is no answer."""

    kind: FailureKind
    reason: str
    """A few words for a person."""
    pause: float = 0.0
    """Seconds the server asked to wait."""
    status: int | None = None
    unreachable: bool = False
    """Whether there was no connection, or it broke."""
    parameter: str | None = None
    """The request's field that the server can't take, where it named one."""


_TOO_LONG = re.compile(
    r"context_length_exceeded|context length|context size|context window|maximum context|exceed_context"
    r"|prompt is too long|too many tokens|input is too long|reduce the length",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model_not_found|model.{0,120}(?:does not exist|not found|unknown)|unknown model", re.IGNORECASE
)
_NO_MONEY = re.compile(r"insufficient_quota|billing_hard_limit|exceeded your current quota", re.IGNORECASE)
_ABOUT_SCHEMA = re.compile(r"response_format|json_schema|schema|structured|guided|grammar", re.IGNORECASE)
_ABOUT_TOOLS = re.compile(r"\btools?\b|tool_choice|tool-call|function.call", re.IGNORECASE)


def from_answer(answer: RawAnswer, secret: str | None) -> RequestFailure:
    """Sort an answer whose status is not 200.

    Args:
        answer: What the server sent.
        secret: The key, which some servers quote; it is blotted out.
    """
    said, code, parameter = _message(answer.body, secret)
    status = answer.status
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "unknown status"
    reason = f"{status} {phrase}" + (f": {said}" if said else "")
    hint = f"{code} {said}"
    if 300 <= status < 400:
        where = f" to {one_line(answer.location.partition('?')[0], 200)}" if answer.location else ""
        return RequestFailure(
            FailureKind.UNAVAILABLE, f"{reason}: the address redirects{where}; give the final one", status=status
        )
    if status in (401, 403):
        return RequestFailure(FailureKind.UNAVAILABLE, f"{reason} (is the key right?)", status=status)
    if status in (429, 503, 529):
        if _NO_MONEY.search(hint):
            return RequestFailure(FailureKind.UNAVAILABLE, reason, status=status)
        return RequestFailure(FailureKind.OVERLOADED, reason, _pause(answer.retry_after), status)
    if status in (408, 409, 425) or status >= 500:
        return RequestFailure(FailureKind.TRANSIENT, reason, _pause(answer.retry_after), status)
    if status == 413 or (status in (400, 422) and _TOO_LONG.search(hint)):
        return RequestFailure(FailureKind.TOO_LONG, reason, status=status)
    if status in (404, 405, 410) or _NO_MODEL.search(hint):
        return RequestFailure(FailureKind.UNAVAILABLE, reason, status=status)
    return RequestFailure(FailureKind.REJECTED, reason, status=status, parameter=parameter)


def from_lost(lost: ConnectionLostError) -> RequestFailure:
    """Sort a request that got no answer."""
    if lost.fatal:
        return RequestFailure(FailureKind.REJECTED, str(lost))
    kind = FailureKind.OVERLOADED if lost.timeout else FailureKind.TRANSIENT
    return RequestFailure(kind, str(lost), unreachable=not lost.timeout)


def about_schema(failure: RequestFailure) -> bool:
    """Whether a server complains of the JSON schema it was asked to follow."""
    return bool(_ABOUT_SCHEMA.search(failure.reason))


def about_tools(failure: str) -> bool:
    """Whether a server complains of the tools it was offered."""
    return bool(_ABOUT_TOOLS.search(failure))


def backoff(tries: int, pause: float) -> float:
    """Seconds to wait before the next try: what the server asked for, or exponentially more each time; with jitter.

    Args:
        tries: Tries so far, from 1.
        pause: Seconds the server asked to wait; 0 if it did not.
    """
    jitter = random.random()  # noqa: S311 -- spreads requests, keeps no secret
    if pause > 0.0:
        return pause + jitter * min(1.0, 0.1 * pause)
    return min(_BACKOFF_MAX, _BACKOFF_START * 2.0 ** (min(tries, 30) - 1)) * (0.5 + 0.5 * jitter)


def shown(url: str) -> str:
    """An address fit to be printed: without user, password and query."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


def _pause(header: str | None) -> float:
    """Seconds from a ``Retry-After`` header: a number, or a date (RFC 9110, section 10.2.3)."""
    if not header:
        return 0.0
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return 0.0
    return seconds if 0.0 < seconds < float("inf") else 0.0


def _message(body: bytes, secret: str | None) -> tuple[str, str, str | None]:
    """A server's words for what is wrong, its code, and the field it names; in one line, bounded, fit for a terminal.

    The key is blotted out before anything is cut off: half of one is still too much.
    """
    text = body[:20_000].decode("utf-8", "replace")
    code, parameter = "", None
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        # An HTML page of some proxy says little, and much of it.
        said = "" if text.lstrip()[:1] == "<" else text
    else:
        error = data.get("error", data) if isinstance(data, Mapping) else data
        if isinstance(error, Mapping):
            said = str(error.get("message") or error.get("detail") or "")
            code = f"{error.get('code') or ''} {error.get('type') or ''}"
            parameter = error["param"] if isinstance(error.get("param"), str) else None
        else:
            said = str(error)
    said = one_line(said.replace(secret, "***") if secret else said, 300)
    return said, code[:200], parameter
