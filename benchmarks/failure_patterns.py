"""Play goals with each planted fault, and print which failure pattern the rules see in each episode.

python benchmarks/failure_patterns.py [--split test|train] [--trials N] [--seed N] [--wrong]

A fault is planted at rate 1. In some goals it changes nothing (a user who would end after the first part of a goal has
nothing to neglect in a goal of one part): the second number leaves out the episodes that ended like a faultless one's.
The rules never see what was planted, and neither the simulator's name nor its reasoning.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tabulate import tabulate

from pytest_ugst.analysis.failures.patterns import classify
from pytest_ugst.analysis.failures.record import Pattern
from pytest_ugst.analysis.results import versions
from pytest_ugst.core.episode import Episode
from pytest_ugst.runs.reader import open_run
from pytest_ugst.simulators.agenda.faults import FAULTS

ROOT = Path(__file__).parents[1]
SUITE = "suites/test_concierge.py"
NONE = "none"


def main() -> int:
    """Play every fault and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--split", default="test", choices=("test", "train"), help="which goals (test)")
    parser.add_argument("--trials", type=int, default=3, help="plays of each goal (3)")
    parser.add_argument("--seed", type=int, default=0, help="as --ugst-seed (0)")
    parser.add_argument("--wrong", action="store_true", help="also list the episodes that land elsewhere")
    options = parser.parse_args()
    rows, wrong = [], []
    for fault in ("", *FAULTS):
        with tempfile.TemporaryDirectory() as folder:
            episodes = play(fault, options, Path(folder))
        landed = [(episode, primary(episode)) for episode in episodes]
        wrong += [f"{fault or NONE}: {e.id}: {seen}" for e, seen in landed if seen != (fault or NONE)]
        rows.append(row(fault or NONE, landed))
    headers = ["planted", "n", *(p.spoken for p in Pattern), NONE, "own, %", "broke something", "own of those, %"]
    print(tabulate(rows, headers, tablefmt="github", floatfmt=".1f"))
    print(f"\nVersions: {', '.join(f'{name} {version}' for name, version in versions().items())}")
    if options.wrong:
        print("\n".join(["", *wrong]))
    return 0


def play(fault: str, options: argparse.Namespace, folder: Path) -> list[Episode]:
    """Play the suite with one fault, and return the episodes."""
    simulator = f"agenda:{fault}" if fault else "agenda"
    command = [sys.executable, "-m", "pytest", SUITE, "-q", "-p", "no:cacheprovider", "-m", options.split]
    command += [f"--ugst-sim={simulator}", f"--ugst-trials={options.trials}", f"--ugst-seed={options.seed}"]
    command += ["--ugst-agent=rules", "--ugst-judge=checks", "--ugst-fail-under=0", f"--ugst-dir={folder}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return list(open_run(folder, "latest").journal)


def primary(episode: Episode) -> str:
    """Return the pattern that the rules see first, in an episode without anything that shows what was planted."""
    turns = tuple(turn.model_copy(update={"user_reasoning": None}) for turn in episode.conversation.turns)
    closing = episode.conversation.closing
    if closing is not None:
        closing = closing.model_copy(update={"reasoning": None})
    bare = episode.model_copy(
        update={
            "conversation": episode.conversation.model_copy(update={"turns": turns, "closing": closing}),
            "setting": episode.setting.model_copy(update={"simulator": "user"}),
        }
    )
    failures = classify(bare)
    return failures[0].pattern.value if failures else NONE


def row(planted: str, landed: list[tuple[Episode, str]]) -> list[object]:
    """Return a line of the table."""
    counts = Counter(seen for _, seen in landed)
    broke = [seen for episode, seen in landed if seen != NONE or not episode.succeeded]
    own = 100 * counts[planted] / len(landed)
    own_of_broken = 100 * sum(seen == planted for seen in broke) / len(broke) if broke else None
    kinds = [counts[p.value] for p in Pattern]
    return [planted.replace("_", " "), len(landed), *kinds, counts[NONE], own, len(broke), own_of_broken]


if __name__ == "__main__":
    sys.exit(main())
