"""The work behind a run of the public functions: checked first, then done with the models that it needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING

from pytest_ugst.api.run import Run
from pytest_ugst.roles.batch import work_with

if TYPE_CHECKING:
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
        self.named = tuple(named)

    def start(self) -> Run:
        """Fill the run: at once, or beside the caller where an event loop is running."""
        return Run.start(self.stored, self._prepare, self._work)

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
        try:
            self.resolver.start_servers(self.named)
        except BaseException:
            self.resolver.models.stop_servers()
            raise

    async def _work(self) -> None:
        try:
            await work_with(self.resolver, self.named, self.fill)
        finally:
            self.resolver.models.stop_servers()
