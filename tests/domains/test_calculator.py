"""The calculator agrees with Python where Python would be right, and runs nothing."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.domains.calculator import MAX_DEPTH, MAX_LENGTH, ExpressionError, calculate

NUMBERS = st.integers(0, 10**6).map(str) | st.decimals(0, 1000, places=2).map(str) | st.sampled_from([".5", "7."])
SPACES = st.sampled_from(["", " "])


def _wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = st.sampled_from(["-", "+", "--", "- +"])
    return (
        st.tuples(inner, SPACES, st.sampled_from("+-*/"), SPACES, inner).map("".join)
        | inner.map(lambda text: f"({text})")
        | st.tuples(signs, inner).map("".join)
    )


@given(st.recursive(NUMBERS, _wider, max_leaves=12).filter(lambda text: len(text) <= MAX_LENGTH))
def test_agrees_with_python(expression: str) -> None:
    try:
        wanted = float(eval(expression, {"__builtins__": {}}))  # made of numbers and operators by this test
    except ZeroDivisionError:
        with pytest.raises(ExpressionError, match="division by zero"):
            calculate(expression)
        return
    assert calculate(expression) == wanted


@given(st.text(alphabet="0123456789+-*/(). eE_jx", max_size=40) | st.text(max_size=20))
def test_anything_else_is_a_number_or_refused(expression: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert math.isfinite(calculate(expression))


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("9**9**9", "no operator '\\*\\*'"),
        ("7//2", "no operator '//'"),
        ("", "ends too early"),
        ("   ", "ends too early"),
        ("1 +", "ends too early"),
        ("1 2", "'2' is in the wrong place"),
        ("(1", "not closed"),
        ("1)", "'\\)' is in the wrong place"),
        ("()", "in the wrong place"),
        ("2(3)", "in the wrong place"),
        ("__import__('os')", "'_' has no place"),
        ("1e9", "'e' has no place"),
        ("1,000", "',' has no place"),
        ("٣", "has no place"),
        ("1/0", "division by zero"),
        ("9" * 400, "too large"),
        ("9" * 400 + ".0", "too large"),
        ("9" * 200 + "*" + "9" * 200, "too large"),
        ("1" * (MAX_LENGTH + 1), "longer than"),
        ("(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1), "parentheses within each other"),
    ],
)
def test_refused(expression: str, problem: str) -> None:
    with pytest.raises(ExpressionError, match=problem):
        calculate(expression)


def test_deep_but_allowed() -> None:
    assert calculate("(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH) == 1
    assert calculate("-" * 400 + "1") == 1
