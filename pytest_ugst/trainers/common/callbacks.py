"""Callbacks for the trainers of transformers and TRL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def progress_callback(line: Callable[[int, int, Mapping[str, Any]], str | None]) -> Any:
    """Return a callback that prints a line for every entry of the trainer's log.

    Args:
        line: Called in the main process with the step, the number of steps, and the entry; returns the line, or None to
            print nothing.
    """
    from transformers import TrainerCallback

    class PrintProgress(TrainerCallback):
        """Prints the lines."""

        def on_log(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            """Print the line of one entry."""
            logs: Mapping[str, Any] | None = more.get("logs")
            if state.is_world_process_zero and logs:
                text = line(state.global_step, state.max_steps, logs)
                if text:
                    print(text, flush=True)

    return PrintProgress()
