"""The rule-based agent of the concierge domain: no model, the same answers every time.

It reads the user's words slot by slot (:mod:`pytest_ugst.agents.rules.nlu`), keeps a list of the user's tasks
(:mod:`pytest_ugst.agents.rules.state_tracking`), and carries them out one by one with the domain's tools
(:mod:`pytest_ugst.agents.rules.policy`). It says nothing that a tool did not return, and books only what the user said
yes to or named.
"""

from __future__ import annotations

from pytest_ugst.agents.rules import nlg
from pytest_ugst.agents.rules.memory import Memory, Task
from pytest_ugst.agents.rules.nlu import UtteranceMeaning, understand
from pytest_ugst.agents.rules.policy import RulesPolicy
from pytest_ugst.agents.rules.state_tracking import update_tasks
from pytest_ugst.agents.rules.tool_calls import ToolClient
from pytest_ugst.core.conversation import Conversation
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.protocols import AgentTurn, Session
from pytest_ugst.core.registry import RoleContext

_NOTES = "rules"
"""The key of the memory in a session's notes."""
_REQUIRED_TOOLS = frozenset({"search_restaurants", "search_trains", "get_details", "book_restaurant", "change_booking"})


class RulesAgent:
    """The rule-based agent. It serves any number of conversations; their memories are in ``session.notes``."""

    name = "rules"

    def require(self, session: Session) -> None:
        """Check that this agent can work in a session.

        Raises:
            UsageError: If the session lacks the concierge's tools.
        """
        if not {tool.name for tool in session.tools} >= _REQUIRED_TOOLS:
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
        tool_client = ToolClient(session, memory)
        text = _answer(memory, tool_client, conversation.turns[-1].user)
        return AgentTurn(text=text, tool_calls=tuple(tool_client.calls))


def make(argument: str | None, context: RoleContext) -> RulesAgent:
    """Make what ``--ugst-agent=rules`` names.

    Args:
        argument: None; the agent takes no argument.
        context: Not needed: the agent talks to no model.

    Raises:
        UsageError: If there is an argument.
    """
    if argument:
        raise UsageError(f"the agent 'rules' takes no argument; got {argument!r}")
    return RulesAgent()


def _answer(memory: Memory, tool_client: ToolClient, utterance: str) -> str:
    meaning = understand(utterance)
    memory.turns += 1
    requested = memory.requested
    touched = update_tasks(memory, meaning)
    policy = RulesPolicy(memory, tool_client)
    sentences: list[str] = []
    if "hello" in meaning.intents and memory.turns == 1:
        sentences.append("Hello!")
    wants_recap = "repeat" in meaning.intents and bool(memory.bookings)
    if wants_recap or any("reference" in s.requests for s in meaning.segments):
        sentences += policy.restate()
    if not touched:
        if sentences[-1:] not in ([], ["Hello!"]):
            return " ".join((*sentences, _anything_else(memory)))
        return _answer_without_task(memory, meaning, sentences, requested)
    about_tasks = _carry_out(memory, policy, leaving="closing" in meaning.intents)
    sentences += about_tasks
    if not about_tasks or (not memory.requested and not sentences[-1].endswith("?")):
        sentences.append(_close(memory) if "closing" in meaning.intents else _anything_else(memory))
    return " ".join(sentences)


def _carry_out(memory: Memory, policy: RulesPolicy, leaving: bool) -> list[str]:
    """Carry out the current task, and go on to the next ones for as long as nothing has to be asked.

    Args:
        memory: The state of the conversation.
        policy: Carries out a task.
        leaving: Whether the user says goodbye; if so, no other task is taken up.
    """
    sentences: list[str] = []
    while True:
        task = memory.current
        if task is not None and not task.settled:
            sentences += policy.act(task)
            if not task.settled:
                return sentences
        following = next((t for t in memory.tasks if not t.settled and t is not task), None)
        if following is None or leaving:
            return sentences
        sentences.append(_announce(following))
        memory.current = following


def _announce(task: Task) -> str:
    """Return the words by which the agent turns to a task."""
    if task.action != "search":
        return "Now for your booking."
    return f"Now for the {nlg.noun(task.kind, task.constraints)}."


def _answer_without_task(
    memory: Memory, meaning: UtteranceMeaning, sentences: list[str], requested: tuple[str, ...]
) -> str:
    """Return the answer to an utterance that is about no task.

    Args:
        memory: The state of the conversation.
        meaning: The meaning of the utterance.
        sentences: What to say before.
        requested: What the last answer asked for.
    """
    intents = meaning.intents
    open_task = memory.current is not None and not memory.current.settled
    if "closing" in intents or ("thanks" in intents and not open_task and "question" not in intents):
        return " ".join((*sentences, _close(memory)))
    if open_task and "no" not in intents:
        memory.requested = requested
        return " ".join((*sentences, f"I'm sorry, I didn't catch that. {_ask_again(memory, requested)}"))
    if intents & {"no", "thanks"}:
        return " ".join((*sentences, _close(memory)))
    if sentences:
        return f"Hello, and welcome to Quillhaven! {nlg.HELP} What can I do for you?"
    return f"I'm sorry, I didn't catch that. {nlg.HELP}"


def _ask_again(memory: Memory, requested: tuple[str, ...]) -> str:
    """Return the open question once more."""
    task = memory.current
    assert task is not None
    if "offer" in requested and task.offer:
        return f"Shall I book {task.offer} for you, or look for something else?"
    if requested and set(requested) <= {"day", "time", "nights", "people"}:
        return nlg.question(requested, task.kind)
    if requested[:1] == ("drop",):
        return nlg.loosen(requested[1])
    if requested == ("reference",):
        return "What is the reference of your booking?"
    return nlg.HELP


def _anything_else(memory: Memory) -> str:
    memory.requested = ()
    return nlg.ANYTHING_ELSE[memory.turns % len(nlg.ANYTHING_ELSE)]


def _close(memory: Memory) -> str:
    memory.requested = ()
    return nlg.CLOSING[memory.turns % len(nlg.CLOSING)]
