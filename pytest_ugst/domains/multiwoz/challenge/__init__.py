"""MultiWOZ Challenge: goals made from database entities, profiles and policies.

After appendix B of "Goal Alignment in LLM-Based User Simulators for Conversational AI". The text of every goal is put
together from its sub-components, so that they are known and need no model to be found.
"""

from __future__ import annotations

from pytest_ugst.domains.multiwoz.challenge.compose import generate, generate_worded
from pytest_ugst.domains.multiwoz.challenge.pools import Pools, load_pools
from pytest_ugst.domains.multiwoz.challenge.reword import by_model
from pytest_ugst.domains.multiwoz.challenge.source import TRAINING_GOALS, challenge_goals
from pytest_ugst.domains.multiwoz.challenge.splits import SPLITS, Split, World

__all__ = [
    "SPLITS",
    "TRAINING_GOALS",
    "Pools",
    "Split",
    "World",
    "by_model",
    "challenge_goals",
    "generate",
    "generate_worded",
    "load_pools",
]
