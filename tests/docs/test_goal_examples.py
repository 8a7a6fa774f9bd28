"""The goals in README and docs are played as they stand."""

from __future__ import annotations

import pytest

from pytest_ugst.goals.files import load_goals
from tests.docs.pages import blocks, read


@pytest.mark.parametrize("page", ["README.md", "docs/goals.md"])
def test_goal_examples_are_played_by_the_default_roles(page: str, pytester: pytest.Pytester) -> None:
    example = next(block.text for block in blocks(read(page), "yaml") if block.text.startswith("id: "))
    path = pytester.path / "own.goal.yaml"
    path.write_text(example, encoding="utf-8")
    assert len(load_goals(path)) == 1
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
