"""The SQLite file behind the response cache, accessed by one thread in batches, shared by many processes."""

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
_HEARTBEAT = 5.0
"""Seconds between heartbeats of the claims that are held."""
EXPIRY = 60.0
"""Seconds without a heartbeat after which a claim is void, even if its process exists."""
_LOG = logging.getLogger(__name__)
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS answers(key BLOB PRIMARY KEY, answer TEXT NOT NULL, created REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claims(key BLOB PRIMARY KEY, owner TEXT NOT NULL, beat REAL NOT NULL) WITHOUT ROWID;
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
"""


class KeyState(Enum):
    """The states of a key in the file."""

    ANSWERED = 1
    """The answer is in the file."""
    CLAIMED = 2
    """The answer is not in the file, and this caller has claimed the key: it has to get the answer."""
    CLAIMED_BY_OTHER = 3
    """Another process is getting the answer."""
    UNKNOWN = 4
    """The answer is not in the file, and the file can't or must not be written: get the answer without it."""


class KeyLookup(NamedTuple):
    """The state of a key, with its answer if that is in the file."""

    state: KeyState
    answer: str = ""


_NOTHING = KeyLookup(KeyState.UNKNOWN)


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
    future: asyncio.Future[KeyLookup] | None = None
    result: KeyLookup = _NOTHING


class CacheDatabase:
    """Answers and claims in one SQLite file.

    A claim names the process that is getting an answer, so that others wait for it rather than send the same request.
    It is valid while its process exists (identified by pid and start time) and sends heartbeats.

    All access runs in one thread; the operations that arrive during a transaction form the next one. An answer is in
    the file (in SQLite's write-ahead log, which a killed process can't lose) before :meth:`store` returns.
    """

    def __init__(self, path: Path, since: float = 0.0, read_only: bool = False) -> None:
        """Open or create the file.

        A file that SQLite can't read, or that has another version, is renamed with a warning.

        Args:
            path: The file.
            since: Answers stored before this time (seconds since the epoch) are ignored.
            read_only: Never write; a file that does not exist counts as empty.

        Raises:
            UsageError: If the file can't be opened, or is another program's database.
        """
        self.path = path
        self._since = since
        self._read_only = read_only
        self._owner = f"{platform.node()}|{os.getpid()}|{_start_time(os.getpid())}|{uuid.uuid4().hex}"
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._held: set[bytes] = set()
        self._closed = False
        self._inode = -1
        self._db: sqlite3.Connection | None = self._open()
        self._thread = threading.Thread(target=self._work, name="ugst-cache", daemon=True)
        self._thread.start()

    async def claim(self, key: bytes) -> KeyLookup:
        """Look a key up, and claim it if it has neither an answer nor a valid claim."""
        return await self._do(_Op.CLAIM, key)

    async def store(self, key: bytes, answer: str) -> None:
        """Store an answer and release the claim."""
        await self._do(_Op.STORE, key, answer)

    def drop(self, key: bytes) -> None:
        """Release a claim, without waiting."""
        if not self._closed:
            self._jobs.put(_Job(_Op.DROP, key))

    async def forget(self, key: bytes) -> None:
        """Remove an answer."""
        await self._do(_Op.FORGET, key)

    def close(self) -> None:
        """Finish the queued operations, release all claims and close the file. A second call does nothing."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join(timeout=30.0)

    async def _do(self, op: _Op, key: bytes, answer: str = "") -> KeyLookup:
        if self._closed:
            return _NOTHING
        loop = asyncio.get_running_loop()
        future: asyncio.Future[KeyLookup] = loop.create_future()
        self._jobs.put(_Job(op, key, answer, loop, future))
        return await future

    # The methods below run in the thread.

    def _work(self) -> None:
        last_heartbeat = time.monotonic()
        closing = False
        while not closing:
            batch, closing = self._next_batch()
            heartbeat = bool(self._held) and time.monotonic() - last_heartbeat >= _HEARTBEAT
            if heartbeat:
                last_heartbeat = time.monotonic()
            self._run(batch, heartbeat, closing)
            _deliver(batch)
        if self._db is not None:
            self._db.close()

    def _next_batch(self) -> tuple[list[_Job], bool]:
        """Wait for an operation, or the time of the next heartbeat.

        Returns:
            All operations that are queued, and whether the file is to be closed after them.
        """
        batch: list[_Job] = []
        try:
            job = self._jobs.get(timeout=_HEARTBEAT if self._held else None)
            while job is not None:
                batch.append(job)
                job = self._jobs.get_nowait()
        except queue.Empty:
            return batch, False
        return batch, True

    def _run(self, batch: list[_Job], heartbeat: bool, closing: bool) -> None:
        db = self._db
        if db is None:
            return
        try:
            writes = [job for job in batch if self._needs_write(db, job)]
            if not (writes or heartbeat or (closing and self._held)):
                return
            db.execute("BEGIN IMMEDIATE")
            try:
                for job in writes:
                    self._write(db, job)
                if closing:
                    db.executemany("DELETE FROM claims WHERE key=? AND owner=?", [(k, self._owner) for k in self._held])
                elif heartbeat:
                    db.execute("UPDATE claims SET beat=? WHERE owner=?", (time.time(), self._owner))
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")
        except Exception as error:
            # On no error may this thread end: callers wait for it.
            self._recover(error, batch)

    def _needs_write(self, db: sqlite3.Connection, job: _Job) -> bool:
        """Complete an operation that only reads; return whether it needs a transaction instead."""
        if job.op is not _Op.CLAIM:
            return not self._read_only
        answer = self._read(db, job.key)
        if answer is not None:
            job.result = KeyLookup(KeyState.ANSWERED, answer)
        elif self._read_only:
            job.result = _NOTHING
        elif self._claimed_by_other(db, job.key):
            job.result = KeyLookup(KeyState.CLAIMED_BY_OTHER)
        else:
            job.result = KeyLookup(KeyState.CLAIMED)
        return job.result.state is KeyState.CLAIMED

    def _read(self, db: sqlite3.Connection, key: bytes) -> str | None:
        row = db.execute("SELECT answer FROM answers WHERE key=? AND created>=?", (key, self._since)).fetchone()
        return None if row is None else str(row[0])

    def _claimed_by_other(self, db: sqlite3.Connection, key: bytes) -> bool:
        row = db.execute("SELECT owner, beat FROM claims WHERE key=?", (key,)).fetchone()
        if row is None or row[0] == self._owner:
            return False
        return abs(time.time() - row[1]) < EXPIRY and _is_alive(row[0])

    def _write(self, db: sqlite3.Connection, job: _Job) -> None:
        key = job.key
        match job.op:
            case _Op.CLAIM:
                # Another process may have been faster between the lookup and the transaction.
                if (answer := self._read(db, key)) is not None:
                    job.result = KeyLookup(KeyState.ANSWERED, answer)
                elif self._claimed_by_other(db, key):
                    job.result = KeyLookup(KeyState.CLAIMED_BY_OTHER)
                else:
                    db.execute("INSERT OR REPLACE INTO claims VALUES(?,?,?)", (key, self._owner, time.time()))
                    self._held.add(key)
            case _Op.STORE:
                db.execute("INSERT OR REPLACE INTO answers VALUES(?,?,?)", (key, job.answer, time.time()))
                self._drop(db, key)
            case _Op.DROP:
                self._drop(db, key)
            case _Op.FORGET:
                db.execute("DELETE FROM answers WHERE key=?", (key,))

    def _drop(self, db: sqlite3.Connection, key: bytes) -> None:
        db.execute("DELETE FROM claims WHERE key=? AND owner=?", (key, self._owner))
        self._held.discard(key)

    def _recover(self, error: Exception, batch: list[_Job]) -> None:
        """Continue without the cache after an error, so that the run continues; the answers themselves are not lost."""
        for job in batch:
            job.result = _NOTHING
            if job.op in (_Op.STORE, _Op.DROP):
                self._held.discard(job.key)
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            _LOG.warning("response cache %s: busy; %d operations were skipped", self.path, len(batch))
            return
        _LOG.warning("response cache %s: %s; going on without it", self.path, error)
        if self._db is not None:
            self._db.close()
        self._db = None
        if _is_damaged(error):
            with contextlib.suppress(OSError, sqlite3.Error, UsageError), _locked(self.path):
                self._rename_damaged()
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
                    if not _is_damaged(error):
                        raise
                    renamed = self._rename_damaged()
                    warnings.warn(f"response cache {self.path}: {error}; moved to {renamed}", stacklevel=5)
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
            if not _is_damaged(error):
                raise
            warnings.warn(f"response cache {self.path}: {error}; going on without it", stacklevel=6)
            return None

    def _connect(self) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?mode={'ro' if self._read_only else 'rwc'}"
        db = sqlite3.connect(uri, uri=True, timeout=30.0, isolation_level=None, check_same_thread=False)
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
                # Safe if the process is killed; a power cut may lose the last answers, which can be requested again.
                db.execute("PRAGMA synchronous=NORMAL")
                if not tables:
                    db.executescript(_SCHEMA)
            self._inode = self.path.stat().st_ino
        except BaseException:
            db.close()
            raise
        return db

    def _rename_damaged(self) -> Path:
        renamed = self.path.with_name(f"{self.path.name}.bad-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
        if self._inode in (-1, self.path.stat().st_ino):
            # Unless another process has renamed it by now.
            self.path.rename(renamed)
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        return renamed


def _deliver(batch: list[_Job]) -> None:
    """Pass results to the event loops that wait for them, with one call per loop."""
    loops = {job.loop for job in batch if job.loop is not None}
    for loop in loops:
        mine = [job for job in batch if job.loop is loop]
        with contextlib.suppress(RuntimeError):  # the loop is closed: nothing waits any more
            loop.call_soon_threadsafe(_resolve, mine)


def _resolve(batch: list[_Job]) -> None:
    for job in batch:
        if job.future is not None and not job.future.done():
            job.future.set_result(job.result)


def _is_damaged(error: Exception) -> bool:
    text = str(error)
    return "malformed" in text or "not a database" in text or "corrupt" in text


def _start_time(pid: int) -> str:
    """Return the start time of a process in the kernel's ticks; empty where it is not known."""
    try:
        # The name, in brackets, may hold anything; the start time is field 22.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _is_alive(owner: str) -> bool:
    """Return whether the process of a claim exists; True for processes of other machines."""
    node, pid, started, _ = owner.split("|")
    if node != platform.node():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return _start_time(int(pid)) == started


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock on the file while it is opened or renamed, so that one process at a time does so."""
    with path.with_name(f"{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
