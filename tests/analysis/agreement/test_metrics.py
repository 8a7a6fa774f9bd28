"""Agreement against published examples, and laws that any such number has to keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.analysis.agreement.metrics import (
    Annotators,
    alpha_of,
    baseline_matches,
    by_status,
    cohen_kappa,
    combine_labels,
    confusion,
    kappa_of,
    krippendorff_alpha,
    matches,
    second_opinion,
)
from pytest_ugst.analysis.agreement.table import agreement_tables
from pytest_ugst.analysis.success.rates import rates
from pytest_ugst.core.conversation import StopReason
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.labels import ERROR, LabelledPart, StateLabels, TurnLabels
from pytest_ugst.core.status import Category, Status
from pytest_ugst.judges.checks import ChecksJudge
from tests.factories import complete, make_conversation, make_episode, make_goal, objective, verdict

PARTS = (
    LabelledPart(id="t", category=Category.OBJECTIVE, text="Book."),
    LabelledPart(id="p", category=Category.POLICY, text="Be kind."),
)


def labels(*states: dict[str, str], name: str = "c1", by: str = "a", digest: str = "") -> StateLabels:
    turns = tuple(TurnLabels.model_validate({"turn": i, "status": s}) for i, s in enumerate(states, 1))
    return StateLabels(id=name, annotator=by, digest=digest, components=PARTS, labels=turns)


def together(a: Sequence[StateLabels], b: Sequence[StateLabels], final: bool = False) -> Annotators:
    return combine_labels([("a", one) for one in a] + [("b", one) for one in b], final=final)


def test_kappa_of_a_textbook() -> None:
    # Of 50 proposals two readers said yes/yes 20, yes/no 5, no/yes 10, no/no 15 times: p_o 0.7, p_e 0.5.
    assert cohen_kappa({("y", "y"): 20, ("y", "n"): 5, ("n", "y"): 10, ("n", "n"): 15}) == pytest.approx(0.4)
    # By scikit-learn 1.9.1, cohen_kappa_score.
    pairs = Counter(zip("aabbbcccabca", "abbbaccbabcc", strict=True))
    assert cohen_kappa(pairs) == pytest.approx(0.5)


def test_alpha_of_krippendorffs_own_example() -> None:
    # Four observers, twelve units: "Computing Krippendorff's Alpha-Reliability", 2011, example C; nominal 0.743. By the
    # krippendorff package 0.9.0: 0.743421052631579.
    observers = ["1233214 12****", "123322412 5*3", "*33323422 51*", "123324412 51*"]
    rows = [row.replace(" ", "") for row in observers]
    units = [[v for v in unit if v != "*"] for unit in zip(*[row[:12] for row in rows], strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.743421052631579)
    # Two observers, ten units: example A; 0.095.
    a, b = "0100000010", "1110010000"
    assert krippendorff_alpha(list(zip(a, b, strict=True))) == pytest.approx(0.095, abs=5e-4)


values = st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from("xyz")), min_size=1, max_size=40)


@given(values)
def test_laws_of_coefficients(pairs: list[tuple[str, str]]) -> None:
    kappa, alpha = cohen_kappa(Counter(pairs)), krippendorff_alpha(pairs)
    turned = [(b, a) for a, b in pairs]
    assert cohen_kappa(Counter(turned)) == (None if kappa is None else pytest.approx(kappa))
    assert krippendorff_alpha(turned) == (None if alpha is None else pytest.approx(alpha))
    assert kappa is None or -1 - 1e-9 <= kappa <= 1 + 1e-9
    same = [(a, a) for a, _ in pairs]
    varied = len(set(same)) > 1
    assert cohen_kappa(Counter(same)) == (1 if varied else None)
    assert krippendorff_alpha(same) == (1 if varied else None)
    # Another name for a status changes nothing, and a unit that one has labelled says nothing.
    other = str.maketrans("xyz", "123")
    renamed = [(a.translate(other), b.translate(other)) for a, b in pairs]
    assert krippendorff_alpha([*renamed, ("1",)]) == (None if alpha is None else pytest.approx(alpha))


def test_proportions_errors_and_what_is_missing() -> None:
    gold = [labels({"t": "INCOMPLETE", "p": "ALIGNED"}, {"t": "COMPLETE", "p": "MISALIGNED"})]
    judge = [labels({"t": "INCOMPLETE", "p": ERROR}, {"t": "ATTEMPTED"}, by="b")]
    made = together(gold, judge)
    a, b = made.annotations["a"], made.annotations["b"]
    found = rates(matches(a, b), resamples=0)
    task, policy = found.columns["objective"], found.columns["policy"]
    assert (task.value, task.n, task.errors) == (50.0, 2, 0)
    assert (policy.value, policy.n, policy.errors) == (0.0, 1, 1)  # an error is no match; what is missing is nothing
    still = rates(baseline_matches(a, b), resamples=0)
    assert (still.columns["objective"].value, still.columns["policy"].value) == (50.0, 100.0)
    assert kappa_of(a, b, Category.POLICY) is None
    assert alpha_of([a, b], Category.OBJECTIVE) == pytest.approx(1 - (1 / 2) / (10 / 12))
    counted = confusion(a, b)
    assert counted[Category.POLICY] == {(Status.ALIGNED, ERROR): 1}
    assert by_status(counted[Category.OBJECTIVE]) == 50.0
    last = together(gold, judge, final=True)
    assert len(last.annotations["a"]) == 2
    assert {unit.turn for said in last.annotations.values() for unit in said} == {2}


def test_two_errors_are_no_match_and_no_status() -> None:
    made = together([labels({"t": ERROR}, {"t": "COMPLETE"})], [labels({"t": ERROR}, {"t": "COMPLETE"}, by="b")])
    a, b = made.annotations["a"], made.annotations["b"]
    task = rates(matches(a, b), resamples=0).columns["objective"]
    assert (task.value, task.n, task.errors) == (50.0, 2, 1)
    assert by_status(confusion(a, b)[Category.OBJECTIVE]) == 100.0
    # One error alone takes nothing from the share of the statuses that were given.
    assert by_status(Counter({(Status.COMPLETE, Status.COMPLETE): 2, (ERROR, Status.COMPLETE): 3})) == 100.0


def test_conversations_of_one_annotator_are_left_out_and_counted() -> None:
    one, two = labels({"t": "COMPLETE"}), labels({"t": "COMPLETE"}, name="c2")
    made = together([one, two], [labels({"t": "COMPLETE"}, by="b")])
    assert (made.conversations, made.unshared) == (1, {"a": 1, "b": 0})
    assert {unit.conversation for unit in made.annotations["a"]} == {"c1"}


def test_what_is_compared_at_the_end_is_said_as_such() -> None:
    whole = [labels({"t": "INCOMPLETE"}, {"t": "COMPLETE"}, name=name) for name in ("c1", "c2")]
    half = [whole[0].model_copy(update={"annotator": "b"}), labels({"t": "INCOMPLETE"}, name="c2", by="b")]
    notes = agreement_tables(together(whole, half, final=True))[0].notes
    assert notes[0].startswith("percent of equal statuses at the last turn that anyone labelled, ")
    assert notes[0].endswith("bootstrapped over conversations (1)")
    assert "1 conversation left out in which two annotators have no label at the last turn" in notes
    assert "over all turns" in agreement_tables(together(whole, half))[0].notes[0]
    with pytest.raises(UsageError, match="no two annotators have a label of the last turn in common; name work that"):
        together(whole[1:], half[1:], final=True)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ([labels(name="other")], "no conversation was annotated by two"),
        ([labels(digest="2")], "different conversations that are both called 'c1'"),
        ([labels(), labels()], "b has labelled the conversation 'c1' twice"),
        (
            [StateLabels(id="c1", annotator="b", components=PARTS[:1], labels=())],
            "do not mean the same by the sub-component 'p'",
        ),
        ([], "there is only a; name another run or file of labels"),
    ],
)
def test_what_can_not_be_compared(second: list[StateLabels], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        together([labels({"t": "COMPLETE"}, digest="1")], second)


def test_checks_beside_the_judge_have_goal_states_of_their_own() -> None:
    episode = make_episode(
        make_goal("g", objective("t", complete("turn 2", beside=True)), objective("u")),
        *(verdict(c, i, "INCOMPLETE") for c in "tu" for i in (1, 2)),
        conversation=make_conversation("turn 1", "turn 2", stop=StopReason.USER_ENDED),
    )
    made = second_opinion(episode, ChecksJudge())
    assert made is not None
    assert made.annotator == "checks"
    assert [state.status for state in made.labels] == [{"t": Status.INCOMPLETE}, {"t": Status.COMPLETE}]
    assert second_opinion(episode.model_copy(update={"verdicts": ()}), ChecksJudge()) is None
