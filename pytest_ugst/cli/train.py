"""``ugst train``: make data for simulators, and train them. Needs the extra ``train``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pytest_ugst.core.errors import UsageError


def add_commands(groups: argparse._SubParsersAction[Any]) -> None:
    """Add the command group."""
    train = groups.add_parser("train", help="make training data from steered conversations, and train simulators")
    train.set_defaults(group=train)
    verbs = train.add_subparsers(title="commands", metavar="COMMAND", parser_class=type(train))
    _add_data(verbs)
    _add_sft(verbs)
    _add_grpo(verbs)
    _add_judge(verbs)
    _add_export(verbs)


def _add_data(verbs: argparse._SubParsersAction[Any]) -> None:
    from pytest_ugst.trainers.data import command

    data = verbs.add_parser(
        "data",
        help="make training data from conversations that were steered by goal states",
        description="Plays goals (or takes recorded runs) and writes, for every user turn that stayed with the goal, "
        "the unsteered prompt with reasoning and utterance as the target (docs/training.md).",
    )
    command.add_arguments(data)
    data.set_defaults(run=command.run)


def _add_sft(verbs: argparse._SubParsersAction[Any]) -> None:
    from pytest_ugst.trainers.sft import command

    sft = verbs.add_parser(
        "sft",
        help="train a simulator on reasoning and utterances",
        description="Supervised fine-tuning with TRL: the loss is that of reasoning and utterance alone. The folder "
        "that comes out is a name for --ugst-sim (docs/training.md).",
    )
    command.add_arguments(sft)
    sft.set_defaults(run=command.run)


def _add_grpo(verbs: argparse._SubParsersAction[Any]) -> None:
    from pytest_ugst.trainers.grpo import command

    grpo = verbs.add_parser(
        "grpo",
        help="train a simulator by GRPO, rewarded by how its turns move the goal state",
        description="Samples the user's next turn at places in recorded conversations, has it answered by the agent "
        "and judged against the goal state before it, and learns from what was judged better (docs/grpo.md).",
    )
    command.add_arguments(grpo)
    grpo.set_defaults(run=command.run)


def _add_judge(verbs: argparse._SubParsersAction[Any]) -> None:
    from pytest_ugst.trainers.judge import command

    judge = verbs.add_parser(
        "judge",
        help="distil recorded verdicts of a strong judge into a small model",
        description="Turns the verdicts of recorded runs into rows (the judge's own prompt, its answer as JSON) and "
        "trains a model on them as 'ugst train sft' does.",
    )
    command.add_judge(judge)
    judge.set_defaults(run=command.run_judge)
    again = verbs.add_parser(
        "rejudge",
        help="have recorded conversations judged by another judge, to compare the two",
        description="Writes a run with the same conversations and the verdicts of another judge; 'ugst report "
        "agreement RUN NEW-RUN' compares the two.",
    )
    command.add_rejudge(again)
    again.set_defaults(run=command.run_rejudge)


def _add_export(verbs: argparse._SubParsersAction[Any]) -> None:
    export = verbs.add_parser(
        "export-gguf",
        help="write a checkpoint of the Llama architecture as a GGUF file, to be served fast on a CPU",
        description="Writes model.gguf into the checkpoint's folder. Where there is no GPU, --ugst-sim=CHECKPOINT is "
        "served from it by llama.cpp (pip install xllamacpp).",
    )
    export.add_argument("checkpoint", metavar="CHECKPOINT", help="a folder; or a GGUF file or smollm2, see --out")
    export.add_argument("--kind", choices=("q8_0", "q4_0", "f16", "bf16", "f32"), default="q8_0", help="weights (q8_0)")
    export.add_argument(
        "--out",
        type=Path,
        metavar="PATH",
        help="another file than CHECKPOINT/model.gguf; of a GGUF file, the folder to unpack it into as a checkpoint",
    )
    export.add_argument("--like", type=Path, metavar="FILE", help="a GGUF file with the same vocabulary (smollm2's)")
    export.set_defaults(run=_export)


def _export(args: argparse.Namespace) -> int:
    from pytest_ugst.llm.packaged import PACKAGED
    from pytest_ugst.trainers.common.gguf_export import FILE, export_gguf, unpack

    checkpoint = Path(args.checkpoint)
    if args.checkpoint in PACKAGED or checkpoint.is_file():
        if args.out is None:
            raise UsageError("--out is missing; name a folder for the checkpoint that is made of the GGUF file")
        path = unpack(args.checkpoint, args.out, args.kind) / FILE
    else:
        path = export_gguf(checkpoint, args.out, args.kind, args.like)
    print(f"{path}: {path.stat().st_size / 2**20:.0f} MiB")
    return 0
