"""The options of a GRPO run: presets, files and the command line."""

from __future__ import annotations

import argparse
import ast
import inspect
from dataclasses import fields
from pathlib import Path

import pytest

from pytest_ugst.core.errors import UsageError
from pytest_ugst.trainers.common.presets import read_options
from pytest_ugst.trainers.grpo import train
from pytest_ugst.trainers.grpo.command import add_arguments
from pytest_ugst.trainers.grpo.options import GrpoOptions
from pytest_ugst.trainers.grpo.reward.shaping import Shaping


def parse(*args: str) -> GrpoOptions:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return read_options(
        GrpoOptions, parser.parse_args(["--model=m", "--dataset=d", "--judge=checks", "--out=o", *args])
    )


def test_the_papers_preset_and_what_the_command_line_overrides() -> None:
    paper = parse("--preset", "paper-grpo")
    assert (paper.learning_rate, paper.batch, paper.rollouts, paper.steps) == (5e-6, 16, 8, 350)
    assert (paper.samples, paper.max_prompt_tokens) == (5000, 2048)
    assert paper.weight_profile == paper.weight_preference == 0.5
    changed = parse("--preset", "paper-grpo", "--steps", "7", "--no-reply", "--trl", "num_iterations=2")
    assert (changed.steps, changed.reply, changed.trl) == (7, False, {"num_iterations": 2})
    assert parse("--preset", "laptop-grpo").batch < paper.batch


def test_a_preset_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("steps: 3\ntrl: {num_iterations: 2}\n")
    assert parse("--preset", str(file), "--trl", "top_k=5").trl == {"num_iterations": 2, "top_k": 5}


@pytest.mark.parametrize(
    ("text", "args", "told"),
    [
        ("step: 3", [], "unknown option 'step'; did you mean 'steps'"),
        ("steps: many", [], "steps: .*integer"),
        ("steps: 0", [], "steps: .*greater than or equal to 1"),
        ("- steps", [], "write a mapping"),
        ("steps: [", [], "is no YAML"),
        ("", ["--steps", "0"], "^--steps: steps: "),
        ("", ["--trl", "x"], "write KEY=VALUE"),
    ],
)
def test_bad_options_are_named(tmp_path: Path, text: str, args: list[str], told: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=told):
        parse("--preset", str(file), *args)


def test_an_unknown_preset() -> None:
    with pytest.raises(UsageError, match="did you mean 'paper-grpo'"):
        parse("--preset", "papergrpo")


def test_every_shaping_term_takes_its_value_from_an_option() -> None:
    """A term whose option is not handed on would be ignored without a word."""
    made = next(
        node
        for node in ast.walk(ast.parse(inspect.getsource(train)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Shaping"
    )
    assert {keyword.arg for keyword in made.keywords} == {field.name for field in fields(Shaping)}
