"""Measure, gate and train LLM user simulators with User Goal State Tracking (UGST).

The one door of the package: everything that users import is here, loaded when it is first used.

Example:
    >>> import pytest_ugst as ugst
    >>> run = ugst.simulate("concierge:test", simulator="agenda", agent="rules", judge="checks", cache="off")
    >>> run.rates.average.value
    100.0
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for true; importing typing would double the time of importing the package
if TYPE_CHECKING:
    from typing import Any

    from pytest_ugst.analysis.results import Results
    from pytest_ugst.api.judge import judge
    from pytest_ugst.api.load import load_goals, load_run
    from pytest_ugst.api.run import Run, RunSummary
    from pytest_ugst.api.simulate import simulate
    from pytest_ugst.core.check import Check, Condition
    from pytest_ugst.core.conversation import Closing, Conversation, StopReason, ToolCall, Turn
    from pytest_ugst.core.episode import Episode, EpisodeConfig
    from pytest_ugst.core.errors import GoalFileError, RoleError, UgstError, UsageError
    from pytest_ugst.core.goal import Component, Goal
    from pytest_ugst.core.goal_state import ComponentState, GoalState
    from pytest_ugst.core.protocols import (
        Agent,
        AgentTurn,
        Domain,
        Judge,
        Session,
        Simulator,
        SimulatorFactory,
        SupportsChanges,
        SupportsEdits,
        SupportsRequire,
        SupportsScores,
        ToolResult,
        ToolSpec,
        UserTurn,
    )
    from pytest_ugst.core.registry import Registry, RoleContext
    from pytest_ugst.core.status import Category, Status
    from pytest_ugst.core.usage import Usage
    from pytest_ugst.core.verdict import Evidence, Verdict
    from pytest_ugst.core.version import __version__
    from pytest_ugst.domains.overlay import BaseTables, Overlay
    from pytest_ugst.domains.session import DomainSession
    from pytest_ugst.domains.toolbox import Toolbox, ToolError, tool
    from pytest_ugst.recordings.messages import conversation_from_messages
    from pytest_ugst.runs.run import StoredRun

__all__ = [
    "Agent",
    "AgentTurn",
    "BaseTables",
    "Category",
    "Check",
    "Closing",
    "Component",
    "ComponentState",
    "Condition",
    "Conversation",
    "Domain",
    "DomainSession",
    "Episode",
    "EpisodeConfig",
    "Evidence",
    "Goal",
    "GoalFileError",
    "GoalState",
    "Judge",
    "Overlay",
    "Registry",
    "Results",
    "RoleContext",
    "RoleError",
    "Run",
    "RunSummary",
    "Session",
    "Simulator",
    "SimulatorFactory",
    "Status",
    "StopReason",
    "StoredRun",
    "SupportsChanges",
    "SupportsEdits",
    "SupportsRequire",
    "SupportsScores",
    "ToolCall",
    "ToolError",
    "ToolResult",
    "ToolSpec",
    "Toolbox",
    "Turn",
    "UgstError",
    "Usage",
    "UsageError",
    "UserTurn",
    "Verdict",
    "__version__",
    "conversation_from_messages",
    "judge",
    "load_goals",
    "load_run",
    "simulate",
    "tool",
]

_HOMES = {
    "analysis.results": ("Results",),
    "api.judge": ("judge",),
    "api.load": ("load_goals", "load_run"),
    "api.run": ("Run", "RunSummary"),
    "api.simulate": ("simulate",),
    "core.check": ("Check", "Condition"),
    "core.conversation": ("Closing", "Conversation", "StopReason", "ToolCall", "Turn"),
    "core.episode": ("Episode", "EpisodeConfig"),
    "core.errors": ("GoalFileError", "RoleError", "UgstError", "UsageError"),
    "core.goal": ("Component", "Goal"),
    "core.goal_state": ("ComponentState", "GoalState"),
    "core.protocols": (
        "Agent",
        "AgentTurn",
        "Domain",
        "Judge",
        "Session",
        "Simulator",
        "SimulatorFactory",
        "SupportsChanges",
        "SupportsEdits",
        "SupportsRequire",
        "SupportsScores",
        "ToolResult",
        "ToolSpec",
        "UserTurn",
    ),
    "core.registry": ("Registry", "RoleContext"),
    "core.status": ("Category", "Status"),
    "core.usage": ("Usage",),
    "core.verdict": ("Evidence", "Verdict"),
    "core.version": ("__version__",),
    "domains.overlay": ("BaseTables", "Overlay"),
    "domains.session": ("DomainSession",),
    "domains.toolbox": ("ToolError", "Toolbox", "tool"),
    "recordings.messages": ("conversation_from_messages",),
    "runs.run": ("StoredRun",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # a type checker would take every name for one of ours

    def __getattr__(name: str) -> Any:
        """Import a public name at its first use (PEP 562): the plugin imports this package in every pytest run."""
        home = _HOME_OF.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(f"{__name__}.{home}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
