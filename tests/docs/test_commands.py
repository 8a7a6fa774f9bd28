"""Every command on every page: its form is checked, and all that can be run here without training is run."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

import pytest_ugst as ugst
from pytest_ugst.cli.main import command_parser
from pytest_ugst.config.options import BY_NAME, OPTIONS
from pytest_ugst.core.labels import episode_labels
from pytest_ugst.llm.model_spec import ModelSpec, Price, ServeOptions
from tests.chat_server import Body, ChatServer
from tests.docs.pages import ROOT, Sandbox, blocks, commands, is_setup, pages, read

ALL = [
    (page, command) for page in pages() for block in blocks(read(page), "console") for command in commands(block.text)
]
PYTEST_OPTIONS = {"-k", "-m", "-n", "-s", "-v", "-x", "--lf", "--junitxml", "--pyargs"}


def test_there_is_something_to_check() -> None:
    assert len(ALL) > 80
    assert {command.split()[0] for _, command in ALL} >= {"pytest", "ugst", "pip"}


@pytest.mark.parametrize(("page", "command"), ALL, ids=lambda value: value.partition("  #")[0][:80])
def test_the_form_of_every_command(page: str, command: str) -> None:
    program, *arguments = shlex.split(command)
    CHECKS[program.removeprefix(".venv/bin/")](arguments)


def check_ugst(arguments: list[str]) -> None:
    if "-m" not in arguments:
        command_parser().parse_args(arguments)


def check_pytest(arguments: list[str]) -> None:
    for argument in arguments:
        flag, equals, value = argument.partition("=")
        if flag.startswith("--ugst-"):
            option = BY_NAME[flag.removeprefix("--ugst-")]
            assert bool(equals) or option.type is bool or option.const is not None, argument
            assert not option.choices or value in option.choices, argument
        elif flag.startswith("-"):
            assert flag in PYTEST_OPTIONS, argument
        elif flag.startswith("suites"):
            assert (ROOT / flag).exists(), argument


def check_pip(arguments: list[str]) -> None:
    assert arguments[0] == "install"
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for argument in arguments:
        for extra in re.findall(r"\[([\w,]+)\]$", argument):
            assert set(extra.split(",")) <= set(extras), argument


def check_launcher(arguments: list[str]) -> None:
    """A module of a trainer, started by ``accelerate launch``."""
    at = arguments.index("-m")
    trainer = arguments[at + 1].removeprefix("pytest_ugst.trainers.")
    assert (ROOT / "pytest_ugst" / "trainers" / trainer / "__main__.py").is_file()
    command_parser().parse_args(["train", trainer, *arguments[at + 2 :]])


CHECKS: Mapping[str, Callable[[list[str]], object]] = {
    "ugst": check_ugst,
    "pytest": check_pytest,
    "pip": check_pip,
    "accelerate": check_launcher,
    "python3": lambda arguments: arguments == ["-m", "venv", ".venv"],
    "source": lambda arguments: None,
}


@pytest.mark.parametrize("page", pages())
def test_configuration_blocks_are_valid(page: str) -> None:
    for block in blocks(read(page), "toml"):
        models: dict[str, Any] = tomllib.loads(block.text)["tool"]["ugst"]["models"]
        for name, model in models.items():
            ModelSpec.model_validate({"name": name, **model})


def test_every_field_of_an_alias_is_described() -> None:
    text = read("docs/models.md")
    for record in (ModelSpec, ServeOptions, Price):
        for name, field in record.model_fields.items():
            assert field.exclude or name == "name" or re.search(rf"\b{name}( = |\]|`)", text), name


@pytest.mark.parametrize("page", pages())
def test_inline_options_exist(page: str) -> None:
    """Options in the running text, of both programs."""
    known = {option.flag for option in OPTIONS} | set(flags(command_parser())) | PYTEST_OPTIONS
    text = re.sub(r"^```.*?^```$", "", read(page), flags=re.M | re.S)
    named = {
        flag for code in re.findall(r"`([^`\n]+)`", text) for flag in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", code)
    }
    others = {"--flash-attn-type", "--cpuparams", "--cpuparams-batch", "--help", "--version", "--dist"}
    assert named - known - others == set()


def flags(parser: argparse.ArgumentParser) -> Iterator[str]:
    """All options of a parser and of its commands."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from flags(child)


# Running them

NOT_RUN: Mapping[str, str] = {
    r"^ugst train": "tests/trainers trains",
    r"^ugst data fetch": "needs a network; tests/domains/download fetches from a server of its own",
    r"^ugst annotate": "serves until Ctrl-C; tests/analysis/agreement/annotate and tests/cli/test_annotate.py do",
    r"agreement latest labels": "needs labels that a person set; tests/cli/test_annotate.py has some",
    r"report attribution RUN": "needs a run of airline or retail; the page about failures plays one",
    r"--checks$": "needs a run with checks beside the judge; tests/cli/test_report_agreement.py has one",
    r"--encoder": "needs torch; tests/analysis/quality has an encoder",
    r"MULTIWOZ2\.4": "needs dialogues that nobody has here; tests/domains/multiwoz imports some",
    r"--ugst-sim=smollm2": "a real model; tests/llm/servers serves it",
    r"^accelerate": "tests/trainers trains",
}
MODELS = (
    *("llama-8b", "llama-70b", "qwen-72b", "gpt-4o-mini", "other-model"),
    *("checkpoints/grpo", "checkpoints/grpo-300", "checkpoints/grpo-350", "checkpoints/grpo-400"),
)
GOALS = ("free-night-out", "quiet-weekend")
"""The only goals that are played of those that are shipped."""
RUNS = ("base", "grpo-350", "judge-a", "judge-b", "student")


def answer(body: Body, number: int) -> str:
    """A model's answer: of the form that is asked for, else some words, and in the end a good-bye."""
    form = body.get("response_format") or {}
    if "json_schema" in form:
        schema = form["json_schema"]["schema"]
        return json.dumps(instance(schema, schema))
    spoken = sum(message["role"] == "assistant" for message in body["messages"])
    return "TERMINATE" if spoken >= 2 else "I see, please."


def instance(schema: Mapping[str, Any], whole: Mapping[str, Any]) -> Any:
    """Something that a JSON schema takes."""
    if "$ref" in schema:
        return instance(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    for choice in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        return instance(choice, whole)
    kind = schema.get("type")
    if kind == "object":
        return {name: instance(part, whole) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance(schema["items"], whole)]
    return {"integer": schema.get("minimum", 1), "number": 1.0, "boolean": False, "null": None}.get(
        kind or "", "A reservation, flight, order or table of the user."
    )


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A project whose models all answer, with runs and labels of the names that the pages use."""
    monkeypatch.setenv("QWEN_KEY", "-")
    with ChatServer(answer) as server:
        tables = [f'[tool.ugst.models."{name}"]\nmodel = "m"\nbase_url = "{server.url}"\n' for name in MODELS]
        (pytester.path / "pyproject.toml").write_text("\n".join(tables), encoding="utf-8")
        goals = [goal for goal in ugst.load_goals("concierge:test") if goal.id in GOALS]
        run = ugst.simulate(goals, simulator="agenda:confusion@0.5")
        for name in RUNS:
            copy = pytester.path / ".ugst" / "runs" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            pytester.run("cp", "-r", str(run.folder), str(copy))
        for annotator in ("ann", "ben", "eva", "labels"):
            lines = [episode_labels(episode, annotator).model_dump_json() + "\n" for episode in run]
            (pytester.path / f"{annotator}.jsonl").write_text("".join(lines), encoding="utf-8")
        own_goal = next(block.text for block in blocks(read("README.md"), "yaml"))
        (pytester.path / "my.goal.yaml").write_text(own_goal, encoding="utf-8")
        sandbox = Sandbox(pytester)
        for name in ("main", "grpo", "base", "sft"):
            sandbox.run(f"ugst baseline save base --out baselines/{name}.json")
        sandbox.run("ugst baseline save base --out main.json")
        yield sandbox


def runnable(page: str) -> list[str]:
    """The commands of a page that can be run here."""
    found = [command for one, command in ALL if one == page]
    return [c for c in found if not is_setup(c) and not any(re.search(pattern, c) for pattern in NOT_RUN)]


def prepared(command: str, data: str) -> str:
    """A command with runs and folders in place of placeholders, and of the shipped goals only a few.

    Args:
        command: A command of a page.
        data: The folder of benchmark data.
    """
    runs = iter(RUNS)
    words = [
        next(runs) if word == "RUN" else f"{data}/tau2-bench" if word == "DIR" else word
        for word in shlex.split(command)
    ]
    if words[0] == "pytest" and words[1].startswith("suites") and "-k" not in words:
        words += ["-k", "tau-bench-airline-test-49" if words[1].endswith("airline.py") else " or ".join(GOALS)]
    if words[:3] == ["ugst", "goals", "decompose"]:
        words += ["--limit", "2"]
    return shlex.join(words)


PAGES = [page for page in pages() if "tutorials" not in page and "extending" not in page and runnable(page)]
NEED_DATA = ("README.md", "docs/benchmark_goals.md", "docs/failures.md", "docs/multiwoz.md")


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_commands_run(page: str, project: Sandbox, pytester: pytest.Pytester) -> None:
    data = os.environ.get("UGST_DATA", "")
    if page in NEED_DATA and not data:
        pytest.skip("needs the data of tau-bench, tau2-bench and MultiWOZ in UGST_DATA")
    for block in blocks(read(page)):
        if block.title is not None:
            (pytester.path / block.title).write_text(block.text, encoding="utf-8")
    for command in runnable(page):
        project.run(prepared(command, data), ok=(0, 1))
