"""A strict reader of Python files that are data: literals only, never imported and never executed.

Benchmarks publish their tasks as Python source. Such a file is not trusted: it is parsed into a syntax tree, and the
tree is walked with a short list of permitted nodes; everything else is refused.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_ugst.core.errors import UsageError

MAX_BYTES = 8 * 2**20
"""Most bytes of a file."""
MAX_DEPTH = 40
"""Most levels of nested lists, dictionaries and calls."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a known name with keyword arguments only, as data."""

    name: str
    fields: Mapping[str, Any]
    """JSON-like values, which may contain calls."""
    line: int


class _RefusedError(Exception):
    """Something in the file that is not plain data, with its line."""

    def __init__(self, where: ast.AST | int, message: str) -> None:
        super().__init__(message)
        self.line = where if isinstance(where, int) else getattr(where, "lineno", 1)


def read_calls(path: Path, names: frozenset[str], module: str) -> list[Call]:
    """Read the one list that a file assigns.

    The file may hold ``from MODULE import NAME, ...`` and then, once, ``VARIABLE = [NAME(field=value, ...), ...]``.
    Values are strings, numbers, booleans, None, lists, dictionaries with strings as keys, and calls of known names.

    Args:
        path: The file.
        names: The names that may be imported and called.
        module: The module that they may be imported from.

    Returns:
        The elements of the list.

    Raises:
        UsageError: If the file holds anything else; names file and line of the first such thing.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UsageError(f"{path}: is {size / 2**20:.0f} MiB large, and at most {MAX_BYTES // 2**20} MiB are read")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    try:
        return _list(_parsed(text), names, module)
    except _RefusedError as error:
        raise UsageError(f"{path}:{error.line}: {error}; only plain data is read from Python files") from None


def _parsed(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the user can't do anything about invalid escapes in upstream's text
            return ast.parse(text)
    except SyntaxError as error:
        raise _RefusedError(error.lineno or 1, f"not valid Python ({error.msg})") from None
    except (ValueError, RecursionError, MemoryError):
        raise _RefusedError(1, "not valid Python, or nested too deeply") from None


def _list(module: ast.Module, names: frozenset[str], origin: str) -> list[Call]:
    """Return the elements of the one list that is assigned, after any number of imports."""
    found: list[Call] | None = None
    for statement in module.body:
        if isinstance(statement, ast.ImportFrom) and found is None:
            _check_import(statement, names, origin)
        elif isinstance(statement, ast.Assign) and found is None:
            found = _assigned(statement, names)
        else:
            what = "a second assignment" if isinstance(statement, ast.Assign) else _describe(statement)
            raise _RefusedError(statement, what)
    if found is None:
        raise _RefusedError(module, "no list is assigned")
    return found


def _check_import(statement: ast.ImportFrom, names: frozenset[str], origin: str) -> None:
    """Refuse an import of anything but known names from the known module."""
    if statement.module != origin or statement.level:
        raise _RefusedError(statement, f"an import from {'.' * statement.level}{statement.module or ''}")
    for alias in statement.names:
        if alias.name not in names or alias.asname is not None:
            raise _RefusedError(statement, f"an import of {ast.unparse(alias)}")


def _assigned(statement: ast.Assign, names: frozenset[str]) -> list[Call]:
    """Return the calls of the list that is assigned to one variable."""
    if len(statement.targets) != 1 or not isinstance(statement.targets[0], ast.Name):
        raise _RefusedError(statement, "an assignment to something other than one variable")
    if not isinstance(statement.value, ast.List):
        raise _RefusedError(statement, f"{_describe(statement.value)} where a list should be")
    calls = []
    for element in statement.value.elts:
        call = _value(element, names, 1)
        if not isinstance(call, Call):
            raise _RefusedError(element, f"{_describe(element)} where one of {', '.join(sorted(names))} should be")
        calls.append(call)
    return calls


def _value(node: ast.expr, names: frozenset[str], depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise _RefusedError(node, f"more than {MAX_DEPTH} levels of nesting")
    match node:
        case ast.Constant(value=str() | int() | float() | None as value):
            return _constant(node, value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)) if not isinstance(
            value, bool
        ):
            return -_constant(node, value)
        case ast.List(elts=elements):
            return [_value(element, names, depth + 1) for element in elements]
        case ast.Dict(keys=keys, values=values):
            return _mapping(
                node, [(key, _value(value, names, depth + 1)) for key, value in zip(keys, values, strict=True)]
            )
        case ast.Call(func=ast.Name(id=name), args=[], keywords=keywords) if name in names:
            given = [(keyword.arg, _value(keyword.value, names, depth + 1)) for keyword in keywords]
            fields = dict(given)
            if None in fields or len(fields) != len(given):
                raise _RefusedError(node, f"{name}(...) with '**' or with a field given twice")
            return Call(name, {str(key): value for key, value in fields.items()}, node.lineno)
        case _:
            raise _RefusedError(node, _describe(node))


def _constant(node: ast.expr, value: Any) -> Any:
    """Return a constant that can be written as JSON in UTF-8."""
    if isinstance(value, float) and not math.isfinite(value):
        raise _RefusedError(node, "a number too large for JSON")
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _RefusedError(node, "text with half a surrogate pair") from None
    return value


def _mapping(node: ast.Dict, items: list[tuple[ast.expr | None, Any]]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key, value in items:
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            raise _RefusedError(key or node, "a dictionary with a key that is no text")
        name = _constant(key, key.value)
        if name in mapping:
            raise _RefusedError(key, f"a dictionary with the key {name[:40]!r} twice")
        mapping[name] = value
    return mapping


def _describe(node: ast.AST) -> str:
    """Return the usual name of a piece of Python, for an error message."""
    if isinstance(node, ast.Call):
        plain = isinstance(node.func, ast.Name | ast.Attribute)
        return f"a call of {ast.unparse(node.func)[:60]}(...)" if plain else "a call"
    if isinstance(node, ast.Name):
        return f"the name {node.id[:60]!r}"
    if isinstance(node, ast.Constant):
        return f"a constant of type {type(node.value).__name__}"
    known: dict[type[ast.AST], str] = {
        ast.JoinedStr: "an f-string",
        ast.BinOp: "a computation",
        ast.UnaryOp: "a computation",
        ast.ListComp: "a comprehension",
        ast.Starred: "an unpacked value",
        ast.Import: "an import",
        ast.ImportFrom: "an import after the list",
        ast.FunctionDef: "a function",
        ast.ClassDef: "a class",
        ast.Tuple: "a tuple",
        ast.Set: "a set",
        ast.Attribute: "an attribute",
        ast.Subscript: "a subscript",
        ast.Lambda: "a lambda",
        ast.Expr: "an expression",
    }
    return known.get(type(node), f"Python code ({type(node).__name__})")
