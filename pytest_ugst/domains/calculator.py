"""The calculator tool's arithmetic: a bounded recursive-descent parser, which never runs code.

The grammar::

    sum     = product { ("+" | "-") product }
    product = signed { ("*" | "/") signed }
    signed  = { "+" | "-" } ( number | "(" sum ")" )
"""

from __future__ import annotations

import re

MAX_LENGTH = 500
"""Most characters of an expression."""
MAX_DEPTH = 30
"""Most nested parentheses of an expression."""

_TOKEN = re.compile(r"\s*(\d+\.\d*|\.\d+|\d+|\*\*|//|[-+*/()])", re.ASCII)


class ExpressionError(ValueError):
    """An expression that can't be evaluated; the message says why."""


def calculate(expression: str) -> float:
    """Evaluate an expression with ``+ - * /`` and parentheses.

    Integers are exact until the result, as Python's are. Powers and integer division are refused.

    Args:
        expression: The expression, at most :data:`MAX_LENGTH` characters long.

    Returns:
        The value, a finite number.

    Raises:
        ExpressionError: If it is no such expression, too long or nested too deeply, or if its value is not finite.
    """
    if len(expression) > MAX_LENGTH:
        raise ExpressionError(f"the expression is longer than {MAX_LENGTH} characters")
    parser = _ExpressionParser(_tokens(expression))
    try:
        value = float(parser.sum(0))
    except ZeroDivisionError:
        raise ExpressionError("division by zero") from None
    except OverflowError:
        raise ExpressionError("the value is too large") from None
    parser.end()
    if value - value != 0:  # infinite, or not a number
        raise ExpressionError("the value is too large")
    return value


def _tokens(expression: str) -> list[str]:
    expression = expression.rstrip()
    found = []
    at = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None:
            raise ExpressionError(f"{expression[at:].lstrip()[:1]!r} has no place in an expression")
        if match[1] in ("**", "//"):
            raise ExpressionError(f"there is no operator {match[1]!r} (there are + - * /)")
        found.append(match[1])
        at = match.end()
    return found


class _ExpressionParser:
    """Recursive descent over tokens, one method per rule of the grammar."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        token = self._next()
        if token not in wanted:
            return ""
        self._at += 1
        return token

    def end(self) -> None:
        if self._next():
            raise ExpressionError(f"{self._next()!r} is in the wrong place")

    def sum(self, depth: int) -> int | float:
        value = self._product(depth)
        while operator := self._take("+", "-"):
            right = self._product(depth)
            value = value + right if operator == "+" else value - right
        return value

    def _product(self, depth: int) -> int | float:
        value = self._signed(depth)
        while operator := self._take("*", "/"):
            right = self._signed(depth)
            value = value * right if operator == "*" else value / right
        return value

    def _signed(self, depth: int) -> int | float:
        negative = False
        while sign := self._take("+", "-"):
            negative ^= sign == "-"
        value = self._operand(depth)
        return -value if negative else value

    def _operand(self, depth: int) -> int | float:
        if self._take("("):
            if depth == MAX_DEPTH:
                raise ExpressionError(f"more than {MAX_DEPTH} parentheses within each other")
            value = self.sum(depth + 1)
            if not self._take(")"):
                raise ExpressionError("a parenthesis is not closed")
            return value
        token = self._next()
        if token[:1].isdigit() or token[:1] == ".":
            self._at += 1
            return float(token) if "." in token else int(token)
        raise ExpressionError(f"{token!r} is in the wrong place" if token else "the expression ends too early")
