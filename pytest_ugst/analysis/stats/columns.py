"""Columns of success rates: one per category of sub-components, and their mean."""

from __future__ import annotations

from pytest_ugst.core.status import Category

AVERAGE = "avg"
"""The name of the column with the plain mean of the categories."""
COLUMNS: dict[str, str] = {
    Category.PROFILE.value: "Prof.",
    Category.POLICY.value: "Pol.",
    Category.OBJECTIVE.value: "T.O.",
    Category.REQUIREMENT.value: "Req.",
    Category.PREFERENCE.value: "Pref.",
    AVERAGE: "Avg",
}
"""Headings of the columns by their names; headings and order are those of the paper."""
