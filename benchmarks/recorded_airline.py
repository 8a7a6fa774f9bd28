"""Measure the users' language in tau-bench's recorded conversations: diversity, and BERTScore against their goals.

    python benchmarks/recorded_airline.py TRAJECTORIES.json [--domain airline] [--encoder FOLDER]

Prints the table of ``ugst report quality`` for all recordings of a file, and for those with and without a reward apart,
and how long each measure took.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pytest_ugst.analysis.quality.diversity import diversity
from pytest_ugst.analysis.quality.entries import F1, ConversationWithGoal, QualityEntry, measure_diversity
from pytest_ugst.analysis.quality.similarity import Encoder, conversation_f1
from pytest_ugst.analysis.quality.table import quality_table
from pytest_ugst.analysis.tables import render
from pytest_ugst.core.errors import UgstError
from pytest_ugst.recordings.tau_bench import Recording, read_recordings


def entry_of(label: str, file: Path, recordings: Sequence[Recording]) -> QualityEntry:
    """Return the entry of a line of the table."""
    conversations = [
        ConversationWithGoal(r.goal.domain or "", r.goal.id, r.goal.text, r.conversation) for r in recordings
    ]
    return QualityEntry(label, run=file.stem, conversations=conversations)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="of tau-bench's historical_trajectories")
    parser.add_argument("--domain", default="airline")
    parser.add_argument("--encoder", help="a folder with an encoder, or a model of the Hugging Face hub")
    parser.add_argument("--encoder-layer", type=int)
    parser.add_argument("--style", default="terminal")
    options = parser.parse_args(arguments)
    try:
        recordings = list(read_recordings(options.file, options.domain))
        entries = [
            entry_of("all", options.file, recordings),
            entry_of("reward 1", options.file, [r for r in recordings if r.reward == 1]),
            entry_of("reward 0", options.file, [r for r in recordings if r.reward != 1]),
        ]
        started = time.perf_counter()
        for one in entries[:1]:
            measure_diversity(one)
        messages = [f"diversity of {len(recordings)} conversations: {time.perf_counter() - started:.2f} s"]
        for one in entries[1:]:
            measure_diversity(one)
        if options.encoder:
            started = time.perf_counter()
            encoder = Encoder(options.encoder, layer=options.encoder_layer)
            messages.append(
                f"encoder {encoder.name}, layer {encoder.layer}, loaded: {time.perf_counter() - started:.1f} s"
            )
            started = time.perf_counter()
            # All recordings at once; the parts take their share of the same numbers.
            scores = conversation_f1(encoder, [(one.goal_text, one.utterances) for one in entries[0].conversations])
            by_talk = {id(r.conversation): score for r, score in zip(recordings, scores, strict=True)}
            utterances = sum(len(one.utterances) for one in entries[0].conversations)
            messages.append(f"BERTScore of {utterances} utterances: {time.perf_counter() - started:.1f} s")
            for one in entries:
                one.values[F1] = [by_talk[id(s.conversation)] for s in one.conversations]
    except UgstError as error:
        sys.exit(f"error: {error}")
    print(render([quality_table(entries)], options.style), end="")
    pooled = diversity(text for one in entries[0].conversations for text in one.utterances)
    print(f"all taken as one text: {pooled.tokens} words, {pooled.types} of them different, ", end="")
    print(f"MTLD {pooled.mtld or 0:.1f}, HD-D {pooled.hdd or 0:.3f}")
    print("\n".join(messages))


if __name__ == "__main__":
    main()
