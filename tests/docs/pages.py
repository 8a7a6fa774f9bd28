"""The pages of the documentation and README, their code blocks, and a sandbox in which these are run."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_ugst.cli import main

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?[^\n]*\n(?P<text>.*?)^```$", re.M | re.S)
_HEADING = re.compile(r"^## (.+)$", re.M)
_SETUP = ("python3 -m venv", "pip install", "source ", ".venv/bin/")
"""Beginnings of commands that set up an environment: a nox session and the tests of the wheel do that."""


def pages() -> list[str]:
    """Paths of all pages that describe today's commands, from the root; measurements and decisions are of their day."""
    docs = [path.relative_to(ROOT) for path in sorted(DOCS.rglob("*.md"))]
    return ["README.md", *(str(path) for path in docs if path.parts[1] not in ("results", "adr"))]


@dataclass(frozen=True, slots=True)
class Block:
    """A code block."""

    language: str
    text: str
    title: str | None
    """The file that the block is the content of."""


def read(page: str) -> str:
    """The text of a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(text: str, *languages: str) -> list[Block]:
    """The code blocks of a text, of some languages or of all."""
    found = (Block(match["language"], match["text"], match["title"]) for match in _FENCE.finditer(text))
    return [block for block in found if not languages or block.language in languages]


def sections(text: str) -> dict[str, str]:
    """The texts below the second-level headings of a page."""
    parts = _HEADING.split(text)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def commands(script: str) -> list[str]:
    """The commands of a console block, one by one: continued lines joined, comments dropped."""
    found: list[str] = []
    for line in script.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while "&&" in words:
            at = words.index("&&")
            found.append(shlex.join(words[:at]))
            words = words[at + 1 :]
        if words:
            found.append(shlex.join(words))
    return found


def is_setup(command: str) -> bool:
    """Whether a command only sets up an environment."""
    return command.startswith(_SETUP)


class Sandbox:
    """A folder in which the files and commands of a page are tried out."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester

    def try_out(self, text: str) -> None:
        """Write the files of a text, run its commands, and compare the output with what the text shows."""
        output: list[str] = []
        for block in blocks(text):
            if block.title is not None:
                path = self._pytester.path / block.title
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, encoding="utf-8")
            elif block.language == "console":
                output = [line for command in commands(block.text) for line in self.run(command)]
            elif block.language == "text":
                assert_shown(block.text, output)

    def run(self, command: str, ok: Sequence[int] = (0,)) -> list[str]:
        """Run a command in this process and return its output; the setup of an environment is left out.

        Args:
            command: A command of pytest, of which failing tests are no failure here, or of ``ugst``.
            ok: The exit statuses of ``ugst`` that are no failure.
        """
        program, *arguments = shlex.split(command)
        if is_setup(command):
            return []
        if program == "pytest":
            return self.pytest(arguments)
        assert program == "ugst", command
        return self.ugst(arguments, ok)

    def pytest(self, arguments: Sequence[str]) -> list[str]:
        """Run pytest; a failing test is no failure here, a mistake in the call is."""
        options = ["-p", "no:cacheprovider", f"--rootdir={self._pytester.path}"]
        result = self._pytester.runpytest_inprocess(*options, *(self._here(each) for each in arguments))
        assert result.ret in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED), result.errlines
        return result.outlines

    def ugst(self, arguments: Sequence[str], ok: Sequence[int] = (0,)) -> list[str]:
        """Run the command ``ugst``."""
        out, error = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            status = main(arguments)
        assert status in ok, f"ugst {shlex.join(arguments)}: {error.getvalue()}"
        return out.getvalue().splitlines()

    @staticmethod
    def _here(argument: str) -> str:
        """The argument, with the shipped suites where they lie."""
        return str(ROOT / argument) if argument.partition("/")[0] == "suites" else argument


def assert_shown(shown: str, output: Sequence[str]) -> None:
    """Check that lines occur in an output in this order; a line of dots stands for any number of others.

    What is printed may go on at the end of a line, as the progress of pytest does, and be indented further.
    """
    at = 0
    gap = True
    for line in shown.splitlines():
        if line.strip() == "...":
            gap = True
            continue
        found = next((i for i in range(at, len(output)) if line.strip() in output[i]), None)
        assert found is not None, f"not in the output: {line!r}\n" + "\n".join(output)
        assert gap or found == at, f"not right behind the line before it: {line!r}\n" + "\n".join(output[at:found])
        at, gap = found + 1, False


def links(text: str) -> Iterator[str]:
    """The targets of links and images, without those in code."""
    prose = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))
    yield from re.findall(r"\]\(([^)\s]+)\)", prose)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.M)
    plain = (re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in plain}


def run_python(text: str) -> None:
    """Run the Python blocks of a text in one namespace, and compare what each prints with what the text shows."""
    namespace: dict[str, object] = {"__name__": "page"}
    output: list[str] = []
    for block in blocks(text, "python", "text"):
        if block.language == "text":
            assert_shown(block.text, output)
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block.text, "page", "exec"), namespace)
        output = printed.getvalue().splitlines()
