"""Code blocks that stand alone: goals, conftests, tests, labels, configuration."""

from __future__ import annotations

import json

import pytest
import yaml

from pytest_ugst.core.labels import StateLabels
from pytest_ugst.goals.files import load_goals
from tests.docs.pages import blocks, pages, read, sections


@pytest.mark.parametrize("page", ["README.md", "docs/goals.md"])
def test_goal_examples_are_played_by_the_default_roles(page: str, pytester: pytest.Pytester) -> None:
    example = next(block.text for block in blocks(read(page), "yaml") if block.text.startswith("id: "))
    path = pytester.path / "own.goal.yaml"
    path.write_text(example, encoding="utf-8")
    assert len(load_goals(path)) == 1
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_own_agent_and_own_assertions_of_the_readme(pytester: pytest.Pytester) -> None:
    parts = sections(read("README.md"))
    service = "class my_service:\n    async def answer(messages):\n        return 'I see.'\n"
    pytester.makeconftest(service + blocks(parts["Your own agent"], "python")[0].text)
    pytester.makepyfile(blocks(parts["Your own assertions"], "python")[0].text)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", "free-night-out")
    result.stdout.fnmatch_lines(["*agent by your fixture*", "*AssertionError: INCOMPLETE objective*", "*1 episode (*"])


def test_the_marker_of_the_reference_page(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(blocks(read("docs/reference/plugin.md"), "python")[0].text)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", "free-night-out")
    result.assert_outcomes(passed=2, deselected=62)


def test_the_labels_of_the_metrics_page() -> None:
    (example,) = blocks(read("docs/metrics.md"), "json")
    labels = StateLabels.model_validate(json.loads(example.text))
    assert [turn.turn for turn in labels.labels] == [1, 2]


@pytest.mark.parametrize("page", pages())
def test_python_and_yaml_blocks_have_no_fault_of_form(page: str) -> None:
    for block in blocks(read(page), "python"):
        compile(block.text, page, "exec")
    for block in blocks(read(page), "yaml"):
        assert list(yaml.safe_load_all(block.text))
