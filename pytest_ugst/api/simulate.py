"""Playing goals without pytest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from pytest_ugst.api.job import Job
from pytest_ugst.api.options import PlayOptions, Register, listed_tags, make_options, make_registry
from pytest_ugst.api.progress import reporting
from pytest_ugst.api.run import Run
from pytest_ugst.core.errors import UsageError
from pytest_ugst.domains.fingerprint import fingerprints
from pytest_ugst.engine.batch import run_episodes
from pytest_ugst.engine.spec import cases, make_specs
from pytest_ugst.roles.batch import make_resolver
from pytest_ugst.roles.capabilities import require_capabilities
from pytest_ugst.roles.goal_lookup import find_goals
from pytest_ugst.roles.resolver import ROLES
from pytest_ugst.runs.names import new_name
from pytest_ugst.runs.run import StoredRun, find_run

if TYPE_CHECKING:
    from pytest_ugst.core.goal import Goal
    from pytest_ugst.roles.resolver import RoleResolver


def simulate(
    goals: Any,
    *,
    simulator: Any = "agenda",
    agent: Any = "rules",
    judge: Any = "checks",
    split: str | None = None,
    tags: Collection[str] = (),
    register: Register | None = None,
    resume: str | Path | Run | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    **options: Unpack[PlayOptions],
) -> Run:
    """Let a user simulator talk to an agent about goals, and track the goal state after every turn.

    The run is kept in a folder under ``.ugst/runs``, as those of pytest are: ``ugst show``, reports, the page and
    baselines work on it.

    Args:
        goals: The name of a goal source (``"concierge"``, ``"concierge:test"``), a goal file or a folder of them, a
            :class:`Goal`, or a list of any of these. A goal that occurs twice is played once (see ``trials``).
        simulator: The simulator under test, in any of the forms that the fixture of this name may return: a name as for
            ``--ugst-sim`` (a built-in, a model, a checkpoint folder), an object of the protocol, or a function.
        agent: The agent, likewise; names as for ``--ugst-agent``.
        judge: The judge, likewise; names as for ``--ugst-judge``. The option ``checks`` says what checks do beside it.
        split: Play the goals of this split; None plays all.
        tags: Play the goals that carry all of these.
        register: Registers simulators, agents, judges, checks, domains and goal sources of your own: called with the
            registry, as the hook ``pytest_ugst_register`` is.
        resume: A run to go on with, its name or folder, or ``"latest"``. Played is what is missing, broke off, lacks a
            verdict, or was played for another version of the goal.
        on_progress: Called after each episode with the number of episodes that are done, and of all; unless given, a
            line on standard error.
        options: Any of ``trials``, ``max_turns``, ``seed``, ``steer``, ``reasoning``, ``concurrency``, ``cache``,
            ``dir``, ``data``, ``prompts``, ``decomposer``, ``tool_rounds``, ``judge_tools`` and ``checks``, with the
            meanings of the plugin's options.

    Returns:
        The run. Where an event loop is running, as in a notebook, it has to be awaited first: ``run = await
        simulate(...)``.

    Raises:
        UsageError: For what the user has to mend, before anything is played.
        UgstError: If a model can't be reached at all; what was played is kept.

    Example:
        >>> import pytest_ugst as ugst
        >>> run = ugst.simulate("concierge:test", simulator="agenda:wrongful_termination", cache="off")
        >>> print(run.summary())  # doctest: +ELLIPSIS
          simulator                      Prof.    Pol.    T.O. ...
        >>> run.rates.columns["objective"].value < 100
        True
    """
    settings = make_options(options, sim=simulator, agent=agent, judge=judge)
    registry = make_registry(settings, register)
    found = _distinct(find_goals(goals, split, listed_tags(tags), registry=registry, folders=(Path.cwd(),)))
    resolver = make_resolver(settings, registry, "simulate")
    if resume is not None:
        stored = find_run(settings.home, str(resume.folder if isinstance(resume, Run) else resume), option="resume")
    else:
        stored = StoredRun(settings.home / "runs" / new_name())
    values = dict(zip(ROLES, (simulator, agent, judge), strict=True))
    return _Simulation(stored, resolver, values, found, on_progress).start()


def _distinct(goals: Iterable[Goal]) -> list[Goal]:
    """Return goals without repetitions.

    Raises:
        UsageError: If different goals share an id: episodes are told apart by it.
    """
    first: dict[str, Goal] = {}
    for goal in goals:
        other = first.setdefault(goal.id, goal)
        if other != goal and other.model_dump() != goal.model_dump():
            raise UsageError(
                f"{goal.source or 'goals'}: two different goals have the id {goal.id!r}; give each its own"
            )
    return list(first.values())


class _Simulation(Job):
    """Goals to play."""

    def __init__(
        self,
        stored: StoredRun,
        resolver: RoleResolver,
        values: Mapping[str, Any],
        goals: Sequence[Goal],
        on_progress: Callable[[int, int], None] | None,
    ) -> None:
        super().__init__(stored, resolver, [role for role in ROLES if isinstance(values[role], str)])
        self._values = values
        self._goals = goals
        self._cases = list(cases(goals, resolver.settings.trials, resolver.settings.max_turns))
        self._on_progress = on_progress

    def check(self) -> None:
        self.require_decomposer(self._goals)
        require_capabilities(self._cases, self.resolver, set(ROLES) - set(self.named))

    async def fill(self, resolver: RoleResolver) -> None:
        settings = resolver.settings
        roles, config, _ = resolver.role_set_with(**{role: resolver.role(role, self._values[role]) for role in ROLES})
        domains = (goal.domain for goal in self._goals if goal.domain)
        self.stored.create(config, fingerprints(domains, settings.data_dirs))
        specs = make_specs(self._cases, config)
        with reporting(self._on_progress, "episodes played") as report:
            await run_episodes(self.stored, specs, roles, settings.concurrency, report)
