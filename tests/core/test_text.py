"""Sanitising: the text of a model can do nothing to a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.chat import ChatError
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import one_line, plain

nasty = (
    st.text(st.sampled_from("\x1b[]()0;mJ\x07\x9b\x9d\x9c\\P^ \n\r\tab\u202e\u2066\u200b\u2028\U000e0041é")) | st.text()
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hello, wörld – 你好 👋", "Hello, wörld – 你好 👋"),
        ("one\ntwo", "one\ntwo"),
        ("one\r\ntwo\rthree\u2028four\x85five", "one\ntwo\nthree\nfour\nfive"),
        ("a\tb", "a b"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x9b31mred", "red"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;http://example.org\x1b\\a link\x1b]8;;\x1b\\", "a link"),
        ("\x1bP1;2|device\x1b\\text", "text"),
        ("\x9d0;a title\x9ctext", "text"),
        ("\x1b]0;never ended", "0;never ended"),
        ("\x1b(Bascii\x1bc", "ascii"),
        ("bell\x07 back\x08 nul\x00 del\x7f", "bell back nul del"),
        ("file\u202egpj.exe", "filegpj.exe"),
        ("a\u2066b\u2069c\u200fd\u061ce", "abcde"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("tag\U000e0041\U000e0042", "tag"),
        ("family 👩\u200d👧", "family 👩\u200d👧"),
        ("half \ud83d", "half "),
        ("", ""),
    ],
)
def test_plain(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(nasty)
def test_nothing_is_left_that_a_terminal_obeys(text: str) -> None:
    shown = plain(text)
    assert all(
        c == "\n" or c in "\u200c\u200d" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in shown
    )
    assert plain(shown) == shown


@given(st.text(st.characters(categories=["L", "N", "P", "S", "M"])))
def test_words_stay_as_they_are(text: str) -> None:
    assert plain(text) == text


@given(nasty, st.integers(0, 20))
def test_limit(text: str, limit: int) -> None:
    whole, cut = plain(text), plain(text, limit)
    assert len(cut) <= limit
    if len(whole) <= limit:
        assert cut == whole
    elif limit:
        assert cut.endswith("…")
        assert whole.startswith(cut[:-1])


@given(nasty, st.integers(0, 20) | st.none())
def test_one_line(text: str, limit: int | None) -> None:
    line = one_line(text, limit)
    assert len(line.splitlines()) <= 1
    assert "  " not in line
    assert limit is None or len(line) <= limit


@pytest.mark.parametrize("piece", ["\x1b]", "\x9d", "\x1b[", "\x9b0", "\x1bP", "\x1b ", "\u202e"])
def test_long_nonsense_ends(piece: str) -> None:
    assert "\x1b" not in plain(piece * 100_000)


def test_errors_quote_nothing_that_a_terminal_obeys() -> None:
    assert str(UsageError("main.json: goal 'a\x1b]0;title\x07\x1b[2Jb': no")) == "main.json: goal 'ab': no"
    assert str(ChatError("\x9b31mred", retries=2)) == "red"
