"""The process that runs one server and ends it when its owner ends, in whatever way.

It is started as a file (standard library only, no import of this package): ``python -I -S supervisor.py STATUS GRACE
COMMAND...``. Standard input is a pipe whose other end only the owner holds: when it closes (the owner stopped, was
interrupted, or was killed with SIGKILL) the server gets SIGTERM, and SIGKILL after GRACE seconds. The same happens to
everything the server started, since the supervisor adopts orphaned descendants. STATUS is a JSON file: the server's pid
at the start, its exit code at the end.

A death signal (``PR_SET_PDEATHSIG``) set by the owner would not be enough: it comes when the *thread* that started the
child ends, and it does not reach the server's own children. It is set here, where there is one thread, for the case
that the supervisor itself is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_CHECK_INTERVAL = 1.0
"""Seconds between checks of the owner."""
_ORPHAN_GRACE = 2.0
"""Seconds for processes that a server leaves behind to end by themselves."""


def _prctl(option: int, value: int) -> None:
    """Call ``prctl``, on Linux; elsewhere, and where it is refused, only the pipe ends the server."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _write_status(path: Path, status: dict[str, object]) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(json.dumps(status), encoding="utf-8")
    temporary.replace(path)


class Supervisor:
    """A server with all processes that it started."""

    def __init__(self, status: Path, grace: float, command: list[str]) -> None:
        """Start the server.

        Args:
            status: The status file.
            grace: Seconds from SIGTERM to SIGKILL.
            command: The server's command line.

        Raises:
            OSError: If the command can't be run.
        """
        self.status = status
        self.grace = grace
        self.owner = os.getppid()
        self.code: int | None = None
        """The server's exit code; the negative number of the signal that ended it."""
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        self.stop_requested = False
        self.wakeup_reader, wakeup_writer = os.pipe()
        os.set_blocking(self.wakeup_reader, False)
        os.set_blocking(wakeup_writer, False)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(wakeup_writer, warn_on_full_buffer=False)
        self.pid = subprocess.Popen(  # noqa: S603 - running a command is its purpose
            command,
            stdin=subprocess.DEVNULL,
            process_group=0,
            preexec_fn=lambda: _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
        ).pid
        _write_status(status, {"pid": self.pid})

    def _on_signal(self, number: int, frame: object) -> None:
        self.stop_requested = self.stop_requested or number == signal.SIGTERM

    def watch(self) -> bool:
        """Wait until the server has ended, or has to be ended.

        Returns:
            False if it has ended by itself, True if it has to be ended.
        """
        while True:
            ready, _, _ = select.select([0, self.wakeup_reader], [], [], _CHECK_INTERVAL)
            self.reap()
            if self.code is not None:
                return False
            if self.stop_requested or os.getppid() != self.owner or (0 in ready and not os.read(0, 4096)):
                return True

    def reap(self) -> bool:
        """Collect the exit codes of ended children; return whether any child is left."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.wakeup_reader, 4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.pid:
                self.code = os.waitstatus_to_exitcode(status)

    def terminate(self) -> None:
        """End the server, then its process group, then all other descendants: first by SIGTERM, then by SIGKILL."""
        # The server alone first: signalled together with its children, it could not clean up after them.
        if self.code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            self._wait(self.grace, lambda: self.code is not None)
        self._signal_group(signal.SIGTERM)
        self._signal_children(signal.SIGTERM)
        self._wait(min(self.grace, _ORPHAN_GRACE), lambda: False)
        self._signal_group(signal.SIGKILL)
        deadline = time.monotonic() + 5.0
        while self.reap() and time.monotonic() < deadline:
            self._signal_children(signal.SIGKILL)
            time.sleep(0.02)

    def _wait(self, seconds: float, condition: Callable[[], bool]) -> None:
        """Wait until no child is left, the condition holds, or the time has passed."""
        deadline = time.monotonic() + seconds
        while self.reap() and not condition() and time.monotonic() < deadline:
            select.select([self.wakeup_reader], [], [], 0.05)

    def _signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    @staticmethod
    def _signal_children(number: int) -> None:
        """Send a signal to all direct children, where ``/proc`` lists them.

        That includes adopted ones in process groups of their own.
        """
        with contextlib.suppress(OSError):
            for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                os.kill(int(pid), number)


def main(argv: list[str]) -> int:
    """Run the command ``argv[3:]`` until it or its owner ends."""
    status, grace, command = Path(argv[1]), float(argv[2]), argv[3:]
    try:
        supervisor = Supervisor(status, grace, command)
    except OSError as error:
        print(f"cannot run {command[0]}: {error.strerror}", flush=True)
        _write_status(status, {"pid": None, "exit": 127, "stopped": False})
        return 127
    stopped = supervisor.watch()
    if not stopped:
        # Written at once, so that the reason of a failed request is known before the server's children have ended.
        _write_status(status, {"pid": supervisor.pid, "exit": supervisor.code, "stopped": False})
    supervisor.terminate()
    if stopped:
        _write_status(status, {"pid": supervisor.pid, "exit": supervisor.code, "stopped": True})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
