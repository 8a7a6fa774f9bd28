"""A server that was started: its process, its log, and whether it is ready."""

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
from pytest_ugst.llm.servers.launch import Command, LaunchPlan, ServerSlot
from pytest_ugst.llm.servers.status_file import ServerInfo, describe_exit, log_tail, read_status, save_info

_GRACE = 10.0
"""Seconds from SIGTERM to SIGKILL."""
_MAX_ATTEMPTS = 3
"""Number of ports that are tried."""
_REQUEST_TIMEOUT = 5.0
_SUPERVISOR = Path(__file__).with_name("supervisor.py")


class ServerError(UsageError):
    """Raised if a server can't be started; the message ends with the end of its log."""


class ServerProcess:
    """A server that runs under a supervisor, as a process of its own."""

    def __init__(
        self, name: str, plan: LaunchPlan, folder: Path, environ: Mapping[str, str], grace: float = _GRACE
    ) -> None:
        """Start the server, without waiting for it.

        Args:
            name: The name of its files; unique in the run.
            plan: The plan by which it is started.
            folder: The run's folder ``servers``.
            environ: The environment, to which the plan's variables are added.
            grace: Seconds from SIGTERM to SIGKILL.
        """
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
        """The server's address up to and including ``/v1``."""
        return f"http://127.0.0.1:{self.port}/v1"

    def _spawn(self) -> None:
        self.attempt += 1
        self.port = _free_port()
        files = self.folder / f"{self.name}.files"
        files.mkdir(parents=True, exist_ok=True)
        command = self.plan.command(ServerSlot(self.port, self.key, files))
        status = self.folder / f"{self.name}.exit.json"
        status.unlink(missing_ok=True)
        argv = [sys.executable, "-I", "-S", str(_SUPERVISOR), str(status), str(self.grace), *command.argv]
        log = self.folder / f"{self.name}.log"
        pipe, self._lifeline = os.pipe()
        try:
            with log.open("ab") as output:
                start = output.tell()
                self.supervisor = subprocess.Popen(  # noqa: S603 - the command line is built here
                    argv,
                    stdin=pipe,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=command.folder,
                    env=self._environ_for(command),
                    # Ctrl-C in the terminal goes to pytest alone, which then stops the servers in order.
                    start_new_session=True,
                )
        except BaseException:
            os.close(self._lifeline)
            raise
        finally:
            os.close(pipe)
        self.started = time.monotonic()
        self.info = ServerInfo(
            self.name, self.plan.engine, self.plan.model, self.base_url, log.name, start, self.supervisor.pid
        )
        save_info(self.folder, self.info)

    def _environ_for(self, command: Command) -> dict[str, str]:
        environ = {**self.environ, **command.environ}
        if not command.argv[0].startswith(sys.prefix):
            # The interpreter of another environment must not look for its packages in this one.
            for variable in ("PYTHONHOME", "PYTHONPATH"):
                environ.pop(variable, None)
        environ["PYTHONUNBUFFERED"] = "1"
        return environ

    def poll(self, timeout: float) -> bool:
        """Return whether the server is ready now; start it on another port if its port was taken in the meantime.

        Args:
            timeout: Maximum seconds from its start.

        Raises:
            ServerError: If it has ended, or is not ready in time.
        """
        status = read_status(self.folder, self.name)
        if "exit" in status or self.supervisor.poll() is not None:
            self.close()
            self.wait()
            if self.attempt < _MAX_ATTEMPTS and not _is_free(self.port):
                self._spawn()
                return False
            raise self._error(f"{describe_exit(status.get('exit'))} before it was ready")
        if self._is_ready():
            return True
        if time.monotonic() - self.started > timeout:
            raise self._error(f"was not ready after {timeout:g} s (serve.startup_timeout)")
        return False

    def _error(self, problem: str) -> ServerError:
        message = f"{self.info.title} {problem}{log_tail(self.folder, self.info)}"
        return ServerError(message.replace(self.key, "***"))

    def _is_ready(self) -> bool:
        """Return whether the server is healthy, and the one that was started: it takes the key and serves the model."""
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
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_REQUEST_TIMEOUT)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.key}"})
            response = connection.getresponse()
            return response.read() if response.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def close(self) -> None:
        """Make the supervisor end the server, without waiting for it."""
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    def wait(self) -> None:
        """Wait until the server has ended; kill it if that takes too long."""
        try:
            self.supervisor.wait(self.grace + 10.0)
        except subprocess.TimeoutExpired:
            pid = read_status(self.folder, self.name).get("pid")
            for group in (pid, self.supervisor.pid):
                if isinstance(group, int):
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(group, signal.SIGKILL)
            self.supervisor.wait(5.0)


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
