"""``results.json``: the numbers of a run for programs, such as a later run that is compared with this one."""

from __future__ import annotations

from pathlib import Path

from pydantic import ConfigDict

from pytest_ugst.analysis.regression.decision import Comparison
from pytest_ugst.analysis.success.table import RatesRow
from pytest_ugst.runs.results import RunResults
from pytest_ugst.utils.files import replace_text

_PACKAGES = ("pytest-ugst", "pytest", "pydantic", "numpy", "aiohttp", "openai", "vllm", "xllamacpp", "transformers")


class Results(RunResults):
    """The content of ``results.json``. Rates are in percent.

    Example:
        >>> import pytest_ugst as ugst
        >>> sorted(ugst.Results.model_fields)[:3]
        ['comparison', 'created', 'episodes']
    """

    model_config = ConfigDict(extra="forbid")

    rows: tuple[RatesRow, ...]
    """Rows of the summary table; the row of the whole run comes last."""
    comparison: Comparison | None = None
    """Comparison with the baseline, where one was named."""


def versions() -> dict[str, str]:
    """Return the versions of Python, of this package and of the packages that can change the numbers."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write_results(path: Path, results: Results) -> None:
    """Write the file as a whole: a reader sees the old file or the new one, never a part of one.

    Raises:
        UsageError: If it can't be written.
    """
    replace_text(path, results.model_dump_json(indent=2) + "\n")
