"""The goal source ``multiwoz_challenge``: the shipped test set, and a training set that is generated when asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pytest_ugst.config.data_dirs import USUAL_PLACES
from pytest_ugst.core.errors import UsageError, unknown
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.protocols import DataLocator
from pytest_ugst.domains.multiwoz.challenge.compose import generate
from pytest_ugst.domains.multiwoz.challenge.pools import load_pools
from pytest_ugst.domains.multiwoz.challenge.splits import SPLITS, SplitDatabase
from pytest_ugst.domains.multiwoz.database import read_database
from pytest_ugst.goals.shipped import shipped_goals

SEED: Final = 20250724
"""Seed of the shipped test set and of the training set."""
TEST_GOALS: Final = 150
TRAINING_GOALS: Final = 500
"""Size of the training set, as in the paper."""
FILE: Final = "multiwoz_challenge.goal.jsonl"


def challenge_goals(split: str | None, data_dirs: DataLocator = USUAL_PLACES) -> Iterable[Goal]:
    """Return the goals of a split.

    Args:
        split: ``test`` or None for the shipped test set; ``train`` for a set generated from the user's copy of the
            database.
        data_dirs: Where the database is found.

    Raises:
        UsageError: For another split.
        DataMissingError: If the training set is asked for and the database is not on this machine.
    """
    if split in (None, "test"):
        return shipped_goals(FILE)
    if split == "train":
        database = SplitDatabase(read_database(data_dirs.locate("multiwoz")))
        return generate(database, load_pools(), SEED, TRAINING_GOALS, "train")
    raise UsageError(unknown("part of multiwoz_challenge", str(split), SPLITS))
