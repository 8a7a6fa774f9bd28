"""Notebooks without Jupyter: their code cells run in one event loop, and give the outputs that Jupyter would store.

``python -m tests.examples.notebooks FILE`` writes the present outputs into a notebook.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

Output = dict[str, Any]


def read_notebook(path: Path) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run_cells(notebook: dict[str, Any]) -> list[list[Output]]:
    """The outputs of each code cell, run one after the other in the present folder."""

    async def run_all() -> list[list[Output]]:
        names: dict[str, Any] = {"__name__": "__main__"}
        return [await _run(number, cell, names) for number, cell in enumerate(code_cells(notebook), 1)]

    return asyncio.run(run_all())


async def _run(number: int, cell: dict[str, Any], names: dict[str, Any]) -> list[Output]:
    """Run a cell; what it prints and the value of its last line are its outputs."""
    tree = ast.parse("".join(cell["source"]))
    last = tree.body[-1] if tree.body else None
    shown = isinstance(last, ast.Expr)
    if isinstance(last, ast.Expr):
        tree.body[-1] = ast.copy_location(ast.Assign([ast.Name("_", ast.Store())], last.value), last)
    code = compile(ast.fix_missing_locations(tree), f"<cell {number}>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        result = eval(code, names)  # a code object of a notebook of ours; with an await in it, it gives a coroutine
        if inspect.isawaitable(result):
            await result
    outputs: list[Output] = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": _lines(printed.getvalue())})
    if shown and names["_"] is not None:
        data = _displayed(names["_"])
        outputs.append({"output_type": "execute_result", "execution_count": number, "metadata": {}, "data": data})
    return outputs


def _displayed(value: Any) -> dict[str, list[str]]:
    """A value by MIME type, as a front end may choose to show it."""
    data = {"text/plain": _lines(repr(value))}
    if hasattr(value, "_repr_html_"):
        data["text/html"] = _lines(value._repr_html_())
    return data


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def main() -> None:
    (path,) = (Path(name).resolve() for name in sys.argv[1:])
    notebook = read_notebook(path)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        outputs = run_cells(notebook)
    for number, (cell, new) in enumerate(zip(code_cells(notebook), outputs, strict=True), 1):
        cell.update(execution_count=number, outputs=new)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
