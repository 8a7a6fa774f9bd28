"""Extending from a conftest.py and from an installed package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.plugin_project import Project, goal

EXTENSION = """
import json, os
from pytest_ugst.agents.adapt import as_agent
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.protocols import NoSession, ToolResult
from pytest_ugst.judges.adapt import as_judge
from pytest_ugst.simulators.adapt import as_simulator

class Shop:
    name = "shop"
    def open(self, goal, seed):
        return Till(policy="Sell things.")

class Till(NoSession):
    def call(self, name, arguments):
        return ToolResult("sold")
    def scores(self, conversation):
        return {"sold": 1.0}

def shopper(argument):
    return lambda messages, goal: f"{argument} please" if not messages else "TERMINATE"

def clerk(messages, session):
    return session.call("sell", {}).text

def shouting(component, conversation, turn, *, word):
    return "MISALIGNED" if word in conversation.turns[turn - 1].user else None

def goals(split):
    check = {"python": "shouting", "args": {"word": "NOW"}}
    parts = [
        {"id": "calm", "category": "policy", "text": "You never shout", "check": check},
        {"id": "buy", "category": "objective", "text": "Buy it"},
    ]
    yield Goal(id=split or "all", text="You want socks.", domain="shop", components=parts)

def pytest_ugst_register(registry):
    registry.simulator("shopper", lambda argument, context: as_simulator(shopper(argument), f"shopper:{argument}"))
    registry.agent("clerk", lambda argument, context: as_agent(clerk))
    registry.judge("kind", lambda argument, context: as_judge(lambda component, conversation, turn: "COMPLETE", "kind"))
    registry.check("shouting", shouting)
    registry.domain("shop", Shop)
    registry.goal_source("wares", goals)

def pytest_ugst_episode_finished(episode):
    with open("finished", "a") as file:
        file.write(f"{episode.id} {os.getpid()}\\n")

def pytest_ugst_report(run):
    with open("reported", "a") as file:
        file.write(f"{run.name} {sorted(e.id for e in run.journal)}\\n")
"""
OPTIONS = ("--ugst-sim=shopper:Socks", "--ugst-agent=clerk", "--ugst-judge=kind", "--ugst-checks=decide")
TEST = (
    "@pytest.mark.ugst(goals='wares', split='test')\n"
    "def test_it(episode):\n"
    "    assert episode.task == {'sold': 1.0}\n"
    "    assert [t.user for t in episode.conversation.turns] == ['Socks please']\n"
    "    assert episode.conversation.turns[0].agent == 'sold'\n"
    "    assert {s.component.id: s.label for s in episode.final_state} == {'calm': 'ALIGNED', 'buy': 'COMPLETE'}\n"
    "def test_again(episode):\n"
    "    pass\n"
    "test_again = pytest.mark.ugst(goals='wares')(test_again)\n"
)


def install(folder: Path) -> None:
    """An installed package with a pytest plugin, as pip would leave it."""
    (folder / "shop_extension.py").write_text(EXTENSION)
    info = folder / "shop_extension-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop-extension\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pytest11]\nshop = shop_extension\n")


@pytest.mark.parametrize("where", ["conftest", "package", "package, -n 2"])
def test_everything_can_be_brought_along(project: Project, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (project.path / "tox.ini").unlink()
    if where == "conftest":
        (project.path / "conftest.py").write_text(EXTENSION)
    else:
        (project.path / "conftest.py").unlink()
        site = project.path / "site"
        site.mkdir()
        install(site)
        monkeypatch.setenv("PYTHONPATH", str(site))
    project.tests(TEST)
    run = project.run if where == "conftest" else project.launch
    run(*OPTIONS, *(("-n", "2") if "-n 2" in where else ())).assert_outcomes(passed=2)
    finished = [line.split()[0] for line in (project.path / "finished").read_text().splitlines()]
    assert sorted(finished) == ["all", "test"]
    (run_folder,) = project.runs()
    assert (project.path / "reported").read_text() == f"{run_folder.name} ['all', 'test']\n"


def test_the_built_ins_come_in_by_the_same_hook(project: Project) -> None:
    with (project.path / "conftest.py").open("a") as file:
        file.write(
            "\n    names = {'simulator': registry.simulators, 'agent': registry.agents, 'judge': registry.judges,\n"
            "             'domain': registry.domains, 'goals': registry.goal_sources}\n"
            "    import json\n"
            "    open('names.json', 'w').write(json.dumps({k: sorted(v.entries) for k, v in names.items()}))\n"
            "pytest_ugst_register = __import__('pytest').hookimpl(trylast=True)(pytest_ugst_register)\n"
        )
    project.goals("cafe.goal.yaml", goal("a"))
    project.run().assert_outcomes(passed=1)
    names = json.loads((project.path / "names.json").read_text())
    expected = {
        "simulator": ["agenda", "words"],
        "agent": ["echo", "rules"],
        "judge": ["checks"],
        "domain": ["concierge"],
        "goals": ["concierge"],
    }
    assert all(set(expected[kind]) <= set(names[kind]) for kind in expected)


def test_a_name_registered_twice_is_refused(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("a"))
    with (project.path / "conftest.py").open("a") as file:
        file.write("\n    registry.agent('rules', None)\n")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: the agent 'rules' is registered twice*"])


def test_what_a_hook_raises_is_told_and_costs_nothing(project: Project) -> None:
    project.goals("cafe.goal.yaml", goal("a"))
    with (project.path / "conftest.py").open("a") as file:
        file.write("\ndef pytest_ugst_episode_finished(episode):\n    raise ValueError('no dashboard')\n")
    result = project.run()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["pytest_ugst_episode_finished failed: ValueError: no dashboard"])
