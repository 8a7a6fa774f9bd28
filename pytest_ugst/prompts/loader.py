"""Loading prompts: the shipped files, or a user's own in their place.

A prompt file is UTF-8 text. Its first line is ``<!-- version: NAME -->``; the rest is the prompt, with placeholders as
in :class:`string.Template` (``$goal``; ``$$`` for a dollar sign). What is filled in is never searched for placeholders
again, so goals and model output may hold dollar signs and braces.
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
"""How large a prompt file may be."""

_VERSION = re.compile(r"\A\ufeff?<!--\s*version:\s*([A-Za-z0-9_.-]{1,40})\s*-->[ \t]*\r?\n")


@dataclass(frozen=True, slots=True)
class _Slots:
    needs: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    afterwards: bool = False
    """Whether the prompt is for reports on played episodes. Those have no part in a run's prompt version: to edit one
    must not make a run look like another."""


def _slots(needs: str = "", may: str = "", afterwards: bool = False) -> _Slots:
    return _Slots(frozenset(needs.split()), frozenset(may.split()), afterwards)


PROMPTS: Mapping[str, _Slots] = {
    "simulator_system.md": _slots("goal", "max_turns max_messages"),
    "simulator_reasoning.md": _slots(may="max_turns max_messages"),
    "simulator_greeting.md": _slots(),
    "simulator_steer_goal.md": _slots("goal", "turn turns_left max_turns"),
    "simulator_steer_state.md": _slots("state", "turn turns_left max_turns"),
    "simulator_again.md": _slots(),
    "agent_system.md": _slots("policy"),
    "agent_tools.md": _slots(),
    "agent_last_round.md": _slots(),
    "agent_again.md": _slots(),
    "judge_rules.md": _slots(),
    "judge_profile.md": _slots("component turn"),
    "judge_policy.md": _slots("component turn"),
    "judge_objective.md": _slots("component turn"),
    "judge_requirement.md": _slots("component turn parent"),
    "judge_preference.md": _slots("component turn parent"),
    "decomposer_rules.md": _slots(),
    "decomposer_goal.md": _slots("goal"),
    "decomposer_again.md": _slots(),
    "failure_patterns.md": _slots("goal chat end parts", afterwards=True),
    "quality_naturalness.md": _slots("goal chat", afterwards=True),
    "quality_coherence.md": _slots("goal chat", afterwards=True),
}
"""The prompt files by name, with the placeholders each must and may hold."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of a run."""

    texts: Mapping[str, str]
    """By file name, without the version line."""
    version: str
    """The files' version names, and a digest over the texts of all that a run may use: two runs with equal versions
    used equal prompts."""

    @classmethod
    def load(cls, override: Path | None = None) -> Prompts:
        """Read the shipped prompts, with those in a folder taking the place of the ones of the same name.

        Args:
            override: A folder of prompt files; files whose name starts with a dot are left alone.

        Raises:
            UsageError: If the folder or a file in it is no good; the message names the file.
        """
        shipped = _shipped()
        if override is None:
            return shipped[0]
        texts, versions = dict(shipped[0].texts), dict(shipped[1])
        for name, (text, version) in _read_folder(override).items():
            texts[name], versions[name] = text, version
        return cls(texts, _version(texts, versions))

    def fill(self, name: str, **values: object) -> str:
        """A prompt with its placeholders filled in.

        Args:
            name: The file's name without its suffix.
            **values: By placeholder; one that the prompt does not use is left out.
        """
        return Template(self.texts[f"{name}.md"]).substitute(values)

    def digest(self, *names: str) -> str:
        """A digest of the texts of some prompts, for those that have no part in :attr:`version`."""
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
        name: Which prompt it is.
        data: The file's bytes.
        where: What to call the file in messages.

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
    slots, used = PROMPTS[name], set(template.get_identifiers())
    known = slots.needs | slots.may
    for slot in sorted(used - known):
        raise UsageError(f"{where}: {unknown('placeholder', slot, known)} (write $$ for a dollar sign)")
    for slot in sorted(slots.needs - used):
        raise UsageError(f"{where}: the placeholder ${slot} is missing")
    return text, header.group(1)


def _version(texts: Mapping[str, str], versions: Mapping[str, str]) -> str:
    played = [name for name in sorted(texts) if not PROMPTS[name].afterwards]
    return f"{'+'.join(sorted({versions[name] for name in played}))}-{_digest(texts, played)}"


def _digest(texts: Mapping[str, str], names: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for name in names:
        digest.update(f"{name}\0{texts[name]}\0".encode())
    return digest.hexdigest()[:10]
