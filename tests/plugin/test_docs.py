"""The examples in README and docs, as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_ugst.goals.files import load_goals

ROOT = Path(__file__).parents[2]


def blocks(file: str, language: str) -> list[str]:
    text = (ROOT / file).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_conftest_of_the_extending_page_works(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(blocks("docs/extending.md", "python")[0])
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.ugst(goals="shop")
        def test_it(episode):
            assert episode.succeeded, episode.explain()
        """
    )
    result = pytester.runpytest_inprocess("-s", "-p", "no:cacheprovider", "--ugst-sim=blunt", "--ugst-agent=shop")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*ask-1138 True*", "*100.0*"])


@pytest.mark.parametrize("file", ["README.md", "docs/goals.md"])
def test_goal_examples_are_played_by_the_default_roles(file: str, pytester: pytest.Pytester) -> None:
    example = next(block for block in blocks(file, "yaml") if block.startswith("id: "))
    path = pytester.path / "own.goal.yaml"
    path.write_text(example, encoding="utf-8")
    assert len(load_goals(path)) == 1
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
