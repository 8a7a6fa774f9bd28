"""Progress on terminals and in logs."""

from __future__ import annotations

import pytest

from pytest_ugst.core.usage import Usage
from pytest_ugst.plugin.outcome import describe
from pytest_ugst.plugin.progress import Progress
from pytest_ugst.plugin.terminal import Terminal, progress_line
from tests.plugin_project import seen


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("pytest_ugst.plugin.terminal.time", clock)
    return clock


class Paper:
    """What a terminal reporter is, as far as we use it."""

    def __init__(self, isatty: bool) -> None:
        self.isatty = isatty
        self.text = ""
        self._tw = self
        self.width_of_current_line = 0
        self.fullwidth = 60

    def write(self, text: str, flush: bool = False) -> None:
        self.text += text
        self.width_of_current_line += len(text)

    def write_raw(self, text: str, flush: bool = False) -> None:
        self.text += text

    def write_line(self, text: str) -> None:
        self.text += text + "\n"
        self.width_of_current_line = 0

    def ensure_newline(self) -> None:
        if self.width_of_current_line:
            self.write_line("")

    @property
    def screen(self) -> list[str]:
        return seen(self.text)


class Config:
    """A pytest config, as far as the terminal uses it."""

    def __init__(self, paper: Paper) -> None:
        self.paper = paper
        self.pluginmanager = self

    def getplugin(self, name: str) -> Paper | None:
        return self.paper if name == "terminalreporter" else None

    def get_verbosity(self) -> int:
        return 0


def make_terminal(paper: Paper) -> Terminal:
    return Terminal(Config(paper))  # type: ignore[arg-type]


def quarter(clock: Clock) -> Progress:
    """A quarter of the work is done."""
    return Progress(done=1, total=4, share=0.25, seconds=clock.now - 1000, usage=Usage())


def test_a_log_gets_a_line_now_and_then(clock: Clock) -> None:
    terminal = make_terminal(paper := Paper(isatty=False))
    paper.write("test_it.py ..")
    for _ in range(600):  # a minute, looked at every tenth of a second
        clock.now += 0.1
        terminal.on_wait(quarter(clock))
    lines = paper.text.splitlines()
    assert lines[0] == "test_it.py .."
    assert len(lines) in (3, 4)
    assert lines[1] == "ugst: 1/4 episodes, about 0:06 left"
    assert "\r" not in paper.text


def test_a_terminal_gets_one_line_that_is_taken_away(clock: Clock) -> None:
    terminal = make_terminal(paper := Paper(isatty=True))
    paper.write("test_it.py F.")
    for _ in range(50):
        clock.now += 0.1
        terminal.on_wait(quarter(clock))
    assert paper.text.count("ugst: 1/4 episodes") > 3
    assert paper.screen == ["test_it.py F.", "ugst: 1/4 episodes, about 0:15 left"]
    terminal.on_waited()
    assert paper.screen == ["test_it.py F."]
    terminal.on_waited()
    paper.write(".")
    assert paper.screen == ["test_it.py F.."]
    clock.now += 1
    terminal.on_wait(quarter(clock))
    terminal.notify("done")
    assert paper.screen == ["test_it.py F..", "ugst: done"]


@pytest.mark.parametrize(
    ("done", "total", "usage", "line"),
    [
        (0, 8, Usage(), "ugst: 0/8 episodes"),
        (2, 8, Usage(), "ugst: 2/8 episodes, about 3:00 left"),
        (
            8,
            8,
            Usage(calls=3, prompt_tokens=20_000, completion_tokens=5),
            "ugst: 8/8 episodes, 3 calls, 20k + 5 tokens",
        ),
        (
            4,
            8,
            Usage(calls=9, cache_hits=2, retries=1, prompt_tokens=12_345_678, completion_tokens=9_999, cost=1.5),
            "ugst: 4/8 episodes, 9 calls, 2 from the cache, 1 retry, 12M + 9999 tokens, cost 1.5000, about 1:00 left",
        ),
    ],
)
def test_the_progress_line(done: int, total: int, usage: Usage, line: str) -> None:
    assert progress_line(done, total, done / total, 60.0, usage) == line
    assert ", 3 not aligned" in progress_line(done, total, done / total, 60.0, usage, 3)
    assert describe(usage) in line or not usage.calls
