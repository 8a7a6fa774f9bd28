"""Data that many sessions read and each edits for itself.

A :class:`BaseTables` is read once per process and can't be written to. An :class:`Overlay` is one session's view of
it: it reads through to the base and keeps copies of the records the session edits, and of nothing else, so that opening
a session costs nothing and comparing two of them looks only at what happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn

Record = dict[str, Any]


class ReadOnlyError(TypeError):
    """Somebody tried to write to shared data."""


def _refuse(*_args: object, **_kwargs: object) -> NoReturn:
    raise ReadOnlyError("this record belongs to the shared base: take it with edit() to change it")


class FrozenDict(dict[str, Any]):
    """A dict that can't be changed. A subclass, so that the ``json`` module writes it at full speed."""

    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        """A deep copy is for changing."""
        return {key: thaw(item) for key, item in self.items()}

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse


class FrozenList(list[Any]):
    """A list that can't be changed."""

    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        """A deep copy is for changing."""
        return [thaw(item) for item in self]

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse


def freeze(value: Any) -> Any:
    """A deep read-only copy of JSON-like data."""
    if isinstance(value, Mapping):
        return FrozenDict({key: freeze(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return FrozenList([freeze(item) for item in value])
    return value


def thaw(value: Any) -> Any:
    """A deep copy of JSON-like data that may be changed."""
    if isinstance(value, dict):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list):
        return [thaw(item) for item in value]
    return value


class FrozenTable(Mapping[str, FrozenDict]):
    """One table of the base. A record is frozen when it is first looked at, so that reading a large file costs no more
    than parsing it; most records of a run are never looked at.
    """

    __slots__ = ("_records",)

    def __init__(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        self._records: dict[str, Any] = dict(records)

    def __getitem__(self, key: str) -> FrozenDict:
        record = self._records[key]
        if type(record) is not FrozenDict:
            record = self._records[key] = freeze(record)
        return record  # type: ignore[no-any-return]

    def __contains__(self, key: object) -> bool:
        return key in self._records

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)


class BaseTables:
    """Tables of records by key, shared by all sessions of a process and read-only all the way down.

    The tables are handed over: whoever made them leaves them alone from then on.
    """

    __slots__ = ("tables",)

    def __init__(self, tables: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        self.tables: Mapping[str, FrozenTable] = MappingProxyType({n: FrozenTable(t) for n, t in tables.items()})

    def overlay(self) -> Overlay:
        """A fresh view for one session."""
        return Overlay(self)


@dataclass(slots=True)
class TableEdits:
    """What a session did to one table, by key."""

    added: dict[str, Record] = field(default_factory=dict)
    changed: dict[str, Record] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


class SessionTable(Mapping[str, Mapping[str, Any]]):
    """One table as one session sees it. Change only records that came from :meth:`edit`."""

    __slots__ = ("_base", "_gone", "_own")

    def __init__(self, base: FrozenTable) -> None:
        self._base = base
        self._own: dict[str, Record] = {}
        self._gone: set[str] = set()

    def __getitem__(self, key: str) -> Mapping[str, Any]:
        own = self._own.get(key)
        if own is not None:
            return own
        if key in self._gone:
            raise KeyError(key)
        return self._base[key]

    def __contains__(self, key: object) -> bool:
        return key in self._own or (key in self._base and key not in self._gone)

    def __iter__(self) -> Iterator[str]:
        """The base's keys in their order, then the added ones."""
        for key in self._base:
            if key not in self._gone:
                yield key
        for key in self._own:
            if key not in self._base:
                yield key

    def __len__(self) -> int:
        return len(self._base) - len(self._gone) + sum(key not in self._base for key in self._own)

    def edit(self, key: str) -> Record:
        """The session's own copy of a record, made at the first edit; change it in place.

        Raises:
            KeyError: If there is no such record.
        """
        own = self._own.get(key)
        if own is None:
            own = self._own[key] = thaw(self[key])
        return own

    def add(self, key: str, record: Mapping[str, Any]) -> None:
        """Put a new record in.

        Raises:
            KeyError: If the key is taken.
        """
        if key in self:
            raise KeyError(f"{key!r} is there already")
        self._gone.discard(key)
        self._own[key] = thaw(record)

    def remove(self, key: str) -> None:
        """Take a record out.

        Raises:
            KeyError: If there is no such record.
        """
        if key not in self:
            raise KeyError(key)
        self._own.pop(key, None)
        if key in self._base:
            self._gone.add(key)

    def edits(self) -> TableEdits:
        """What differs from the base; a record edited back to what it was does not."""
        edits = TableEdits(removed=sorted(self._gone))
        for key, record in self._own.items():
            if key not in self._base:
                edits.added[key] = record
            elif record != self._base[key]:
                edits.changed[key] = record
        return edits

    def changes(self) -> Iterator[tuple[str, str, Any]]:
        """The fields that differ from the base, as key, field and value.

        What is gone has None for its value; of a record that is gone, the field is empty.
        """
        for key in self._gone - self._own.keys():
            yield key, "", None
        for key, record in self._own.items():
            before: Mapping[str, Any] = self._base.get(key, {})
            for name in {**before, **record}:
                if name not in before or name not in record or before[name] != record[name]:
                    yield key, name, record.get(name)


class Overlay:
    """One session's view of all tables; ``overlay[name]`` is a table."""

    __slots__ = ("_base", "_tables")

    def __init__(self, base: BaseTables) -> None:
        self._base = base
        self._tables: dict[str, SessionTable] = {}

    def __getitem__(self, name: str) -> SessionTable:
        table = self._tables.get(name)
        if table is None:
            table = self._tables[name] = SessionTable(self._base.tables[name])
        return table

    def edits(self) -> dict[str, TableEdits]:
        """What the session changed, by table; tables without edits are left out."""
        found = {name: table.edits() for name, table in self._tables.items()}
        return {name: edits for name, edits in sorted(found.items()) if edits}

    def changes(self) -> dict[tuple[str, str, str], Any]:
        """The fields that the session changed, by table, key and field, with their values."""
        return {
            (name, key, field): value for name, table in self._tables.items() for key, field, value in table.changes()
        }
