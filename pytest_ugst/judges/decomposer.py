"""Decomposition of goals into sub-components with a language model.

After appendix C of "Goal Alignment in LLM-Based User Simulators for Conversational AI".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ugst.core.chat import AnswerError
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import Category
from pytest_ugst.judges.answers import Decomposition
from pytest_ugst.judges.transcript import as_data
from pytest_ugst.prompts.loader import Prompts

if TYPE_CHECKING:
    from pytest_ugst.core.chat import Chat, Message


_LONGEST = 20_000  # characters a sub-component may hold


async def decompose(chat: Chat, goal: Goal, prompts: Prompts) -> Goal:
    """Have a model decompose a goal into sub-components.

    Args:
        chat: The model.
        goal: A goal; components it already has are replaced.
        prompts: Templates of the instructions.

    Returns:
        The goal with components, with ids like those of a goal file: ``profile-1``, ``policy-1``, ``task-1``,
        ``task-1.requirement-1``, ``task-1.preference-1``.

    Raises:
        AnswerError: If the model finds no part in the goal, asked twice, or does not keep to the form.
        ChatError: If there is no answer.
    """
    messages: list[Message] = [
        {"role": "system", "content": prompts.fill("decomposer_rules")},
        {"role": "user", "content": prompts.fill("decomposer_goal", goal=as_data(goal.text))},
    ]
    components = without_inventions(to_components((await chat.parse(messages, Decomposition)).value), goal.text)
    if not components:
        last = str(messages[-1].get("content"))
        messages[-1] = {"role": "user", "content": f"{last}\n\n{prompts.fill('decomposer_again')}"}
        components = without_inventions(to_components((await chat.parse(messages, Decomposition)).value), goal.text)
    if not components:
        raise AnswerError(f"the model {chat.name!r} found no sub-component in the goal {goal.id!r}, asked twice")
    fields = {name: getattr(goal, name) for name in type(goal).model_fields}
    return Goal(**{**fields, "components": components})


def without_inventions(components: tuple[Component, ...], text: str) -> tuple[Component, ...]:
    """Return the sub-components that have at least one word in common with the goal.

    Small models copy parts of the prompt's example into goals that say nothing of the kind. An objective stays for the
    sake of what belongs to it. Words count from three letters on, by their first five, so that endings don't matter.

    Args:
        components: The sub-components.
        text: The text of the goal.
    """
    goal_stems = _stems(text)

    def grounded(component: Component) -> bool:
        stems = _stems(component.text)
        return not stems or bool(stems & goal_stems)

    kept = {c.id for c in components if grounded(c)}
    kept |= {c.parent for c in components if c.id in kept and c.parent is not None}
    return tuple(c for c in components if c.id in kept)


_EMPTY = frozenset({"and", "are", "for", "from", "have", "not", "that", "the", "this", "want", "with", "you", "your"})


def _stems(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"[^\W_]{3,}", text.casefold()) if word not in _EMPTY}


def to_components(answer: Decomposition) -> tuple[Component, ...]:
    """Return sub-components in the order of a goal file; empty and repeated texts are left out."""
    made: list[Component] = []

    def add(texts: list[str], category: Category, prefix: str, parent: str | None = None) -> None:
        unique = dict.fromkeys(stripped for raw in texts if (stripped := raw.strip()))
        for number, text in enumerate(unique, 1):
            made.append(Component(id=f"{prefix}-{number}", category=category, text=text[:_LONGEST], parent=parent))

    add(answer.user_profile, Category.PROFILE, "profile")
    add(answer.user_policy, Category.POLICY, "policy")
    number = 0
    for objective in answer.task_objectives:
        text = objective.task_objective.strip()
        requirements = [stripped for raw in objective.requirements if (stripped := raw.strip())]
        preferences = [stripped for raw in objective.preferences if (stripped := raw.strip())]
        if not text and requirements + preferences:
            # A task without a name is still a task; nothing of the goal may get lost.
            text = (requirements or preferences).pop(0)
        if not text:
            continue
        number += 1
        task = f"task-{number}"
        made.append(Component(id=task, category=Category.OBJECTIVE, text=text[:_LONGEST]))
        add(requirements, Category.REQUIREMENT, f"{task}.requirement", task)
        add(preferences, Category.PREFERENCE, f"{task}.preference", task)
    return tuple(made)
