"""The domain ``multiwoz``: MultiWOZ's Cambridge, over the database files of the user's own copy."""

from __future__ import annotations

from pytest_ugst.domains.multiwoz.database import MultiwozDatabase, read_database
from pytest_ugst.domains.multiwoz.domain import Multiwoz, MultiwozData, load

__all__ = ["Multiwoz", "MultiwozData", "MultiwozDatabase", "load", "read_database"]
