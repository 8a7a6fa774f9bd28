"""Being here puts this folder on the import path, for what tests share (``strategies``)."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Cores may be shared and slow; how long an example takes says nothing about the code.
settings.register_profile("ugst", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ugst")
