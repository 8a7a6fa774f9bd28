"""Goal states as records that can be compared."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pytest_ugst.core.conversation import Conversation, StopReason, Turn
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.labels import ERROR, StateLabels, conversation_digest, episode_labels
from pytest_ugst.core.status import Status
from pytest_ugst.core.verdict import Verdict
from tests.played import SETTING, make_goal, objective, policy, verdict

TALK = Conversation(turns=(Turn(user="a", agent="b"), Turn(user="c")), stop=StopReason.USER_ENDED)


def played() -> Episode:
    verdicts = (
        verdict("t", 1, "INCOMPLETE"),
        verdict("t", 2, "COMPLETE"),
        verdict("p", 1, "ALIGNED"),
        Verdict(component="p", turn=2, error="no answer"),
    )
    return Episode(
        id="g@2",
        goal=make_goal("g", objective("t"), policy("p")),
        trial=2,
        setting=SETTING,
        max_turns=10,
        conversation=TALK,
        verdicts=verdicts,
    )


def test_an_episode_gives_its_states_after_every_turn() -> None:
    labels = episode_labels(played())
    assert (labels.id, labels.annotator) == ("g@2", "judges")
    assert [state.status for state in labels.labels] == [
        {"t": Status.INCOMPLETE, "p": Status.ALIGNED},
        {"t": Status.COMPLETE, "p": ERROR},
    ]
    assert StateLabels.model_validate_json(labels.model_dump_json()) == labels


def test_a_judge_may_have_a_long_name_or_none() -> None:
    for judge in ("", "/checkpoints/" + "x" * 900, "x" * 2000):
        one = played().model_copy(update={"setting": played().setting.model_copy(update={"judge": judge})})
        assert episode_labels(one).annotator == (judge[:1000] or "judge")


def test_the_digest_tells_conversations_apart() -> None:
    assert conversation_digest(TALK) == episode_labels(played(), "me").digest
    others = [
        Conversation(turns=(Turn(user="a", agent="b"), Turn(user="d"))),
        Conversation(turns=(Turn(user="ab"), Turn(user="c"))),
        Conversation(turns=TALK.turns[:1]),
    ]
    assert len({conversation_digest(c) for c in (TALK, *others)}) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": [{"turn": 1, "status": {"x": "COMPLETE"}}]}, "names 'x', which is no sub-component"),
        ({"labels": [{"turn": 1, "status": {"t": "ALIGNED"}}]}, "ALIGNED is no status of category objective"),
        ({"labels": [{"turn": 2, "status": {}}, {"turn": 2, "status": {}}]}, "turn 2 stands after turn 2"),
        ({"labels": [{"turn": 1, "status": {"t": "DONE"}}]}, "INCOMPLETE"),
        ({"labels_version": 2}, "labels_version"),
        ({"components": [{"id": "t", "category": "objective", "text": ""}] * 2}, "occurs twice"),
    ],
)
def test_what_is_no_goal_state(change: dict[str, Any], message: str) -> None:
    data = {
        "id": "g",
        "annotator": "me",
        "components": [{"id": "t", "category": "objective", "text": "Book."}],
        "labels": [{"turn": 1, "status": {"t": "COMPLETE"}}],
    }
    StateLabels.model_validate(data)
    with pytest.raises(ValidationError, match=message):
        StateLabels.model_validate({**data, **change})
