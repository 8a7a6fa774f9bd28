"""Sessions of the airline and the shop share one base and never see each other's edits."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from pytest_ugst.core.goal import Goal
from pytest_ugst.domains.tau.airline import domain as airline
from pytest_ugst.domains.tau.airline.tools import AirlineToolsV1
from pytest_ugst.domains.tau.retail import domain as retail
from pytest_ugst.domains.tau.retail.tools import RetailToolsV1
from pytest_ugst.domains.tau.session import TauDomain, TauSession
from tests.domains.tau.small_tau import AIRLINE, RETAIL, session, write
from tests.domains.tau.test_airline import TRIP, change
from tests.domains.tau.test_retail import ADDRESS
from tests.laws import share

Call = tuple[str, dict[str, Any]]

FLIGHTS: list[Call] = [
    ("book_reservation", TRIP),
    ("book_reservation", {**TRIP, "payment_methods": [{"payment_id": "gift_card_1", "amount": 400}]}),
    ("cancel_reservation", {"reservation_id": "AAA111"}),
    ("cancel_reservation", {"reservation_id": "HATHAT"}),
    ("update_reservation_flights", change("business")),
    ("update_reservation_flights", change("economy", "F5", "gift_card_1")),
    ("send_certificate", {"user_id": "ada_1", "amount": 50}),
    ("search_direct_flight", {"origin": "JFK", "destination": "SEA", "date": "2024-05-20"}),
    ("get_user_details", {"user_id": "ada_1"}),
    ("get_reservation_details", {"reservation_id": "HATHAT"}),
]
_SWAP = {"item_ids": ["11"], "new_item_ids": ["14"], "payment_method_id": "credit_card_2"}
SHOPPING: list[Call] = [
    ("cancel_pending_order", {"order_id": "#W1", "reason": "no longer needed"}),
    ("modify_pending_order_items", {"order_id": "#W1", **_SWAP}),
    ("modify_pending_order_payment", {"order_id": "#W1", "payment_method_id": "paypal_2"}),
    ("modify_pending_order_payment", {"order_id": "#W4", "payment_method_id": "gift_card_2"}),
    ("exchange_delivered_order_items", {"order_id": "#W2", **_SWAP}),
    ("return_delivered_order_items", {"order_id": "#W2", "item_ids": ["12"], "payment_method_id": "gift_card_2"}),
    ("modify_user_address", {"user_id": "bob_2", **ADDRESS}),
    ("find_user_id_by_name_zip", {"first_name": "Bob", "last_name": "Lee", "zip": "20002"}),
    ("get_user_details", {"user_id": "bob_2"}),
    ("get_order_details", {"order_id": "#W1"}),
]


class TauSessions(RuleBasedStateMachine):
    """Sessions over one base, each beside one that has a base of its own and gets the same calls."""

    sessions: Bundle[int] = Bundle("sessions")
    load: Callable[[], TauDomain]
    tables: dict[str, Callable[[], dict[str, Any]]]
    calls: list[Call]

    @initialize(target=sessions)
    def start(self) -> Any:
        self.domain = self.load()
        self.opened: list[tuple[TauSession, TauSession]] = []
        return multiple(self._open(), self._open())

    def _open(self) -> int:
        goal = Goal(id="g", text="A goal.")
        self.opened.append((self.domain.open(goal, 0), self.load().open(goal, 0)))
        return len(self.opened) - 1

    @rule(target=sessions)
    def another(self) -> int:
        return self._open()

    @rule(session=sessions, data=st.data())
    def call(self, session: int, data: st.DataObject) -> None:
        name, arguments = data.draw(st.sampled_from(self.calls))
        shared, alone = self.opened[session]
        assert shared.call(name, arguments) == alone.call(name, arguments)

    @invariant()
    def every_session_is_as_if_it_were_alone(self) -> None:
        for shared, alone in self.opened:
            assert shared.edits() == alone.edits()

    @invariant()
    def the_base_is_as_it_was_read(self) -> None:
        assert self.domain.base.tables == {name: made() for name, made in self.tables.items()}


FOLDER = tempfile.TemporaryDirectory()
ROOT = write(Path(FOLDER.name))


class AirlineSessions(TauSessions):
    calls = FLIGHTS
    tables = AIRLINE

    def load(self) -> TauDomain:
        return airline.LOADER.read(ROOT / "tau-bench", "v1", AirlineToolsV1)


class RetailSessions(TauSessions):
    calls = SHOPPING
    tables = RETAIL

    def load(self) -> TauDomain:
        return retail.LOADER.read(ROOT / "tau-bench", "v1", RetailToolsV1)


TestAirlineSessions = AirlineSessions.TestCase
TestRetailSessions = RetailSessions.TestCase
TestAirlineSessions.settings = TestRetailSessions.settings = share(0.4, stateful_step_count=15)


def test_a_thousand_sessions_share_one_base(tau_root: Path) -> None:
    many = [session(tau_root, "airline") for _ in range(1000)]
    for number, here in enumerate(many):
        here.call("send_certificate", {"user_id": "ada_1", "amount": number})
    assert len({id(here.view()["flights"]["F1"]) for here in many}) == 1
    for number, here in enumerate(many):
        methods = here.edits()["users"].changed["ada_1"]["payment_methods"]
        assert methods["certificate_3221322"]["amount"] == number
    assert not session(tau_root, "airline").edits()


def test_an_open_session_holds_next_to_nothing(tau_root: Path) -> None:
    session(tau_root, "airline")
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        many = [session(tau_root, "airline") for _ in range(100)]
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert held / len(many) < 5_000
