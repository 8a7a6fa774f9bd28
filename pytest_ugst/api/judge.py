"""Judging conversations that exist already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Unpack

from pytest_ugst.api.job import Job
from pytest_ugst.api.options import PlayOptions, Register, make_options, make_registry
from pytest_ugst.api.progress import reporting
from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.engine.batch import record
from pytest_ugst.engine.judging import judge_conversation
from pytest_ugst.engine.spec import episode_id
from pytest_ugst.llm.usage_meter import begin_episode
from pytest_ugst.recordings.messages import conversation_from_messages
from pytest_ugst.roles.batch import make_resolver
from pytest_ugst.roles.capabilities import missing_for_judging
from pytest_ugst.runs.names import new_name
from pytest_ugst.runs.run import StoredRun
from pytest_ugst.utils.concurrency import bounded_gather

if TYPE_CHECKING:
    from pytest_ugst.api.run import Run
    from pytest_ugst.engine.spec import RoleSet
    from pytest_ugst.roles.resolver import RoleResolver

Recorded = Episode | tuple[Goal, Conversation | Sequence[Mapping[str, Any]]]
"""A conversation with its goal: an episode, or a goal with a conversation or its chat completions messages."""

_OPTIONS = {"judge": "judge", "decomposer": "decomposer"}
_RECORDED = "recorded"
"""The name of simulator and agent of a conversation that was not played here."""


def judge(
    conversations: Iterable[Recorded],
    *,
    judge: Any = "checks",
    register: Register | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    **options: Unpack[PlayOptions],
) -> Run:
    """Judge conversations that exist already, turn by turn, as they would have been judged while they were played.

    The run is kept in a folder under ``.ugst/runs``; its episodes hold the goal state after every turn.

    Args:
        conversations: Each with its goal: episodes (of any run), or pairs of a :class:`Goal` and a
            :class:`Conversation` or a list of chat completions messages. A goal without components is decomposed by the
            model that ``decomposer`` names, or by the judge's model.
        judge: The judge, in any of the forms that the fixture of this name may return: a name as for ``--ugst-judge``,
            an object of the protocol, or a function ``f(component, conversation, turn)``.
        register: As for :func:`simulate`.
        on_progress: Called after each conversation with the number of conversations that are done, and of all; unless
            given, a line on standard error.
        options: As for :func:`simulate`.

    Returns:
        The run, to be awaited where an event loop is running.

    Raises:
        UsageError: For what the user has to mend, before anything is judged.
        UgstError: If the judge can't be reached at all; what was judged is kept.

    Example:
        >>> import pytest_ugst as ugst
        >>> tea = ugst.Component(
        ...     id="p", category="policy", text="Always say please.", check={"every": {"user_says": "please"}}
        ... )
        >>> goal = ugst.Goal(id="tea", text="Order tea. Always say please.", components=[tea])
        >>> messages = [
        ...     {"role": "user", "content": "A tea, please."},
        ...     {"role": "assistant", "content": "Large or small?"},
        ...     {"role": "user", "content": "Large."},
        ... ]
        >>> (episode,) = ugst.judge([(goal, messages)])
        >>> [state["p"].label for state in episode.states]
        ['ALIGNED', 'ALIGNED', 'MISALIGNED']
    """
    settings = make_options(options, judge=judge)
    registry = make_registry(settings, register)
    resolver = make_resolver(settings, registry, "judge")
    found = _episodes(conversations)
    if not found:
        raise UsageError("there is no conversation to judge; give episodes, or pairs of a goal and a conversation")
    stored = StoredRun(settings.home / "runs" / new_name())
    return _Judging(stored, resolver, judge, found, on_progress).start()


class _Judging(Job):
    """Conversations to judge."""

    def __init__(
        self,
        stored: StoredRun,
        resolver: RoleResolver,
        judge: Any,
        episodes: Sequence[Episode],
        on_progress: Callable[[int, int], None] | None,
    ) -> None:
        super().__init__(stored, resolver, ["judge"] if isinstance(judge, str) else [])
        self._judge = judge
        self._episodes = episodes
        self._on_progress = on_progress

    def check(self) -> None:
        self.require_decomposer(episode.goal for episode in self._episodes)
        for episode in self._episodes:
            self.resolver.checks.validate(episode.goal)
            if isinstance(self._judge, str):
                for missing in missing_for_judging(episode.goal, self.resolver, _OPTIONS):
                    raise UsageError(missing.message)

    async def fill(self, resolver: RoleResolver) -> None:
        # Nobody plays, but a set of roles is whole.
        roles, config, _ = resolver.role_set_with(
            resolver.simulator, resolver.agent, resolver.role("judge", self._judge)
        )
        config = config.model_copy(update={"simulator": _RECORDED, "agent": _RECORDED})
        self.stored.create(config)
        self.stored.selected = tuple(episode.id for episode in self._episodes)

        async def judge_one(episode: Episode) -> None:
            await record(self.stored, episode.id, _judged(episode, roles, config))

        with reporting(self._on_progress, "conversations judged") as report:
            await bounded_gather(self._episodes, judge_one, resolver.settings.concurrency, report)


def _episodes(conversations: Iterable[Recorded]) -> list[Episode]:
    """Return conversations as episodes without verdicts; several about one goal are its trials."""
    seen: Counter[str] = Counter()
    goals: dict[str, Goal] = {}
    found = []
    for number, one in enumerate(conversations, 1):
        if isinstance(one, Episode):
            goal, conversation = one.goal, one.conversation
        elif isinstance(one, tuple) and len(one) == 2 and isinstance(one[0], Goal):
            goal = one[0]
            conversation = one[1] if isinstance(one[1], Conversation) else conversation_from_messages(one[1])
        else:
            raise UsageError(
                f"conversation {number} is a {type(one).__name__}; give an Episode, or a pair of a Goal and a "
                "Conversation or a list of messages"
            )
        if _content(goals.setdefault(goal.id, goal)) != _content(goal):
            raise UsageError(f"conversation {number}: another goal has the id {goal.id!r} as well; give each its own")
        seen[goal.id] += 1
        found.append(
            Episode(
                id=episode_id(goal.id, seen[goal.id]),
                goal=goal,
                trial=seen[goal.id],
                setting=EpisodeConfig(simulator=_RECORDED, agent=_RECORDED, judge=""),
                max_turns=max(1, len(conversation.turns)),
                conversation=conversation,
            )
        )
    return found


def _content(goal: Goal) -> dict[str, Any]:
    """Return what a goal is, wherever it comes from."""
    return goal.model_dump(exclude={"source"})


async def _judged(episode: Episode, roles: RoleSet, config: EpisodeConfig) -> Episode:
    """Return an episode with its verdicts."""
    meter = begin_episode(f"{config.seed}.{episode.trial}")
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    goal = episode.goal
    if goal.components is None:
        assert roles.decompose is not None  # checked before anything was spent
        goal = await roles.decompose(goal)
    judged = await judge_conversation(goal.components or (), episode.conversation, roles.judge, roles.checks)
    more = {"goal": goal, "setting": config, "started": started, "usage": meter.by_role()}
    return episode.model_copy(update={**more, **judged._asdict()})
