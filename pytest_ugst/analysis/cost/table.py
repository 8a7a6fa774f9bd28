"""The table of the cost of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_ugst.analysis.cost.metrics import JUDGE, Cost, usage_per
from pytest_ugst.analysis.tables import Cell, Column, Line, Table
from pytest_ugst.core.usage import Usage

_COLUMNS: Mapping[str, tuple[str, int]] = {
    "calls": ("calls", 1),
    "cache_hits": ("from cache", 1),
    "retries": ("retries", 1),
    "prompt_tokens": ("prompt tok.", 0),
    "cached_tokens": ("cached", 0),
    "completion_tokens": ("output tok.", 0),
    "seconds": ("seconds", 1),
    "cost": ("money", 4),
}
"""By field of a usage, the heading, and the number of decimals of values that are not whole."""


def cost_table(cost: Cost, title: str = "", notes: Sequence[str] = ()) -> Table:
    """Make a table of the cost of a run: in all, per episode and per verdict.

    Args:
        cost: The cost of at least one episode.
        title: The run's name.
        notes: Further notes.
    """
    lines = [_line(role, usage.model_dump(), "in all") for role, usage in cost.roles.items()]
    if len(cost.roles) != 1:
        lines.append(_line("all roles", cost.total.model_dump(), "in all"))
    group = f"per episode ({cost.episodes})"
    for role, usage in (*cost.roles.items(), ("all roles", cost.total)):
        if (each := usage_per(usage, cost.episodes)) is not None and (role != "all roles" or len(cost.roles) != 1):
            lines.append(_line(role, each, group))
    if (each := usage_per(cost.roles.get(JUDGE, Usage()), cost.verdicts)) is not None:
        lines.append(_line(JUDGE, each, f"per verdict ({cost.verdicts})"))
    columns = [Column("role", "role"), *(Column(name, heading) for name, (heading, _) in _COLUMNS.items())]
    all_notes = [
        "cached: prompt tokens that a server took from its prefix cache",
        "seconds: waiting, summed over calls that may run side by side",
        "money: in the currency of the models' prices, 0 without prices",
        f"episodes took {cost.seconds:.0f} s, each by itself",
    ]
    if cost.failed:
        all_notes.append(f"{cost.failed} of {cost.verdicts} verdicts are errors; they are counted as well")
    return Table(tuple(columns), tuple(lines), title, (*all_notes, *notes))


def _line(role: str, usage: Mapping[str, float], group: str) -> Line:
    cells = [Cell(role)]
    for name, (_, decimals) in _COLUMNS.items():
        value = usage[name]
        whole = isinstance(value, int)
        cells.append(Cell(value, f"{value:,}" if whole else f"{value:,.{decimals}f}"))
    return Line(tuple(cells), group)
