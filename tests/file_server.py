"""A file server on the loopback interface that serves one archive, as well or as badly as a test wants."""

from __future__ import annotations

import hashlib
import http.server
import threading
from dataclasses import dataclass, field


@dataclass
class FileServer:
    """Serves ``body`` under every path. Use it in a ``with`` block."""

    body: bytes = b""
    ranges: bool = True
    """Whether it answers requests for a part."""
    validator: bool = True
    """Whether it says which version of the file it serves."""
    cut: list[int] = field(default_factory=list)
    """For the first requests, after how many bytes the connection breaks."""
    status: list[int] = field(default_factory=list)
    """For the first requests, an error to answer with; 0 for none."""
    length: bool = True
    """Whether it says how long the file is."""
    requests: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    sent: int = 0

    def __enter__(self) -> FileServer:
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        served = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                served.requests.append({key.lower(): value for key, value in self.headers.items()})
                served.paths.append(self.path)
                if served.status and (status := served.status.pop(0)):
                    self.send_error(status)
                    return
                tag = f'"{hashlib.sha256(served.body).hexdigest()[:16]}"'
                start = 0
                wanted = self.headers.get("Range")
                if wanted and served.ranges and self.headers.get("If-Range") in (None, tag):
                    start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                    if start >= len(served.body):
                        self.send_error(416)
                        return
                part = served.body[start:]
                self.send_response(206 if start else 200)
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{len(served.body) - 1}/{len(served.body)}")
                if served.validator:
                    self.send_header("ETag", tag)
                if served.length:
                    self.send_header("Content-Length", str(len(part)))
                self.send_header("Connection", "close")
                self.close_connection = True
                self.end_headers()
                if served.cut:
                    part = part[: served.cut.pop(0)]
                self.wfile.write(part)
                served.sent += len(part)

        return Handler
