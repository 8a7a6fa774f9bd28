"""The files of a run's servers, by which a failed request can be explained.

In the run's folder ``servers``: ``NAME.log`` is the server's output, ``NAME.json`` describes the server and its address
(without the key), ``NAME.exit.json`` is its status, written by the supervisor. They are files because under
pytest-xdist the process in which a request fails did not start the server.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_TAIL_BYTES = 16_384
_TAIL_LINES = 20
_LONGEST_LINE = 300
_SETTLING_TIME = 0.1
"""Seconds for a process that is being killed to close its port."""
_SUPERVISOR_KEY = "warden"
"""The key of the supervisor's process id in ``NAME.json``; its name is older than that of the field."""
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """The description of one server of a run."""

    name: str
    engine: str
    model: str
    base_url: str
    log: str
    """The name of its log in the folder ``servers``."""
    log_start: int
    """The position in the log where this server's output begins: a resumed run appends."""
    supervisor: int
    """The process id of its supervisor."""

    @property
    def title(self) -> str:
        """The server's name in messages."""
        return f"the {self.engine} server for {self.name}"


def save_info(folder: Path, info: ServerInfo) -> None:
    """Write ``NAME.json``."""
    fields = {
        "name": info.name,
        "engine": info.engine,
        "model": info.model,
        "base_url": info.base_url,
        "log": info.log,
        "log_start": info.log_start,
        _SUPERVISOR_KEY: info.supervisor,
    }
    (folder / f"{info.name}.json").write_text(json.dumps(fields, indent=1), encoding="utf-8")


def explain(run_dir: Path, base_url: str, patience: float = 1.0) -> str | None:
    """Return why a server that was started for a run does not answer.

    Args:
        run_dir: The run folder.
        base_url: The address of the failed request's model spec.
        patience: Maximum seconds to wait for the status if the port is closed, since a request can fail before the
            status is written. That a server still runs is known within a tenth of a second.

    Returns:
        How the server ended, with the end of its log; None if it runs, or is no server of this run.
    """
    folder = run_dir / "servers"
    info = _find(folder, base_url)
    if info is None:
        return None
    # A process that is killed closes the connection that failed before it closes the port.
    settled = time.monotonic() + _SETTLING_TIME
    deadline = time.monotonic() + patience
    while (status := read_status(folder, info.name)).get("exit", "runs") == "runs":
        if not _exists(info.supervisor):
            return f"{info.title} was ended: its process is gone{log_tail(folder, info)}"
        now = time.monotonic()
        if now >= deadline or (now >= settled and _listens(info.base_url) and not _is_exiting(status.get("pid"))):
            return None
        time.sleep(0.05)
    if status.get("stopped"):
        return f"{info.title} was stopped by the run{log_tail(folder, info)}"
    return f"{info.title} {describe_exit(status['exit'])}{log_tail(folder, info)}"


def read_status(folder: Path, name: str) -> dict[str, Any]:
    """Read the status that the supervisor wrote; empty if there is none yet."""
    try:
        value = json.loads((folder / f"{name}.exit.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def describe_exit(code: object) -> str:
    """Return an exit code in words; negative numbers are signals."""
    if not isinstance(code, int):
        return "ended"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")


def log_tail(folder: Path, info: ServerInfo) -> str:
    """Return the last lines of a server's log, below a line with the path of the log."""
    path = folder / info.log
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(info.log_start, size - _TAIL_BYTES))
            text = file.read(_TAIL_BYTES).decode("utf-8", "replace")
    except OSError:
        text = ""
    # A progress bar redraws its line after a carriage return; only the last state is kept.
    lines = [_CONTROL.sub("", line.rstrip("\r").rpartition("\r")[2]).rstrip() for line in text.split("\n")]
    shown = [line[:_LONGEST_LINE] for line in lines if line][-_TAIL_LINES:]
    if not shown:
        return f"; its log {path} is empty"
    return f"; the end of {path}:\n" + "\n".join(f"  | {line}" for line in shown)


def _find(folder: Path, base_url: str) -> ServerInfo | None:
    wanted = base_url.rstrip("/")
    for file in sorted(folder.glob("*.json")):
        try:
            fields = json.loads(file.read_text(encoding="utf-8"))
            info = ServerInfo(supervisor=fields.pop(_SUPERVISOR_KEY), **fields)
        except (OSError, ValueError, TypeError, AttributeError, KeyError):
            continue
        if info.base_url == wanted:
            return info
    return None


def _listens(base_url: str) -> bool:
    """Return whether a process listens on the port; a server that is too busy to answer does."""
    address = urlsplit(base_url)
    try:
        socket.create_connection((address.hostname or "", address.port or 0), timeout=0.2).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        return True
    return True


def _is_exiting(pid: object) -> bool:
    """Return whether a process has ended or is about to: some of its threads may still run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (OSError, IndexError):
        return False


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
