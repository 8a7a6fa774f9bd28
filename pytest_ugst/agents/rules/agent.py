"""The rule-based agent of the concierge domain: no model, the same answers every time.

It reads the user's words slot by slot (:mod:`pytest_ugst.agents.rules.nlu`), keeps a list of what the user wants
(:mod:`pytest_ugst.agents.rules.state_tracking`), and works it off one by one with the domain's tools
(:mod:`pytest_ugst.agents.rules.policy`). It says nothing that a tool did not return, and books only what the user said
yes to or named.
"""

from __future__ import annotations

from pytest_ugst.agents.rules import nlg as say
from pytest_ugst.agents.rules.memory import Memory, Task
from pytest_ugst.agents.rules.nlu import UtteranceMeaning, understand
from pytest_ugst.agents.rules.policy import Worker
from pytest_ugst.agents.rules.state_tracking import take_in
from pytest_ugst.agents.rules.tool_calls import ToolClient
from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.protocols import AgentTurn, Session
from pytest_ugst.core.registry import RoleContext

_NOTES = "rules"
_NEEDED = frozenset({"search_restaurants", "search_trains", "get_details", "book_restaurant", "change_booking"})


class RulesAgent:
    """Serves any number of conversations; what it remembers is in ``session.notes``."""

    name = "rules"

    def require(self, session: Session) -> None:
        """Make sure that this agent can work in a session.

        Raises:
            UsageError: If the session lacks the concierge's tools.
        """
        if not {tool.name for tool in session.tools} >= _NEEDED:
            raise UsageError(
                "the agent 'rules' only works in the domain 'concierge'; "
                "name another agent with --ugst-agent, or set 'domain: concierge' in the goal"
            )

    async def respond(self, conversation: Conversation, session: Session) -> AgentTurn:
        """Answer the last turn.

        Raises:
            UsageError: If the session lacks the concierge's tools.
        """
        memory = session.notes.get(_NOTES)
        if memory is None:
            self.require(session)
            memory = session.notes[_NOTES] = Memory()
        desk = ToolClient(session, memory)
        text = _answer(memory, desk, conversation.turns[-1].user)
        return AgentTurn(text=text, tool_calls=tuple(desk.calls))


def make(argument: str | None, context: RoleContext) -> RulesAgent:
    """For the registry; takes no argument.

    Raises:
        UsageError: If there is an argument.
    """
    if argument:
        raise UsageError(f"the agent 'rules' takes no argument; got {argument!r}")
    return RulesAgent()


def _answer(memory: Memory, desk: ToolClient, utterance: str) -> str:
    heard = understand(utterance)
    memory.turns += 1
    asked = memory.asked
    touched = take_in(memory, heard)
    worker = Worker(memory, desk)
    said: list[str] = []
    if "hello" in heard.intents and memory.turns == 1:
        said.append("Hello!")
    wants_recap = "repeat" in heard.intents and bool(memory.bookings)
    if wants_recap or any("reference" in s.asks for s in heard.stretches):
        said += worker.restate()
    if not touched:
        if said[-1:] not in ([], ["Hello!"]):
            return " ".join((*said, _else(memory)))
        return _small_talk(memory, heard, worker, said, asked)
    work = _work_off(memory, worker, going="closing" in heard.intents)
    said += work
    if not work or (not memory.asked and not said[-1].endswith("?")):
        said.append(_close(memory) if "closing" in heard.intents else _else(memory))
    return " ".join(said)


def _work_off(memory: Memory, worker: Worker, going: bool) -> list[str]:
    """Work at the current task, and go on to the next ones for as long as nothing has to be asked."""
    said: list[str] = []
    while True:
        task = memory.current
        if task is not None and not task.settled:
            said += worker.work(task)
            if not task.settled:
                return said
        following = next((t for t in memory.tasks if not t.settled and t is not task), None)
        if following is None or going:
            return said
        said.append(_turn_to(following))
        memory.current = following


def _turn_to(task: Task) -> str:
    if task.action != "search":
        return "Now for your booking."
    return f"Now for the {say.noun(task.kind, task.wishes)}."


def _small_talk(
    memory: Memory, heard: UtteranceMeaning, worker: Worker, said: list[str], asked: tuple[str, ...]
) -> str:
    """The utterance asks for nothing."""
    said_so = heard.intents
    open_task = memory.current is not None and not memory.current.settled
    if "closing" in said_so or ("thanks" in said_so and not open_task and "question" not in said_so):
        return " ".join((*said, _close(memory)))
    if open_task and "no" not in said_so:
        memory.asked = asked
        return " ".join((*said, f"I'm sorry, I didn't catch that. {_again(memory, asked)}"))
    if said_so & {"no", "thanks"}:
        return " ".join((*said, _close(memory)))
    if said:
        return f"Hello, and welcome to Quillhaven! {say.HELP} What can I do for you?"
    return f"I'm sorry, I didn't catch that. {say.HELP}"


def _again(memory: Memory, asked: tuple[str, ...]) -> str:
    """Put the open question again."""
    task = memory.current
    assert task is not None
    if "offer" in asked and task.offer:
        return f"Shall I book {task.offer} for you, or look for something else?"
    if asked and set(asked) <= {"day", "time", "nights", "people"}:
        return say.question(asked, task.kind)
    if asked[:1] == ("drop",):
        return say.loosen(asked[1])
    if asked == ("reference",):
        return "What is the reference of your booking?"
    return say.HELP


def _else(memory: Memory) -> str:
    memory.asked = ()
    return say.ANYTHING_ELSE[memory.turns % len(say.ANYTHING_ELSE)]


def _close(memory: Memory) -> str:
    memory.asked = ()
    return say.CLOSING[memory.turns % len(say.CLOSING)]
