"""The ``ugst`` command as a whole: its commands, the arguments that they share, and old names."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ugst.cli import main
from pytest_ugst.cli.main import command_parser
from pytest_ugst.cli.options import add_cache, add_dir, add_prompts
from tests.factories import record
from tests.policy_episodes import episode

LAUNCHED = "ugst train"  # its options are its trainers'


def commands(parser: argparse.ArgumentParser | None = None) -> Iterator[argparse.ArgumentParser]:
    """Yield the parsers of all commands that do something."""
    parser = parser or command_parser()
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield parser
    for group in groups:
        for below in group.choices.values():
            yield from commands(below)


OWN = [parser for parser in commands() if not parser.prog.startswith(LAUNCHED)]


@pytest.mark.parametrize("parser", OWN, ids=lambda parser: str(parser.prog))
def test_every_command_has_a_file_of_its_name(parser: argparse.ArgumentParser) -> None:
    name = "_".join(parser.prog.split()[1:]).replace("-", "_")
    handler = parser.get_default("handler")
    assert handler.__module__ == f"pytest_ugst.cli.{name}"


@pytest.mark.parametrize("option", ["--dir", "--data", "--style", "--cache", "--prompts", "--limit", "--force"])
def test_an_option_means_the_same_in_all_commands(option: str) -> None:
    actions = [action for parser in OWN for action in parser._actions if option in action.option_strings]
    assert len(actions) > 1
    spellings = {(str(a.type), str(a.default), a.metavar, str(a.choices), a.dest) for a in actions}
    assert len(spellings) == 1
    own_words = {"--data": 2}  # MultiWOZ's goals are not in what is fetched, and import says so
    assert len({action.help for action in actions}) == own_words.get(option, 1)


@pytest.mark.parametrize("option", ["--judge", "--decomposer"])
def test_models_are_named_in_the_same_way(option: str) -> None:
    actions = [action for parser in OWN for action in parser._actions if option in action.option_strings]
    assert len(actions) > 1
    for action in actions:
        assert action.metavar == "MODEL"
        assert str(action.help).startswith("the model that ")
        assert str(action.help).endswith(f", named as for --ugst-{option[2:]}")


def test_a_run_is_called_run_everywhere() -> None:
    named = {
        (action.dest, action.metavar)
        for parser in OWN
        for action in parser._actions
        if "run's name or folder" in str(action.help) and "baseline" not in str(action.help)
    }
    assert named == {("run", "RUN"), ("runs", "RUN")}


def test_defaults_are_those_of_the_table_of_options() -> None:
    parser = argparse.ArgumentParser()
    for add in (add_dir, add_cache, add_prompts):
        add(parser)
    assert vars(parser.parse_args([])) == {"dir": Path(".ugst"), "cache": "on", "prompts": ""}


def test_a_renamed_command_works_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    record(Path(".ugst"), "one", episode("a", {"x": True}).model_copy(update={"task": {"task": 0.0}}))
    assert main(["report", "attribution", "one"]) == 0
    present = capsys.readouterr()
    assert present.err == ""
    assert main(["report", "blame", "one"]) == 0
    old = capsys.readouterr()
    assert old.out == present.out
    assert old.err == (
        "ugst: 'report blame' is called 'report attribution' now; the old name will not work in the next release\n"
    )


@pytest.mark.parametrize(
    ("command", "old", "line"),
    [
        (["goals", "decompose", "nothing"], "--judge", "ugst: '--judge' is called '--decomposer' now; the old name "),
        (["goals", "generate", "multiwoz"], "--model", "ugst: '--model' is called '--decomposer' now; the old name "),
    ],
)
def test_a_renamed_option_works_and_says_so(
    command: list[str], old: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for given in ([old, "m"], [f"{old}=m"]):
        assert command_parser().parse_args([*command, *given]).decomposer == "m"
        err = capsys.readouterr().err
        assert err.startswith(line)
        assert err.count("\n") == 1
    assert command_parser().parse_args([*command, "--decomposer", "m"]).decomposer == "m"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("command", [["report"], ["goals", "decompose"], ["goals", "generate"]])
def test_old_names_are_not_in_the_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "blame" not in shown
    assert "--model" not in shown
    assert "--judge" not in shown


def test_a_required_model_is_asked_for_by_its_present_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["goals", "decompose", "airline"])
    assert ended.value.code == 4
    assert "the following arguments are required: --decomposer\n" in capsys.readouterr().err


def test_the_package_imports_nothing_heavy() -> None:
    code = "import sys, pytest_ugst.cli; print(*sorted(m for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert modules.isdisjoint({"pydantic", "numpy", "yaml", "openai", "aiohttp", "pytest", "torch", "tabulate"})
