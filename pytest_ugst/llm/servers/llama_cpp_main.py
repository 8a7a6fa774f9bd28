"""The process that serves a GGUF file with llama.cpp's own HTTP server; a crash there ends no other process.

It is run as a file and imports nothing of this package. Other options, ``--NAME=VALUE``, set llama.cpp's parameter of
that name (``--n-batch=512``, ``--cpuparams.n-threads=1``). The API key is read from the variable UGST_SERVER_KEY.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import Any


def set_parameter(params: Any, option: str) -> None:
    """Set the parameter that an option names, converted to the type it has.

    Args:
        params: llama.cpp's parameters.
        option: The option, ``--NAME=VALUE``.

    Raises:
        SystemExit: If there is no such parameter, or the value does not have its type.
    """
    name, equals, text = option.removeprefix("--").partition("=")
    *path, last = name.replace("-", "_").split(".")
    target = params
    for attribute in path:
        target = getattr(target, attribute, None)
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
    # Threads that spin while they wait take the cores from other processes.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = options.model
    params.model_alias = {options.alias}
    params.hostnames = ["127.0.0.1"]
    params.port = options.port
    params.api_keys = [os.environ.pop("UGST_SERVER_KEY")]
    # No page in a browser may call it; it shows neither a page of its own nor the prompts in its slots.
    params.cors_origins, params.cors_origins_explicit = "http://127.0.0.1", True
    params.ui = False
    params.endpoint_slots = False
    # The server divides its context evenly among its slots.
    params.n_ctx = options.context * options.parallel
    params.n_parallel = options.parallel
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads
    # Prompts of conversations that lost their slot are kept, so that they need not be processed again.
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
