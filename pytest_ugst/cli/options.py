"""The arguments that several commands share, each spelled once: its name, its meaning and its help."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.cli.output import SUFFIXES
from pytest_ugst.config.options import BY_NAME
from pytest_ugst.utils.deprecated import add_renamed_option

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
    """The collection of commands that a command adds itself to."""

_RUN = "a run's name or folder, or 'latest'"


def add_group(commands: Commands, name: str, *, help: str) -> Commands:
    """Add a command that has commands of its own, and return their collection."""
    group = commands.add_parser(name, help=help)
    group.set_defaults(group=group)
    return group.add_subparsers(title="commands", metavar="COMMAND")


def add_run(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    """Add the argument RUN, a run to read; the latest one unless given, if it is optional."""
    if optional:
        parser.add_argument("run", metavar="RUN", nargs="?", default="latest", help=f"{_RUN} (latest)")
    else:
        parser.add_argument("run", metavar="RUN", help=_RUN)


def add_run_option(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--run`` of commands whose argument is something else."""
    parser.add_argument("--run", metavar="RUN", default="latest", help=f"{_RUN} (latest)")


def add_runs(parser: argparse.ArgumentParser) -> None:
    """Add the argument RUN of commands that read one run or several."""
    parser.add_argument("runs", nargs="+", metavar="RUN", help=_RUN)


def add_dir(parser: argparse.ArgumentParser) -> None:
    """Add ``--dir``, the folder of runs and response cache."""
    default = BY_NAME["dir"].default
    parser.add_argument(
        "--dir",
        type=Path,
        default=Path(default),
        metavar="DIR",
        help=f"where runs and the response cache are kept ({default})",
    )


def add_data(parser: argparse.ArgumentParser, *, help: str = "where benchmark data is looked for first") -> None:
    """Add ``--data``, a folder of benchmark data."""
    parser.add_argument("--data", type=Path, metavar="DIR", help=help)


def add_judge(parser: argparse.ArgumentParser, task: str) -> None:
    """Add ``--judge``, a model that judges what was played.

    Args:
        parser: The command's parser.
        task: The model's task, such as ``rates coherence``, for the help.
    """
    parser.add_argument("--judge", metavar="MODEL", help=f"the model that {task}, named as for --ugst-judge")


def add_decomposer(parser: argparse.ArgumentParser, task: str, *, old: str, required: bool = False) -> None:
    """Add ``--decomposer``, a model that makes goals or their sub-components.

    Args:
        parser: The command's parser.
        task: The model's task, such as ``words the objectives``, for the help.
        old: The option's old name.
        required: Whether it has to be given.
    """
    help = f"the model that {task}, named as for --ugst-decomposer"
    add_renamed_option(parser, "--decomposer", old, metavar="MODEL", required=required, help=help)


def add_prompts(parser: argparse.ArgumentParser) -> None:
    """Add ``--prompts``, a folder of prompt files in place of the shipped ones."""
    default = BY_NAME["prompts"].default
    parser.add_argument("--prompts", default=default, metavar="DIR", help="as --ugst-prompts")


def add_cache(parser: argparse.ArgumentParser) -> None:
    """Add ``--cache``, the use of the response cache."""
    option = BY_NAME["cache"]
    parser.add_argument(
        "--cache", choices=option.choices, default=option.default, help=f"as --ugst-cache ({option.default})"
    )


def add_limit(parser: argparse.ArgumentParser) -> None:
    """Add ``--limit``, the number of goals to work on."""
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N")


def add_out(parser: argparse.ArgumentParser, *, help: str, required: bool = False) -> None:
    """Add ``--out``, the file to write."""
    parser.add_argument("--out", type=Path, required=required, metavar="FILE", help=help)


def add_table_output(parser: argparse.ArgumentParser) -> None:
    """Add ``--style`` and ``--out`` of commands that print tables; :mod:`pytest_ugst.cli.output` obeys them."""
    from pytest_ugst.analysis.tables import STYLES

    parser.add_argument(
        "--style", choices=STYLES, help="how to print it (terminal, or what the name of FILE in --out asks for)"
    )
    add_out(parser, help=f"write FILE ({', '.join(SUFFIXES)}) and print nothing")


def add_goal_output(parser: argparse.ArgumentParser) -> None:
    """Add ``--out`` and ``--force`` of commands that make goals; :mod:`pytest_ugst.cli.goal_output` obeys them."""
    add_out(parser, help="NAME.goal.yaml or NAME.goal.jsonl; without it YAML is printed")
    parser.add_argument("--force", action="store_true", help="overwrite FILE if it is there")
