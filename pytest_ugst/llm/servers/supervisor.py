"""Runs one server and makes sure that it ends: with its owner, however that one went.

Started as a file of its own (standard library only, nothing of this package): ``python -I -S supervisor.py STATUS GRACE
COMMAND...``. Standard input is a pipe that only the owner holds: when it closes (the owner stopped, was interrupted,
or was killed with SIGKILL) the server gets SIGTERM, and SIGKILL after GRACE seconds. The same happens to everything
the server started, since the warden adopts what its descendants leave behind. STATUS is a JSON file: the server's pid
at the start, its exit code at the end.

A death signal (``PR_SET_PDEATHSIG``) asked for by the owner would not do: it comes when the *thread* that started the
child ends, and it does not reach the server's own children. It is set here, where there is one thread, for the case
that the warden itself is killed.
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
_LOOK_AGAIN = 1.0
_LEFT_BEHIND = 2.0
"""Seconds for what a server leaves behind to end by itself."""


def _prctl(option: int, value: int) -> None:
    """Linux only; elsewhere, and where it is refused, the pipe is what there is."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _write(path: Path, status: dict[str, object]) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(json.dumps(status), encoding="utf-8")
    fresh.replace(path)


class Warden:
    """One server and what it started."""

    def __init__(self, status: Path, grace: float, command: list[str]) -> None:
        self.status = status
        self.grace = grace
        self.owner = os.getppid()
        self.code: int | None = None
        """The server's exit code; the negative number of the signal that ended it."""
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        self.told_to_end = False
        self.wake, self.alarm = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(self.alarm, False)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, self._note)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(self.alarm, warn_on_full_buffer=False)
        self.pid = subprocess.Popen(  # noqa: S603 - running commands is what it is for
            command,
            stdin=subprocess.DEVNULL,
            process_group=0,
            preexec_fn=lambda: _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
        ).pid
        _write(status, {"pid": self.pid})

    def _note(self, number: int, frame: object) -> None:
        self.told_to_end = self.told_to_end or number == signal.SIGTERM

    def watch(self) -> bool:
        """Wait until the server ends (False) or has to (True)."""
        while True:
            ready, _, _ = select.select([0, self.wake], [], [], _LOOK_AGAIN)
            self.reap()
            if self.code is not None:
                return False
            if self.told_to_end or os.getppid() != self.owner or (0 in ready and not os.read(0, 4096)):
                return True

    def reap(self) -> bool:
        """Collect who ended; whether anybody is left."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.wake, 4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.pid:
                self.code = os.waitstatus_to_exitcode(status)

    def end(self) -> None:
        """Ask the server to end, then its group, then make them, then everything else that hangs on this process."""
        # The server alone first: told together with its children, it could not clean up after them.
        if self.code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            self._wait(self.grace, lambda: self.code is not None)
        self._signal_group(signal.SIGTERM)
        self._signal_children(signal.SIGTERM)
        self._wait(min(self.grace, _LEFT_BEHIND), lambda: False)
        self._signal_group(signal.SIGKILL)
        deadline = time.monotonic() + 5.0
        while self.reap() and time.monotonic() < deadline:
            self._signal_children(signal.SIGKILL)
            time.sleep(0.02)

    def _wait(self, seconds: float, enough: Callable[[], bool]) -> None:
        """Until nobody is left, or it is enough, or the time is up."""
        deadline = time.monotonic() + seconds
        while self.reap() and not enough() and time.monotonic() < deadline:
            select.select([self.wake], [], [], 0.05)

    def _signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    @staticmethod
    def _signal_children(number: int) -> None:
        """To direct children, adopted ones in groups of their own among them, where the kernel tells of them."""
        with contextlib.suppress(OSError):
            for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                os.kill(int(pid), number)


def main(argv: list[str]) -> int:
    """Run ``argv[3:]`` until it or its owner ends."""
    status, grace, command = Path(argv[1]), float(argv[2]), argv[3:]
    try:
        warden = Warden(status, grace, command)
    except OSError as error:
        print(f"cannot run {command[0]}: {error.strerror}", flush=True)
        _write(status, {"pid": None, "exit": 127, "stopped": False})
        return 127
    stopped = warden.watch()
    if not stopped:
        # The exit is told at once, so that whoever asks why a request failed need not wait for the server's children.
        _write(status, {"pid": warden.pid, "exit": warden.code, "stopped": False})
    warden.end()
    if stopped:
        _write(status, {"pid": warden.pid, "exit": warden.code, "stopped": True})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
