"""A stand-in for the ``vllm`` executable: the same command line and endpoints, no model.

STAND_IN says what it does: ``delay=SECONDS`` until healthy, ``die=SECONDS`` with exit code 3, ``deaf`` never gets
healthy, ``stubborn`` ignores SIGTERM, ``child`` starts a process in a session of its own, ``other`` serves another
model. Process ids go into the file STAND_IN_PIDS.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

STARTED = time.monotonic()


def behaviour() -> dict[str, str]:
    return {name: value for name, _, value in (word.partition("=") for word in os.environ.get("STAND_IN", "").split())}


def option(name: str) -> str:
    return sys.argv[sys.argv.index(name) + 1]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        wanted = behaviour()
        if "deaf" in wanted or time.monotonic() - STARTED < float(wanted.get("delay", "0")):
            self.answer(503, {"error": "loading"})
        elif self.path == "/health":
            self.answer(200, {})
        elif self.headers["Authorization"] != f"Bearer {os.environ['VLLM_API_KEY']}":
            self.answer(401, {"error": "Unauthorized"})
        else:
            name = "another" if "other" in wanted else option("--served-model-name")
            self.answer(200, {"data": [{"id": name}], "argv": sys.argv[1:], "environ": dict(os.environ)})

    def do_POST(self) -> None:
        if self.path == "/die":
            print("about to die of a planned cause", flush=True)
            os._exit(5)
        self.answer(404, {})

    def answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


def main() -> None:
    wanted = behaviour()
    if "die" in wanted:
        print("loading weights\nRuntimeError: the stand-in was told to die", flush=True)
        time.sleep(float(wanted["die"]))
        sys.exit(3)
    if "stubborn" in wanted:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pids = [os.getpid()]
    if "child" in wanted:
        pids.append(
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True).pid
        )
    if "STAND_IN_PIDS" in os.environ:
        with Path(os.environ["STAND_IN_PIDS"]).open("a", encoding="utf-8") as file:
            file.write("".join(f"{pid} " for pid in pids))
    port = int(option("--port"))
    server = ThreadingHTTPServer((option("--host"), port), Handler)
    print(f"stand-in listens on {port}", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
