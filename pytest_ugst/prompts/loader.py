"""The loader of prompts: the shipped files, or a user's own in their place.

A prompt file is UTF-8 text. Its first line is ``<!-- version: NAME -->``; the rest is the prompt, with placeholders as
in :class:`string.Template` (``$goal``; ``$$`` for a dollar sign). Values that are filled in are never searched for
placeholders, so goals and model output may hold dollar signs and braces.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from string import Template

from pytest_ugst.core.errors import UsageError, unknown

MAX_BYTES = 64 * 1024
"""The greatest size of a prompt file."""

_VERSION = re.compile(r"\A\ufeff?<!--\s*version:\s*([A-Za-z0-9_.-]{1,40})\s*-->[ \t]*\r?\n")


@dataclass(frozen=True, slots=True)
class _Placeholders:
    """The placeholders of a prompt file."""

    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    for_reports: bool = False
    """True for a prompt of reports on played episodes. Those have no part in a run's prompt version: to edit one must
    not make a run look like another."""


def _placeholders(required: str = "", optional: str = "", for_reports: bool = False) -> _Placeholders:
    return _Placeholders(frozenset(required.split()), frozenset(optional.split()), for_reports)


PROMPTS: Mapping[str, _Placeholders] = {
    "simulator_system.md": _placeholders("goal", "max_turns max_messages"),
    "simulator_reasoning.md": _placeholders(optional="max_turns max_messages"),
    "simulator_greeting.md": _placeholders(),
    "simulator_steer_goal.md": _placeholders("goal", "turn turns_left max_turns"),
    "simulator_steer_state.md": _placeholders("state", "turn turns_left max_turns"),
    "simulator_again.md": _placeholders(),
    "agent_system.md": _placeholders("policy"),
    "agent_tools.md": _placeholders(),
    "agent_last_round.md": _placeholders(),
    "agent_again.md": _placeholders(),
    "judge_rules.md": _placeholders(),
    "judge_profile.md": _placeholders("component turn"),
    "judge_policy.md": _placeholders("component turn"),
    "judge_objective.md": _placeholders("component turn"),
    "judge_requirement.md": _placeholders("component turn parent"),
    "judge_preference.md": _placeholders("component turn parent"),
    "decomposer_rules.md": _placeholders(),
    "decomposer_goal.md": _placeholders("goal"),
    "decomposer_again.md": _placeholders(),
    "failure_patterns.md": _placeholders("goal chat end parts", for_reports=True),
    "quality_naturalness.md": _placeholders("goal chat", for_reports=True),
    "quality_coherence.md": _placeholders("goal chat", for_reports=True),
}
"""The prompt files by name, with the placeholders that each must and may hold."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of a run."""

    texts: Mapping[str, str]
    """The prompts by file name, without the version line."""
    version: str
    """The files' version names, and a digest of all prompts that a run may use: two runs with equal versions used
    equal prompts."""

    @classmethod
    def load(cls, override: Path | None = None) -> Prompts:
        """Read the shipped prompts, and those in a folder in place of the ones with the same names.

        Args:
            override: A folder of prompt files; files whose name starts with a dot are ignored.

        Raises:
            UsageError: If the folder or a file in it can't be read or used; the message names the file.
        """
        shipped = _shipped()
        if override is None:
            return shipped[0]
        texts, versions = dict(shipped[0].texts), dict(shipped[1])
        for name, (text, version) in _read_folder(override).items():
            texts[name], versions[name] = text, version
        return cls(texts, _version(texts, versions))

    def fill(self, name: str, **values: object) -> str:
        """Return a prompt with its placeholders filled in.

        Args:
            name: The file's name without its suffix.
            **values: The values by placeholder; one that the prompt does not use is ignored.
        """
        return Template(self.texts[f"{name}.md"]).substitute(values)

    def digest(self, *names: str) -> str:
        """Return a digest of some prompts, for those that have no part in :attr:`version`.

        Args:
            *names: The files' names without their suffix.
        """
        return _digest(self.texts, sorted(f"{name}.md" for name in names))


@cache
def _shipped() -> tuple[Prompts, Mapping[str, str]]:
    folder = resources.files("pytest_ugst.prompts")
    texts, versions = {}, {}
    for name in PROMPTS:
        texts[name], versions[name] = parse(name, folder.joinpath(name).read_bytes(), f"shipped prompt {name}")
    return Prompts(texts, _version(texts, versions)), versions


def _read_folder(folder: Path) -> dict[str, tuple[str, str]]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"--ugst-prompts: can't read the folder {folder}: {error.strerror or error}") from None
    found = {}
    for path in entries:
        if path.name.startswith("."):
            continue
        if path.name not in PROMPTS:
            raise UsageError(f"--ugst-prompts: {path}: {unknown('prompt', path.name, PROMPTS)}")
        try:
            with path.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise UsageError(f"--ugst-prompts: can't read {path}: {error.strerror or error}") from None
        found[path.name] = parse(path.name, data, f"--ugst-prompts: {path}")
    return found


def parse(name: str, data: bytes, where: str) -> tuple[str, str]:
    """Read one prompt file.

    Args:
        name: The prompt's file name, a key of :data:`PROMPTS`.
        data: The file's bytes.
        where: The file's description in messages.

    Returns:
        The prompt's text and the name of its version.

    Raises:
        UsageError: If it is too large, not UTF-8, has no version line, no text, or the wrong placeholders.
    """
    if len(data) > MAX_BYTES:
        raise UsageError(f"{where}: larger than {MAX_BYTES // 1024} KiB")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{where}: not UTF-8 (byte {error.start})") from None
    header = _VERSION.match(text)
    if header is None:
        raise UsageError(f"{where}: the first line has to be <!-- version: NAME -->")
    text = text[header.end() :].replace("\r\n", "\n").strip()
    if not text:
        raise UsageError(f"{where}: there is no text below the version line")
    template = Template(text)
    if not template.is_valid():
        raise UsageError(f"{where}: a lone $; write $$ for a dollar sign")
    allowed, used = PROMPTS[name], set(template.get_identifiers())
    known = allowed.required | allowed.optional
    for placeholder in sorted(used - known):
        raise UsageError(f"{where}: {unknown('placeholder', placeholder, known)} (write $$ for a dollar sign)")
    for placeholder in sorted(allowed.required - used):
        raise UsageError(f"{where}: the placeholder ${placeholder} is missing")
    return text, header.group(1)


def _version(texts: Mapping[str, str], versions: Mapping[str, str]) -> str:
    counted = [name for name in sorted(texts) if not PROMPTS[name].for_reports]
    return f"{'+'.join(sorted({versions[name] for name in counted}))}-{_digest(texts, counted)}"


def _digest(texts: Mapping[str, str], names: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for name in names:
        digest.update(f"{name}\0{texts[name]}\0".encode())
    return digest.hexdigest()[:10]
