"""Python files are read as data, or refused with file, line and what was found."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.errors import UsageError
from pytest_ugst.domains.tau import python_literals
from pytest_ugst.domains.tau.python_literals import Call, read_calls
from tests.strategies import json_objects

NAMES = frozenset({"Task", "Action"})


def read(tmp_path: Path, text: str) -> list[Call]:
    path = tmp_path / "tasks.py"
    path.write_text(text, encoding="utf-8")
    return read_calls(path, NAMES, "tau_bench.types")


def test_plain_data(tmp_path: Path) -> None:
    calls = read(
        tmp_path,
        "# a comment\n"
        "from tau_bench.types import Task, Action\n"
        "TASKS = [\n"
        "    Task(a='x' 'y', b=[1, -2, 3.5, -0.5, True, None], c={'k': {'deep': []}}),\n"
        "    Task(d=[Action(name='n')]),\n"
        "]\n",
    )
    assert [call.line for call in calls] == [4, 5]
    assert calls[0].fields == {"a": "xy", "b": [1, -2, 3.5, -0.5, True, None], "c": {"k": {"deep": []}}}
    assert calls[1].fields == {"d": [Call("Action", {"name": "n"}, 5)]}


def test_an_empty_list(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeffTASKS = []") == []


@given(json_objects)
def test_any_json_object(tmp_path_factory: pytest.TempPathFactory, data: dict[str, object]) -> None:
    folder = tmp_path_factory.getbasetemp()
    assert read(folder, f"TASKS = [Task(data={data!r})]")[0].fields == {"data": data}


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("TASKS = [Task(a=open('f'))]", 1, "a call of open(...)"),
        ("TASKS = [Task(\na=__import__('os').system('x'))]", 2, "a call of __import__('os').system(...)"),
        ("TASKS = [Task(a=(lambda: 1)())]", 1, "a call;"),
        ("TASKS = [Other(a=1)]", 1, "a call of Other(...)"),
        ("TASKS = [x.Task(a=1)]", 1, "a call of x.Task(...)"),
        ("TASKS = [Task(1)]", 1, "a call of Task(...)"),
        ("TASKS = [Task(*a)]", 1, "a call of Task(...)"),
        ("TASKS = [Task(**{'a': 1})]", 1, "Task(...) with '**' or with a field given twice"),
        ("TASKS = [Task(a=f'{x}')]", 1, "an f-string"),
        ("TASKS = [Task(a='x' + 'y')]", 1, "a computation"),
        ("TASKS = [Task(a='x' * 10**9)]", 1, "a computation"),
        ("TASKS = [Task(a=-True)]", 1, "a computation"),
        ("TASKS = [Task(a=not 1)]", 1, "a computation"),
        ("TASKS = [Task(a=name)]", 1, "the name 'name'"),
        ("TASKS = [Task(a=b'x')]", 1, "a constant of type bytes"),
        ("TASKS = [Task(a=1j)]", 1, "a constant of type complex"),
        ("TASKS = [Task(a=...)]", 1, "a constant of type ellipsis"),
        ("TASKS = [Task(a=1e999)]", 1, "a number too large for JSON"),
        ("TASKS = [Task(a='\\ud800')]", 1, "text with half a surrogate pair"),
        ("TASKS = [Task(a=(1, 2))]", 1, "a tuple"),
        ("TASKS = [Task(a={1})]", 1, "a set"),
        ("TASKS = [Task(a=[x for x in y])]", 1, "a comprehension"),
        ("TASKS = [Task(a=[*x])]", 1, "an unpacked value"),
        ("TASKS = [Task(a={'k': 1,\n'k': 2})]", 2, "a dictionary with the key 'k' twice"),
        ("TASKS = [Task(a={1: 2})]", 1, "a dictionary with a key that is no text"),
        ("TASKS = [Task(a={**x})]", 1, "the name 'x'"),
        ("TASKS = [Task(a={**{}})]", 1, "a dictionary with a key that is no text"),
        ("TASKS = [1]", 1, "a constant of type int where one of Action, Task should be"),
        ("TASKS = Task(a=1)", 1, "a call of Task(...) where a list should be"),
        ("TASKS = MORE = []", 1, "an assignment to something other than one variable"),
        ("a.b = []", 1, "an assignment to something other than one variable"),
        ("A = []\nB = []", 2, "a second assignment"),
        ("A: list = []", 1, "Python code (AnnAssign)"),
        ("import os\nA = []", 1, "an import;"),
        ("from os import Task", 1, "an import from os"),
        ("from .types import Task", 1, "an import from .types"),
        ("from tau_bench.types import *", 1, "an import of *"),
        ("from tau_bench.types import Task as T", 1, "an import of Task as T"),
        ("from tau_bench.types import Env", 1, "an import of Env"),
        ("A = []\nfrom tau_bench.types import Task", 2, "an import after the list"),
        ("A = []\nprint(1)", 2, "an expression"),
        ("def f(): pass", 1, "a function"),
        ("class A: pass", 1, "a class"),
        ("if 1:\n    A = []", 1, "Python code (If)"),
        ("", 1, "no list is assigned"),
        ("A = [1]\nB = 1 +", 2, "not valid Python"),
        ("A = [Task(a=" + "[" * 41 + "]" * 41 + ")]", 1, "more than 40 levels of nesting"),
        ("A = [Task(a=" + "[" * 5000, 1, "not valid Python"),
        ("A = [Task(a=" + "-" * 100_000 + "1)]", 1, "not valid Python, or nested too deeply"),
        ("A = '\0'", 1, "not valid Python"),
        ("A = [Task(a=" + "9" * 5000 + ")]", 1, "not valid Python"),
    ],
)
def test_refused(tmp_path: Path, text: str, line: int, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'tasks.py'}:{line}: {problem}")
    assert message.endswith("; only plain data is read from Python files")
    assert "\n" not in message


def test_nothing_is_executed(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(UsageError):
        read(tmp_path, f"A = [Task(a=open({str(mark)!r}, 'w'))]")
    assert not mark.exists()


def test_odd_escapes_are_no_warning(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    assert read(tmp_path, r"A = [Task(a='\d')]")[0].fields == {"a": r"\d"}
    assert not recwarn.list


@given(st.text(st.sampled_from("ATask(=)[]{},:'\"\n -1.x#\\")))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    with contextlib.suppress(UsageError):
        assert isinstance(read(tmp_path_factory.getbasetemp(), "A = [" + text), list)


def test_files_that_can_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tasks.py"
    with pytest.raises(UsageError, match="can't be read: No such file"):
        read_calls(path, NAMES, "m")
    path.write_bytes(b"A = ['\xff']")
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        read_calls(path, NAMES, "m")
    monkeypatch.setattr(python_literals, "MAX_BYTES", 5)
    with pytest.raises(UsageError, match="large, and at most"):
        read_calls(path, NAMES, "m")
