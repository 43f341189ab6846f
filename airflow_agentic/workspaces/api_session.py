"""One open workspace on a staging Airflow: trees are served from a branch, runs are triggered and read over REST.

A run counts only if the deployment says that it used the tree that was pushed: by the bundle's version where the
bundle has versions, else by the marker Dag and a parse after it. Runs are named after us and deleted at the end, since
a deployment takes only one run a logical date.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from airflow_agentic.errors import SourceUnavailable, WorkspaceError
from airflow_agentic.git import Clone, GitError
from airflow_agentic.records import ChangeSet, Check, DagLinks, StagedRun, StagedTask, TableDiff, TaskError, TaskKey
from airflow_agentic.tracebacks import fingerprint, parse_tracebacks, root_error
from airflow_agentic.workspaces.applied import apply_change
from airflow_agentic.workspaces.results import TAIL, log_error, plain
from airflow_agentic.workspaces.staging_airflow import Patience, StagingAirflow, run_path
from airflow_agentic.workspaces.staging_branch import MARKER_DAG, StagingBranch

log = logging.getLogger(__name__)
_FAILED = ("failed", "up_for_retry")


@dataclass(frozen=True, kw_only=True)
class _Served:
    commit: str
    tag: str
    at: str
    """When the marker was parsed, as the deployment's clock says."""


class ApiSession:
    """A `WorkspaceSession` on a staging deployment; made by `AirflowApiWorkspace.open`."""

    def __init__(
        self,
        *,
        staging: StagingAirflow,
        clone: Clone,
        branch: StagingBranch,
        base_commit: str,
        version: str,
        patience: Patience,
    ) -> None:
        self._staging = staging
        self._clone = clone
        self._branch = branch
        self._base_commit = base_commit
        self._patience = patience
        self._version = version
        self._served: _Served | None = None

    def environment(self) -> tuple[tuple[str, str], ...]:
        """Return the deployment and its version; it isolates by being another deployment."""
        return (
            ("workspace", f"staging Airflow at {self._staging.url}"),
            ("airflow", self._version),
            ("base_commit", self._base_commit),
        )

    def apply(self, change: ChangeSet) -> None:
        """Put the change into the clone; it is pushed before the next run."""
        apply_change(change, work_tree=self._clone.work_tree, base_commit=self._base_commit)
        self._served = None

    def reset(self) -> None:
        """Take every change out of the clone again; it is pushed before the next run."""
        try:
            self._clone.git("reset", "--hard", "--quiet", self._base_commit)
            self._clone.git("clean", "-ffdxq")
        except GitError as error:
            raise WorkspaceError(f"Taking the change out of the workspace failed: {error}") from error
        self._served = None

    def go_to(self, commit: str) -> None:
        """Take the code of another commit; `reset` comes back. :raises WorkspaceError: it is gone."""
        try:
            self._clone.git("reset", "--hard", "--quiet", commit)
        except GitError as error:
            raise WorkspaceError(f"Going to commit {commit[:12]} failed: {error}") from error
        self._served = None

    def run_dag(
        self,
        name: str,
        *,
        dag_file: str,
        dag_id: str,
        logical_date: str,
        task_ids: Sequence[str],
        conf: str = "{}",
        data_interval: tuple[str, str] | None = None,
        partition_key: str = "",
        data_of: StagedRun | None = None,
    ) -> StagedRun:
        """Serve the tree, run the whole Dag there and read its states and logs; never raises for what it does."""
        started = time.monotonic()
        blank = StagedRun(
            name=name, dag_id=dag_id, logical_date=logical_date, state="", tasks=(), runs_in_database=0, duration_s=0.0
        )
        try:
            if not os.path.isfile(os.path.join(self._clone.work_tree, dag_file)):
                raise WorkspaceError(f"Running Dag {dag_id!r} failed: the tree has no file {dag_file!r}.")
            served = self._serve()
            failed = self._wait_for(dag_id, dag_file, served)
            if failed is not None:
                return replace(blank, state="failed", import_error=failed)
            body = {"logical_date": logical_date or None, "conf": json.loads(conf or "{}")}
            if data_interval and logical_date:
                body |= {"data_interval_start": data_interval[0], "data_interval_end": data_interval[1]}
            if partition_key:
                body["partition_key"] = partition_key
            run = self._staging.trigger(dag_id, body)
            self._check_version(run, served)
            return self._read(blank, run, time.monotonic() - started)
        except (WorkspaceError, SourceUnavailable, ValueError) as error:
            return replace(blank, state="broken", duration_s=time.monotonic() - started, broken_because=str(error))

    def import_dags(self, dags_path: str) -> tuple[Check, ...]:
        """Return what the deployment could not import of the tree, and one Check for all that it could."""
        self._serve()
        errors = self._staging.import_errors()
        checks = [
            Check(
                name=f"imports: {file}",
                passed=False,
                detail=said.strip().splitlines()[-1][:500] if said.strip() else "",
            )
            for file, said in sorted(errors.items())
        ]
        return (*checks, Check(name="imports", passed=not checks, detail=f"{len(checks)} files do not import there"))

    def links(self) -> tuple[DagLinks, ...]:
        """Return none: what runs downstream of a staging run is the deployment's own business."""
        return ()

    def run_tests(self) -> tuple[Check, ...]:
        """Say that no tests are run: a deployment runs Dags only."""
        return (Check(name="repository tests", passed=True, detail="not run: a staging Airflow runs Dags only"),)

    def run_linters(self) -> tuple[Check, ...]:
        """Return none, as for tests."""
        return ()

    def left_behind(self, run: StagedRun, paths: Sequence[str]) -> frozenset[str]:
        """Return none: the deployment's files cannot be looked at."""
        return frozenset()

    def rebuild(self, logical_date: str) -> StagedRun | None:
        """Return none: what stands in a team's staging data is theirs, and Dags upstream are not run again."""

    def discard(self, run: StagedRun) -> None:
        """Keep it until the session ends: the same date is run again only after its run was deleted anyway."""

    def table_diff(self, before: StagedRun, after: StagedRun) -> tuple[TableDiff, ...]:
        """Return none: the deployment's data cannot be looked at."""
        return ()

    def close(self) -> None:
        """Delete our runs and put the branch back to the base. :raises WorkspaceError: it could not be put back."""
        self._staging.leave()
        self._branch.put_back()

    def _serve(self) -> _Served:
        """Push the tree if it is not there yet, and wait until the deployment has parsed its marker."""
        if self._served is not None:
            return self._served
        commit, tag = self._branch.serve()
        log.info("Staging tree %s pushed as %s; waiting for the Dag processor", tag, commit[:12])

        def parsed() -> _Served | None:
            about = self._staging.dag(MARKER_DAG)
            tags = [t.get("name") for t in about.get("tags") or () if isinstance(t, dict)]
            version = about.get("bundle_version")
            if tag not in tags or (version and version != commit):
                return None
            return _Served(commit=commit, tag=tag, at=str(about.get("last_parsed_time") or ""))

        self._served = self._staging.until(parsed, self._patience.serve_s, f"the Dag processor has parsed {tag}")
        return self._served

    def _wait_for(self, dag_id: str, dag_file: str, served: _Served) -> TaskError | None:
        """Wait until the Dag is of the tree that is served, or its file's import has failed there; return why."""

        def settled() -> list[TaskError | None] | None:
            said = next((text for file, text in self._staging.import_errors().items() if file == dag_file), None)
            if said is not None:
                return [_import_error(said, dag_id)]
            about = self._staging.dag(dag_id)
            version = about.get("bundle_version")
            fresh = version == served.commit if version else str(about.get("last_parsed_time") or "") > served.at
            if not fresh or about.get("is_stale"):
                return None
            if about.get("is_paused"):
                self._staging.wake(dag_id)
            return [None]

        found: list[TaskError | None] = self._staging.until(
            settled, self._patience.serve_s, f"Dag {dag_id!r} of {served.tag} is there"
        )
        return found[0]

    def _check_version(self, run: dict[str, Any], served: _Served) -> None:
        version = run.get("bundle_version")
        if version and version != served.commit:
            raise WorkspaceError(
                f"Running {run.get('dag_id')!r} on staging failed: the run uses version {str(version)[:12]}, not "
                f"{served.commit[:12]} as pushed. Does somebody else push to the staging branch? Clear the task."
            )

    def _read(self, blank: StagedRun, run: dict[str, Any], spent: float) -> StagedRun:
        dag_id, run_id = str(run["dag_id"]), str(run["dag_run_id"])

        begun = time.monotonic()
        what = f"run {run_id!r} of Dag {dag_id!r} has ended"
        state, listed = self._staging.until(lambda: self._staging.ended(dag_id, run_id), self._patience.run_s, what)
        tasks, said = [], []
        for item in sorted(listed, key=lambda t: (str(t["task_id"]), int(t["map_index"]))):
            failed = item.get("state") in _FAILED
            key = TaskKey(
                dag_id=dag_id,
                run_id=run_id,
                task_id=str(item["task_id"]),
                map_index=int(item["map_index"]),
                try_number=max(1, int(item.get("try_number") or 1)),
            )
            text = self._staging.log_of(key, failed=failed) if failed or state == "success" else ""
            said.append(f"--- {key.task_id} ---\n{plain(text)[-TAIL:]}" if text else "")
            error = log_error(text, key) if failed else None
            tasks.append(
                StagedTask(
                    task_id=key.task_id,
                    map_index=key.map_index,
                    state="failed" if failed else str(item.get("state")),
                    error=error,
                )
            )
        if any(item.get("state") == "up_for_retry" for item in listed):
            # Only now: ending the run any earlier would cut the try's log off.
            self._staging.ask("PATCH", run_path(dag_id, run_id), {"state": "failed"}, allowed=(404, 409))
        return replace(
            blank,
            tasks=tuple(tasks),
            state=state,
            runs_in_database=1,
            duration_s=spent + time.monotonic() - begun,
            log_tail="\n".join(filter(None, said))[-TAIL:],
        )


def _import_error(said: str, dag_id: str) -> TaskError:
    """Return why a file does not import, by the same reading as the incident's."""
    key = TaskKey(dag_id=dag_id, run_id="", task_id="")
    found = root_error(key, parse_tracebacks(said.splitlines()))
    if found is not None:
        return found
    last = said.strip().splitlines()[-1][:2_000] if said.strip() else "no reason was told"
    return TaskError(
        task=key, error_class="unknown", message=last, frames=(), fingerprint=fingerprint("unknown", last, ())
    )
