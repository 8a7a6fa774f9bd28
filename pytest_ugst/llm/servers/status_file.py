"""What a run folder says about its servers, for whoever has to explain a failed request.

``servers/NAME.log`` is the server's output, ``NAME.json`` says where it listens (no key), ``NAME.exit.json`` is the
warden's. They are files because under pytest-xdist the process that sees a request fail did not start the server.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_TAIL_BYTES = 16_384
_TAIL_LINES = 20
_LONGEST_LINE = 300
_SETTLES = 0.1
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Record:
    """One server of a run."""

    name: str
    engine: str
    model: str
    base_url: str
    log: str
    """File name in the servers folder."""
    log_start: int
    """Where this server's output begins in the log: a resumed run appends."""
    warden: int
    """The warden's process id."""


def save(folder: Path, record: Record) -> None:
    """Write ``NAME.json``."""
    (folder / f"{record.name}.json").write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")


def explain(run_dir: Path, base_url: str, patience: float = 1.0) -> str | None:
    """Why the server at ``base_url`` does not answer, if it was started for this run and has ended.

    Args:
        run_dir: The run folder.
        base_url: As in the failed request's model spec.
        patience: Seconds to wait for the news where nobody listens any more, since a request can fail before the end
            is written down. A server that runs is told from one that ends within a tenth of a second.

    Returns:
        How it ended, with the end of its log; None if it runs, or is no server of this run.
    """
    folder = run_dir / "servers"
    record = _find(folder, base_url)
    if record is None:
        return None
    # A process that is killed closes the connection that failed before it closes the port.
    settled = time.monotonic() + _SETTLES
    deadline = time.monotonic() + patience
    while (status := read_status(folder, record.name)).get("exit", "runs") == "runs":
        if not _alive(record.warden):
            return f"{_title(record)} was ended: its process is gone{tail(folder, record)}"
        now = time.monotonic()
        if now >= deadline or (now >= settled and _listens(record.base_url) and not _ending(status.get("pid"))):
            return None
        time.sleep(0.05)
    if status.get("stopped"):
        return f"{_title(record)} was stopped by the run{tail(folder, record)}"
    return f"{_title(record)} {describe_exit(status['exit'])}{tail(folder, record)}"


def read_status(folder: Path, name: str) -> dict[str, Any]:
    """What the warden wrote; empty if nothing yet."""
    try:
        value = json.loads((folder / f"{name}.exit.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def describe_exit(code: object) -> str:
    """An exit code in words; negative numbers are signals."""
    if not isinstance(code, int):
        return "ended"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")


def tail(folder: Path, record: Record) -> str:
    """The last lines of a server's log, below a line that says where the whole of it is."""
    path = folder / record.log
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(record.log_start, size - _TAIL_BYTES))
            text = file.read(_TAIL_BYTES).decode("utf-8", "replace")
    except OSError:
        text = ""
    # A progress bar redraws its line after a carriage return; what stays on a screen is the last of it.
    lines = [_CONTROL.sub("", line.rstrip("\r").rpartition("\r")[2]).rstrip() for line in text.split("\n")]
    shown = [line[:_LONGEST_LINE] for line in lines if line][-_TAIL_LINES:]
    if not shown:
        return f"; its log {path} is empty"
    return f"; the end of {path}:\n" + "\n".join(f"  | {line}" for line in shown)


def _title(record: Record) -> str:
    return f"the {record.engine} server for {record.name}"


def _find(folder: Path, base_url: str) -> Record | None:
    wanted = base_url.rstrip("/")
    for file in sorted(folder.glob("*.json")):
        try:
            record = Record(**json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            continue
        if record.base_url == wanted:
            return record
    return None


def _listens(base_url: str) -> bool:
    """Whether the port is taken; a server too busy to answer has one all the same."""
    address = urlsplit(base_url)
    try:
        socket.create_connection((address.hostname or "", address.port or 0), timeout=0.2).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        return True
    return True


def _ending(pid: object) -> bool:
    """Whether a process is on its way out: some of its threads may still be at it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (OSError, IndexError):
        return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
