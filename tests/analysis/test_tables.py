"""Neutral tables in every style: what stands out, what is escaped, what is kept in full."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.analysis.tables import STYLES, Cell, Column, Line, Mark, Table, rank_marks, render, render_terminal

COLUMNS = (Column("model", "model"), Column("run", None), Column("avg", "Avg"), Column("n", "n"))


def line(label: str, value: float | None, group: str = "", mark: Mark | None = None) -> Line:
    text = None if value is None else f"{value:.1f}"
    avg = Cell(value, text, "3–5" if text else "", mark, {"low": 3.0, "high": 5.25} if text else {})
    return Line((Cell(label), Cell("first"), avg, Cell(7)), group)


def table(*lines: Line, title: str = "airline", notes: tuple[str, ...] = ("in percent",)) -> Table:
    return Table(COLUMNS, lines, title, notes)


TWO = table(line("a", 4.06, "Prompt-based", Mark.BEST), line("b", 3.0, "SFT", Mark.SECOND), line("c", None, "SFT"))


@pytest.mark.parametrize(
    ("shown", "marks"),
    [
        ([1.0, 3.0, 2.0], [None, "best", "second"]),
        ([3.0, 3.0, 2.0, 2.0, 1.0], ["best", "best", "second", "second", None]),
        ([3.0, 3.0], ["best", "best"]),
        ([None, 3.0, None], [None, None, None]),
        ([None, 3.0, 2.0], [None, "best", "second"]),
        ([], []),
    ],
)
def test_best_and_second_best(shown: list[float | None], marks: list[str | None]) -> None:
    assert rank_marks(shown) == marks
    assert rank_marks([None if value is None else -value for value in shown], lowest=True) == marks


@given(st.lists(st.none() | st.integers(0, 4).map(float), min_size=2, max_size=8), st.booleans())
def test_marks_are_of_the_best_two_values(shown: list[float | None], lowest: bool) -> None:
    marks = rank_marks(shown, lowest=lowest)
    by_mark = {
        mark: {v for v, m in zip(shown, marks, strict=True) if m is mark and v is not None} for mark in (*Mark, None)
    }
    known = sorted({value for value in shown if value is not None}, reverse=not lowest)
    if len(shown) - shown.count(None) < 2:
        assert not any(marks)
    else:
        assert by_mark == {Mark.BEST: set(known[:1]), Mark.SECOND: set(known[1:2]), None: set(known[2:])}


def test_on_a_terminal() -> None:
    assert render([TWO], "terminal").splitlines() == [
        "airline",
        "  model          Avg    n",
        "  -------  ---------  ---",
        "Prompt-based",
        "  a        4.1 (3–5)    7",
        "SFT",
        "  b        3.0 (3–5)    7",
        "  c                –    7",
        "in percent",
    ]


def test_bold_and_underlined_where_the_terminal_can() -> None:
    text = render([TWO], "terminal", ansi=True)
    assert "\x1b[1m4.1\x1b[0m (3–5)" in text
    assert "\x1b[4m3.0\x1b[0m (3–5)" in text
    assert "\x1b[1mSFT\x1b[0m" in text
    meaning = "best of a column in bold, second best underlined\n"
    assert re.sub(r"\x1b\[\dm", "", text).replace(meaning, "") == render([TWO], "terminal")


def test_intervals_below_and_labels_cut_where_there_is_no_room() -> None:
    text = render_terminal(table(line("x" * 50, 4.0, "g"), line("y", 2.0, "g")), width=36)
    assert max(map(len, text.splitlines())) <= 36
    assert [part.split() for part in text.splitlines()[4:8]] == [
        ["x" * 15 + "…", "4.0", "7"],
        ["3–5"],
        ["y", "2.0", "7"],
        ["3–5"],
    ]
    assert text.splitlines()[-1].startswith(f"{'x' * 15}… is x")


def test_cut_labels_that_begin_alike_are_told_apart() -> None:
    names = [f"checkpoints/llama-8b-grpo-{step}" for step in (300, 350)]
    text = render_terminal(table(*(line(name, 4.0) for name in names), line("z" * 40, 1.0)), width=36)
    shown = [row.split()[0] for row in text.splitlines()[3:9:2]]
    assert shown == ["checkpoi…ama-8b-grpo-300", "checkpoi…ama-8b-grpo-350", "z" * 23 + "…"]


def test_markdown() -> None:
    lines = render([TWO], "markdown").splitlines()
    assert lines[:2] == ["### airline", ""]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in lines[4:9]]
    assert cells == [
        ["**Prompt-based**", "", ""],
        ["a", "**4.1** (3–5)", "7"],
        ["**SFT**", "", ""],
        ["b", "<ins>3.0</ins> (3–5)", "7"],
        ["c", "–", "7"],
    ]


def test_latex() -> None:
    text = render(
        [table(line("50%_of {a} & b\\c^~", 4.0, "SFT", Mark.BEST), line("d", 2.0, "SFT", Mark.SECOND))], "latex"
    )
    assert "\n[" not in render([table(line("[x]", 1.0), line("*", 1.0))], "latex")
    assert "U+1F642 café" in render([table(line("🙂 café", 1.0))], "latex")
    assert "\n*" not in render([table(line("[x]", 1.0), line("*", 1.0))], "latex")
    assert r"50\%\_of \{a\} \& b\textbackslash{}c\textasciicircum{}\textasciitilde{} & \textbf{4.0}" in text
    assert "d & \\underline{2.0} & 7 \\\\[-1pt]\n & {\\scriptsize 3--5} &  \\\\\n" in text
    assert r"\multicolumn{3}{l}{\textbf{SFT}} \\" in text
    assert text.count(r"\begin{") == text.count(r"\end{")
    assert r"\caption{airline}" in text
    assert "{\\footnotesize best of a column in bold, second best underlined. in percent.}" in text


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_can_be_set(tmp_path: Path) -> None:
    words = "a & b % c $ d # e _ f { g } h ~ i ^ j \\ k < l > m | n \" o – p … q ` r ' s [ t ] u * v @ w -- x"
    made = render(
        [TWO, table(line(words, 1.0, words, Mark.BEST), line("[x]", 1.0), line("*", 1.0), title=words, notes=(words,))],
        "latex",
    )
    page = f"\\documentclass{{article}}\\usepackage{{booktabs}}\\begin{{document}}\n{made}\\end{{document}}"
    (tmp_path / "page.tex").write_text(page, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "page.pdf").stat().st_size > 1000


def test_csv_holds_everything_in_full() -> None:
    rows = list(csv.DictReader(io.StringIO(render([TWO, table(line("=a", 1 / 3), title="all")], "csv"))))
    assert [row["table"] for row in rows] == ["airline"] * 3 + ["all"]
    assert rows[0] == {
        "table": "airline",
        "group": "Prompt-based",
        "model": "a",
        "run": "first",
        "avg": "4.06",
        "avg_low": "3.0",
        "avg_high": "5.25",
        "n": "7",
    }
    assert rows[2]["avg"] == rows[2]["avg_low"] == ""
    assert float(rows[3]["avg"]) == 1 / 3
    assert rows[3]["model"] == "'=a"  # no formula


def test_json_holds_everything_in_full() -> None:
    (made,) = json.loads(render([TWO], "json"))["tables"]
    assert made["title"] == "airline"
    assert made["notes"] == ["in percent"]
    assert made["lines"][0] == {
        "group": "Prompt-based",
        "model": "a",
        "run": "first",
        "avg": {"value": 4.06, "low": 3.0, "high": 5.25},
        "n": 7,
    }
    assert made["lines"][2]["avg"] is None


nasty = st.text(st.sampled_from("\x1b[2J|\n\r<b>*_\\&%$#{}~^\u202eab ")) | st.text(max_size=30)


@given(nasty, nasty, nasty, nasty, st.sampled_from(STYLES))
def test_hostile_words_break_no_style(label: str, group: str, title: str, note: str, style: str) -> None:
    text = render([table(line(label, 1.0, group), line("b", 2.0, group), title=title, notes=(note,))], style)
    assert "\x1b" not in text
    assert "\u202e" not in text
    if style == "json":
        assert len(json.loads(text)["tables"][0]["lines"]) == 2
    elif style == "csv":
        assert len(list(csv.DictReader(io.StringIO(text)))) == 2
    elif style == "markdown":
        rows = [row for row in text.splitlines() if row.startswith("|")]
        assert len(rows) == 4 + bool("".join(group.split())) or len(rows) == 4 + bool(group)
        assert all(len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 4 for row in rows)
    elif style == "latex":
        assert text.count("\n") == text.rstrip().count("\n") + 1
        bare = re.sub(r"\\[\\&%$#_{}]", "", text.replace("\\\\\n", "\n"))
        assert bare.count("{") == bare.count("}")
