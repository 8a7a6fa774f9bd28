"""Annotations: the law, what is kept on disk, and the labels that come out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.analysis.agreement.annotate.record import Annotations, Marks, labels_of
from pytest_ugst.analysis.agreement.annotate.store import check_name, load, only_one, save
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Component
from pytest_ugst.core.labels import StateLabels
from pytest_ugst.core.status import CHAINS, Category, Status
from tests.analysis.agreement.annotate.served_page import talk
from tests.analysis.lettered_episodes import PARTS

ONE = talk(1, ["a", "b", "c"])
SHOES, PROFILE = PARTS[2], PARTS[0]


def marks(seen: int = 0, turns: int = 3) -> Marks:
    return Marks(digest="d", turns=turns, seen=seen)


def about_one(**fields: Any) -> str:
    """A file that says something of :data:`ONE`."""
    known = Annotations(annotator="ann").of(ONE).model_dump(mode="json")
    return json.dumps({"annotator": "ann", "episodes": {ONE.id: known | fields}})


def test_a_status_stays_until_it_is_moved() -> None:
    said = marks(2).set(SHOES, 2, Status.ATTEMPTED)
    assert [said.status(SHOES, turn).value for turn in range(4)] == ["INCOMPLETE"] * 2 + ["ATTEMPTED"] * 2


def test_what_is_settled_needs_no_more() -> None:
    said = marks(1).set(PROFILE, 1, Status.MISALIGNED)
    assert not said.settled(PROFILE, 1)  # it may still be put right in this turn
    assert said.settled(PROFILE, 2)
    with pytest.raises(UsageError, match="MISALIGNED already, and a status never moves back"):
        said.set(PROFILE, 2, Status.ALIGNED)
    assert said.set(PROFILE, 1, Status.ALIGNED).moves == {}


@pytest.mark.parametrize(
    ("seen", "turn", "status", "words"),
    [
        (0, 2, "COMPLETE", "turn 2 is not there yet"),
        (0, 0, "COMPLETE", "turn 0 is not there yet"),
        (3, 3, "COMPLETE", "this conversation is done"),
        (0, 1, "ALIGNED", "ALIGNED is no status of a objective; use INCOMPLETE, ATTEMPTED, COMPLETE"),
    ],
)
def test_what_can_not_be_set(seen: int, turn: int, status: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        marks(seen).set(SHOES, turn, Status(status))


def test_turns_are_done_one_by_one() -> None:
    with pytest.raises(UsageError, match="turn 2 is not the one"):
        marks().next(2)
    done = marks().next(1).next(2).next(3)
    assert done.done
    with pytest.raises(UsageError):
        done.next(4)


@given(st.lists(st.tuples(st.sampled_from(PARTS), st.integers(1, 5), st.sampled_from(Status)), max_size=40))
def test_the_law_holds_whatever_is_pressed(pressed: list[tuple[Component, int, Status]]) -> None:
    said = marks(4, turns=5)
    for component, turn, status in pressed:
        try:
            said = said.set(component, turn, status)
        except UsageError:
            continue
        assert said.status(component, turn) is status
    for part in PARTS:
        places = [CHAINS[part.category].index(said.status(part, turn)) for turn in range(6)]
        assert places == sorted(places)
        assert places[0] == 0
    assert Marks.model_validate_json(said.model_dump_json()) == said


def test_labels_hold_the_turns_that_are_done() -> None:
    said = Annotations(annotator="ann").of(ONE).set(SHOES, 1, Status.COMPLETE).next(1)
    labels = labels_of(ONE, said, "ann")
    assert labels is not None
    assert StateLabels.model_validate_json(labels.model_dump_json()) == labels
    assert [turn.turn for turn in labels.labels] == [1]
    assert labels.labels[0].status["shoes"] == "COMPLETE"
    assert labels.labels[0].status["lamp"] == "INCOMPLETE"
    assert labels_of(ONE, marks(), "ann") is None


def test_a_conversation_that_was_played_again_is_another() -> None:
    annotations = Annotations(annotator="ann")
    said = annotations.of(ONE).next(1)
    annotations = annotations.with_marks(ONE.id, said)
    assert annotations.of(ONE).seen == 1
    assert annotations.of(talk(1, ["a", "b", "other"])).seen == 0


def test_what_is_played_again_takes_no_work_away() -> None:
    again = talk(1, ["a", "b", "other"])
    annotations = Annotations(annotator="ann")
    first = annotations.of(ONE).set(SHOES, 1, Status.COMPLETE).next(1)
    annotations = annotations.with_marks(ONE.id, first)
    assert annotations.outdated([ONE]) == []
    assert annotations.outdated([again]) == [ONE.id]
    annotations = annotations.with_marks(again.id, annotations.of(again).next(1))
    assert annotations.outdated([again]) == []
    assert annotations.of(ONE) == first  # should it come back
    annotations = annotations.with_marks(ONE.id, first.next(2))
    assert annotations.of(ONE).seen == 2
    assert annotations.of(again).seen == 1
    assert Annotations.model_validate_json(annotations.model_dump_json()) == annotations


@pytest.mark.parametrize("change", ["text", "more"])
def test_statuses_are_of_the_sub_components_that_were_shown(change: str) -> None:
    annotations = Annotations(annotator="ann")
    annotations = annotations.with_marks(ONE.id, annotations.of(ONE).set(SHOES, 1, Status.COMPLETE).next(1))
    parts = ONE.components
    if change == "text":
        edited = (*parts[:2], SHOES.model_copy(update={"text": "Keep the running shoes."}), *parts[3:])
    else:
        edited = (*parts, Component(id="new", category=Category.PROFILE, text="You are new."))
    other = ONE.model_copy(update={"goal": ONE.goal.model_copy(update={"components": edited})})
    assert annotations.of(other) != annotations.of(ONE)
    assert labels_of(other, annotations.of(other), "ann") is None
    assert annotations.outdated([other]) == [ONE.id]


def test_work_is_kept_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "annotations" / "ann.json"
    assert load(path, "ann") == Annotations(annotator="ann")
    kept = Annotations(annotator="ann").with_marks("e", marks().set(SHOES, 1, Status.ATTEMPTED))
    save(path, kept)
    assert load(path, "ann") == kept
    assert [file.name for file in path.parent.iterdir()] == ["ann.json"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Invalid JSON"),
        ('{"annotations_version": 2, "annotator": "ann"}', "annotations_version"),
        ('{"annotator": "ann", "episodes": {"e": {"digest": "", "turns": 0}}}', "episodes.e.turns"),
        ('{"annotator": "bob"}', "is the work of 'bob'"),
        (about_one(seen=50), "seen: 50 of 3 turns"),
        (about_one(moves={"shoes": {"-5": "ATTEMPTED"}}), "moves: 'shoes' in turn -5 of 3"),
        (about_one(turns=50, seen=50), "episodes.talk-1: turns: 50, and the conversation has 3; mend the file"),
        (
            about_one(moves={"nothing": {"1": "ATTEMPTED"}}),
            "episodes.talk-1: moves: 'nothing' is no sub-component",
        ),
        (about_one(moves={SHOES.id: {"1": "ALIGNED"}}), "in turn 1: ALIGNED is none of its statuses"),
    ],
)
def test_a_file_that_is_no_good(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "ann.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        load(path, "ann", [ONE])


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 61, "nul\0"])
def test_a_name_can_not_leave_the_folder(name: str) -> None:
    with pytest.raises(UsageError, match="--annotator="):
        check_name(name)


def test_nobody_works_under_the_same_name_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "annotations" / "ann.json"
    with (
        only_one(path),
        pytest.raises(UsageError, match="ann is at work on this run in another process"),
        only_one(path),
    ):
        pass
    with only_one(path):
        pass


def test_the_chains_are_what_the_keys_stand_for() -> None:
    assert [len(CHAINS[category]) for category in Category] == [2, 2, 3, 3, 2]  # the page has the keys 1 to 3
