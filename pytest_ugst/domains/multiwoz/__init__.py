"""The domain ``multiwoz``: Cambridge as MultiWOZ knows it, over the database files of the user's own copy."""

from __future__ import annotations

from pytest_ugst.domains.multiwoz.domain import Multiwoz, MultiwozData, load
from pytest_ugst.domains.multiwoz.town import Town, read_town

__all__ = ["Multiwoz", "MultiwozData", "Town", "load", "read_town"]
