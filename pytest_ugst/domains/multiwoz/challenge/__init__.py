"""MultiWOZ Challenge: goals generated from database entities, profiles and policies.

Source: "Goal Alignment in LLM-Based User Simulators for Conversational AI", appendix B. The text of every goal is
composed from its sub-components, so that they are known and no model has to find them.
"""

from __future__ import annotations

from pytest_ugst.domains.multiwoz.challenge.compose import generate, generate_worded
from pytest_ugst.domains.multiwoz.challenge.pools import Pools, load_pools
from pytest_ugst.domains.multiwoz.challenge.reword import by_model
from pytest_ugst.domains.multiwoz.challenge.source import TRAINING_GOALS, challenge_goals
from pytest_ugst.domains.multiwoz.challenge.splits import SPLITS, Split, SplitDatabase

__all__ = [
    "SPLITS",
    "TRAINING_GOALS",
    "Pools",
    "Split",
    "SplitDatabase",
    "by_model",
    "challenge_goals",
    "generate",
    "generate_worded",
    "load_pools",
]
