"""pass^k against going through all sets of trials."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.analysis.stats.pass_k import pass_hat, pass_k

TRIALS = st.lists(st.booleans(), min_size=1, max_size=8)


@given(TRIALS, st.integers(1, 8))
def test_is_the_share_of_sets_that_all_succeeded(trials: list[bool], k: int) -> None:
    if k > len(trials):
        with pytest.raises(ValueError, match="can't be estimated"):
            pass_k(sum(trials), len(trials), k)
        return
    sets = list(combinations(trials, k))
    assert pass_k(sum(trials), len(trials), k) == pytest.approx(sum(map(all, sets)) / len(sets))


@given(st.dictionaries(st.text(max_size=3), TRIALS, max_size=6), st.integers(1, 8))
def test_is_averaged_over_the_tasks_with_enough_trials(tasks: dict[str, list[bool]], k: int) -> None:
    each = []
    for trials in tasks.values():
        sets = list(combinations(trials, k))
        each += [sum(map(all, sets)) / len(sets)] if sets else []
    found = pass_hat(tasks, k)
    assert found == (pytest.approx(sum(each) / len(each)) if each else None)


def test_examples() -> None:
    tasks = {"a": [True, True, False, False], "b": [True] * 4}
    assert pass_hat(tasks, 1) == 0.75
    assert pass_hat(tasks, 2) == pytest.approx((1 / 6 + 1) / 2)
    assert pass_hat(tasks, 4) == 0.5
    assert pass_hat(tasks, 5) is None


@pytest.mark.parametrize(("successes", "trials", "k"), [(-1, 2, 1), (3, 2, 1), (1, 2, 0), (0, 0, 1)])
def test_numbers_that_do_not_fit(successes: int, trials: int, k: int) -> None:
    with pytest.raises(ValueError, match="can't be estimated"):
        pass_k(successes, trials, k)
