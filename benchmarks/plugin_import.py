"""Measure what the plugin costs a project that does not use it: CPU of pytest with it and without it.

Both run one trivial test in an empty project, in processes of their own and by turns, so that a busy machine slows both
down. The median of the differences between neighbours is printed.

    python benchmarks/plugin_import.py [--runs 30]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TARGET = 10.0  # milliseconds


def cpu(folder: Path, *args: str) -> float:
    """Return the milliseconds of CPU, user and system, of one pytest run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *args]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # without the plugins of other packages
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled once, not in every run
    subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> None:
    """Measure, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    options = parser.parse_args()
    ways = {"without": (), "with": ("-p", "pytest_ugst.plugin.hooks")}
    times: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        for number in range(options.runs + 1):
            # The order changes with every pair, so that neither way always comes second.
            for way in ways if number % 2 else reversed(ways):
                taken = cpu(folder, *ways[way])
                if number:  # the first pair writes byte code
                    times[way].append(taken)
    differences = [b - a for a, b in zip(times["without"], times["with"], strict=True)]
    print(f"CPU of one pytest run in an unrelated project, median of {options.runs} pairs, ms")
    for way, values in times.items():
        print(f"  {way:<8}{statistics.median(values):>8.1f}")
    more = statistics.median(differences)
    quartiles = statistics.quantiles(differences, n=4)
    print(f"  more    {more:>8.1f}  (quartiles {quartiles[0]:.1f} to {quartiles[2]:.1f}; target: under {TARGET:g})")
    sys.exit(more >= TARGET)


if __name__ == "__main__":
    main()
