"""Loader of the airline or the retail domain, in both editions, once per process and folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pytest_ugst.core.protocols import DataLocator
from pytest_ugst.domains.overlay import BaseTables
from pytest_ugst.domains.tau.files import Edition, Layout, Tables, dataset_folder, read
from pytest_ugst.domains.tau.session import TauDomain
from pytest_ugst.domains.tau.tools import TauTools


class TauDomainLoader:
    """Loader of one of upstream's domains, which keeps what it has read."""

    def __init__(self, name: str, layout: Layout, index: Callable[[Tables], Mapping[str, Any]]) -> None:
        """Make a loader; nothing is read yet.

        Args:
            name: Upstream's name of the domain: ``airline`` or ``retail``.
            layout: The fields that its tables must have.
            index: A function from the tables to the indexes that all sessions share, as keyword arguments of the tools.
        """
        self._name, self._layout, self._index = name, layout, index
        self._loaded: dict[tuple[Path, Edition], TauDomain] = {}

    def load(self, edition: Edition, owner: type[TauTools], data_dirs: DataLocator) -> TauDomain:
        """Return the domain of one edition, over the data that is in use.

        Args:
            edition: The edition.
            owner: The class of its tools.
            data_dirs: Where data sets are found.

        Raises:
            DataMissingError: If the data is not on this machine.
            UsageError: If a file is missing, truncated or of another layout.
        """
        folder = dataset_folder(edition, data_dirs)
        if (folder, edition) not in self._loaded:
            self._loaded[folder, edition] = self.read(folder, edition, owner)
        return self._loaded[folder, edition]

    def read(self, folder: Path, edition: Edition, owner: type[TauTools]) -> TauDomain:
        """Read the domain from a data set's folder, even if it was read before.

        Args:
            folder: The data set's folder.
            edition: The edition.
            owner: The class of its tools.

        Raises:
            UsageError: If a file is missing, truncated or of another layout.
        """
        files = read(folder, self._name, edition, self._layout)
        name = self._name if edition == "v1" else f"{self._name}-{edition}"
        make = partial(owner, **self._index(files.tables))
        return TauDomain(name, self._name, BaseTables(files.tables), files.policy, owner, make)
