"""The work behind a run of the public functions: checked first, then done with the models that it needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cache, partial
from typing import TYPE_CHECKING

from pytest_ugst.analysis.results import write_results
from pytest_ugst.analysis.success.gate import Gate
from pytest_ugst.analysis.summary import summarise
from pytest_ugst.api.run import Run
from pytest_ugst.core.errors import UsageError
from pytest_ugst.roles.batch import work_with
from pytest_ugst.runs.run import RESULTS_FILE

if TYPE_CHECKING:
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.roles.resolver import RoleResolver
    from pytest_ugst.runs.run import StoredRun


class Job(ABC):
    """Work that fills a run."""

    def __init__(self, stored: StoredRun, resolver: RoleResolver, named: Iterable[str]) -> None:
        """Begin nothing yet.

        Args:
            stored: The run to fill.
            resolver: The roles that the options name.
            named: The roles that are needed by name; the others were handed in as objects.
        """
        self.stored = stored
        self.resolver = resolver
        self.named = (*named, "decomposer")
        self._summary = cache(partial(summarise, stored))  # counted once, when all is played

    def start(self) -> Run:
        """Fill the run: at once, or beside the caller where an event loop is running."""
        return Run.start(self.stored, self._summary, self._prepare, self._work, self.resolver.models.stop_servers)

    @abstractmethod
    def check(self) -> None:
        """Check what can be checked before anything is spent.

        Raises:
            UsageError: For what the user has to mend.
        """

    @abstractmethod
    async def fill(self, resolver: RoleResolver) -> None:
        """Play or judge into the run."""

    def _prepare(self) -> None:
        self.resolver.require(self.named)
        self.check()
        self.resolver.start_servers(self.named)

    async def _work(self) -> None:
        try:
            await work_with(self.resolver, self.named, self.fill)
        finally:
            self._write_results()  # also of what was played before it was stopped

    def _write_results(self) -> None:
        summary = self._summary()
        if summary.outcomes:
            results = self.stored.results = summary.results(self.stored, Gate(floors={}), [])
            write_results(self.stored.folder / RESULTS_FILE, results)

    def require_decomposer(self, goals: Iterable[Goal]) -> None:
        """Check that goals without sub-components can be decomposed, whoever judges.

        Raises:
            UsageError: Naming the goal and the remedy.
        """
        for goal in goals:
            if goal.components is None and not self.resolver.is_model("decomposer"):
                raise UsageError(
                    f"{goal.source or 'goals'}: goal {goal.id!r} has no components and no model is set to decompose "
                    "it; name one by decomposer=..., or write its components"
                )
