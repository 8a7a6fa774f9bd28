"""Safe reader of YAML text: plain data with line numbers.

Numbers, booleans and null as in YAML 1.2: ``19:30`` and ``2024-05-15`` stay text, ``no`` is a word. A key that occurs
twice is an error, and aliases may not blow a small file up into a large one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

MAX_NODES = 500_000
"""The most values one document may hold, aliases counted as often as they are used."""
MAX_DEPTH = 60
"""The most levels of lists and fields; the C parser builds the tree by recursion without a bound, and would crash."""

_TAGS = frozenset(f"tag:yaml.org,2002:{n}" for n in ("str", "int", "float", "bool", "null", "map", "seq", "merge"))
"""Tags of what JSON can hold; dates, sets and bytes could not be written to the journal, and nothing else is wanted."""

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser is an order of magnitude faster


class _Loader(_Base):  # type: ignore[misc]  # which base there is, is known at run time only
    """A safe loader that reads plain scalars as YAML 1.2 does."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own attribute


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", "~nN"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), [*_first])
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^$"), [""])


class YamlError(ValueError):
    """Text that is not the YAML read here.

    Attributes:
        line: The line of the text that is wrong, from 1.
    """

    def __init__(self, message: str, line: int) -> None:
        """Report what is wrong in a line."""
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML document: its data, and the nodes that tell where in the text each part stands."""

    data: Any
    node: yaml.Node

    @property
    def line(self) -> int:
        """The line the document starts on, from 1."""
        return int(self.node.start_mark.line) + 1

    def line_of(self, path: tuple[int | str, ...]) -> int:
        """Return the line of the part at ``path``, or of the nearest part around it that exists."""
        node: yaml.Node = self.node
        line = self.line
        for step in path:
            found: yaml.Node | None = None
            if isinstance(node, yaml.MappingNode):
                for key, value in node.value:
                    if key.value == str(step):
                        found, line = value, int(key.start_mark.line) + 1
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                found = node.value[step]
                line = int(found.start_mark.line) + 1
            if found is None:
                break
            node = found
        return line


def parse(text: str) -> Iterator[Document]:
    """Yield the documents of a YAML text.

    Raises:
        YamlError: If the text is not valid YAML, or holds what is not read here.
    """
    _measure(text)
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            _Inspector().size(node)
            if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null":
                continue  # an empty document, such as the one before a leading "---"
            yield Document(_construct(loader, node), node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise YamlError(f"not valid YAML: {error.problem or error.context}", line) from None
    except yaml.YAMLError as error:
        raise YamlError(f"not valid YAML: {str(error).splitlines()[0]}", 1) from None
    finally:
        loader.dispose()


def _construct(loader: _Loader, node: yaml.Node) -> Any:
    try:
        return loader.construct_document(node)
    except (ValueError, KeyError, IndexError) as error:  # such as !!bool maybe, or a number of 5,000 digits
        raise YamlError(f"a value is not what it is tagged or looks like ({error})", node.start_mark.line + 1) from None


def _measure(text: str) -> None:
    """Raise YamlError for text that is nested too deeply.

    It goes by the events of the text, which take no recursion. Other faults are found later.
    """
    depth = 0
    too_deep = f"nested more than {MAX_DEPTH} levels deep; write it flatter"
    try:
        for event in yaml.parse(text, Loader=_Base):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise YamlError(too_deep, event.start_mark.line + 1 if event.start_mark else 1)
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    except yaml.MarkedYAMLError as error:
        # PyYAML 6.0.4 has a limit of its own, which what is scanned ahead of the first event may reach.
        if "nesting depth" in (error.problem or ""):
            raise YamlError(too_deep, error.problem_mark.line + 1 if error.problem_mark else 1) from None
    except yaml.YAMLError:
        pass


class _Inspector:
    """Inspection of one document's nodes, before data is made of them.

    It refuses tags that JSON has no place for, keys that are no text or occur twice, aliases that refer to what holds
    them, and documents that grow too large.
    """

    def __init__(self) -> None:
        """Start with a document of which nothing is known."""
        self._sizes: dict[int, int] = {}
        """Sizes of the nodes that were inspected, by their identity."""
        self._around: set[int] = set()
        """The nodes that hold the one being inspected."""

    def size(self, node: yaml.Node) -> int:
        """Return the number of values in a node, aliases counted as often as they are used.

        Raises:
            YamlError: If the node, or one in it, is refused.
        """
        known = self._sizes.get(id(node))
        if known is not None:
            return known
        line = node.start_mark.line + 1
        if node.tag not in _TAGS:
            raise YamlError(
                f"the tag {node.tag!r} is not taken here; write plain text, numbers, lists and fields", line
            )
        if isinstance(node, yaml.ScalarNode):
            return 1
        if id(node) in self._around:
            raise YamlError("an alias refers to the part it stands in; write the part out", line)
        self._around.add(id(node))
        total = 1
        if isinstance(node, yaml.MappingNode):
            total += self._size_of_fields(node)
        elif isinstance(node, yaml.SequenceNode):
            total += sum(self.size(child) for child in node.value)
        self._around.discard(id(node))
        if total > MAX_NODES:
            raise YamlError(f"more than {MAX_NODES} values, aliases counted; split the file", line)
        self._sizes[id(node)] = total
        return total

    def _size_of_fields(self, node: yaml.MappingNode) -> int:
        """Return the number of keys and values in a mapping."""
        total = 0
        keys: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise YamlError("a key must be plain text", key.start_mark.line + 1)
            if key.value in keys and key.tag != "tag:yaml.org,2002:merge":
                raise YamlError(f"the key {key.value!r} occurs twice; remove one", key.start_mark.line + 1)
            keys.add(key.value)
            total += 1 + self.size(value)
        return total
