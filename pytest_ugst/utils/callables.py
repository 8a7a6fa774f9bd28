"""Calls of functions that a user of this project wrote, sync or async."""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import Callable
from typing import Any

from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.errors import RoleError


async def call(what: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function and return its result. A sync function runs in a thread, so that it may block.

    Args:
        what: The function's description in messages, such as ``the agent NAME``.
        function: A sync or async function.
        *args: The function's positional arguments.
        **kwargs: The function's keyword arguments.

    Raises:
        RoleError: If the function raises anything; a RoleError of its own passes unchanged.
    """
    try:
        if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004
            return await function(*args, **kwargs)
        result = await asyncio.to_thread(function, *args, **kwargs)
        return await result if inspect.isawaitable(result) else result
    except RoleError:
        raise
    except Exception as error:
        raise RoleError(f"{what} failed: {type(error).__name__}: {error}{_origin(error)}") from error


def _origin(error: BaseException) -> str:
    """Return the file and line that raised an exception, which are the user's own; a traceback would show too much."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({frames[-1].filename}:{frames[-1].lineno})" if len(frames) > 1 else ""


def takes(function: Callable[..., Any], count: int) -> bool:
    """Return whether a function can be called with ``count`` positional arguments."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except (TypeError, ValueError):
        return False
    return True


def name_of(function: object) -> str:
    """Return a name for a function, for reports."""
    return str(getattr(function, "__name__", type(function).__name__))


def text_messages(conversation: Conversation) -> list[dict[str, Any]]:
    """Return a conversation as an OpenAI-style list of messages: the text of user and agent, without tool calls."""
    messages: list[dict[str, Any]] = []
    for turn in conversation.turns:
        messages.append({"role": "user", "content": turn.user})
        if turn.agent is not None:
            messages.append({"role": "assistant", "content": turn.agent})
    return messages
