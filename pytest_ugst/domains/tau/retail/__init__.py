"""The retail domain of tau-bench and tau2-bench, over upstream's data."""

from __future__ import annotations

from pytest_ugst.domains.tau.retail.domain import load, load_tau2

__all__ = ["load", "load_tau2"]
