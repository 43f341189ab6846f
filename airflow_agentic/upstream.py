"""A folder of JSON files → a small HTTP API on loopback, as a captured failure's source systems served it.

``faults.json`` in the folder may map the first part of a path to ``{"status": 503, "first": N, "body": "..."}``: the
first N requests below it are answered so.
"""

from __future__ import annotations

import http.server
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def serve_upstream(folder: str | None) -> Iterator[str | None]:
    """Serve *folder* read-only and yield its base address; yield None for no folder."""
    if folder is None:
        yield None
        return
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(folder, _faults(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def _faults(folder: str) -> dict[str, dict[str, Any]]:
    path = os.path.join(folder, "faults.json")
    if not os.path.isfile(path):
        return {}
    with open(path, encoding="utf-8") as text:
        return dict(json.load(text))


def _handler(folder: str, faults: dict[str, dict[str, Any]]) -> type[http.server.BaseHTTPRequestHandler]:
    root = os.path.realpath(folder)

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Stay silent."""

        def do_GET(self) -> None:
            path = self.path.split("?")[0].lstrip("/")
            fault = faults.get(path.split("/")[0])
            if fault and fault["first"] > 0:
                fault["first"] -= 1
                self._answer(int(fault["status"]), str(fault["body"]).encode())
                return
            full = os.path.realpath(os.path.join(root, path))
            if not full.startswith(root + os.sep) or not os.path.isfile(full):
                self._answer(404, b"not found")
                return
            with open(full, "rb") as content:
                self._answer(200, content.read())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
