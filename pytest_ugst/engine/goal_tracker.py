"""The goal tracker: has every sub-component judged after every turn, beside the conversation where nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pytest_ugst.core.chat import ChatUnavailableError
from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Component
from pytest_ugst.core.goal_state import GoalState
from pytest_ugst.core.protocols import Judge
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.judges.checks import ChecksJudge


class GoalTracker:
    """The goal state of one episode, kept up to date.

    Turns are judged one after the other, since a sub-component that has reached its last status is not judged again;
    the sub-components of one turn are judged concurrently.
    """

    def __init__(self, components: Sequence[Component], judge: Judge, checks: ChecksJudge) -> None:
        """Start with nothing judged.

        Args:
            components: The goal's sub-components.
            judge: Judges those whose status no check decides.
            checks: Judges the others, and gives second opinions where checks stand beside the judge.
        """
        self._components = tuple(components)
        self._judge = judge
        self._checks = checks
        self._verdicts: list[Verdict] = []
        self._last: asyncio.Task[None] | None = None
        self._turns = 0

    def turn(self, conversation: Conversation) -> None:
        """Start judging the conversation's last turn; returns at once.

        Raises:
            ChatUnavailableError: If a judge was found to be out of reach: no use in going on with the conversation.
            UsageError: Likewise, for what the user has to mend.
        """
        if self._last is not None and self._last.done():
            self._last.result()
        self._turns = len(conversation.turns)
        self._last = asyncio.create_task(self._judge_turn(conversation, self._turns, self._last))

    async def state(self) -> GoalState:
        """Return the goal state after the last turn, once that turn is judged."""
        if self._last is not None:
            await self._last
        return GoalState.fold(self._components, self._verdicts, self._turns)

    async def finish(self, conversation: Conversation) -> tuple[Verdict, ...]:
        """Return all verdicts, ordered by turn and component, once the whole conversation is judged."""
        state = await self.state()
        if conversation.turns:
            checked = [c for c in state.open() if self._checks.decides(c, self._judge)]
            self._verdicts += self._checks.finish(checked, conversation)
        order = {component.id: i for i, component in enumerate(self._components)}
        return tuple(sorted(self._verdicts, key=lambda v: (v.turn, order[v.component])))

    def second_opinions(self, conversation: Conversation) -> tuple[Verdict, ...]:
        """Return the verdicts of the checks that stand beside the judge on the whole conversation."""
        beside = [c for c in self._components if self._checks.stands_beside(c, self._judge)]
        return self._checks.judge_whole(beside, conversation)

    def cancel(self) -> None:
        """Cancel what is still being judged."""
        if self._last is not None:
            self._last.cancel()
            # Retrieve the exception, since nobody will ask for the result.
            self._last.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _judge_turn(self, conversation: Conversation, turn: int, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await before
        open_ones = GoalState.fold(self._components, self._verdicts, turn - 1).open()
        checked = [c for c in open_ones if self._checks.decides(c, self._judge)]
        judged = [c for c in open_ones if not self._checks.decides(c, self._judge)]
        parts = [self._ask(self._checks, checked, conversation, turn)] if checked else []
        parts += [self._ask(self._judge, judged, conversation, turn)] if judged else []
        for verdicts in await asyncio.gather(*parts):
            self._verdicts += verdicts

    @staticmethod
    async def _ask(
        judge: Judge, components: Sequence[Component], conversation: Conversation, turn: int
    ) -> Sequence[Verdict]:
        """Return at least one verdict for every sub-component, whatever the judge does."""
        problem = f"the judge {judge.name} left this sub-component out"
        wanted = {c.id for c in components}
        kept: list[Verdict] = []
        try:
            returned = await judge.judge(components, conversation, turn)
            kept = [v for v in returned if v.component in wanted and v.turn == turn]
        except (ChatUnavailableError, UsageError):
            raise
        except Exception as error:  # anyone's judge may be plugged in: its failure is a missing verdict, no crash
            problem = f"the judge {judge.name} failed: {type(error).__name__}: {error}"
        missing = wanted - {v.component for v in kept}
        absent = [Verdict(component=c, turn=turn, error=problem, by=judge.name) for c in sorted(missing)]
        return [*kept, *absent]
