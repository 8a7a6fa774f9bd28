"""The ledger of a session: which episodes its tests stand for, and so which count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_ugst.runs.run import StoredRun


class EpisodeLedger:
    """The episodes that count in a session: planned, skipped and outdated ones, merged from all processes that play.

    Pure bookkeeping: it knows ids of tests and episodes, and touches a run only in :meth:`settle`.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.requested = False
        """Whether any test asked for an episode, skipped tests included."""
        self._selected: dict[str, None] = {}
        self._planned: dict[str, str] = {}  # by test, the episode that is played for it
        self._skips: Counter[str] = Counter()  # by episode, how many of its tests skipped themselves after all
        self._outdated: set[str] = set()

    @property
    def selected(self) -> tuple[str, ...]:
        """Ids of the episodes that the session set out to play, in that order."""
        return tuple(self._selected)

    def select(self, *episodes: str) -> None:
        """Add episodes to those that the session set out to play."""
        self._selected.update(dict.fromkeys(episodes))

    def plan(self, test: str, episode: str) -> None:
        """Note that an episode is played for a test."""
        self._planned[test] = episode

    def skip(self, test: str) -> None:
        """Note that a test skipped itself, which counts if its episode is being played all the same."""
        if (episode := self._planned.get(test)) is not None:
            self._skips[episode] += 1

    def outdate(self, episode: str) -> None:
        """Note that the episode of a resumed run's journal can't stand for what is planned now."""
        self._outdated.add(episode)

    def counted(self) -> tuple[str, ...]:
        """Return the selected episodes that at least one test stands for: not all of its tests skipped themselves."""
        tests = Counter(self._planned.values())
        return tuple(name for name in self._selected if self._skips[name] < max(1, tests[name]))

    def report(self) -> dict[str, Any]:
        """Return what another process has to know of this one, as JSON-like data."""
        return {
            "requested": self.requested,
            "selected": list(self._selected),
            # As much as is needed to see whether a test is left that stands for an episode.
            "planned": {test: name for test, name in self._planned.items() if name in self._skips},
            "skipped": dict(self._skips),
            "outdated": sorted(self._outdated),
        }

    def merge(self, report: dict[str, Any]) -> None:
        """Add what another process reports."""
        self.requested = self.requested or report["requested"]
        self.select(*report["selected"])
        self._planned.update(report["planned"])
        self._skips.update(report["skipped"])
        self._outdated.update(report["outdated"])

    def settle(self, run: StoredRun, begun: str, planned: Iterable[str] | None = None) -> None:
        """Find out what was played, and let the run hold what counts, before results are counted.

        Args:
            run: The session's run; its selection and failures are cut down to what counts, and what its journal holds
                of an outdated episode is forgotten.
            begun: When the session began; UTC, ISO 8601.
            planned: What workers set out to play, who may not have come to report it (after Ctrl-C).
        """
        journal = run.journal
        journal.refresh()
        if planned is not None:
            self.select(*planned)
            # Beside that, what only the tests could ask for, once they ran.
            others = [name for name in journal.ids() if name not in self._selected]
            self.select(*(name for name in others if journal.get(name).started >= begun))
        run.selected = self.counted()
        kept = set(run.selected)
        run.failures = {name: why for name, why in run.failures.items() if name in kept}
        for name in self._outdated:
            if name in journal and journal.get(name).started < begun:
                journal.forget(name)
