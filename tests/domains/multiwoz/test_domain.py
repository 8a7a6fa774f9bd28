"""The domain multiwoz: searches, bookings that may fail, and what is wrong with the data."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_ugst.config import data_dirs
from pytest_ugst.config.data_dirs import DataMissingError
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.domains import multiwoz
from pytest_ugst.domains.multiwoz import Multiwoz, read_database
from pytest_ugst.domains.multiwoz.bookings import FAILURE_RATE, Availability
from pytest_ugst.domains.multiwoz.spelling import key, postcode, proper
from pytest_ugst.domains.session import DomainSession
from tests.domains.multiwoz.small_database import AREAS, DAYS, write_database

GOAL = Goal(id="g", text="x", domain="multiwoz")
BOOKABLE = Goal(id="g", text="x", domain="multiwoz", data={"failure_rate": 0})


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Multiwoz:
    return Multiwoz(write_database(tmp_path_factory.mktemp("multiwoz")))


@pytest.fixture
def session(domain: Multiwoz) -> DomainSession:
    return domain.open(BOOKABLE, 1)


def answer(session: DomainSession, tool: str, **arguments: Any) -> Any:
    result = session.call(tool, arguments)
    assert result.ok, result.text
    return json.loads(result.text)


def refusal(session: DomainSession, tool: str, **arguments: Any) -> str:
    result = session.call(tool, arguments)
    assert not result.ok, result.text
    assert result.text.startswith("Error: ")
    return result.text


def raw(domain: Multiwoz, what: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = domain.database._raw[what]
    return rows


# Searching


def test_a_search_finds_what_the_file_holds(domain: Multiwoz, session: DomainSession) -> None:
    for area in AREAS:
        found = answer(session, "search_restaurants", area=area, cuisine="Modern European")
        wanted = [r for r in raw(domain, "restaurant") if r["area"] == area and r["food"] == "modern european"]
        assert found["count"] == len(wanted)
        assert {r["name"] for r in found["results"]} <= {proper(r["name"]) for r in wanted}
    found = answer(session, "search_hotels", stars=4, parking=False, wifi=True)
    wanted = [r for r in raw(domain, "hotel") if (r["stars"], r["parking"], r["internet"]) == ("4", "no", "yes")]
    assert found["count"] == len(wanted) >= 1


def test_an_unknown_value_agrees_with_nothing(domain: Multiwoz, session: DomainSession) -> None:
    fees = [r["entrance fee"] for r in raw(domain, "attraction")]
    assert answer(session, "search_attractions", free_entry=True)["count"] == fees.count("free")
    costly = len(fees) - fees.count("free") - fees.count("?")
    assert answer(session, "search_attractions", free_entry=False)["count"] == costly
    unknown = next(r["name"] for r in raw(domain, "attraction") if r["entrance fee"] == "?")
    assert answer(session, "get_details", name=unknown)["entry_fee"] == "unknown"
    without = raw(domain, "restaurant")[1]["name"]
    assert answer(session, "get_details", name=without)["phone"] == "unknown"


def test_kinds_are_found_by_the_datas_word_and_by_ours(domain: Multiwoz, session: DomainSession) -> None:
    for word in ("swimmingpool", "swimming pool", "Swimming  Pool"):
        found = answer(session, "search_attractions", kind=word)
        assert found["count"] == sum(r["type"] == "swimmingpool" for r in raw(domain, "attraction"))
    assert answer(session, "search_attractions", kind="multiple sports")["count"] > 0


def test_trains_come_in_order_and_within_the_times(domain: Multiwoz, session: DomainSession) -> None:
    found = answer(session, "search_trains", origin="Ely", destination="Cambridge", day="friday", leave_after="12:00")
    departures = [train["departs"] for train in found["results"]]
    assert departures == sorted(departures)
    assert departures[0] == "13:40"
    early = answer(session, "search_trains", origin="ely", day="friday", arrive_by="06:00")
    assert [train["arrives"] for train in early["results"]] == ["05:57"]


def test_a_train_that_arrives_after_midnight_arrives_by_no_time_of_its_day(
    domain: Multiwoz, session: DomainSession
) -> None:
    found = answer(
        session, "search_trains", origin="norwich", destination="cambridge", day="monday", leave_after="23:00"
    )
    (train,) = found["results"]
    assert train["arrives"] == "00:59"
    assert train["next_day"] is True
    for by in ("01:00", "23:59", "24:00"):
        late = answer(session, "search_trains", origin="norwich", day="monday", leave_after="23:00", arrive_by=by)
        assert late["count"] == 0
    # Some of the files' times are past 24:00, others begin anew: both are read alike.
    assert sum(t["next_day"] for t in _trains(domain) if "next_day" in t) == sum(
        t["arriveBy"] >= "24:00" or t["arriveBy"] < t["leaveAt"] for t in raw(domain, "train")
    )


def _trains(domain: Multiwoz) -> Iterator[Any]:
    for routes in domain.database.trains.values():
        for trains in routes.values():
            yield from trains


def test_stations_are_found_by_some_of_their_words(session: DomainSession) -> None:
    for words in ("London King's Cross", "kings cross", "london kings cross station", "LONDON"):
        found = answer(session, "search_trains", destination=words, day="sunday")
        assert {train["destination"] for train in found["results"]} == {"London Kings Cross"}
    strange = answer(session, "search_trains", destination="Oxford")
    assert strange["count"] == 0
    assert "Kings Lynn" in strange["note"]


# Booking


def test_a_booking_is_made_found_and_cancelled(session: DomainSession) -> None:
    made = answer(session, "book_restaurant", name="oak & ivy", day="friday", time="19:00", people=2)
    assert made["name"] == "The Oak and Ivy"
    assert answer(session, "find_booking", reference=made["reference"].lower()) == made
    assert list(session.edits()["bookings"].added) == [made["reference"]]
    assert answer(session, "cancel_booking", reference=made["reference"])["cancelled"] == made["reference"]
    assert "no booking" in refusal(session, "find_booking", reference=made["reference"])
    assert session.edits() == {}


def test_a_train_is_told_by_more_than_its_id_where_that_is_not_enough(domain: Multiwoz, session: DomainSession) -> None:
    first, second = raw(domain, "train")[:2]
    assert first["trainID"] == second["trainID"]
    message = refusal(session, "book_train", train_id=first["trainID"], day="monday", people=1)
    assert "2 trains" in message
    assert first["leaveAt"] in message
    for row in (first, second):
        made = answer(session, "book_train", train_id=row["trainID"], day="monday", people=3, departs=row["leaveAt"])
        assert made["origin"] == proper(row["departure"])
        assert made["total"] == f"{float(row['price'].split()[0]) * 3:.2f} pounds"
    by_origin = answer(session, "book_train", train_id=first["trainID"], day="monday", people=1, origin="Cambridge")
    assert by_origin["departs"] == second["leaveAt"]
    assert "no such train" in refusal(session, "book_train", train_id=first["trainID"], day="tuesday", people=1)


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        (
            "book_restaurant",
            {"name": "Oak and Ivi", "day": "friday", "time": "19:00", "people": 2},
            "Did you mean The Oak",
        ),
        (
            "book_restaurant",
            {"name": "walnut hotel", "day": "friday", "time": "19:00", "people": 2},
            "not a restaurant",
        ),
        ("book_restaurant", {"name": "oak and ivy", "day": "friday", "time": "19:00", "people": 0}, "1 to 12 people"),
        ("book_restaurant", {"name": "oak and ivy", "day": "friday", "time": "25:00", "people": 2}, "time: "),
        ("book_restaurant", {"name": "oak and ivy", "day": "someday", "time": "19:00", "people": 2}, "day: "),
        ("book_restaurant", {"name": "oak and ivy", "day": "friday", "people": 2}, "time is missing"),
        ("book_restaurant", {"name": "oak and ivy", "day": "friday", "time": "19:00", "people": "2"}, "people: "),
        ("book_hotel", {"name": "acorn house", "day": "friday", "nights": 1, "people": 1}, "takes no bookings"),
        ("book_hotel", {"name": "walnut hotel", "day": "friday", "nights": 15, "people": 1}, "1 to 14 nights"),
        ("search_hotels", {"colour": "red"}, "no argument 'colour'"),
        ("search_trains", {"leave_after": "late"}, "leave_after: "),
        ("get_details", {"name": "x" * 100_000}, "no such place"),
        ("find_taxi", {"origin": "a", "destination": "b"}, "needs a time"),
        ("find_taxi", {"origin": "a", "destination": "A", "arrive_by": "10:00"}, "the same"),
        ("book_attraction", {}, "there is no tool"),
    ],
)
def test_what_can_not_be_is_explained(session: DomainSession, tool: str, arguments: dict[str, Any], words: str) -> None:
    message = refusal(session, tool, **arguments)
    assert words in message
    assert len(message) < 400
    assert session.edits() == {}


def test_lookups(session: DomainSession) -> None:
    ride = answer(session, "find_taxi", origin="oak and ivy", destination="walnut hotel", leave_after="10:00")
    assert ride == answer(session, "find_taxi", origin="Oak and Ivy", destination="Walnut Hotel", leave_after="10:00")
    assert ride["car"].split()[0] in ("black", "red")
    assert len(ride["phone"]) == 10
    assert answer(session, "find_police")["results"] == [
        {"name": "Town Police", "address": "1 Park Lane", "phone": "01223000001"}
    ]
    assert answer(session, "find_hospital")["departments"] == ["children's oncology", "oncology"]
    assert answer(session, "find_hospital", department="Childrens oncology department")["count"] == 1
    assert answer(session, "find_hospital", department="")["count"] == 0


# What fails, and by which seed


@given(st.integers(), st.permutations(DAYS))
def test_whether_there_is_room_does_not_depend_on_the_order(seed: int, days: list[str]) -> None:
    asked = Availability(seed, rate=0.5)
    here = {day: asked.has_room("hotel", "x", day) for day in days}
    assert here == {day: asked.has_room("hotel", "x", day) for day in DAYS}


def test_bookings_fail_at_the_documented_rate(domain: Multiwoz) -> None:
    rooms = [Availability(seed).has_room("hotel", "walnut hotel", day) for seed in range(1_000) for day in DAYS]
    assert rooms.count(False) / len(rooms) == pytest.approx(FAILURE_RATE, abs=0.02)


def test_a_goal_decides_what_is_full(domain: Multiwoz) -> None:
    data = {"full": {"Walnut Hotel": ["friday"]}, "bookable": ["Walnut Hotel"], "failure_rate": 1.0}
    session = domain.open(GOAL.model_copy(update={"data": data}), 5)
    stay = {"name": "walnut hotel", "nights": 1, "people": 1}
    assert "fully booked on friday" in refusal(session, "book_hotel", day="friday", **stay)
    assert answer(session, "book_hotel", day="saturday", **stay)["day"] == "saturday"
    assert "fully booked" in refusal(
        session, "book_restaurant", name="oak and ivy", day="friday", time="19:00", people=2
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"full": {"Walnut Hotl": ["friday"]}}, "data.full: unknown"),
        ({"full": {"Walnut Hotel": ["someday"]}}, "data.full.Walnut Hotel"),
        ({"failure_rate": 2}, "data.failure_rate"),
        ({"bookable": ["Queen's Yard"]}, "data.bookable: unknown"),
        ({"bookings": []}, "knows no such field"),
    ],
)
def test_data_of_a_goal_that_makes_no_sense(domain: Multiwoz, data: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        domain.open(GOAL.model_copy(update={"data": data}), 0)


def test_sessions_do_not_see_each_other_and_repeat_themselves(domain: Multiwoz) -> None:
    table = {"name": "oak and ivy", "day": "friday", "time": "19:00", "people": 2}
    one, other = domain.open(BOOKABLE, 7), domain.open(BOOKABLE, 7)
    first = answer(one, "book_restaurant", **table)
    assert other.edits() == {}
    assert answer(other, "book_restaurant", **table) == first
    again = answer(one, "book_restaurant", **table)
    assert again["reference"] != first["reference"]
    assert answer(domain.open(BOOKABLE, 8), "book_restaurant", **table)["reference"] != first["reference"]


def test_the_data_can_not_be_written_to(domain: Multiwoz) -> None:
    record = domain.database.places["hotel"][0]
    with pytest.raises(TypeError):
        record["name"] = "mine"  # type: ignore[index]


# The files


def test_the_folder_is_found_and_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_database(tmp_path / "multiwoz")
    monkeypatch.setenv("UGST_DATA", str(tmp_path))
    assert multiwoz.load() is multiwoz.load()
    assert multiwoz.load().open(GOAL, 0).policy.startswith("# The visitors")


def test_missing_data_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UGST_DATA", str(tmp_path))
    monkeypatch.setattr(data_dirs, "cache_folder", lambda: tmp_path)
    with pytest.raises(DataMissingError, match="ugst data fetch multiwoz"):
        multiwoz.load()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[: len(text) // 2], "cut off"),
        (lambda text: "{}", "not a list"),
        (lambda text: "[]", "not a list"),
        (lambda text: "[" * 100_000, "cut off"),
        (lambda text: "[1]", "record 1 is no record"),
        (lambda text: text.replace('"stars"', '"sterne"', 1), "record 1 lacks stars"),
    ],
)
def test_files_that_are_not_as_we_know_them(tmp_path: Path, change: Any, words: str) -> None:
    file = write_database(tmp_path) / "db" / "hotel_db.json"
    file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(UsageError, match=words) as caught:
        read_database(tmp_path)
    assert "hotel_db.json" in str(caught.value)
    assert "ugst data fetch multiwoz" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (write_database(tmp_path) / "db" / "police_db.json").unlink()
    with pytest.raises(UsageError, match=r"police_db\.json: No such file"):
        read_database(tmp_path)


@pytest.mark.parametrize(
    ("file", "field", "value"),
    [
        ("hotel", "stars", "many"),
        ("hotel", "parking", "maybe"),
        ("train", "leaveAt", "5 o'clock"),
        ("train", "day", "d"),
    ],
)
def test_a_value_of_a_strange_form(tmp_path: Path, file: str, field: str, value: str) -> None:
    path = write_database(tmp_path) / "db" / f"{file}_db.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    rows[2][field] = value
    path.write_text(json.dumps(rows), encoding="utf-8")
    database = read_database(tmp_path)
    with pytest.raises(UsageError, match=f"{file}_db.json: record 3 has an unknown form"):
        assert database.trains if file == "train" else database.places


# Spelling


def test_names_are_written_as_names() -> None:
    assert proper("the man on the moon") == "The Man on the Moon"
    assert proper("adc theatre") == "ADC Theatre"
    assert proper("saint john's college") == "Saint John's College"
    assert proper("a and b guest house") == "A and B Guest House"
    assert postcode("cb21ab") == "CB2 1AB"


@given(st.text(max_size=40))
@example("THE:0")
def test_a_name_is_found_however_it_is_written(name: str) -> None:
    assert key(proper(name)) == key(name) or not name.isascii()
    assert key(f"  The {name} ") == key(name) or not key(name)


# The real files


@pytest.mark.skipif("UGST_DATA" not in os.environ, reason="UGST_DATA names no folder with multiwoz")
def test_the_real_data_is_read_whole() -> None:
    database = multiwoz.load().database
    assert {what: len(records) for what, records in database.places.items()} == {
        "restaurant": 110,
        "hotel": 33,
        "attraction": 79,
    }
    assert sum(len(trains) for routes in database.trains.values() for trains in routes.values()) == 2828
    assert len(database.names) == 110 + 33 + 79
    assert len(database.cities) == 13
    late = [t for t in _trains(multiwoz.load()) if t.get("next_day")]
    assert len(late) == 126 + 42
    assert all(t["arrives"] < "03:00" for t in late)
