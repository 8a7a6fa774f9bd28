"""``ugst train``: the group of commands that train models. Needs the extra ``train``.

The options and the work of each command are in ``command.py`` of its trainer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ugst.cli import train_export_gguf
from pytest_ugst.cli.options import add_group

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the group and its commands, in the order of the help."""
    verbs = add_group(commands, "train", help="make training data from steered conversations, and train simulators")
    _add_data(verbs)
    _add_sft(verbs)
    _add_grpo(verbs)
    _add_judge(verbs)
    _add_rejudge(verbs)
    train_export_gguf.add_command(verbs)


def _add_data(commands: Commands) -> None:
    from pytest_ugst.trainers.data import command

    parser = commands.add_parser(
        "data",
        help="make training data from conversations that were steered by goal states",
        description="Plays goals (or takes recorded runs) and writes, for every user turn that stayed with the goal, "
        "the unsteered prompt with reasoning and utterance as the target (docs/training.md).",
    )
    command.add_arguments(parser)
    parser.set_defaults(handler=command.run)


def _add_sft(commands: Commands) -> None:
    from pytest_ugst.trainers.sft import command

    parser = commands.add_parser(
        "sft",
        help="train a simulator on reasoning and utterances",
        description="Supervised fine-tuning with TRL: the loss is that of reasoning and utterance alone. The folder "
        "that comes out is a name for --ugst-sim (docs/training.md).",
    )
    command.add_arguments(parser)
    parser.set_defaults(handler=command.run)


def _add_grpo(commands: Commands) -> None:
    from pytest_ugst.trainers.grpo import command

    parser = commands.add_parser(
        "grpo",
        help="train a simulator by GRPO, rewarded by how its turns move the goal state",
        description="Samples the user's next turn at places in recorded conversations, has it answered by the agent "
        "and judged against the goal state before it, and learns from what was judged better (docs/grpo.md).",
    )
    command.add_arguments(parser)
    parser.set_defaults(handler=command.run)


def _add_judge(commands: Commands) -> None:
    from pytest_ugst.trainers.judge import command

    parser = commands.add_parser(
        "judge",
        help="distil recorded verdicts of a strong judge into a small model",
        description="Turns the verdicts of recorded runs into examples (the judge's own prompt, its answer as JSON) "
        "and trains a model on them as 'ugst train sft' does.",
    )
    command.add_judge(parser)
    parser.set_defaults(handler=command.run_judge)


def _add_rejudge(commands: Commands) -> None:
    from pytest_ugst.trainers.judge import command

    parser = commands.add_parser(
        "rejudge",
        help="have recorded conversations judged by another judge, to compare the two",
        description="Writes a run with the same conversations and the verdicts of another judge; 'ugst report "
        "agreement RUN NEW-RUN' compares the two.",
    )
    command.add_rejudge(parser)
    parser.set_defaults(handler=command.run_rejudge)
