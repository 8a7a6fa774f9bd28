"""The plugin's session: goals, roles, run and scheduler, each made when it is first needed."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ugst.analysis.regression.gate import BaselineGate, PlannedGoal
from pytest_ugst.analysis.success.gate import parse_gate
from pytest_ugst.config.data_dirs import DataMissingError
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.registry import Registry
from pytest_ugst.domains.fingerprint import fingerprints
from pytest_ugst.engine.scheduler import Scheduler
from pytest_ugst.engine.spec import EpisodeSpec, GoalCase, RoleSet, can_stand_for, episode_id
from pytest_ugst.goals.overrides import EditedGoals
from pytest_ugst.llm.manager import ModelManager
from pytest_ugst.plugin.cases import case_of, is_episode_item
from pytest_ugst.plugin.keys import STRAYED
from pytest_ugst.plugin.ledger import EpisodeLedger
from pytest_ugst.plugin.notes import SharedRun
from pytest_ugst.plugin.overrides import FixtureOverrides, overridden
from pytest_ugst.plugin.progress import Progress, SessionObserver
from pytest_ugst.plugin.skips import SkipCounts, without_skipped
from pytest_ugst.roles.capabilities import MissingCapability, missing_capabilities, require_capabilities, skip_reason
from pytest_ugst.roles.resolver import ROLES, RoleResolver
from pytest_ugst.runs.names import new_name
from pytest_ugst.runs.run import StoredRun, find_run

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.episode import Episode, EpisodeConfig
    from pytest_ugst.core.goal import Goal


class PluginSession:
    """The goals, roles, run and scheduler of a pytest session.

    Nothing is made before it is needed, so that sessions without goals pay nothing. What counts is in :attr:`ledger`.
    """

    def __init__(
        self,
        options: Callable[[], Options],
        register: Callable[[Registry], None],
        on_finished: Callable[[Episode], None],
        observer: Callable[[], SessionObserver | None] = lambda: None,
        shared: SharedRun | None = None,
    ) -> None:
        """Remember how to make things.

        Args:
            options: Reads and validates the options.
            register: Lets conftests and plugins register what they bring.
            on_finished: Called with every episode that was played.
            observer: Returns who shows what the session does; called when there is something to show.
            shared: What another process has settled.
        """
        self._options = options
        self._register = register
        self._on_finished = on_finished
        self._observer = observer
        self._shared = shared or SharedRun()
        self.begun = self._shared.begun or datetime.now(UTC).isoformat(timespec="milliseconds")
        """When the session began; UTC, ISO 8601."""
        self.ledger = EpisodeLedger()
        self.scheduler: Scheduler | None = None
        """What plays; None where nothing is played."""
        self.skips: SkipCounts = Counter()
        self._play_began = time.monotonic()
        self._callback_errors: list[str] = []
        self._models: ModelManager | None = None  # once the resolver is made
        self._items: list[pytest.Function] = []
        self._goals: dict[str, Goal] = {}

    # What is made when it is needed

    @cached_property
    def settings(self) -> Options:
        """The options, validated."""
        settings = self._options()
        if settings.data_dir is not None and not settings.data_dir.is_dir():
            raise UsageError(f"--ugst-data={settings.data}: there is no such folder; name one that holds the data")
        return settings

    @cached_property
    def registry(self) -> Registry:
        """The registry of built-ins, conftests and plugins."""
        registry = Registry(self.settings.data_dirs)
        self._register(registry)
        return registry

    @cached_property
    def edited(self) -> EditedGoals:
        """The goals of ``--ugst-goals``."""
        return EditedGoals(self.settings.goal_paths)

    @cached_property
    def gate(self) -> BaselineGate | None:
        """The baseline that the run is compared with, if any."""
        return BaselineGate.open(self.settings, self._shared.baseline)

    @cached_property
    def run(self) -> StoredRun:
        """The run; its folder need not exist yet."""
        if self.settings.resume:
            run = find_run(self.settings.home, self._shared.name or self.settings.resume)
        else:
            run = StoredRun(self.settings.home / "runs" / (self._shared.name or new_name()))
        run.selected = ()
        return run

    @cached_property
    def resolver(self) -> RoleResolver:
        """The resolver from names to roles."""
        models = ModelManager(
            self.settings,
            self.registry.roles(),
            self.run.folder,
            served_models=self._shared.served,
            started=datetime.fromisoformat(self.begun).timestamp(),
            notify=self._notify,
        )
        self._models = models
        return RoleResolver(self.settings, self.registry, models)

    @property
    def simulator(self) -> Any:
        """The simulator that ``--ugst-sim`` names."""
        return self.resolver.simulator

    @property
    def agent(self) -> Any:
        """The agent that ``--ugst-agent`` names."""
        return self.resolver.agent

    @property
    def judge(self) -> Any:
        """The judge that ``--ugst-judge`` names."""
        return self.resolver.judge

    # From collection to the first episode

    def begin(self, items: Sequence[pytest.Item]) -> None:
        """Check everything that can be checked before anything is spent, then start to play; collection is done.

        Raises:
            UsageError: For whatever the user has to mend.
        """
        requesting = [item for item in items if is_episode_item(item)]
        self.ledger.requested = bool(requesting)
        self._items, self.skips = without_skipped(requesting, self._why_not_played)
        if not self._items:
            return
        self._play_began = time.monotonic()
        if self.settings.fail_under:
            parse_gate(self.settings.fail_under)
        for item in self._items:
            if case_of(item).goal is None and "goal" not in overridden(item):
                raise UsageError(
                    f"{item.nodeid}: no goal to play; mark the test with @pytest.mark.ugst(goals=...), or override the "
                    "fixture 'goal'"
                )
        ready = [item for item in self._items if not overridden(item) and case_of(item).goal is not None]
        roles = {role for item in self._items for role in ROLES if role not in overridden(item)}
        self._check(ready, roles)
        self._open_run()
        self.resolver.start_servers(roles)
        self.scheduler = Scheduler(
            self.run,
            concurrency=math.ceil(self.settings.concurrency / max(1, self._shared.workers)),
            shared=self._shared.workers > 0,
            stop_file=self._shared.stop_file,
            on_finished=self._on_finished,
            on_close=self.resolver.models.close,
        )
        self.scheduler.call(self.resolver.preflight(roles))
        self._start_all(ready)

    def _check(self, ready: Sequence[pytest.Function], roles: set[str]) -> None:
        """Check names, goals, and that the named roles can play and judge them."""
        self.resolver.require(roles)
        self.edited.require_used()
        for item in ready:
            goal = case_of(item).goal
            assert goal is not None
            self._require_one_goal_per_id(goal)
        require_capabilities((case_of(item) for item in ready), self.resolver)

    def _open_run(self) -> None:
        """Make the run's folder, once the baseline allows what is planned."""
        cases = [(case_of(item), overridden(item)) for item in self._items]
        domains = (case.goal.domain for case, _ in cases if case.goal and case.goal.domain)
        data = fingerprints(domains, self.settings.data_dirs)
        if self.gate is not None:
            planned = [PlannedGoal(None if "goal" in own else case.goal, case.max_turns) for case, own in cases]
            own_judge = any("judge" in own for _, own in cases)
            self.gate.check_plan(planned, self.resolver.config(), data, own_judge=own_judge)
        self.run.create(self.resolver.config(), data)
        self.run.journal.refresh()

    def _start_all(self, ready: Sequence[pytest.Function]) -> None:
        """Start the episodes whose roles all come from the options."""
        config = self.resolver.config()
        specs = [self._spec(case_of(item), config) for item in ready]
        for item, spec in zip(ready, specs, strict=True):
            self.ledger.plan(item.nodeid, spec.id)
        self.ledger.select(*(spec.id for spec in specs))
        if specs:
            roles = self.resolver.role_set()
            for spec in specs:
                self._start(spec, roles)

    def _why_not_played(self, items: Sequence[pytest.Function]) -> str | None:
        """Return why the tests of one file can't be played here; None if they can."""
        missing: list[MissingCapability] = []
        try:
            for item in items:
                case = case_of(item)
                assert case.goal is not None
                missing += missing_capabilities(case.goal, case.max_turns, self.resolver, overridden(item))
        except DataMissingError as error:
            return str(error)
        return skip_reason(missing) if missing else None

    def _require_one_goal_per_id(self, goal: Goal) -> None:
        """Make sure that an id stands for one goal: episodes are told apart by it."""
        other = self._goals.setdefault(goal.id, goal)
        if other != goal and other.model_dump() != goal.model_dump():
            raise UsageError(
                f"{goal.source or goal.id}: id: {goal.id!r} is also the id of another goal "
                f"({other.source or 'given in a test'}); give each goal its own"
            )

    # Episodes

    def _spec(
        self, case: GoalCase, config: EpisodeConfig, roles_name: str = "", goal: Goal | None = None
    ) -> EpisodeSpec:
        played = goal or case.goal
        assert played is not None
        max_turns = played.max_turns or case.max_turns
        return EpisodeSpec(episode_id(played.id, case.trial, roles_name), played, case.trial, config, max_turns)

    def _start(self, spec: EpisodeSpec, roles: RoleSet) -> None:
        """Have an episode played, unless a resumed run holds one that will do.

        Played again is what broke off or lacks a verdict, and what was played for another version of the goal. Which
        answers of models are still good, the response cache knows.
        """
        assert self.scheduler is not None
        journal = self.run.journal
        if self.settings.resume and spec.id in journal and not self.scheduler.known(spec.id):
            stored = journal.get(spec.id)
            earlier = stored.started < self.begun  # else another process of this session has played it just now
            if earlier and not can_stand_for(stored, spec):
                self.ledger.outdate(spec.id)
                journal.forget(spec.id)
        self.scheduler.start(spec, roles)

    def episode(
        self, request: pytest.FixtureRequest, case: GoalCase, goal: Goal, simulator: Any, agent: Any, judge: Any
    ) -> Episode:
        """Wait until the episode that a test asks for is played, and return it.

        Args:
            request: The test's.
            case: The test's case.
            goal: The value of the fixture ``goal``.
            simulator: The value of the fixture ``simulator``.
            agent: The value of the fixture ``agent``.
            judge: The value of the fixture ``judge``.

        Raises:
            UgstError: If it could not be played.
        """
        if self.scheduler is None:
            raise UsageError("episodes are played only for tests that request the fixture 'episode' directly")
        roles, config, names = self.resolver.role_set_with(simulator, agent, judge)
        roles_name = FixtureOverrides.of(request.node).roles_name(names)
        spec = self._spec(case, config, roles_name, goal)
        if not self.scheduler.known(spec.id):
            self._start_late(spec, roles)
            self._start_peers(request.node, roles, config, roles_name)
        try:
            episode = self.scheduler.wait(spec.id, self._on_wait)
        finally:
            if (observer := self._observer()) is not None:
                observer.on_waited()
        request.node.stash[STRAYED] = not episode.succeeded
        statuses = {state.component.id: state.label for state in episode.final_state}
        request.node.user_properties.append(("ugst_episode", episode.id))
        request.node.user_properties.append(("ugst_stop", str(episode.conversation.stop)))
        request.node.user_properties.append(("ugst_statuses", " ".join(f"{k}={v}" for k, v in statuses.items())))
        return episode

    def _start_late(self, spec: EpisodeSpec, roles: RoleSet) -> None:
        """Start an episode that only a running test could ask for."""
        self._require_one_goal_per_id(spec.goal)
        self.ledger.select(spec.id)
        self._start(spec, roles)

    def _start_peers(self, item: pytest.Function, roles: RoleSet, config: EpisodeConfig, roles_name: str) -> None:
        """Start the other tests' episodes that are played by the same overriding fixtures, which now have a value."""
        assert self.scheduler is not None
        overrides = FixtureOverrides.of(item)
        for other in self._items if overrides.can_be_shared else ():
            case = case_of(other)
            if other is item or case.goal is None or not overrides.has_value_for(FixtureOverrides.of(other)):
                continue
            spec = self._spec(case, config, roles_name)
            self.ledger.plan(other.nodeid, spec.id)
            if not self.scheduler.known(spec.id):
                self._start_late(spec, roles)

    # What is shown

    def headline(self) -> str:
        """Return what is tested against what, and what is skipped; empty if there is nothing of both."""
        lines = [f"ugst: {file} ({count} skipped): {why}" for (file, why), count in self.skips.items()]
        if self.scheduler is not None:
            cases = {case_of(item).id for item in self._items}
            own = {role for item in self._items for role in overridden(item)}
            lines.insert(0, self.resolver.headline(len(cases), own))
        return "\n".join(lines)

    def _notify(self, line: str) -> None:
        if (observer := self._observer()) is not None:
            observer.notify(line)

    def _on_wait(self) -> None:
        observer = self._observer()
        if observer is None or self.scheduler is None or self.settings.progress == "off":
            return
        done, total = self.scheduler.counts
        seconds = time.monotonic() - self._play_began
        observer.on_wait(Progress(done, total, self.scheduler.share, seconds, self.resolver.models.usage()))

    # Processes of pytest-xdist

    def serve(self) -> None:
        """Start the servers that the named models need, in the controlling process of pytest-xdist."""
        self.resolver.require(set(ROLES))
        self.resolver.start_servers(set(ROLES))

    def served(self) -> Mapping[str, Any]:
        """Return the models that this process serves, for its workers."""
        return self.resolver.models.served_models()

    def report(self) -> dict[str, Any]:
        """Return what the controlling process has to know of a worker's part in the run."""
        return {
            "ledger": self.ledger.report(),
            "failures": self.run.failures,
            "callback_errors": self.callback_errors(),
        }

    def merge(self, report: dict[str, Any]) -> None:
        """Add what a worker reports."""
        self.ledger.merge(report["ledger"])
        self.run.failures.update(report["failures"])
        self._callback_errors += report["callback_errors"]

    # The end

    def played_anything(self) -> bool:
        """Return whether anything was played, or begun."""
        return self.scheduler is not None or bool(self.ledger.selected)

    def callback_errors(self) -> list[str]:
        """Return what hooks for finished episodes raised, here and in workers, a line each."""
        return [*self._callback_errors, *(self.scheduler.callback_errors if self.scheduler is not None else [])]

    def settle(self, planned: Sequence[str] | None = None) -> None:
        """Find out what was played and counts; see :meth:`EpisodeLedger.settle`."""
        self.ledger.settle(self.run, self.begun, planned)

    def close(self, *, cancel: bool) -> None:
        """Stop playing and the servers; harmless if nothing was begun, or when called again."""
        if self.scheduler is not None:
            self.scheduler.close(cancel=cancel)
        if self._models is not None:
            self._models.stop_servers()
