"""The card of a checkpoint: Markdown for people, made from what ``ugst.json`` records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_ugst.trainers.common.markdown import cell, facts_table

if TYPE_CHECKING:
    from pytest_ugst.llm.checkpoint_info import CheckpointInfo


def model_card(info: CheckpointInfo, results: Sequence[str]) -> str:
    """Return the ``README.md`` of a checkpoint.

    Args:
        info: The checkpoint's ``ugst.json``.
        results: Lines of a table of what was measured; empty if nothing was.
    """
    who = "user simulator" if info.role == "simulator" else "judge of user simulators"
    think = "It thinks between `<think>` and `</think>` before it speaks. " if info.reasoning == "think" else ""
    lines = [
        "---",
        "tags: [pytest-ugst, user-simulator]",
        "---",
        f"# A {who}",
        "",
        f"Trained with pytest-ugst. {think}`ugst.json` holds what is needed to play it as it was trained: "
        "`pytest suites --ugst-sim=PATH` uses it by itself.",
        "",
        *facts_table({"prompts": info.prompts, "sampling": info.sampling}),
        "## Lineage",
        "",
    ]
    for number, step in enumerate(info.lineage, 1):
        lines += [f"{number}. **{cell(step.method)}** of `{cell(step.base)}`", ""]
        facts = {
            "data": f"{step.data} ({step.rows} rows of {step.episodes} episodes, sha256 {step.data_digest[:12]})",
            "steps": step.steps,
            "on": step.created,
            "with": f"pytest-ugst {step.version}",
            "options": step.options,
        }
        lines += facts_table(facts)
    lines += ["## Results", "", *(results or ["Nothing was measured yet.", ""])]
    return "\n".join(lines)
