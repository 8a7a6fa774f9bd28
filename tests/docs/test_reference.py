"""The reference pages name all that there is, and nothing else."""

from __future__ import annotations

import inspect
import re
import sys
from importlib import import_module
from types import ModuleType

import pytest

import pytest_ugst as ugst
from pytest_ugst.config.options import OPTIONS
from pytest_ugst.plugin import fixtures, hookspecs
from pytest_ugst.plugin.marker import GoalMarker
from tests.docs.pages import DOCS, read, sections


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that makes reference pages."""
    monkeypatch.syspath_prepend(str(DOCS))
    monkeypatch.delitem(sys.modules, "generate_reference", raising=False)
    return import_module("generate_reference")


def first_column(text: str) -> list[str]:
    """The code in the first column of the tables of a text."""
    return [name for line in text.splitlines() if (match := re.match(r"\| (.+?) \|", line)) for name in codes(match[1])]


def codes(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.parametrize("page", ["command_line", "options", "files"])
def test_generated_pages_are_up_to_date(page: str, generator: ModuleType) -> None:
    text = read(f"docs/reference/{page}.md")
    made = generator.generate_files.filled(text) if page == "files" else getattr(generator, page)()
    assert made == text, "run: python docs/generate_reference.py"


def test_every_command_has_its_section(generator: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    headings = set(re.findall(r"^## (.+)$", read("docs/reference/command_line.md"), re.M))
    found = {name: parser for name, _, parser in generator.commands(generator.command_parser())}
    assert found.keys() == headings
    text = sections(read("docs/reference/command_line.md"))
    for name, parser in found.items():
        shown = set(re.findall(r"--[a-z][a-z-]+", parser.format_help().partition("options:")[2])) - {"--help"}
        documented = set(re.findall(r"--[a-z][a-z-]+", text[name]))
        assert shown <= documented, name


def test_every_option_of_the_plugin_has_its_row() -> None:
    names = first_column(read("docs/reference/options.md"))
    assert [name.partition("=")[0].rstrip("[") for name in names] == [option.flag for option in OPTIONS]


def test_every_field_of_a_file_has_a_meaning(generator: ModuleType) -> None:
    for record in generator.generate_files.RECORDS:
        for name, annotation, meaning in generator.generate_files.fields(record):
            assert meaning, f"{record.__name__}.{name}"
            assert annotation


def test_the_marker_the_fixtures_and_the_hooks_are_described() -> None:
    text = sections(read("docs/reference/plugin.md"))
    assert first_column(text["Marker"]) == list(GoalMarker.__dataclass_fields__)
    described = re.split(r"\n(?=Tests that)", text["Fixtures"])[0]
    made = [name for name, value in vars(fixtures).items() if type(value).__name__ == "FixtureFunctionDefinition"]
    assert sorted(first_column(described)) == sorted(made)
    assert "::: pytest_ugst.plugin.hookspecs" in text["Hooks"]
    for hook in (name for name, value in vars(hookspecs).items() if inspect.isfunction(value)):
        assert hook in read("docs/extending.md")


def test_the_python_api_is_complete() -> None:
    named = re.findall(r"^::: pytest_ugst\.(\w+)$", read("docs/reference/api.md"), re.M)
    assert len(named) == len(set(named))
    assert {*named, "__version__"} == set(ugst.__all__)
