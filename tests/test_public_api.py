"""The one door: what it gives is listed here, documented with an example that runs, and loaded when it is used."""

from __future__ import annotations

import ast
import asyncio
import doctest
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pytest_ugst as ugst

INIT = Path(inspect.getsourcefile(ugst) or "")
PUBLIC = [name for name in ugst.__all__ if name != "__version__"]


def type_checked_names() -> dict[str, str]:
    """The names that a type checker sees, each with its module."""
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(INIT.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pytest_ugst."):
            found |= {alias.name: node.module or "" for alias in node.names}
    return found


def test_type_checkers_and_python_see_the_same_names() -> None:
    assert type_checked_names() == {name: f"pytest_ugst.{home}" for name, home in ugst._HOME_OF.items()}
    assert sorted(type_checked_names()) == sorted(ugst.__all__)
    assert dir(ugst) == sorted(ugst.__all__)


@pytest.mark.parametrize("name", PUBLIC)
def test_everything_is_there_and_its_example_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UGST_DATA", raising=False)
    thing = getattr(ugst, name)
    text = inspect.getdoc(thing) or ""
    test = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    assert test.examples, f"{name} has no example"
    messages: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=messages.append)
    assert result.failed == 0, "".join(messages)


def test_the_door_itself_has_an_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(ugst)
    assert (result.failed, result.attempted > 0) == (0, True)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'pytest_ugst' has no attribute 'nothing'"):
        _ = ugst.nothing  # type: ignore[attr-defined]


def test_importing_costs_nothing_until_a_name_is_used() -> None:
    code = (
        "import sys, pytest_ugst\n"
        "print([m for m in sys.modules if m.startswith('pytest_ugst.')])\n"
        "pytest_ugst.Status\n"
        "print([m for m in sys.modules if m.startswith('pytest_ugst.')])\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == ["[]", "['pytest_ugst.core', 'pytest_ugst.core.status']"]


# Behaviour of the functions


def tea() -> ugst.Goal:
    check = {"every": {"user_says": "please"}}
    part = ugst.Component(id="p", category=ugst.Category.POLICY, text="Say please.", check=check)
    return ugst.Goal(id="tea", text="Order tea. Always say please.", components=(part,))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_roles_are_taken_in_the_forms_that_fixtures_take() -> None:
    def simulator(messages: list[dict[str, Any]], goal: ugst.Goal) -> str:
        return "TERMINATE" if messages else "Tea, please."

    def agent(messages: list[dict[str, Any]]) -> str:
        return f"You said: {messages[-1]['content']}"

    run = ugst.simulate(tea(), simulator=simulator, agent=agent, trials=2)
    assert [episode.id for episode in run] == ["tea", "tea@2"]
    assert repr(run) == f"<Run {run.name!r}: 2 episodes>"
    assert run["tea@2"].conversation.turns[0].agent == "You said: Tea, please."
    assert run["tea"].setting.simulator == "simulator"
    assert run["tea"].setting.judge == "checks"
    assert run.rates.columns["policy"].value == 100.0


def test_a_goal_that_occurs_twice_is_played_once() -> None:
    (goal, *_) = ugst.load_goals("concierge:test")
    run = ugst.simulate([goal, goal], cache="off")
    assert (len(run), len(list(run))) == (1, 1)


def test_what_is_registered_may_be_a_function_like_any_role() -> None:
    def register(registry: ugst.Registry) -> None:
        registry.simulator(
            "once", lambda argument, context: lambda messages, goal: argument if not messages else "TERMINATE"
        )
        registry.agent("parrot", lambda argument, context: lambda messages: messages[-1]["content"])
        registry.judge("kind", lambda argument, context: lambda component, conversation, turn: "ALIGNED")

    run = ugst.simulate(tea(), simulator="once:Tea!", agent="parrot", judge="kind", register=register)
    (episode,) = run
    assert episode.conversation.turns[0].agent == "Tea!"
    assert (episode.setting.simulator, episode.setting.agent, episode.setting.judge) == ("once:Tea!", "parrot", "kind")


def test_a_run_is_awaited_where_a_loop_runs_and_is_the_same_run() -> None:
    async def in_a_notebook() -> tuple[ugst.Run, str, list[str]]:
        pending = ugst.simulate("concierge:test", cache="off")
        with pytest.raises(ugst.UsageError, match="await it first"):
            len(pending)
        shown = repr(pending)
        run = await pending
        assert run is pending
        return await run, shown, [episode.id for episode in run]

    run, shown, ids = asyncio.run(in_a_notebook())
    assert "under way" in shown
    alone = ugst.simulate("concierge:test", cache="off")
    assert ids == [episode.id for episode in alone]
    assert run.rates == alone.rates


def test_what_the_user_has_to_mend_is_raised_before_anything_is_played(here: Path) -> None:
    mistakes: list[tuple[Callable[[], object], str]] = [
        (lambda: ugst.simulate("concierg"), "did you mean 'concierge'"),
        (lambda: ugst.simulate(tea(), trails=2), "unknown option 'trails'; did you mean 'trials'"),  # type: ignore[call-arg]
        (lambda: ugst.simulate(tea(), trials=0), "--ugst-trials=0"),
        (lambda: ugst.simulate(tea(), simulator="nobody"), "unknown model 'nobody'"),
        (lambda: ugst.simulate(tea()), "agenda"),
        (
            lambda: ugst.simulate([tea(), tea().model_copy(update={"text": "Other."})]),
            "two different goals have the id",
        ),
        (lambda: ugst.judge([]), "no conversation to judge"),
        (lambda: ugst.judge([(tea(), [{"role": "robot", "content": "x"}])]), "message 1: role is 'robot'"),
        (lambda: ugst.load_run("nothing"), "no such run"),
    ]
    for call, message in mistakes:
        with pytest.raises(ugst.UsageError, match=message.replace("(", r"\(")):
            call()
    assert not list((here / ".ugst").glob("runs/*/episodes.jsonl"))


def test_a_run_is_gone_on_with() -> None:
    goals = ugst.load_goals("concierge:test")[:4]
    first = ugst.simulate(goals[:2], cache="off")
    steps: list[tuple[int, int]] = []
    whole = ugst.simulate(goals, resume=first.name, cache="off", on_progress=lambda *step: steps.append(step))
    assert whole.folder == first.folder
    assert len(whole) == 4
    assert steps[-1] == (4, 4)
    assert [e.started for e in whole][:2] == [e.started for e in first]


def test_a_conversation_is_judged_as_it_was_while_it_was_played() -> None:
    played = ugst.simulate("concierge:test", simulator="agenda:contradiction@0.5", cache="off")
    again = ugst.judge(played)
    assert [e.final_state for e in again] == [e.final_state for e in played]
    assert [e.states for e in again] == [e.states for e in played]
    assert {e.setting.simulator for e in again} == {"recorded"}
    assert again.rates == played.rates


def test_a_judged_run_is_read_again_though_nobody_stopped_in_it() -> None:
    judged = ugst.judge([(tea(), [{"role": "user", "content": "Tea, please."}])])
    assert [(e.id, e.final_state) for e in ugst.load_run(judged.folder)] == [(e.id, e.final_state) for e in judged]


def test_several_conversations_about_one_goal_are_its_trials() -> None:
    said = [[{"role": "user", "content": text}] for text in ("Tea, please.", "Tea.")]
    run = ugst.judge([(tea(), messages) for messages in said])
    assert [(e.id, e.trial, e.succeeded) for e in run] == [("tea", 1, True), ("tea@2", 2, False)]


def test_the_summary_prints_renders_and_escapes() -> None:
    goal = tea().model_copy(update={"domain": None})
    run = ugst.judge([(goal, [{"role": "user", "content": "Tea."}])])
    summary = run.summary()
    assert "Pol." in str(summary)
    assert "| " in summary.to_markdown()
    assert r"\begin{tabular}" in summary.to_latex()
    page = summary._repr_html_()
    assert page.count("<table>") == 1
    assert "<script" not in page


def test_a_data_frame_has_one_row_per_sub_component() -> None:
    pandas = pytest.importorskip("pandas")
    run = ugst.simulate("concierge:test", simulator="agenda:wrongful_termination", cache="off")
    frame = run.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    columns = ["episode", "goal", "trial", "component", "category", "text", "status", "turn", "by"]
    assert list(frame.columns) == columns
    assert len(frame) == sum(len(episode.final_state) for episode in run)
    failed = frame[frame.status.isin(["INCOMPLETE", "ERROR"])]
    assert {tuple(row) for row in failed[["episode", "component"]].values} == {
        (e.id, s.component.id) for e in run for s in e.final_state if s.label in ("INCOMPLETE", "ERROR")
    }
    assert set(frame.by.dropna()) == {"checks"}


def test_without_pandas_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    run = ugst.judge([(tea(), [{"role": "user", "content": "Tea, please."}])])
    with pytest.raises(ugst.UsageError, match="pip install pandas"):
        run.to_pandas()


def test_one_faulty_goal_costs_its_own_episode_and_is_not_forgotten(here: Path) -> None:
    def agent(messages: list[dict[str, Any]]) -> str:
        return "Fine."

    class Domain:
        name = "shut"

        def open(self, goal: ugst.Goal, seed: int) -> ugst.Session:
            if seed and goal.id == "b":
                raise KeyError("shut")
            return Kiosk()

    class Kiosk:
        policy = ""
        tools: tuple[ugst.ToolSpec, ...] = ()

        def __init__(self) -> None:
            self.notes: dict[str, Any] = {}

        def call(self, name: str, arguments: Any) -> ugst.ToolResult:
            return ugst.ToolResult("", ok=False)

    def simulator(messages: list[dict[str, Any]], goal: ugst.Goal) -> str:
        return "TERMINATE" if messages else "Tea, please."

    goals = [tea().model_copy(update={"id": name, "domain": "shut"}) for name in "abc"]
    run = ugst.simulate(
        goals, simulator=simulator, agent=agent, register=lambda registry: registry.domain("shut", Domain())
    )
    assert [episode.id for episode in run] == ["a", "c"]
    assert dict(run.failures) == {"b": "KeyError: 'shut'"}
    loaded = ugst.load_run(run.folder)
    assert dict(loaded.failures) == dict(run.failures)
    assert (loaded.rates.unmeasured, run.rates.unmeasured) == (1, 1)


def test_going_on_with_a_run_plays_what_will_not_do() -> None:
    old = tea()
    new = old.model_copy(update={"text": "Order coffee."})

    def simulator(messages: list[dict[str, Any]], goal: ugst.Goal) -> str:
        return "TERMINATE" if messages else goal.text

    def agent(messages: list[dict[str, Any]]) -> str:
        return "Fine."

    first = ugst.simulate(old, simulator=simulator, agent=agent)
    again = ugst.simulate(new, simulator=simulator, agent=agent, resume=first)
    assert [turn.user for turn in again["tea"].conversation.turns] == ["Order coffee."]
    assert again.folder == first.folder
    assert "tea" in again
    assert "coffee" not in again


def test_a_run_that_was_cancelled_says_what_is_missing() -> None:
    async def agent(messages: list[dict[str, Any]]) -> str:
        if "b" in messages[-1]["content"]:
            await asyncio.sleep(60)
        return "Fine."

    def simulator(messages: list[dict[str, Any]], goal: ugst.Goal) -> str:
        return "TERMINATE" if messages else f"please {goal.id}"

    goals = [tea().model_copy(update={"id": name}) for name in "ab"]

    async def interrupted() -> ugst.Run:
        run = ugst.simulate(goals, simulator=simulator, agent=agent)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run, 2)
        return run

    run = asyncio.run(interrupted())
    assert repr(run) == f"<Run {run.name!r}: stopped, 1 of 2 episodes>"
    assert f"1 selected episode was not played; go on with resume={run.name!r}" in str(run.summary())
    assert len(ugst.load_run(run.folder)) == 1


def test_progress_that_fails_costs_nothing() -> None:
    def broken(done: int, total: int) -> None:
        raise ValueError("no screen")

    with pytest.warns(UserWarning, match="on_progress failed and is not called again: ValueError: no screen"):
        run = ugst.simulate("concierge:test", cache="off", on_progress=broken)
    assert len(run) == 32


def test_nobody_decomposes_and_it_is_said_before_anything_is_judged() -> None:
    whole = ugst.Goal(id="tea", text="Order tea.")
    said = [{"role": "user", "content": "Tea."}]
    with pytest.raises(ugst.UsageError, match="'tea' has no components and no model is set to decompose it"):
        ugst.judge([(whole, said)], judge=lambda component, conversation, turn: "ALIGNED")
    with pytest.raises(ugst.UsageError, match=r"data='nowhere': there is no such folder"):
        ugst.simulate(tea(), data="nowhere")
    with pytest.raises(ugst.UsageError, match="conversation 2: another goal has the id 'tea'"):
        ugst.judge([(tea(), said), (tea().model_copy(update={"text": "Coffee."}), said)])
