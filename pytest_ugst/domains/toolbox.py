"""Tools: typed Python methods become OpenAI tool schemas, and calls are validated against the types.

A class marks its tools with :func:`tool`. One :class:`Toolbox` per class holds schemas and validators, and calls the
methods of any instance of the class. :class:`Toolbox` has a worked example.

Arguments are checked by a pydantic validator for a TypedDict made from the signature, which returns a plain dict:
about half a microsecond per call, where creating a model costs 1.3 and ``validate_call`` 1.7.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NotRequired, TypeVar, cast, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from pytest_ugst.core.protocols import ToolResult, ToolSpec

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__ugst_tool__"
_encode = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps would make a new encoder for every call


class ToolError(Exception):
    """Error of a tool that can't do what it was asked to do.

    A tool raises it with a message for the agent; :meth:`Toolbox.call` returns the message as an error result.

    Example:
        >>> import pytest_ugst as ugst
        >>> class Kiosk:
        ...     @ugst.tool
        ...     def sell(self, drink: str) -> str:
        ...         '''Sell a drink.'''
        ...         raise ugst.ToolError(f"we are out of {drink}.")
        >>> ugst.Toolbox(Kiosk).call(Kiosk(), "sell", {"drink": "tea"})
        ToolResult(text='Error: we are out of tea.', ok=False)
    """


def tool(function: F) -> F:
    """Mark a method as a tool of its class, for :class:`Toolbox` to find.

    The decorated method stays as it is and can still be called directly. Its signature and docstring define the tool
    that a model sees:

    - Name: the method's name.
    - Description: the docstring up to its ``Args:`` section, on one line. ``Returns:`` and ``Raises:`` sections are
      left out.
    - Arguments: every parameter after ``self`` needs a type hint that pydantic can turn into a JSON schema
      (``str``, ``Literal``, ``X | None``, ``list[...]``, a TypedDict or a pydantic model, ...); ``Annotated`` with a
      ``Field`` adds bounds. The text of a parameter in ``Args:`` is its description. A parameter with a default is
      optional.

    A method returns text, which the agent reads as it is, or a value that can be written as JSON. It raises
    :class:`ToolError` with a message for the agent where it can't do what it was asked to do.

    Args:
        function: The method.

    Returns:
        The same function.

    Example:
        >>> import pytest_ugst as ugst
        >>> class Kiosk:
        ...     @ugst.tool
        ...     def sell(self, drink: str, cups: int = 1) -> str:
        ...         '''Sell a drink.'''
        ...         return f"{cups} x {drink}"
        >>> ugst.Toolbox(Kiosk).specs[0].parameters["required"]
        ['drink']
    """
    setattr(function, _MARK, True)
    return function


@dataclass(frozen=True, slots=True)
class _CompiledTool:
    """A tool's method with the validator of its arguments."""

    function: Callable[..., Any]
    validate: Callable[[Any], dict[str, Any]]
    arguments: tuple[str, ...]


class Toolbox:
    """The tools of one class: their specs for a model, and calls that never raise for what an agent writes.

    Make one toolbox per class, at import or when the domain is loaded: compiling schemas and validators takes
    milliseconds, a call takes microseconds. The instances hold what belongs to one session, such as its
    :class:`~pytest_ugst.domains.overlay.Overlay`.

    Attributes:
        specs: A :class:`~pytest_ugst.core.protocols.ToolSpec` per tool, base classes first, in the order of the
            source.

    Example:
        >>> import pytest_ugst as ugst
        >>> class LibraryTools:
        ...     def __init__(self, db: ugst.Overlay) -> None:
        ...         self.db = db
        ...
        ...     @ugst.tool
        ...     def lend(self, title: str, days: int = 14) -> dict[str, object]:
        ...         '''Lend a book.
        ...
        ...         Args:
        ...             title: Exact title of the book.
        ...             days: How long the customer keeps it.
        ...         '''
        ...         if title not in self.db["books"]:
        ...             raise ugst.ToolError(f"there is no book {title!r}.")
        ...         book = self.db["books"].edit(title)
        ...         book["lent_for"] = days
        ...         return book
        >>> toolbox = ugst.Toolbox(LibraryTools)

        The schema for a model:

        >>> toolbox.specs[0].description
        'Lend a book.'
        >>> toolbox.specs[0].parameters["properties"]["title"]
        {'description': 'Exact title of the book.', 'type': 'string'}
        >>> toolbox.specs[0].parameters["required"]
        ['title']

        One session, with its own view of the shared data, and three calls in it:

        >>> base = ugst.BaseTables({"books": {"Emma": {"shelf": "A3"}}})
        >>> tools = LibraryTools(base.overlay())
        >>> toolbox.call(tools, "lend", {"title": "Emma"})
        ToolResult(text='{"shelf": "A3", "lent_for": 14}', ok=True)
        >>> toolbox.call(tools, "lend", {"title": "Ulysses"})
        ToolResult(text="Error: there is no book 'Ulysses'.", ok=False)
        >>> toolbox.call(tools, "lend", {"title": "Emma", "days": "ten"})
        ToolResult(text="Error: lend: days: input should be a valid integer, not 'ten'.", ok=False)

        In a domain, :class:`DomainSession` makes a session of these parts:

        >>> db = base.overlay()
        >>> session = ugst.DomainSession(LibraryTools(db), db, "Lend books politely.", toolbox)
        >>> session.call("lend", {"title": "Emma", "days": 7}).ok
        True
        >>> session.edits()["books"].changed
        {'Emma': {'shelf': 'A3', 'lent_for': 7}}
    """

    def __init__(self, owner: type) -> None:
        """Compile the methods of a class that are marked with :func:`tool`.

        Args:
            owner: The class. Marked methods of its base classes belong to it too; a method of the same name in a
                subclass takes the place of the base's, where it is marked itself.

        Raises:
            TypeError: If a tool has an argument without a type hint.
        """
        self._entries: dict[str, _CompiledTool] = {}
        specs = []
        for name, function in _marked(owner).items():
            entry, spec = _compile(name, function)
            self._entries[name] = entry
            specs.append(spec)
        self.specs: Sequence[ToolSpec] = tuple(specs)

    def call(self, instance: object, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Run a tool.

        Args:
            instance: An instance of the class that the toolbox was made for.
            name: The tool's name.
            arguments: Arguments by name, as parsed from the model's JSON. They are validated strictly: a string is
                no integer, and unknown names are refused.

        Returns:
            What the tool returned: text as it is, anything else as JSON. An unknown tool, wrong arguments and a
            :class:`ToolError` give a result with ``ok=False`` whose text starts with ``Error:`` and names the
            problem. Other exceptions of the tool are errors in its code and are raised.
        """
        entry = self._entries.get(name)
        if entry is None:
            return ToolResult(f"Error: there is no tool {name!r}; there are {', '.join(self._entries)}.", ok=False)
        try:
            valid = entry.validate(arguments if type(arguments) is dict else _as_dict(arguments))
        except ValidationError as error:
            return ToolResult(f"Error: {name}: {_explain(error, entry.arguments)}", ok=False)
        try:
            result = entry.function(instance, **valid)
        except ToolError as error:
            return ToolResult(f"Error: {error}", ok=False)
        return ToolResult(result if type(result) is str else _encode(result))


def _as_dict(arguments: object) -> object:
    return dict(arguments) if isinstance(arguments, Mapping) else arguments


def _marked(owner: type) -> dict[str, Callable[..., Any]]:
    return {
        name: member
        for cls in reversed(owner.__mro__)
        for name, member in vars(cls).items()
        if inspect.isfunction(member) and hasattr(member, _MARK)
    }


def _compile(name: str, function: Callable[..., Any]) -> tuple[_CompiledTool, ToolSpec]:
    description, descriptions = _docstring(function)
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    optional: set[str] = set()
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        if parameter.name not in hints:
            raise TypeError(f"the tool {name} has an argument without a type: {parameter.name}")
        hint: Any = hints[parameter.name]
        if parameter.name in descriptions:
            hint = Annotated[hint, Field(description=descriptions[parameter.name])]
        if parameter.default is not inspect.Parameter.empty:
            hint = NotRequired[hint]
            optional.add(parameter.name)
        fields[parameter.name] = hint
    shape = cast(Any, TypedDict)(name, fields)
    shape.__pydantic_config__ = ConfigDict(extra="forbid", strict=True)
    adapter: TypeAdapter[dict[str, Any]] = TypeAdapter(shape)
    schema = adapter.json_schema()
    parameters = {
        "type": "object",
        "properties": {key: _tidy(value, key in optional) for key, value in schema.get("properties", {}).items()},
        "required": schema.get("required", []),
        "additionalProperties": False,
    }
    if "$defs" in schema:
        parameters["$defs"] = {key: _tidy(value, False) for key, value in schema["$defs"].items()}
    entry = _CompiledTool(function, adapter.validator.validate_python, tuple(fields))
    return entry, ToolSpec(name=name, description=description, parameters=parameters)


def _tidy(schema: dict[str, Any], optional: bool) -> dict[str, Any]:
    """Drop the parts that cost a model tokens and carry no information.

    These are titles, defaults, and null where an argument can be left out.
    """
    schema = {key: value for key, value in schema.items() if key not in ("title", "default")}
    if optional and "anyOf" in schema:
        choices = [choice for choice in schema["anyOf"] if choice != {"type": "null"}]
        if len(choices) == 1:
            rest = {key: value for key, value in schema.items() if key != "anyOf"}
            return {**choices[0], **rest}
    if "properties" in schema:
        schema["properties"] = {key: _tidy(value, False) for key, value in schema["properties"].items()}
    return schema


_ARGUMENT = re.compile(r"^(\w+)(?:\s*\([^)]*\))?:\s*(.*)$")


def _docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """Split a Google-style docstring into the tool's description and the descriptions of its arguments."""
    text, _, rest = (inspect.getdoc(function) or "").partition("\nArgs:\n")
    descriptions: dict[str, str] = {}
    current = None
    for line in rest.splitlines():
        if line and not line.startswith(" "):
            break  # the next section, such as Returns
        match = _ARGUMENT.match(line[4:]) if line[4:5] != " " else None
        if match:
            current = match[1]
            descriptions[current] = match[2]
        elif current and line.strip():
            descriptions[current] += " " + line.strip()
    text = re.split(r"\n(?:Returns|Raises):\n", text)[0]
    return " ".join(text.split()), descriptions


def _explain(error: ValidationError, arguments: Sequence[str]) -> str:
    """Describe in one line what is wrong with the arguments."""
    parts = []
    for problem in error.errors(include_url=False, include_context=False):
        where = ".".join(str(part) for part in problem["loc"])
        if not where:
            parts.append("the arguments are no JSON object")
        elif problem["type"] == "missing":
            parts.append(f"{where} is missing")
        elif problem["type"] == "extra_forbidden":
            parts.append(f"there is no argument {where!r} (there are: {', '.join(arguments) or 'none'})")
        else:
            what = problem["msg"][:1].lower() + problem["msg"][1:]
            parts.append(f"{where}: {what}, not {str(problem['input'])[:80]!r}")
    return "; ".join(parts) + "."
