"""The table of options, from which the command line, the ini file, their help and the default values are made.

Standard library only: this module is imported in every pytest run of an environment that has us installed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

DEFAULT_SIMULATOR = "agenda"
DEFAULT_AGENT = "rules"
DEFAULT_JUDGE = "checks"
DEFAULT_MAX_TURNS = 10
"""The setting of the paper."""
DEFAULT_MAX_DROP = "10,preference=15,avg=6"
"""A true drop of twice as much is seen in 9 of 10 cases on the 150 goals of the MultiWOZ Challenge, played once."""


class Option(NamedTuple):  # a dataclass takes two milliseconds more to define
    """An option ``--ugst-NAME`` and its ini twin ``ugst_NAME``."""

    name: str
    help: str
    default: Any = None
    type: type = str
    choices: Sequence[str] = ()
    metavar: str | None = None
    const: str | None = None
    """The value that the flag alone stands for, where its value may be left out."""
    bounds: tuple[int, int] | None = None
    """The least and the greatest value of a number."""

    @property
    def flag(self) -> str:
        """The name on the command line."""
        return f"--ugst-{self.name}"

    @property
    def key(self) -> str:
        """The name of the field of :class:`pytest_ugst.config.settings.Options` that holds the value."""
        return self.name.replace("-", "_")

    @property
    def ini(self) -> str:
        """The name in the ini file."""
        return f"ugst_{self.key}"


GATES = ("--ugst-fail-under", "--ugst-baseline")
"""The options with which rates decide whether a run fails, and not single goals."""

OPTIONS: tuple[Option, ...] = (
    Option(
        "sim",
        "the user simulator under test: a built-in (agenda, agenda:FAULT[@RATE]), an alias from [tool.ugst.models], "
        "a hosted model's name, a checkpoint folder or a GGUF file",
        DEFAULT_SIMULATOR,
        metavar="NAME",
    ),
    Option(
        "agent",
        "the agent it talks to: a built-in (rules), an alias, a model, or the URL of a chat completions endpoint",
        DEFAULT_AGENT,
        metavar="NAME",
    ),
    Option("judge", "who decides the statuses: checks, or an alias or model", DEFAULT_JUDGE, metavar="NAME"),
    Option(
        "decomposer",
        "the model that cuts goals without components into sub-components (default: the judge's model)",
        "",
        metavar="NAME",
    ),
    Option(
        "steer",
        "what the simulator is reminded of before every utterance: nothing, its goal, or its goal state",
        "none",
        choices=("none", "goal", "state"),
    ),
    Option("reasoning", "let the simulator think before it speaks", False, bool),
    Option("trials", "how often to play each goal", 1, int, metavar="N", bounds=(1, 10_000)),
    Option(
        "max-turns",
        "user-agent turns a conversation may take, where the goal does not say",
        DEFAULT_MAX_TURNS,
        int,
        metavar="N",
        bounds=(1, 200),
    ),
    Option(
        "tool-rounds",
        "rounds of tool calls an LLM agent may take in one turn",
        10,
        int,
        metavar="N",
        bounds=(1, 100),
    ),
    Option("judge-tools", "whether the judge sees tool calls and results beside the text", "on", choices=("on", "off")),
    Option(
        "checks",
        "what the checks of goals do: decide the statuses of their sub-components, stand beside the judge (it decides, "
        "and differences are reported), or off; auto is decide where the judge is 'checks', and beside any other judge",
        "auto",
        choices=("auto", "decide", "beside", "off"),
    ),
    Option("concurrency", "episodes played at once", 64, int, metavar="N", bounds=(1, 10_000)),
    Option("seed", "seed of everything that is drawn", 0, int, metavar="N", bounds=(0, 2**31 - 1)),
    Option(
        "cache",
        "the response cache: off, read (answer from it, add nothing), on, or refresh (ask anew and store)",
        "on",
        choices=("off", "read", "on", "refresh"),
    ),
    Option(
        "resume",
        "play only what is missing in a run: its name or folder, or the latest one",
        "",
        metavar="RUN",
        const="latest",
    ),
    Option("dir", "where runs and the response cache are kept", ".ugst", metavar="DIR"),
    Option(
        "data",
        "the folder that holds tau-bench, tau2-bench, multiwoz or is one of them (else UGST_DATA, else what "
        "'ugst data fetch' got)",
        "",
        metavar="DIR",
    ),
    Option(
        "goals",
        "goal files (or folders of them), separated by commas, whose goals are played in place of those with the same "
        "ids: decompositions that you have edited, for example",
        "",
        metavar="FILE",
    ),
    Option("prompts", "a folder of prompt files that take the place of the shipped ones", "", metavar="DIR"),
    Option(
        "fail-under",
        "fail the run if a success rate is lower, e.g. 85 or avg=85,policy=50; single misaligned goals no longer "
        "fail it then",
        "",
        metavar="RATES",
    ),
    Option(
        "baseline",
        "fail the run if it is worse than this one, goal by goal: a file of 'ugst baseline save', or a run's name or "
        "folder; single misaligned goals no longer fail it then",
        "",
        metavar="FILE|RUN",
    ),
    Option(
        "max-drop",
        "points that success rates may drop against the baseline: a number for all columns, or by name, e.g. 5 or "
        "avg=2,policy=5; columns that are not named are not looked at",
        DEFAULT_MAX_DROP,
        metavar="POINTS",
    ),
    Option("strict-gate", "fail the run also where it can't be told whether it dropped further", False, bool),
    Option(
        "baseline-allow",
        "what may differ from the baseline: goals (the shared ones are compared), judge, prompts, turns, data",
        "",
        metavar="WHAT",
    ),
    Option(
        "html",
        "write one page to read the run's episodes on; without FILE it is report.html in the run's folder",
        "",
        metavar="FILE.html",
        const="auto",
    ),
    Option(
        "progress",
        "show progress while episodes are played: auto (a line on terminals, now and then in logs) or off",
        "auto",
        choices=("auto", "off"),
    ),
)

BY_NAME: Mapping[str, Option] = {option.name: option for option in OPTIONS}
"""The options by their names."""
