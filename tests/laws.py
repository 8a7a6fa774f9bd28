"""How often laws are tried: by every example of the profile in use, or by a part of them."""

from __future__ import annotations

from typing import Any

from hypothesis import settings


def share(part: float, **more: Any) -> settings:
    """Return settings for a law whose examples are expensive, or cheap.

    The number of examples grows with the profile, so that ``--hypothesis-profile=thorough`` tries every law harder.

    Args:
        part: The number of examples, as a share of the profile's.
        more: Further settings.
    """
    return settings(max_examples=round(settings().max_examples * part), **more)
