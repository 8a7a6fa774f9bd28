"""BERTScore: how close in meaning two texts are, by the contextual embeddings of their tokens.

Zhang et al., "BERTScore: Evaluating Text Generation with BERT", 2020, through the ``bert-score`` package, neither
rescaled nor weighted by word frequency, as in the paper's Table 6. The paper does not say how the utterances of a
conversation are put together; here each utterance is compared with the goal, and a conversation has the mean of its
utterances. So no text is cut at the length that an encoder can read, and long conversations count as much as short
ones.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.text import one_line

BATCH = 64
"""The number of texts that are encoded at once."""
_CHUNK = 1_024  # pairs between two reports of progress
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?", re.ASCII)


class Encoder:
    """A loaded encoder that compares texts."""

    def __init__(self, model: str, *, layer: int | None = None, device: str | None = None, batch: int = BATCH) -> None:
        """Load an encoder.

        Args:
            model: A local folder with an encoder, or a model of the Hugging Face hub.
            layer: The layer whose output is compared; by default the one that ``bert-score`` recommends for a hub
                model it knows, else the last.
            device: PyTorch's name of a device; by default the GPU if there is one.
            batch: The number of texts that are encoded at once.

        Raises:
            UsageError: If ``bert-score`` is not installed, or there is no such encoder.
        """
        self._batch = batch
        try:
            from bert_score import BERTScorer
        except ImportError as error:
            missing = getattr(error, "name", None) or "bert_score"
            raise UsageError(
                f"{missing} is not installed, which BERTScore needs; run pip install 'pytest-ugst[bert]'"
            ) from None
        _quiet()
        folder = Path(model).expanduser()
        local = folder.is_dir()
        self.name = "/".join(folder.resolve().parts[-2:]) if local else model
        layers = _local_layers(folder) if local else _hub_layers(model)
        if layer is not None and layers is not None and not 1 <= layer <= layers[1]:
            raise UsageError(f"{model}: there is no layer {layer}; the encoder has 1 to {layers[1]}")
        self.layer = layer if layer is not None else layers[0] if layers is not None else None
        try:
            self._scorer: Any = BERTScorer(
                model_type=str(folder) if local else model, num_layers=self.layer, device=device, batch_size=batch
            )
        except Exception as error:  # the libraries raise many types for a folder that is not an encoder
            raise UsageError(
                f"{model} can't be loaded as an encoder ({_first_line(error)}); name a folder with an encoder, or "
                "a model that can be downloaded"
            ) from None
        self._bound_length()

    def _bound_length(self) -> None:
        """Limit the tokenizer to the model's positions.

        Some tokenizers claim that they take any length, and the model then fails on long texts.
        """
        config = self._scorer._model.config
        positions = getattr(config, "max_position_embeddings", None)
        tokenizer = self._scorer._tokenizer
        if isinstance(positions, int) and positions > 0:
            # RoBERTa and models like it count positions from the one after the padding token's.
            shift = (getattr(config, "pad_token_id", 0) or 0) + 1 if "roberta" in str(config.model_type) else 0
            tokenizer.model_max_length = min(tokenizer.model_max_length, positions - shift)

    def f1(
        self,
        candidates: Sequence[str],
        references: Sequence[str],
        on_progress: Callable[[int], None] | None = None,
    ) -> list[float | None]:
        """Compute the BERTScore F1 of pairs of texts.

        Args:
            candidates: The texts.
            references: As many texts that each is compared with.
            on_progress: Called now and then with the number of pairs that are done.

        Returns:
            A number up to 1 for each pair; None where one of the two is empty or the score is not finite.

        Raises:
            ValueError: If the two are not equally many.
        """
        if len(candidates) != len(references):
            raise ValueError(f"{len(candidates)} candidates and {len(references)} references")
        # bert-score encodes an empty text by a method that transformers 5 took away.
        rows = [i for i, pair in enumerate(zip(candidates, references, strict=True)) if all(map(one_line, pair))]
        scores: list[float | None] = [None] * len(candidates)
        # Equal pairs are compared once; short ones stand together, so that little is padded.
        pairs = sorted({(candidates[i], references[i]) for i in rows}, key=lambda p: (len(p[0]) + len(p[1]), p))
        found: dict[tuple[str, str], float] = {}
        for start in range(0, len(pairs), _CHUNK):
            chunk = pairs[start : start + _CHUNK]
            _, _, f1 = self._scorer.score([c for c, _ in chunk], [r for _, r in chunk], batch_size=self._batch)
            found |= zip(chunk, (float(value) for value in f1), strict=True)
            if on_progress is not None:
                on_progress(min(start + _CHUNK, len(pairs)))
        for i in rows:
            value = found[candidates[i], references[i]]
            scores[i] = value if math.isfinite(value) else None
        return scores

    def pairwise(self, left: Sequence[str], right: Sequence[str]) -> list[list[float]]:
        """Compute the BERTScore F1 of all pairs: ``left`` x ``right`` numbers, 0 where there is none."""
        scores = self.f1([a for a in left for _ in right], [b for _ in left for b in right])
        rows = [scores[start : start + len(right)] for start in range(0, len(scores), len(right) or 1)]
        return [[value or 0.0 for value in row] for row in rows]


def conversation_f1(
    encoder: Encoder,
    conversations: Sequence[tuple[str, Sequence[str]]],
    on_progress: Callable[[int], None] | None = None,
) -> list[float | None]:
    """Compute the mean F1 of each conversation's utterances against its goal.

    Args:
        encoder: Compares the texts.
        conversations: The goal's text and the user's utterances of each.
        on_progress: Called now and then with the number of utterances that are done.

    Returns:
        The means in their order; None for a conversation in which the user said nothing.
    """
    candidates = [text for _, utterances in conversations for text in utterances]
    references = [goal for goal, utterances in conversations for _ in utterances]
    scores = iter(encoder.f1(candidates, references, on_progress))
    means: list[float | None] = []
    for _, utterances in conversations:
        known = [score for _ in utterances if (score := next(scores)) is not None]
        means.append(sum(known) / len(known) if known else None)
    return means


def _local_layers(folder: Path) -> tuple[int, int]:
    """Return the layer to use of an encoder in a folder, and the number of its layers."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_bytes())
    except OSError:
        raise UsageError(f"{folder} holds no encoder: there is no readable config.json in it") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is no valid JSON; name a folder with an encoder") from None
    names = ("num_hidden_layers", "n_layers", "num_layers")
    count = next((config[name] for name in names if name in config), None) if isinstance(config, dict) else None
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise UsageError(f"{path} does not say num_hidden_layers; name a folder with an encoder")
    return count, count


def _hub_layers(model: str) -> tuple[int, int] | None:
    """Return the same for a hub model; None if ``bert-score`` knows it, and with it the layer that did best."""
    from bert_score.utils import model2layers

    if model in model2layers:
        return None
    if not _HUB_NAME.fullmatch(model):
        raise UsageError(f"there is no folder {model}; name a folder with an encoder, or a model of the hub")
    try:
        from transformers import AutoConfig

        count = int(AutoConfig.from_pretrained(model).num_hidden_layers)
    except Exception as error:  # no network, no such model, no such field: as many types as libraries
        raise UsageError(
            f"{model}: there is no folder of that name, and the Hugging Face hub gave no encoder "
            f"({_first_line(error)}); name a folder with an encoder, or a model that can be downloaded"
        ) from None
    return count, count


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]


def _quiet() -> None:
    """Turn off progress bars and reports about weights that an encoder does not need and about attempts to download."""
    from huggingface_hub.utils import logging as downloading
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    downloading.set_verbosity_error()
