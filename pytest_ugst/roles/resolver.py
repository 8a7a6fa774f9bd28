"""The role resolver: from the names in the options to the roles, and the checks that need no goal."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.episode import EpisodeConfig
from pytest_ugst.core.registry import Names, Registry, RoleContext
from pytest_ugst.core.text import counted
from pytest_ugst.engine.spec import RoleSet
from pytest_ugst.judges.checks import ChecksJudge

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.chat import Chat
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.core.protocols import Agent, Domain, Judge, SimulatorFactory
    from pytest_ugst.llm.manager import ModelManager

ROLES = ("simulator", "agent", "judge")
"""The roles that a test may bring itself, by the fixtures of these names."""


class RoleResolver:
    """The roles of one run by name, each made when it is first needed."""

    def __init__(self, settings: Options, registry: Registry, models: ModelManager) -> None:
        """Make nothing yet.

        Args:
            settings: The options.
            registry: The names that the options may use.
            models: The models of this run.
        """
        self.settings = settings
        self._registry = registry
        self._domains: dict[str, Domain] = {}
        self.models = models

    # Names

    def _names(self) -> dict[str, tuple[str, Names[Any] | None]]:
        """Return by role its name, and where its built-ins are registered."""
        s, r = self.settings, self._registry
        # Unless one is named, the judge's model decomposes; a registered judge is no model.
        judge_is_model = s.judge.partition(":")[0] not in r.judges
        return {
            "simulator": (s.sim, r.simulators),
            "agent": (s.agent, r.agents),
            "judge": (s.judge, r.judges),
            "decomposer": (s.decomposer or (s.judge if judge_is_model else ""), None),
        }

    def _model_name(self, role: str) -> str | None:
        """Return the name of the model that plays a role; None if no model does."""
        name, names = self._names()[role]
        registered = names is not None and name.partition(":")[0] in names
        return None if registered or not name else name

    def is_model(self, role: str) -> bool:
        """Return whether a model plays the role, and not a built-in or nobody."""
        return self._model_name(role) is not None

    def _needed_models(self, roles: Iterable[str]) -> dict[str, list[str]]:
        """Return the models that roles need, each with the roles it plays."""
        wanted = set(roles) | ({"decomposer"} if "judge" in roles else set())
        needed: dict[str, list[str]] = {}
        for role in self._names():
            if role in wanted and (name := self._model_name(role)) is not None:
                needed.setdefault(name, []).append(role)
        return needed

    # Before anything is spent

    def require(self, roles: Iterable[str]) -> None:
        """Check names, keys and prompts, without talking to anything.

        Raises:
            UsageError: For what the user has to mend.
        """
        models = self._needed_models(roles)
        if models or self.settings.prompts:
            _ = self.prompts
        self.models.require(models)

    def start_servers(self, roles: Iterable[str]) -> None:
        """Start the servers that the models need, concurrently, and wait until they are ready.

        Raises:
            UgstError: If one can't be started; with the tail of its log.
        """
        self.models.start_servers(self._needed_models(roles), tools=bool(self._domains))

    async def preflight(self, roles: Iterable[str]) -> None:
        """Ask every model whether it is there, accepts the key, and can do what its role needs.

        Raises:
            UsageError: For what the user has to mend.
        """
        await self.models.preflight(self._needed_models(roles), tools=bool(self._domains))

    # Roles

    @cached_property
    def prompts(self) -> Any:
        """The prompts in use."""
        from pytest_ugst.prompts.loader import Prompts

        return Prompts.load(self.settings.prompts_dir)

    def chat(self, name: str, role: str) -> Chat:
        """Return a model to talk to, by its name, on behalf of a role."""
        return self.models.chat(name, role)

    @cached_property
    def context(self) -> RoleContext:
        """The context that roles are made with."""
        s = self.settings
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
        """The simulator that ``--ugst-sim`` names."""
        return self.make_simulator(self.settings.sim)

    @cached_property
    def agent(self) -> Agent:
        """The agent that ``--ugst-agent`` names."""
        return self.make_agent(self.settings.agent)

    @cached_property
    def judge(self) -> Judge:
        """The judge that ``--ugst-judge`` names."""
        return self.make_judge(self.settings.judge)

    @cached_property
    def checks(self) -> ChecksJudge:
        """The judge of the sub-components that carry a check, as it stands beside the judge that the options name."""
        return self._checks_beside(self.settings.judge)

    def _checks_beside(self, judge: str) -> ChecksJudge:
        return ChecksJudge(self._registry.checks, self.settings.check_mode(judge))

    def role(self, role: str, value: Any) -> Any:
        """Return the role that the options name where ``value`` is a name, else the value itself."""
        if not isinstance(value, str):
            return value
        if role == "simulator":
            return self.simulator
        return self.agent if role == "agent" else self.judge

    def make_simulator(self, name: str) -> SimulatorFactory:
        """Make a simulator by name; a trained model is prompted as it was trained."""
        if name.partition(":")[0] in self._registry.simulators:
            from pytest_ugst.simulators.adapt import as_simulator

            return as_simulator(self._registered(self._registry.simulators, name), name)
        from pytest_ugst.simulators.llm import make_llm_simulator

        return make_llm_simulator(self.chat(name, "simulator"), self._as_trained(name))

    def _as_trained(self, name: str) -> RoleContext:
        from pytest_ugst.simulators.trained import as_trained

        return as_trained(self.context, self.models.resolved(name).model)

    def make_agent(self, name: str) -> Agent:
        """Make an agent by name, or by the URL of a chat completions endpoint."""
        if name.partition(":")[0] in self._registry.agents:
            from pytest_ugst.agents.adapt import as_agent

            return as_agent(self._registered(self._registry.agents, name), name)
        if name.startswith(("http://", "https://")):
            from pytest_ugst.agents.endpoint import EndpointAgent

            return EndpointAgent(self.chat(name, "agent"))
        from pytest_ugst.agents.llm import make_llm_agent

        return make_llm_agent(self.chat(name, "agent"), self.context)

    def make_judge(self, name: str) -> Judge:
        """Make a judge by name."""
        if name.partition(":")[0] in self._registry.judges:
            from pytest_ugst.judges.adapt import as_judge

            return as_judge(self._registered(self._registry.judges, name), name)
        from pytest_ugst.judges.llm import make_llm_judge

        return make_llm_judge(self.chat(name, "judge"), self.context)

    def domain(self, name: str) -> Domain:
        """Return a domain by name, loaded at its first use."""
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

    def config(self, simulator: str | None = None, agent: str | None = None, judge: str | None = None) -> EpisodeConfig:
        """Return what an episode is played with.

        Args:
            simulator: The name of a simulator that a test brings itself; None for the one the options name.
            agent: Likewise, of an agent.
            judge: Likewise, of a judge.
        """
        s = self.settings
        needed = self._needed_models(ROLES)
        context, prompts = self.context, self.prompts
        if simulator is None and (model := self._model_name("simulator")) is not None:
            context = self._as_trained(model)
            if context.prompts != self.context.prompts:
                prompts = type(prompts).load(context.prompts)
        return EpisodeConfig(
            simulator=simulator or s.sim,
            agent=agent or s.agent,
            judge=judge or s.judge,
            steer=s.steer,
            reasoning=context.reasoning,
            prompts=prompts.version if needed else "",
            judge_sees_tools=s.judge_tools == "on",
            seed=s.seed,
            decomposer=s.decomposer,
            tool_rounds=s.tool_rounds,
            checks=s.check_mode(judge or s.judge),
            models={name: self.models.digest(name) for name in sorted(needed)},
        )

    def role_set(self) -> RoleSet:
        """Return the roles that the options name."""
        return RoleSet(self.simulator, self.agent, self.judge, self.checks, self.domain, self._decompose)

    def role_set_with(self, simulator: Any, agent: Any, judge: Any) -> tuple[RoleSet, EpisodeConfig, dict[str, str]]:
        """Return the roles where a test may bring some of its own.

        Args:
            simulator: A simulator in any of the forms that the fixture ``simulator`` may return: an object of the
                protocol, a name as on the command line, or a function.
            agent: Likewise, an agent.
            judge: Likewise, a judge.

        Returns:
            The roles, what an episode is played with, and by role the names of those that the options do not name.
        """
        own: dict[str, str] = {}
        if not self._is_named("simulator", simulator):
            from pytest_ugst.simulators.adapt import as_simulator

            simulator = self.make_simulator(simulator) if isinstance(simulator, str) else as_simulator(simulator)
            own["simulator"] = simulator.name
        if not self._is_named("agent", agent):
            from pytest_ugst.agents.adapt import as_agent

            agent = self.make_agent(agent) if isinstance(agent, str) else as_agent(agent)
            own["agent"] = agent.name
        if not self._is_named("judge", judge):
            from pytest_ugst.judges.adapt import as_judge

            judge = self.make_judge(judge) if isinstance(judge, str) else as_judge(judge)
            own["judge"] = judge.name
        checks = self._checks_beside(judge.name) if "judge" in own else self.checks
        roles = RoleSet(simulator, agent, judge, checks, self.domain, self._decompose)
        return roles, self.config(**own), own

    def _is_named(self, role: str, value: Any) -> bool:
        """Return whether a fixture's value is the role that the options name; it can't be if that was not made yet."""
        return role in self.__dict__ and self.__dict__[role] is value

    def headline(self, episodes: int, own: Collection[str] = ()) -> str:
        """Return what is tested against what, in two lines.

        Args:
            episodes: How many episodes are asked for.
            own: Roles for which tests bring fixtures of their own.
        """
        s = self.settings

        def role(kind: str, name: str) -> str:
            return f"{kind} by your fixture" if kind in own else f"{kind} {name}"

        how = ["thinking"] if s.reasoning else []
        how += [f"steered by {s.steer}"] if s.steer != "none" else []
        simulator = role("simulator", s.sim) + (f" ({', '.join(how)})" if how else "")
        trials = f" ({s.trials} trials)" if s.trials > 1 else ""
        return (
            f"ugst: {simulator}, {role('agent', s.agent)}, {role('judge', s.judge)}\n"
            f"ugst: {counted(episodes, 'episode')}{trials}, seed {s.seed}, cache {s.cache}"
        )
