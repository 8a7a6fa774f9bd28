"""The process that serves a GGUF file: llama.cpp's own HTTP server, so that a crash there takes nobody along.

Run as a file; imports nothing of this package. Options it does not know, ``--NAME=VALUE``, set llama.cpp's parameter
of that name (``--n-batch=512``, ``--cpuparams.n-threads=1``). The API key comes in UGST_SERVER_KEY.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import Any


def set_parameter(params: Any, option: str) -> None:
    """Apply one ``--name=value``, converted to the type the parameter has."""
    name, equals, text = option.removeprefix("--").partition("=")
    *path, last = name.replace("-", "_").split(".")
    target = params
    for step in path:
        target = getattr(target, step, None)
    old = getattr(target, last, None)
    if (
        not option.startswith("--")
        or not equals
        or last.startswith("_")
        or not isinstance(old, bool | int | float | str)
    ):
        sys.exit(f"serve.args: {option!r} is no llama.cpp parameter; write --NAME=VALUE, for example --n-batch=512")
    try:
        if isinstance(old, bool):
            value: bool | int | float | str = {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        else:
            value = type(old)(text)
        setattr(target, last, value)
    except (KeyError, ValueError, TypeError, OverflowError):
        sys.exit(f"serve.args: {option!r}: {text!r} is no {type(old).__name__}")


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--model", required=True)
    parser.add_argument("--alias", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--context", type=int, required=True)
    parser.add_argument("--parallel", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--chat-template", type=Path)
    options, more = parser.parse_known_args()
    # Threads that wait by spinning take the cores from everybody else.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = options.model
    params.model_alias = {options.alias}
    params.hostnames = ["127.0.0.1"]
    params.port = options.port
    params.api_keys = [os.environ.pop("UGST_SERVER_KEY")]
    # No page in a browser may talk to it, no files are shown.
    params.cors_origins, params.cors_origins_explicit = "http://127.0.0.1", True
    params.ui = False
    params.endpoint_slots = False
    # The server divides its context evenly among its slots.
    params.n_ctx = options.context * options.parallel
    params.n_parallel = options.parallel
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads
    # Prompts of conversations that lost their slot: kept, so that switching back need not read them again.
    params.cache_ram_mib = 2048
    if options.chat_template is not None:
        params.chat_template = options.chat_template.read_text(encoding="utf-8")
    for option in more:
        set_parameter(params, option)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    server = xllamacpp.Server(params)
    print(f"serving {options.alias} at {server.listening_address}", flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
