"""How well does a model do as judge and decomposer on hand-labelled conversations?

    python benchmarks/judge_gold.py GOLD.jsonl --model model.gguf            # a server is started for it
    python benchmarks/judge_gold.py GOLD.jsonl --model NAME --base-url URL   # or it is somewhere already

Prints the agreement per category, as in table 4 of "Goal Alignment in LLM-Based User Simulators for Conversational
AI": the proportion of matching statuses over all turns, the judge's verdicts taken through the law of statuses. Beside
it stands what a judge would reach that never moves a status, since most statuses never move, and the mean of the
agreements over the statuses that occur, in which the rare ones count as much as the common ones. Then what it cost.

One line of the gold file is one conversation: ``goal``, ``components`` (id, category, parent, text), ``turns`` (user,
agent, tools), ``labels`` (turn, status by component; cumulative).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tabulate import tabulate

from pytest_ugst.chat.cache import ResponseCache
from pytest_ugst.chat.client import ChatPool
from pytest_ugst.chat.servers import ServerPark
from pytest_ugst.chat.spec import ModelSpec, Serve
from pytest_ugst.chat.types import ChatError
from pytest_ugst.core.conversation import Conversation, ToolCall, Turn
from pytest_ugst.core.errors import UgstError
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.state import Category, Status
from pytest_ugst.core.tracking import GoalState
from pytest_ugst.core.verdict import Verdict
from pytest_ugst.judges.decomposer import decompose
from pytest_ugst.judges.llm import LlmJudge
from pytest_ugst.prompts.loader import Prompts

CATEGORIES = {
    "user_profile": Category.PROFILE,
    "user_policy": Category.POLICY,
    "task_objective": Category.OBJECTIVE,
    "requirement": Category.REQUIREMENT,
    "preference": Category.PREFERENCE,
}
SAME_PART = 0.5
"""Two sub-components count as the same one if their words overlap by this much (F1 over words)."""


@dataclass(frozen=True, slots=True)
class Gold:
    """One labelled conversation."""

    id: str
    goal: Goal
    conversation: Conversation
    labels: tuple[dict[str, Status], ...]
    """By turn: status by component id."""


def read_gold(path: Path) -> list[Gold]:
    """All conversations of a gold file."""
    gold = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip():
            continue
        data = json.loads(line)
        components = tuple(
            Component(id=c["id"], category=CATEGORIES[c["category"]], text=c["text"], parent=c["parent"])
            for c in data["components"]
        )
        goal = Goal(id=data["id"], text=data["goal"], components=components)
        conversation = Conversation(turns=tuple(_turn(t) for t in data["turns"]))
        labels = tuple({k: Status(v) for k, v in entry["status"].items()} for entry in data["labels"])
        gold.append(Gold(data["id"], goal, conversation, labels))
    return gold


def _turn(data: dict[str, Any]) -> Turn:
    calls = tuple(
        ToolCall(id=f"call-{i}", name=t["name"], arguments=t["arguments"], result=t["result_head"])
        for i, t in enumerate(data["tools"], 1)
    )
    return Turn(user=data["user"], tool_calls=calls, agent=data["agent"] or None)


@dataclass(slots=True)
class Agreement:
    """Pairs of gold and judged status by category."""

    pairs: dict[Category, Counter[tuple[str, str]]] = field(default_factory=lambda: defaultdict(Counter))
    still: Counter[Category] = field(default_factory=Counter)
    """How many gold statuses are the initial one."""
    log: list[dict[str, Any]] = field(default_factory=list)

    def add(self, gold: Gold, turn: int, state: GoalState, verdicts: Sequence[Verdict]) -> None:
        """Compare one turn."""
        initial = GoalState.initial(gold.goal.components or ())
        said = {v.component: v for v in verdicts}
        for item in state:
            wanted = gold.labels[turn - 1][item.component.id]
            self.pairs[item.category][wanted, item.label] += 1
            self.still[item.category] += wanted is initial[item.component.id].status
            verdict = said.get(item.component.id)
            self.log.append(
                {
                    "conversation": gold.id,
                    "turn": turn,
                    "component": item.component.id,
                    "category": item.category,
                    "text": item.text,
                    "gold": wanted,
                    "state": item.label,
                    "verdict": verdict and (verdict.status or verdict.error),
                    "reasoning": verdict and verdict.reasoning,
                }
            )

    def rows(self) -> list[list[Any]]:
        """One row per category, and the mean of them."""
        rows: list[list[Any]] = []
        for category in Category:
            pairs = self.pairs.get(category)
            if not pairs:
                continue
            total = pairs.total()
            by_status = {
                s: (pairs[s, s] / n)
                for s in {g for g, _ in pairs}
                if (n := sum(c for (g, _), c in pairs.items() if g == s))
            }
            rows.append(
                [
                    category.value,
                    total,
                    100 * sum(c for (g, j), c in pairs.items() if g == j) / total,
                    100 * self.still[category] / total,
                    100 * sum(by_status.values()) / len(by_status),
                    sum(c for (_, j), c in pairs.items() if j == "ERROR"),
                    ", ".join(f"{g}->{j} {c}" for (g, j), c in pairs.most_common() if g != j),
                ]
            )
        if rows:
            means = [sum(row[i] for row in rows) / len(rows) for i in (2, 3, 4)]
            rows.append(["Avg", sum(r[1] for r in rows), *means, sum(r[5] for r in rows), ""])
        return rows


async def judge_one(judge: LlmJudge, gold: Gold, agreement: Agreement, last_turn: int) -> None:
    """Judge a conversation turn by turn, as a run does: what has reached its last status is not judged again."""
    components = gold.goal.components or ()
    verdicts: list[Verdict] = []
    for turn in range(1, min(len(gold.labels), last_turn) + 1):
        state = GoalState.fold(components, verdicts, turn - 1)
        new = await judge.judge(state.open(), gold.conversation.up_to(turn), turn)
        verdicts += new
        agreement.add(gold, turn, GoalState.fold(components, verdicts, turn), new)
        print(".", end="", file=sys.stderr, flush=True)
    print(f" {gold.id}", file=sys.stderr, flush=True)


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"[a-z0-9']+", text.lower()))


def overlap(a: str, b: str) -> float:
    """F1 over the words of two texts."""
    left, right = _words(a), _words(b)
    common = (left & right).total()
    return 2 * common / (left.total() + right.total()) if common else 0.0


def match(gold: Sequence[Component], made: Sequence[Component]) -> list[tuple[Component, Component]]:
    """Pairs of gold and made sub-components, best overlap first, each used once."""
    scored = sorted(
        ((overlap(g.text, m.text), i, j) for i, g in enumerate(gold) for j, m in enumerate(made)), reverse=True
    )
    used_gold: set[int] = set()
    used_made: set[int] = set()
    pairs = []
    for score, i, j in scored:
        if score >= SAME_PART and i not in used_gold and j not in used_made:
            used_gold.add(i)
            used_made.add(j)
            pairs.append((gold[i], made[j]))
    return pairs


async def decomposed(chat_pool: ChatPool, spec: ModelSpec, prompts: Prompts, gold: Sequence[Gold]) -> dict[str, Any]:
    """Decompose every goal and compare with the gold components."""
    found = wanted = right = same_kind = 0
    errors = []
    made_by_goal = {}
    chat = chat_pool.chat(spec, "decomposer")
    for entry in gold:
        components = entry.goal.components or ()
        wanted += len(components)
        try:
            made = (await decompose(chat, entry.goal.model_copy(update={"components": None}), prompts)).components or ()
        except ChatError as error:
            errors.append(f"{entry.id}: {error}")
            continue
        pairs = match(components, made)
        found += len(made)
        right += len(pairs)
        same_kind += sum(g.category is m.category for g, m in pairs)
        made_by_goal[entry.id] = [f"{c.id}: {c.text}" for c in made]
        print(f"decomposed {entry.id}: {len(made)} parts, gold {len(components)}", file=sys.stderr, flush=True)
    precision, recall = right / found if found else 0.0, right / wanted if wanted else 0.0
    return {
        "P": 100 * precision,
        "R": 100 * recall,
        "F1": 200 * precision * recall / (precision + recall) if right else 0.0,
        "Acc.": 100 * same_kind / right if right else 0.0,
        "errors": errors,
        "goals": made_by_goal,
    }


async def measure(options: argparse.Namespace, spec: ModelSpec, gold: Sequence[Gold]) -> dict[str, Any]:
    """Run judge and decomposer, print the tables, and return everything."""
    prompts = Prompts.load(options.prompts)
    cache = ResponseCache(options.cache) if options.cache else None
    pool = ChatPool(cache=cache)
    result: dict[str, Any] = {"model": spec.name, "prompts": prompts.version, "conversations": [g.id for g in gold]}
    started = time.perf_counter()
    try:
        if options.only != "decomposer":
            judge = LlmJudge(pool.chat(spec, "judge"), prompts, not options.text_only)
            agreement = Agreement()
            for entry in gold:
                await judge_one(judge, entry, agreement, options.turns)
            rows = agreement.rows()
            headers = ["category", "labels", "agreement", "never moves", "by status", "errors", "gold->judge"]
            print(f"\nJudge {spec.name}, prompts {prompts.version}, {len(gold)} conversations")
            print(tabulate(rows, headers, floatfmt=".1f"))
            result |= {"judge": [dict(zip(headers, row, strict=True)) for row in rows], "log": agreement.log}
        if options.only != "judge":
            numbers = await decomposed(pool, spec, prompts, gold)
            print(f"\nDecomposer {spec.name}, prompts {prompts.version}, {len(gold)} goals")
            shown = {k: v for k, v in numbers.items() if isinstance(v, float)}
            print(tabulate([list(shown.values())], list(shown), floatfmt=".1f"))
            print("\n".join(numbers["errors"]))
            result["decomposer"] = numbers
        usage = pool.totals.by_role()
        result["usage"] = {role: u.model_dump() for role, u in usage.items()}
        columns = ["calls", "cache_hits", "prompt_tokens", "cached_tokens", "completion_tokens", "seconds"]
        print("\n" + tabulate([[r, *(getattr(u, c) for c in columns)] for r, u in usage.items()], ["role", *columns]))
        print(f"{time.perf_counter() - started:.0f} s in all")
    finally:
        await pool.close()
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path)
    parser.add_argument("--model", required=True, help="a GGUF file or checkpoint folder to serve, or a served name")
    parser.add_argument("--base-url", help="where the model is served already, with /v1")
    parser.add_argument("--api-key-env", help="the environment variable that holds the server's key")
    parser.add_argument("--only", choices=["judge", "decomposer"])
    parser.add_argument("--ids", help="conversations to take, by id, separated by commas")
    parser.add_argument("--turns", type=int, default=1000, help="judge the first so many turns")
    parser.add_argument("--text-only", action="store_true", help="hide tool calls from the judge")
    parser.add_argument("--prompts", type=Path, help="a folder of prompt files")
    parser.add_argument("--cache", type=Path, help="keep answers in this file, so that a broken run can go on")
    parser.add_argument("--concurrency", type=int, default=1, help="requests at once; 1 serves a prefix cache best")
    parser.add_argument("--context", type=int, default=6144)
    parser.add_argument("--max-tokens", type=int, default=400)
    parser.add_argument("--out", type=Path, help="write everything there, as JSON")
    options = parser.parse_args(arguments)
    gold = read_gold(options.gold)
    if options.ids:
        wanted = options.ids.split(",")
        gold = [g for g in gold if g.id in wanted]
    spec = ModelSpec(
        name=Path(options.model).name,
        model=options.model,
        base_url=options.base_url,
        api_key_env=options.api_key_env,
        sampling={"temperature": 0, "max_tokens": options.max_tokens},
        concurrency=options.concurrency,
        timeout=1800,
        serve=Serve(context=options.context, parallel=options.concurrency),
    )
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            ServerPark(Path(folder), say=lambda s: print(s, file=sys.stderr)) as park,
        ):
            result = asyncio.run(measure(options, park.start(spec), gold))
    except UgstError as error:
        sys.exit(f"error: {error}")
    if options.out:
        options.out.write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
