"""The options of the trainers that name training data and benchmark data."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_ugst.core.errors import UsageError
from pytest_ugst.utils.deprecated import report_old_name


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--dataset`` and ``--data``."""
    parser.add_argument("--dataset", type=Path, metavar="DIR", help="training data: what 'ugst train data' wrote")
    parser.add_argument("--data", type=Path, metavar="DIR", help="where benchmark data is looked for first")


def read_data_options(args: argparse.Namespace) -> tuple[Path, Path | None]:
    """Return the folder of the training data, and the one in which benchmark data is looked for first.

    A ``--data`` without ``--dataset`` that holds training data counts as ``--dataset``, as it was called before.

    Raises:
        UsageError: If there is no training data.
    """
    from pytest_ugst.trainers.data.folder import holds_data

    dataset: Path | None = args.dataset
    data: Path | None = args.data
    if dataset is None and data is not None and holds_data(data):
        report_old_name("--data", "--dataset")
        dataset, data = data, None
    if dataset is None:
        raise UsageError("--dataset is missing; name the folder that 'ugst train data' wrote")
    if not dataset.is_dir():
        raise UsageError(f"--dataset {dataset}: there is no such folder; make one with 'ugst train data'")
    return dataset, data
