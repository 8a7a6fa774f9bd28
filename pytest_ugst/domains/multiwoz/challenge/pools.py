"""User profiles and user policies to compose goals from: readable YAML, that users extend with files of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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
from pytest_ugst.goals.yaml_reader import YamlError, parse
from pytest_ugst.judges.checks import ChecksJudge

Tag = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9 -]*$")]


class Entry(Frozen):
    """What profiles and policies have in common."""

    id: Identifier
    tags: tuple[Tag, ...] = ()
    """What it is like."""
    conflicts: tuple[Tag, ...] = ()
    """Tags or ids that it can't be together with."""
    needs: tuple[Tag, ...] = ()
    """Tags that the goal's objectives have to have."""

    category: ClassVar[Category]

    def names(self) -> frozenset[str]:
        """What others may be in conflict with."""
        return frozenset((self.id, *self.tags))

    def components(self) -> list[Item]:
        """The sub-components."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for item in self.components():
            Component(id=self.id, category=self.category, text=item.text, check=item.check)
        return self


def _sentence(value: Any) -> Any:
    return {"text": value} if isinstance(value, str) else value


class Profile(Entry):
    """Who the user is."""

    category = Category.PROFILE

    text: tuple[Annotated[Item, BeforeValidator(_sentence)], ...] = Field(min_length=1, max_length=2)
    """Each sentence is a sub-component."""
    party: tuple[Annotated[int, Field(ge=1, le=8)], ...] = ()
    """How many people bookings are for; any number if empty."""

    def names(self) -> frozenset[str]:
        """``named`` beside the rest where the user has a name."""
        named = {"named"} if any("name" in item.slots for item in self.text) else set()
        return super().names() | named

    def components(self) -> list[Item]:
        """The sub-components; one that tells the user's name is checked for it."""
        return [
            item.model_copy(update={"check": _no_other_name(str(item.slots["name"]))})
            if "name" in item.slots and item.check is None
            else item
            for item in self.text
        ]


class Policy(Entry):
    """What the user always or never does."""

    category = Category.POLICY

    text: Text
    check: Check | None = None
    slots: dict[str, JsonValue] = Field(default_factory=dict)

    def components(self) -> list[Item]:
        """The sub-component."""
        return [Item(text=self.text, check=self.check, slots=self.slots)]


@dataclass(frozen=True, slots=True)
class Pools:
    """All profiles and policies there are to choose from."""

    profiles: tuple[Profile, ...]
    policies: tuple[Policy, ...]


def load_pools(profiles: Sequence[Path] = (), policies: Sequence[Path] = ()) -> Pools:
    """The shipped pools, with what the user's own files add.

    Raises:
        UsageError: Naming file, line, field and remedy.
    """
    folder = shipped("goals") / "pools"
    return Pools(
        tuple(_read([folder / "profiles.yaml", *profiles], Profile)),
        tuple(_read([folder / "policies.yaml", *policies], Policy)),
    )


def at_odds(entry: Entry, others: Iterable[Entry], quest_tags: frozenset[str] = frozenset()) -> bool:
    """Whether an entry contradicts others, or the objectives, or has nothing in them to come into play with."""
    if {*entry.conflicts} & quest_tags or not quest_tags.issuperset(entry.needs):
        return True
    return any({*entry.conflicts} & other.names() or {*other.conflicts} & entry.names() for other in others)


E_ = TypeVar("E_", bound=Entry)


def _read(files: Iterable[Path], model: type[E_]) -> list[E_]:
    entries: dict[str, E_] = {}
    for file in files:
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
                raise UsageError(
                    f"{file}:{document.line}: write a list of entries, each with '- id: ...' and 'text: ...'"
                )
            for at, data in enumerate(document.data):
                try:
                    entry = model.model_validate(data)
                except ValidationError as error:
                    where, message = _first_problem(error)
                    field = ".".join(map(str, where)) or "entry"
                    raise UsageError(f"{file}:{document.line_of((at, *where))}: {field}: {message}") from None
                line = document.line_of((at,))
                if entry.id in entries:
                    raise UsageError(f"{file}:{line}: the id {entry.id!r} is used twice; give each entry its own")
                _carried_out(entry, f"{file}:{line}")
                entries[entry.id] = entry
    if not entries:
        raise UsageError("there is no profile or no policy to choose from")
    return list(entries.values())


def _first_problem(error: ValidationError) -> tuple[tuple[int | str, ...], str]:
    first = error.errors(include_url=False, include_input=False)[0]
    return first["loc"], first["msg"].removeprefix("Value error, ")


def _carried_out(entry: Entry, where: str) -> None:
    """Make sure that the checks of an entry can be carried out."""
    components = tuple(
        Component(id=f"{i}", category=entry.category, text=item.text, check=item.check)
        for i, item in enumerate(entry.components(), 1)
    )
    ChecksJudge().validate(Goal(id=entry.id, text=entry.id, components=components, source=where))


def _no_other_name(name: str) -> Check:
    """The user never claims a name that is not their own."""
    own = "|".join(re.escape(word.lower()) for word in name.split())
    other = rf"(?!(?:mr|ms|mrs|dr|professor|{own})\b)"
    says = rf"\bmy name(?:.s| is| would be) {other}|under the name (?:of )?{other}"
    return Check.model_validate({"never": {"user_says": says}})
