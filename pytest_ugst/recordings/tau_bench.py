"""Conversations recorded by tau-bench: its ``historical_trajectories``, read without running anything.

Each has a task, the messages of one trial with tool calls and their results, and the reward. They were recorded with
an older revision of the data, whose addresses have ``province`` where today's have ``state``, and of the reward, which
looked at the outputs alone where a task has any.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError

from pytest_ugst.core.base import Frozen
from pytest_ugst.core.conversation import Conversation, ToolCall, Turn
from pytest_ugst.core.errors import UsageError, first_fault
from pytest_ugst.core.goal import Goal

STOP = "###STOP###"
"""The text by which tau-bench's simulated users end a conversation."""


def with_todays_fields(result: str) -> str:
    """Return a recorded tool result with its fields named as in today's data."""
    return result.replace('"province": ', '"state": ')


@dataclass(frozen=True, slots=True)
class Recording:
    """The recording of one trial of one task."""

    goal: Goal
    trial: int
    conversation: Conversation
    reward: float
    finished: bool
    """False for a conversation that was cut off; its reward is 0 whatever was done."""
    reference_hash: str | None
    """tau-bench's hash of the database after the reference actions."""


class _RecordedModel(BaseModel):
    """The fields of a record that are read here; the files have more."""

    model_config = ConfigDict(frozen=True)


class _Function(_RecordedModel):
    name: str
    arguments: str


class _Call(_RecordedModel):
    id: str
    function: _Function


class _Message(_RecordedModel):
    role: str
    content: str | None = None
    tool_calls: tuple[_Call, ...] | None = None
    tool_call_id: str | None = None


class _RecordedAction(Frozen):
    name: str
    kwargs: dict[str, JsonValue]


class _RecordedTask(_RecordedModel):
    user_id: str
    instruction: str
    actions: tuple[_RecordedAction, ...]
    outputs: tuple[str, ...] = ()


class _RewardInfo(_RecordedModel):
    info: dict[str, Any] = {}


class _Info(_RecordedModel):
    task: _RecordedTask
    reward_info: _RewardInfo | None = None


class _Trial(_RecordedModel):
    task_id: int
    trial: int
    reward: float
    info: _Info
    traj: tuple[_Message, ...]


_TRIALS: TypeAdapter[list[_Trial]] = TypeAdapter(list[_Trial])


def read_recordings(path: Path, domain: str) -> Iterator[Recording]:
    """Read the recorded conversations of one file, in its order.

    Args:
        path: A file of ``historical_trajectories``.
        domain: The domain it was recorded in: ``airline`` or ``retail``. The goals keep upstream's bugs
            (``compat: v1``).

    Yields:
        One recording per trial.

    Raises:
        UsageError: If the file can't be read or is malformed.
    """
    try:
        trials = _TRIALS.validate_python(json.loads(path.read_bytes()))
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error.strerror}") from None
    except ValidationError as error:
        raise UsageError(f"{path}: {first_fault(error)}; is this a file of tau-bench's trajectories?") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is no valid JSON, perhaps cut off ({str(error)[:80]})") from None
    for trial in trials:
        upstream = {
            "domain": domain,
            "index": trial.task_id,
            "user_id": trial.info.task.user_id,
            "actions": [{"name": a.name, "arguments": a.kwargs} for a in trial.info.task.actions],
            "outputs": list(trial.info.task.outputs),
        }
        info = trial.info.reward_info
        yield Recording(
            goal=Goal(
                id=f"tau-bench-{domain}-recorded-{trial.task_id}",
                text=trial.info.task.instruction,
                domain=domain,
                data={"upstream": upstream, "compat": "v1"},
            ),
            trial=trial.trial,
            conversation=_conversation(trial.traj, f"{path}: task {trial.task_id}, trial {trial.trial}"),
            reward=trial.reward,
            finished=info is not None,
            reference_hash=None if info is None else info.info.get("gt_data_hash"),
        )


def _conversation(messages: tuple[_Message, ...], where: str) -> Conversation:
    """Fold messages into turns: a user's message, the tool calls after it, and the agent's texts."""
    turns: list[Turn] = []
    user: str | None = None
    calls: list[ToolCall] = []
    texts: list[str] = []
    pending: dict[str, _Call] = {}

    def close() -> None:
        nonlocal user
        if user is not None:
            turns.append(Turn(user=user, tool_calls=tuple(calls), agent="\n".join(texts) if texts else None))
        user = None
        calls.clear()
        texts.clear()

    for message in messages:
        text = message.content or ""
        if message.role == "user":
            close()
            user = text.replace(STOP, "").strip()
            if STOP in text and not user:
                user = None
        elif message.role == "assistant":
            pending |= {call.id: call for call in message.tool_calls or ()}
            if text:
                texts.append(text)
        elif message.role == "tool":
            call = pending.get(message.tool_call_id or "")
            if call is None:
                raise UsageError(f"{where}: a result of the tool call {message.tool_call_id!r}, which nobody made")
            calls.append(_tool_call(call, text, where))
    close()
    return Conversation(turns=tuple(turns))


def _tool_call(call: _Call, result: str, where: str) -> ToolCall:
    try:
        arguments = json.loads(call.function.arguments)
        return ToolCall(
            id=call.id,
            name=call.function.name,
            arguments=arguments,
            result=result,
            ok=not result.startswith("Error: "),
        )
    except (ValueError, RecursionError):
        raise UsageError(f"{where}: the arguments of {call.function.name} are no JSON object") from None
