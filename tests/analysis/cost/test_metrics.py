"""The cost of episodes, added up."""

from __future__ import annotations

import pytest

from pytest_ugst.analysis.cost.metrics import cost, usage_per
from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.usage import Usage
from tests.factories import make_conversation, make_episode, make_goal, objective, verdict


def episode(name: str, **usage: Usage) -> Episode:
    return make_episode(
        make_goal(name, objective("t"), objective("u")),
        verdict("t", 1, "INCOMPLETE"),
        verdict("u", 1, "COMPLETE", by="checks"),
        verdict("t", 2, None),
        conversation=make_conversation("a", "a", stop=StopReason.USER_ENDED),
        usage=usage,
        seconds=3.0,
    )


def test_by_role_episode_and_verdict() -> None:
    one = episode("a", judge=Usage(calls=2, prompt_tokens=100, cost=0.5), simulator=Usage(calls=1))
    two = episode("b", judge=Usage(calls=2, prompt_tokens=300, cost=0.5))
    made = cost([one, two])
    assert (made.episodes, made.verdicts, made.failed, made.seconds) == (2, 4, 2, 6.0)  # checks cost nothing
    assert made.roles["judge"].prompt_tokens == 400
    assert made.total.calls == 5
    assert made.total.cost == pytest.approx(1.0)
    each = usage_per(made.roles["judge"], made.verdicts)
    assert each is not None
    assert each["cost"] == pytest.approx(0.25)
    assert usage_per(Usage(), 0) is None
    assert cost([]).total == Usage()
