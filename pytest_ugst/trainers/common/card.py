"""The cards of data folders and checkpoints: Markdown for people, made from what the folders record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_ugst.core.text import one_line, plain

if TYPE_CHECKING:
    from pytest_ugst.llm.checkpoint_info import Trained
    from pytest_ugst.trainers.data.examples import Example
    from pytest_ugst.trainers.data.folder import DataInfo

_GOALS_SHOWN = 40


def data_card(info: DataInfo, sample: Example | None) -> str:
    """The ``README.md`` of a data folder."""
    who = "a user simulator" if info.kind == "simulator" else "a judge of user simulators"
    lines = [
        f"# Training data for {who}",
        "",
        f"Made by pytest-ugst {info.version} on {info.created[:10]}. Rows are in the conversational prompt-completion "
        "format: the prompt is what the model gets in play, unsteered; the completion is what it is to say.",
        "",
    ]
    lines += _table({"prompts": info.prompts, "reasoning": _reasoning(info), "seed": info.seed, **info.settings})
    lines += ["## Counts", "", *_table(info.counts)]
    for part, goals in info.goals.items():
        shown = ", ".join(goals[:_GOALS_SHOWN]) + (
            f" and {len(goals) - _GOALS_SHOWN} more" if len(goals) > _GOALS_SHOWN else ""
        )
        lines += [f"## Goals of the {part} part ({len(goals)})", "", shown or "none", ""]
    if sample is not None:
        lines += ["## A row", "", "```text", _fenced(render_row(sample)), "```", ""]
    lines += [
        "## Files",
        "",
        "`train.jsonl`, `eval.jsonl` (goals held out): the rows. `episodes.jsonl`: the episodes they come from, in the "
        "format of pytest-ugst's journals. `prompts/`: the simulator's prompts. `data.json`: all of the above for "
        "programs. `hf/train`, `hf/eval`: the rows for `datasets.load_from_disk`.",
        "",
    ]
    return "\n".join(lines)


def _reasoning(info: DataInfo) -> str:
    form = "`<think>`, reasoning, `</think>`, utterance" if info.reasoning == "think" else "none"
    return f"{form} ({info.traces})" if info.traces else form


def render_row(row: Example) -> str:
    """A row for reading: every message under its role, the target last."""
    parts = [f"[{m.role}]\n{m.content}" for m in row.prompt]
    parts += [f"[target: {row.goal}, trial {row.trial}, turn {row.turn}]\n{row.completion_text}"]
    return plain("\n\n".join(parts))


def _fenced(text: str) -> str:
    return text.replace("```", "'''")


def _table(values: Mapping[str, Any]) -> list[str]:
    lines = ["| | |", "| --- | --- |"]
    for name, value in values.items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        lines.append(f"| {_cell(name)} | {_cell(shown)} |")
    return [*lines, ""]


def _cell(text: str) -> str:
    return one_line(str(text), 400).replace("|", "\\|").replace("<", "&lt;")


def markdown_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown, its cells made harmless."""
    lines = ["| " + " | ".join(map(_cell, headers)) + " |", "|" + " --- |" * len(headers)]
    return [*lines, *("| " + " | ".join(map(_cell, row)) + " |" for row in rows), ""]


def model_card(trained: Trained, results: Sequence[str]) -> str:
    """The ``README.md`` of a checkpoint.

    Args:
        trained: What it says of itself.
        results: Lines of a table of what was measured; empty if nothing was.
    """
    who = "user simulator" if trained.role == "simulator" else "judge of user simulators"
    think = "It thinks between `<think>` and `</think>` before it speaks. " if trained.reasoning == "think" else ""
    lines = [
        "---",
        "tags: [pytest-ugst, user-simulator]",
        "---",
        f"# A {who}",
        "",
        f"Trained with pytest-ugst. {think}`ugst.json` holds what is needed to play it as it was trained: "
        "`pytest suites --ugst-sim=PATH` uses it by itself.",
        "",
        *_table({"prompts": trained.prompts, "sampling": trained.sampling}),
        "## Lineage",
        "",
    ]
    for number, step in enumerate(trained.lineage, 1):
        lines += [f"{number}. **{_cell(step.method)}** of `{_cell(step.base)}`", ""]
        facts = {
            "data": f"{step.data} ({step.rows} rows of {step.episodes} episodes, sha256 {step.data_digest[:12]})",
            "steps": step.steps,
            "on": step.created,
            "with": f"pytest-ugst {step.version}",
            "options": step.options,
        }
        lines += _table(facts)
    lines += ["## Results", "", *(results or ["Nothing was measured yet.", ""])]
    return "\n".join(lines)
