"""The models of one run: what their names stand for, the servers that some of them need, the pool that all share."""

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

Needed = Mapping[str, Iterable[str]]
"""Names of models, each with the roles it plays."""


class ModelManager:
    """Models by name, each made out when it is first needed."""

    def __init__(
        self,
        settings: Options,
        others: Mapping[str, str],
        folder: Path,
        served: Mapping[str, Any] | None = None,
        started: float | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        """Nothing is made yet.

        Args:
            settings: The options, with the aliases of models.
            others: Names that are no models, each with what it is, for the message about a name that is no model;
                ``registry.roles()``.
            folder: Where servers keep their logs.
            served: Models that another process serves, as its :meth:`served` gives them.
            started: When the run began, in seconds since the epoch; now unless given. What was cached before is not
                used by ``--ugst-cache=refresh``.
            say: Told in a line what takes long.
        """
        self._settings = settings
        self._others = dict(others)
        self._folder = folder
        self._started = time.time() if started is None else started
        self._say = say
        self._park: ServerPool | None = None
        self._specs: dict[str, ModelSpec] = {}
        self._digests: dict[str, str] = {}
        if served:
            from pytest_ugst.llm.model_spec import ModelSpec

            self._specs = {name: ModelSpec.model_validate(spec) for name, spec in served.items()}

    # Names

    def spec(self, name: str) -> ModelSpec:
        """What a name stands for; with the server's address once that is started.

        Raises:
            UsageError: If the name stands for nothing.
        """
        if name not in self._specs:
            self._specs[name] = self.resolved(name)
        return self._specs[name]

    def resolved(self, name: str) -> ModelSpec:
        """What a name stands for by configuration alone; a trained model is sampled as it was trained.

        Raises:
            UsageError: If the name stands for nothing.
        """
        from pytest_ugst.llm.checkpoint_info import folder_of, read_trained
        from pytest_ugst.llm.model_names import resolve

        s = self._settings
        spec = resolve(name, s.models, s.models_path, s.root, self._others)
        folder = folder_of(spec.model) if spec.base_url is None else None
        if folder is not None and (trained := read_trained(folder)) is not None:
            spec = spec.model_copy(update={"sampling": {**trained.sampling, **spec.sampling}})
        return spec

    def digest(self, name: str) -> str:
        """What a name stands for, in short: equal for the same model in every process and at every address."""
        if name not in self._digests:
            from pytest_ugst.llm.model_spec import digest

            self._digests[name] = digest(self.resolved(name))
        return self._digests[name]

    # Before anything is spent

    def require(self, names: Iterable[str]) -> None:
        """Check names and keys, without talking to anything.

        Raises:
            UsageError: For what the user has to mend.
        """
        for name in names:
            from pytest_ugst.llm.model_names import require_key

            require_key(self.spec(name))

    def start_servers(self, needed: Needed, *, tools: bool) -> None:
        """Start the servers that models need, side by side, and wait until they are ready.

        Args:
            needed: The models.
            tools: Whether the agent is given tools.

        Raises:
            UgstError: If one can't be started; with the tail of its log.
        """
        waiting = [name for name in needed if self.spec(name).base_url is None]
        if not waiting:
            return
        for name in waiting:
            if tools and "agent" in needed[name]:
                self._require_tools(name)
        if self._park is None:
            from pytest_ugst.llm.servers import ServerPool

            self._park = ServerPool(self._folder, say=self._say)
        ready = self._park.start_all([self.spec(name) for name in waiting])
        self._specs.update(zip(waiting, ready, strict=True))

    def _require_tools(self, name: str) -> None:
        """Of weights that are here it can be told before a server is started."""
        from pytest_ugst.llm.servers import find_weights

        spec = self.spec(name)
        if find_weights(spec.model, spec.serve.chat_template).takes_tools is False:
            raise UsageError(
                f"model {name!r}: its chat template shows the model no tools, and the agent needs them; set "
                "--ugst-agent to another model, or give this one a template by serve.chat_template"
            )

    async def preflight(self, needed: Needed, *, tools: bool) -> None:
        """Ask every model whether it is there, knows us, and can do what its role needs.

        Args:
            needed: The models.
            tools: Whether the agent is given tools.

        Raises:
            UsageError: For what the user has to mend.
        """
        for name, roles in needed.items():
            from pytest_ugst.llm.model_names import probe, probe_tools

            await probe(self.spec(name), self.pool)
            if tools and "agent" in roles:
                await probe_tools(self.spec(name), self.pool)

    # Talking

    @cached_property
    def pool(self) -> ChatPool:
        """What all models share."""
        from pytest_ugst.llm.cache import ResponseCache
        from pytest_ugst.llm.client import ChatPool
        from pytest_ugst.llm.servers import explain

        cache = None
        if self._settings.cache != "off":
            self._settings.home.mkdir(parents=True, exist_ok=True)
            cache = ResponseCache(self._settings.home / "cache.sqlite", self._settings.cache, since=self._started)
        return ChatPool(cache, died=partial(explain, self._folder))

    def chat(self, name: str, role: str) -> Chat:
        """A model to talk to. Whoever judges or decomposes is to say the same of the same, so it samples greedily
        unless configured otherwise."""
        spec = self.spec(name)
        if role in ("judge", "decomposer") and "temperature" not in spec.sampling:
            spec = spec.model_copy(update={"sampling": {"temperature": 0.0, **spec.sampling}})
        return self.pool.chat(spec, role)

    def served(self) -> dict[str, Any]:
        """The models that servers of this process serve, for other processes on this machine. Holds keys."""
        return {
            name: spec.model_dump(mode="json") | {"api_key": spec.api_key and spec.api_key.get_secret_value()}
            for name, spec in self._specs.items()
            if spec.api_key is not None
        }

    def usage(self) -> Usage:
        """What all models cost so far."""
        return self.pool.totals.total() if "pool" in self.__dict__ else Usage()

    # The end

    async def close(self) -> None:
        """Close connections and the cache."""
        if "pool" in self.__dict__:
            await self.pool.close()

    def stop_servers(self) -> None:
        """Stop the servers that were started here."""
        if self._park is not None:
            self._park.stop()
