"""Files of an earlier version are read, and say what they said: a run, a baseline, labels, the cache and so on.

They lie in the folder ``written_before`` and are never written anew; its README.md tells how they were made. Nearly all
is asked of the command line, so that it does not matter where the code lies. All that is imported of it are the readers
of checkpoints and training data, and what puts results into a model card.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.llm.checkpoint_info import read_checkpoint_info
from pytest_ugst.trainers.common.checkpoint import add_results
from pytest_ugst.trainers.data.folder import read_data
from tests.chat_server import Body, ChatServer, Say

WRITTEN = Path(__file__).parent / "written_before"
BASELINE = WRITTEN / "baseline.json"
SIMULATOR = "agenda:contradiction@0.5+wrongful_termination@0.4"
CUT_OFF = "agenda:contradiction@0.5+wrongful_termi…"
"""The simulator's name in tables."""
RATES = ["62.5", "62.5", "60.0", "87.5", "83.3", "71.2"]
TESTS = """
import pytest

pytestmark = pytest.mark.ugst(goals="concierge", split=["test"])


def test_goal_alignment(episode, subtests):
    for component in episode.final_state:
        with subtests.test(component.category, text=component.text):
            assert component.succeeded, component.explain()
"""


def module(name: str, *args: str | Path, cwd: Path, status: int = 0, **env: str) -> list[str]:
    """The lines that a Python module prints, run in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower() and name != "UGST_DATA"}
    done = subprocess.run(
        [sys.executable, "-m", name, *map(str, args)],
        cwd=cwd,
        env={**kept, "COLUMNS": "120", **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def ugst(*args: str | Path, cwd: Path) -> list[str]:
    """The lines that the command ``ugst`` prints."""
    return module("pytest_ugst.cli", *args, cwd=cwd)


def play(*args: str | Path, cwd: Path, status: int = 0, **env: str) -> list[str]:
    """The lines that pytest prints in a folder."""
    (cwd / "pytest.ini").touch()
    quick = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:anyio")
    return module("pytest", "-q", *quick, *args, cwd=cwd, status=status, **env)


def cells(lines: list[str], first: str) -> list[str]:
    """The cells of the first line that begins with a word, that word left out."""
    return next(line.split()[1:] for line in lines if line.split()[:1] == [first])


def read(path: Path) -> Any:
    """What a file of JSON holds."""
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A copy of the run, where runs are kept."""
    return Path(shutil.copytree(WRITTEN / "run", tmp_path / ".ugst" / "runs" / "before"))


# A run


def test_rates_and_failures_of_a_run(run: Path, tmp_path: Path) -> None:
    lines = ugst("report", "table", "before", cwd=tmp_path)
    assert cells(lines, CUT_OFF) == [*RATES, "48", "0"]
    assert cells(lines, "50–75") == ["50–75", "50–100", "83–100", "50–100", "62–82"]
    assert "2 trials of each goal are pooled" in lines
    patterns = cells(ugst("report", "failures", run, cwd=tmp_path), CUT_OFF)
    assert patterns[2:4] == ["100.0", "(100–100)"]
    assert patterns[-2:] == ["3", "6"]


def test_an_episode_of_a_run(run: Path, tmp_path: Path) -> None:
    lines = ugst("show", "concert-dress@2", "--run", run, cwd=tmp_path)
    assert lines[0] == f"concert-dress@2: {SIMULATOR} as the user, agent rules, judge checks"
    called = 'search_restaurants(area="north", price="moderate", cuisine="seafood") -> {"count": 0, "results": []}'
    assert f"  tool:  {called}" in lines
    assert "  -> policy MISALIGNED: Every message of yours contains the word please." in lines
    assert "ended: user_ended" in lines
    told = [line.split()[0] for line in lines[lines.index("at the end") + 1 :]]
    assert told == ["MISALIGNED", "MISALIGNED", "INCOMPLETE", "COMPLETE", "ATTEMPTED", "ALIGNED", "INCOMPLETE"]


def test_the_page_of_a_run_beside_a_baseline(run: Path, tmp_path: Path) -> None:
    (told,) = ugst("report", "html", "--baseline", BASELINE, cwd=tmp_path)
    assert ": 6 episodes, " in told
    page = (run / "report.html").read_text(encoding="utf-8")
    index = json.loads(page.partition('<script type="application/json" id="index">')[2].partition("</script>")[0])
    one = next(episode for episode in index["episodes"] if episode["id"] == "concert-dress@2")
    assert one["states"] == ["AAM", "AMM", "III", "ICC", "ITT", "MAA", "III"]
    assert one["base"] == "AACCCAC"
    assert one["patterns"] == ["contradiction", "wrongful_termination"]
    packed = re.search(r'id="chunk-0">([^<]+)<', page)
    assert packed is not None
    assert b"I work as a pilot, by the way." in gzip.decompress(base64.b64decode(packed[1]))


def test_a_run_is_compared_with_a_baseline(run: Path, tmp_path: Path) -> None:
    lines = ugst("report", "compare", run, BASELINE, cwd=tmp_path)
    assert cells(lines, "Avg") == ["71.2", "100.0", "+28.8", "–", "6", "inconclusive"]
    assert "better: 3 episodes" in lines
    assert "    requirement: INCOMPLETE -> COMPLETE: task-1.requirement-3" in lines


def test_a_run_is_resumed_and_held_against_a_baseline(run: Path, tmp_path: Path) -> None:
    (tmp_path / "test_town.py").write_text(TESTS)
    these = ("-k", "concert-dress or corrowby-market or thai-or-japanese", "--ugst-trials=2")
    lines = play(*these, f"--ugst-sim={SIMULATOR}", "--ugst-resume", f"--ugst-baseline={BASELINE}", cwd=tmp_path)
    assert cells(lines, CUT_OFF) == [*RATES, "48", "0"]
    assert cells(lines, "Avg") == ["100.0", "71.2", "-28.8", "–", "6", "inconclusive"]
    assert f"--ugst-baseline={BASELINE}: no regression (6 inconclusive)" in lines
    assert lines[-1].startswith("6 passed, ")
    assert ", 13 xfailed, 35 subtests passed in " in lines[-1]
    # Nothing was played: what came of it is what came of it before.
    for name in ("episodes.jsonl", "run.json"):
        assert (run / name).read_bytes() == (WRITTEN / "run" / name).read_bytes()
    now, before = read(run / "results.json"), read(WRITTEN / "run" / "results.json")
    for part in ("schema_version", "settings", "rows", "episodes", "usage"):
        assert now[part] == before[part]
    assert now["comparison"]["notes"] == []
    assert now["comparison"]["refused"] == ""


# Labels


def test_annotations_are_exported_and_compared(run: Path, tmp_path: Path) -> None:
    (told,) = ugst("annotate", run, "--export", "labels.jsonl", cwd=tmp_path)
    assert told == "2 annotated conversations by 1 annotator: labels.jsonl"
    assert (tmp_path / "labels.jsonl").read_bytes() == (WRITTEN / "labels.jsonl").read_bytes()
    lines = ugst("report", "agreement", "before", WRITTEN / "labels.jsonl", cwd=tmp_path)
    assert cells(lines, "checks")[:2] == ["/", "ann"]
    assert [cell for cell in cells(lines, "checks")[2:] if not cell.endswith(")")] == (
        ["50.0", "50.0", "50.0", "60.0", "50.0", "52.0", "30", "0"]
    )
    assert cells(lines, "requirement") == ["10", "60.0", "55.6", "0.375", "0.345", "0"]


# Training


def test_training_data(tmp_path: Path) -> None:
    lines = ugst("train", "data", "--out", WRITTEN / "data", "--show", "1", cwd=tmp_path)
    assert "[target: vegetarian-supper, trial 1, turn 1]" in lines
    assert f"{WRITTEN / 'data'}: 2 rows to train on, 3 of held-out goals" in lines
    assert "  left out: over 860 tokens 5" in lines
    data = read_data(WRITTEN / "data")
    assert [(row.episode, row.turn) for row in data.train] == [("vegetarian-supper", 1), ("vegetarian-supper", 2)]
    assert {row.goal for row in data.eval} == {"harbour-train"}
    assert (
        data.train[1].completion[0].content.startswith("<think>\nThe agent found nothing, so I change what I ask for.")
    )
    # As a training by GRPO starts from them.
    assert sorted(data.episodes) == ["harbour-train", "vegetarian-supper"]
    assert data.episode("vegetarian-supper").setting.steer == "state"
    assert data.prompts_folder == WRITTEN / "data" / "prompts"


def test_a_checkpoint(tmp_path: Path) -> None:
    trained = read_checkpoint_info(WRITTEN / "checkpoint")
    assert trained is not None
    assert (trained.role, trained.reasoning, trained.prompts) == ("simulator", "think", "1-0ee27d69b8")
    assert trained.sampling == {"max_tokens": 192, "temperature": 0.3}
    assert trained.stop_words[0] == "TERMINATE"
    assert [(step.method, step.steps) for step in trained.lineage] == [("sft", 3), ("grpo", 2)]
    assert trained.lineage[1].options["sampling"] == {"temperature": 1.0}
    checkpoint = tmp_path / "checkpoint"
    shutil.copytree(WRITTEN / "checkpoint", checkpoint)
    add_results(checkpoint, WRITTEN / "run" / "results.json")
    assert "| avg | 71.2 | 61.7–81.7 | 48 | 0 |" in (checkpoint / "README.md").read_text(encoding="utf-8")


# The cache

ADDRESS = "http://models.invalid/v1"
"""Where the model is said to be, by which its answers are found; the test's server is asked as if it were a proxy."""
ALIAS = f"[tool.ugst.models.old]\nmodel = 'm'\nbase_url = '{ADDRESS}'\n"
GOAL = {
    "id": "museum",
    "goal": "You never shout. Find a museum in the west, and what it costs to get in.",
    "domain": "concierge",
}
SAID = ("Is there a museum in the west?", "GREAT, AND WHAT DOES IT COST?", "Terminate")
ANSWERED = ("There are two, the Tramway Museum and the Lighthouse Museum.", "The Tramway Museum costs 5 crowns.")
PARTS = {
    "user_profile": [],
    "user_policy": ["You never shout."],
    "task_objectives": [
        {
            "task_objective": "Find a museum and what it costs.",
            "requirements": ["The museum is in the west."],
            "preferences": [],
        }
    ],
}
SEARCH = {"name": "search_attractions", "arguments": '{"kind": "museum", "area": "west"}'}


def answer(body: Body, number: int) -> Say | str:
    """Play every role: decomposer and judge are asked for a form, the agent is given tools."""
    last = body["messages"][-1]
    turn = sum(message["role"] == "assistant" and not message.get("tool_calls") for message in body["messages"])
    if body.get("max_tokens") == 1:
        return "Yes"
    if "response_format" in body:
        form = body["response_format"]["json_schema"]["name"]
        if form == "Decomposition":
            return json.dumps(PARTS)
        good, bad = ("ALIGNED", "MISALIGNED") if form == "AlignedAnswer" else ("COMPLETE", "INCOMPLETE")
        shouted, priced = SAID[1] in last["content"], ANSWERED[1] in last["content"]
        status = (bad if shouted else good) if form == "AlignedAnswer" else (good if priced else bad)
        return json.dumps({"reasoning": "As it is written.", "evidence": [], "status": status})
    if "tools" not in body:
        return SAID[turn]
    if turn == 0 and last["role"] == "user":
        return Say(text=None, message={"tool_calls": [{"id": "1", "type": "function", "function": SEARCH}]})
    return ANSWERED[turn]


def play_by_model(folder: Path, server: ChatServer) -> list[str]:
    """The lines that pytest prints for a goal that a model decomposes, plays on both sides and judges."""
    (folder / "pyproject.toml").write_text(ALIAS)
    (folder / "museum.goal.yaml").write_text(json.dumps(GOAL))
    proxy = server.url.removesuffix("/v1")
    roles = [f"--ugst-{role}=old" for role in ("sim", "agent", "judge")]
    return play("museum.goal.yaml", *roles, cwd=folder, status=1, http_proxy=proxy)


def test_answers_that_were_kept_are_not_asked_for(tmp_path: Path) -> None:
    home = tmp_path / ".ugst"
    home.mkdir()
    shutil.copy(WRITTEN / "cache.sqlite", home)
    with ChatServer(answer, models=["m"]) as server:
        lines = play_by_model(tmp_path, server)
    # But for the question whether the model takes tools, which is asked before every run.
    assert [body.get("max_tokens") for body in server.requests] == [1]
    assert cells(lines, "old") == ["–", "0.0", "100.0", "100.0", "–", "66.7", "3", "0"]
    assert "agent: 3 calls, 3 from the cache, 0 + 0 tokens" in lines
    (run,) = (home / "runs").iterdir()
    usage = read(run / "results.json")["usage"]
    assert {role: (one["calls"], one["cache_hits"]) for role, one in usage.items()} == {
        "agent": (3, 3),
        "decomposer": (1, 1),
        "judge": (6, 6),
        "simulator": (3, 3),
    }
    # The town's data is what it was, by the digest in the baseline.
    assert read(run / "run.json")["data"] == read(BASELINE)["data"]
