"""The journal of a run: one line of JSON per finished episode, appended as each ends.

Several processes may append to one journal. A line that a killed process left torn is dropped and its episode played
again; the next writer starts a new line, so that nothing else is lost with it.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from pytest_ugst.core.episode import SCHEMA_VERSION, Episode
from pytest_ugst.core.errors import UsageError, first_fault
from pytest_ugst.core.text import one_line


class Journal:
    """A collection of episodes on disk, by id. It holds their offsets in memory, not the episodes."""

    def __init__(self, path: Path) -> None:
        """Make a journal without reading it.

        Args:
            path: The file, which need not exist yet.
        """
        self.path = path
        self.torn = 0
        """The number of lines that could not be read."""
        self.torn_end = False
        """True if the last line had no end when it was read: another process is writing it, or was killed doing so."""
        self.first_fault: str | None = None
        """The fault in the first line that could not be read."""
        self._spans: dict[str, tuple[int, int]] = {}
        self._read_to = 0
        self._lines = 0

    def append(self, episode: Episode) -> None:
        """Write an episode. On return the operating system has it, so that only a crash of the machine can lose it.

        Raises:
            UsageError: If the disk is full or the folder is gone.
        """
        # The version comes first: it is a default, which would be left out.
        line = b'{"schema_version":%d,' % SCHEMA_VERSION + episode.model_dump_json(exclude_defaults=True).encode()[1:]
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
                end = os.lseek(fd, 0, os.SEEK_END)
                torn_tail = end > 0 and os.pread(fd, 1, end - 1) != b"\n"
                data = memoryview((b"\n" if torn_tail else b"") + line + b"\n")
                while data:
                    data = data[os.write(fd, data) :]
            finally:
                os.close(fd)
            if end == self._read_to and not torn_tail:  # no other process wrote meanwhile: no need to read it back
                self._spans[episode.id] = (end, len(line) + 1)
                self._read_to = end + len(line) + 1
                self._lines += 1
            else:
                self.refresh()
        except OSError as error:
            raise UsageError(f"can't write {self.path}: {error.strerror}; free some space or set --ugst-dir") from error

    def refresh(self) -> None:
        """Read the lines that any process has appended since the last call.

        Raises:
            UsageError: If the file can't be read, or was written in another format.
        """
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):  # reading a pipe would never end
                raise UsageError(f"{self.path} is no file; name another run")
            with self.path.open("rb") as file:
                file.seek(self._read_to)
                self.torn_end = False
                for line in file:
                    if not line.endswith(b"\n"):
                        self.torn_end = True  # in both cases not an episode yet
                        break
                    start, self._read_to = self._read_to, self._read_to + len(line)
                    self._lines += 1
                    self._note(line, start)
        except FileNotFoundError:
            return
        except OSError as error:
            raise UsageError(
                f"can't read {self.path}: {error.strerror}; make it readable, or name another run"
            ) from None

    def _note(self, line: bytes, start: int) -> None:
        if not line.strip():
            return
        episode = self._parse(line)
        if episode is None:
            self.torn += 1
        else:
            self._spans[episode.id] = (start, len(line))

    def _parse(self, line: bytes) -> Episode | None:
        try:
            return Episode.model_validate_json(line.rstrip(b"\n"))
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=True):
                if detail["loc"] == ("schema_version",):
                    written = one_line(repr(detail["input"]), 60)
                    raise UsageError(
                        f"{self.path} was written in episode format {written}, this version reads format 1; "
                        "read it with the version that wrote it, or start a new run"
                    ) from None
            if self.first_fault is None:
                # The parser counts lines from this one.
                fault = first_fault(error).replace(" at line 1 column", " at column")
                self.first_fault = f"line {self._lines}: {fault}"
            return None

    def __contains__(self, episode_id: object) -> bool:
        """Return whether an episode of this id has been read."""
        return episode_id in self._spans

    def __len__(self) -> int:
        """Return the number of episodes that have been read."""
        return len(self._spans)

    def forget(self, episode_id: str) -> None:
        """Treat an episode as missing. It stays on disk; a later one with its id takes its place."""
        self._spans.pop(episode_id, None)

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all episodes that have been read."""
        return tuple(self._spans)

    def get(self, episode_id: str) -> Episode:
        """Return an episode; of several with the same id the last one counts.

        Raises:
            KeyError: If there is none.
        """
        start, length = self._spans[episode_id]
        with self.path.open("rb") as file:
            file.seek(start)
            return Episode.model_validate_json(file.read(length))

    def __iter__(self) -> Iterator[Episode]:
        """Read all episodes, one at a time, in the order in which they ended."""
        for episode_id in sorted(self._spans, key=self._spans.__getitem__):
            yield self.get(episode_id)
