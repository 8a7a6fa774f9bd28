"""tau2-bench's tasks become goals."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.domains.tau.goals_tau2 import import_tau2_bench
from pytest_ugst.goals.files import load_goals
from pytest_ugst.goals.writer import write_goals


def task(name: str = "7", **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "description": {"purpose": "none of our business"},
        "user_scenario": {
            "persona": None,
            "instructions": {
                "domain": "retail",
                "known_info": "You are Ada.\n",
                "reason_for_call": "You want your money back.",
                "unknown_info": "You do not remember your email address.",
                "task_instructions": "Be brief.",
            },
        },
        "initial_state": None,
        "evaluation_criteria": {
            "actions": [{"action_id": "7_0", "name": "cancel", "arguments": {"id": "A1"}, "info": None}],
            "communicate_info": ["12"],
            "nl_assertions": ["Agent cancels."],
            "reward_basis": ["DB", "COMMUNICATE"],
        },
    } | more


def folder(root: Path, *tasks: Any, domain: str = "retail", splits: Any = None) -> Path:
    path = root / "data" / "tau2" / "domains" / domain
    path.mkdir(parents=True, exist_ok=True)
    (path / "tasks.json").write_text(json.dumps(tasks))
    (path / "split_tasks.json").write_text(json.dumps({"test": ["7"], "base": ["7"]} if splits is None else splits))
    return root


def test_a_task_becomes_a_goal(tmp_path: Path) -> None:
    (goal,) = import_tau2_bench(folder(tmp_path, task()))
    assert goal.id == "tau2-bench-retail-7"
    assert goal.text == (
        "You are Ada.\n\nYou want your money back.\n\nYou do not remember your email address.\n\nBe brief."
    )
    assert goal.domain == "retail-tau2"
    assert goal.tags == ("tau2-bench", "retail", "test")
    assert goal.components is None
    assert goal.data == {
        "upstream": {
            "domain": "retail",
            "split": "test",
            "id": "7",
            "actions": [{"name": "cancel", "arguments": {"id": "A1"}}],
            "outputs": ["12"],
            "assertions": ["Agent cancels."],
            "reward_basis": ["DB", "COMMUNICATE"],
        }
    }


def test_a_scenario_in_words(tmp_path: Path) -> None:
    scenario = {"persona": "You are old.", "instructions": "Ask for help."}
    (goal,) = import_tau2_bench(folder(tmp_path, task(user_scenario=scenario)))
    assert goal.text == "You are old.\n\nAsk for help."


def test_choosing(tmp_path: Path) -> None:
    root = tmp_path / "tau2-bench"
    folder(root, task("7"), task("8"), task("9"), splits={"test": ["7"], "train": ["8"], "base": ["7", "8", "9"]})
    folder(root, task("7"), domain="airline")

    def ids(domain: str | None = None, split: str | None = None) -> list[str]:
        return [g.id.removeprefix("tau2-bench-") for g in import_tau2_bench(tmp_path, domain, split)]

    assert ids() == ["airline-7", "retail-7", "retail-8", "retail-9"]
    assert ids(split="base") == ids()
    assert ids(split="test") == ["airline-7", "retail-7"]
    assert ids("retail", "train") == ["retail-8"]


@pytest.mark.parametrize(
    ("domain", "split", "message"),
    [
        ("telecom", None, "no domain 'telecom' that is read here; choose from airline, retail"),
        (None, "dev", "no split 'dev' that is read here; choose from test, train, base"),
        ("airline", None, "airline: there is no such folder"),
    ],
)
def test_wrong_choice(tmp_path: Path, domain: str | None, split: str | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        import_tau2_bench(folder(tmp_path, task()), domain, split)


def test_not_tau2_bench(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no tau2-bench"):
        import_tau2_bench(tmp_path)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"id": 7}, r"tasks.json: 0.id: Input should be a valid string; is this tau2-bench's file\?"),
        ({"id": "a b"}, r"tasks.json#a b: task 'a b': id: String should match pattern"),
        ({"user_scenario": {"instructions": {}}}, r"tasks.json: 0.user_scenario.instructions"),
        ({"user_scenario": {"instructions": " "}}, r"task '7': text: String should have at least 1"),
        ({"initial_state": {"x": 1}}, r"tasks.json#7: task '7' changes the database first"),
        ({"evaluation_criteria": None}, r"tasks.json: 0.evaluation_criteria"),
    ],
)
def test_not_a_task(tmp_path: Path, broken: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        list(import_tau2_bench(folder(tmp_path, task(**broken), splits={})))


@pytest.mark.parametrize("text", ["", "[{", "[" * 50_000, "\x00"])
def test_no_json(tmp_path: Path, text: str) -> None:
    path = folder(tmp_path, task()) / "data/tau2/domains/retail/tasks.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"tasks.json: is no valid JSON.*'ugst data fetch tau2-bench' gets it"):
        list(import_tau2_bench(tmp_path))


def test_a_split_of_unknown_tasks(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"split_tasks.json: names the task '99', which is not in"):
        list(import_tau2_bench(folder(tmp_path, task(), splits={"train": ["99"]})))


@pytest.mark.skipif("UGST_DATA" not in os.environ, reason="UGST_DATA names no folder with tau2-bench")
def test_upstream(tmp_path: Path) -> None:
    goals = list(import_tau2_bench(Path(os.environ["UGST_DATA"])))
    assert Counter(goal.tags[1:] for goal in goals) == {
        ("airline", "train"): 30,
        ("airline", "test"): 20,
        ("retail", "train"): 74,
        ("retail", "test"): 40,
    }
    assert len({goal.id for goal in goals}) == 164
    assert all(goal.text.startswith("You") for goal in goals)
    write_goals(tmp_path / "all.goal.yaml", goals)
    assert [g.model_dump() for g in load_goals(tmp_path / "all.goal.yaml")] == [g.model_dump() for g in goals]
