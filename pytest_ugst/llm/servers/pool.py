"""The servers of one run: started on demand, shared by models with equal weights, stopped with the run."""

from __future__ import annotations

import atexit
import os
import re
import threading
import time
from collections.abc import Callable, Container, Iterable, Mapping
from pathlib import Path

from pydantic import SecretStr

from pytest_ugst.core.errors import UsageError
from pytest_ugst.llm.model_spec import ModelSpec
from pytest_ugst.llm.servers import status_file
from pytest_ugst.llm.servers.engines import make_plan
from pytest_ugst.llm.servers.launch import LaunchPlan
from pytest_ugst.llm.servers.process import ServerProcess

_POLL = 0.1


class ServerPool:
    """The model servers of one run. Use it in one process per run: the controller under xdist.

    The servers end with this process, however it ends: each runs under a supervisor that holds the reading end of a
    pipe. (One case is not covered: on a machine without ``/proc``, if a supervisor is killed by hand, those children of
    its server that ignore the end of their parent.)
    """

    def __init__(
        self,
        run_dir: Path,
        *,
        notify: Callable[[str], None] | None = None,
        environ: Mapping[str, str] | None = None,
        grace: float = 10.0,
    ) -> None:
        """Set up without starting a server.

        Args:
            run_dir: The run folder; logs go to its folder ``servers``.
            notify: Called with one line when a server is started and when it is ready.
            environ: The environment of the servers; this process's own by default.
            grace: Seconds from SIGTERM to SIGKILL.
        """
        self.run_dir = run_dir.absolute()
        self.folder = self.run_dir / "servers"
        self._notify = notify or (lambda line: None)
        self._environ = dict(os.environ if environ is None else environ)
        self._grace = grace
        self._servers: dict[str, ServerProcess] = {}
        self._lock = threading.RLock()
        self._owner = os.getpid()

    def start(self, spec: ModelSpec) -> ModelSpec:
        """Start the server of one model. See :meth:`start_all`."""
        return self.start_all([spec])[0]

    def start_all(self, specs: Iterable[ModelSpec]) -> list[ModelSpec]:
        """Start the servers that models need, in parallel, and wait until all are ready.

        Models with equal weights and settings share one server.

        Returns:
            The specs, each with the server's address, its name of the model, its key, and at most as much concurrency
            as it has slots. A spec with a ``base_url`` is returned unchanged.

        Raises:
            UsageError: If a model can't be served here; no server is started then.
            ServerError: If a server ends before it is ready or takes too long; the others of this call are stopped.
        """
        specs = list(specs)
        with self._lock:
            plans = [None if spec.base_url else make_plan(spec, self._environ) for spec in specs]
            started: dict[str, ServerProcess] = {}
            timeouts: dict[str, float] = {}
            try:
                for spec, plan in zip(specs, plans, strict=True):
                    if plan is None:
                        continue
                    if plan.settings not in self._servers | started:
                        started[plan.settings] = self._launch(spec, plan, started)
                    timeouts[plan.settings] = max(timeouts.get(plan.settings, 0.0), spec.serve.startup_timeout)
                self._wait_until_ready(started, timeouts)
            except BaseException:
                self._stop_all(started.values())
                raise
            self._servers.update(started)
            return [
                spec if plan is None else _with_server(spec, plan, self._servers[plan.settings])
                for spec, plan in zip(specs, plans, strict=True)
            ]

    def _launch(self, spec: ModelSpec, plan: LaunchPlan, started: Mapping[str, ServerProcess]) -> ServerProcess:
        if not self._servers:
            atexit.register(self.stop)
        name = _file_name(spec.name, {server.name for server in (*self._servers.values(), *started.values())})
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            server = ServerProcess(name, plan, self.folder, self._environ, self._grace)
        except OSError as error:
            raise UsageError(f"cannot start a server in {self.folder}: {error.strerror or error}") from None
        self._notify(f"starting the {plan.engine} server for {spec.name} (log: {self.folder / server.info.log})")
        return server

    def _wait_until_ready(self, started: Mapping[str, ServerProcess], timeouts: Mapping[str, float]) -> None:
        waiting = dict(started)
        while waiting:
            for key, server in list(waiting.items()):
                if server.poll(timeouts[key]):
                    del waiting[key]
                    seconds = time.monotonic() - server.started
                    self._notify(f"the {server.plan.engine} server for {server.name} is ready after {seconds:.1f} s")
            if waiting:
                time.sleep(_POLL)

    def explain(self, base_url: str) -> str | None:
        """Return why a server does not answer, with the end of its log; None if it runs or is not of this run."""
        return status_file.explain(self.run_dir, base_url)

    def stop(self) -> None:
        """End all servers and wait until they have ended. A second call does nothing."""
        if os.getpid() != self._owner:  # a fork of the owner, on its way out
            return
        # No lock: a start that hangs in another thread must not keep the process from ending.
        servers, self._servers = list(self._servers.values()), {}
        self._stop_all(servers)
        atexit.unregister(self.stop)

    @staticmethod
    def _stop_all(servers: Iterable[ServerProcess]) -> None:
        servers = list(servers)
        for server in servers:
            server.close()
        for server in servers:
            server.wait()

    def __enter__(self) -> ServerPool:
        """Return the pool."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Stop all servers."""
        self.stop()


def _file_name(alias: str, taken: Container[str]) -> str:
    """Return a name for a server's files, made from an alias and different from the names that are taken."""
    name = unnumbered = re.sub(r"[^A-Za-z0-9._-]+", "_", alias).strip("._") or "model"
    number = 1
    while name in taken:
        number += 1
        name = f"{unnumbered}-{number}"
    return name


def _with_server(spec: ModelSpec, plan: LaunchPlan, server: ServerProcess) -> ModelSpec:
    """Return the spec with address, model name and key of its server; a configured key is not sent to it."""
    return spec.model_copy(
        update={
            "base_url": server.base_url,
            "model": plan.model,
            "api_key": SecretStr(server.key),
            "api_key_env": None,
            "concurrency": min(spec.concurrency, plan.concurrency or spec.concurrency),
            "structured": (plan.structured or "auto") if spec.structured == "auto" else spec.structured,
        }
    )
