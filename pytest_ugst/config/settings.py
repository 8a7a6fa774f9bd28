"""The options of a run with their values, and the models that the project configures."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pytest_ugst.config.data_dirs import DataDirs
from pytest_ugst.config.options import GATES, OPTIONS, Option
from pytest_ugst.core.check import CHECKS, CheckMode
from pytest_ugst.core.errors import UsageError

_DEFAULTS: Mapping[str, Any] = {option.key: option.default for option in OPTIONS}


def _default(key: str) -> Any:
    """Return an option's default, which stands in the table of options only."""
    return _DEFAULTS[key]


def check_mode(option: Literal["auto", "decide", "beside", "off"], judge: str) -> CheckMode:
    """Return what checks do beside a judge, by the value of ``--ugst-checks``.

    Args:
        option: The option's value.
        judge: The judge's name.
    """
    if option != "auto":
        return option
    return "decide" if judge == CHECKS else "beside"


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a run, typed; :data:`pytest_ugst.config.options.OPTIONS` says what each means.

    There is a field for every option of the table, with the table's default.
    """

    root: Path
    """The folder that relative paths start from."""
    sim: str = _default("sim")
    agent: str = _default("agent")
    judge: str = _default("judge")
    decomposer: str = _default("decomposer")
    steer: Literal["none", "goal", "state"] = _default("steer")
    reasoning: bool = _default("reasoning")
    trials: int = _default("trials")
    max_turns: int = _default("max_turns")
    tool_rounds: int = _default("tool_rounds")
    judge_tools: str = _default("judge_tools")
    checks: Literal["auto", "decide", "beside", "off"] = _default("checks")
    concurrency: int = _default("concurrency")
    seed: int = _default("seed")
    cache: Literal["off", "read", "on", "refresh"] = _default("cache")
    resume: str = _default("resume")
    dir: str = _default("dir")
    data: str = _default("data")
    goals: str = _default("goals")
    prompts: str = _default("prompts")
    fail_under: str = _default("fail_under")
    baseline: str = _default("baseline")
    max_drop: str = _default("max_drop")
    strict_gate: bool = _default("strict_gate")
    baseline_allow: str = _default("baseline_allow")
    html: str = _default("html")
    progress: str = _default("progress")
    models: Mapping[str, Any] = field(default_factory=dict)
    """The tables ``[tool.ugst.models.*]``."""
    models_path: Path | None = None
    """The file that holds those tables."""

    @classmethod
    def make(cls, root: Path, values: Mapping[str, Any], **more: Any) -> Options:
        """Return validated options.

        Args:
            root: The project's root.
            values: The values by option name, with ``_`` for ``-``; text is converted to the option's type. An option
                that is missing or None has its default.
            **more: Fields that are no options.

        Raises:
            UsageError: Naming the option and the remedy.
        """
        given = [option for option in OPTIONS if values.get(option.key) is not None]
        typed = {option.key: _converted(option, values[option.key]) for option in given}
        options = cls(root=root, **typed, **more)
        for option in OPTIONS:
            _require_in_bounds(option, getattr(options, option.key))
        if options.judge == CHECKS and options.checks in ("beside", "off"):
            raise UsageError(
                f"--ugst-checks={options.checks}: the judge is 'checks', so nobody would decide; name another judge by "
                "--ugst-judge, or leave it out"
            )
        return options

    def check_mode(self, judge: str) -> CheckMode:
        """Return what checks do beside a judge.

        Args:
            judge: The judge's name.
        """
        return check_mode(self.checks, judge)

    @property
    def home(self) -> Path:
        """The folder of runs and response cache."""
        return self.root / self.dir

    @property
    def data_dirs(self) -> DataDirs:
        """The folders in which benchmark data is looked for."""
        return DataDirs(self.data_dir)

    @property
    def data_dir(self) -> Path | None:
        """The folder in which benchmark data is looked for first, if one is named."""
        return self.root / self.data if self.data else None

    @property
    def goal_paths(self) -> tuple[Path, ...]:
        """The goal files, or folders of them, whose goals take the place of those with the same ids."""
        return tuple(self.root / path.strip() for path in self.goals.split(",") if path.strip())

    @property
    def gates(self) -> tuple[str, ...]:
        """The options of gates that are set."""
        return tuple(flag for flag, value in zip(GATES, (self.fail_under, self.baseline), strict=True) if value)

    @property
    def prompts_dir(self) -> Path | None:
        """The folder of prompt files that take the place of shipped ones, if one is named."""
        return self.root / self.prompts if self.prompts else None


def _converted(option: Option, value: Any) -> Any:
    """Return a value in the option's type.

    Raises:
        UsageError: If it has another, or is none of the option's choices.
    """
    if option.type is int:
        try:
            value = int(value)
        except (TypeError, ValueError):
            raise UsageError(f"{option.flag}={value}: write a whole number") from None
    elif option.type is bool and not isinstance(value, bool):
        if str(value).lower() not in ("true", "false", "1", "0", "on", "off", "yes", "no"):
            raise UsageError(f"{option.flag}={value}: write true or false")
        value = str(value).lower() in ("true", "1", "on", "yes")
    if option.choices and value not in option.choices:
        raise UsageError(f"{option.flag}={value}: write one of {', '.join(option.choices)}")
    return value


def _require_in_bounds(option: Option, value: Any) -> None:
    """Check that a number is within the option's bounds.

    Raises:
        UsageError: If it is not.
    """
    if option.bounds is None:
        return
    low, high = option.bounds
    if not low <= value <= high:
        raise UsageError(f"{option.flag}={value}: write a number from {low} to {high}")


def read_models(root: Path) -> tuple[Mapping[str, Any], Path]:
    """Read the tables ``[tool.ugst.models.*]`` of the project's ``pyproject.toml``.

    Args:
        root: The folder of ``pyproject.toml``.

    Returns:
        The tables, not validated and empty without the file, and the file's path.

    Raises:
        UsageError: If the file is no TOML, or has something else in that place.
    """
    path = root / "pyproject.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, path
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read: {error}") from None
    models: Any = document.get("tool", {}).get("ugst", {}).get("models", {})
    if not isinstance(models, dict):
        raise UsageError(f"{path}: tool.ugst.models: write tables [tool.ugst.models.NAME]")
    return models, path
