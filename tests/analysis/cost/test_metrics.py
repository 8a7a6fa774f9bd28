"""The cost of episodes, added up."""

from __future__ import annotations

import pytest

from pytest_ugst.analysis.cost.metrics import cost, usage_per
from pytest_ugst.core.conversation import Conversation, StopReason, Turn
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.usage import Usage
from pytest_ugst.core.verdict import Verdict
from tests.played import SETTING, make_goal, objective, verdict


def episode(name: str, **usage: Usage) -> Episode:
    verdicts = (
        verdict("t", 1, "INCOMPLETE"),
        verdict("u", 1, "COMPLETE", by="checks"),
        Verdict(component="t", turn=2, error="no answer", by="judges"),
    )
    return Episode(
        id=name,
        goal=make_goal(name, objective("t"), objective("u")),
        setting=SETTING,
        max_turns=10,
        conversation=Conversation(turns=(Turn(user="a", agent="b"),) * 2, stop=StopReason.USER_ENDED),
        verdicts=verdicts,
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
