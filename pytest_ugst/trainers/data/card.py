"""The card of a data folder: Markdown for people, made from what ``data.json`` records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ugst.core.text import plain
from pytest_ugst.trainers.common.markdown import facts_table

if TYPE_CHECKING:
    from pytest_ugst.trainers.data.examples import Example
    from pytest_ugst.trainers.data.folder import DataInfo

_GOALS_SHOWN = 40


def data_card(info: DataInfo, sample: Example | None) -> str:
    """Return the ``README.md`` of a data folder.

    Args:
        info: The folder's ``data.json``.
        sample: An example to show.
    """
    who = "a user simulator" if info.kind == "simulator" else "a judge of user simulators"
    lines = [
        f"# Training data for {who}",
        "",
        f"Made by pytest-ugst {info.version} on {info.created[:10]}. Rows are in the conversational prompt-completion "
        "format: the prompt is what the model gets in play, unsteered; the completion is what it is to say.",
        "",
    ]
    lines += facts_table({"prompts": info.prompts, "reasoning": _reasoning(info), "seed": info.seed, **info.settings})
    lines += ["## Counts", "", *facts_table(info.counts)]
    for part, goals in info.goals.items():
        shown = ", ".join(goals[:_GOALS_SHOWN]) + (
            f" and {len(goals) - _GOALS_SHOWN} more" if len(goals) > _GOALS_SHOWN else ""
        )
        lines += [f"## Goals of the {part} part ({len(goals)})", "", shown or "none", ""]
    if sample is not None:
        lines += ["## A row", "", "```text", _fenced(render_example(sample)), "```", ""]
    lines += [
        "## Files",
        "",
        "`train.jsonl`, `eval.jsonl` (goals held out): the rows. `episodes.jsonl`: the episodes they come from, in the "
        "format of pytest-ugst's journals. `prompts/`: the simulator's prompts. `data.json`: all of the above for "
        "programs. `hf/train`, `hf/eval`: the rows for `datasets.load_from_disk`.",
        "",
    ]
    return "\n".join(lines)


def render_example(example: Example) -> str:
    """Return an example for reading: every message under its role, the completion last."""
    parts = [f"[{m.role}]\n{m.content}" for m in example.prompt]
    heading = f"[target: {example.goal}, trial {example.trial}, turn {example.turn}]"
    return plain("\n\n".join([*parts, f"{heading}\n{example.completion_text}"]))


def _reasoning(info: DataInfo) -> str:
    form = "`<think>`, reasoning, `</think>`, utterance" if info.reasoning == "think" else "none"
    return f"{form} ({info.traces})" if info.traces else form


def _fenced(text: str) -> str:
    return text.replace("```", "'''")
