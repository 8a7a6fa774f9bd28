"""Copy-on-write data: a read-only base shared by all sessions, and one session's view of it.

A :class:`BaseTables` is read once per process and can't be written to. An :class:`Overlay` is one session's view of
it: it reads through to the base and copies only the records that the session edits, so that opening a session costs
nothing and comparing two sessions looks only at the edited records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn

Record = dict[str, Any]


class ReadOnlyError(TypeError):
    """Attempt to write to the shared base."""


def _refuse(*_args: object, **_kwargs: object) -> NoReturn:
    raise ReadOnlyError("this record belongs to the shared base: take it with edit() to change it")


class FrozenDict(dict[str, Any]):
    """A dict that can't be changed.

    It is a subclass of ``dict``, so that the ``json`` module writes it at full speed.
    """

    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        """Return an ordinary copy, all the way down: a deep copy is made to be changed."""
        return {key: thaw(item) for key, item in self.items()}

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse


class FrozenList(list[Any]):
    """A list that can't be changed."""

    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        """Return an ordinary copy, all the way down: a deep copy is made to be changed."""
        return [thaw(item) for item in self]

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse


def freeze(value: Any) -> Any:
    """Return a deep read-only copy of JSON-like data."""
    if isinstance(value, Mapping):
        return FrozenDict({key: freeze(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return FrozenList([freeze(item) for item in value])
    return value


def thaw(value: Any) -> Any:
    """Return a deep copy of JSON-like data that can be changed."""
    if isinstance(value, dict):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list):
        return [thaw(item) for item in value]
    return value


class FrozenTable(Mapping[str, FrozenDict]):
    """A read-only table of the base: records by key.

    A record is frozen at its first access, so that reading a large file costs no more than parsing it; most records of
    a run are never accessed.
    """

    __slots__ = ("_records",)

    def __init__(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over the records, which are not copied.

        Args:
            records: Records by key; the caller leaves them alone from then on.
        """
        self._records: dict[str, Any] = dict(records)

    def __getitem__(self, key: str) -> FrozenDict:
        """Return a record, frozen."""
        record = self._records[key]
        if type(record) is not FrozenDict:
            record = self._records[key] = freeze(record)
        return record  # type: ignore[no-any-return]

    def __contains__(self, key: object) -> bool:
        """Return whether there is a record of this key; no record is frozen for it."""
        return key in self._records

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys in the order of the file."""
        return iter(self._records)

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._records)


class BaseTables:
    """Tables of records by key, shared by all sessions of a process and read-only all the way down.

    Example:
        >>> import pytest_ugst as ugst
        >>> base = ugst.BaseTables({"cups": {"1": {"clean": True}}})
        >>> base.tables["cups"]["1"]["clean"]
        True
    """

    __slots__ = ("tables",)

    def __init__(self, tables: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """Take over the tables, which are not copied.

        Args:
            tables: By the table's name, records by key. The caller leaves them alone from then on.
        """
        self.tables: Mapping[str, FrozenTable] = MappingProxyType({n: FrozenTable(t) for n, t in tables.items()})

    def overlay(self) -> Overlay:
        """Return a new view for one session."""
        return Overlay(self)


@dataclass(slots=True)
class TableEdits:
    """Net edits of one table by a session."""

    added: dict[str, Record] = field(default_factory=dict)
    """New records by key."""
    changed: dict[str, Record] = field(default_factory=dict)
    """Changed records by key, as they are now."""
    removed: list[str] = field(default_factory=list)
    """Keys of removed records, sorted."""

    def __bool__(self) -> bool:
        """Return whether there is any edit."""
        return bool(self.added or self.changed or self.removed)


class SessionTable(Mapping[str, Mapping[str, Any]]):
    """A table as one session sees it. Only records returned by :meth:`edit` may be changed."""

    __slots__ = ("_base", "_own", "_removed")

    def __init__(self, base: FrozenTable) -> None:
        """Make a view without edits.

        Args:
            base: The shared table.
        """
        self._base = base
        self._own: dict[str, Record] = {}
        self._removed: set[str] = set()

    def __getitem__(self, key: str) -> Mapping[str, Any]:
        """Return a record: the session's own copy if there is one, else the base's frozen record."""
        own = self._own.get(key)
        if own is not None:
            return own
        if key in self._removed:
            raise KeyError(key)
        return self._base[key]

    def __contains__(self, key: object) -> bool:
        """Return whether the session sees a record of this key."""
        return key in self._own or (key in self._base and key not in self._removed)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the base's keys in their order, then over the added ones."""
        for key in self._base:
            if key not in self._removed:
                yield key
        for key in self._own:
            if key not in self._base:
                yield key

    def __len__(self) -> int:
        """Return the number of records that the session sees."""
        return len(self._base) - len(self._removed) + sum(key not in self._base for key in self._own)

    def edit(self, key: str) -> Record:
        """Return the session's own copy of a record, made at the first edit; change it in place.

        Raises:
            KeyError: If there is no such record.
        """
        own = self._own.get(key)
        if own is None:
            own = self._own[key] = thaw(self[key])
        return own

    def add(self, key: str, record: Mapping[str, Any]) -> None:
        """Add a new record; it is copied.

        Raises:
            KeyError: If the key is taken.
        """
        if key in self:
            raise KeyError(f"{key!r} is there already")
        self._removed.discard(key)
        self._own[key] = thaw(record)

    def remove(self, key: str) -> None:
        """Remove a record.

        Raises:
            KeyError: If there is no such record.
        """
        if key not in self:
            raise KeyError(key)
        self._own.pop(key, None)
        if key in self._base:
            self._removed.add(key)

    def edits(self) -> TableEdits:
        """Return the difference from the base. A record edited back to what it was is no difference."""
        edits = TableEdits(removed=sorted(self._removed))
        for key, record in self._own.items():
            if key not in self._base:
                edits.added[key] = record
            elif record != self._base[key]:
                edits.changed[key] = record
        return edits

    def changes(self) -> Iterator[tuple[str, str, Any]]:
        """Yield the fields that differ from the base, as key, field and value.

        A removed field has the value None. A removed record has one entry, with an empty field and the value None.
        """
        for key in self._removed - self._own.keys():
            yield key, "", None
        for key, record in self._own.items():
            before: Mapping[str, Any] = self._base.get(key, {})
            for name in {**before, **record}:
                if name not in before or name not in record or before[name] != record[name]:
                    yield key, name, record.get(name)


class Overlay:
    """A session's view of all tables; ``overlay[name]`` is a table.

    Example:
        >>> import pytest_ugst as ugst
        >>> base = ugst.BaseTables({"cups": {"1": {"clean": True}}})
        >>> mine, yours = base.overlay(), base.overlay()
        >>> mine["cups"].edit("1")["clean"] = False
        >>> mine["cups"]["1"]["clean"], yours["cups"]["1"]["clean"]
        (False, True)
    """

    __slots__ = ("_base", "_tables")

    def __init__(self, base: BaseTables) -> None:
        """Make a view without edits.

        Args:
            base: The shared tables.
        """
        self._base = base
        self._tables: dict[str, SessionTable] = {}

    def __getitem__(self, name: str) -> SessionTable:
        """Return the session's view of a table; it is made at the first access."""
        table = self._tables.get(name)
        if table is None:
            table = self._tables[name] = SessionTable(self._base.tables[name])
        return table

    def edits(self) -> dict[str, TableEdits]:
        """Return the session's edits by table; tables without edits are left out."""
        found = {name: table.edits() for name, table in self._tables.items()}
        return {name: edits for name, edits in sorted(found.items()) if edits}

    def changes(self) -> dict[tuple[str, str, str], Any]:
        """Return the values of the fields that the session changed, by table, key and field."""
        return {
            (name, key, field): value for name, table in self._tables.items() for key, field, value in table.changes()
        }
