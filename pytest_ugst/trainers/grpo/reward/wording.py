"""The wording of a sampled turn, rated by the judge model as in the reports, as a term of the reward."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ugst.analysis.quality.ratings import Aspect, rate

if TYPE_CHECKING:
    from pytest_ugst.core.chat import Chat
    from pytest_ugst.core.conversation import Conversation
    from pytest_ugst.prompts.loader import Prompts


@dataclass(frozen=True, slots=True)
class ModelWording:
    """A judge model that rates conversations which end with the turn."""

    chat: Chat
    prompts: Prompts

    async def score(self, aspect: str, goal: str, conversation: Conversation) -> float | None:
        """Return the rating of 1 to 5 as a number from 0 to 1; None if the model gave none.

        Raises:
            ChatUnavailableError: If the server is gone or refuses us.
        """
        rating = await rate(self.chat, self.prompts, Aspect(aspect), goal, conversation)
        return None if rating.score is None else (rating.score - 1) / 4
