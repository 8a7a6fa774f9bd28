"""Generated sub-components, matched one to one with those of a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.analysis.decomposition.metrics import compare, match, word_overlap
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.labels import LabelledPart
from pytest_ugst.core.status import Category

pytest.importorskip("scipy", reason="the extra stats")


def parts(*texts: str, category: Category = Category.REQUIREMENT) -> list[LabelledPart]:
    return [LabelledPart(id=f"c{i}", category=category, text=text) for i, text in enumerate(texts)]


def test_the_assignment_is_the_best_one_not_the_greedy_one() -> None:
    gold, made = parts("red cheap hotel", "red cheap"), parts("red cheap", "cheap hotel")
    # Taking the best pair first would leave "red cheap hotel" with what it shares as well: 1.0 + 0.8 here.
    pairs = match("g", gold, made, word_overlap).pairs
    assert [(pair.gold.text, pair.generated.text, pair.similarity) for pair in pairs] == [
        ("red cheap hotel", "cheap hotel", pytest.approx(0.8)),
        ("red cheap", "red cheap", 1.0),
    ]
    # Greedily a-x (0.9) would be taken first and b left alone.
    found = match("g", parts("a", "b"), parts("x", "y"), lambda gold, made: [[0.9, 0.8], [0.8, 0.1]])
    assert [(pair.gold.text, pair.generated.text) for pair in found.pairs] == [("a", "y"), ("b", "x")]


def test_scores() -> None:
    gold = {
        "g": [*parts("fly to Rome", "be kind"), *parts("pay by card", category=Category.POLICY)],
        "h": parts("x y"),
        "none": parts("z"),
    }
    made = {"g": parts("fly to Rome", "pay by card", "win"), "h": parts("x y"), "elsewhere": parts("q")}
    result = compare(gold, made, word_overlap)
    scores = result.goals[0].scores
    assert [scores.precision, scores.recall, scores.f1] == pytest.approx([200 / 3] * 3)
    assert scores.accuracy == 50.0
    pooled, averaged = result.pooled(), result.mean()
    assert (pooled.precision, pooled.recall) == (75.0, 60.0)
    assert pooled.f1 == pytest.approx(2 * 75 * 60 / 135)
    assert averaged.recall == pytest.approx((200 / 3 + 100 + 0) / 3)  # a goal with nothing generated has missed all
    assert averaged.precision == pytest.approx((200 / 3 + 100) / 2)
    assert result.missing == ["none"]
    assert result.categories()[Category.POLICY, Category.REQUIREMENT] == 1


def test_of_equally_similar_ones_that_of_the_same_category_is_taken() -> None:
    gold = [*parts("call", category=Category.POLICY), *parts("call")]
    made = [*parts("call"), *parts("call", category=Category.POLICY)]
    assert match("g", gold, made, word_overlap).scores.accuracy == 100.0


@pytest.mark.parametrize(("similarity", "pairs"), [(0.5, 1), (0.499, 0)])
def test_the_threshold_itself_is_enough(similarity: float, pairs: int) -> None:
    assert len(match("g", parts("x"), parts("y"), lambda gold, made: [[similarity]], 0.5).pairs) == pairs


def test_nothing_in_common() -> None:
    with pytest.raises(UsageError, match=r"no goal is in both \(gold has g, ..., generated are h, ...\)"):
        compare({"g": parts("x")}, {"h": parts("x")}, word_overlap)
    found = match("g", parts("x"), [], word_overlap)
    assert (found.scores.precision, found.scores.recall, found.scores.accuracy) == (None, 0.0, None)


texts = st.lists(st.text("abc ", min_size=1, max_size=8), min_size=1, max_size=6)


@given(texts, texts)
def test_laws(left: list[str], right: list[str]) -> None:
    one, other = (
        match("g", parts(*left), parts(*right), word_overlap),
        match("g", parts(*right), parts(*left), word_overlap),
    )
    assert (one.scores.precision, one.scores.recall) == (other.scores.recall, other.scores.precision)
    assert (
        len({id(pair.gold) for pair in one.pairs}) == len(one.pairs) == len({id(pair.generated) for pair in one.pairs})
    )
    assert all(pair.similarity >= 0.5 for pair in one.pairs)
    spoken = [text for text in left if text.strip()]
    if spoken:
        assert match("g", parts(*spoken), parts(*spoken), word_overlap).scores.f1 == 100.0
