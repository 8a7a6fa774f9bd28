"""Classification of failed requests: which are worth another try, which are not, with a reason in one line."""

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
from pytest_ugst.llm.transport import ConnectionLostError, RawResponse

MAX_PAUSE = 300.0
"""Seconds that a server may ask to wait; a request to one that asks for more fails."""
_BACKOFF_START = 0.5
_BACKOFF_MAX = 60.0


class FailureKind(Enum):
    """The kinds of failure, by what can be done about them."""

    TRANSIENT = 1
    """The same request may succeed at another try."""
    OVERLOADED = 2
    """The same request may succeed later, with fewer requests at once."""
    UNAVAILABLE = 3
    """No request to this model can succeed."""
    REJECTED = 4
    """This request can't succeed; others to the model can."""
    TOO_LONG = 5
    """The conversation does not fit the model's context."""


@dataclass(frozen=True, slots=True)
class RequestFailure:
    """A request that failed, and why."""

    kind: FailureKind
    reason: str
    """A short message for people."""
    pause: float = 0.0
    """Seconds that the server asked to wait; 0 if it did not."""
    status: int | None = None
    """The HTTP status; None without a response."""
    unreachable: bool = False
    """Whether there was no connection, or it broke."""
    parameter: str | None = None
    """The field of the request that the server does not support, where it named one."""


_TOO_LONG = re.compile(
    r"context_length_exceeded|context length|context size|context window|maximum context|exceed_context"
    r"|prompt is too long|too many tokens|input is too long|reduce the length",
    re.IGNORECASE,
)
_UNKNOWN_MODEL = re.compile(
    r"model_not_found|model.{0,120}(?:does not exist|not found|unknown)|unknown model", re.IGNORECASE
)
_QUOTA_EXCEEDED = re.compile(r"insufficient_quota|billing_hard_limit|exceeded your current quota", re.IGNORECASE)
_SCHEMA_WORDS = re.compile(r"response_format|json_schema|schema|structured|guided|grammar", re.IGNORECASE)
_TOOL_WORDS = re.compile(r"\btools?\b|tool_choice|tool-call|function.call", re.IGNORECASE)


def classify_response(response: RawResponse, secret: str | None) -> RequestFailure:
    """Classify a response whose status is not 200.

    Args:
        response: The server's response.
        secret: The API key, which some servers quote in their message; it is masked.
    """
    message, code, parameter = _error_message(response.body, secret)
    status = response.status
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "unknown status"
    reason = f"{status} {phrase}" + (f": {message}" if message else "")
    details = f"{code} {message}"
    if 300 <= status < 400:
        where = f" to {one_line(response.location.partition('?')[0], 200)}" if response.location else ""
        return RequestFailure(
            FailureKind.UNAVAILABLE, f"{reason}: the address redirects{where}; give the final one", status=status
        )
    if status in (401, 403):
        return RequestFailure(FailureKind.UNAVAILABLE, f"{reason} (is the key right?)", status=status)
    if status in (429, 503, 529):
        if _QUOTA_EXCEEDED.search(details):
            return RequestFailure(FailureKind.UNAVAILABLE, reason, status=status)
        return RequestFailure(FailureKind.OVERLOADED, reason, _seconds_to_wait(response.retry_after), status)
    if status in (408, 409, 425) or status >= 500:
        return RequestFailure(FailureKind.TRANSIENT, reason, _seconds_to_wait(response.retry_after), status)
    if status == 413 or (status in (400, 422) and _TOO_LONG.search(details)):
        return RequestFailure(FailureKind.TOO_LONG, reason, status=status)
    if status in (404, 405, 410) or _UNKNOWN_MODEL.search(details):
        return RequestFailure(FailureKind.UNAVAILABLE, reason, status=status)
    return RequestFailure(FailureKind.REJECTED, reason, status=status, parameter=parameter)


def classify_lost_connection(lost: ConnectionLostError) -> RequestFailure:
    """Classify a request that got no response."""
    if lost.fatal:
        return RequestFailure(FailureKind.REJECTED, str(lost))
    kind = FailureKind.OVERLOADED if lost.timeout else FailureKind.TRANSIENT
    return RequestFailure(kind, str(lost), unreachable=not lost.timeout)


def mentions_schema(failure: RequestFailure) -> bool:
    """Return whether a server's error is about the JSON schema of the request."""
    return bool(_SCHEMA_WORDS.search(failure.reason))


def mentions_tools(failure: RequestFailure) -> bool:
    """Return whether a server's error is about the tools of the request."""
    return bool(_TOOL_WORDS.search(failure.reason))


def backoff(tries: int, pause: float) -> float:
    """Return the seconds to wait before the next try: the server's pause, else exponentially more each time.

    Jitter is added, so that requests that failed together are not sent together again.

    Args:
        tries: Number of tries so far, from 1.
        pause: Seconds that the server asked to wait; 0 if it did not.
    """
    jitter = random.random()  # noqa: S311 -- not used for security
    if pause > 0.0:
        return pause + jitter * min(1.0, 0.1 * pause)
    return min(_BACKOFF_MAX, _BACKOFF_START * 2.0 ** (min(tries, 30) - 1)) * (0.5 + 0.5 * jitter)


def printable_url(url: str) -> str:
    """Return an address without user, password and query, so that it can be printed."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


def _seconds_to_wait(header: str | None) -> float:
    """Return the seconds that a ``Retry-After`` header asks for, as a number or a date (RFC 9110, section 10.2.3)."""
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


def _error_message(body: bytes, secret: str | None) -> tuple[str, str, str | None]:
    """Read the error in a server's response.

    The key is masked before anything is cut off, so that no part of it remains.

    Returns:
        The message in one line, bounded and safe to print; the error's code and type; the field that it names, or
        None.
    """
    text = body[:20_000].decode("utf-8", "replace")
    code, parameter = "", None
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        # The HTML page of a proxy is long and says nothing of use.
        message = "" if text.lstrip()[:1] == "<" else text
    else:
        error = data.get("error", data) if isinstance(data, Mapping) else data
        if isinstance(error, Mapping):
            message = str(error.get("message") or error.get("detail") or "")
            code = f"{error.get('code') or ''} {error.get('type') or ''}"
            parameter = error["param"] if isinstance(error.get("param"), str) else None
        else:
            message = str(error)
    message = one_line(message.replace(secret, "***") if secret else message, 300)
    return message, code[:200], parameter
