"""Reader of a domain's tables and policy from a folder of tau-bench or tau2-bench, each in its own layout."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.protocols import DataLocator

Edition = Literal["v1", "tau2"]
Tables = dict[str, dict[str, dict[str, Any]]]
Layout = Mapping[str, Mapping[str, type | tuple[type, ...]]]
"""The fields that the records of each table must have, with their types."""

DATASETS: Mapping[Edition, str] = {"v1": "tau-bench", "tau2": "tau2-bench"}
"""The data set of each edition."""


@dataclass(frozen=True, slots=True)
class Files:
    """The content of a domain's files."""

    folder: Path
    tables: Tables
    policy: str


def dataset_folder(edition: Edition, data_dirs: DataLocator) -> Path:
    """Return the folder of the data set that an edition comes from.

    Raises:
        DataMissingError: If there is no such data set.
    """
    return data_dirs.locate(DATASETS[edition])


def read(root: Path, domain: str, edition: Edition, layout: Layout) -> Files:
    """Read a domain's data.

    Upstream's layouts: ``tau_bench/envs/DOMAIN`` with ``wiki.md`` and one ``data/TABLE.json`` per table in tau-bench;
    ``data/tau2/domains/DOMAIN`` with ``policy.md`` and all tables in one ``db.json`` in tau2-bench.

    Args:
        root: The data set's folder.
        domain: ``airline`` or ``retail``.
        edition: The edition, and so the data set.
        layout: The fields that the tables must have.

    Raises:
        UsageError: If a file is missing, truncated or of another layout; names the file and the remedy.
    """
    with _no_collections():
        return _read(root, domain, edition, layout, DATASETS[edition])


@contextmanager
def _no_collections() -> Iterator[None]:
    """Suspend the garbage collector, which would walk through the many new records again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _read(root: Path, domain: str, edition: Edition, layout: Layout, dataset: str) -> Files:
    if edition == "v1":
        folder = root / "tau_bench" / "envs" / domain
        paths = {table: folder / "data" / f"{table}.json" for table in layout}
        tables = {table: _json(path, dataset) for table, path in paths.items()}
        policy = _first(folder, ("wiki.md", "policy.md"), dataset)
    else:
        folder = root / "data" / "tau2" / "domains" / domain
        path = folder / "db.json"
        found = _json(path, dataset)
        if missing := [table for table in layout if table not in found]:
            raise _wrong(path, f"has no {missing[0]!r}", dataset)
        paths = dict.fromkeys(layout, path)
        tables = {table: found[table] for table in layout}
        policy = _first(folder, ("policy.md",), dataset)
    for table, fields in layout.items():
        _check(paths[table], table, tables[table], fields, dataset)
    return Files(folder, tables, policy)


def _wrong(path: Path, problem: str, dataset: str) -> UsageError:
    return UsageError(f"{path}: {problem}; get the data again with 'ugst data fetch {dataset}'")


def _bytes(path: Path, dataset: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise _wrong(path, f"is missing, so this is not {dataset}'s layout", dataset) from None
    except OSError as error:
        raise _wrong(path, f"can't be read ({error.strerror})", dataset) from None


def _json(path: Path, dataset: str) -> dict[str, Any]:
    """Read a file that holds one JSON object."""
    data = _bytes(path, dataset)
    try:
        found = json.loads(data)
    except json.JSONDecodeError as error:
        where = f"{error.msg}, line {error.lineno}"
        raise _wrong(path, f"is no valid JSON, perhaps cut off ({where})", dataset) from None
    except (ValueError, RecursionError):  # not UTF-8; nested without end
        raise _wrong(path, "is no valid JSON", dataset) from None
    if not isinstance(found, dict):
        raise _wrong(path, "holds no JSON object", dataset)
    return found


def _first(folder: Path, names: Sequence[str], dataset: str) -> str:
    """Read the first of the named files that exists, as text."""
    path = next((folder / name for name in names if (folder / name).is_file()), folder / names[0])
    try:
        return _bytes(path, dataset).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong(path, "is no UTF-8 text", dataset) from None


def _check(path: Path, table: str, records: Any, fields: Mapping[str, type | tuple[type, ...]], dataset: str) -> None:
    """Check that a table has the layout; this runs over every record, so it is kept plain."""
    if not isinstance(records, dict):
        raise _wrong(path, f"the {table} are no JSON object", dataset)
    wanted = list(fields.items())
    for key, record in records.items():
        if not isinstance(record, dict):
            raise _wrong(path, f"{table}.{key} is no JSON object", dataset)
        for field, kind in wanted:
            if not isinstance(record.get(field), kind):
                problem = "is not what it should be" if field in record else "is missing"
                raise _wrong(path, f"{table}.{key}.{field} {problem}", dataset)
