"""The rule-based agent ``rules`` for the concierge domain."""

from __future__ import annotations

from pytest_ugst.agents.rules.agent import RulesAgent, make

__all__ = ["RulesAgent", "make"]
