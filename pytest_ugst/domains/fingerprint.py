"""Fingerprints of the data that a domain works with: runs over different data can't be compared."""

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
"""By domain, the name of its data set (empty for data shipped beside this file) and the files that are read of it.

The patterns of shipped data are relative to the folder of this file.
"""


def fingerprints(domains: Iterable[str], data_dirs: DataLocator = USUAL_PLACES) -> dict[str, str]:
    """Return a digest of the files of each domain, by domain.

    Baselines and journals hold these digests, so what goes into them has to stay as it is.

    Args:
        domains: Names of domains. Those that are not built in, or whose files can't be read, are left out.
        data_dirs: Where data sets are found.
    """
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
    digest = hashlib.sha256()
    for pattern in patterns:
        for file in sorted(root.glob(pattern)):
            digest.update(f"{file.name}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]
