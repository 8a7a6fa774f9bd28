"""What counts in a session: the laws of the ledger, without pytest and without playing anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.plugin.ledger import EpisodeLedger
from pytest_ugst.runs.run import StoredRun
from tests.factories import make_episode, make_run

BEGUN = "2026-11-30T12:00:00.000+00:00"
BEFORE, AFTER = "2026-11-30T11:00:00.000+00:00", "2026-11-30T12:00:01.000+00:00"
EPISODES = st.sampled_from(["a", "b", "c"])
EVENTS = st.lists(st.tuples(st.integers(0, 5), EPISODES, st.booleans()), max_size=12)


def ledger_of(events: list[tuple[int, str, bool]]) -> EpisodeLedger:
    """A ledger of tests (by number) that stand for episodes, some of which skip themselves."""
    ledger = EpisodeLedger()
    for test, episode, skips in {test: (test, episode, skips) for test, episode, skips in events}.values():
        ledger.select(episode)
        ledger.plan(f"test-{test}", episode)
        if skips:
            ledger.skip(f"test-{test}")
    return ledger


def stored(folder: Path, **started: str) -> StoredRun:
    """A run whose journal holds an episode for each name, with the time when it began."""
    run = make_run(folder, *(make_episode(name, started=when) for name, when in started.items()))
    run.selected = ()
    return run


def test_an_episode_counts_as_long_as_one_of_its_tests_is_left() -> None:
    ledger = EpisodeLedger()
    ledger.select("a", "b")
    ledger.plan("one", "a")
    ledger.plan("two", "a")
    ledger.skip("one")
    assert ledger.counted() == ("a", "b")
    ledger.skip("two")
    assert ledger.counted() == ("b",)
    ledger.skip("unrelated")
    assert ledger.counted() == ("b",)


def test_what_only_a_running_test_asks_for_counts() -> None:
    ledger = EpisodeLedger()
    ledger.select("late")
    assert ledger.counted() == ("late",)


@given(EVENTS)
def test_an_episode_is_left_out_if_and_only_if_all_its_tests_skipped_themselves(
    events: list[tuple[int, str, bool]],
) -> None:
    ledger = ledger_of(events)
    by_test = {test: (episode, skips) for test, episode, skips in events}
    for name in ledger.selected:
        tests = [skips for episode, skips in by_test.values() if episode == name]
        assert (name in ledger.counted()) == (not all(tests))


@given(st.lists(EVENTS, min_size=1, max_size=4))
def test_merging_workers_gives_what_one_process_would_have_counted(parts: list[list[tuple[int, str, bool]]]) -> None:
    """Every worker plans all tests of the session and runs some of them."""
    planned = {f"{w}-{test}": (episode, skips) for w, part in enumerate(parts) for test, episode, skips in part}
    alone, controller = EpisodeLedger(), EpisodeLedger()
    for name, (episode, skips) in planned.items():
        alone.select(episode)
        alone.plan(name, episode)
        if skips:
            alone.skip(name)
    for w in range(len(parts)):
        worker = EpisodeLedger()
        for name, (episode, skips) in planned.items():
            worker.select(episode)
            worker.plan(name, episode)
            if skips and name.startswith(f"{w}-"):
                worker.skip(name)
        controller.merge(json.loads(json.dumps(worker.report())))  # as xdist sends it
    assert controller.selected == alone.selected
    assert controller.counted() == alone.counted()


def test_whether_anything_was_requested_is_known_after_merging() -> None:
    controller, idle, busy = EpisodeLedger(), EpisodeLedger(), EpisodeLedger()
    busy.requested = True
    controller.merge(idle.report())
    assert not controller.requested
    controller.merge(busy.report())
    controller.merge(idle.report())
    assert controller.requested


def test_settling_cuts_the_run_down_to_what_counts(tmp_path: Path) -> None:
    run = stored(tmp_path / "run", a=AFTER, b=AFTER)
    run.failures = {"b": "no model", "c": "no model"}
    ledger = EpisodeLedger()
    ledger.select("a", "b", "c")
    for name in "abc":
        ledger.plan(f"test-{name}", name)
    ledger.skip("test-b")
    ledger.settle(run, BEGUN)
    assert run.selected == ("a", "c")
    assert run.failures == {"c": "no model"}


def test_workers_that_could_not_report_count_by_their_note_and_by_the_journal(tmp_path: Path) -> None:
    run = stored(tmp_path / "run", planned=AFTER, late=AFTER, earlier=BEFORE)
    ledger = EpisodeLedger()
    ledger.settle(run, BEGUN, planned=["planned", "lost"])
    assert run.selected == ("planned", "lost", "late")


@pytest.mark.parametrize(("started", "left"), [(BEFORE, False), (AFTER, True)])
def test_an_outdated_episode_is_forgotten_unless_it_was_played_anew(tmp_path: Path, started: str, left: bool) -> None:
    run = stored(tmp_path / "run", a=started)
    ledger = EpisodeLedger()
    ledger.select("a")
    ledger.outdate("a")
    ledger.settle(run, BEGUN)
    assert ("a" in run.journal) is left
