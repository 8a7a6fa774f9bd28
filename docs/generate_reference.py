"""Write the reference pages that are made from code: the command line, the options of the plugin, file formats.

    python docs/generate_reference.py

Of the page about file formats only the tables between its marks are made.

``tests/docs/test_reference.py`` fails where a page is not what this writes.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import generate_files

from pytest_ugst.cli.main import command_parser
from pytest_ugst.config.options import OPTIONS, Option

FOLDER = Path(__file__).parent / "reference"
_PYTHONS_DEFAULT = re.compile(r" \(default: (?:True|False)\)$")
"""The addition of some Python versions to the help of options like ``--intervals``."""
_MADE = "<!-- Made by docs/generate_reference.py: change the help text in the code, and run it again. -->\n\n"
_COMMAND_LINE = """# Command line

`ugst` works on goals, data and runs, and trains models; the tests themselves are run by pytest
([pytest options](options.md)). `ugst COMMAND --help` prints the same.

| exit status | meaning |
|---|---|
| 0 | all is well |
| 1 | something was found to be wrong with the files, or a part of the work failed |
| 4 | a mistake in the call, reported in one line with the remedy |
| 130 | interrupted by Ctrl-C |

RUN is the name of a run, its folder, its `episodes.jsonl`, or `latest`, the run that began last.
"""
_OPTIONS = """# pytest options

Every option has an ini twin, in `[tool.pytest.ini_options]` of `pyproject.toml` or in `pytest.ini`; the command line
takes precedence. Paths start from pytest's root folder. [Marker, fixtures and hooks](plugin.md) describes the rest of
the plugin, and [Choose and configure models](../models.md) what a NAME may be.

| exit status | meaning |
|---|---|
| 0 | all tests passed, and no gate was missed |
| 1 | a test failed, or a gate was missed |
| 4 | an option, a goal file, a model or a baseline has to be corrected; almost always found before anything is played |

"""


def main() -> None:
    """Write the pages."""
    (FOLDER / "command_line.md").write_text(command_line(), encoding="utf-8")
    (FOLDER / "options.md").write_text(options(), encoding="utf-8")
    files = FOLDER / "files.md"
    files.write_text(generate_files.filled(files.read_text(encoding="utf-8")), encoding="utf-8")


def command_line() -> str:
    """Return the page about the command line."""
    parts = [_MADE + _COMMAND_LINE]
    for name, help, parser in commands(command_parser()):
        parts.append("\n".join(_command(name, help, parser)))
    return "\n".join(parts)


def commands(
    parser: argparse.ArgumentParser, prefix: str = "ugst"
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Yield all commands that do something, with their names, one-line helps and parsers."""
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
        for name, child in action.choices.items():
            if any(isinstance(each, argparse._SubParsersAction) for each in child._actions):
                yield from commands(child, f"{prefix} {name}")
            else:
                yield f"{prefix} {name}", helps.get(name, ""), child


def _command(name: str, help: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield f"## {name}\n"
    about = parser.description or help
    yield f"{_prose(about[:1].upper() + about[1:]).rstrip('.')}.\n"
    shown = [a for a in parser._actions if not isinstance(a, argparse._HelpAction) and a.help is not argparse.SUPPRESS]
    if not shown:
        yield "It takes no arguments.\n"
        return
    yield "| argument | meaning |\n|---|---|"
    formatter = parser._get_formatter()
    for action in shown:
        text = _prose(_PYTHONS_DEFAULT.sub("", formatter._expand_help(action))) if action.help else ""
        required = " (required)" if action.required and action.option_strings else ""
        yield f"| {_names(action)} | {text}{required} |"
    yield ""


def _names(action: argparse.Action) -> str:
    """Return the names of an argument with its value, as code."""
    if action.choices is not None:
        value = "|".join(map(str, action.choices))
    else:
        value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if not action.option_strings:
        more = {"?": f"[{value}]", "*": f"[{value} ...]", "+": f"{value} [{value} ...]"}
        return _code(more.get(str(action.nargs), value))
    flags = ", ".join(action.option_strings)
    if action.nargs == 0 or isinstance(action, argparse.BooleanOptionalAction):
        return _code(flags)
    more = {"?": f"[{value}]", "*": f"[{value} ...]", "+": f"{value} [{value} ...]"}
    return _code(f"{flags} {more.get(str(action.nargs), value)}")


def options() -> str:
    """Return the page about the options of the plugin."""
    lines = ["| option | ini | default | meaning |", "|---|---|---|---|"]
    lines += [
        f"| {_flag(each)} | `{each.ini}` | {_default(each)} | {_prose(each.help)}{_range(each)} |" for each in OPTIONS
    ]
    return _MADE + _OPTIONS + "\n".join(lines) + "\n"


def _flag(option: Option) -> str:
    if option.type is bool:
        return _code(option.flag)
    value = "|".join(option.choices) if option.choices else option.metavar or "VALUE"
    return _code(f"{option.flag}[={value}]" if option.const is not None else f"{option.flag}={value}")


def _default(option: Option) -> str:
    return "" if option.default in ("", None) or option.default is False else f"`{option.default}`"


def _range(option: Option) -> str:
    return "" if option.bounds is None else f" ({option.bounds[0]:,} to {option.bounds[1]:,})"


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def _prose(text: str) -> str:
    """Return help text as Markdown in a table's cell."""
    for mark in ("|", "*", "_", "<", "["):
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())


if __name__ == "__main__":
    main()
