"""Tables that compare simulators: groups, marks, pooling, and notes on what the rates do not show."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.analysis.benchmarks import OVERALL, benchmark_tables, require_shared_goals
from pytest_ugst.analysis.results import Results, write_results
from pytest_ugst.analysis.success.leaderboard import LeaderboardEntry, missing_data, read_leaderboard
from pytest_ugst.analysis.success.methods import METHODS, method_of
from pytest_ugst.analysis.success.systems import evaluated_systems, labels
from pytest_ugst.analysis.tables import Mark, Table
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.status import Category
from pytest_ugst.llm.checkpoint_info import CheckpointInfo, TrainingStep
from pytest_ugst.runs.outcome import unplayed_outcome
from pytest_ugst.runs.reader import named_runs, open_run
from tests.factories import make_setting, record
from tests.laws import share
from tests.policy_episodes import episode
from tests.strategies import episodes


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / ".ugst"


def tables(home: Path, *names: str, resamples: int = 0, **more: Any) -> list[Table]:
    return benchmark_tables(read_leaderboard(named_runs(home, names), **more), resamples=resamples)


def shown(table: Table) -> dict[str, str]:
    """Avg by label, marked as in Markdown."""
    marks = {None: "{}", Mark.BEST: "**{}**", Mark.SECOND: "_{}_"}
    at = [column.name for column in table.columns].index("avg")
    return {line.cells[0].shown: marks[line.cells[at].mark].format(line.cells[at].shown) for line in table.lines}


def test_one_table_per_benchmark_and_one_that_pools_them(home: Path) -> None:
    # 1 of 1 and 1 of 3: pooled that is 2 of 4, and not the mean of 100 and 33.3.
    record(
        home,
        "a",
        episode("g", {"w": True}),
        episode("g", {"x": True, "y": False, "z": False}, id="g+2", domain="port"),
    )
    made = tables(home, "a")
    assert [table.title for table in made] == ["town", "port", OVERALL]
    assert [shown(table)["users"] for table in made] == ["100.0", "33.3", "50.0"]
    cells = dict(zip((column.name for column in made[2].columns), made[2].lines[0].cells, strict=True))
    assert cells["goals"].value == 2  # of the same name, in two benchmarks
    assert cells["n"].value == 4
    assert cells["run"].value == "a"


def test_one_benchmark_is_one_table(home: Path) -> None:
    record(home, "a", episode("g", {"w": True}))
    (table,) = tables(home, "a")
    assert table.title == "town"
    assert shown(table) == {"users": "100.0"}  # alone it is not the best


def test_best_and_second_best_with_ties(home: Path) -> None:
    for name, kept in {"a": 2, "b": 2, "c": 1, "d": 1, "e": 0}.items():
        record(home, name, episode("g", {"x": kept > 0, "y": kept > 1}, setting=make_setting(simulator=name)))
    (table,) = tables(home, *"abcde")
    assert shown(table) == {"a": "**100.0**", "b": "**100.0**", "c": "_50.0_", "d": "_50.0_", "e": "0.0"}


def test_grouped_by_method_in_the_papers_order(home: Path) -> None:
    record(home, "own", episode("g", {"x": True}, setting=make_setting(simulator="mine")))
    record(home, "state", episode("g", {"x": True}, setting=make_setting(simulator="llama", steer="state")))
    record(home, "goal", episode("g", {"x": True}, setting=make_setting(simulator="llama", steer="goal")))
    record(home, "plain", episode("g", {"x": True}, setting=make_setting(simulator="llama")))
    record(home, "rules", episode("g", {"x": True}, setting=make_setting(simulator="agenda:contradiction")))
    (table,) = tables(home, "own", "state", "goal", "plain", "rules", methods={"own": "Mine"})
    assert [(line.group, line.cells[0].shown) for line in table.lines] == [
        (METHODS[0], "agenda:contradiction"),
        (METHODS[1], "llama"),
        (METHODS[2], "llama"),
        (METHODS[3], "llama"),
        ("Mine", "mine"),
    ]


def checkpoint(folder: Path, *methods: str) -> Path:
    folder.mkdir(parents=True)
    lineage = tuple(TrainingStep(method=method, base="llama") for method in methods)
    (folder / "ugst.json").write_text(CheckpointInfo(lineage=lineage).model_dump_json())
    return folder


@pytest.mark.parametrize(
    ("steps", "method"),
    [(("sft",), METHODS[4]), (("sft", "grpo"), METHODS[5]), ((), METHODS[1]), (("other",), METHODS[1])],
)
def test_a_checkpoint_says_how_it_was_trained(tmp_path: Path, steps: tuple[str, ...], method: str) -> None:
    folder = checkpoint(tmp_path / "checkpoints" / "one", *steps)
    played = make_setting(simulator="checkpoints/one")
    assert method_of(played, [Path("elsewhere"), tmp_path]) == method
    assert method_of(played, [tmp_path / "elsewhere"]) == METHODS[1]
    aliases = {"mine": {"model": str(folder)}}
    assert method_of(make_setting(simulator="mine"), [tmp_path], aliases) == method


def test_a_checkpoint_that_can_not_be_read(home: Path) -> None:
    record(home, "a", episode("g", {"x": True}, setting=make_setting(simulator="ckpt")))
    (checkpoint(home.parent / "ckpt") / "ugst.json").write_text("{}}")
    with pytest.raises(UsageError, match=r"ckpt/ugst.json can't be read"):
        tables(home, "a")
    assert tables(home, "a", methods={"a": METHODS[4]})[0].lines[0].group == METHODS[4]


def test_a_trained_checkpoint_of_the_runs_own_project(home: Path) -> None:
    checkpoint(home.parent / "ckpt", "sft")
    record(home, "a", episode("g", {"x": True}, setting=make_setting(simulator="ckpt", steer="state")))
    (line,) = tables(home, "a")[0].lines
    assert (line.group, line.cells[0].shown) == ("Cold-start SFT", "ckpt (steered by state)")


def test_mixed_settings_of_one_journal_are_lines_of_their_own(home: Path) -> None:
    record(
        home,
        "a",
        episode("g", {"x": True}),
        episode("h", {"x": False}, setting=make_setting(agent="other")),
        episode("i", {"x": False}, setting=make_setting(simulator="third")),
    )
    (table,) = tables(home, "a")
    assert shown(table) == {
        "users (agent agents)": "**100.0**",
        "users (agent other)": "_0.0_",
        "third": "_0.0_",
    }
    assert "not the same agent: agents for users (agent agents), third; other for users (agent other)" in table.notes


def test_runs_of_the_same_setting_are_told_apart_by_their_names(home: Path) -> None:
    record(home, "a", episode("g", {"x": True}))
    record(home, "b", episode("g", {"x": False}))
    assert shown(tables(home, "a", "b")[0]) == {"users, a": "**100.0**", "users, b": "_0.0_"}
    assert shown(tables(home, "a", "b", names={"b": "new"})[0]) == {"users": "**100.0**", "new": "_0.0_"}


def test_labels_name_what_differs() -> None:
    made = [
        make_setting(models={"users": "a" * 64}),
        make_setting(models={"users": "b" * 64}),
        make_setting(simulator="x", seed=3),
    ]
    assert labels(made) == ["users (model users [aaaaaaaa])", "users (model users [bbbbbbbb])", "x"]
    assert labels([make_setting(seed=1), make_setting(seed=2), make_setting(seed=1)]) == [
        "users (seed 1)",
        "users (seed 2)",
        "users (seed 1)",
    ]


def test_what_the_rates_do_not_say(home: Path) -> None:
    record(
        home,
        "a",
        *(episode("g", {"x": True}, trial=trial) for trial in (1, 2, 3)),
        episode("h", {"x": True}),
        episode("i", {"x": True}),
    )
    mine = make_setting(simulator="mine", judge="other", prompts="2")
    record(
        home,
        "b",
        episode("g", {"x": True}, setting=mine, max_turns=5),
        episode("h", {"x": True}, setting=mine, text="You want coffee."),
    )
    (table,) = tables(home, "a", "b")
    assert table.notes == (
        "rates in percent",
        "not the same goals: users 3, mine 2; 2 in common",
        "not the same text in 1 goal of the same name: h",
        "not the same turn limit in 1 goal of the same name: g",
        "not the same judge: judges for users; other for mine",
        "not the same prompts: none for users; 2 for mine",
        "trials are pooled; episodes of goals: users 5 of 3, mine 2 of 2",
    )


def test_other_data_of_a_domain_is_noted(home: Path) -> None:
    for name, digest in {"a": "1" * 64, "b": "2" * 64}.items():
        run = record(home, name, episode("g", {"x": True}, setting=make_setting(simulator=name)))
        path = run.folder / "run.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "data": {"town": digest, "port": digest}}))
    assert tables(home, "a", "b")[0].notes[1:] == ("not the same data in town: [11111111] for a; [22222222] for b",)
    path.unlink()
    assert len(tables(home, "a", str(home / "runs" / "b"))[0].notes) == 1


def test_notes_tell_lines_of_equal_labels_apart(home: Path) -> None:
    record(home, "plain", episode("g", {"x": True}))
    record(home, "steered", episode("g", {"x": True}, setting=make_setting(steer="goal")), episode("h", {"x": True}))
    record(home, "mine", episode("g", {"x": True}))
    (table,) = tables(home, "plain", "steered", "mine", methods={"mine": "Mine"})
    assert [line.cells[0].shown for line in table.lines] == ["users, plain", "users, steered", "users", "users"]
    assert (
        "not the same goals: users, plain 1, users, steered 1, users (steered by goal) 1, users (Mine) 1; 0 in common"
        in (table.notes)
    )


def test_trials_are_pooled(home: Path) -> None:
    record(home, "a", *(episode("g", {"x": trial > 1}, trial=trial) for trial in (1, 2, 3)))
    (table,) = tables(home, "a")
    assert shown(table) == {"users": "66.7"}
    assert "3 trials of each goal are pooled" in table.notes


def test_what_was_not_played_or_can_not_be_read_is_noted(home: Path) -> None:
    run = record(home, "a", episode("g", {"x": True}))
    with run.journal.path.open("a") as file:
        file.write("{nonsense\n")
    failed = unplayed_outcome("h", "h", 1, "no decomposition")
    write_results(run.folder / "results.json", Results(run="a", created="", rows=(), episodes=(failed,)))
    unread = "a: journal: 1 line could not be read (the first: line 2: Invalid JSON: key must be a string at column 2)"
    assert missing_data({"a": open_run(home, "a")}) == ["a: 1 episode could not be played: in no rate", unread]
    (run.folder / "results.json").write_text("{}")
    assert missing_data({"a": open_run(home, "a")}) == [unread]


def test_an_evaluation_in_several_runs(home: Path) -> None:
    """Each benchmark in a run of its own, which is how long evaluations are played."""
    b = make_setting(simulator="b")
    record(home, "a-town", episode("g", {"x": True}))
    record(home, "a-port", episode("g", {"x": False}, domain="port"))
    record(home, "b-town", episode("g", {"x": False}, setting=b))
    record(home, "b-port", episode("g", {"x": False}, setting=b, domain="port"))
    runs = ("a-town", "b-port", "a-port", "b-town")
    made = tables(home, *runs, joined=True)
    assert {table.title: shown(table) for table in made} == {
        "town": {"users": "**100.0**", "b": "_0.0_"},
        "port": {"b": "**0.0**", "users": "**0.0**"},
        OVERALL: {"users": "**50.0**", "b": "_0.0_"},
    }
    assert "users was played in several runs: a-town + a-port" in made[-1].notes
    assert [line.cells[-1].value for line in made[-1].lines] == ["a-town + a-port", "b-port + b-town"]
    # Of another method, or called otherwise, it is not the same evaluation; nor is a second run of the same benchmark.
    assert len(tables(home, *runs, joined=True, methods={"a-town": "Mine"})[-1].lines) == 3
    assert len(tables(home, *runs, joined=True, names={"a-town": "mine"})[-1].lines) == 3
    record(home, "again", episode("g", {"x": True}))
    assert [line.cells[0].shown for line in tables(home, *runs, "again", joined=True)[-1].lines] == [
        "users, a-town + a-port",
        "b",
        "users, again",
    ]


@given(st.lists(episodes(bare=True), min_size=2, max_size=6))
@share(0.3)
def test_the_last_table_counts_what_the_others_count(played: list[Episode]) -> None:
    found = [LeaderboardEntry(str(n), "m", system, str(n)) for n, system in enumerate(evaluated_systems("a", played))]
    *parts, whole = benchmark_tables(found, resamples=0)
    assert (whole.title == OVERALL) is bool(parts)
    for made in (parts or [whole], [whole]):
        counted = Counter[str]()
        for line in (line for table in made for line in table.lines):
            for column, cell in zip(whole.columns, line.cells, strict=True):
                counted[column.name] += int(cell.more.get("n") or 0)
                counted["episodes"] += int(cell.value or 0) if column.name == "episodes" else 0
        assert counted["episodes"] == len(played)
        assert counted["avg"] == sum(counted[c.value] for c in Category) == sum(len(e.components) for e in played)


def entries(home: Path, *names: str) -> list[LeaderboardEntry]:
    return read_leaderboard({name: open_run(home, name) for name in names})


def test_runs_that_share_no_goal(home: Path) -> None:
    record(home, "a", episode("g", {"x": True}))
    record(home, "b", episode("g", {"x": True}, domain="port"))
    record(home, "c", episode("g", {"x": True}), episode("h", {"x": True}, domain="port"))
    require_shared_goals(entries(home, "a"))
    require_shared_goals(entries(home, "a", "c"))
    with pytest.raises(
        UsageError, match=r"^b shares no goal with a, c, so their rates can't stand side by side; name "
    ):
        require_shared_goals(entries(home, "a", "b", "c"))


def test_intervals_are_an_option(home: Path) -> None:
    record(home, "a", *(episode(f"g{n}", {"x": n > 2}) for n in range(6)))
    assert tables(home, "a")[0].lines[0].cells[2].aside == ""
    assert tables(home, "a", resamples=100)[0].lines[0].cells[2].aside
