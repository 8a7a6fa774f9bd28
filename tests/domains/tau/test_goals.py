"""tau-bench's task lists become goals, without being run."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.domains.tau.goals import import_tau_bench
from pytest_ugst.goals.files import load_goals
from pytest_ugst.goals.writer import write_goals

TASK = """
    Task(
        annotator="0",
        user_id="ada_1",
        instruction="You are Ada. Cancel your trip.",
        actions=[Action(name="cancel", kwargs={"id": "A1", "amounts": [1, 2.5]})],
        outputs=["12"],
    ),
"""


def folder(root: Path, **lists: str) -> Path:
    """A folder laid out as upstream's, with ``DOMAIN_SPLIT="..."`` as the lists' elements."""
    for name, tasks in lists.items():
        domain, _, split = name.partition("_")
        path = root / "tau_bench" / "envs" / domain / f"tasks_{split}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"from tau_bench.types import Action, Task\n\nTASKS = [{tasks}]\n", encoding="utf-8")
    return root


def test_a_task_becomes_a_goal(tmp_path: Path) -> None:
    (goal,) = import_tau_bench(folder(tmp_path, retail_test=TASK))
    assert goal.id == "tau-bench-retail-test-0"
    assert goal.text == "You are Ada. Cancel your trip."
    assert goal.tags == ("tau-bench", "retail", "test")
    assert goal.domain == "retail"
    assert goal.components is None
    assert goal.source == f"{tmp_path}/tau_bench/envs/retail/tasks_test.py:4"
    assert goal.data == {
        "upstream": {
            "domain": "retail",
            "split": "test",
            "index": 0,
            "user_id": "ada_1",
            "actions": [{"name": "cancel", "arguments": {"id": "A1", "amounts": [1, 2.5]}}],
            "outputs": ["12"],
        }
    }


def test_choosing(tmp_path: Path) -> None:
    folder(tmp_path / "tau-bench", airline_test=TASK, retail_test=TASK * 2, retail_dev=TASK)

    def ids(domain: str | None = None, split: str | None = None) -> list[str]:
        return [g.id.removeprefix("tau-bench-") for g in import_tau_bench(tmp_path, domain, split)]

    assert ids() == ["airline-test-0", "retail-test-0", "retail-test-1", "retail-dev-0"]
    assert ids("retail") == ["retail-test-0", "retail-test-1", "retail-dev-0"]
    assert ids(split="test") == ["airline-test-0", "retail-test-0", "retail-test-1"]
    assert ids("retail", "dev") == ["retail-dev-0"]


@pytest.mark.parametrize(
    ("domain", "split", "message"),
    [
        ("hotel", None, "tau-bench has no domain 'hotel'; choose from airline, retail"),
        (None, "eval", "tau-bench has no split 'eval'; choose from test, train, dev"),
        ("airline", "train", r"airline/tasks_train.py: there is no such task list; there: airline/tasks_test.py"),
    ],
)
def test_wrong_choice(tmp_path: Path, domain: str | None, split: str | None, message: str) -> None:
    folder(tmp_path, airline_test=TASK)
    with pytest.raises(UsageError, match=message):
        import_tau_bench(tmp_path, domain, split)  # message at once, not when the first goal is asked for


def test_not_tau_bench(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no tau-bench .*; give the folder of a clone"):
        import_tau_bench(tmp_path)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("Action(name='a', kwargs={})", r"tasks_test.py:3: Action\(...\) where a Task\(...\) should be"),
        (TASK.replace("user_id", "user"), "tasks_test.py:4: user_id: Field required; is this tau-bench's task list?"),
        (TASK.replace("annotator", "author"), "tasks_test.py:4: annotator: Field required"),
        (TASK.replace('"12"', "12"), "tasks_test.py:4: outputs.0: Input should be a valid string"),
        (TASK.replace('"A1"', "Action(name='a')"), "tasks_test.py:4: actions.0.kwargs"),
        (TASK.replace("[Action(", "[Task("), "tasks_test.py:4: actions.0"),
        (TASK.replace("kwargs", "args"), "tasks_test.py:4: actions.0.kwargs: Field required"),
        (TASK.replace("actions=[", "actions=3, more=["), "tasks_test.py:4: actions"),
        (TASK.replace("You are Ada. Cancel your trip.", " "), "tasks_test.py:4: instruction"),
        (TASK.replace('"0"', "eval('0')"), r"tasks_test.py:5: a call of eval\(...\); only plain data is read"),
    ],
)
def test_not_a_task_list(tmp_path: Path, task: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        list(import_tau_bench(folder(tmp_path, airline_test=task)))


@pytest.mark.skipif("UGST_DATA" not in os.environ, reason="UGST_DATA names no folder with tau-bench")
def test_upstream(tmp_path: Path) -> None:
    goals = list(import_tau_bench(Path(os.environ["UGST_DATA"])))
    assert Counter(goal.tags[1:] for goal in goals) == {
        ("airline", "test"): 50,
        ("retail", "test"): 115,
        ("retail", "train"): 500,
        ("retail", "dev"): 20,
    }
    assert len({goal.id for goal in goals}) == 685
    by_id = {goal.id: goal for goal in goals}
    first = by_id["tau-bench-airline-test-0"]
    assert first.data["upstream"]["user_id"] == "mia_li_3668"
    assert first.data["upstream"]["actions"][0]["arguments"]["payment_methods"][1] == {
        "payment_id": "credit_card_4421486",
        "amount": 5,
    }
    assert by_id["tau-bench-retail-test-93"].text == by_id["tau-bench-retail-test-95"].text  # upstream's own repetition
    for name in ("all.goal.yaml", "all.goal.jsonl"):
        write_goals(tmp_path / name, goals)
        assert [g.model_dump() for g in load_goals(tmp_path / name)] == [g.model_dump() for g in goals]
