"""The rule-based simulator ``agenda``, after Schatzmann et al. 2007, and its planted faults."""

from __future__ import annotations

from pytest_ugst.simulators.agenda.simulator import AgendaFactory, AgendaSimulator, make

__all__ = ["AgendaFactory", "AgendaSimulator", "make"]
