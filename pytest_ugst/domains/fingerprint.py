"""What data a domain works with, in short: two runs over other data played other games."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from pytest_ugst.config.data_dirs import USUAL_PLACES
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.protocols import DataLocator

_FILES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "airline": ("tau-bench", ("tau_bench/envs/airline/wiki.md", "tau_bench/envs/airline/data/*.json")),
    "retail": ("tau-bench", ("tau_bench/envs/retail/wiki.md", "tau_bench/envs/retail/data/*.json")),
    "airline-tau2": ("tau2-bench", ("data/tau2/domains/airline/policy.md", "data/tau2/domains/airline/db.json")),
    "retail-tau2": ("tau2-bench", ("data/tau2/domains/retail/policy.md", "data/tau2/domains/retail/db.json")),
    "multiwoz": ("multiwoz", ("db/*.json",)),
    "concierge": ("", ("concierge/policy.md", "concierge/data/*.json")),
}
"""By domain, the data set it is in (ours, if none is named) and what is read of it."""


def fingerprints(domains: Iterable[str], data_dirs: DataLocator = USUAL_PLACES) -> dict[str, str]:
    """Digests of the domains' files; a domain that is not of ours, or whose files can't be read, is left out."""
    found = {}
    for name in sorted(set(domains)):
        if name in _FILES:
            try:
                found[name] = _digest(*_FILES[name], data_dirs)
            except (OSError, UsageError):
                continue
    return found


def _digest(dataset: str, patterns: Iterable[str], data_dirs: DataLocator) -> str:
    root = data_dirs.locate(dataset) if dataset else Path(__file__).parent
    made = hashlib.sha256()
    for pattern in patterns:
        for file in sorted(root.glob(pattern)):
            made.update(f"{file.name}\0".encode())
            made.update(hashlib.sha256(file.read_bytes()).digest())
    return made.hexdigest()[:16]
