"""Goal states as records that can be compared."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.labels import ERROR, StateLabels, conversation_digest, episode_labels
from pytest_ugst.core.status import Status
from tests.factories import make_conversation, make_episode, make_goal, objective, policy, verdict

TALK = make_conversation(("a", "b"), ("c", None), stop=StopReason.USER_ENDED)


def played() -> Episode:
    return make_episode(
        make_goal("g", objective("t"), policy("p")),
        verdict("t", 1, "INCOMPLETE"),
        verdict("t", 2, "COMPLETE"),
        verdict("p", 1, "ALIGNED"),
        verdict("p", 2, None),
        trial=2,
        conversation=TALK,
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
        make_conversation(("a", "b"), ("d", None)),
        make_conversation(("ab", None), ("c", None)),
        make_conversation(*TALK.turns[:1]),
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
