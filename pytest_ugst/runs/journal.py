"""The journal: one line of JSON per finished episode, appended as each ends.

Several processes may append to one journal. A line that a killed process left torn is dropped and its episode played
again; the next writer starts on a line of its own, so nothing else is lost with it.
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
    """Episodes on disk, found by id. Holds offsets in memory, not episodes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.torn = 0
        """Lines that could not be read."""
        self.torn_end = False
        """Whether, at the last look, the last line had no end: another process writes it, or was killed over it."""
        self.first_fault: str | None = None
        """What is wrong with the first line that could not be read."""
        self._spans: dict[str, tuple[int, int]] = {}
        self._read_to = 0
        self._lines = 0

    def append(self, episode: Episode) -> None:
        """Write an episode; on return it is with the operating system, so that only the machine's end can lose it.

        Raises:
            UsageError: If the disk is full or the folder is gone.
        """
        # The version stands in front, where a default would be left out.
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
            if end == self._read_to and not torn_tail:  # nobody else wrote meanwhile: no need to read it back
                self._spans[episode.id] = (end, len(line) + 1)
                self._read_to = end + len(line) + 1
                self._lines += 1
            else:
                self.refresh()
        except OSError as error:
            raise UsageError(f"can't write {self.path}: {error.strerror}; free some space or set --ugst-dir") from error

    def refresh(self) -> None:
        """Take note of what was appended since the last look, by whichever process.

        Raises:
            UsageError: If the file can't be read, or was written in another format.
        """
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):  # a pipe would be waited for for ever
                raise UsageError(f"{self.path} is no file; name another run")
            with self.path.open("rb") as file:
                file.seek(self._read_to)
                self.torn_end = False
                for line in file:
                    if not line.endswith(b"\n"):
                        self.torn_end = True  # either way not an episode yet
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
                    there = one_line(repr(detail["input"]), 60)
                    raise UsageError(
                        f"{self.path} was written in episode format {there}, this version reads format 1; "
                        "read it with the version that wrote it, or start a new run"
                    ) from None
            if self.first_fault is None:
                # The parser's own "at line 1" is of this line.
                fault = first_fault(error).replace(" at line 1 column", " at column")
                self.first_fault = f"line {self._lines}: {fault}"
            return None

    def __contains__(self, episode_id: object) -> bool:
        return episode_id in self._spans

    def __len__(self) -> int:
        return len(self._spans)

    def forget(self, episode_id: str) -> None:
        """Treat an episode as not there; it stays on disk until a later one of its id takes its place."""
        self._spans.pop(episode_id, None)

    def ids(self) -> tuple[str, ...]:
        """The ids of all episodes noted so far."""
        return tuple(self._spans)

    def get(self, episode_id: str) -> Episode:
        """Read one episode; of several with the same id the last one counts.

        Raises:
            KeyError: If there is none.
        """
        start, length = self._spans[episode_id]
        with self.path.open("rb") as file:
            file.seek(start)
            return Episode.model_validate_json(file.read(length))

    def __iter__(self) -> Iterator[Episode]:
        """All episodes, one at a time, in the order in which they ended."""
        for episode_id in sorted(self._spans, key=self._spans.__getitem__):
            yield self.get(episode_id)
