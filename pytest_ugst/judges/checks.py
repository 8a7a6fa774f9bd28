"""The judge ``checks``: statuses by deterministic rules, without a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import entry_points
from typing import Any

from pytest_ugst.core.check import CHECKS, Check, CheckMode
from pytest_ugst.core.conversation import BROKEN_OFF, Conversation
from pytest_ugst.core.errors import UsageError, unknown
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.protocols import Judge
from pytest_ugst.core.registry import Names
from pytest_ugst.core.status import CHAINS, HELD, Category, Status, first_status
from pytest_ugst.core.verdict import Evidence, Verdict
from pytest_ugst.judges.conditions import PatternRefusedError, compiled, find_in_turn, find_so_far, patterns

GROUP = "pytest_ugst.checks"
"""The entry point group by which an installed package brings ``python`` checks."""

_QUOTE = 160  # characters of an utterance or an error that are quoted

PythonCheck = Callable[..., Any]
"""A check called as ``check(component, conversation, turn, **args)``; it returns a status, a verdict, or None."""


class ChecksJudge:
    """Judge of the sub-components that carry a check.

    It keeps no conversation, so that one judge serves any number of episodes.
    """

    name = CHECKS

    def __init__(self, checks: Names[PythonCheck] | None = None, mode: CheckMode = "decide") -> None:
        """Create a judge.

        Args:
            checks: The registered ``python`` checks; those of installed packages are found by their entry points.
            mode: What checks do where another judge is named.
        """
        self.mode = mode
        self._checks: Names[PythonCheck] = checks if checks is not None else Names("check")
        self._loaded: dict[str, PythonCheck] = {}

    def decides(self, component: Component, judge: Judge) -> bool:
        """Return whether a sub-component's check decides its status, and the judge is not asked.

        Where the judge is this one, checks decide. Another judge decides everything itself, unless the mode is
        ``decide``; and then still where a check says of itself that it stands ``beside`` the judge.

        Args:
            component: The sub-component, with or without a check.
            judge: The judge of what no check decides.
        """
        check = component.check
        if check is None or isinstance(judge, ChecksJudge):
            return check is not None
        return self.mode == "decide" and not check.beside

    def stands_beside(self, component: Component, judge: Judge) -> bool:
        """Return whether a sub-component's check gives a second opinion on what the judge decides."""
        return component.check is not None and self.mode != "off" and not self.decides(component, judge)

    async def judge(self, components: Sequence[Component], conversation: Conversation, turn: int) -> Sequence[Verdict]:
        """Return one verdict per component after ``turn``, in their order."""
        return self.verdicts(components, conversation, turn)

    def verdicts(self, components: Iterable[Component], conversation: Conversation, turn: int) -> list[Verdict]:
        """Return what :meth:`judge` returns, for callers without an event loop."""
        so_far = conversation.up_to(turn)
        return [self._judge(component, so_far, turn) for component in components]

    def judge_whole(self, components: Iterable[Component], conversation: Conversation) -> tuple[Verdict, ...]:
        """Judge a whole conversation: after every turn until a status is settled, and at the end.

        Args:
            components: Sub-components that carry a check.
            conversation: What was said, from the first turn to the last.
        """
        found: list[Verdict] = []
        left = tuple(components)
        for turn in range(1, len(conversation.turns) + 1):
            if not left:
                break
            found += self.verdicts(left, conversation, turn)
            left = GoalState.fold(left, found, turn).open()
        return (*found, *self.finish(left, conversation))

    def finish(self, components: Iterable[Component], conversation: Conversation) -> list[Verdict]:
        """Judge the ``once`` rules at the end of a conversation.

        Returns:
            One verdict about the last turn for every component with a ``once`` rule, but none for a rule that was not
            kept in a conversation that broke off through no fault of the simulator, and none where there is no turn.
        """
        last = len(conversation.turns)
        if last == 0:
            return []
        verdicts = []
        for component in components:
            if component.check is None or component.check.once is None:
                continue
            try:
                found = find_so_far(component.check.once, conversation)
            except PatternRefusedError as refused:
                verdicts.append(_error(component, last, str(refused)))
                continue
            if found is not None:
                verdicts.append(_verdict(component, last, Status.ALIGNED, "it happened, as the rule asks", found))
            elif conversation.stop not in BROKEN_OFF:
                words = "the conversation ended, and it never happened"
                verdicts.append(_verdict(component, last, Status.MISALIGNED, words))
        return verdicts

    def validate(self, goal: Goal, names: bool = True) -> None:
        """Check that every check of a goal can be carried out.

        Args:
            goal: The goal.
            names: Whether ``python`` checks have to be known; a conftest may still register them.

        Raises:
            UsageError: If a ``python`` check is unknown, or a pattern could run for ever.
        """
        for component in goal.components or ():
            check = component.check
            if check is None:
                continue
            where = f"{goal.source or 'goal'}: {goal.id}: {component.id}: check"
            try:
                if check.python is not None and names:
                    self._python(check.python)
                for pattern in _patterns(check):
                    compiled(pattern)
            except UsageError as error:
                raise UsageError(f"{where}: python: {error}") from None
            except PatternRefusedError as error:
                raise UsageError(f"{where}: {error}") from None

    def _python(self, name: str) -> PythonCheck:
        """Return a ``python`` check: a registered one, or that of an installed package."""
        if name in self._checks:
            return self._checks.get(name)
        if name not in self._loaded:
            installed = entry_points(group=GROUP)
            if name not in installed.names:
                raise UsageError(unknown("check", name, {*self._checks.entries, *installed.names}))
            try:
                loaded = installed[name].load()
            except Exception as error:
                raise UsageError(
                    f"the check {name!r} of an installed package does not load: {_describe(error)}"
                ) from None
            if not callable(loaded):
                raise UsageError(f"the check {name!r} of an installed package is not callable")
            self._loaded[name] = loaded
        return self._loaded[name]

    def _judge(self, component: Component, conversation: Conversation, turn: int) -> Verdict:
        check = component.check
        if check is None:
            return _error(component, turn, "it carries no check; judge it with a model")
        if not 1 <= turn <= len(conversation.turns):
            return _error(component, turn, f"there is no turn {turn}")
        try:
            if check.python is not None:
                return self._by_python(component, check, conversation, turn)
            if component.category in HELD:
                return _judge_held(component, check, conversation, turn)
            return _judge_reached(component, check, conversation, turn)
        except PatternRefusedError as refused:
            return _error(component, turn, str(refused))

    def _by_python(self, component: Component, check: Check, conversation: Conversation, turn: int) -> Verdict:
        name = check.python or ""
        try:
            answer = self._python(name)(component, conversation, turn, **check.args)
        except UsageError as error:
            return _error(component, turn, str(error))
        except Exception as error:
            return _error(component, turn, f"the check {name!r} failed: {_describe(error)}")
        if answer is None:
            return _verdict(component, turn, first_status(component.category), f"{name}: nothing new")
        if isinstance(answer, Verdict):
            if (answer.component, answer.turn) != (component.id, turn):
                return _error(component, turn, f"the check {name!r} answered about {answer.component}, {answer.turn}")
            if answer.status is None or answer.status in CHAINS[component.category]:
                return answer if answer.by else answer.model_copy(update={"by": ChecksJudge.name})
            answer = answer.status
        try:
            status = Status(answer)
        except ValueError:
            return _error(component, turn, f"the check {name!r} returned {_clip(repr(answer))}, which is no status")
        if status not in CHAINS[component.category]:
            return _error(component, turn, f"the check {name!r} returned {status} for a {component.category}")
        return _verdict(component, turn, status, f"says the check {name}")


def _judge_held(component: Component, check: Check, conversation: Conversation, turn: int) -> Verdict:
    """Judge a profile or policy by whether it is broken in this turn."""
    now = conversation.turns[turn - 1]
    if check.never is not None and (found := find_in_turn(check.never, now, turn)) is not None:
        return _verdict(
            component, turn, Status.MISALIGNED, "this must never happen", found or _whole_utterance(now.user, turn)
        )
    if check.first is not None and turn == 1 and find_in_turn(check.first, now, turn) is None:
        words = "the first turn lacks what it must have"
        return _verdict(component, turn, Status.MISALIGNED, words, _whole_utterance(now.user, turn))
    if check.every is not None and find_in_turn(check.every, now, turn) is None:
        words = "this turn lacks what every turn must have"
        return _verdict(component, turn, Status.MISALIGNED, words, _whole_utterance(now.user, turn))
    return _verdict(component, turn, Status.ALIGNED, "no rule is broken in this turn")


def _judge_reached(component: Component, check: Check, conversation: Conversation, turn: int) -> Verdict:
    """Judge an objective, requirement or preference: the highest status whose rule holds in the conversation so far."""
    ladder = (
        (check.aligned, Status.ALIGNED, "the user made the preference known"),
        (check.complete, Status.COMPLETE, "what completes it has happened"),
        (check.attempted, Status.ATTEMPTED, "it was tried, and could not be done"),
    )
    for rule, status, words in ladder:
        if rule is not None and (found := find_so_far(rule, conversation)) is not None:
            return _verdict(component, turn, status, words, found)
    words = "not made known so far" if component.category is Category.PREFERENCE else "neither done nor tried so far"
    return _verdict(component, turn, first_status(component.category), words)


def _patterns(check: Check) -> list[str]:
    """Return every regular expression in a check."""
    rules = (check.never, check.every, check.first, check.once, check.aligned, check.complete, check.attempted)
    return [pattern for rule in rules if rule is not None for pattern in patterns(rule)]


def _whole_utterance(utterance: str, turn: int) -> tuple[Evidence, ...]:
    return (Evidence(turn=turn, speaker="user", quote=_clip(" ".join(utterance.split()))),)


def _clip(text: str) -> str:
    return text if len(text) <= _QUOTE else text[: _QUOTE - 1] + "…"


def _describe(error: Exception) -> str:
    return _clip(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)


def _verdict(
    component: Component, turn: int, status: Status, reasoning: str, evidence: tuple[Evidence, ...] = ()
) -> Verdict:
    return Verdict(
        component=component.id,
        turn=turn,
        status=status,
        reasoning=reasoning,
        evidence=evidence,
        by=ChecksJudge.name,
    )


def _error(component: Component, turn: int, error: str) -> Verdict:
    return Verdict(component=component.id, turn=turn, error=error, by=ChecksJudge.name)
