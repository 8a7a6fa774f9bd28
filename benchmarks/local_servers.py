"""Measure a local model server on this machine: start-up, memory, tokens a second.

    python benchmarks/local_servers.py smollm2 --parallel 1 2 4
    UGST_VLLM=~/vllm-env/bin/vllm python benchmarks/local_servers.py checkpoints/smollm2 --parallel 8

Every conversation has its own prompt, so that no prefix is shared. Other work on the machine shows in the numbers: the
load average is printed with them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pytest_ugst.llm.model_spec import ModelSpec, ServeOptions
from pytest_ugst.llm.packaged import PACKAGED, packaged_spec
from pytest_ugst.llm.servers import ServerPool

WORDS = ["table", "hotel", "train", "monday", "evening", "please", "book", "cheap", "north", "near", "museum", "ticket"]
SCHEMA = {
    "type": "object",
    "properties": {"status": {"enum": ["ALIGNED", "MISALIGNED"]}, "turn": {"type": "integer"}},
    "required": ["status", "turn"],
    "additionalProperties": False,
}


def ask(served: ModelSpec, messages: list[dict[str, str]], **more: Any) -> Any:
    """Return the response to a chat completions request."""
    assert served.api_key is not None
    request = urllib.request.Request(
        f"{served.base_url}/chat/completions",
        json.dumps({"model": served.model, "messages": messages, **more}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {served.api_key.get_secret_value()}"},
    )
    with urllib.request.urlopen(request, timeout=600) as response:
        return json.load(response)


def memory(root: int) -> float:
    """Return the resident memory of a process and its descendants in GiB."""
    pages, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            waiting += [int(child) for child in children.read_text().split()]
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**30


def measure(served: ModelSpec, parallel: int, conversations: int, output: int) -> str:
    """Return a line about the tokens a second over some conversations."""
    rng = random.Random(parallel)

    def one(number: int) -> Any:
        history = f"Conversation {number}. " + " ".join(rng.choice(WORDS) for _ in range(300))
        messages = [{"role": "system", "content": history}, {"role": "user", "content": "Tell me a long story."}]
        return ask(served, messages, max_tokens=output, temperature=0.7)["usage"]

    began = time.monotonic()
    with ThreadPoolExecutor(parallel) as pool:
        usages = list(pool.map(one, range(conversations)))
    seconds = time.monotonic() - began
    prompt, completion = (sum(usage[f"{kind}_tokens"] for usage in usages) for kind in ("prompt", "completion"))
    return (
        f"{conversations} conversations in {seconds:.1f} s: {prompt} prompt + {completion} output tokens,"
        f" {prompt / seconds:.0f} + {completion / seconds:.1f} a second"
    )


def main() -> None:
    """Start the server, measure it, and print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a packaged model (smollm2), a GGUF file, a checkpoint folder or a hub name")
    parser.add_argument("--engine", default="auto", choices=["auto", "vllm", "llama", "transformers"])
    parser.add_argument("--parallel", type=int, nargs="+", default=[4])
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--conversations", type=int, default=8)
    parser.add_argument("--output", type=int, default=64, help="tokens of output per conversation")
    parser.add_argument("--arg", action="append", default=[], help="handed to the server, as --arg=--option=value")
    options = parser.parse_args()
    packaged = options.model in PACKAGED
    base = packaged_spec(options.model) if packaged else ModelSpec(name=Path(options.model).stem, model=options.model)
    for parallel in options.parallel:
        serve = ServeOptions(engine=options.engine, context=options.context, parallel=parallel, args=tuple(options.arg))
        with tempfile.TemporaryDirectory() as run, ServerPool(Path(run)) as servers:
            began = time.monotonic()
            served = servers.start(base.model_copy(update={"serve": serve}))
            ready = time.monotonic() - began
            supervisor = json.loads((Path(run) / "servers" / f"{base.name}.json").read_text())["warden"]
            short = [{"role": "user", "content": "Write one sentence about cats."}]
            text = ask(served, short, max_tokens=32, temperature=0)["choices"][0]["message"]["content"]
            form = {"type": "json_schema", "json_schema": {"name": "verdict", "strict": True, "schema": SCHEMA}}
            parsed = ask(served, short, max_tokens=48, response_format=form)["choices"][0]["message"]["content"]
            line = measure(served, parallel, options.conversations, options.output)
            print(f"{served.model}, parallel {parallel}, {' '.join(options.arg) or 'no arguments'}")
            print(f"  ready after {ready:.1f} s; {memory(supervisor):.2f} GiB; load {os.getloadavg()[0]:.1f}")
            print(f"  {line}")
            print(f"  cats: {text!r}; schema: {' '.join(parsed.split())!r}", flush=True)


if __name__ == "__main__":
    main()
