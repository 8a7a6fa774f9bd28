"""The notebook runs, and shows what is stored in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.examples.notebooks import Output, code_cells, read_notebook, run_cells
from tests.examples.readmes import EXAMPLES

NOTEBOOK = EXAMPLES / "notebook" / "walkthrough.ipynb"
UPDATE = f"python -m tests.examples.notebooks {NOTEBOOK.relative_to(EXAMPLES.parent)}"


def text(outputs: list[Output]) -> str:
    """What the outputs of a cell hold as text; how a data frame is written as HTML is up to pandas."""
    parts = [output.get("text") or output["data"]["text/plain"] for output in outputs]
    return "".join(line for part in parts for line in part)


def test_its_cells_give_the_outputs_that_are_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas")
    monkeypatch.chdir(tmp_path)
    notebook = read_notebook(NOTEBOOK)
    stored = [text(cell["outputs"]) for cell in code_cells(notebook)]
    assert [text(outputs) for outputs in run_cells(notebook)] == stored, f"outputs changed; {UPDATE}"
    assert any("user_ended" in part for part in stored)


def test_it_is_a_notebook_of_the_present_format() -> None:
    notebook: dict[str, Any] = read_notebook(NOTEBOOK)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    assert [cell["execution_count"] for cell in code_cells(notebook)] == list(range(1, len(code_cells(notebook)) + 1))


@pytest.mark.slow
def test_jupyter_gives_them_too(tmp_path: Path) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    stored = [text(cell["outputs"]) for cell in code_cells(read_notebook(NOTEBOOK))]
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert [text(cell["outputs"]) for cell in code_cells(notebook)] == stored
