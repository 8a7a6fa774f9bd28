"""The record of a verdict: a judge's decision on one sub-component after one turn."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from pytest_ugst.core.base import Frozen, SafeText
from pytest_ugst.core.status import Status


class Evidence(Frozen):
    """A quote that a verdict rests on.

    Example:
        >>> import pytest_ugst as ugst
        >>> ugst.Evidence(turn=1, speaker="user", quote="A tea, please.").speaker
        'user'
    """

    turn: int
    speaker: Literal["user", "agent", "tool"]
    quote: SafeText


class Verdict(Frozen):
    """A judge's decision on one sub-component after one turn: a status, or the reason for which there is none.

    Example:
        >>> import pytest_ugst as ugst
        >>> ugst.Verdict(component="task-1", turn=2, status="COMPLETE", by="checks").status
        <Status.COMPLETE: 'COMPLETE'>
    """

    component: str
    turn: int
    status: Status | None = None
    error: SafeText | None = None
    """The reason for which there is no status; a missing verdict is never a success."""
    reasoning: SafeText = ""
    evidence: tuple[Evidence, ...] = ()
    by: str = ""
    """The judge's name, or ``checks``."""

    @model_validator(mode="after")
    def _status_or_error(self) -> Verdict:
        if (self.status is None) == (self.error is None):
            raise ValueError("a verdict has either a status or an error")
        return self
