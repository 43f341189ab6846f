"""One open workspace: a clone that can be changed, and runs of its Dags on fresh copies of code and data.

The parent lays out a folder per run (code, data, metadata database, home) and the warm process forks into it. A run
can write to its own folder only in the sense of its layers; nothing of it is reused by the next one.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from airflow_agentic.errors import WorkspaceError
from airflow_agentic.git import Clone, GitError
from airflow_agentic.records import ChangeSet, Check, DagLinks, StagedRun, TableDiff
from airflow_agentic.workspaces import canary
from airflow_agentic.workspaces.applied import apply_change
from airflow_agentic.workspaces.data_diff import compare_tables
from airflow_agentic.workspaces.environment import About
from airflow_agentic.workspaces.prepared import Prepared
from airflow_agentic.workspaces.repository_checks import Ran, run_linters, run_tests
from airflow_agentic.workspaces.results import OutFolder, links_told, plain, read_run
from airflow_agentic.workspaces.sandbox import TEMPORARY, Sandbox
from airflow_agentic.workspaces.staging import UNPREPARED, Limits, PrepareStep, Staging, postgres_addresses
from airflow_agentic.workspaces.zygote import Zygote

log = logging.getLogger(__name__)


class LocalSession:
    """A `WorkspaceSession` on this machine; made by `LocalWorkspace.open`."""

    def __init__(
        self,
        *,
        box: str,
        clone: Clone,
        template: str,
        zygote: Zygote,
        sandbox: Sandbox,
        staging: Staging,
        limits: Limits,
        about: About,
    ) -> None:
        self._box = box
        self._clone = clone
        self._template = template
        self._zygote = zygote
        self._sandbox = sandbox
        self._staging = staging
        self._limits = limits
        self._about = about
        self._prepared = Prepared(data=staging.data, run=self._prepare_one)
        self._count = 0
        self._folders: dict[StagedRun, str] = {}
        self._canary: str | None = None
        self._links: tuple[DagLinks, ...] = ()
        self._surveys: dict[StagedRun, list[dict[str, Any]]] = {}
        self._shared: list[dict[str, Any]] | None = None
        self._shared_before: dict[str, list[dict[str, Any]] | None] = {}
        """Run's name → tables of shared databases as the first of that name found them: what a later one finds, such as
        green once more with a smaller change, is the earlier one's work. None: no run before has told."""
        self._databases = postgres_addresses(staging) if staging.reach else ()

    def environment(self) -> tuple[tuple[str, str], ...]:
        """Return isolation layers and versions, name and value; a layer's value starts with ``held`` or ``missing``."""
        boot = self._zygote.ready(self._limits.boot_s)
        return (
            *self._about.layers,
            ("airflow", str(boot["airflow"])),
            ("python", str(boot["python"])),
            ("harness", str(boot["warm"])),
            ("base_commit", self._about.base_commit),
            *((UNPREPARED, name) for name in self._prepared.missing),
        )

    def apply(self, change: ChangeSet) -> None:
        """Put the change into the clone, all of it or nothing.

        :raises WorkspaceError: a path leaves the repository, or a file is not what the change was made from.
        """
        apply_change(change, work_tree=self._clone.work_tree, base_commit=self._about.base_commit)

    def reset(self) -> None:
        """Take every change out again. Staging data needs none: every run starts from a fresh copy."""
        try:
            self._clone.git("reset", "--hard", "--quiet", self._about.base_commit)
            self._clone.git("clean", "-ffdxq")
        except GitError as error:
            raise WorkspaceError(f"Taking the change out of the workspace failed: {error}") from error

    def go_to(self, commit: str) -> None:
        """Take the code of another commit; `reset` comes back. :raises WorkspaceError: it is gone."""
        try:
            self._clone.git("reset", "--hard", "--quiet", commit)
        except GitError as error:
            raise WorkspaceError(f"Going to commit {commit[:12]} failed: {error}") from error

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
        """Run a Dag's tasks (with all that is up- and downstream of *task_ids*; none: all) on fresh staging data.

        :param logical_date: ISO 8601; empty for a run without one.
        :param data_of: a run of this session: start from what it has written instead.
        """
        start = os.path.join(self._folders[data_of], "data") if data_of in self._folders else self._prepared.data
        folder, out, request = self._layout("run", self._limits.run_s, data=start)
        request |= {
            "dag_file": dag_file,
            "dag_id": dag_id,
            "logical_date": logical_date,
            "task_ids": list(task_ids),
            "conf": conf,
            "data_interval": list(data_interval) if data_interval else None,
            "partition_key": partition_key,
        }
        run = read_run(out, self._ask(request), name=name, dag_id=dag_id, logical_date=logical_date)
        run = canary.believed(run, folder, self._sing)
        os.close(out.descriptor)
        self._folders[run] = folder
        if self._databases:
            # What the run left in a shared database is there until the next one writes to it.
            self._surveys[run] = self._survey(folder)
            self._shared_before.setdefault(name, self._shared)
            self._shared = [table for table in self._surveys[run] if "database" in table]
        log.info("Staged run %s of %s at %s: %s", name, dag_id, logical_date, run.state)
        return run

    def run_intervals(
        self, name: str, *, dag_file: str, dag_id: str, logical_dates: Sequence[str], task_ids: Sequence[str]
    ) -> tuple[StagedRun, ...]:
        """Run a Dag for several dates in one fork and one data folder: cheap, but not isolated from each other."""
        folder, out, request = self._layout("run", self._limits.run_s)
        asked = {"dag_file": dag_file, "dag_id": dag_id, "task_ids": list(task_ids), "conf": "{}"}
        answer = self._ask({**request, **asked, "logical_date": logical_dates[0], "then": list(logical_dates[1:])})
        runs = [
            read_run(out, answer, name=f"{name}_{number}", dag_id=dag_id, logical_date=date, number=number)
            for number, date in enumerate(logical_dates)
        ]
        os.close(out.descriptor)
        self._folders |= dict.fromkeys(runs, folder)
        return tuple(runs)

    def import_dags(self, dags_path: str) -> tuple[Check, ...]:
        """Import every Dag file below *dags_path*; one Check a file, or one that says why it could not be done."""
        folder, out, request = self._layout("import", self._limits.tests_s)
        request["dags_folder"] = os.path.normpath(os.path.join(request["repository"], dags_path))
        answer = self._ask(request)
        told = out.told("result")
        checks, found = [], []
        for item in (told or {}).get("files", []):
            one = out.told(str(item.get("told")))
            found += links_told(one, str(item.get("path")))
            error = "its process ended or ran too long" if one is None else str(one.get("error", ""))
            detail = error.strip().splitlines()[-1][:500] if error.strip() else ""
            checks.append(Check(name=f"imports: {item['path']}", passed=not error, detail=detail))
        _close(out, folder)
        if told is None:
            why = str(answer.get("died") or "the time limit or the harness ended it")
            return (Check(name="imports", passed=False, detail=why),)
        self._links = tuple(found)
        return tuple(checks)

    def links(self) -> tuple[DagLinks, ...]:
        """Return what ties the Dags together that the last `import_dags` found."""
        return self._links

    def run_tests(self) -> tuple[Check, ...]:
        """Run the repository's own tests with pytest, if it has any; one Check a test that failed, one for the rest."""
        tree, about = self._clone.work_tree, self._about
        return run_tests(tree, python=about.python, tools=about.tools, run=self._command)

    def run_linters(self) -> tuple[Check, ...]:
        """Run the linters that the repository is set up for, and whatever checks the scope declares."""
        tree, about = self._clone.work_tree, self._about
        declared = self._staging.checks
        return run_linters(tree, python=about.python, tools=about.tools, declared=declared, run=self._command)

    def left_behind(self, run: StagedRun, paths: Sequence[str]) -> frozenset[str]:
        """Return which of these repository-relative paths exist in the run's copy of the code; no link is followed."""
        folder = os.path.join(self._folders[run], "repository") if run in self._folders else ""
        return frozenset(path for path in paths if folder and os.path.lexists(os.path.join(folder, path)))

    def discard(self, run: StagedRun) -> None:
        """Remove what a run has left: nothing will be asked about it any more."""
        folder = self._folders.pop(run, "")
        self._surveys.pop(run, None)
        if folder:
            shutil.rmtree(folder, ignore_errors=True)

    def table_diff(self, before: StagedRun, after: StagedRun) -> tuple[TableDiff, ...]:
        """Compare the staging data that two runs left behind; a note of ``""`` means equal in columns and content.

        A shared database keeps what every run wrote: there *after* is compared with what it found.
        """
        surveys = [self._surveyed(run) for run in (before, after) if run in self._folders]
        found = self._shared_before.get(after.name)
        if found is not None and len(surveys) == 2:
            surveys[0] = [*(table for table in surveys[0] if "database" not in table), *found]
        return compare_tables(*surveys) if len(surveys) == 2 else ()

    def prepare(self, steps: Sequence[PrepareStep]) -> str:
        """Build the data that every later run starts from a copy of, and return its folder; see `Prepared.build`."""
        return self._prepared.build(steps)

    def rebuild(self, logical_date: str) -> StagedRun | None:
        """Run what was prepared for an interval again, with the code as it stands; see `Prepared.rebuild`."""
        return self._prepared.rebuild(logical_date)

    def _prepare_one(self, step: PrepareStep) -> tuple[StagedRun, str]:
        run = self.run_dag(
            "prepare", dag_file=step.dag_file, dag_id=step.dag_id, logical_date=step.logical_date, task_ids=()
        )
        return run, self._folders[run]

    def _layout(self, kind: str, wall_s: float, data: str = "") -> tuple[str, OutFolder, dict[str, Any]]:
        """Make the folder of one run: code, data, database, home; only these become the workspace's own."""
        self._count += 1
        folder = os.path.join(self._box, "runs", f"{self._count:04d}")
        start = "" if kind == "survey" else data or self._prepared.data
        repository, data, home, out = (os.path.join(folder, n) for n in ("repository", "data", "home", "out"))
        os.makedirs(folder, mode=0o755)
        shutil.copytree(self._clone.work_tree, repository, symlinks=True)
        if start:
            shutil.copytree(start, data, symlinks=True)
        for path in (data, home, out, os.path.join(home, "tmp")):
            os.makedirs(path, exist_ok=True)
        # A run's database lies where its tasks cannot reach it; the repository's own tests may have one.
        database = os.path.join(out if kind == "run" else home, "airflow.db")
        shutil.copyfile(self._template, database)
        held = OutFolder(os.open(out, os.O_RDONLY | os.O_DIRECTORY))
        if self._sandbox.uid:
            _give(folder, self._sandbox.uid)
        environment = self._about.environment_of(self._staging, repository=repository, data=data, home=home)
        environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{database}"
        return (
            folder,
            held,
            {
                "kind": kind,
                "wall_s": wall_s,
                "repository": repository,
                "data": data,
                "out": out,
                "dags_folder": os.path.normpath(os.path.join(repository, self._about.dags_path)),
                "private_pids": self._sandbox.private_pids,
                "scratch": list(TEMPORARY) if self._sandbox.private_tmp else [],
                "walls": self._sandbox.run_walls(self._about.readable, folder),
                "task_walls": self._sandbox.run_walls(self._about.readable, repository, data, home),
                "environment": environment,
            },
        )

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if not self._zygote.alive():
            self._zygote.start()
        self._zygote.ready(self._limits.boot_s)
        answer = self._zygote.ask(request, watch=self._too_much)
        if "died" in answer:
            # What it wrote must not count against the runs after it; its answers are kept for its finding.
            for name in ("repository", "data", "home"):
                shutil.rmtree(os.path.join(os.path.dirname(request["out"]), name), ignore_errors=True)
        return answer

    def _too_much(self) -> str | None:
        limit = self._limits.disk_mb << 20
        if _size(self._box) > limit:
            return f"it wrote more than {self._limits.disk_mb} MB"
        held = self._zygote.resident_mb()
        return f"its processes took {held} MB of memory together" if held > self._limits.total_memory_mb else None

    def _sing(self) -> str:
        """Run a Dag that must do one thing right and one thing wrong, once; return what was not as it must be."""
        if self._canary is not None:
            return self._canary
        folder, out, request = self._layout("run", min(60.0, self._limits.run_s))
        request |= canary.lay_out(request["repository"])
        run = read_run(out, self._ask(request), name="canary", dag_id=canary.DAG_ID, logical_date="")
        _close(out, folder)
        self._canary = canary.fault(run)
        return self._canary

    def _command(self, argv: Sequence[str]) -> Ran:
        """Run one command in a copy of the code."""
        folder, out, request = self._layout("command", self._limits.tests_s)
        request["argv"] = list(argv)
        request["environment"]["PYTHONPATH"] = request["repository"]
        answer = self._ask(request)
        said = plain(out.text("log", limit=1 << 20) or "")
        _close(out, folder)
        if answer.get("died") or answer.get("timed_out") or answer.get("status") is None:
            return Ran(status=None, said=said, died=str(answer.get("died") or "longer than its time limit"))
        return Ran(status=int(answer["status"]), said=said)

    def _surveyed(self, run: StagedRun) -> list[dict[str, Any]]:
        if run not in self._surveys:
            self._surveys[run] = self._survey(self._folders[run])
        return self._surveys[run]

    def _survey(self, of: str) -> list[dict[str, Any]]:
        folder, out, request = self._layout("survey", self._limits.tests_s)
        request |= {"data": os.path.join(of, "data"), "samples": self._staging.show_values}
        request["databases"] = self._databases
        if request["walls"]:
            request["walls"]["readable"].append(request["data"])
        self._ask(request)
        told = out.told("result") or {}
        _close(out, folder)
        tables = told.get("tables")
        return [t for t in tables if isinstance(t, dict)] if isinstance(tables, list) else []


def _close(out: OutFolder, folder: str) -> None:
    """Let go of what one request has left, once its answer was read: ten copies of the data would fill the disk."""
    os.close(out.descriptor)
    shutil.rmtree(folder, ignore_errors=True)


def _give(folder: str, uid: int) -> None:
    """Make everything below *folder* the workspace's own; the folder itself stays ours, so nothing can be swapped."""
    for at, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(os.path.join(at, name), uid, uid, follow_symlinks=False)


def _size(folder: str) -> int:
    total, started = 0, time.monotonic()
    for at, _, files in os.walk(folder):
        for name in files:
            with suppress(OSError):  # removed meanwhile
                total += os.lstat(os.path.join(at, name)).st_blocks * 512
        if time.monotonic() - started > 1.0:
            break
    return total
