"""One kind of domain in both editions, read once per process and folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pytest_ugst.core.protocols import DataLocator
from pytest_ugst.domains.overlay import BaseTables
from pytest_ugst.domains.tau.files import Edition, Shape, Tables, read, root
from pytest_ugst.domains.tau.session import TauDomain
from pytest_ugst.domains.tau.tools import TauTools


class TauDomainLoader:
    """The airline, or the shop."""

    def __init__(self, name: str, shape: Shape, index: Callable[[Tables], Mapping[str, Any]]) -> None:
        """Nothing is read yet.

        Args:
            name: What upstream calls it.
            shape: What its tables must look like.
            index: Makes what all sessions share beside the tables: keyword arguments of the tools.
        """
        self._name, self._shape, self._index = name, shape, index
        self._loaded: dict[tuple[Path, Edition], TauDomain] = {}

    def load(self, edition: Edition, owner: type[TauTools], data_dirs: DataLocator) -> TauDomain:
        """The domain of one edition, over the data that is in use.

        Raises:
            DataMissingError: If the data is not on this machine.
            UsageError: If it is not what it should be.
        """
        folder = root(edition, data_dirs)
        if (folder, edition) not in self._loaded:
            self._loaded[folder, edition] = self.read(folder, edition, owner)
        return self._loaded[folder, edition]

    def read(self, folder: Path, edition: Edition, owner: type[TauTools]) -> TauDomain:
        """The domain, read afresh from a data set's folder.

        Raises:
            UsageError: If it is not what it should be.
        """
        files = read(folder, self._name, edition, self._shape)
        name = self._name if edition == "v1" else f"{self._name}-{edition}"
        make = partial(owner, **self._index(files.tables))
        return TauDomain(name, self._name, BaseTables(files.tables), files.policy, owner, make)
