"""Resolution of model names: aliases of the project's configuration, hosted names, addresses, files, hub names."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from pytest_ugst.core.errors import UsageError, unknown
from pytest_ugst.llm.model_spec import ModelSpec
from pytest_ugst.llm.packaged import PACKAGED, packaged_spec

_HOSTED = re.compile(r"(?:gpt|chatgpt)-[\w.:-]+|o[134](?:-[\w.:-]+)?|ft:[\w.:-]+")
_HOSTED_URL = "https://api.openai.com/v1"
_HOSTED_KEY = "OPENAI_API_KEY"
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_RESERVED = ("model", "messages", "tools", "stream", "n", "response_format", "logprobs", "top_logprobs")
_NOT_IN_FILES = ("name", "api_key")
_EXAMPLE = 'model = "..." and base_url = "http://HOST:PORT/v1"'


def resolve(
    name: str,
    tables: Mapping[str, Any],
    source: Path | None = None,
    root: Path | None = None,
    builtin: Mapping[str, str] | None = None,
) -> ModelSpec:
    """Find the model of a name.

    A name is, in this order: an alias; a model that comes as a package (``smollm2``); an address
    (``http://HOST/v1#MODEL``); a GGUF file or a checkpoint folder; the name of a model of OpenAI's (at
    ``OPENAI_BASE_URL`` if that is set); a hub name, ``owner/name``.

    Args:
        name: The name, as given to ``--ugst-sim``, ``--ugst-agent`` or ``--ugst-judge``.
        tables: The tables ``[tool.ugst.models.*]``.
        source: The file they come from.
        root: The folder that relative paths in ``name`` may start from, after the current one.
        builtin: Names that play a role and are no models, each with its role; an error message suggests them if one
            was mistyped or named for another role.

    Returns:
        The model; without a ``base_url`` where a server has to be started for it.

    Raises:
        UsageError: If there is no model of this name; the message names the nearest alias and the remedy.
    """
    if name in tables:
        return _from_table(name, tables[name], source)
    if name in PACKAGED:
        return packaged_spec(name)
    if name.startswith(("http://", "https://")):
        return _from_url(name)
    found = _find_weights(name, [Path.cwd(), *([root] if root is not None else [])])
    if found is not None:
        return ModelSpec(name=name, model=str(found))
    if _looks_like_path(name):
        raise UsageError(f"model {name!r}: there is no such file or folder; name a checkpoint folder or a *.gguf file")
    if _HOSTED.fullmatch(name):
        return ModelSpec(name=name, model=name, **_hosted())
    if _HUB_NAME.fullmatch(name):
        return ModelSpec(name=name, model=name)
    others = builtin or {}
    if (role := others.get(name.partition(":")[0])) is not None:
        raise UsageError(f"{name!r} plays another role ({role}) and is no model; name one that fits, or a model")
    hint = unknown("model", name, [*tables, *PACKAGED, *others], others)
    raise UsageError(
        f"{hint}; add [tool.ugst.models.{_toml_key(name)}] with {_EXAMPLE} to "
        f"{source or 'pyproject.toml'}, or name a URL, a checkpoint folder or a *.gguf file"
    )


def _hosted() -> dict[str, Any]:
    return {"base_url": _base_url(os.environ.get("OPENAI_BASE_URL") or _HOSTED_URL), "api_key_env": _HOSTED_KEY}


def _from_table(name: str, table: Any, source: Path | None) -> ModelSpec:
    where = f"{source or 'pyproject.toml'}: [tool.ugst.models.{_toml_key(name)}]"
    if not isinstance(table, Mapping):
        raise UsageError(f"{where}: this has to be a table with {_EXAMPLE}")
    folder = source.parent if source is not None else Path.cwd()
    fields = dict(table)
    try:
        _refuse_reserved_fields(fields)
        fields = _with_location(fields, folder)
        fields = _with_template_path(fields, folder)
        fields = _with_base_url(fields)
        return _check_azure(_validate(name, fields))
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def _refuse_reserved_fields(fields: Mapping[str, Any]) -> None:
    """Raise UsageError for a field that is not allowed in a configuration file."""
    for field in _NOT_IN_FILES:
        if field in fields:
            hint = "set api_key_env to the name of an environment variable" if field == "api_key" else "remove it"
            raise UsageError(f"{field}: not allowed here; {hint}")


def _with_location(fields: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Complete the fields of a model without a base URL.

    Its name is that of a file or checkpoint, of a model of OpenAI's, or of one on the hub.

    Raises:
        UsageError: If the name is none of these.
    """
    model = fields.get("model")
    if not isinstance(model, str) or "base_url" in fields:
        return fields
    found = _find_weights(model, [folder])
    if found is not None:
        return {**fields, "model": str(found)}
    if _HOSTED.fullmatch(model) and fields.get("provider", "openai") == "openai":
        return {**_hosted(), **fields}
    if _looks_like_path(model):
        raise UsageError(f"model: there is no {model!r} in {folder}; correct the path")
    if fields.get("provider") == "azure":
        raise UsageError('base_url: missing; set base_url = "https://NAME.openai.azure.com"')
    if not _HUB_NAME.fullmatch(model):
        raise UsageError(f"base_url: missing, and {model!r} is no file to serve; set {_EXAMPLE}")
    return fields


def _with_template_path(fields: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Make the path of the chat template start at the folder of the configuration file."""
    serve = fields.get("serve")
    if not isinstance(serve, Mapping) or not isinstance(template := serve.get("chat_template"), str):
        return fields
    return {**fields, "serve": {**serve, "chat_template": folder / Path(template).expanduser()}}


def _with_base_url(fields: dict[str, Any]) -> dict[str, Any]:
    """Bring the base URL into the form of :func:`_base_url`."""
    if not isinstance(url := fields.get("base_url"), str):
        return fields
    try:
        return {**fields, "base_url": _base_url(url)}
    except UsageError as error:
        raise UsageError(f"base_url: {error}") from None


def _validate(name: str, fields: Mapping[str, Any]) -> ModelSpec:
    """Make the spec; raise UsageError for the first field that is wrong."""
    if isinstance(sampling := fields.get("sampling"), Mapping):
        for field in _RESERVED:
            if field in sampling:
                raise UsageError(f"sampling.{field}: this is not for sampling to set; remove it")
    try:
        return ModelSpec.model_validate({"name": name, **fields})
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(p) for p in problem["loc"])
        raise UsageError(f"{field}: {_remedy(problem['type'], field, problem['msg'])}") from None


def _check_azure(spec: ModelSpec) -> ModelSpec:
    """Check that a model on Azure has an API version, and set the default variable of its key."""
    if spec.provider != "azure":
        return spec
    if not spec.api_version:
        raise UsageError('api_version: missing; set the version of Azure\'s API, like "2024-10-21"')
    return spec if spec.api_key_env is not None else spec.model_copy(update={"api_key_env": "AZURE_OPENAI_API_KEY"})


def _remedy(kind: str, field: str, message: str) -> str:
    if kind == "missing":
        return f"missing; set {field}"
    if kind == "extra_forbidden":
        known = sorted(set(ModelSpec.model_fields) - set(_NOT_IN_FILES)) if "." not in field else []
        return unknown("field", field, known) if known else "unknown field; remove it"
    return message[:1].lower() + message[1:]


def _from_url(name: str) -> ModelSpec:
    address, _, model = name.partition("#")
    try:
        return ModelSpec(name=name, model=model or "default", base_url=_base_url(address))
    except UsageError as error:
        raise UsageError(f"model address: {error}") from None


def _base_url(url: str) -> str:
    """Return an address without ``/chat/completions``, up to the part that it is added to.

    Raises:
        UsageError: If it is not the address of a server.
    """
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"not an address ({error}); write it like http://HOST:PORT/v1") from None
    if parts.username or parts.password:
        raise UsageError("an address with a password gets printed; set api_key_env in [tool.ugst.models.NAME] instead")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{url!r} is not an http address; write it like http://HOST:PORT/v1")
    if parts.query or parts.fragment:
        raise UsageError(f"an address takes no query and no fragment here; write it like http://{parts.netloc}/v1")
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    azure = parts.hostname.endswith(".azure.com") or parts.hostname.endswith(".microsoft.com")
    is_complete = "/chat/completions" in parts.path
    return f"{parts.scheme}://{parts.netloc}{path or ('' if azure or is_complete else '/v1')}"


def _find_weights(name: str, folders: list[Path]) -> Path | None:
    """Return the checkpoint folder or GGUF file of a name, or None."""
    for folder in folders:
        path = folder / Path(name).expanduser()
        try:
            if path.is_file() and path.suffix.lower() == ".gguf":
                return path.resolve()
            if path.is_dir() and any((path / f).is_file() for f in ("config.json", "adapter_config.json")):
                return path.resolve()
            # A folder without these files is taken only if it was written as a path: the name may be a mistyped alias.
            if path.is_dir() and (name.startswith((".", "/", "~")) or name.endswith("/")):
                return path.resolve()
        except OSError:
            continue
    return None


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or name.lower().endswith(".gguf") or name.count("/") > 1


def _toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'
