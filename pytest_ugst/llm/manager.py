"""The models of one run: their specs by name, the servers that some of them need, the pool that all share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.usage import Usage

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.chat import Chat
    from pytest_ugst.llm.client import ChatPool
    from pytest_ugst.llm.model_spec import ModelSpec
    from pytest_ugst.llm.servers import ServerPool

RolesByModel = Mapping[str, Iterable[str]]
"""Names of models, each with the roles it plays."""


class ModelManager:
    """The models of one run by name, each resolved at its first use."""

    def __init__(
        self,
        options: Options,
        builtin: Mapping[str, str],
        folder: Path,
        served_models: Mapping[str, Any] | None = None,
        started: float | None = None,
        notify: Callable[[str], None] | None = None,
    ) -> None:
        """Set up without resolving a name or connecting to anything.

        Args:
            options: The options, with the aliases of models.
            builtin: Names that play a role and are no models, each with its role (``registry.roles()``), for the
                error message about a name that is no model.
            folder: The folder in which servers keep their logs.
            served_models: Models that servers of another process serve, as its :meth:`served_models` returns them.
            started: The start of the run in seconds since the epoch; now unless given. With
                ``--ugst-cache=refresh``, responses that were cached earlier are not used.
            notify: Called with one line about each step that takes long, such as the start of a server.
        """
        self._options = options
        self._builtin = dict(builtin)
        self._folder = folder
        self._started = time.time() if started is None else started
        self._notify = notify
        self._servers: ServerPool | None = None
        self._specs: dict[str, ModelSpec] = {}
        self._digests: dict[str, str] = {}
        if served_models:
            from pytest_ugst.llm.model_spec import ModelSpec

            self._specs = {name: ModelSpec.model_validate(spec) for name, spec in served_models.items()}

    # Names

    def spec(self, name: str) -> ModelSpec:
        """Return the model of a name; with the server's address once that is started.

        Raises:
            UsageError: If there is no model of this name.
        """
        if name not in self._specs:
            self._specs[name] = self.resolved(name)
        return self._specs[name]

    def resolved(self, name: str) -> ModelSpec:
        """Return the model of a name by configuration alone; a trained one gets the sampling it was trained with.

        Raises:
            UsageError: If there is no model of this name.
        """
        from pytest_ugst.llm.checkpoint_info import checkpoint_folder, read_checkpoint_info
        from pytest_ugst.llm.model_names import resolve

        options = self._options
        spec = resolve(name, options.models, options.models_path, options.root, self._builtin)
        folder = checkpoint_folder(spec.model) if spec.base_url is None else None
        if folder is not None and (info := read_checkpoint_info(folder)) is not None:
            spec = spec.model_copy(update={"sampling": {**info.sampling, **spec.sampling}})
        return spec

    def digest(self, name: str) -> str:
        """Return the digest of a model: equal for the same model in every process and at every address."""
        if name not in self._digests:
            from pytest_ugst.llm.model_spec import model_digest

            self._digests[name] = model_digest(self.resolved(name))
        return self._digests[name]

    # Checks and servers, before the first request

    def require(self, names: Iterable[str]) -> None:
        """Check names and API keys, without a request.

        Raises:
            UsageError: For a name or key that the user has to correct.
        """
        from pytest_ugst.llm.api_keys import require_key

        for name in names:
            require_key(self.spec(name))

    def start_servers(self, needed: RolesByModel, *, tools: bool) -> None:
        """Start the servers that models need, in parallel, and wait until they are ready.

        Args:
            needed: The models, with their roles.
            tools: Whether the agent is given tools.

        Raises:
            UgstError: If a server can't be started; the message ends with the end of its log.
        """
        waiting = [name for name in needed if self.spec(name).base_url is None]
        if not waiting:
            return
        for name in waiting:
            if tools and "agent" in needed[name]:
                self._require_tools(name)
        if self._servers is None:
            from pytest_ugst.llm.servers import ServerPool

            self._servers = ServerPool(self._folder, notify=self._notify)
        ready = self._servers.start_all([self.spec(name) for name in waiting])
        self._specs.update(zip(waiting, ready, strict=True))

    def _require_tools(self, name: str) -> None:
        """Raise UsageError if a chat template, found without starting a server, does not show tools to the model."""
        from pytest_ugst.llm.servers import find_weights

        spec = self.spec(name)
        if find_weights(spec.model, spec.serve.chat_template).takes_tools is False:
            raise UsageError(
                f"model {name!r}: its chat template shows the model no tools, and the agent needs them; set "
                "--ugst-agent to another model, or give this one a template by serve.chat_template"
            )

    async def preflight(self, needed: RolesByModel, *, tools: bool) -> None:
        """Check with short requests that every model answers, accepts the key, and can do what its roles need.

        Args:
            needed: The models, with their roles.
            tools: Whether the agent is given tools.

        Raises:
            UsageError: For what the user has to correct.
        """
        if not needed:
            return  # a run without models pays nothing for aiohttp
        from pytest_ugst.llm.preflight import probe, probe_tools

        for name, roles in needed.items():
            await probe(self.spec(name), self.pool)
            if tools and "agent" in roles:
                await probe_tools(self.spec(name), self.pool)

    # Requests

    @cached_property
    def pool(self) -> ChatPool:
        """The connections, response cache and usage that all models share."""
        from pytest_ugst.llm.cache import ResponseCache
        from pytest_ugst.llm.client import ChatPool
        from pytest_ugst.llm.servers import explain

        options = self._options
        cache = None
        if options.cache != "off":
            options.home.mkdir(parents=True, exist_ok=True)
            cache = ResponseCache(options.home / "cache.sqlite", options.cache, since=self._started)
        return ChatPool(cache, exit_reason=partial(explain, self._folder))

    def chat(self, name: str, role: str) -> Chat:
        """Return a client of a model on behalf of a role.

        A judge or decomposer has to give the same answer to the same question, so it samples greedily unless its
        temperature is configured.
        """
        spec = self.spec(name)
        if role in ("judge", "decomposer") and "temperature" not in spec.sampling:
            spec = spec.model_copy(update={"sampling": {"temperature": 0.0, **spec.sampling}})
        return self.pool.chat(spec, role)

    def served_models(self) -> dict[str, Any]:
        """Return the models that servers of this process serve, for other processes on this machine.

        Returns:
            Specs by name, ready for JSON. They hold the servers' API keys.
        """
        return {
            name: spec.model_dump(mode="json") | {"api_key": spec.api_key and spec.api_key.get_secret_value()}
            for name, spec in self._specs.items()
            if spec.api_key is not None
        }

    def usage(self) -> Usage:
        """Return the usage of all models so far."""
        return self.pool.totals.total() if "pool" in self.__dict__ else Usage()

    # The end

    async def close(self) -> None:
        """Close connections and the cache."""
        if "pool" in self.__dict__:
            await self.pool.close()

    def stop_servers(self) -> None:
        """Stop the servers that were started here."""
        if self._servers is not None:
            self._servers.stop()
