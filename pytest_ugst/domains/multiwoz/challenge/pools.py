"""User profiles and user policies to compose goals from: YAML files, which users extend with files of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import BeforeValidator, Field, JsonValue, ValidationError, model_validator

from pytest_ugst.config.shipped import shipped
from pytest_ugst.core.base import Frozen
from pytest_ugst.core.check import Check
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Component, Goal, Identifier, Text
from pytest_ugst.core.status import Category
from pytest_ugst.goals.schema import Item
from pytest_ugst.goals.yaml_reader import Document, YamlError, parse
from pytest_ugst.judges.checks import ChecksJudge

Tag = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9 -]*$")]


class PoolEntry(Frozen):
    """Common fields of profiles and policies."""

    id: Identifier
    tags: tuple[Tag, ...] = ()
    """Tags of this entry, for other entries' conflicts."""
    conflicts: tuple[Tag, ...] = ()
    """Tags and ids of entries, and tags of objectives, that it can't be combined with."""
    needs: tuple[Tag, ...] = ()
    """Tags that the goal's objectives must have."""

    category: ClassVar[Category]

    def names(self) -> frozenset[str]:
        """Return the id and tags by which other entries may be in conflict with this one."""
        return frozenset((self.id, *self.tags))

    def components(self) -> list[Item]:
        """Return the sub-components."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for item in self.components():
            Component(id=self.id, category=self.category, text=item.text, check=item.check)
        return self


def _sentence(value: Any) -> Any:
    return {"text": value} if isinstance(value, str) else value


class Profile(PoolEntry):
    """A user profile: who the user is."""

    category = Category.PROFILE

    text: tuple[Annotated[Item, BeforeValidator(_sentence)], ...] = Field(min_length=1, max_length=2)
    """Sentences, each of which is a sub-component."""
    party: tuple[Annotated[int, Field(ge=1, le=8)], ...] = ()
    """Numbers of people that bookings may be for; any number if empty."""

    def names(self) -> frozenset[str]:
        """Return the id and tags, with ``named`` added where the user has a name."""
        named = {"named"} if any("name" in item.slots for item in self.text) else set()
        return super().names() | named

    def components(self) -> list[Item]:
        """Return the sub-components. One that gives the user's name gets a check for it, unless it has one."""
        return [
            item.model_copy(update={"check": _no_other_name(str(item.slots["name"]))})
            if "name" in item.slots and item.check is None
            else item
            for item in self.text
        ]


class Policy(PoolEntry):
    """A user policy: what the user always or never does."""

    category = Category.POLICY

    text: Text
    check: Check | None = None
    slots: dict[str, JsonValue] = Field(default_factory=dict)

    def components(self) -> list[Item]:
        """Return the sub-component."""
        return [Item(text=self.text, check=self.check, slots=self.slots)]


@dataclass(frozen=True, slots=True)
class Pools:
    """The profiles and policies to choose from."""

    profiles: tuple[Profile, ...]
    policies: tuple[Policy, ...]


def load_pools(profiles: Sequence[Path] = (), policies: Sequence[Path] = ()) -> Pools:
    """Read the shipped pools and the user's own files, which add to them.

    Args:
        profiles: The user's files of profiles.
        policies: The user's files of policies.

    Raises:
        UsageError: If a file is wrong; names the file, line, field and remedy.
    """
    folder = shipped("goals") / "pools"
    return Pools(
        tuple(_read([folder / "profiles.yaml", *profiles], Profile)),
        tuple(_read([folder / "policies.yaml", *policies], Policy)),
    )


def conflicting(entry: PoolEntry, others: Iterable[PoolEntry], objective_tags: frozenset[str] = frozenset()) -> bool:
    """Return whether an entry conflicts with other entries or with the objectives, or lacks an objective it needs.

    Args:
        entry: A profile or policy.
        others: Entries that it would be combined with.
        objective_tags: Tags of the goal's objectives.
    """
    if {*entry.conflicts} & objective_tags or not objective_tags.issuperset(entry.needs):
        return True
    return any({*entry.conflicts} & other.names() or {*other.conflicts} & entry.names() for other in others)


E_ = TypeVar("E_", bound=PoolEntry)


def _read(files: Iterable[Path], model: type[E_]) -> list[E_]:
    """Read the entries of files, in order; every id is used once."""
    entries: dict[str, E_] = {}
    for file in files:
        for document in _documents(file):
            for at in range(len(document.data)):
                entry = _entry(file, document, at, model)
                where = f"{file}:{document.line_of((at,))}"
                if entry.id in entries:
                    raise UsageError(f"{where}: the id {entry.id!r} is used twice; give each entry its own")
                _validate_checks(entry, where)
                entries[entry.id] = entry
    if not entries:
        raise UsageError("there is no profile or no policy to choose from")
    return list(entries.values())


def _documents(file: Path) -> Iterator[Document]:
    """Yield the YAML documents of a file, each a list."""
    try:
        documents = list(parse(file.read_text(encoding="utf-8-sig")))
    except YamlError as error:
        raise UsageError(f"{file}:{error.line}: {error}") from None
    except OSError as error:
        raise UsageError(f"{file}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: is not UTF-8 text; save it as UTF-8") from None
    for document in documents:
        if not isinstance(document.data, list):
            raise UsageError(f"{file}:{document.line}: write a list of entries, each with '- id: ...' and 'text: ...'")
        yield document


def _entry(file: Path, document: Document, at: int, model: type[E_]) -> E_:
    """Validate one element of a document's list."""
    try:
        return model.model_validate(document.data[at])
    except ValidationError as error:
        where, message = _first_problem(error)
        field = ".".join(map(str, where)) or "entry"
        raise UsageError(f"{file}:{document.line_of((at, *where))}: {field}: {message}") from None


def _first_problem(error: ValidationError) -> tuple[tuple[int | str, ...], str]:
    first = error.errors(include_url=False, include_input=False)[0]
    return first["loc"], first["msg"].removeprefix("Value error, ")


def _validate_checks(entry: PoolEntry, where: str) -> None:
    """Check that the checks of an entry can be evaluated without a model.

    Raises:
        UsageError: If one of them can't.
    """
    components = tuple(
        Component(id=f"{i}", category=entry.category, text=item.text, check=item.check)
        for i, item in enumerate(entry.components(), 1)
    )
    ChecksJudge().validate(Goal(id=entry.id, text=entry.id, components=components, source=where))


def _no_other_name(name: str) -> Check:
    """Return the check that the user never claims a name that is not their own."""
    own = "|".join(re.escape(word.lower()) for word in name.split())
    other = rf"(?!(?:mr|ms|mrs|dr|professor|{own})\b)"
    says = rf"\bmy name(?:.s| is| would be) {other}|under the name (?:of )?{other}"
    return Check.model_validate({"never": {"user_says": says}})
