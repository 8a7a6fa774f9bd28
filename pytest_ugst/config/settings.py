"""Settings: every option with its value."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pytest_ugst.config.data_dirs import DataDirs
from pytest_ugst.config.options import DEFAULT_AGENT, DEFAULT_JUDGE, DEFAULT_MAX_DROP, DEFAULT_SIMULATOR, GATES, OPTIONS
from pytest_ugst.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is played with; see :data:`pytest_ugst.config.options.OPTIONS` for what each means."""

    root: Path
    """Relative paths start here."""
    sim: str = DEFAULT_SIMULATOR
    agent: str = DEFAULT_AGENT
    judge: str = DEFAULT_JUDGE
    decomposer: str = ""
    steer: Literal["none", "goal", "state"] = "none"
    reasoning: bool = False
    trials: int = 1
    max_turns: int = 10
    tool_rounds: int = 10
    judge_tools: str = "on"
    concurrency: int = 64
    seed: int = 0
    cache: Literal["off", "read", "on", "refresh"] = "on"
    resume: str = ""
    dir: str = ".ugst"
    data: str = ""
    goals: str = ""
    prompts: str = ""
    fail_under: str = ""
    baseline: str = ""
    max_drop: str = DEFAULT_MAX_DROP
    strict_gate: bool = False
    baseline_allow: str = ""
    html: str = ""
    progress: str = "auto"
    models: Mapping[str, Any] = field(default_factory=dict)
    """The tables ``[tool.ugst.models.*]``."""
    models_path: Path | None = None
    """The file they come from."""

    @classmethod
    def make(cls, root: Path, values: Mapping[str, Any], **more: Any) -> Options:
        """Validate.

        Args:
            root: The project's root.
            values: By option name with ``_`` for ``-``; text is converted to the option's type.
            more: Fields that are no options.

        Raises:
            UsageError: Naming the option and the remedy.
        """
        typed: dict[str, Any] = {}
        for option in OPTIONS:
            key = option.name.replace("-", "_")
            if (value := values.get(key)) is None:
                continue
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
            typed[key] = value
        settings = cls(root=root, **typed, **more)
        for name, low, high in (
            ("trials", 1, 10_000),
            ("max_turns", 1, 200),
            ("tool_rounds", 1, 100),
            ("concurrency", 1, 10_000),
            ("seed", 0, 2**31 - 1),
        ):
            if not low <= getattr(settings, name) <= high:
                raise UsageError(
                    f"--ugst-{name.replace('_', '-')}={getattr(settings, name)}: write a number from {low} to {high}"
                )
        return settings

    @property
    def home(self) -> Path:
        """The folder of runs and cache."""
        return self.root / self.dir

    @property
    def data_dirs(self) -> DataDirs:
        """Where benchmark data is looked for."""
        return DataDirs(self.data_dir)

    @property
    def data_dir(self) -> Path | None:
        """Where benchmark data is looked for first."""
        return self.root / self.data if self.data else None

    @property
    def goal_paths(self) -> tuple[Path, ...]:
        """Goal files, or folders of them, whose goals take the place of those with the same ids."""
        return tuple(self.root / path.strip() for path in self.goals.split(",") if path.strip())

    @property
    def gates(self) -> tuple[str, ...]:
        """Those of the gates' options that are set."""
        return tuple(flag for flag, value in zip(GATES, (self.fail_under, self.baseline), strict=True) if value)

    @property
    def prompts_dir(self) -> Path | None:
        """The folder of prompt overrides."""
        return self.root / self.prompts if self.prompts else None


def read_models(root: Path) -> tuple[Mapping[str, Any], Path]:
    """The tables ``[tool.ugst.models.*]`` of the project's ``pyproject.toml``, unchecked, and the file's path.

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
