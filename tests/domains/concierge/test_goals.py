"""The shipped concierge goals: complete, honest, and split as they say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.core.conversation import Conversation, StopReason, Turn
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.status import HELD, Category
from pytest_ugst.domains import concierge
from pytest_ugst.goals.files import find_duplicates, load_goals
from pytest_ugst.judges.checks import ChecksJudge
from pytest_ugst.simulators.agenda.user_goal import Subgoal, read_user_goal

GOALS = Path(__file__).parents[3] / "goals"
TEST, TRAIN = load_goals(GOALS / "concierge_test.goal.yaml"), load_goals(GOALS / "concierge_train.goal.yaml")
ALL = [*TEST, *TRAIN]
DATA = Path(concierge.__file__).parent / "data"
BASE: dict[str, list[dict[str, Any]]] = {
    kind: json.loads((DATA / f"{kind}s.json").read_text(encoding="utf-8"))
    for kind in ("restaurant", "hotel", "attraction", "train")
}


def fits(record: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Return whether a record answers a search, decided from the data without the domain's code."""
    for name, value in wanted.items():
        match name:
            case "free_entry":
                right = (record["entry_fee"] == "free") is value
            case "leave_after":
                right = record["departs"] >= value
            case "arrive_by":
                right = record["arrives"] <= value
            case _:
                right = record[name] == value
        if not right:
            return False
    return True


def found(subgoal: Subgoal) -> list[dict[str, Any]]:
    wanted = subgoal.search_slots(with_preferences=False)
    return [record for record in BASE[subgoal.kind] if fits(record, wanted)] if wanted else []


def subgoals(goal: Goal) -> Iterator[tuple[Subgoal, Subgoal | None]]:
    for subgoal in read_user_goal(goal).subgoals:
        yield subgoal, subgoal.resolve_alternative() if subgoal.alternative is not None else None


def entities(goals: list[Goal]) -> set[str]:
    """Return the places and trains that parts of the goals can be about: by name, by booking, or as a search answer."""
    every: set[str] = set()
    for goal in goals:
        every |= {str(b.get("name") or b["train_id"]) for b in goal.data.get("bookings", [])}
        every |= set(goal.data.get("full", {}))
        for pair in subgoals(goal):
            for subgoal in pair:
                if subgoal is not None and subgoal.intent in ("find", "book"):
                    every |= {record.get("name") or record["id"] for record in found(subgoal)}
    return every


def of(goal: Goal, category: Category) -> list[Component]:
    return [component for component in goal.components or () if component.category is category]


def test_there_are_enough_in_each_part() -> None:
    assert len(TEST) >= 32
    assert len(TRAIN) >= 16
    assert len(ALL) >= 48
    assert all("test" in goal.tags and "train" not in goal.tags for goal in TEST)
    assert all("train" in goal.tags and "test" not in goal.tags for goal in TRAIN)


def test_ids_and_texts_are_unique() -> None:
    assert find_duplicates(ALL) == []
    assert len({goal.id for goal in ALL}) == len(ALL)
    assert len({goal.text for goal in ALL}) == len(ALL)


@pytest.mark.parametrize("goal", ALL, ids=lambda goal: goal.id)
def test_each_goal_is_complete(goal: Goal) -> None:
    assert goal.domain == "concierge"
    assert goal.fully_checked
    assert all(component.slots for component in goal.components or ())
    assert 1 <= len(of(goal, Category.PROFILE)) <= 3
    assert 1 <= len(of(goal, Category.POLICY)) <= 2
    assert 1 <= len(of(goal, Category.OBJECTIVE)) <= 3
    assert of(goal, Category.REQUIREMENT)
    ChecksJudge().validate(goal)
    concierge.load().open(goal, 0)


@pytest.mark.parametrize("goal", ALL, ids=lambda goal: goal.id)
def test_the_text_tells_every_component(goal: Goal) -> None:
    def words(text: str) -> set[str]:
        return {word.strip(".,:;!?\"'").lower() for word in text.split()}

    for component in goal.components or ():
        spoken = words(component.text)
        assert len(spoken & words(goal.text)) >= 0.5 * len(spoken), component.text


def test_every_category_and_kind_of_goal_occurs_in_both_parts() -> None:
    for part in (TEST, TRAIN):
        assert {c.category for goal in part for c in goal.components or ()} == set(Category)
        tags = {tag for goal in part for tag in goal.tags}
        assert {"impossible", "conditional", "branch-taken", "branch-not-taken", "change", "cancel"} <= tags
        assert "fully-booked" in tags


def test_the_parts_share_no_entity() -> None:
    assert not entities(TEST) & entities(TRAIN)
    assert len(entities(TEST)) >= 40
    assert len(entities(TRAIN)) >= 20


@pytest.mark.parametrize("goal", ALL, ids=lambda goal: goal.id)
def test_impossible_subgoals_have_no_match_and_the_others_have(goal: Goal) -> None:
    unmet = []
    for subgoal, other in subgoals(goal):
        if subgoal.intent in ("change", "cancel"):
            assert subgoal.reference in {booking["reference"] for booking in goal.data["bookings"]}
            continue
        if other is not None:
            assert found(other)
        if not found(subgoal):
            unmet.append(subgoal)
            assert other is None or subgoal.condition == {"none": True}
    assert bool([subgoal for subgoal in unmet if not subgoal.condition]) == ("impossible" in goal.tags)


@pytest.mark.parametrize("goal", [goal for goal in ALL if "conditional" in goal.tags], ids=lambda goal: goal.id)
def test_conditions_can_be_decided(goal: Goal) -> None:
    decided = set()
    for subgoal, _ in subgoals(goal):
        condition = subgoal.condition
        if "none" in condition:
            decided.add(not found(subgoal))
        elif "full" in condition:
            (place,) = found(subgoal)
            full = {*place["full"], *goal.data.get("full", {}).get(place["name"], [])}
            decided.add(subgoal.constraints["day"] in full)
        elif condition:
            fact = condition["fact"]
            values = [record[fact] for record in found(subgoal)]
            numbers = [0 if v == "free" else int(str(v).split()[0]) for v in values if "above" in condition]
            outcomes = {number > condition["above"] for number in numbers} or {v == condition["is"] for v in values}
            # Whichever place the agent names first, the branch is the same.
            assert len(outcomes) == 1
            decided |= outcomes
    assert decided == {True} if "branch-taken" in goal.tags else decided == {False}


def after(goal: Goal, *turns: Turn) -> GoalState:
    judge, heard = ChecksJudge(), Conversation(turns=turns, stop=StopReason.USER_ENDED)
    components = goal.components or ()
    verdicts = [v for n in range(1, len(turns) + 1) for v in judge.verdicts(components, heard, n)]
    return GoalState.fold(components, [*verdicts, *judge.finish(components, heard)], len(turns))


IDLE = Turn(
    user="Good morning, how are you today?", agent="I'm sorry, I can't find that: nothing matches. Anything else?"
)


@pytest.mark.parametrize("goal", ALL, ids=lambda goal: goal.id)
def test_nothing_is_reached_by_small_talk(goal: Goal) -> None:
    state = after(goal, IDLE)
    for part in state:
        if part.category not in HELD:
            assert not part.succeeded, part.explain()
        else:
            assert part.error is None


def test_saying_the_whole_goal_at_once_reaches_no_booking() -> None:
    for goal in TEST:
        state = after(goal, Turn(user=goal.text, agent="One moment, please."))
        assert not any(part.succeeded for part in state if part.category is Category.OBJECTIVE), goal.id


CONTRADICTIONS = {
    "name": "My name is Gus Pettifer.",
    "city": "I live in Atlantis.",
    "party": "It will be just me, travelling alone.",
    "alone": "My wife is coming too.",
    "car": "I will come by car.",
    "card": "My card number is 4929 1187 3356 2041.",
    "phone": "My phone number is 0781 5542 993.",
    "diet": "I love a good steak.",
    "newcomer": "I have been here before.",
    "job": "I work as a pilot.",
}
HARMLESS = {
    "name": "This is {0}, and my name is {0}.",
    "city": "I live in {0}.",
    "party": "We are {0} people.",
    "alone": "It is for one person, just for me.",
    "car": "I don't have a car and need no parking.",
    "card": "I have no card with me. The reference is CQ-AB123 and we come at 19:00.",
    "phone": "I have no phone. Is the number of the place 0555 252384?",
    "diet": "I don't eat meat, so I like vegetarian food.",
    "newcomer": "I have never been here before.",
    "job": "I am a {0}.",
}


@pytest.mark.parametrize("goal", ALL, ids=lambda goal: goal.id)
def test_profiles_break_when_contradicted_and_only_then(goal: Goal) -> None:
    for component in of(goal, Category.PROFILE):
        ((name, value),) = component.slots.items()
        kept = after(goal, Turn(user=HARMLESS[name].format(value), agent="I see."))
        assert kept[component.id].succeeded, component.text
        broken = after(goal, Turn(user=CONTRADICTIONS[name], agent="I see."))
        assert not broken[component.id].succeeded, component.text


PARAPHRASES: dict[tuple[str, Any], tuple[str, ...]] = {
    ("price", "cheap"): ("Nothing too expensive, please.", "We are on a budget.", "Something inexpensive would do."),
    ("price", "moderate"): ("A mid-range place.", "Reasonably priced, if you can."),
    ("outdoor_seating", True): ("Can we sit outside?", "A terrace would be lovely."),
    ("wifi", True): ("Is there Wi-Fi?", "I need the internet."),
    ("breakfast", True): ("Is breakfast included?",),
    ("stars", 4): ("Four stars would be nice.", "A 4-star one."),
    ("leave_after", "13:00"): ("After 1 pm, if possible.", "I'd rather go in the afternoon."),
    ("leave_after", "16:00"): ("Preferably after 4 o'clock.", "Not before 16:00."),
    ("leave_after", "17:00"): ("Could it leave after 5pm?", "In the evening, please."),
    ("arrive_by", "13:00"): ("I should be there by 1pm.",),
}


@pytest.mark.parametrize("goal", ALL, ids=lambda goal: goal.id)
def test_preferences_may_be_said_in_other_words(goal: Goal) -> None:
    for component in of(goal, Category.PREFERENCE):
        ((name, value),) = component.slots.items()
        for text in PARAPHRASES[name, value]:
            assert after(goal, Turn(user=text, agent="I see."))[component.id].succeeded, (component.text, text)
