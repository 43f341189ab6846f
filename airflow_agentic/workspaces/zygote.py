"""Requests → answers of the warm process in the sandbox; its end is an answer too.

The harness's standard error goes to a file and its answers come line by line over a pipe that no run inherits. A
process that does not answer in time, or is gone, is ended with everything below it.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from airflow_agentic.errors import WorkspaceError

log = logging.getLogger(__name__)
GRACE_S = 10.0
WATCH_S = 0.2


class Zygote:
    """One harness process; ``start`` returns at once, so that the clone can be made while it imports Airflow."""

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str], log_path: str, uid: int) -> None:
        self._command = list(command)
        self._environment = dict(environment)
        self._log_path = log_path
        self._uid = uid
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._count = 0
        self._ready: dict[str, Any] | None = None

    def start(self) -> None:
        """Start the process, again if it has ended. :raises WorkspaceError: it cannot be started."""
        self._ready, self._lines = None, queue.SimpleQueue()
        with open(self._log_path, "wb") as said:
            try:
                self._process = subprocess.Popen(
                    self._command,
                    env=self._environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=said,
                    text=True,
                    close_fds=True,
                    start_new_session=True,
                    cwd="/",
                )
            except OSError as error:
                raise WorkspaceError(f"Starting the workspace with {self._command[0]!r} failed: {error}") from error
        threading.Thread(target=_read, args=(self._process, self._lines), name="agentic-workspace", daemon=True).start()

    def ready(self, timeout_s: float) -> dict[str, Any]:
        """Wait until Airflow is imported and return the harness's versions.

        :raises WorkspaceError: it died or took longer; the message ends with its last words.
        """
        if self._ready is None:
            answer = self._next(time.monotonic() + timeout_s, watch=None)
            if not answer.get("ready"):
                self.stop()
                raise WorkspaceError(
                    f"Starting the workspace failed: {answer.get('died')}. It said: {self._last_words()}"
                )
            self._ready = answer
        return self._ready

    def ask(self, request: Mapping[str, Any], *, watch: Callable[[], str | None]) -> dict[str, Any]:
        """Send one request and return its answer; ``died`` says why there is none.

        :param watch: asked five times a second; a text ends the workspace for that reason.
        """
        self._count += 1
        try:
            assert self._process is not None and self._process.stdin is not None
            self._process.stdin.write(json.dumps({**request, "id": self._count}) + "\n")
            self._process.stdin.flush()
        except (OSError, AssertionError, ValueError):
            return {"died": "its process had ended before the run"}
        answer = self._next(time.monotonic() + float(request["wall_s"]) + GRACE_S, watch=watch)
        if "died" not in answer and answer.get("id") != self._count:
            answer = {"died": "it answered something else than was asked"}
        if "died" in answer:
            self.stop()
        return answer

    def alive(self) -> bool:
        """Say whether it can be asked."""
        return self._process is not None and self._process.poll() is None

    def resident_mb(self) -> int:
        """Return the memory that its processes hold themselves, all together."""
        pid = self._process.pid if self._process else 0
        return sum(_resident_kb(each) for each in ({pid} | _descendants(pid) if pid else ())) >> 10

    def stop(self) -> None:
        """End the process and everything that it started; safe to repeat."""
        process = self._process
        if process is None:
            return
        self._let_go(process)
        _kill_tree(process.pid, self._uid)
        try:
            process.wait(timeout=GRACE_S)
        except subprocess.TimeoutExpired:
            log.exception("Process %d of the workspace does not end", process.pid)
        if process.stdout is not None:
            process.stdout.close()

    def _let_go(self, process: subprocess.Popen[str]) -> None:
        """Let an idle process end by itself first: only then is its CPU time counted as ours."""
        if process.stdin is None or process.stdin.closed:
            return
        try:
            process.stdin.close()
            process.wait(timeout=WATCH_S)
        except (OSError, subprocess.TimeoutExpired):
            log.debug("The workspace is busy and will be ended")

    def _next(self, deadline: float, watch: Callable[[], str | None] | None) -> dict[str, Any]:
        while True:
            try:
                line = self._lines.get(timeout=WATCH_S)
                break
            except queue.Empty:
                why = watch() if watch else None
                if why:
                    return {"died": why}
                if time.monotonic() > deadline:
                    return {"died": "it did not answer in time"}
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        return value if isinstance(value, dict) else {"died": "its process ended"}

    def _last_words(self) -> str:
        try:
            with open(self._log_path, "rb") as said:
                said.seek(0, os.SEEK_END)
                said.seek(max(0, said.tell() - 1_500))
                return said.read().decode("utf-8", "replace").strip()
        except OSError:
            return ""


def _read(process: subprocess.Popen[str], lines: queue.SimpleQueue[str]) -> None:
    assert process.stdout is not None
    try:
        while line := process.stdout.readline(65_536):
            lines.put(line)
    except (OSError, ValueError):
        log.debug("The workspace's pipe was closed")
    lines.put("")


def _kill_tree(pid: int, uid: int) -> None:
    """Kill the process group, all descendants, and whatever else runs under the workspace's own user."""
    for _ in range(50):
        victims = _descendants(pid) | (_of_user(uid) if uid else set())
        for victim in victims:
            _kill(victim)
        if not victims:
            break
        time.sleep(0.01)
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        _kill(pid)


def _descendants(pid: int) -> set[int]:
    parents = {child: parent for child, (parent, state) in _processes().items() if state != "Z"}
    found: set[int] = set()
    ring = {pid}
    while ring:
        ring = {child for child, parent in parents.items() if parent in ring} - found
        found |= ring
    return found


def _of_user(uid: int) -> set[int]:
    return {pid for pid, (_, state) in _processes().items() if state != "Z" and _owner(pid) == uid}


def _processes() -> dict[int, tuple[int, str]]:
    """Return every process's parent and state; one that ends meanwhile is left out."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else []):
        with suppress(OSError, ValueError), open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as about:
            state, parent = about.read().rpartition(")")[2].split()[:2]
            found[int(name)] = int(parent), state
    return found


def _resident_kb(pid: int) -> int:
    with suppress(OSError, ValueError), open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as about:
        return sum(int(line.split()[1]) for line in about if line.startswith(("RssAnon:", "RssShmem:")))
    return 0


def _owner(pid: int) -> int:
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return -1


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
