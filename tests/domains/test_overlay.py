"""Overlays: sessions never see each other's edits, and the base stays as it was read."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from pytest_ugst.domains.overlay import BaseTables, Overlay, ReadOnlyError, freeze, thaw
from tests.laws import share

KEYS = st.sampled_from(["a", "b", "c", "d"])
VALUES = st.integers(0, 3) | st.lists(st.integers(0, 2), max_size=2)
RECORDS = st.dictionaries(st.sampled_from(["x", "y"]), VALUES, max_size=2)
TABLES = st.sampled_from(["one", "two"])
START: dict[str, dict[str, Any]] = {
    "one": {"a": {"x": 1, "y": [1, 2]}, "b": {"x": {"deep": [0]}}},
    "two": {"a": {}, "c": {"y": [0]}},
}


class Sessions(RuleBasedStateMachine):
    """Several overlays over one base, each beside a plain deep copy that is edited the same way."""

    sessions: Bundle[int] = Bundle("sessions")

    @initialize(target=sessions)
    def start(self) -> Any:
        self.base = BaseTables(START)
        self.views: list[tuple[Overlay, dict[str, dict[str, Any]]]] = []
        return multiple(self._open(), self._open())

    def _open(self) -> int:
        self.views.append((self.base.overlay(), copy.deepcopy(START)))
        return len(self.views) - 1

    @rule(target=sessions)
    def another(self) -> int:
        return self._open()

    @rule(session=sessions, table=TABLES, key=KEYS, field=st.sampled_from(["x", "y"]), value=VALUES)
    def edit(self, session: int, table: str, key: str, field: str, value: Any) -> None:
        view, model = self.views[session]
        if key not in model[table]:
            with pytest.raises(KeyError):
                view[table].edit(key)
            return
        view[table].edit(key)[field] = value
        model[table][key][field] = copy.deepcopy(value)

    @rule(session=sessions, table=TABLES, key=KEYS, value=st.integers(0, 2))
    def edit_deep(self, session: int, table: str, key: str, value: int) -> None:
        view, model = self.views[session]
        if isinstance(model[table].get(key, {}).get("y"), list):
            view[table].edit(key)["y"].append(value)
            model[table][key]["y"].append(value)

    @rule(session=sessions, table=TABLES, key=KEYS, record=RECORDS)
    def add(self, session: int, table: str, key: str, record: dict[str, Any]) -> None:
        view, model = self.views[session]
        if key in model[table]:
            with pytest.raises(KeyError):
                view[table].add(key, record)
            return
        view[table].add(key, record)
        model[table][key] = copy.deepcopy(record)

    @rule(session=sessions, table=TABLES, key=KEYS)
    def remove(self, session: int, table: str, key: str) -> None:
        view, model = self.views[session]
        if key not in model[table]:
            with pytest.raises(KeyError):
                view[table].remove(key)
            return
        view[table].remove(key)
        del model[table][key]

    @invariant()
    def every_session_sees_its_own_edits_alone(self) -> None:
        for view, model in self.views:
            for name, records in model.items():
                table = view[name]
                assert dict(table) == records
                assert len(table) == len(records)
                assert sorted(table) == sorted(records)
                assert all((key in table) == (key in records) for key in "abcd")

    @invariant()
    def the_base_is_as_it_was_read(self) -> None:
        assert self.base.tables == START

    @invariant()
    def edits_say_what_differs(self) -> None:
        for view, model in self.views:
            edits = view.edits()
            for name, start in START.items():
                now = model[name]
                found = edits.get(name)
                assert (found.added if found else {}) == {k: r for k, r in now.items() if k not in start}
                assert (found.changed if found else {}) == {
                    k: r for k, r in now.items() if k in start and r != start[k]
                }
                assert (found.removed if found else []) == sorted(k for k in start if k not in now)


TestSessions = Sessions.TestCase
TestSessions.settings = share(0.8, stateful_step_count=25)


def test_only_edited_records_are_copied() -> None:
    base = BaseTables(START)
    view = base.overlay()
    assert view["one"]["a"] is base.tables["one"]["a"]
    view["one"].edit("a")["x"] = 9
    assert view["one"]["b"] is base.tables["one"]["b"]


@pytest.mark.parametrize(
    "write",
    [
        lambda r: r.update(x=2),
        lambda r: r.__setitem__("x", 2),
        lambda r: r.pop("x"),
        lambda r: r["y"].append(3),
        lambda r: r["y"].sort(),
        lambda r: r["y"].__setitem__(0, 5),
    ],
)
def test_shared_records_refuse_to_be_written(write: Any) -> None:
    record = BaseTables(START).overlay()["one"]["a"]
    with pytest.raises(ReadOnlyError, match=r"edit\(\)"):
        write(record)
    assert record == START["one"]["a"]


def test_frozen_data_is_json_and_thaws() -> None:
    frozen = freeze(START)
    assert json.loads(json.dumps(frozen)) == START
    for free in (thaw(frozen), copy.deepcopy(frozen)):
        free["one"]["a"]["y"].append(7)
    assert frozen == START


def test_the_base_takes_no_tables_and_no_records() -> None:
    tables: Any = BaseTables(START).tables
    with pytest.raises(TypeError):
        tables["three"] = {}
    with pytest.raises(TypeError):
        tables["one"]["e"] = {}
    assert "e" not in tables["one"]


def test_a_record_is_frozen_once_and_what_was_handed_in_is_left_alone() -> None:
    mine: dict[str, Any] = {"one": {"a": {"x": [1]}, "b": {"x": [2]}}}
    base = BaseTables(mine)
    assert base.tables["one"]["a"] is base.tables["one"]["a"]
    assert type(mine["one"]["a"]) is dict
    mine["one"]["a"]["x"].append(2)
    assert base.tables["one"]["a"] == {"x": [1]}


def test_changes_are_the_fields_that_differ() -> None:
    overlay = BaseTables({"t": {"a": {"x": 1, "y": [1]}, "b": {"x": 2}, "c": {"x": 3}}}).overlay()
    table = overlay["t"]
    assert overlay.changes() == {}
    table.edit("a")["y"].append(2)
    table.edit("b")["x"] = 2  # as it was
    del table.edit("c")["x"]
    table.add("d", {"z": 0})
    assert overlay.changes() == {("t", "a", "y"): [1, 2], ("t", "c", "x"): None, ("t", "d", "z"): 0}
    table.remove("a")
    table.remove("d")
    assert overlay.changes() == {("t", "a", ""): None, ("t", "c", "x"): None}
    assert {key for _, key, _ in overlay.changes()} == {"a", *overlay.edits()["t"].changed}
