"""Options of a training: a preset's, overridden on the command line.

The options are a pydantic model with a description for each field. A preset is a YAML mapping of some of them: the name
of a shipped one, or a file. Every field has a flag of its own; what is given there wins.
"""

from __future__ import annotations

import argparse
import types
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from pytest_ugst.core.base import Frozen
from pytest_ugst.core.errors import UsageError, unknown

OptionsT = TypeVar("OptionsT", bound=Frozen)

_PREFIX = "option_"


def shipped_presets(kind: str) -> list[str]:
    """Return the names of the presets of one kind of training, such as ``grpo``."""
    folder = resources.files(__package__) / "presets"
    return sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(f"-{kind}.yaml"))


def add_option_flags(parser: argparse.ArgumentParser, options: type[Frozen], kind: str) -> None:
    """Add ``--preset`` and a flag for every field.

    Args:
        parser: The command's parser.
        options: The model of the options.
        kind: The kind of training; its presets are called ``*-KIND``.
    """
    parser.add_argument(
        "--preset", metavar="NAME|FILE", help=f"a YAML file of options, or one of: {', '.join(shipped_presets(kind))}"
    )
    group = parser.add_argument_group("options (each may stand in a preset, with _ for -)")
    for name, field in options.model_fields.items():
        default = field.get_default(call_default_factory=True)
        shown = "" if default in (None, {}, "") else f" ({default})"
        text = f"{field.description or ''}{shown}".replace("%", "%%")
        group.add_argument(f"--{name.replace('_', '-')}", dest=f"{_PREFIX}{name}", help=text, **_argument(field))
    parser.set_defaults(preset_kind=kind)


def read_options(options: type[OptionsT], args: argparse.Namespace) -> OptionsT:
    """Read the options from preset and command line.

    Raises:
        UsageError: Naming the file or flag and what is wrong with it.
    """
    values = read_preset(args.preset, args.preset_kind) if args.preset else {}
    where = dict.fromkeys(values, str(args.preset))
    for name in options.model_fields:
        given = getattr(args, f"{_PREFIX}{name}", None)
        if given is None:
            continue
        if isinstance(given, list):
            given = {**values.get(name, {}), **_pairs(name, given)}
        values[name] = given
        where[name] = f"--{name.replace('_', '-')}"
    return check_options(options, values, where, str(args.preset or "the command line"))


def check_options(
    options: type[OptionsT], values: Mapping[str, Any], where: Mapping[str, str], source: str
) -> OptionsT:
    """Validate the values of options.

    Args:
        options: The model of the options.
        values: The values by name.
        where: By name the file or flag that a value comes from.
        source: The place to name where ``where`` has none.

    Raises:
        UsageError: Naming the source, the option and what is wrong with it.
    """
    for name in values:
        if name not in options.model_fields:
            raise UsageError(f"{where.get(name, source)}: {unknown('option', str(name), options.model_fields)}")
    try:
        return options.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        path = ".".join(map(str, first["loc"]))
        fault = first["msg"][:1].lower() + first["msg"][1:]
        raise UsageError(f"{where.get(name, source)}: {path}: {fault}; got {str(first['input'])[:80]!r}") from None


def read_preset(preset: str, kind: str) -> dict[str, Any]:
    """Read a preset's options, unchecked.

    Raises:
        UsageError: If there is none of that name, or the file is no YAML mapping.
    """
    path = Path(preset)
    try:
        if path.suffix in (".yaml", ".yml") or path.is_file():
            text = path.read_text(encoding="utf-8")
        elif preset in (names := shipped_presets(kind)):
            text = (resources.files(__package__) / "presets" / f"{preset}.yaml").read_text(encoding="utf-8")
        else:
            raise UsageError(f"--preset: {unknown('preset', preset, names)} (a YAML file can be named as well)")
        held = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--preset {preset} can't be read: {error}") from None
    except yaml.YAMLError as error:
        raise UsageError(f"--preset {preset} is no YAML: {' '.join(str(error).split())}") from None
    if held is None:
        return {}
    if not isinstance(held, dict):
        raise UsageError(f"--preset {preset}: write a mapping of options, such as 'learning_rate: 1.0e-6'")
    return held


def _argument(field: FieldInfo) -> dict[str, Any]:
    """Return the arguments with which argparse reads a field's flag."""
    kind = field.annotation
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(part for part in get_args(kind) if part is not type(None))
    if kind is bool:
        return {"action": argparse.BooleanOptionalAction, "default": None}
    if get_origin(kind) is Literal:
        return {"choices": get_args(kind)}
    if get_origin(kind) is dict:
        return {"action": "append", "metavar": "KEY=VALUE"}
    metavar = {int: "N", float: "X"}.get(kind, "TEXT") if isinstance(kind, type) else "TEXT"
    return {"metavar": metavar}


def _pairs(name: str, given: list[str]) -> dict[str, Any]:
    """Read ``KEY=VALUE`` arguments; the values are YAML, so that numbers are numbers."""
    pairs = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"--{name.replace('_', '-')} {text}: write KEY=VALUE")
        try:
            pairs[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UsageError(f"--{name.replace('_', '-')} {text}: the value is no YAML") from None
    return pairs
