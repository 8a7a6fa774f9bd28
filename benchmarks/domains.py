"""Measure the costs of the airline and retail domains: loading, opening a session, calling a tool.

    UGST_DATA=DIR python benchmarks/domains.py [--rounds 7]

Prints a Markdown table of ratios within one run; other work on the machine moves both sides of a ratio alike.

- Loading: against ``json.load`` of the same files. CPU time; each side runs in a fresh process, in turns, and the
  fastest of each counts. The schemas and validators of the tools are made at their first use; they stand apart.
- Session: opening one against ``copy.deepcopy`` of the same tables, in time and in memory (tracemalloc).
- Tools: a call through the session against the bare Python method with its result written as JSON, which is what
  upstream's functions return as well; the fastest of many rounds, in turns.
"""

from __future__ import annotations

import argparse
import copy
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tabulate import tabulate

from pytest_ugst.config.data_dirs import USUAL_PLACES
from pytest_ugst.core.goal import Goal
from pytest_ugst.domains.overlay import thaw
from pytest_ugst.domains.tau import airline, retail
from pytest_ugst.domains.tau.files import DATASETS, Edition
from pytest_ugst.domains.tau.session import TauDomain

DOMAINS: dict[str, Callable[[], TauDomain]] = {
    "airline": airline.load,
    "retail": retail.load,
    "airline-tau2": airline.load_tau2,
    "retail-tau2": retail.load_tau2,
}
CALLS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "airline": [
        ("get_user_details", {"user_id": "mia_li_3668"}),
        ("get_reservation_details", {"reservation_id": "4WQ150"}),
        ("search_direct_flight", {"origin": "JFK", "destination": "SEA", "date": "2024-05-20"}),
        ("search_onestop_flight", {"origin": "JFK", "destination": "SEA", "date": "2024-05-20"}),
        ("calculate", {"expression": "2 * (152 + 103) - 30"}),
    ],
    "retail": [
        ("find_user_id_by_email", {"email": "noah.brown7922@example.com"}),
        ("get_user_details", {"user_id": "noah_brown_6181"}),
        ("get_order_details", {"order_id": "#W2611340"}),
        ("get_product_details", {"product_id": "9523456873"}),
        ("list_all_product_types", {}),
    ],
}
_LOAD = """
import sys, time
name = sys.argv[1]
from pytest_ugst.config.data_dirs import USUAL_PLACES
from pytest_ugst.domains.tau import airline, retail
USUAL_PLACES.locate("tau-bench")  # imports what finds the cache folder
load = {"airline": airline.load, "retail": retail.load, "airline-tau2": airline.load_tau2,
        "retail-tau2": retail.load_tau2}[name]
start = time.process_time()
load()
print(time.process_time() - start)
"""
_PARSE = """
import sys, json, time
start = time.process_time()
found = []
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        found.append(json.load(file))
print(time.process_time() - start)
"""


def files(name: str) -> list[Path]:
    """Return the JSON files of a domain."""
    kind, _, edition = name.partition("-")
    which: Edition = "tau2" if edition else "v1"
    root = USUAL_PLACES.locate(DATASETS[which])
    if which == "tau2":
        return [root / "data" / "tau2" / "domains" / kind / "db.json"]
    tables = {"airline": ("flights", "reservations", "users"), "retail": ("orders", "products", "users")}[kind]
    return [root / "tau_bench" / "envs" / kind / "data" / f"{table}.json" for table in tables]


def seconds_of(code: str, *arguments: str) -> float:
    """Return the seconds that a fresh process measured and printed."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True)
    return float(done.stdout)


def loading(name: str, rounds: int) -> tuple[float, float]:
    """Return the seconds of loading the domain and of parsing its files, the fastest of each."""
    paths = [str(path) for path in files(name)]
    pairs = [(seconds_of(_LOAD, name), seconds_of(_PARSE, *paths)) for _ in range(rounds)]
    return min(a for a, _ in pairs), min(b for _, b in pairs)


def best(run: Callable[[], object], repeat: int, rounds: int) -> float:
    """Return the seconds of one run: the fastest of ``rounds`` rounds of ``repeat`` runs."""
    return min(_timed(run, repeat) for _ in range(rounds))


def best_pair(one: Callable[[], object], other: Callable[[], object], repeat: int, rounds: int) -> tuple[float, float]:
    """Return the same for two functions, run in turns, so that other work on the machine slows both down."""
    pairs = [(_timed(one, repeat), _timed(other, repeat)) for _ in range(rounds)]
    return min(a for a, _ in pairs), min(b for _, b in pairs)


def _timed(run: Callable[[], object], repeat: int) -> float:
    start = time.perf_counter()
    for _ in range(repeat):
        run()
    return (time.perf_counter() - start) / repeat


def memory(run: Callable[[], object]) -> int:
    """Return the bytes that the result of a run holds."""
    run()  # fills what is made once
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = run()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    del kept
    return held


def sessions(domain: TauDomain, rounds: int) -> dict[str, float]:
    """Measure the time and memory of opening a session, and of copying the tables."""
    goal = Goal(id="g", text="A goal.", domain=domain.name)
    plain = {name: thaw(dict(table)) for name, table in domain.base.tables.items()}

    def open_one() -> object:
        return domain.open(goal, 0)

    def copy_all() -> object:
        return copy.deepcopy(plain)

    return {
        "open": best(open_one, 1000, rounds),
        "tools": _timed(lambda: domain.toolbox, 1),
        "copy": best(copy_all, 1, min(rounds, 3)),
        "open_bytes": memory(open_one),
        "copy_bytes": memory(copy_all),
    }


def bare(tools: Any, name: str, arguments: dict[str, Any]) -> str:
    """Call the method itself, and return its result as text."""
    result = getattr(tools, name)(**arguments)
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)


def main() -> None:
    """Measure every domain and print the two tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    rows, calls = [], []
    for name, load in DOMAINS.items():
        ours, parse = loading(name, rounds)
        domain = load()
        costs = sessions(domain, rounds)
        rows.append(
            [
                name,
                f"{parse * 1e3:.0f} ms",
                f"{ours * 1e3:.0f} ms",
                f"{ours / parse:.2f}",
                f"{costs['tools'] * 1e3:.0f} ms",
                f"{costs['open'] * 1e6:.1f} us",
                f"{costs['copy'] / costs['open']:,.0f}",
                f"{costs['open_bytes'] / 1e3:.1f} kB",
                f"{costs['copy_bytes'] / costs['open_bytes']:,.0f}",
            ]
        )
        session = domain.open(Goal(id="g", text="A goal.", domain=name), 0)
        tools = domain.make(domain.base.overlay(), False)
        totals = [0.0, 0.0]
        for tool, arguments in CALLS[name.partition("-")[0]]:
            through, alone = best_pair(
                partial(session.call, tool, arguments), partial(bare, tools, tool, arguments), 50, 6 * rounds
            )
            totals[0] += through
            totals[1] += alone
            calls.append([name, tool, f"{alone * 1e6:.1f} us", f"{through * 1e6:.1f} us", f"{through / alone:.2f}"])
        calls.append(
            [name, "all of these", *(f"{t * 1e6:.1f} us" for t in reversed(totals)), f"{totals[0] / totals[1]:.2f}"]
        )
    headers = ["domain", "json.load", "load", "ratio", "tools once", "open", "x cheaper", "memory", "x smaller"]
    print(tabulate(rows, headers=headers, tablefmt="github"))
    print()
    print(tabulate(calls, headers=["domain", "tool", "method", "session", "ratio"], tablefmt="github"))


if __name__ == "__main__":
    main()
