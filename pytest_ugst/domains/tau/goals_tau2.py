"""Goals of tau2-bench's airline and retail domains: ``tasks.json`` and ``split_tasks.json`` as published.

tau2-bench corrected tau-bench's tasks and numbered them anew: task 5 of the one is not task 5 of the other. The part of
a task that concerns the agent's work (reference actions, required outputs, and the parts that count) is kept in
``Goal.data["upstream"]``.

Source: Barres et al., "tau2-Bench: Evaluating Conversational Agents in a Dual-Control Environment", 2025, whose
repository keeps the files in ``data/tau2/domains/DOMAIN``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError

from pytest_ugst.core.errors import UsageError, first_fault
from pytest_ugst.core.goal import Goal

DOMAINS = ("airline", "retail")
SPLITS = ("test", "train", "base")
"""Names of the splits; ``base`` is the union of the others."""
MAX_BYTES = 32 * 2**20
"""Most bytes of a file."""


class _Upstream(BaseModel):
    """The fields of a record that are read here; upstream's files have more, and others may be added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Instructions(_Upstream):
    reason_for_call: str
    task_instructions: str
    known_info: str | None = None
    unknown_info: str | None = None


class _Scenario(_Upstream):
    persona: str | None = None
    instructions: _Instructions | str


class _Tau2Action(_Upstream):
    name: str
    arguments: dict[str, JsonValue]


class _Criteria(_Upstream):
    actions: tuple[_Tau2Action, ...] | None = None
    communicate_info: tuple[str, ...] | None = None
    nl_assertions: tuple[str, ...] | None = None
    reward_basis: tuple[str, ...] = ("DB", "COMMUNICATE")


class _Tau2Task(_Upstream):
    id: str
    user_scenario: _Scenario
    initial_state: JsonValue = None
    evaluation_criteria: _Criteria


_TASKS = TypeAdapter(tuple[_Tau2Task, ...])
_SPLITS = TypeAdapter(dict[str, tuple[str, ...]])


def import_tau2_bench(data_dir: Path, domain: str | None = None, split: str | None = None) -> Iterator[Goal]:
    """Read the goals of tau2-bench, in upstream's order.

    Args:
        data_dir: A copy of the tau2-bench repository, or a folder that holds one under the name ``tau2-bench``.
        domain: ``airline`` or ``retail``; both by default.
        split: ``test``, ``train`` or ``base`` (both of them, the default).

    Returns:
        The goals, without sub-components.

    Raises:
        UsageError: If the folder does not hold tau2-bench, at once; or if one of its files is malformed, while
            iterating.
    """
    for given, known, what in ((domain, DOMAINS, "domain"), (split, SPLITS, "split")):
        if given is not None and given not in known:
            raise UsageError(f"tau2-bench has no {what} {given!r} that is read here; choose from {', '.join(known)}")
    folder = _find_domains(data_dir)
    chosen = [d for d in DOMAINS if domain in (None, d) and (folder / d).is_dir()]
    if not chosen:
        raise UsageError(f"{folder / (domain or 'airline')}: there is no such folder; get tau2-bench whole")
    return (goal for d in chosen for goal in _goals(folder / d, d, split or "base"))


def _find_domains(data_dir: Path) -> Path:
    for root in (data_dir, data_dir / "tau2-bench"):
        domains = root / "data" / "tau2" / "domains"
        if domains.is_dir():
            return domains
    raise UsageError(
        f"{data_dir}: holds no tau2-bench (data/tau2/domains is missing); "
        "give the folder of a clone of github.com/sierra-research/tau2-bench"
    )


def _goals(folder: Path, domain: str, split: str) -> Iterator[Goal]:
    path = folder / "tasks.json"
    tasks: tuple[_Tau2Task, ...] = _read(path, _TASKS)
    splits: dict[str, tuple[str, ...]] = _read(folder / "split_tasks.json", _SPLITS)
    part = {task: name for name in ("train", "test") for task in splits.get(name, ())}
    if missing := {*part} - {task.id for task in tasks}:
        raise UsageError(f"{folder / 'split_tasks.json'}: names the task {min(missing)!r}, which is not in {path}")
    for task in tasks:
        where = f"{path}#{task.id}"
        if split not in ("base", part.get(task.id)):
            continue
        if task.initial_state is not None:
            raise UsageError(f"{where}: task {task.id!r} changes the database first (initial_state); not supported")
        criteria = task.evaluation_criteria
        try:
            yield Goal(
                id=f"tau2-bench-{domain}-{task.id}",
                text=instruction(task.user_scenario),
                domain=f"{domain}-tau2",
                tags=("tau2-bench", domain, *([part[task.id]] if task.id in part else [])),
                data={
                    "upstream": {
                        "domain": domain,
                        "split": part.get(task.id, "base"),
                        "id": task.id,
                        "actions": [a.model_dump() for a in criteria.actions or ()],
                        "outputs": list(criteria.communicate_info or ()),
                        "assertions": list(criteria.nl_assertions or ()),
                        "reward_basis": list(criteria.reward_basis),
                    }
                },
                source=where,
            )
        except ValidationError as error:
            raise UsageError(f"{where}: task {task.id!r}: {first_fault(error)}") from None


def instruction(scenario: _Scenario) -> str:
    """Return the instructions of the user as one text.

    They say who the user is, what the user wants, does not know, and how the user behaves.
    """
    given = scenario.instructions
    if isinstance(given, str):
        parts = [scenario.persona, given]
    else:
        parts = [scenario.persona, given.known_info, given.reason_for_call, given.unknown_info, given.task_instructions]
    return "\n\n".join(text for part in parts if part and (text := part.strip()))


def _read(path: Path, kind: TypeAdapter[Any]) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path}: is larger than {MAX_BYTES // 2**20} MiB; this is not tau2-bench's")
        return kind.validate_python(json.loads(path.read_text(encoding="utf-8-sig")))
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error.strerror}; 'ugst data fetch tau2-bench' gets it") from None
    except ValidationError as error:
        raise UsageError(f"{path}: {first_fault(error)}; is this tau2-bench's file?") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path}: is no valid JSON, perhaps cut off; 'ugst data fetch tau2-bench' gets it") from None
