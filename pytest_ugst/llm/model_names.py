"""From names to models: aliases of the project's configuration, hosted names, addresses, files and hub names."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from pytest_ugst.core.errors import UsageError, unknown
from pytest_ugst.llm.api_keys import require_key
from pytest_ugst.llm.model_spec import ModelSpec
from pytest_ugst.llm.packaged import PACKAGED, packaged_spec
from pytest_ugst.llm.preflight import probe, probe_tools

__all__ = ["load_models", "probe", "probe_tools", "require_key", "resolve"]

_HOSTED = re.compile(r"(?:gpt|chatgpt)-[\w.:-]+|o[134](?:-[\w.:-]+)?|ft:[\w.:-]+")
_HOSTED_URL = "https://api.openai.com/v1"
_HOSTED_KEY = "OPENAI_API_KEY"
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_RESERVED = ("model", "messages", "tools", "stream", "n", "response_format", "logprobs", "top_logprobs")
_NOT_IN_FILES = ("name", "api_key")
_EXAMPLE = 'model = "..." and base_url = "http://HOST:PORT/v1"'


def load_models(tables: Mapping[str, Any], source: Path | None = None) -> dict[str, ModelSpec]:
    """Check all tables ``[tool.ugst.models.NAME]`` of a configuration file.

    Args:
        tables: By alias, as parsed from TOML.
        source: The file they come from: named in errors, and its folder is where relative paths start.

    Raises:
        UsageError: Naming file, table, field and remedy.
    """
    return {name: _from_table(name, table, source) for name, table in tables.items()}


def resolve(
    name: str,
    tables: Mapping[str, Any],
    source: Path | None = None,
    root: Path | None = None,
    builtin: Mapping[str, str] | None = None,
) -> ModelSpec:
    """Find the model a name stands for.

    In this order: an alias; a model that comes as a package (``smollm2``); an address (``http://HOST/v1#MODEL``); a
    GGUF file or a checkpoint folder; a name of OpenAI's (at ``OPENAI_BASE_URL`` if that is set); a hub name,
    ``owner/name``.

    Args:
        name: What was given as ``--ugst-sim`` or the like.
        tables: The tables ``[tool.ugst.models.*]``.
        source: The file they come from.
        root: The folder that relative paths in ``name`` may start from, after the current one.
        builtin: Names of what plays a role and is no model, each with the role, to be told to whoever mistyped one or
            gave it another role.

    Returns:
        The model; without a ``base_url`` where a server has to be started for it.

    Raises:
        UsageError: If nothing of that name is known; with the nearest alias and the remedy.
    """
    if name in tables:
        return _from_table(name, tables[name], source)
    if name in PACKAGED:
        return packaged_spec(name)
    if name.startswith(("http://", "https://")):
        return _from_url(name)
    found = _existing(name, [Path.cwd(), *([root] if root is not None else [])])
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
    fields = dict(table)
    for field in _NOT_IN_FILES:
        if field in fields:
            hint = "set api_key_env to the name of an environment variable" if field == "api_key" else "remove it"
            raise UsageError(f"{where}: {field}: not allowed here; {hint}")
    model = fields.get("model")
    folder = source.parent if source is not None else Path.cwd()
    if isinstance(model, str) and "base_url" not in fields:
        found = _existing(model, [folder])
        if found is not None:
            fields["model"] = str(found)
        elif _HOSTED.fullmatch(model) and fields.get("provider", "openai") == "openai":
            fields = {**_hosted(), **fields}
        elif _looks_like_path(model):
            raise UsageError(f"{where}: model: there is no {model!r} in {folder}; correct the path")
        elif fields.get("provider") == "azure":
            raise UsageError(f'{where}: base_url: missing; set base_url = "https://NAME.openai.azure.com"')
        elif not _HUB_NAME.fullmatch(model):
            raise UsageError(f"{where}: base_url: missing, and {model!r} is no file to serve; set {_EXAMPLE}")
    serve = fields.get("serve")
    if isinstance(serve, Mapping) and isinstance(template := serve.get("chat_template"), str):
        fields["serve"] = {**serve, "chat_template": folder / Path(template).expanduser()}
    if isinstance(fields.get("base_url"), str):
        try:
            fields["base_url"] = _base_url(fields["base_url"])
        except UsageError as error:
            raise UsageError(f"{where}: base_url: {error}") from None
    if isinstance(sampling := fields.get("sampling"), Mapping):
        for field in _RESERVED:
            if field in sampling:
                raise UsageError(f"{where}: sampling.{field}: this is not for sampling to set; remove it")
    try:
        spec = ModelSpec.model_validate({"name": name, **fields})
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(p) for p in problem["loc"])
        raise UsageError(f"{where}: {field}: {_remedy(problem['type'], field, problem['msg'])}") from None
    if spec.provider == "azure" and not spec.api_version:
        raise UsageError(f'{where}: api_version: missing; set the version of Azure\'s API, like "2024-10-21"')
    if spec.provider == "azure" and spec.api_key_env is None:
        spec = spec.model_copy(update={"api_key_env": "AZURE_OPENAI_API_KEY"})
    return spec


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
    """An address up to the part that ``/chat/completions`` is added to."""
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
    given = "/chat/completions" in parts.path
    return f"{parts.scheme}://{parts.netloc}{path or ('' if azure or given else '/v1')}"


def _existing(name: str, folders: list[Path]) -> Path | None:
    """The checkpoint folder or GGUF file of that name."""
    for folder in folders:
        path = folder / Path(name).expanduser()
        try:
            if path.is_file() and path.suffix.lower() == ".gguf":
                return path.resolve()
            if path.is_dir() and any((path / f).is_file() for f in ("config.json", "adapter_config.json")):
                return path.resolve()
            # A folder named like an alias that does not exist is no checkpoint; one that is meant as a path is.
            if path.is_dir() and (name.startswith((".", "/", "~")) or name.endswith("/")):
                return path.resolve()
        except OSError:
            continue
    return None


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or name.lower().endswith(".gguf") or name.count("/") > 1


def _toml_key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'
