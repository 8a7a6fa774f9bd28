"""The pages that are worked through from top to bottom: their files are written, their commands run as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import Sandbox, assert_shown, blocks, read, run_python, sections

EXTENDING = {title: text for title, text in sections(read("docs/extending.md")).items() if "```" in text}


@pytest.fixture
def sandbox(pytester: pytest.Pytester) -> Sandbox:
    return Sandbox(pytester)


@pytest.mark.parametrize("page", ["first_run", "own_goals"])
def test_tutorials_do_what_they_say(page: str, sandbox: Sandbox) -> None:
    sandbox.try_out(read(f"docs/tutorials/{page}.md"))


@pytest.mark.parametrize("section", EXTENDING)
def test_the_examples_of_the_extending_page_work(section: str, sandbox: Sandbox) -> None:
    sandbox.try_out(EXTENDING[section])


def test_the_first_screen_shows_what_its_command_prints(sandbox: Sandbox) -> None:
    shown = blocks(read("docs/index.md"), "text")[0].text
    assert "pytest suites" in blocks(read("docs/index.md"), "console")[0].text
    assert_shown(shown, sandbox.run("pytest suites/test_concierge.py"))  # all that is played without data and models


@pytest.mark.parametrize("page", ["docs/tutorials/python.md", "README.md"])
def test_the_python_blocks_print_what_they_say(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UGST_DATA", raising=False)
    text = read(page)
    run_python(text if page != "README.md" else sections(text)["From Python"])
