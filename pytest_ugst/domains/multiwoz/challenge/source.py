"""The goal source ``multiwoz_challenge``: the shipped test set, and a training set made on the spot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pytest_ugst.config.data_dirs import USUAL_PLACES
from pytest_ugst.config.shipped import shipped
from pytest_ugst.core.errors import UsageError, unknown
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.protocols import DataLocator
from pytest_ugst.domains.multiwoz.challenge.compose import generate
from pytest_ugst.domains.multiwoz.challenge.pools import load_pools
from pytest_ugst.domains.multiwoz.challenge.splits import SPLITS, World
from pytest_ugst.domains.multiwoz.town import read_town
from pytest_ugst.goals.files import load_goals

SEED: Final = 20250724
"""What the shipped set is made from."""
TEST_GOALS: Final = 150
TRAINING_GOALS: Final = 500
"""As many as the paper's training uses."""
FILE: Final = "multiwoz_challenge.goal.jsonl"


def challenge_goals(split: str | None, data_dirs: DataLocator = USUAL_PLACES) -> Iterable[Goal]:
    """The shipped test set for ``test`` or None; for ``train`` a set that is made from the user's copy of the database.

    Raises:
        UsageError: For another split.
        DataMissingError: If the training set is asked for and the database is not here.
    """
    if split in (None, "test"):
        return load_goals(shipped("goals") / FILE)
    if split == "train":
        world = World(read_town(data_dirs.locate("multiwoz")))
        return generate(world, load_pools(), SEED, TRAINING_GOALS, "train")
    raise UsageError(unknown("part of multiwoz_challenge", str(split), SPLITS))
