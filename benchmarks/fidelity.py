"""Compare the airline and retail tools with upstream's by upstream's own data, and print a Markdown report.

    UGST_DATA=DIR python benchmarks/fidelity.py > docs/results/fidelity.md

- The reference actions of every goal of tau-bench and tau2-bench: which of them fail, and why.
- The tool calls of the 200 airline conversations that tau-bench recorded, each conversation in a session of its own:
  which results are the recorded ones.
- The end of those recordings: the hash of the database after the reference actions, and the rewards.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tabulate import tabulate

from pytest_ugst.config.data_dirs import USUAL_PLACES
from pytest_ugst.core.conversation import Conversation, Turn
from pytest_ugst.core.goal import Goal
from pytest_ugst.domains.tau import airline, retail
from pytest_ugst.domains.tau.goals import import_tau_bench
from pytest_ugst.domains.tau.goals_tau2 import import_tau2_bench
from pytest_ugst.domains.tau.session import TauDomain, TauSession
from pytest_ugst.recordings.tau_bench import Recording, read_recordings, with_todays_fields


def main() -> None:
    """Print the report."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print("# Fidelity of the airline and retail domains\n")
    print(
        "Printed by `benchmarks/fidelity.py`. What the differences are and why stands in [domains.md](../domains.md).\n"
    )
    goals = tau_goals()
    print("## Reference actions\n")
    print(references(goals))
    recordings = list(
        read_recordings(
            USUAL_PLACES.locate("tau-bench") / "historical_trajectories" / "gpt-4o-airline.json", domain="airline"
        )
    )
    print("\n## Recorded tool calls\n")
    print(recorded(recordings))
    print("\n## How the recordings end\n")
    print(endings(recordings))


def tau_goals() -> dict[str, list[Goal]]:
    """Return all goals, by set."""
    v1, tau2 = USUAL_PLACES.locate("tau-bench"), USUAL_PLACES.locate("tau2-bench")
    sets = {
        f"tau-bench {domain} {split}": list(import_tau_bench(v1, domain, split))
        for domain, split in (("airline", "test"), ("retail", "test"), ("retail", "train"), ("retail", "dev"))
    }
    for domain in ("airline", "retail"):
        sets[f"tau2-bench {domain}"] = list(import_tau2_bench(tau2, domain))
    return sets


def domain_of(goal: Goal) -> TauDomain:
    """Return the domain that a goal was written for."""
    loads: Mapping[tuple[str, str], Callable[[], TauDomain]] = {
        ("tau-bench", "airline"): airline.load,
        ("tau-bench", "retail"): retail.load,
        ("tau2-bench", "airline"): airline.load_tau2,
        ("tau2-bench", "retail"): retail.load_tau2,
    }
    return loads[goal.tags[0], goal.tags[1]]()


def opened(goal: Goal, **data: Any) -> TauSession:
    """Open a session for a goal, with more fields in its data."""
    return domain_of(goal).open(goal.model_copy(update={"data": {**goal.data, **data}}), 0)


def speech(outputs: Iterable[str]) -> Conversation:
    """Return a conversation in which the agent says all of the outputs."""
    return Conversation(turns=(Turn(user="Well?", agent=" ".join(outputs)),))


def references(sets: Mapping[str, list[Goal]]) -> str:
    """Run the reference actions of all goals, and return the tables of what succeeds and what fails."""
    rows, failing = [], []
    for name, goals in sets.items():
        actions = failed = solved = idle = unchanged = 0
        causes: dict[str, list[str]] = defaultdict(list)
        for goal in goals:
            session = opened(goal)
            task = session.task
            assert task is not None
            done = session.replay(task.actions)
            actions += len(done)
            solved += session.scores(speech(task.outputs))["task"] == 1.0
            nothing = opened(goal).scores(Conversation())
            idle += nothing["task"] == 1.0
            unchanged += nothing["db"] == 1.0
            wrong = [(action.name, result.text.removeprefix("Error: ")) for action, result in done if not result.ok]
            failed += bool(wrong)
            for tool, problem in dict(wrong).items():
                causes[f"`{tool}`: {problem}"].append(goal.id.rpartition("-")[2])
        rows.append([name, len(goals), actions, len(goals) - failed, failed, solved, unchanged, idle])
        failing += [[name, cause, len(ids), ", ".join(ids)] for cause, ids in sorted(causes.items())]
    headers = ["set", "goals", "actions", "all run", "some fail", "scored 1.0", "change nothing", "solved by silence"]
    first = tabulate(rows, headers=headers, tablefmt="github")
    second = tabulate(failing, headers=["set", "what fails", "goals", "which"], tablefmt="github")
    legend = (
        "Scored 1.0: by the reference actions and the required outputs themselves. Change nothing: goals whose "
        "reference leaves the\ndatabase as it is. Solved by silence: those of them where nothing has to be said either."
    )
    return f"{first}\n\n{legend}\n\nThe goals with actions that fail:\n\n{second}"


def recorded(recordings: list[Recording]) -> str:
    """Make the recorded calls again, and return the tables of how many results are the same."""
    rows = []
    differ: Counter[tuple[str, str]] = Counter()
    for name, compat in (("`compat: v1`", "v1"), ("as the policy says", None)):
        calls = same_text = same = 0
        for recording in recordings:
            session = airline.load().open(_with_compat(recording.goal, compat), 0)
            for call in (call for turn in recording.conversation.turns for call in turn.tool_calls):
                result = session.call(call.name, call.arguments).text
                wanted = with_todays_fields(call.result)
                calls += 1
                same_text += result == wanted
                if result == wanted or _parsed(result) == _parsed(wanted):
                    same += 1
                    continue
                differ[name, cause(call.name, _parsed(result), _parsed(wanted))] += 1
        rows.append([name, calls, same, f"{100 * same / calls:.2f}%", same_text])
    first = tabulate(rows, headers=["domain", "calls", "same result", "share", "same text"], tablefmt="github")
    second = tabulate(
        [[name, why, count] for (name, why), count in differ.most_common()],
        headers=["domain", "why others differ", "calls"],
        tablefmt="github",
    )
    return f"{first}\n\n{second}"


def _with_compat(goal: Goal, compat: str | None) -> Goal:
    return goal.model_copy(update={"data": {**goal.data, "compat": compat}})


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def cause(tool: str, ours: Any, theirs: Any) -> str:
    """Return why a result differs from the recorded one."""
    if tool == "search_onestop_flight":
        return "connections overnight show the second day's seats and prices"
    if isinstance(ours, dict) and isinstance(theirs, dict) and {**ours, "cabin": ""} == {**theirs, "cabin": ""}:
        return "the new cabin is stored"
    return f"unexplained: {tool}"


def endings(recordings: list[Recording]) -> str:
    """Compare database and reward at the end of each recording with the recorded ones, and return the table."""
    tables = {
        n: {k: _hashable(_as_recorded(n, r)) for k, r in t.items()} for n, t in airline.load().base.tables.items()
    }
    hashes: dict[str, bool] = {}
    rewards: Counter[str] = Counter()
    for recording in recordings:
        session = airline.load().open(recording.goal, 0)
        for turn in recording.conversation.turns:
            for call in turn.tool_calls:
                session.call(call.name, call.arguments)
        scores = session.scores(recording.conversation)
        task = session.task
        assert task is not None
        ours = scores["outputs"] if task.outputs else scores["db"]  # as it was counted then
        if not recording.finished:
            rewards["cut off, recorded as 0"] += 1
        else:
            rewards["same" if ours == recording.reward else "different"] += 1
        if recording.reference_hash is not None and recording.goal.id not in hashes:
            hashes[recording.goal.id] = _hash(tables, session.reference()) == recording.reference_hash
    rows = [
        ["hash of the database after the reference actions", len(hashes), sum(hashes.values())],
        ["reward of a conversation that ended", rewards["same"] + rewards["different"], rewards["same"]],
    ]
    table = tabulate(rows, headers=["what", "recorded", "same"], tablefmt="github")
    cut = rewards["cut off, recorded as 0"]
    return (
        f"{table}\n\n{cut} more conversations were cut off, and recorded with a reward of 0 whatever was done in them."
    )


def _as_recorded(table: str, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a record with its fields named as when the conversations were recorded."""
    if table != "users":
        return record
    return {
        **record,
        "address": {("province" if field == "state" else field): v for field, v in record["address"].items()},
    }


def _hashable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple((key, _hashable(item)) for key, item in sorted(value.items()))
    if isinstance(value, list):
        return tuple(_hashable(item) for item in value)
    return value


def _hash(tables: Mapping[str, Mapping[str, Any]], session: TauSession) -> str:
    """Return tau-bench's hash: SHA-256 of the sorted database, written as Python writes tuples."""
    now = {name: dict(records) for name, records in tables.items()}
    for name, edits in session.edits().items():
        for key, record in {**edits.added, **edits.changed}.items():
            now[name][key] = _hashable(_as_recorded(name, record))
    written = str(tuple((name, tuple(sorted(records.items()))) for name, records in sorted(now.items())))
    return hashlib.sha256(written.encode()).hexdigest()


if __name__ == "__main__":
    main()
