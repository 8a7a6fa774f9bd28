"""The concierge domain: searching, booking, changing, cancelling, and what goals may prepare."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.protocols import Domain, Session
from pytest_ugst.domains.concierge import load
from pytest_ugst.domains.concierge.data import base
from pytest_ugst.domains.session import DomainSession


def open_session(seed: int = 1, **data: Any) -> DomainSession:
    return load().open(Goal(id="g", text="A goal.", domain="concierge", data=data), seed)


def ok(session: DomainSession, tool: str, **arguments: Any) -> dict[str, Any]:
    result = session.call(tool, arguments)
    assert result.ok, result.text
    answer: dict[str, Any] = json.loads(result.text)
    return answer


def refused(session: DomainSession, tool: str, **arguments: Any) -> str:
    result = session.call(tool, arguments)
    assert not result.ok, result.text
    assert result.text.startswith("Error: ")
    return result.text


STAY = {"reference": "CQ-AAAAA", "kind": "hotel", "name": "Finch House", "day": "monday", "people": 2, "nights": 2}
SEATS = {"reference": "CQ-BBBBB", "kind": "train", "train_id": "TR1013", "people": 2}


def test_domain_and_session_are_what_the_roles_ask_for() -> None:
    domain: Domain = load()
    session: Session = open_session()
    assert domain.name == "concierge"
    assert "Quillhaven" in session.policy
    assert len(session.tools) == 12
    assert load() is domain


def test_search_finds_exactly_what_the_data_holds() -> None:
    found = ok(open_session(), "search_restaurants", area="south", cuisine="Turkish")
    names = {
        r["name"] for r in base().tables["restaurants"].values() if (r["area"], r["cuisine"]) == ("south", "turkish")
    }
    assert {r["name"] for r in found["results"]} == names
    assert found["count"] == len(names) == 3
    assert "phone" not in found["results"][0]


def test_search_lists_five_and_counts_all() -> None:
    found = ok(open_session(), "search_hotels")
    assert (found["count"], len(found["results"])) == (40, 5)


def test_nothing_found_is_no_error() -> None:
    assert ok(open_session(), "search_restaurants", cuisine="korean") == {"count": 0, "results": []}
    assert ok(open_session(), "search_attractions", kind="zoo")["count"] == 0


def test_free_entry_and_trains_by_time() -> None:
    free = ok(open_session(), "search_attractions", kind="museum", free_entry=True)
    assert free["count"] == 2
    assert all(r["entry_fee"] == "free" for r in free["results"])
    trains = ok(
        open_session(), "search_trains", destination="ashmere", day="tuesday", leave_after="10:00", arrive_by="20:00"
    )
    assert [t["id"] for t in trains["results"]] == ["TR1036"]


def test_details_do_not_mind_case_or_article() -> None:
    assert ok(open_session(), "get_details", name="the lemon CELLAR ")["phone"].startswith("0555 ")
    assert ok(open_session(), "get_details", name="tr1013")["destination"] == "Ashmere"
    assert "no such place" in refused(open_session(), "get_details", name="Rusty Spoon")


def test_a_booking_can_be_found_changed_and_cancelled() -> None:
    session = open_session()
    made = ok(session, "book_restaurant", name="lemon cellar", day="friday", time="19:00", people=4)
    assert re.fullmatch(r"CQ-[0-9A-Z]{5}", made["reference"])
    assert made["name"] == "Lemon Cellar"
    changed = ok(session, "change_booking", reference=made["reference"].lower(), people=5, time="20:00")
    assert changed == {**made, "people": 5, "time": "20:00"}
    assert ok(session, "find_booking", reference=made["reference"]) == changed
    assert ok(session, "cancel_booking", reference=made["reference"])["cancelled"] == made["reference"]
    assert "no booking" in refused(session, "find_booking", reference=made["reference"])
    assert session.edits() == {}


def test_references_depend_on_the_seed_alone() -> None:
    def references(seed: int) -> list[str]:
        session = open_session(seed)
        return [ok(session, "book_attraction", name="Heron Park", day="friday", people=1)["reference"] for _ in "12"]

    assert references(1) == references(1)
    assert references(1) != references(2)
    assert len(set(references(1))) == 2


def test_realistic_refusals() -> None:
    session = open_session(full={"Lemon Cellar": ["friday"]})
    book = {"name": "Lemon Cellar", "day": "friday", "time": "19:00", "people": 4}
    assert "fully booked on friday; free days: monday" in refused(session, "book_restaurant", **book)
    assert "is closed at 03:00" in refused(session, "book_restaurant", **book | {"day": "sunday", "time": "03:00"})
    assert "too large" in refused(session, "book_restaurant", **book | {"people": 13})
    assert "at least 1" in refused(session, "book_restaurant", **book | {"people": 0})
    assert "no such place" in refused(session, "book_restaurant", **book | {"name": "Finch House"})
    assert "nights" in refused(session, "book_hotel", name="Finch House", day="friday", nights=99, people=1)
    assert session.edits().keys() == {"restaurants"}, "only what the goal asked for"


def test_train_seats_are_taken_and_given_back() -> None:
    session = open_session(bookings=[SEATS])
    left = ok(session, "get_details", name="TR1013")["seats_left"]
    made = ok(session, "book_train", train_id="tr1013", people=3)
    assert made["total"] == 3 * 17
    assert ok(session, "get_details", name="TR1013")["seats_left"] == left - 3
    ok(session, "change_booking", reference=made["reference"], people=1)
    assert ok(session, "get_details", name="TR1013")["seats_left"] == left - 1
    ok(session, "cancel_booking", reference=made["reference"])
    assert ok(session, "get_details", name="TR1013")["seats_left"] == left
    assert "no day to change; cancel it" in refused(session, "change_booking", reference="CQ-BBBBB", day="friday")
    full = next(t["id"] for t in base().tables["trains"].values() if not t["seats_left"])
    assert "fully booked" in refused(session, "book_train", train_id=full, people=1)
    assert "seats left" in refused(session, "book_train", train_id="TR1032", people=3)


def test_a_booking_on_a_day_that_filled_up_keeps_its_day() -> None:
    session = open_session(bookings=[STAY], full={"Finch House": ["monday", "tuesday"]})
    assert ok(session, "change_booking", reference="CQ-AAAAA", nights=3)["nights"] == 3
    assert "fully booked on tuesday" in refused(session, "change_booking", reference="CQ-AAAAA", day="tuesday")
    assert "nothing to change" in refused(session, "change_booking", reference="CQ-AAAAA")
    assert "has no time" in refused(session, "change_booking", reference="CQ-AAAAA", time="10:00")


def test_sessions_do_not_see_each_other() -> None:
    one, other = open_session(full={"Lemon Cellar": ["monday"]}), open_session()
    ok(one, "book_train", train_id="TR1013", people=2)
    assert ok(other, "get_details", name="TR1013")["seats_left"] == base().tables["trains"]["TR1013"]["seats_left"]
    assert "monday" not in ok(other, "get_details", name="Lemon Cellar")["full"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"guests": 3}, "data.guests: the concierge domain knows no such field"),
        ({"full": {"Lemon Celar": ["monday"]}}, "data.full: unknown place 'Lemon Celar'; did you mean 'Lemon Cellar'"),
        ({"full": {"Lemon Cellar": ["someday"]}}, "data.full.Lemon Cellar.0: Input should be 'monday'"),
        ({"bookings": [STAY | {"name": "Nowhere Inn"}]}, "data.bookings.0.name: unknown hotel 'Nowhere Inn'"),
        ({"bookings": [SEATS | {"train_id": "TR1"}]}, "data.bookings.0.train_id: unknown train 'TR1'"),
        ({"bookings": [STAY, STAY]}, "data.bookings.1.reference: CQ-AAAAA occurs twice"),
        ({"bookings": [STAY | {"reference": "7"}]}, "data.bookings.0.hotel.reference: String should match"),
    ],
)
def test_wrong_goal_data_names_goal_and_field(data: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as error:
        open_session(**data)
    assert f"goal 'g': {says}" in str(error.value)
    assert "\n" not in str(error.value)


ARGUMENTS = st.dictionaries(
    st.sampled_from(["name", "day", "time", "people", "nights", "reference", "train_id", "area", "kind", "stars"]),
    st.none()
    | st.integers(-5, 50)
    | st.booleans()
    | st.text(max_size=6)
    | st.sampled_from(["monday", "Lemon Cellar", "Finch House", "TR1013", "19:00", "CQ-AAAAA", "north"]),
    max_size=6,
)


@given(st.lists(st.tuples(st.sampled_from([spec.name for spec in open_session().tools]), ARGUMENTS), max_size=8))
def test_whatever_an_agent_calls_it_reads_an_answer(calls: list[tuple[str, dict[str, Any]]]) -> None:
    session = open_session(bookings=[STAY, SEATS])
    for name, arguments in calls:
        result = session.call(name, arguments)
        if result.ok:
            json.loads(result.text)
        else:
            assert result.text.startswith("Error: ")
    for key, train in session.edits()["trains"].changed.items() if "trains" in session.edits() else ():
        assert train["seats_left"] >= 0, key
