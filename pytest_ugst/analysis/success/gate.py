"""The gate on success rates: a run fails below them, after the example of pytest-cov's ``--cov-fail-under``."""

from __future__ import annotations

import math

from pytest_ugst.analysis.stats.columns import AVERAGE, COLUMNS
from pytest_ugst.analysis.success.rates import Rates
from pytest_ugst.core.base import Frozen
from pytest_ugst.core.errors import UsageError

_SHORT = {"prof": "profile", "pol": "policy", "to": "objective", "req": "requirement", "pref": "preference"}
_NAMES = {**{name: name for name in COLUMNS}, **_SHORT}
_TOLERANCE = 1e-9  # a mean of five percentages may be off in its last bits


class Gate(Frozen):
    """The least success rates that a run has to reach."""

    floors: dict[str, float]
    """Least rates in percent, by column name."""

    def missed(self, rates: Rates) -> list[str]:
        """Return a message for each rate below its floor; empty if the run passes."""
        messages = []
        if rates.unmeasured:
            messages.append(
                f"{rates.unmeasured} of {rates.episodes} episodes could not be measured: no rate covers them"
            )
        for name, floor in self.floors.items():
            rate = rates.columns[name]
            if rate.value is None:
                messages.append(f"{name}: no sub-component to measure, and at least {floor:g} was asked for")
            elif rate.value < floor - _TOLERANCE:
                errors = f" ({rate.errors} of {rate.n} are errors)" if rate.errors else ""
                short = f"{_below(rate.value, floor)} is below {floor:g}, by {_short(floor - rate.value)}"
                messages.append(f"{name}: {short}{errors}")
        return messages


def parse_gate(text: str) -> Gate:
    """Read the value of ``--ugst-fail-under``.

    Args:
        text: ``avg=85,policy=50``: names with percentages; a number without a name is meant for ``avg``.

    Raises:
        UsageError: If the text can't be read.
    """
    return Gate(floors=parse_columns("--ugst-fail-under", text, alone=AVERAGE))


def parse_columns(option: str, text: str, *, alone: str, unit: str = "percent") -> dict[str, float]:
    """Read numbers by column: ``avg=85,policy=50``.

    Args:
        option: Name of the option, for messages.
        text: Value of the option.
        alone: The column that a number without a name is meant for.
        unit: Unit of the numbers, for messages.

    Returns:
        Numbers from 0 to 100 by the columns' full names, or by ``alone``.

    Raises:
        UsageError: If the text can't be read.
    """

    def refused(why: str) -> UsageError:
        return UsageError(f"{option}={text}: {why}")

    found: dict[str, float] = {}
    for part in text.split(","):
        name, given, number = part.rpartition("=")
        column = _NAMES.get(name.strip().lower().replace(".", "")) if given else alone
        if column is None:
            names = ", ".join(COLUMNS)
            raise refused(f"{name.strip()!r} is no column; choose from {names} (or {', '.join(_SHORT)})")
        try:
            value = float(number)
        except ValueError:
            raise refused(f"{number.strip()!r} is no number; write for example {_EXAMPLES[unit]}") from None
        if not math.isfinite(value) or not 0 <= value <= 100:
            raise refused(f"{number.strip()} is no {_KINDS[unit]}; write a number from 0 to 100")
        if 0 < value < 1:
            meant = f"{column}={value * 100:g}" if column else f"{value * 100:g}"
            raise refused(f"{number.strip()} is less than one {unit}; did you mean {meant}?")
        if column in found:
            raise refused(f"{column or 'the number for all columns'} is given twice")
        found[column] = value
    return found


_EXAMPLES = {"percent": "avg=85,policy=50", "point": "10,avg=5"}
_KINDS = {"percent": "percentage", "point": "number of points"}


def _short(points: float) -> str:
    """Return the points that are missing with one decimal, or with as many as it takes to differ from zero."""
    return f"{points:.1f}".removesuffix(".0") if round(points, 1) else f"{points:.1g}"


def _below(value: float, floor: float) -> str:
    """Return the value with as many decimals as it takes to see that it is below the floor."""
    digits = next((d for d in range(1, 9) if round(value, d) < floor), 9)
    return f"{value:.{digits}f}"
