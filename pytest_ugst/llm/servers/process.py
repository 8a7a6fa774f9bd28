"""One server that was started: its process, its log, and whether it is ready."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.servers import status_file as records
from pytest_ugst.llm.servers.launch import LaunchPlan, ServerSlot

_GRACE = 10.0
"""Seconds from SIGTERM to SIGKILL."""
_ATTEMPTS = 3
_ASK_TIMEOUT = 5.0


class ServerError(UsageError):
    """A server could not be started; the message ends with the end of its log."""


class ServerProcess:
    """A server under a warden.

    Args:
        name: For its log; unique in the run.
        plan: How to start it.
        folder: The run's ``servers`` folder.
        environ: The environment to start from.
        grace: Seconds from SIGTERM to SIGKILL.
    """

    def __init__(
        self, name: str, plan: LaunchPlan, folder: Path, environ: Mapping[str, str], grace: float = _GRACE
    ) -> None:
        self.name = name
        self.plan = plan
        self.folder = folder
        self.environ = environ
        self.grace = grace
        self.key = secrets.token_urlsafe(24)
        self.attempt = 0
        self._spawn()

    @property
    def base_url(self) -> str:
        """Up to and including ``/v1``."""
        return f"http://127.0.0.1:{self.port}/v1"

    def _spawn(self) -> None:
        self.attempt += 1
        self.port = _free_port()
        own = self.folder / f"{self.name}.files"
        own.mkdir(parents=True, exist_ok=True)
        command = self.plan.command(ServerSlot(self.port, self.key, own))
        status = self.folder / f"{self.name}.exit.json"
        status.unlink(missing_ok=True)
        environ = {**self.environ, **command.environ}
        if not command.argv[0].startswith(sys.prefix):
            # Another environment's interpreter must not look for its packages here.
            for variable in ("PYTHONHOME", "PYTHONPATH"):
                environ.pop(variable, None)
        environ["PYTHONUNBUFFERED"] = "1"
        warden = Path(__file__).with_name("supervisor.py")
        argv = [sys.executable, "-I", "-S", str(warden), str(status), str(self.grace), *command.argv]
        log = self.folder / f"{self.name}.log"
        pipe, self._life = os.pipe()
        try:
            with log.open("ab") as output:
                start = output.tell()
                self.warden = subprocess.Popen(  # noqa: S603 - a command line of our own making
                    argv,
                    stdin=pipe,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=command.folder,
                    env=environ,
                    # A Ctrl-C at the terminal is for pytest, which then stops the servers in order.
                    start_new_session=True,
                )
        except BaseException:
            os.close(self._life)
            raise
        finally:
            os.close(pipe)
        self.started = time.monotonic()
        self.record = records.Record(
            self.name, self.plan.engine, self.plan.model, self.base_url, log.name, start, self.warden.pid
        )
        records.save(self.folder, self.record)

    def poll(self, timeout: float) -> bool:
        """Whether it is ready now; a port that somebody else took in between is replaced.

        Args:
            timeout: Seconds it may take from its start.

        Raises:
            ServerError: If it ended, or is not ready in time.
        """
        status = records.read_status(self.folder, self.name)
        if "exit" in status or self.warden.poll() is not None:
            self.close()
            self.wait()
            if self.attempt < _ATTEMPTS and not _is_free(self.port):
                self._spawn()
                return False
            how = records.describe_exit(status.get("exit"))
            raise self._error(f"{how} before it was ready")
        if self._answers():
            return True
        if time.monotonic() - self.started > timeout:
            raise self._error(f"was not ready after {timeout:g} s (serve.startup_timeout)")
        return False

    def _error(self, what: str) -> ServerError:
        text = f"the {self.plan.engine} server for {self.name} {what}{records.tail(self.folder, self.record)}"
        return ServerError(text.replace(self.key, "***"))

    def _answers(self) -> bool:
        """Healthy, and the one that was started: it takes the key and serves the model."""
        if self._get("/health") is None:
            return False
        if not self.plan.lists_models:
            return True
        listed = self._get("/v1/models")
        try:
            served = [model["id"] for model in json.loads(listed or b"")["data"]]
        except (ValueError, KeyError, TypeError):
            return False
        return self.plan.model in served

    def _get(self, path: str) -> bytes | None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_ASK_TIMEOUT)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.key}"})
            response = connection.getresponse()
            return response.read() if response.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def close(self) -> None:
        """Let the warden end it; returns at once."""
        if self._life >= 0:
            os.close(self._life)
            self._life = -1

    def wait(self) -> None:
        """Wait until it has ended, by force in the end."""
        try:
            self.warden.wait(self.grace + 10.0)
        except subprocess.TimeoutExpired:
            pid = records.read_status(self.folder, self.name).get("pid")
            for group in (pid, self.warden.pid):
                if isinstance(group, int):
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(group, signal.SIGKILL)
            self.warden.wait(5.0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
