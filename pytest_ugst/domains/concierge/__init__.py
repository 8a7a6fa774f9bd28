"""The embedded domain ``concierge``: searches and bookings in the fictional town of Quillhaven, with its data."""

from __future__ import annotations

from pytest_ugst.domains.concierge.domain import Concierge, ConciergeData, load

__all__ = ["Concierge", "ConciergeData", "load"]
