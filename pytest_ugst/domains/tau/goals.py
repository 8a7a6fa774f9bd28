"""Goals of tau-bench: its task lists as published, read without running them.

The part of a task that concerns the agent's work (reference actions and outputs) is kept in ``Goal.data["upstream"]``.

Source: Yao et al., "tau-bench: A Benchmark for Tool-Agent-User Interaction in Real-World Domains", 2024, whose
repository keeps the lists in ``tau_bench/envs/DOMAIN/tasks_SPLIT.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError

from pytest_ugst.core.base import Frozen
from pytest_ugst.core.errors import UsageError, first_fault
from pytest_ugst.core.goal import Goal, Text
from pytest_ugst.domains.tau.python_literals import Call, read_calls

DOMAINS = ("airline", "retail")
SPLITS = ("test", "train", "dev")
_NAMES = frozenset({"Task", "Action"})
_MODULE = "tau_bench.types"


class _ListedAction(Frozen):
    """A reference action as the task lists of tau-bench have it."""

    name: str
    kwargs: dict[str, JsonValue]


class _ListedTask(Frozen):
    """A task as the task lists of tau-bench have it."""

    annotator: str
    user_id: str
    instruction: Text
    actions: tuple[_ListedAction, ...]
    outputs: tuple[str, ...]


def import_tau_bench(data_dir: Path, domain: str | None = None, split: str | None = None) -> Iterator[Goal]:
    """Read the goals of tau-bench, in upstream's order.

    Args:
        data_dir: A copy of the tau-bench repository, or a folder that holds one under the name ``tau-bench``.
        domain: ``airline`` or ``retail``; both by default.
        split: ``test``, ``train`` or ``dev``; all of them by default. The airline has a test split only.

    Returns:
        The goals, without sub-components.

    Raises:
        UsageError: If the folder does not hold tau-bench, at once; or if one of its files is malformed, while
            iterating.
    """
    for given, known, what in ((domain, DOMAINS, "domain"), (split, SPLITS, "split")):
        if given is not None and given not in known:
            raise UsageError(f"tau-bench has no {what} {given!r}; choose from {', '.join(known)}")
    envs = _find_envs(data_dir)
    files = [
        (path, d, s)
        for d in DOMAINS
        for s in SPLITS
        if domain in (None, d) and split in (None, s) and (path := envs / d / f"tasks_{s}.py").is_file()
    ]
    if not files:
        wanted = envs / (domain or "DOMAIN") / f"tasks_{split or 'SPLIT'}.py"
        there = ", ".join(sorted(f"{p.parent.name}/{p.name}" for p in envs.glob("*/tasks_*.py"))) or "none"
        raise UsageError(f"{wanted}: there is no such task list; there: {there}")
    return (goal for path, d, s in files for goal in _goals(path, d, s))


def _find_envs(data_dir: Path) -> Path:
    for root in (data_dir, data_dir / "tau-bench"):
        envs = root / "tau_bench" / "envs"
        if envs.is_dir():
            return envs
    raise UsageError(
        f"{data_dir}: holds no tau-bench (tau_bench/envs is missing); "
        "give the folder of a clone of github.com/sierra-research/tau-bench"
    )


def _goals(path: Path, domain: str, split: str) -> Iterator[Goal]:
    for index, call in enumerate(read_calls(path, _NAMES, _MODULE)):
        where = f"{path}:{call.line}"
        task = _task(call, where)
        yield Goal(
            id=f"tau-bench-{domain}-{split}-{index}",
            text=task.instruction,
            domain=domain,
            tags=("tau-bench", domain, split),
            data={
                "upstream": {
                    "domain": domain,
                    "split": split,
                    "index": index,
                    "user_id": task.user_id,
                    "actions": [{"name": action.name, "arguments": action.kwargs} for action in task.actions],
                    "outputs": list(task.outputs),
                }
            },
            source=where,
        )


def _task(call: Call, where: str) -> _ListedTask:
    if call.name != "Task":
        raise UsageError(f"{where}: {call.name}(...) where a Task(...) should be")
    try:
        actions = call.fields.get("actions")
        fields = {**call.fields, "actions": [_action(a) for a in actions] if isinstance(actions, list) else actions}
        return _ListedTask.model_validate(fields)
    except ValidationError as error:
        raise UsageError(f"{where}: {first_fault(error)}; is this tau-bench's task list?") from None


def _action(value: Any) -> Any:
    return dict(value.fields) if isinstance(value, Call) and value.name == "Action" else value
