"""The servers of one run: started on demand, shared by who needs the same, stopped with the run."""

from __future__ import annotations

import atexit
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
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
    """Starts, shares, watches and stops model servers. Use it in one process per run: the controller under xdist.

    The servers end with this process, however it ends: each runs under a warden that holds the reading end of a pipe.
    (What is left alone: a server on a machine without ``/proc`` whose warden is killed by hand, with children that
    ignore the end of their parent.)

    Args:
        run_dir: The run folder; logs go to its ``servers`` folder.
        say: Called with one line when a server is started and when it is ready.
        environ: The environment of the servers; this process's own by default.
        grace: Seconds from SIGTERM to SIGKILL.
    """

    def __init__(
        self,
        run_dir: Path,
        *,
        say: Callable[[str], None] | None = None,
        environ: Mapping[str, str] | None = None,
        grace: float = 10.0,
    ) -> None:
        self.run_dir = run_dir.absolute()
        self.folder = self.run_dir / "servers"
        self._say = say or (lambda line: None)
        self._environ = dict(os.environ if environ is None else environ)
        self._grace = grace
        self._servers: dict[str, ServerProcess] = {}
        self._lock = threading.RLock()
        self._owner = os.getpid()

    def start(self, spec: ModelSpec) -> ModelSpec:
        """As ``start_all``, for one model."""
        return self.start_all([spec])[0]

    def start_all(self, specs: Iterable[ModelSpec]) -> list[ModelSpec]:
        """Start what is needed, side by side, and wait until all of it is ready.

        A spec with a ``base_url`` comes back as it is. The others get the server's address, its name of the model,
        its key, and no more concurrency than it has slots. Equal weights and settings share one server.

        Raises:
            UsageError: If something can't be served here; nothing is started then.
            ServerError: If a server ends before it is ready or takes too long; the others of this call are stopped.
        """
        specs = list(specs)
        with self._lock:
            plans = [None if spec.base_url else make_plan(spec, self._environ) for spec in specs]
            fresh: dict[str, ServerProcess] = {}
            timeouts: dict[str, float] = {}
            try:
                for spec, plan in zip(specs, plans, strict=True):
                    if plan is None:
                        continue
                    if plan.settings not in self._servers | fresh:
                        fresh[plan.settings] = self._launch(spec, plan, fresh)
                    timeouts[plan.settings] = max(timeouts.get(plan.settings, 0.0), spec.serve.startup_timeout)
                self._await(fresh, timeouts)
            except BaseException:
                self._end(fresh.values())
                raise
            self._servers.update(fresh)
            return [
                spec if plan is None else _filled(spec, plan, self._servers[plan.settings])
                for spec, plan in zip(specs, plans, strict=True)
            ]

    def _launch(self, spec: ModelSpec, plan: LaunchPlan, fresh: Mapping[str, ServerProcess]) -> ServerProcess:
        if not self._servers:
            atexit.register(self.stop)
        wanted = name = re.sub(r"[^A-Za-z0-9._-]+", "_", spec.name).strip("._") or "model"
        taken = {server.name for server in (*self._servers.values(), *fresh.values())}
        number = 1
        while name in taken:
            number += 1
            name = f"{wanted}-{number}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            server = ServerProcess(name, plan, self.folder, self._environ, self._grace)
        except OSError as error:
            raise UsageError(f"cannot start a server in {self.folder}: {error.strerror or error}") from None
        self._say(f"starting the {plan.engine} server for {spec.name} (log: {self.folder / server.record.log})")
        return server

    def _await(self, fresh: Mapping[str, ServerProcess], timeouts: Mapping[str, float]) -> None:
        waiting = dict(fresh)
        while waiting:
            for key, server in list(waiting.items()):
                if server.poll(timeouts[key]):
                    del waiting[key]
                    seconds = time.monotonic() - server.started
                    self._say(f"the {server.plan.engine} server for {server.name} is ready after {seconds:.1f} s")
            if waiting:
                time.sleep(_POLL)

    def explain(self, base_url: str) -> str | None:
        """Why a server of this run does not answer, with the end of its log; None if it runs or is not ours."""
        return status_file.explain(self.run_dir, base_url)

    def stop(self) -> None:
        """End all servers and wait until they are gone. Calling it again does nothing."""
        if os.getpid() != self._owner:  # a fork of the owner, on its way out
            return
        # No lock: a start that hangs in another thread must not keep the process from ending.
        servers, self._servers = list(self._servers.values()), {}
        self._end(servers)
        atexit.unregister(self.stop)

    @staticmethod
    def _end(servers: Iterable[ServerProcess]) -> None:
        servers = list(servers)
        for server in servers:
            server.close()
        for server in servers:
            server.wait()

    def __enter__(self) -> ServerPool:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


def _filled(spec: ModelSpec, plan: LaunchPlan, server: ServerProcess) -> ModelSpec:
    """The spec with what the server gave; a key variable meant for a hosted model is not sent here."""
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
