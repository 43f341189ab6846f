"""An account of a staging Airflow → what a proof asks of it: Dags, import errors, runs, logs. Patient, and repeatable.

Every request may be sent again: runs have names of ours, and a date that is taken by an earlier proof is freed.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from airflow_agentic.airflow_rest import AirflowRest, part
from airflow_agentic.errors import AgenticError, SourceUnavailable, WorkspaceError
from airflow_agentic.records import TaskKey
from airflow_agentic.workspaces.results import MAX_LOG, log_error
from airflow_agentic.workspaces.staging_branch import MARKER_DAG

log = logging.getLogger(__name__)
PREFIX = "agentic_proof_"
EVERY_S = 1.0
LOG_S = 30.0
"""How long the log of a failed try is waited for."""
ReadLog = Callable[[TaskKey], Iterator[bytes]]
"""Streams one try's log line by line."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a deployment is waited for."""

    serve_s: float = 300.0
    """From a push until the Dag processor has parsed the tree."""
    run_s: float = 1_800.0


class StagingAirflow:
    """The deployment's REST API, as far as a proof needs it; remembers what it started, to take it away again."""

    def __init__(self, rest: AirflowRest, read_log: ReadLog, *, dags_path: str) -> None:
        self.url = rest.base_url
        self._rest = rest
        self._read_log = read_log
        self._dags_path = dags_path
        self._ours: list[tuple[str, str]] = []
        self._woken: list[str] = []

    def wake(self, dag_id: str) -> None:
        """Let a paused Dag run: its runs would stay queued. `leave` pauses it again."""
        self._woken.append(dag_id)
        self.ask("PATCH", f"/dags/{part(dag_id)}", {"is_paused": False})

    def leave(self) -> None:
        """Delete our runs and pause what was paused; what cannot be done is left, and said in the log."""
        for dag_id, run_id in self._ours:
            with suppress(SourceUnavailable):
                self.ask("DELETE", run_path(dag_id, run_id), allowed=(404,))
        for dag_id in self._woken:
            with suppress(SourceUnavailable):
                self.ask("PATCH", f"/dags/{part(dag_id)}", {"is_paused": True}, allowed=(404,))

    def trigger(self, dag_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Start a run, after deleting the one that a proof of ours has left at the same date."""
        run_id = f"{PREFIX}{secrets.token_hex(6)}"
        for _ in range(2):
            status, answer = self.ask(
                "POST", f"/dags/{part(dag_id)}/dagRuns", {**body, "dag_run_id": run_id}, allowed=(409,)
            )
            if status != 409:
                self._ours.append((dag_id, run_id))
                return answer
            there, run = self.ask("GET", run_path(dag_id, run_id), allowed=(404,))
            if there == 200:  # the request that had no answer had started it
                self._ours.append((dag_id, run_id))
                return run
            self._make_room(dag_id, str(body["logical_date"]))
        raise WorkspaceError(f"Starting Dag {dag_id!r} on staging failed: there is a run of that date again and again.")

    def _make_room(self, dag_id: str, logical_date: str) -> None:
        query = f"logical_date_gte={part(logical_date)}&logical_date_lte={part(logical_date)}"
        _, found = self.ask("GET", f"/dags/{part(dag_id)}/dagRuns?limit=10&{query}")
        runs = [str(run.get("dag_run_id")) for run in found.get("dag_runs") or ()]
        foreign = [run_id for run_id in runs if not run_id.startswith(PREFIX)]
        if foreign:
            raise WorkspaceError(
                f"Starting Dag {dag_id!r} at {logical_date} on staging failed: it has a run of that date already, "
                f"{foreign[0]!r}, which is not ours. Delete it there, or pause the Dag's schedule on staging."
            )
        for run_id in runs:
            self.ask("DELETE", run_path(dag_id, run_id), allowed=(404,))

    def ended(self, dag_id: str, run_id: str) -> tuple[str, list[dict[str, Any]]] | None:
        """Return state and task instances of a run that has ended; a second try is not waited for."""
        _, now = self.ask("GET", run_path(dag_id, run_id))
        _, listed = self.ask("GET", f"{run_path(dag_id, run_id)}/taskInstances?limit=1000")
        tasks = list(listed.get("task_instances") or ())
        if now.get("state") in ("success", "failed"):
            return str(now["state"]), tasks
        return ("failed", tasks) if any(task.get("state") == "up_for_retry" for task in tasks) else None

    def log_of(self, key: TaskKey, *, failed: bool) -> str:
        """Return the end of one try's log; what it cannot give is said in its place.

        A try's state is known before its last lines are written: a failed one's log is waited for until it tells why.
        """
        deadline = time.monotonic() + LOG_S
        while True:
            text = self._read_text(key)
            if not failed or log_error(text, key) is not None or time.monotonic() > deadline:
                return text
            time.sleep(EVERY_S)

    def _read_text(self, key: TaskKey) -> str:
        kept = b""
        try:
            for line in self._read_log(key):
                kept = (kept + line + b"\n")[-MAX_LOG:]
        except AgenticError as error:
            return f"(its log could not be read: {error})"
        return kept.decode("utf-8", "replace")

    def dag(self, dag_id: str) -> dict[str, Any]:
        """Return a Dag's details; empty while it is not there."""
        status, about = self.ask("GET", f"/dags/{part(dag_id)}/details", allowed=(404,))
        return about if status == 200 else {}

    def import_errors(self) -> dict[str, str]:
        """Return what does not import of the staging bundle, by repository-relative file."""
        bundle = self.dag(MARKER_DAG).get("bundle_name")
        _, found = self.ask("GET", "/importErrors?limit=100")
        prefix = "" if self._dags_path in ("", ".") else f"{self._dags_path.strip('/')}/"
        return {
            f"{prefix}{str(item.get('filename')).removeprefix(prefix)}": str(item.get("stack_trace") or "")
            for item in found.get("import_errors") or ()
            if item.get("bundle_name") in (bundle, None)
        }

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, allowed: tuple[int, ...] = ()
    ) -> tuple[int, dict[str, Any]]:
        """Send one request, again after a pause where the deployment does not answer; each of ours may be repeated."""
        for pause_s in (1.0, 3.0, 9.0):
            try:
                return self._rest.call(method, path, body, allowed=allowed)
            except SourceUnavailable as error:
                log.info("Asked again in %.0f s: %s", pause_s, error)
                time.sleep(pause_s)
        return self._rest.call(method, path, body, allowed=allowed)

    def until(self, check: Callable[[], Any], timeout_s: float, what: str) -> Any:
        """Return the first answer of *check* that is not None. :raises WorkspaceError: there is none in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = check()
            if found is not None:
                return found
            if time.monotonic() > deadline:
                raise WorkspaceError(
                    f"Waiting until {what} on staging {self.url!r} failed: not within {timeout_s:.0f} s. "
                    "Check that its Dag bundle tracks staging_branch, and that its Dag processor runs."
                )
            time.sleep(EVERY_S)


def run_path(dag_id: str, run_id: str) -> str:
    """Return a run's address below ``/api/v2``."""
    return f"/dags/{part(dag_id)}/dagRuns/{part(run_id)}"
