"""Play the concierge test goals with the unfaulted agenda and with each planted fault, and print one table.

python benchmarks/planted_faults.py [--trials N] > docs/results/concierge.md
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from pytest_ugst.analysis.results import Results, versions
from pytest_ugst.analysis.success.table import RatesRow, rates_table
from pytest_ugst.analysis.tables import render
from pytest_ugst.simulators.agenda.faults import FAULTS

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Play every fault and print the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trials", type=int, default=1, help="how often each goal is played (default: 1)")
    trials = parser.parse_args().trials
    rows, stops = [], []
    for simulator in ("agenda", *(f"agenda:{fault}" for fault in FAULTS)):
        results = play(simulator, trials)
        rows.append(RatesRow(label=simulator, rates=results.rows[-1].rates))
        turns = sum(o.turns for o in results.episodes) / len(results.episodes)
        limit = sum(o.stop == "turn_limit" for o in results.episodes)
        stops.append(f"| {simulator} | {len(results.episodes)} | {limit} | {turns:.1f} |")
    print("# The concierge suite: unfaulted agenda and planted faults\n")
    print("Simulator `agenda`, agent `rules`, judge `checks`; every fault at rate 1; all test goals.\n")
    print("```console")
    print(f"python benchmarks/planted_faults.py --trials {trials}")
    print("```\n")
    print(f"Versions: {', '.join(f'{name} {version}' for name, version in versions().items())}\n")
    print(render([rates_table(rows, heading="simulator")], "markdown"))
    print("| simulator | episodes | cut off at the turn limit | turns on average |\n|---|---:|---:|---:|")
    print("\n".join(stops))
    return 0


def play(simulator: str, trials: int) -> Results:
    """Play the suite once, and return its results."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", "suites/test_concierge.py", "-q", f"--ugst-sim={simulator}"]
        options = [f"--ugst-trials={trials}", "--ugst-fail-under=0", f"--ugst-dir={folder}", "-p", "no:cacheprovider"]
        done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        file = next(Path(folder).glob("runs/*/results.json"))
        return Results.model_validate_json(file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
