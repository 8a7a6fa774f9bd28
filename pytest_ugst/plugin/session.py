"""The runtime: what one pytest session knows of goals, roles and the run, from collection to the gate."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ugst.analysis.success.gate import parse_gate
from pytest_ugst.config.data_dirs import DataMissingError
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.registry import Registry
from pytest_ugst.domains.fingerprint import fingerprints
from pytest_ugst.engine.scheduler import Scheduler
from pytest_ugst.engine.spec import EpisodeSpec, GoalCase, RoleSet, episode_id
from pytest_ugst.goals.overrides import EditedGoals
from pytest_ugst.llm.manager import ModelManager
from pytest_ugst.plugin.baseline_gate import BaselineGate
from pytest_ugst.plugin.overrides import (
    ROLES,
    case_of,
    cast_name,
    is_episode_item,
    is_sure_to_skip,
    origin,
    overridden,
    role_fixtures,
)
from pytest_ugst.roles.capabilities import lacking, remedy
from pytest_ugst.roles.resolver import RoleResolver
from pytest_ugst.runs.names import new_name
from pytest_ugst.runs.run import Run, find_run

if TYPE_CHECKING:
    from pytest_ugst.config.settings import Options
    from pytest_ugst.core.episode import Episode, EpisodeConfig
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.core.usage import Usage


_STRAYED: pytest.StashKey[bool] = pytest.StashKey()


class Runtime:
    """One session's state. Nothing is made before it is asked for, so that runs without goals pay nothing."""

    say: Callable[[str], None] | None = None
    """Told in a line what takes long."""
    tick: Callable[[], None] | None = None
    """Called now and then while a test waits."""
    waited: Callable[[], None] | None = None
    """Called when a test has done waiting."""

    def __init__(
        self,
        settings: Callable[[], Options],
        register: Callable[[Registry], None],
        finished: Callable[[Episode], None],
        *,
        run_name: str | None = None,
        served: dict[str, Any] | None = None,
        workers: int = 0,
        stop_note: Path | None = None,
        begun: str = "",
        baseline: str = "",
    ) -> None:
        """Remember how to make things.

        Args:
            settings: Reads and validates the options.
            register: Lets everybody register what they bring.
            finished: Called with every episode that was played.
            run_name: The run's name, where another process has chosen it.
            served: The models that the controlling process serves, as :meth:`Casting.served` gives them.
            workers: Processes that play the run's episodes; 0 in a single process.
            stop_note: A file that appears when all of them are to stop.
            begun: When the session began, where another process began it; UTC, ISO 8601.
            baseline: What the run is held against, as JSON, where another process has read it.
        """
        self._settings = settings
        self._register = register
        self._finished = finished
        self._run_name = run_name
        self._served = served
        self._workers = workers
        self._stop_note = stop_note
        self._baseline = baseline
        self._begun = begun or datetime.now(UTC).isoformat(timespec="milliseconds")
        self.engine: Scheduler | None = None
        self.callback_errors: list[str] = []
        self.skips: dict[tuple[str, str], int] = {}
        """Tests that are skipped for want of data or of a role, by file and reason."""
        self._items: list[pytest.Function] = []
        self.asked = False
        """Whether any test asked for an episode, skipped ones included."""
        self._goals: dict[str, Goal] = {}
        self._planned: dict[str, str] = {}
        """By test, the episode that is played for it."""
        self._skipped: dict[str, int] = {}
        """By episode, how many of its tests skipped themselves after all."""
        self._outdated: set[str] = set()
        """Episodes in the journal of a resumed run that will not do."""

    @cached_property
    def settings(self) -> Options:
        """The options, validated; from now on data is looked for where they say."""
        settings = self._settings()
        if settings.data_dir is not None and not settings.data_dir.is_dir():
            raise UsageError(f"--ugst-data={settings.data}: there is no such folder; name one that holds the data")
        return settings

    @cached_property
    def registry(self) -> Registry:
        """What built-ins, conftests and plugins registered."""
        registry = Registry(self.settings.data_dirs)
        self._register(registry)
        return registry

    @cached_property
    def edited(self) -> EditedGoals:
        """The goals of ``--ugst-goals``."""
        return EditedGoals(self.settings.goal_paths)

    @cached_property
    def gate(self) -> BaselineGate | None:
        """What the run is held against, if anything."""
        return BaselineGate.open(self.settings, self._baseline)

    @cached_property
    def run(self) -> Run:
        """The run; its folder need not exist yet."""
        if self.settings.resume:
            run = find_run(self.settings.home, self._run_name or self.settings.resume)
        else:
            run = Run(self.settings.home / "runs" / (self._run_name or new_name()))
        run.selected = ()
        return run

    def run_exists(self) -> bool:
        """Whether anything was played, or begun."""
        return "run" in self.__dict__ and (self.engine is not None or bool(self.run.ids))

    def headline(self) -> str:
        """What is tested against what, and what is skipped; empty if there is nothing of both."""
        lines = [f"ugst: {file} ({count} skipped): {why}" for (file, why), count in self.skips.items()]
        if self.engine is not None:
            cases = {case_of(item).id for item in self._items}
            own = {role for item in self._items for role in overridden(item)}
            lines.insert(0, self.resolver.headline(len(cases), own))
        return "\n".join(lines)

    def serve(self) -> None:
        """Start the servers that the named models need, in the controlling process of pytest-xdist."""
        self.resolver.require(set(ROLES))
        self.resolver.start_servers(set(ROLES))

    def report(self) -> dict[str, Any]:
        """What the controlling process has to know of a worker's part in the run."""
        return {
            "asked": self.asked,
            "selected": list(self.run.ids),
            "failures": self.run.failures,
            "callback_errors": self.all_callback_errors(),
            # As much as is needed to see whether a test is left that stands for an episode.
            "planned": {test: name for test, name in self._planned.items() if name in self._skipped},
            "skipped": self._skipped,
            "outdated": sorted(self._outdated),
        }

    def merge(self, told: dict[str, Any]) -> None:
        """Take over what a worker reports."""
        self.asked = self.asked or told["asked"]
        self._select(*told["selected"])
        self.run.failures.update(told["failures"])
        self.callback_errors += told["callback_errors"]
        self._planned.update(told["planned"])
        for name, count in told["skipped"].items():
            self._skipped[name] = self._skipped.get(name, 0) + count
        self._outdated.update(told["outdated"])

    def skipped(self, item: pytest.Item) -> None:
        """Take note of a test that skipped itself although its episode is being played."""
        if (name := self._planned.get(item.nodeid)) is not None:
            self._skipped[name] = self._skipped.get(name, 0) + 1

    def settle(self, planned: Iterable[str] | None = None) -> None:
        """Before results are counted: find out what was played, and leave out what no test stands for.

        Args:
            planned: What workers set out to play, who may not have come to report it (after Ctrl-C).
        """
        run, journal = self.run, self.run.journal
        journal.refresh()
        if planned is not None:
            self._select(*planned)
            # Beside that, what only the tests could tell of, once they ran.
            known = set(run.ids)
            others = (name for name in journal.ids() if name not in known)
            self._select(*(name for name in others if journal.get(name).started >= self._begun))
        tests = Counter(self._planned.values())
        run.selected = tuple(name for name in run.ids if self._skipped.get(name, 0) < max(1, tests[name]))
        kept = set(run.selected)
        run.failures = {name: why for name, why in run.failures.items() if name in kept}
        for name in self._outdated:
            if name in journal and journal.get(name).started < self._begun:
                journal.forget(name)

    def _select(self, *names: str) -> None:
        self.run.selected = tuple(dict.fromkeys((*self.run.ids, *names)))

    def all_callback_errors(self) -> list[str]:
        """What hooks for finished episodes raised, here and in workers."""
        return [*self.callback_errors, *(self.engine.callback_errors if self.engine is not None else [])]

    def usage(self) -> Usage:
        """What all models cost this process so far."""
        return self.resolver.models.usage()

    def strayed(self, item: pytest.Item) -> bool:
        """Whether the simulator of the item's episode did not stay with its goal."""
        return item.stash.get(_STRAYED, False)

    @cached_property
    def resolver(self) -> RoleResolver:
        """From names to roles."""
        started = datetime.fromisoformat(self._begun).timestamp()
        names = self.registry.roles()
        models = ModelManager(self.settings, names, self.run.folder, served=self._served, started=started, say=self.say)
        return RoleResolver(self.settings, self.registry, models)

    @property
    def simulator(self) -> Any:
        """What ``--ugst-sim`` names."""
        return self.resolver.simulator

    @property
    def agent(self) -> Any:
        """What ``--ugst-agent`` names."""
        return self.resolver.agent

    @property
    def judge(self) -> Any:
        """What ``--ugst-judge`` names."""
        return self.resolver.judge

    @property
    def setting(self) -> EpisodeConfig:
        """What the run is played with, apart from roles of a test's own."""
        return self.resolver.setting()

    def begin(self, items: Sequence[pytest.Item]) -> None:
        """Collection is done: check everything that can be checked before anything is spent, then start to play.

        Raises:
            UsageError: For whatever the user has to mend.
        """
        asking = [item for item in items if is_episode_item(item)]
        self.asked = bool(asking)
        self._items = self._without_skipped(asking)
        if not self._items:
            return
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
        self.resolver.require(roles)
        self.edited.require_used()
        for item in ready:
            goal = case_of(item).goal
            assert goal is not None
            self._note(goal)
        self.resolver.check_goals([case_of(item) for item in ready])
        domains = (goal.domain for item in self._items if (goal := case_of(item).goal) and goal.domain)
        data = fingerprints(domains, self.settings.data_dirs)
        if self.gate is not None:
            self.gate.check_plan(self._items, self.setting, data)
        self.run.create(self.setting, data)
        self.run.journal.refresh()
        self.resolver.start_servers(roles)
        self.engine = Scheduler(
            self.run,
            concurrency=math.ceil(self.settings.concurrency / max(1, self._workers)),
            shared=self._workers > 0,
            stop_note=self._stop_note,
            on_finished=self._finished,
            closing=self.resolver.models.close,
        )
        self.engine.call(self.resolver.preflight(roles))
        plans = [self._plan(case_of(item), self.setting) for item in ready]
        self._planned = {item.nodeid: plan.id for item, plan in zip(ready, plans, strict=True)}
        self._select(*(plan.id for plan in plans))
        if plans:
            cast = self.resolver.cast()
            for plan in plans:
                self._start(plan, cast)

    def _without_skipped(self, items: Sequence[pytest.Function]) -> list[pytest.Function]:
        """The tests that are played: not those that are skipped for certain, nor files nobody named can play.

        The latter only where they ask for that by their marker.
        """
        left = []
        files: dict[Path, list[pytest.Function]] = {}
        for item in items:
            if not is_sure_to_skip(item):
                left.append(item)
                if case_of(item).optional and case_of(item).goal is not None:
                    files.setdefault(item.path, []).append(item)
            elif case_of(item).skip and (mark := item.get_closest_marker("skip")) is not None:
                self._skip(item, str(mark.kwargs["reason"]))
        for optional in files.values():
            if (why := self._why_not(optional)) is not None:
                for item in optional:
                    self._skip(item, why)
                    item.add_marker(pytest.mark.skip(reason=why))
        return [item for item in left if item.get_closest_marker("skip") is None]

    def _skip(self, item: pytest.Function, why: str) -> None:
        self.skips[item.path.name, why] = self.skips.get((item.path.name, why), 0) + 1

    def _why_not(self, items: Sequence[pytest.Function]) -> str | None:
        lacks: set[tuple[str, str]] = set()
        try:
            for item in items:
                case = case_of(item)
                assert case.goal is not None
                lacks.update(lacking(case.goal, case.max_turns, self.resolver, overridden(item)))
        except DataMissingError as error:
            return str(error)
        return remedy(lacks) if lacks else None

    def _note(self, goal: Goal) -> None:
        """One id, one goal: episodes are told apart by it."""
        other = self._goals.setdefault(goal.id, goal)
        if other != goal and other.model_dump() != goal.model_dump():
            raise UsageError(
                f"{goal.source or goal.id}: id: {goal.id!r} is also the id of another goal "
                f"({other.source or 'given in a test'}); give each goal its own"
            )

    def _start(self, plan: EpisodeSpec, cast: RoleSet) -> None:
        """Have an episode played, unless a resumed run holds one that will do.

        Played again is what broke off or lacks a verdict, and what was played for another version of the goal. Which
        answers of models are still good, the response cache knows.
        """
        assert self.engine is not None
        journal = self.run.journal
        if self.settings.resume and plan.id in journal and not self.engine.known(plan.id):
            there = journal.get(plan.id)
            before = there.started < self._begun  # else another process of this session has played it just now
            if before and not _as_planned(there, plan):
                self._outdated.add(plan.id)
                journal.forget(plan.id)
        self.engine.start(plan, cast)

    def _plan(self, case: GoalCase, setting: EpisodeConfig, name: str = "", goal: Goal | None = None) -> EpisodeSpec:
        played = goal or case.goal
        assert played is not None
        max_turns = played.max_turns or case.max_turns
        return EpisodeSpec(episode_id(played.id, case.trial, name), played, case.trial, setting, max_turns)

    def episode(
        self, request: pytest.FixtureRequest, case: GoalCase, goal: Goal, simulator: Any, agent: Any, judge: Any
    ) -> Episode:
        """The episode a test asks for; waits until it is played."""
        if self.engine is None:
            raise UsageError("episodes are played only for tests that request the fixture 'episode' directly")
        cast, setting, names = self.resolver.cast_with(simulator, agent, judge)
        name = cast_name(names, request.node)
        plan = self._plan(case, setting, name, goal)
        if not self.engine.known(plan.id):
            self._begin_late(plan, cast)
            self._start_peers(request.node, cast, setting, name)
        try:
            episode = self.engine.wait(plan.id, self.tick)
        finally:
            if self.waited is not None:
                self.waited()
        request.node.stash[_STRAYED] = not episode.succeeded
        rates = {state.component.id: state.label for state in episode.final_state}
        request.node.user_properties.append(("ugst_episode", episode.id))
        request.node.user_properties.append(("ugst_stop", str(episode.conversation.stop)))
        request.node.user_properties.append(("ugst_statuses", " ".join(f"{k}={v}" for k, v in rates.items())))
        return episode

    def _begin_late(self, plan: EpisodeSpec, cast: RoleSet) -> None:
        """Start an episode that only a running test could tell of."""
        self._note(plan.goal)
        self.run.selected = (*self.run.ids, plan.id)
        self._start(plan, cast)

    def _start_peers(self, item: pytest.Function, cast: RoleSet, setting: EpisodeConfig, name: str) -> None:
        """Start the other tests' episodes that are played by the same overriding fixtures, which now have a value."""
        assert self.engine is not None
        mine = role_fixtures(item)
        if "goal" in mine or any(d.scope == "function" for d in mine.values()):
            return
        place = origin(item, mine)
        for other in self._items:
            same_scope = all(d.scope != "class" or other.cls is item.cls for d in mine.values()) and all(
                d.scope not in ("module", "package") or other.path == item.path for d in mine.values()
            )
            case = case_of(other)
            if other is item or not same_scope or case.goal is None or role_fixtures(other) != mine:
                continue
            plan = self._plan(case, setting, name)
            if origin(other, mine) != place:
                continue
            self._planned[other.nodeid] = plan.id
            if not self.engine.known(plan.id):
                self._begin_late(plan, cast)

    def close(self, *, cancel: bool) -> None:
        """Stop playing and let go of everything; harmless if nothing was begun."""
        if self.engine is not None:
            self.engine.close(cancel=cancel)
        if "resolver" in self.__dict__:
            self.resolver.models.stop_servers()


def _as_planned(episode: Episode, plan: EpisodeSpec) -> bool:
    """Whether an episode of a resumed run can stand for one that is planned now."""
    whole = not episode.broken_off and not any(state.error for state in episode.final_state)
    there, here = episode.goal.model_dump(), plan.goal.model_dump()
    if here["components"] is None:  # they were a model's work
        del there["components"], here["components"]
    return whole and there == here and episode.max_turns == plan.max_turns
