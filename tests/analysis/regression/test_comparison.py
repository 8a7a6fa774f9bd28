"""Comparisons of runs: which are refused, what the notes say, and which goals changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.analysis.regression.baseline import Baseline, baseline_of
from pytest_ugst.analysis.regression.changes import changes
from pytest_ugst.analysis.regression.changes_text import changes_text
from pytest_ugst.analysis.regression.comparability import (
    mismatches,
    other_differences,
    parse_allowances,
    refusal,
    run_outline,
    shared_goals,
)
from pytest_ugst.analysis.regression.comparison import compare, comparison_table, signed, with_unplayed
from pytest_ugst.analysis.regression.decision import Comparison, parse_margins
from pytest_ugst.analysis.tables import STYLES, render
from pytest_ugst.cli import main
from pytest_ugst.core.errors import UsageError
from pytest_ugst.runs.run import StoredRun
from tests.factories import make_episode, make_setting, record, verdict
from tests.policy_episodes import episode

HOME = Path(".ugst")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def played(name: str, kept: int, goals: int = 20, trials: int = 1, **more: Any) -> StoredRun:
    """A run in which the first goals were kept and the others not."""
    return record(
        HOME,
        name,
        *(episode(f"g{n:02}", {"x": n < kept}, trial=t, **more) for n in range(goals) for t in range(1, trials + 1)),
    )


def messages(base: Baseline, new: Baseline) -> list[str]:
    return [f"{one.kind}: {one.message}" for one in mismatches(run_outline(base), run_outline(new))]


def compared(base: StoredRun, new: StoredRun, margins: str = "10") -> Comparison:
    return compare(baseline_of(base), baseline_of(new), parse_margins(margins), name="base")


def test_what_differs_is_named() -> None:
    base = baseline_of(played("a", 20, setting=make_setting(prompts="1", models={"judges": "d" * 64})))
    assert messages(base, base) == []
    other = make_setting(prompts="2", models={"judges": "e" * 64}, judge_sees_tools=False)
    new = baseline_of(played("b", 20, 18, setting=other, max_turns=5))
    assert messages(base, new) == [
        "goals: not the same goals: 2 of 20 goals not played now (g18, g19)",
        "turns: turn limit 10 before, 5 now, in 18 goals (g00, g01, g02, ...)",
        "judge: judge 'judges' [dddddddd] before, 'judges' [eeeeeeee] without tools now",
        "prompts: prompts '1' before, '2' now",
    ]
    found = mismatches(run_outline(base), run_outline(new))
    assert refusal(found, frozenset({"goals", "turns"}), "b.json").endswith(
        "compare all the same with --ugst-baseline-allow=goals,turns,judge,prompts"
    )
    assert refusal(found, parse_allowances(" goals, turns,JUDGE,prompts"), "b.json") == ""


def test_the_same_judge_by_another_name_is_the_same_judge() -> None:
    base = baseline_of(played("a", 20, setting=make_setting(judge="big", models={"big": "d" * 64})))
    new = baseline_of(played("b", 20, setting=make_setting(judge="huge", models={"huge": "d" * 64})))
    assert messages(base, new) == []


def test_prompts_of_a_run_without_models_are_no_other_version() -> None:
    assert messages(baseline_of(played("a", 20)), baseline_of(played("b", 20, setting=make_setting(prompts="2")))) == []


def test_other_data_of_a_domain_that_both_play() -> None:
    base, new = (baseline_of(played(name, 20)) for name in "ab")
    here = base.model_copy(update={"data": {"town": "1", "moon": "1"}})
    there = new.model_copy(update={"data": {"town": "2", "moon": "2", "sea": "1"}})
    assert messages(here, there) == ["data: not the same data in domain town"]
    assert messages(here, new) == []  # an older run does not say what it was played with


def test_a_goal_of_the_same_name_in_another_domain_is_another_goal() -> None:
    base, new = baseline_of(played("a", 20)), baseline_of(played("b", 20, domain="sea"))
    assert messages(base, new) == [
        "goals: not the same goals: 20 of 20 goals not played now (g00, g01, g02, ...), "
        "20 played only now (g00, g01, g02, ...)"
    ]
    with pytest.raises(UsageError, match=r"^base and b share no goal, so there is nothing to compare; name runs over"):
        compare(base, new, parse_margins("10"), name="base")


def test_what_else_differs_is_noted_and_not_refused() -> None:
    base, new = make_setting(agent="a", seed=1), make_setting(agent="b", seed=2)
    assert other_differences([base], [new]) == [
        "not the same agent: a before, b now",
        "not the same seed: 1 before, 2 now",
    ]
    assert other_differences([base], []) == []  # where nothing was played, nothing differs


def test_a_goal_weighs_the_same_whatever_its_trials() -> None:
    base = played("a", 10)
    new = record(
        HOME, "b", *(episode(f"g{n:02}", {"x": n < 10}, trial=t) for n in range(20) for t in range(1, 2 + 3 * (n < 10)))
    )
    found = compared(base, new)
    assert found.findings[0].difference.new == 50  # and not 80, as of all episodes together
    weight = "a goal weighs by its sub-components, however often it was played"
    assert f"trials of a goal: 1 before, 1 to 4 now; {weight}" in found.notes


def test_what_could_not_be_played_counts_against_the_new_run_only() -> None:
    base = baseline_of(played("a", 20, trials=2))
    run = played("b", 20, 19, trials=2)
    new = baseline_of(run).model_copy(
        update={"unplayed": {"g19": "shut", "g19@2": "shut", "g00@3+x": "shut", "zz": ""}}
    )
    lost = with_unplayed(new, base)
    assert messages(base, lost) == []
    by_name = {goal.id: goal for goal in lost.goals}
    assert [trial.statuses for trial in by_name["g19"].trials] == [{"x": "ERROR"}] * 2
    assert [trial.trial for trial in by_name["g00"].trials] == [1, 2, 3]
    assert by_name["g00"].successes() == {"policy": pytest.approx(2 / 3)}
    both = base.model_copy(update={"unplayed": new.unplayed})
    assert with_unplayed(new, both).goals == new.goals
    found = compare(base, lost, parse_margins("10"), name="base")
    assert "sub-components without a trustworthy verdict, so no successes: 0 before, 3 now" in found.notes


@pytest.mark.parametrize("style", STYLES)
def test_the_table_in_every_style(style: str) -> None:
    text = render([comparison_table(compared(played("a", 20), played("b", 4), "policy=10"), title="t")], style)
    assert "regression" in text
    assert "80" in text
    assert "not asked" in text or style in ("csv", "json")


@pytest.mark.parametrize(
    ("points", "text"),
    [(0.0, "0.0"), (-0.0, "0.0"), (3.14, "+3.1"), (-3.14, "-3.1"), (0.01, "+0.01"), (-0.04, "-0.04"), (2.8e-15, "0.0")],
)
def test_points_have_a_sign(points: float, text: str) -> None:
    assert signed(points) == text


# Which goals changed


def test_the_goals_that_changed_with_turn_and_words() -> None:
    base = record(HOME, "a", *(episode(f"g{n}", {"x": True, "y": n > 1}, trial=t) for n in range(3) for t in (1, 2)))
    new = record(HOME, "b", *(episode(f"g{n}", {"x": n > 0, "y": n > 0}, trial=t) for n in range(3) for t in (2, 3)))
    worst, best = changes(baseline_of(base), baseline_of(new), new)
    assert (worst.episode, worst.net, best.episode, best.net) == ("g0@2", -1, "g1@2", 1)
    (change,) = worst.changes
    assert (change.component, change.text, change.base, change.new) == ("x", "You never x", "ALIGNED", "MISALIGNED")
    assert (change.turn, change.trial, change.direction, change.link) == (1, 2, "worse", "")
    assert changes(baseline_of(base), baseline_of(new))[0].changes[0].turn is None  # from a file: no words
    assert changes(baseline_of(base), baseline_of(base), base) == []


def test_links_into_the_page_where_there_is_one() -> None:
    base, new = played("a", 2, 2), played("b", 1, 2, trials=2)
    (new.folder / "report.html").write_text("page")
    (changed,) = changes(baseline_of(base), baseline_of(new), new)
    assert changed.link == f"{(new.folder / 'report.html').resolve().as_uri()}#e=g01&t=1"


def test_several_simulators_of_the_tests_own_are_paired_by_name() -> None:
    base, new = (
        record(HOME, run, *(episode("g", {"x": good}, id=f"g+{name}") for name, good in zip("mn", kept, strict=True)))
        for run, kept in (("a", (True, False)), ("b", (True, True)))
    )
    assert [one.episode for one in changes(baseline_of(base), baseline_of(new), new)] == ["g+n"]


def test_hostile_words_are_harmless() -> None:
    base = played("a", 1, 1)
    hostile = verdict("x", 1, "MISALIGNED", reasoning="\x1b[2J<script>", quotes=["\u202eevil\n" * 100])
    new = record(HOME, "b", episode("g00", {"x": True}).model_copy(update={"verdicts": (hostile,)}))
    text = changes_text(changes(baseline_of(base), baseline_of(new), new))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert max(map(len, text.splitlines())) < 220


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    played("a", 20)
    played("b", 4)
    assert main(["report", "compare", "a", "b", "--goals=1"]) == 0
    out = capsys.readouterr().out
    assert "b against a: 20 goals" in out
    assert "regression" in out
    assert "worse: 16 episodes\n  g04: 1 lost\n    policy: ALIGNED -> MISALIGNED: You never x\n      turn 1\n" in out
    assert "  ... and 15 more; --goals=-1 shows all" in out
    played("c", 4)
    assert main(["report", "compare", "b", "c"]) == 0
    assert "in the trials that both have, no sub-component changed from success to" in capsys.readouterr().out
    assert main(["baseline", "save", "a", "--out", "a.json"]) == 0
    assert main(["report", "compare", "a.json", "b", "--json", "--out", "c.json"]) == 0
    record_ = json.loads(Path("c.json").read_text())
    assert [one["verdict"] for one in record_["findings"]] == ["regression", "regression"]
    assert len(record_["changed"]) == 16
    assert (record_["base"], record_["base_run"], record_["run"]) == ("a.json", "a", "b")
    assert main(["report", "compare", "a.json", "b", "--json", "--goals=2", "--out", "c.json"]) == 0
    assert [one["episode"] for one in json.loads(Path("c.json").read_text())["changed"]] == ["g04", "g05"]
    assert main(["report", "compare", "a.json", "b", "--goals=-7"]) == 4
    assert "--goals=-7: write a number from 0, or -1 for all" in capsys.readouterr().err
    assert main(["report", "compare", "a.json", "b", "--style=latex"]) == 0
    assert r"\begin{tabular}{lrrp{0.25\linewidth}rrrp{0.25\linewidth}}" in capsys.readouterr().out
    assert main(["report", "compare", "a.json", "b", "--out", "c.md"]) == 0
    assert "### what got worse and better" in Path("c.md").read_text()


def test_a_goal_of_another_text_is_another_goal() -> None:
    one = baseline_of(record(HOME, "a", episode("g", {"x": True}), episode("h", {"x": True})))
    other = baseline_of(
        record(HOME, "b", episode("g", {"x": True}, text="You want coffee."), episode("h", {"x": True}))
    )
    assert [goal.parts for goal in one.goals] == [goal.parts for goal in other.goals]
    assert [key.goal for key in shared_goals(one, other)] == ["h"]


def test_from_one_success_to_another_nothing_got_better() -> None:
    def run(name: str, status: str) -> StoredRun:
        return record(HOME, name, make_episode("g", verdict("t", 1, status)))

    ends = {status: run(status, status) for status in ("INCOMPLETE", "ATTEMPTED", "COMPLETE")}
    made = {status: baseline_of(one) for status, one in ends.items()}
    assert changes(made["ATTEMPTED"], made["COMPLETE"], ends["COMPLETE"]) == []
    assert [one.net for one in changes(made["INCOMPLETE"], made["COMPLETE"], ends["COMPLETE"])] == [1]


def test_an_edited_goal_is_left_out_though_its_digest_is_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        record(HOME, name, *(episode(goal, {"x": True, "y": True}) for goal in ("g", "h")))
    assert main(["baseline", "save", "a", "--out", "a.json"]) == 0
    text = Path("a.json").read_text()
    edited = text.replace(',"y":"policy"', "", 1).replace(',"y":"ALIGNED"', "", 1)
    assert len(edited) < len(text)
    Path("a.json").write_text(edited)
    assert main(["report", "compare", "a.json", "b"]) == 0
    assert "compared over the 1 goal that both hold" in capsys.readouterr().out


def test_runs_that_share_no_goal_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    played("a", 20)
    record(HOME, "c", episode("other", {"x": True}))
    assert main(["report", "compare", "a", "c"]) == 4
    assert capsys.readouterr().err == (
        "ugst: a and c share no goal, so there is nothing to compare; name runs over the same goals\n"
    )


def test_a_run_is_not_compared_with_itself(capsys: pytest.CaptureFixture[str]) -> None:
    played("a", 20)
    assert main(["report", "compare", "a", "latest"]) == 4
    assert capsys.readouterr().err == "ugst: a and latest are one run (.ugst/runs/a); name every run once\n"
    assert main(["baseline", "save", "a", "--out", "a.json"]) == 0
    capsys.readouterr()
    assert main(["report", "compare", "a.json", "./a.json"]) == 4
    assert capsys.readouterr().err == "ugst: a.json and ./a.json are one run (a.json); name every run once\n"
