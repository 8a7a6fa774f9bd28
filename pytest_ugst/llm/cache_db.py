"""The SQLite file behind the response cache, worked on by one thread in batches, shared by many processes."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import platform
import queue
import sqlite3
import threading
import time
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from pytest_ugst.core.errors import UsageError

_APPLICATION = 0x75677374
_VERSION = 1
_BEAT = 5.0
"""Seconds between signs of life for claims that are held."""
EXPIRY = 60.0
"""Seconds without a sign of life after which a claim counts for nothing, even if its process exists."""
_LOG = logging.getLogger(__name__)
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS answers(key BLOB PRIMARY KEY, answer TEXT NOT NULL, created REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claims(key BLOB PRIMARY KEY, owner TEXT NOT NULL, beat REAL NOT NULL) WITHOUT ROWID;
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
"""


class State(Enum):
    """What is known of a key."""

    ANSWERED = 1
    OURS = 2
    """Nobody has the answer, and it is for this caller to get it."""
    THEIRS = 3
    """Another process is getting the answer."""
    UNKNOWN = 4
    """Nobody has the answer, and the file can't or must not be written: ask without it."""


class Found(NamedTuple):
    """What the file says of a key."""

    state: State
    answer: str = ""


_NOTHING = Found(State.UNKNOWN)


class _Op(Enum):
    CLAIM = 1
    STORE = 2
    DROP = 3
    FORGET = 4


@dataclass(slots=True)
class _Job:
    op: _Op
    key: bytes
    answer: str = ""
    loop: asyncio.AbstractEventLoop | None = None
    future: asyncio.Future[Found] | None = None
    found: Found = _NOTHING


class CacheDatabase:
    """Answers and claims in one SQLite file.

    A claim says which process is asking for an answer, so that others wait for it rather than ask as well. It counts
    while its process lives (told by pid and start time) and gives signs of life.

    Everything runs in one thread of its own; what piles up while it works becomes the next transaction. An answer
    is in the file (in SQLite's write-ahead log, which a killed process can't lose) before :meth:`store` returns.
    """

    def __init__(self, path: Path, since: float = 0.0, read_only: bool = False) -> None:
        """Open or make the file.

        A file that SQLite can't read, or of another version, is moved aside with a warning.

        Args:
            path: The file.
            since: Answers stored before this time (seconds since the epoch) are not seen.
            read_only: Never write; a file that is not there counts as empty.

        Raises:
            UsageError: If the file can't be opened, or is somebody else's database.
        """
        self.path = path
        self._since = since
        self._read_only = read_only
        self._me = f"{platform.node()}|{os.getpid()}|{_started(os.getpid())}|{uuid.uuid4().hex}"
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._held: set[bytes] = set()
        self._closed = False
        self._inode = -1
        self._db: sqlite3.Connection | None = self._open()
        self._thread = threading.Thread(target=self._work, name="ugst-cache", daemon=True)
        self._thread.start()

    async def claim(self, key: bytes) -> Found:
        """Say what is known of a key, and claim it if it is nobody's."""
        return await self._do(_Op.CLAIM, key)

    async def store(self, key: bytes, answer: str) -> None:
        """Keep an answer and give up the claim."""
        await self._do(_Op.STORE, key, answer)

    def drop(self, key: bytes) -> None:
        """Give up a claim, without waiting."""
        if not self._closed:
            self._jobs.put(_Job(_Op.DROP, key))

    async def forget(self, key: bytes) -> None:
        """Remove an answer."""
        await self._do(_Op.FORGET, key)

    def close(self) -> None:
        """Finish what is queued, give up all claims, close. Safe to call twice."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join(timeout=30.0)

    async def _do(self, op: _Op, key: bytes, answer: str = "") -> Found:
        if self._closed:
            return _NOTHING
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Found] = loop.create_future()
        self._jobs.put(_Job(op, key, answer, loop, future))
        return await future

    # What follows runs in the thread.

    def _work(self) -> None:
        last_beat = time.monotonic()
        ending = False
        while not ending:
            try:
                first = self._jobs.get(timeout=_BEAT if self._held else None)
            except queue.Empty:
                batch: list[_Job] = []
            else:
                batch = [first] if first is not None else []
                ending = first is None
                while not ending:
                    try:
                        job = self._jobs.get_nowait()
                    except queue.Empty:
                        break
                    if job is None:
                        ending = True
                    else:
                        batch.append(job)
            beat = bool(self._held) and time.monotonic() - last_beat >= _BEAT
            if beat:
                last_beat = time.monotonic()
            self._run(batch, beat, ending)
            _report(batch)
        if self._db is not None:
            self._db.close()

    def _run(self, batch: list[_Job], beat: bool, ending: bool) -> None:
        db = self._db
        if db is None:
            return
        try:
            writes = [job for job in batch if self._needs_write(db, job)]
            if not (writes or beat or (ending and self._held)):
                return
            db.execute("BEGIN IMMEDIATE")
            try:
                for job in writes:
                    self._write(db, job)
                if ending:
                    db.executemany("DELETE FROM claims WHERE key=? AND owner=?", [(k, self._me) for k in self._held])
                elif beat:
                    db.execute("UPDATE claims SET beat=? WHERE owner=?", (time.time(), self._me))
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")
        except Exception as error:
            # Whatever it is, callers wait for this thread: it must not end.
            self._trouble(error, batch)

    def _needs_write(self, db: sqlite3.Connection, job: _Job) -> bool:
        """Answer what can be answered by reading; say whether the rest needs a transaction."""
        if job.op is not _Op.CLAIM:
            return not self._read_only
        answer = self._read(db, job.key)
        if answer is not None:
            job.found = Found(State.ANSWERED, answer)
        elif self._read_only:
            job.found = _NOTHING
        elif self._claimed_by_other(db, job.key):
            job.found = Found(State.THEIRS)
        else:
            job.found = Found(State.OURS)
        return job.found.state is State.OURS

    def _read(self, db: sqlite3.Connection, key: bytes) -> str | None:
        row = db.execute("SELECT answer FROM answers WHERE key=? AND created>=?", (key, self._since)).fetchone()
        return None if row is None else str(row[0])

    def _claimed_by_other(self, db: sqlite3.Connection, key: bytes) -> bool:
        row = db.execute("SELECT owner, beat FROM claims WHERE key=?", (key,)).fetchone()
        if row is None or row[0] == self._me:
            return False
        return abs(time.time() - row[1]) < EXPIRY and _alive(row[0])

    def _write(self, db: sqlite3.Connection, job: _Job) -> None:
        key = job.key
        match job.op:
            case _Op.CLAIM:
                # Somebody may have been faster between the look and the transaction.
                if (answer := self._read(db, key)) is not None:
                    job.found = Found(State.ANSWERED, answer)
                elif self._claimed_by_other(db, key):
                    job.found = Found(State.THEIRS)
                else:
                    db.execute("INSERT OR REPLACE INTO claims VALUES(?,?,?)", (key, self._me, time.time()))
                    self._held.add(key)
            case _Op.STORE:
                db.execute("INSERT OR REPLACE INTO answers VALUES(?,?,?)", (key, job.answer, time.time()))
                self._drop(db, key)
            case _Op.DROP:
                self._drop(db, key)
            case _Op.FORGET:
                db.execute("DELETE FROM answers WHERE key=?", (key,))

    def _drop(self, db: sqlite3.Connection, key: bytes) -> None:
        db.execute("DELETE FROM claims WHERE key=? AND owner=?", (key, self._me))
        self._held.discard(key)

    def _trouble(self, error: Exception, batch: list[_Job]) -> None:
        """Go on without the cache rather than without the run; the answers themselves are not in danger."""
        for job in batch:
            job.found = _NOTHING
            if job.op in (_Op.STORE, _Op.DROP):
                self._held.discard(job.key)
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            _LOG.warning("response cache %s: busy; %d operations were skipped", self.path, len(batch))
            return
        _LOG.warning("response cache %s: %s; going on without it", self.path, error)
        if self._db is not None:
            self._db.close()
        self._db = None
        if _damaged(error):
            with contextlib.suppress(OSError, sqlite3.Error, UsageError), _locked(self.path):
                self._move_aside()
                self._db = self._connect()

    # Opening.

    def _open(self) -> sqlite3.Connection | None:
        try:
            if self._read_only:
                return self._open_to_read()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _locked(self.path):
                try:
                    return self._connect()
                except sqlite3.DatabaseError as error:
                    if not _damaged(error):
                        raise
                    aside = self._move_aside()
                    warnings.warn(f"response cache {self.path}: {error}; moved to {aside}", stacklevel=5)
                    return self._connect()
        except (OSError, sqlite3.Error) as error:
            raise UsageError(
                f"response cache {self.path}: {error}; make the folder writable, or use --ugst-cache=off"
            ) from None

    def _open_to_read(self) -> sqlite3.Connection | None:
        if not self.path.exists():
            return None
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            if not _damaged(error):
                raise
            warnings.warn(f"response cache {self.path}: {error}; going on without it", stacklevel=6)
            return None

    def _connect(self) -> sqlite3.Connection:
        where = f"{self.path.absolute().as_uri()}?mode={'ro' if self._read_only else 'rwc'}"
        db = sqlite3.connect(where, uri=True, timeout=30.0, isolation_level=None, check_same_thread=False)
        try:
            (application,) = db.execute("PRAGMA application_id").fetchone()
            (version,) = db.execute("PRAGMA user_version").fetchone()
            (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if tables and application != _APPLICATION:
                raise UsageError(f"response cache {self.path}: this is another program's database; name another file")
            if tables and version != _VERSION:
                raise sqlite3.DatabaseError(f"malformed: version {version}, where {_VERSION} is expected")
            if not self._read_only:
                db.execute("PRAGMA journal_mode=WAL")
                # Survives a killed process; a power cut may cost the last answers, which can be asked for again.
                db.execute("PRAGMA synchronous=NORMAL")
                if not tables:
                    db.executescript(_SCHEMA)
            self._inode = self.path.stat().st_ino
        except BaseException:
            db.close()
            raise
        return db

    def _move_aside(self) -> Path:
        aside = self.path.with_name(f"{self.path.name}.bad-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
        if self._inode in (-1, self.path.stat().st_ino):
            # Unless another process has moved it aside by now.
            self.path.rename(aside)
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        return aside


def _report(batch: list[_Job]) -> None:
    """Hand results to the event loop that waits for them, in one go."""
    loops = {job.loop for job in batch if job.loop is not None}
    for loop in loops:
        mine = [job for job in batch if job.loop is loop]
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, mine)


def _resolve(batch: list[_Job]) -> None:
    for job in batch:
        if job.future is not None and not job.future.done():
            job.future.set_result(job.found)


def _damaged(error: Exception) -> bool:
    text = str(error)
    return "malformed" in text or "not a database" in text or "corrupt" in text


def _started(pid: int) -> str:
    """When a process started, in the kernel's ticks; empty where that can't be told."""
    try:
        # The name, in brackets, may hold anything; the start time is field 22.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _alive(owner: str) -> bool:
    """Whether the process of a claim exists, as far as can be told from here."""
    node, pid, started, _ = owner.split("|")
    if node != platform.node():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return _started(int(pid)) == started


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time opens a file or moves it aside."""
    with path.with_name(f"{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
