"""MultiWOZ's goals, out of files made in its layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.errors import UsageError
from pytest_ugst.domains.multiwoz.goals import import_multiwoz, wording
from pytest_ugst.goals.files import load_goals
from pytest_ugst.goals.writer import write_goals

DINNER: dict[str, Any] = {
    "restaurant": {
        "info": {"food": "thai", "area": "north"},
        "fail_info": {"food": "welsh", "area": "north"},
        "book": {"people": "2", "day": "friday", "time": "18:30", "invalid": False},
        "fail_book": {},
    },
    "hotel": {},
    "message": [
        "You are new in town",
        "You want a <span class='emphasis'>restaurant</span> with <span>welsh</span> food &amp; music.",
        'If there is none, how about <span class="emphasis">thai</span>?',
    ],
    "topic": {"restaurant": False},
}
TAXI: dict[str, Any] = {"taxi": {"info": {"leaveAt": "17:15"}, "reqt": ["phone"], "fail_info": {}}, "message": "A taxi"}
LOG = [{"text": "Hello", "metadata": {}}]
DIALOGUES = {name: {"goal": goal, "log": LOG} for name, goal in (("PMUL1.json", DINNER), ("SNG2.json", TAXI))}


def folder(tmp_path: Path, data: object = DIALOGUES, **lists: str) -> Path:
    text = data if isinstance(data, str) else json.dumps(data)
    (tmp_path / "data.json").write_text(text, encoding="utf-8")
    for name, lines in lists.items():
        (tmp_path / name.replace("_", ".")).write_text(lines)
    return tmp_path


def test_goals_with_their_words_and_terms(tmp_path: Path) -> None:
    dinner, taxi = import_multiwoz(folder(tmp_path))
    assert (dinner.id, dinner.domain, dinner.components) == ("PMUL1", "multiwoz", None)
    assert dinner.text == (
        "You are new in town. You want a restaurant with welsh food & music. If there is none, how about thai?"
    )
    assert dinner.tags == ("multiwoz", "restaurant")  # without lists nobody knows the split
    assert dinner.data["upstream"]["restaurant"] == DINNER["restaurant"]
    assert "hotel" not in dinner.data["upstream"]
    assert taxi.text == "A taxi."  # a single sentence may stand without its list


@pytest.mark.parametrize("lists", [{"valListFile_txt": "SNG2.json\n"}, {"valListFile_json": '["SNG2.json"]'}])
def test_splits_by_the_lists_beside_it(tmp_path: Path, lists: dict[str, str]) -> None:
    folder(tmp_path, testListFile_json="PMUL9.json\n", **lists)
    assert [g.tags[-1] for g in import_multiwoz(tmp_path)] == ["train", "dev"]
    assert [g.id for g in import_multiwoz(tmp_path, split="dev")] == ["SNG2"]
    assert [g.id for g in import_multiwoz(tmp_path / "data.json", domain="restaurant")] == ["PMUL1"]
    assert not list(import_multiwoz(tmp_path, split="test"))


def test_they_survive_a_goal_file(tmp_path: Path) -> None:
    goals = list(import_multiwoz(folder(tmp_path)))
    for name in ("a.goal.yaml", "a.goal.jsonl"):
        write_goals(tmp_path / name, goals)
        assert [goal.model_dump() for goal in load_goals(tmp_path / name)] == [goal.model_dump() for goal in goals]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (json.dumps(DIALOGUES)[:-40], "is no valid JSON, perhaps cut off"),
        (json.dumps([DIALOGUES]), "is no JSON object"),
        ('{"A.json": ' + "[" * 100_000, "is nested too deeply"),
        ({"A.json": {"log": []}}, "data.json#A.json: goal: Field required; is this MultiWOZ 2.0, 2.1 or 2.4"),
        ({"A.json": {"goal": {"message": []}}}, "A.json: goal.message"),
        ({"A.json": {"goal": {"message": ["<span></span>"]}}}, "A.json: text"),
        ({"A.json": {"goal": {"message": ["\ud800"]}}}, "A.json"),
        ({"A.json": {"goal": {"message": ["x"], "taxi": {"info": float("nan")}}}}, "holds NaN, which is no JSON"),
        ({"../../etc": {"goal": {"message": ["x"]}}}, "#../../etc: id"),
        ('{"A.json": {"goal": {"message": "x"}}, "A.json": {"goal": {"message": "x"}}}', "occurs twice"),
    ],
)
def test_what_is_not_multiwoz(tmp_path: Path, data: object, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        list(import_multiwoz(folder(tmp_path, data)))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no data.json.*MultiWOZ_2.1.zip.*--data"):
        import_multiwoz(tmp_path)
    folder(tmp_path, valListFile_txt="")
    with pytest.raises(UsageError, match=r"testListFile.json \(or .txt\) is missing"):
        import_multiwoz(tmp_path, split="test")
    for wrong in ({"domain": "bus"}, {"split": "base"}):
        with pytest.raises(UsageError, match="multiwoz has no"):
            import_multiwoz(tmp_path, **wrong)
    (tmp_path / "testListFile.txt").write_text("[" * 50_000)
    with pytest.raises(UsageError, match=r"testListFile.txt: is neither a JSON list nor one name a line"):
        import_multiwoz(tmp_path)


@given(st.text())
def test_no_markup_is_left(text: str) -> None:
    assert "<span" not in wording((f"<span class='emphasis'>{text}</span>",)).lower().replace(text.lower(), "")
