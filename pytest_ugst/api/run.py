"""A run as an object: its episodes, its table, its data frame."""

from __future__ import annotations

import asyncio
import html
import warnings
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst.analysis.summary import Summary, summarise
from pytest_ugst.analysis.tables import Table, render
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import counted
from pytest_ugst.utils.daemon_executor import DaemonThreadExecutor

if TYPE_CHECKING:
    from pytest_ugst.analysis.success.rates import Rates
    from pytest_ugst.core.episode import Episode
    from pytest_ugst.runs.run import StoredRun

_COLUMNS = ("episode", "goal", "trial", "component", "category", "text", "status", "turn", "by")


class RunSummary:
    """The table of a run: prints as text, and renders as HTML in a notebook.

    Attributes:
        rates: The success rates of the whole run, with intervals and counts.

    Example:
        >>> import pytest_ugst as ugst
        >>> summary = ugst.simulate("concierge:test", cache="off").summary()
        >>> round(summary.rates.average.value), summary.rates.average.n
        (100, 286)
        >>> "<table>" in summary._repr_html_()
        True
    """

    def __init__(self, summary: Summary, note: str = "") -> None:
        """Show a summary.

        Args:
            summary: What was counted.
            note: More that has to be said below the last table.
        """
        self._summary = summary
        self._note = note
        self.rates: Rates = summary.rows[-1].rates

    @property
    def tables(self) -> list[Table]:
        """The tables, for any style of ``pytest_ugst.analysis.tables``."""
        *others, last = self._summary.printed()
        return [*others, replace(last, notes=(*last.notes, self._note))] if self._note else [*others, last]

    def __str__(self) -> str:
        """Return the tables as text."""
        return render(self.tables, "terminal").rstrip("\n")

    __repr__ = __str__

    def to_markdown(self) -> str:
        """Return the tables in Markdown."""
        return render(self.tables, "markdown")

    def to_latex(self) -> str:
        """Return the tables in LaTeX."""
        return render(self.tables, "latex")

    def _repr_html_(self) -> str:
        """Return the tables as HTML; the name is the one that IPython looks for."""
        return "\n".join(map(_html, self.tables))


def _html(table: Table) -> str:
    """Return a table as HTML; all texts are escaped."""
    from tabulate import tabulate

    columns = [i for i, column in enumerate(table.columns) if column.heading is not None]
    headings = [table.columns[i].heading or "" for i in columns]
    rows = []
    for line in table.lines:
        cells = [line.cells[i] for i in columns]
        rows.append([f"{cell.shown} ({cell.aside})" if cell.aside else cell.shown for cell in cells])
    body = tabulate(rows, headings, tablefmt="html", disable_numparse=True)  # this format escapes
    title = f"<p><b>{html.escape(table.title)}</b></p>" if table.title else ""
    notes = "".join(f"<p><small>{html.escape(note)}</small></p>" for note in table.notes)
    return f"{title}{body}{notes}"


class Run:
    """A run: an iterable of its episodes, kept in a folder that all commands and reports can read.

    What :func:`simulate` and :func:`judge` return has ended, unless an event loop was running: then it is an awaitable
    that gives the run itself.

    Example:
        >>> import pytest_ugst as ugst
        >>> run = ugst.simulate("concierge:test", agent="rules", trials=1, cache="off")
        >>> len(run), run.rates.average.value
        (32, 100.0)
        >>> next(iter(run)).final_state.failures()
        ()
    """

    def __init__(self, stored: StoredRun, summary: Callable[[], Summary] | None = None) -> None:
        """Show a run that was played.

        Args:
            stored: The run with its journal read.
            summary: Returns the summary of the run, once it has ended; counted here unless given.
        """
        self.stored = stored
        """The run as it is kept: folder, journal, selection, failures."""
        self._task: asyncio.Task[None] | None = None
        self._awaited = False
        self._summary = cache(partial(summarise, stored)) if summary is None else summary

    @classmethod
    def start(
        cls,
        stored: StoredRun,
        summary: Callable[[], Summary],
        prepare: Callable[[], None],
        work: Callable[[], Awaitable[None]],
        cleanup: Callable[[], None],
    ) -> Run:
        """Fill a run: at once, or beside the caller where an event loop is running.

        Args:
            stored: The run to fill.
            summary: Returns the summary of the run, once it has ended.
            prepare: Called first; may block for minutes, as starting a model server does.
            work: Awaited then.
            cleanup: Called at the end, however it comes about.
        """
        run = cls(stored, summary)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            try:
                prepare()
                asyncio.run(_with_threads(work))
            finally:
                cleanup()
        else:
            run._task = loop.create_task(_in_loop(prepare, work, cleanup))
        return run

    def __await__(self) -> Generator[Any, None, Run]:
        """Wait until the run has ended, and return it.

        Raises:
            UgstError: Whatever ended it early.
        """
        self._awaited = True
        if self._task is not None:
            yield from self._task.__await__()
        return self

    def __del__(self) -> None:
        """Warn of a run that nobody awaited: it has been lost without a word."""
        if getattr(self, "_task", None) is not None and not self._awaited:
            warnings.warn(f"the run {self.stored.name!r} was never awaited", RuntimeWarning, stacklevel=2)

    def _ended(self) -> StoredRun:
        if self._task is not None and not self._task.done():
            raise UsageError("the run has not ended; await it first: run = await simulate(...)")
        return self.stored

    @property
    def name(self) -> str:
        """The run's name."""
        return self.stored.name

    @property
    def folder(self) -> Path:
        """The run's folder, a name for the commands and for ``--ugst-baseline``."""
        return self.stored.folder

    @property
    def failures(self) -> Mapping[str, str]:
        """Reasons why episodes could not be played, by episode id."""
        return self._ended().failures

    def __iter__(self) -> Iterator[Episode]:
        """Yield the episodes that were played, one in memory at a time."""
        run = self._ended()
        return (run.journal.get(name) for name in run.ids if name in run.journal)

    def __len__(self) -> int:
        """Return the number of episodes that were played."""
        run = self._ended()
        return sum(name in run.journal for name in run.ids)

    def __contains__(self, episode_id: object) -> bool:
        """Return whether an episode of this id was played."""
        run = self._ended()
        return episode_id in run.ids and episode_id in run.journal

    def __bool__(self) -> bool:
        """Return True: a run in which nothing could be played is a run as well."""
        return True

    def __getitem__(self, episode_id: str) -> Episode:
        """Return an episode by its id, such as ``GOAL`` or ``GOAL@2``.

        Raises:
            KeyError: If it is not in the run.
        """
        if episode_id not in self:
            raise KeyError(episode_id)
        return self.stored.journal.get(episode_id)

    def __repr__(self) -> str:
        """Return the run's name and size."""
        if self._task is not None and not self._task.done():
            return f"<Run {self.name!r}: under way, await it>"
        missing = self.stored.missing
        size = (
            counted(len(self), "episode") if not missing else f"stopped, {len(self)} of {len(self.stored.ids)} episodes"
        )
        return f"<Run {self.name!r}: {size}>"

    def summary(self) -> RunSummary:
        """Return the table of the run: success rates by category, with intervals."""
        summary, missing = self._counted(), self.stored.missing
        left = f"{counted(missing, 'selected episode', ('was', 'were'))} not played; go on with resume={self.name!r}"
        return RunSummary(summary, left if missing else "")

    @property
    def rates(self) -> Rates:
        """The success rates of the whole run, with intervals and counts."""
        return self._counted().rows[-1].rates

    def _counted(self) -> Summary:
        self._ended()
        return self._summary()

    def to_pandas(self) -> Any:
        """Return a data frame with one row per sub-component of every episode.

        Its columns are ``episode``, ``goal``, ``trial``, ``component`` (id), ``category``, ``text``, ``status`` (the
        final one, or ``ERROR`` where a verdict is missing), ``turn`` (in which the status was reached; missing for an
        initial status that nothing was said of) and ``by`` (who judged).

        Raises:
            UsageError: If pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise UsageError("to_pandas() needs pandas, which is not installed; run: pip install pandas") from None
        frame = pandas.DataFrame(self._records(), columns=list(_COLUMNS))
        return frame.astype({"turn": "Int64"})

    def _records(self) -> Iterator[tuple[Any, ...]]:
        for episode in self:
            for state in episode.final_state:
                verdict = state.decisive
                yield (
                    episode.id,
                    episode.goal.id,
                    episode.trial,
                    state.component.id,
                    state.category.value,
                    state.text,
                    state.label,
                    None if verdict is None else verdict.turn,
                    None if verdict is None else verdict.by,
                )


async def _with_threads(work: Callable[[], Awaitable[None]]) -> None:
    """Await work in a loop of our own, in which any number of plain functions may block."""
    asyncio.get_running_loop().set_default_executor(DaemonThreadExecutor())
    await work()


async def _in_loop(
    prepare: Callable[[], None], work: Callable[[], Awaitable[None]], cleanup: Callable[[], None]
) -> None:
    """Prepare and work in a loop of the caller's, which may have other things to do meanwhile."""
    preparing = asyncio.ensure_future(asyncio.to_thread(prepare))
    try:
        await asyncio.shield(preparing)
        await work()
    finally:
        if not preparing.done():  # cancelled meanwhile, but a thread can't be: wait for what it starts, to stop it
            await asyncio.wait([preparing])
        cleanup()
