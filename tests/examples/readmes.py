"""The commands of an example's README.md, and what it says they print."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
_BLOCK = re.compile(
    r"^(?P<skip><!-- not run by the tests: .*-->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)


@dataclass(frozen=True)
class Commands:
    """A block of commands, with the blocks of text that follow it."""

    lines: tuple[tuple[str, ...], ...]
    """The words of each command."""
    run: bool
    """False where a comment says that the tests can't run it."""
    printed: tuple[str, ...]
    """The lines that stand below it; ``...`` stands for any number of others."""


def read_commands(readme: Path) -> list[Commands]:
    found: list[Commands] = []
    for block in _BLOCK.finditer(readme.read_text(encoding="utf-8")):
        lines = block["text"].replace("\\\n", "").splitlines()
        if block["language"] == "console":
            found.append(Commands(tuple(tuple(shlex.split(line)) for line in lines), not block["skip"], ()))
        elif block["language"] == "text":
            last = found.pop()
            found.append(Commands(last.lines, last.run, (*last.printed, *lines)))
    return found


def assert_printed(expected: Sequence[str], output: str, *, numbers: bool = True) -> None:
    """Check that the expected lines stand in the output in this order.

    Args:
        expected: Lines of a README.md. Between two of them there is nothing else, unless ``...`` stands there.
        output: What was printed.
        numbers: Whether numbers with a decimal point have to be the same.
    """
    plain = (lambda line: line.rstrip()) if numbers else (lambda line: re.sub(r"\d+\.\d[\de+-]*", "N", line.rstrip()))
    lines = [plain(line) for line in output.splitlines()]
    at, gap = 0, True
    for line in expected:
        if line.strip() == "...":
            gap = True
            continue
        where = next((i for i in range(at, len(lines) if gap else at + 1) if lines[i : i + 1] == [plain(line)]), None)
        assert where is not None, f"README.md says {line!r}; it is not there in\n" + "\n".join(lines[at:])
        at, gap = where + 1, False
