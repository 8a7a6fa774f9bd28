"""Casting: from the names in the options to the roles, and every check that can be made before anything is spent."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.episode import Setting
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.usage import Usage
from pytest_ugst.engine.plan import Cast
from pytest_ugst.judges.checks import ChecksJudge
from pytest_ugst.registry import Names, Registry, RoleContext

if TYPE_CHECKING:
    from pytest_ugst.chat.client import ChatPool
    from pytest_ugst.chat.servers import ServerPark
    from pytest_ugst.chat.spec import ModelSpec
    from pytest_ugst.chat.types import Chat
    from pytest_ugst.collection import Case
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.core.roles import Agent, Domain, Judge, SimulatorFactory
    from pytest_ugst.settings import Settings


class Casting:
    """The roles of one run, each made when it is first needed. What needs a model gets it through one pool."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        run_folder: Path,
        served: dict[str, Any] | None = None,
        started: float | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        """Nothing is made yet.

        Args:
            settings: The options.
            registry: The names they may use.
            run_folder: Where servers keep their logs.
            served: Models that another process serves, as its :meth:`served` gives them.
            started: When the run began, in seconds since the epoch; now unless given. What was cached before is not
                used by ``--ugst-cache=refresh``.
            say: Told in a line what takes long.
        """
        self.settings = self._settings = settings
        self._registry = registry
        self._run_folder = run_folder
        self._started = time.time() if started is None else started
        self._say = say
        self._park: ServerPark | None = None
        self._specs: dict[str, ModelSpec] = {}
        self._digests: dict[str, str] = {}
        self._domains: dict[str, Domain] = {}
        if served:
            from pytest_ugst.chat.spec import ModelSpec

            self._specs = {name: ModelSpec.model_validate(spec) for name, spec in served.items()}

    # Names

    def _names(self) -> dict[str, tuple[str, Names[Any] | None]]:
        """What each role is called, and where its built-ins are."""
        s, r = self._settings, self._registry
        # Unless one is named, the judge's model decomposes; a registered judge is no model.
        judge_is_model = s.judge.partition(":")[0] not in r.judges
        return {
            "simulator": (s.sim, r.simulators),
            "agent": (s.agent, r.agents),
            "judge": (s.judge, r.judges),
            "decomposer": (s.decomposer or (s.judge if judge_is_model else ""), None),
        }

    def _model_name(self, role: str) -> str | None:
        """The model that plays a role; None if no model does."""
        name, names = self._names()[role]
        registered = names is not None and name.partition(":")[0] in names
        return None if registered or not name else name

    def is_model(self, role: str) -> bool:
        """Whether a model plays the role, and not one of the built-ins or nobody."""
        return self._model_name(role) is not None

    def _models(self, roles: Iterable[str]) -> dict[str, list[str]]:
        """The models needed, each with the roles it plays."""
        wanted = set(roles) | ({"decomposer"} if "judge" in roles else set())
        needed: dict[str, list[str]] = {}
        for role in self._names():
            if role in wanted and (name := self._model_name(role)) is not None:
                needed.setdefault(name, []).append(role)
        return needed

    def _spec(self, name: str) -> ModelSpec:
        if name not in self._specs:
            self._specs[name] = self._resolved(name)
        return self._specs[name]

    def _resolved(self, name: str) -> ModelSpec:
        from pytest_ugst.chat.models import resolve

        s, r = self._settings, self._registry
        from pytest_ugst.simulators.trained import folder_of, read_trained

        builtin = {*r.simulators.entries, *r.agents.entries, *r.judges.entries}
        spec = resolve(name, s.models, s.models_path, s.root, builtin)
        folder = folder_of(spec.model) if spec.base_url is None else None
        if folder is not None and (trained := read_trained(folder)) is not None:
            spec = spec.model_copy(update={"sampling": {**trained.sampling, **spec.sampling}})
        return spec

    def _digest(self, name: str) -> str:
        """What a name stands for, in short: equal for the same model in every process and at every address."""
        if name not in self._digests:
            from pytest_ugst.chat.spec import digest

            self._digests[name] = digest(self._resolved(name))
        return self._digests[name]

    # Before anything is spent

    def require(self, roles: Iterable[str]) -> None:
        """Check names, keys and prompts, without talking to anything.

        Raises:
            UsageError: For what the user has to mend.
        """
        models = self._models(roles)
        if models or self._settings.prompts:
            _ = self.prompts
        for name in models:
            from pytest_ugst.chat.models import require_key

            require_key(self._spec(name))

    def check_goals(self, cases: Iterable[Case]) -> None:
        """Check that every goal can be played and judged by the roles that the options name.

        Raises:
            UsageError: Naming the goal and the remedy.
        """
        seen: set[int] = set()
        for case in cases:
            goal = case.goal
            if goal is None or id(goal) in seen:
                continue
            seen.add(id(goal))
            where = goal.source or goal.id
            self.checks.validate(goal)
            if goal.components is None and not self._model_name("decomposer"):
                raise UsageError(
                    f"{where}: goal {goal.id!r} has no components and no model is set to decompose it; set "
                    "--ugst-judge or --ugst-decomposer to a model, or write its components"
                )
            if goal.components is not None and self._settings.judge == "checks" and not goal.fully_checked:
                bare = [c.id for c in goal.components if c.check is None]
                shown = ", ".join(bare[:3]) + (" ..." if len(bare) > 3 else "")
                raise UsageError(
                    f"{where}: goal {goal.id!r}: no check on {shown}, and no judge model is set; set --ugst-judge to a "
                    "model, or add a check to each"
                )
            if goal.domain is not None:
                session = self.domain(goal.domain).open(goal, 0)
                if not self.is_model("agent") and (require := getattr(self.agent, "require", None)) is not None:
                    self._required(where, goal, require, session)
            if self._model_name("simulator") is None and goal.components is not None:
                self.simulator.start(goal, 0, case.max_turns)

    @staticmethod
    def _required(where: str, goal: Goal, require: Callable[[Any], None], session: Any) -> None:
        try:
            require(session)
        except UsageError as error:
            raise UsageError(f"{where}: goal {goal.id!r}: {error}") from None

    def start_servers(self, roles: Iterable[str]) -> None:
        """Start the servers that the models need, side by side, and wait until they are ready.

        Raises:
            UgstError: If one can't be started; with the tail of its log.
        """
        models = self._models(roles)
        waiting = [name for name in models if self._spec(name).base_url is None]
        if not waiting:
            return
        for name in waiting:
            if "agent" in models[name] and self._domains:
                self._require_tools(name)
        if self._park is None:
            from pytest_ugst.chat.servers import ServerPark

            self._park = ServerPark(self._run_folder, say=self._say)
        ready = self._park.start_all([self._spec(name) for name in waiting])
        self._specs.update(zip(waiting, ready, strict=True))

    def _require_tools(self, name: str) -> None:
        """Of weights that are here it can be told before a server is started."""
        from pytest_ugst.chat.servers import find_weights

        spec = self._spec(name)
        if find_weights(spec.model, spec.serve.chat_template).takes_tools is False:
            raise UsageError(
                f"model {name!r}: its chat template shows the model no tools, and the agent needs them; set "
                "--ugst-agent to another model, or give this one a template by serve.chat_template"
            )

    async def preflight(self, roles: Iterable[str]) -> None:
        """Ask every model whether it is there, knows us, and can do what its role needs.

        Raises:
            UsageError: For what the user has to mend.
        """
        for name, played in self._models(roles).items():
            from pytest_ugst.chat.models import probe, probe_tools

            await probe(self._spec(name), self.pool)
            if "agent" in played and self._domains:
                await probe_tools(self._spec(name), self.pool)

    def served(self) -> dict[str, Any]:
        """The models that servers of this process serve, for other processes on this machine. Holds keys."""
        return {
            name: spec.model_dump(mode="json") | {"api_key": spec.api_key and spec.api_key.get_secret_value()}
            for name, spec in self._specs.items()
            if spec.api_key is not None
        }

    # Roles

    @cached_property
    def prompts(self) -> Any:
        """The prompts in use."""
        from pytest_ugst.prompts.loader import Prompts

        return Prompts.load(self._settings.prompts_dir)

    @cached_property
    def pool(self) -> ChatPool:
        """What all models share."""
        from pytest_ugst.chat.cache import ResponseCache
        from pytest_ugst.chat.client import ChatPool
        from pytest_ugst.chat.servers import explain

        cache = None
        if self._settings.cache != "off":
            self._settings.home.mkdir(parents=True, exist_ok=True)
            cache = ResponseCache(self._settings.home / "cache.sqlite", self._settings.cache, since=self._started)
        return ChatPool(cache, died=partial(explain, self._run_folder))

    def chat(self, name: str, role: str) -> Chat:
        """A model to talk to. Whoever judges or decomposes is to say the same of the same, so it samples greedily
        unless configured otherwise."""
        spec = self._spec(name)
        if role in ("judge", "decomposer") and "temperature" not in spec.sampling:
            spec = spec.model_copy(update={"sampling": {"temperature": 0.0, **spec.sampling}})
        return self.pool.chat(spec, role)

    @cached_property
    def context(self) -> RoleContext:
        """What roles may ask for."""
        s = self._settings
        return RoleContext(
            chat=self.chat,
            steer=s.steer,
            reasoning=s.reasoning,
            prompts=s.prompts_dir,
            judge_sees_tools=s.judge_tools == "on",
            max_tool_rounds=s.tool_rounds,
        )

    def _registered(self, names: Names[Callable[[str | None, RoleContext], Any]], name: str) -> Any:
        base, colon, argument = name.partition(":")
        return names.get(base)(argument if colon else None, self.context)

    @cached_property
    def simulator(self) -> SimulatorFactory:
        """What ``--ugst-sim`` names."""
        return self.make_simulator(self._settings.sim)

    @cached_property
    def agent(self) -> Agent:
        """What ``--ugst-agent`` names."""
        return self.make_agent(self._settings.agent)

    @cached_property
    def judge(self) -> Judge:
        """What ``--ugst-judge`` names."""
        return self.make_judge(self._settings.judge)

    @cached_property
    def checks(self) -> ChecksJudge:
        """Who judges the sub-components that carry a check."""
        return ChecksJudge(self._registry.checks)

    def make_simulator(self, name: str) -> SimulatorFactory:
        """A simulator by name."""
        if name.partition(":")[0] in self._registry.simulators:
            made: SimulatorFactory = self._registered(self._registry.simulators, name)
            return made
        from pytest_ugst.simulators.llm import make_llm_simulator

        return make_llm_simulator(self.chat(name, "simulator"), self._as_trained(name))

    def _as_trained(self, name: str) -> RoleContext:
        """The context of a simulator that a model plays: a trained one is prompted as it was trained."""
        from pytest_ugst.simulators.trained import as_trained

        return as_trained(self.context, self._resolved(name).model)

    def make_agent(self, name: str) -> Agent:
        """An agent by name."""
        if name.partition(":")[0] in self._registry.agents:
            made: Agent = self._registered(self._registry.agents, name)
            return made
        if _is_url(name):
            from pytest_ugst.agents.endpoint import EndpointAgent

            return EndpointAgent(self.chat(name, "agent"))
        from pytest_ugst.agents.llm import make_llm_agent

        return make_llm_agent(self.chat(name, "agent"), self.context)

    def make_judge(self, name: str) -> Judge:
        """A judge by name."""
        if name.partition(":")[0] in self._registry.judges:
            made: Judge = self._registered(self._registry.judges, name)
            return made
        from pytest_ugst.judges.llm import make_llm_judge

        return make_llm_judge(self.chat(name, "judge"), self.context)

    def domain(self, name: str) -> Domain:
        """A domain by name, loaded at its first use."""
        if name not in self._domains:
            self._domains[name] = self._registry.domains.get(name)()
        return self._domains[name]

    @cached_property
    def _decompose(self) -> Callable[[Goal], Any] | None:
        name = self._model_name("decomposer")
        if name is None:
            return None
        from pytest_ugst.judges.decomposer import decompose

        chat = self.chat(name, "decomposer")
        return lambda goal: decompose(chat, goal, self.prompts)

    def setting(self, simulator: str | None = None, agent: str | None = None, judge: str | None = None) -> Setting:
        """What an episode is played with; roles that a test brings itself by their own names."""
        s = self._settings
        uses_prompts = bool(self._models(("simulator", "agent", "judge")))
        context, prompts = self.context, self.prompts
        if simulator is None and (model := self._model_name("simulator")) is not None:
            context = self._as_trained(model)
            if context.prompts != self.context.prompts:
                prompts = type(prompts).load(context.prompts)
        return Setting(
            simulator=simulator or s.sim,
            agent=agent or s.agent,
            judge=judge or s.judge,
            steer=s.steer,
            reasoning=context.reasoning,
            prompts=prompts.version if uses_prompts else "",
            judge_sees_tools=s.judge_tools == "on",
            seed=s.seed,
            decomposer=s.decomposer,
            tool_rounds=s.tool_rounds,
            models={name: self._digest(name) for name in sorted(self._models(("simulator", "agent", "judge")))},
        )

    def cast(self) -> Cast:
        """Who plays, as the options say."""
        return Cast(self.simulator, self.agent, self.judge, self.checks, self.domain, self._decompose)

    def cast_with(self, simulator: Any, agent: Any, judge: Any) -> tuple[Cast, Setting, dict[str, str]]:
        """Who plays where a test may bring roles of its own.

        Returns:
            The cast, its setting, and by role the names of those that the options do not name.
        """
        own: dict[str, str] = {}
        # What was not made yet can't have been handed out as a fixture's value; ``self`` is nobody's.
        if self.__dict__.get("simulator", self) is not simulator:
            from pytest_ugst.simulators.adapt import as_simulator

            simulator = self.make_simulator(simulator) if isinstance(simulator, str) else as_simulator(simulator)
            own["simulator"] = simulator.name
        if self.__dict__.get("agent", self) is not agent:
            from pytest_ugst.agents.adapt import as_agent

            agent = self.make_agent(agent) if isinstance(agent, str) else as_agent(agent)
            own["agent"] = agent.name
        if self.__dict__.get("judge", self) is not judge:
            from pytest_ugst.judges.adapt import as_judge

            judge = self.make_judge(judge) if isinstance(judge, str) else as_judge(judge)
            own["judge"] = judge.name
        cast = Cast(simulator, agent, judge, self.checks, self.domain, self._decompose)
        return cast, self.setting(**own), own

    def headline(self, episodes: int, own: Collection[str] = ()) -> str:
        """What is tested against what, in a line.

        Args:
            episodes: How many are asked for.
            own: Roles for which tests bring fixtures of their own.
        """
        s = self._settings

        def role(kind: str, name: str) -> str:
            return f"{kind} by your fixture" if kind in own else f"{kind} {name}"

        how = ["thinking"] if s.reasoning else []
        how += [f"steered by {s.steer}"] if s.steer != "none" else []
        simulator = role("simulator", s.sim) + (f" ({', '.join(how)})" if how else "")
        trials = f" ({s.trials} trials)" if s.trials > 1 else ""
        return (
            f"ugst: {simulator}, {role('agent', s.agent)}, {role('judge', s.judge)}\n"
            f"ugst: {episodes} episode{'s' if episodes != 1 else ''}{trials}, seed {s.seed}, cache {s.cache}"
        )

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


def _is_url(name: str) -> bool:
    return name.startswith(("http://", "https://"))
