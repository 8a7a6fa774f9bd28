"""MTLD and HD-D against published and independent values."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.analysis.quality.diversity import DRAWN, SHORTEST, diversity, hdd, mtld, words

GETTYSBURG = """Four score and seven years ago our fathers brought forth on this continent, a new nation, conceived in
Liberty, and dedicated to the proposition that all men are created equal. Now we are engaged in a great civil war,
testing whether that nation, or any nation so conceived and so dedicated, can long endure. We are met on a great
battle-field of that war. We have come to dedicate a portion of that field, as a final resting place for those who here
gave their lives that that nation might live. It is altogether fitting and proper that we should do this. But, in a
larger sense, we can not dedicate -- we can not consecrate -- we can not hallow -- this ground. The brave men, living
and dead, who struggled here, have consecrated it, far above our poor power to add or detract. The world will little
note, nor long remember what we say here, but it can never forget what they did here. It is for us the living, rather,
to be dedicated here to the unfinished work which they who fought here have thus far so nobly advanced. It is rather for
us to be here dedicated to the great task remaining before us -- that from these honored dead we take increased devotion
to that cause for which they gave the last full measure of devotion -- that we here highly resolve that these dead shall
not have died in vain -- that this nation, under God, shall have a new birth of freedom -- and that government of the
people, by the people, for the people, shall not perish from the earth."""


def drawn(count: int) -> list[str]:
    """Words of which some are far more common than others."""
    chance = random.Random(7)
    tokens: list[str] = []
    for n in (60, 150, 400):
        tokens = chance.choices([f"w{i}" for i in range(120)], [1 / (i + 1) for i in range(120)], k=n)
        if n == count:
            break
    return tokens


@pytest.mark.parametrize(
    ("tokens", "of_mtld", "of_hdd"),
    [
        # By lexical-diversity 0.1.1 (Kyle; with min=1: it sets a least length of factors, which McCarthy and Jarvis do
        # not) and by lexicalrichness 0.5.1 (Shen; with a threshold a hair below 0.72: it takes "below" for "at most").
        (words(GETTYSBURG), 57.91768953068592, 0.8257387244387405),
        (drawn(60), 13.863636363636363, 0.5391648653006803),
        (drawn(150), 11.932620863171419, 0.5749535679417856),
        (drawn(400), 14.138176638176638, 0.565824678811636),
    ],
)
def test_as_two_independent_libraries_have_it(tokens: list[str], of_mtld: float, of_hdd: float) -> None:
    assert mtld(tokens) == pytest.approx(of_mtld, rel=1e-12)
    assert hdd(tokens) == pytest.approx(of_hdd, rel=1e-9)


def test_factors_by_hand() -> None:
    # Forwards "a b a" falls to 2/3, a factor, and "b c d e" has no word twice: no part of another. Backwards all seven
    # words are one factor: 5/6 after six, 5/7 after seven.
    assert mtld(list("ababcde")) == pytest.approx((7 / 1 + 7 / 1) / 2)
    # "a b a" as before, and "b b" is at 1/2 at once: two factors; backwards "b b", then "a b a".
    assert mtld(list("ababb")) == pytest.approx(5 / 2)
    # What is left over: "a b c a" is at 3/4, which is 0.25/0.28 of a factor, both ways.
    assert mtld(list("abca")) == pytest.approx(4 / (0.25 / 0.28))


def test_what_has_no_number() -> None:
    assert mtld([str(i) for i in range(100)]) is None  # no factor: no word occurs twice
    assert hdd(["a"] * (DRAWN - 1)) is None
    short = diversity(["yes please"] * 20)
    assert (short.tokens, short.types, short.mtld, short.hdd) == (40, 2, None, None)
    assert diversity([]).mtld is None


def test_words() -> None:
    assert words("Don’t re-check: 10:30, $5.50 — to A.B@c.org!") == [
        "don't",
        "re-check",
        "10:30",
        "5.50",
        "to",
        "a.b@c.org",
    ]
    assert words("Zürich 東京 ...") == ["zürich", "東京"]


texts = st.lists(st.sampled_from("abcdefgh"), min_size=SHORTEST, max_size=150)


@given(texts, st.randoms())
def test_laws(tokens: list[str], chance: random.Random) -> None:
    ratio = hdd(tokens)
    assert ratio is not None
    assert 0 < ratio <= 1
    shuffled = list(tokens)
    chance.shuffle(shuffled)
    assert hdd(shuffled) == pytest.approx(ratio)
    assert mtld(tokens) == pytest.approx(mtld(tokens[::-1]))
    # Drawing all there is gives the ratio of types to tokens.
    assert hdd(tokens[:DRAWN]) == pytest.approx(len(set(tokens[:DRAWN])) / DRAWN)
