"""Write the reference page about file formats, from the records that read and write the files."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from enum import StrEnum

from pydantic import BaseModel

from pytest_ugst.analysis.agreement.annotate.record import Annotations, Marks
from pytest_ugst.analysis.regression.baseline import Baseline, BaselineGoal, Trial
from pytest_ugst.analysis.regression.decision import ColumnDecision, Comparison, GateDecision
from pytest_ugst.analysis.results import Results
from pytest_ugst.analysis.stats.paired import Difference
from pytest_ugst.analysis.success.rates import Rate, Rates
from pytest_ugst.analysis.success.table import RatesRow
from pytest_ugst.core.conversation import Closing, Conversation, StopReason, ToolCall, Turn
from pytest_ugst.core.episode import Episode, EpisodeConfig
from pytest_ugst.core.labels import LabelledPart, StateLabels, TurnLabels
from pytest_ugst.core.status import Category, Status
from pytest_ugst.core.usage import Usage
from pytest_ugst.core.verdict import Evidence, Verdict
from pytest_ugst.llm.checkpoint_info import CheckpointInfo, TrainingStep
from pytest_ugst.runs.outcome import EpisodeOutcome, Tally
from pytest_ugst.trainers.data.folder import DataInfo

Record = type[BaseModel]

RECORDS: tuple[Record, ...] = (
    Episode,
    EpisodeConfig,
    Conversation,
    Turn,
    ToolCall,
    Closing,
    Verdict,
    Evidence,
    Usage,
    Results,
    RatesRow,
    Rates,
    Rate,
    EpisodeOutcome,
    Tally,
    Comparison,
    ColumnDecision,
    Difference,
    Baseline,
    BaselineGoal,
    Trial,
    StateLabels,
    LabelledPart,
    TurnLabels,
    Annotations,
    Marks,
    DataInfo,
    CheckpointInfo,
    TrainingStep,
)
_MARKED = re.compile(r"<!-- (fields: (?P<record>\w+)|values) -->\n.*?<!-- end -->\n", re.DOTALL)
"""The parts of the page that are made from code."""
PLAIN: Mapping[str, str] = {
    "schema_version": "version of the format",
    "labels_version": "version of the format",
    "format": "version of the format",
    "annotations_version": "version of the format",
    "Episode.goal": "the goal as it was played; its `components` are the sub-components that were tracked",
    "Episode.trial": "number of the trial, from 1",
    "Episode.setting": "what the episode was played with",
    "Episode.max_turns": "turn limit of the conversation",
    "Episode.conversation": "what was said, and how it ended",
    "Episode.verdicts": "all verdicts, ordered by turn and sub-component",
    "Episode.seconds": "duration",
    "EpisodeConfig.simulator": "name of the simulator",
    "EpisodeConfig.agent": "name of the agent",
    "EpisodeConfig.judge": "name of the judge",
    "EpisodeConfig.steer": "as `--ugst-steer`",
    "EpisodeConfig.reasoning": "whether the simulator reasoned before it spoke",
    "EpisodeConfig.judge_sees_tools": "as `--ugst-judge-tools`",
    "EpisodeConfig.seed": "as `--ugst-seed`",
    "EpisodeConfig.decomposer": "as `--ugst-decomposer`",
    "EpisodeConfig.tool_rounds": "as `--ugst-tool-rounds`",
    "Conversation.turns": "the turns, from turn 1 on",
    "Conversation.stop": "why it ended; null while it goes on, or where that is not known",
    "Conversation.closing": "the simulator's message that it is over",
    "Turn.user": "the user's words",
    "Turn.tool_calls": "the agent's tool calls before its answer",
    "Turn.agent_reasoning": "the agent's reasoning, which the simulator never sees",
    "ToolCall.id": "id of the call",
    "ToolCall.name": "name of the tool",
    "ToolCall.arguments": "arguments by name",
    "Closing.reasoning": "the simulator's reasoning before it",
    "Verdict.component": "id of the sub-component",
    "Verdict.turn": "the turn that was judged, from 1",
    "Verdict.status": "the status after this turn",
    "Verdict.reasoning": "the judge's reasoning",
    "Verdict.evidence": "the words it rests on",
    "Evidence.turn": "the turn in which it was said",
    "Evidence.speaker": "who said it",
    "Evidence.quote": "the words",
    "Usage.retries": "failed tries that were repeated",
    "Usage.prompt_tokens": "tokens of requests",
    "Usage.completion_tokens": "tokens of answers",
    "EpisodeOutcome.tally": "the numbers that rates are computed from",
    "EpisodeOutcome.stop": "how the conversation ended; null where the episode could not be played",
    "EpisodeOutcome.turns": "number of turns",
    "EpisodeOutcome.seconds": "duration",
    "Tally.trial": "number of the trial, from 1",
    "RatesRow.rates": "the success rates",
    "Baseline.kind": "tells the file from others",
    "StateLabels.components": "the sub-components that are labelled",
    "LabelledPart.id": "id of the sub-component",
    "LabelledPart.category": "its category",
    "LabelledPart.text": "its text",
    "LabelledPart.parent": "id of the objective that a requirement or preference belongs to",
    "StateLabels.annotator": "name of the annotator",
    "TurnLabels.turn": "the turn, from 1",
    "Annotations.annotator": "name of the annotator",
    "DataInfo.seed": "seed of everything that was drawn",
    "CheckpointInfo.role": "the role that the model was trained for",
    "CheckpointInfo.stop_words": "words that end a conversation",
    "TrainingStep.data_digest": "digest of the training data",
    "TrainingStep.options": "options of the training, by name",
    "TrainingStep.created": "the time in UTC, ISO 8601",
}
"""Meanings of fields whose names are all that their records say."""
TYPES: Mapping[str, str] = {
    "Tally.counts": "object: Category → `[total, successes, errors]`",
}
"""Types that their annotations do not say."""
ENUMS: tuple[type[StrEnum], ...] = (Category, Status, StopReason, GateDecision)
_TYPES = {
    "SafeText": "text",
    "Name": "text",
    "Text": "text",
    "Identifier": "text",
    "str": "text",
    "Finite": "number",
    "float": "number",
    "Count": "integer",
    "int": "integer",
    "bool": "true or false",
    "Any": "any",
    "JsonValue": "any",
    "Role": "text",
    "Label": "Status or ERROR",
    "None": "null",
}


def filled(page: str) -> str:
    """Return the page with the tables between its marks made anew."""
    records = {record.__name__: record for record in RECORDS}

    def made(mark: re.Match[str]) -> str:
        lines = _table(records[mark["record"]]) if mark["record"] else _values()
        return "\n".join([f"<!-- {mark[1]} -->", *lines, "<!-- end -->", ""])

    return _MARKED.sub(made, page)


def _table(record: Record) -> Iterator[str]:
    yield f"\n### {record.__name__}\n"
    about = (inspect.getdoc(record) or "").split("\n\n")[0]
    yield f"{_markdown(about)}\n\n| field | type | meaning |\n|---|---|---|"
    for name, annotation, meaning in fields(record):
        yield f"| `{name}` | {annotation} | {meaning} |"
    yield ""


def _values() -> Iterator[str]:
    yield "\n| name | values |\n|---|---|"
    for enum in ENUMS:
        yield f"| {enum.__name__} | {', '.join(f'`{value}`' for value in enum)} |"
    yield ""


def fields(record: Record) -> Iterator[tuple[str, str, str]]:
    """Yield name, type and meaning of a record's fields as they stand in a file; the meaning may be empty."""
    found: dict[str, tuple[str, str]] = {}
    for cls in reversed([base for base in record.__mro__ if base.__module__.startswith("pytest_ugst")]):
        body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
        assert isinstance(body, ast.ClassDef)
        for node, after in zip(body.body, [*body.body[1:], None], strict=True):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                text = ""
                if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                    text = _markdown(inspect.cleandoc(str(after.value.value))).rstrip(".")
                found[node.target.id] = (_type(node.annotation), text)
    for name, field in record.model_fields.items():
        if not field.exclude:
            annotation, text = found[name]
            key = f"{record.__name__}.{name}"
            meaning = text or PLAIN.get(key) or PLAIN.get(name, "")
            yield name, TYPES.get(key, annotation), meaning[:1].upper() + meaning[1:]


def _type(annotation: ast.expr) -> str:
    """Return a type in words where it is a simple one, in code otherwise."""
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Annotated":
        assert isinstance(annotation.slice, ast.Tuple)
        return _type(annotation.slice.elts[0])
    if isinstance(annotation, ast.BinOp):
        return f"{_type(annotation.left)} or {_type(annotation.right)}"
    if isinstance(annotation, ast.Subscript):
        return _container(ast.unparse(annotation.value), annotation.slice)
    name = ast.unparse(annotation)
    if name in {enum.__name__ for enum in ENUMS}:
        return f"[{name}](#values)"
    return _TYPES.get(name, f"[{name}](#{name.lower()})" if name in _documented() else name)


def _container(kind: str, inside: ast.expr) -> str:
    parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    if kind == "Literal":
        return " or ".join(f"`{ast.unparse(part).strip(chr(39))}`" for part in parts)
    if kind == "dict":
        return f"object: {_type(parts[0])} → {_type(parts[1])}"
    return f"list of {_type(parts[0])}"


def _documented() -> set[str]:
    return {record.__name__ for record in RECORDS}


def _markdown(text: str) -> str:
    """Return a docstring's text as Markdown in one line."""
    text = re.sub(r":\w+:`~?([^`]+)`", lambda role: f"`{role[1].rpartition('.')[2]}`", text)
    return " ".join(text.replace("``", "`").replace("|", "\\|").split())
