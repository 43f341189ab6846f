"""A folder with a captured failure → an `AirflowReader`: evaluation and bug reports go the way of production.

The folder holds ``case.json`` (what failed, and the days before that went well) and ``logs/`` (console output of
``airflow dags test``, plain output of a command, OpenLineage events). Any of it may be missing; what is there is
believed in this order: lineage events, Airflow's console, ``case.json``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import Any

from airflow_agentic.context.captured_lineage import CapturedLineage, SeenEdges, SeenTask, names, read_lineage
from airflow_agentic.context.logs import console_log
from airflow_agentic.errors import IncidentNotFound, SourceUnavailable
from airflow_agentic.records import DagRecord, DagRunRecord, TaskKey, TaskNode, TaskRun
from airflow_agentic.tracebacks import IMPORT_STEP


@dataclass(frozen=True, kw_only=True)
class _Case:
    """``case.json`` as far as it is read."""

    dag_id: str
    task_ids: tuple[str, ...]
    ds: str
    days: tuple[str, ...]
    dags: tuple[str, ...]


class CapturedReader:
    """Reads one captured failure. Everything is read on first use, logs each time they are asked for.

    :param case_dir: folder of the failure.
    """

    def __init__(self, case_dir: str | os.PathLike[str]) -> None:
        self.case_dir = os.fspath(case_dir)

    def failed_run(self) -> DagRunRecord:
        """Return the run that the capture is about. :raises IncidentNotFound: neither file nor logs name one."""
        runs = self._runs
        wanted = [r for r in runs if r.dag_id == self._case.dag_id and r.state == "failed"] or [
            r for r in runs if r.state == "failed"
        ]
        if not wanted:
            raise IncidentNotFound(
                f"Reading the captured failure in {self.case_dir!r} failed: neither case.json nor the logs name a "
                "failed Dag run. Put the failing dag_id, task_ids and ds into case.json."
            )
        return wanted[0]

    def dag(self, dag_id: str) -> DagRecord:
        """Return what the capture tells of the Dag."""
        seen = self._lineage.dags.get(dag_id, {})
        if not seen and dag_id not in {r.dag_id for r in self._runs}:
            raise self._unknown("Dag", dag_id)
        fileloc = str(seen.get("fileloc") or "") or None
        owner = str(seen.get("owner") or "")
        return DagRecord(
            dag_id=dag_id,
            relative_fileloc=self._relative(dag_id, fileloc),
            fileloc=fileloc,
            bundle_name=None,
            bundle_version=None,
            owners=tuple(o.strip() for o in owner.split(",") if o.strip()),
            tags=names(seen.get("tags")),
            is_paused=False,
        )

    def dag_run(self, dag_id: str, run_id: str) -> DagRunRecord:
        """Return one run of the capture."""
        for run in self._runs:
            if (run.dag_id, run.run_id) == (dag_id, run_id):
                return run
        raise self._unknown("run", f"{dag_id} {run_id}")

    def recent_runs(self, dag_id: str, *, limit: int = 10) -> tuple[DagRunRecord, ...]:
        """Return the Dag's runs, newest logical date first."""
        return tuple(r for r in self._runs if r.dag_id == dag_id)[:limit]

    def runs_beside(self, run: DagRunRecord) -> tuple[DagRunRecord, ...]:
        """Return other Dags' runs for the same logical date: what *run* may have been fed by."""
        return tuple(r for r in self._runs if r.dag_id != run.dag_id and r.logical_date == run.logical_date)

    def task_instances(self, dag_id: str, run_id: str) -> tuple[TaskRun, ...]:
        """Return the run's tasks in the order in which they ran; those that never started come last."""
        run = self.dag_run(dag_id, run_id)
        keys = [k for k in self._tasks if k[:2] == (dag_id, run_id)]
        found = [self._task_run(run, key) for key in keys]
        started = {task.key.task_id for task in found}
        states = self._lineage.runs.get((dag_id, run_id), {}).get("tasksState") or {}
        others = sorted((set(self._edges(dag_id)) | set(states)) - started)
        if run.run_id.startswith(_MADE_UP) and run.state == "success":
            states = dict.fromkeys(others, "success")
        return (*found, *(_idle(run, task_id, str(states.get(task_id) or "none")) for task_id in others))

    def task_history(self, dag_id: str, task_id: str, *, limit: int = 10) -> tuple[TaskRun, ...]:
        """Return a task's instances over the capture's runs, newest first."""
        runs = (r for r in self._runs if r.dag_id == dag_id)
        tasks = (t for r in runs for t in self.task_instances(dag_id, r.run_id))
        return tuple(t for t in tasks if t.key.task_id == task_id)[:limit]

    def graph(self, dag_id: str) -> tuple[TaskNode, ...]:
        """Return the tasks that lineage events or the console name, with the edges that events tell."""
        return tuple(
            TaskNode(
                task_id=task_id,
                operator=node.operator,
                upstream=tuple(sorted(node.upstream)),
                downstream=tuple(sorted(node.downstream)),
                trigger_rule=node.trigger_rule,
            )
            for task_id, node in sorted(self._edges(dag_id).items())
        )

    def log(self, key: TaskKey) -> Iterator[bytes]:
        """Stream a task's part of the console; a failing task without one gets the capture's plain output."""
        section = self._sections.get((key.dag_id, key.run_id, key.task_id, key.map_index))
        if section is not None:
            return console_log.records(section.path, section.start, section.end)
        consoles = tuple(path for path in self._files if path.endswith((".log", ".txt")))
        if key.task_id == IMPORT_STEP and consoles:
            return chain.from_iterable(console_log.import_records(path) for path in consoles)
        if self._is_failing(key) and self._plain:
            return chain.from_iterable(console_log.records(path) for path in self._plain)
        # Without the folder's name: the message becomes a gap, and an evaluation's folder may be named for its answer.
        raise SourceUnavailable(
            f"Reading the log of {key.dag_id}.{key.task_id} from the captured failure failed: it was not captured. "
            "Add the console output as a .log file in its logs folder."
        )

    @cached_property
    def _case(self) -> _Case:
        path = os.path.join(self.case_dir, "case.json")
        try:
            with open(path, encoding="utf-8") as text:
                case: Any = json.load(text)
        except FileNotFoundError:
            case = {}
        except (OSError, ValueError) as error:
            raise SourceUnavailable(f"Reading {path!r} failed: {error}. Mend the file.") from error
        case = case if isinstance(case, dict) else {}
        failing = case.get("failing") if isinstance(case.get("failing"), dict) else {}
        return _Case(
            dag_id=str(failing.get("dag_id") or ""),
            task_ids=names(failing.get("task_ids")),
            ds=str(failing.get("ds") or ""),
            days=names(case.get("days")),
            dags=names(case.get("dags")),
        )

    @cached_property
    def _files(self) -> tuple[str, ...]:
        folder = os.path.join(self.case_dir, "logs")
        found = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        return tuple(os.path.join(folder, name) for name in found)

    @cached_property
    def _lineage(self) -> CapturedLineage:
        paths = [p for p in self._files if p.endswith((".jsonl", ".ndjson"))]
        return read_lineage(chain.from_iterable(_lines(path) for path in paths))

    @cached_property
    def _console(self) -> tuple[list[console_log.Section], list[console_log.ConsoleRun], tuple[str, ...]]:
        sections: list[console_log.Section] = []
        runs: list[console_log.ConsoleRun] = []
        plain: list[str] = []
        for path in (p for p in self._files if p.endswith((".log", ".txt"))):
            more, of = console_log.index(path)
            sections, runs = sections + more, runs + of
            plain += [] if more else [path]
        return sections, runs, tuple(plain)

    @property
    def _plain(self) -> tuple[str, ...]:
        return self._console[2]

    @cached_property
    def _runs(self) -> tuple[DagRunRecord, ...]:
        """Every run, newest first: those of the events, of the console, the failing one, and the good days before."""
        found: dict[tuple[str, str], DagRunRecord] = {}
        for (dag_id, run_id), facet in self._lineage.runs.items():
            found[dag_id, run_id] = _run_of(dag_id, run_id, facet)
        for run in self._console[1]:
            self._merge(found, run)
        case = self._case
        dates = {(r.dag_id, _day(r.logical_date)) for r in found.values()}
        if case.dag_id and (case.dag_id, _day(_moment(case.ds))) not in dates:
            _made_up(found, case.dag_id, case.ds, "failed")
        for dag_id in dict.fromkeys((case.dag_id, *case.dags)):
            for day in case.days:
                if dag_id and day < case.ds and (dag_id, _day(_moment(day))) not in dates:
                    _made_up(found, dag_id, day, "success")
        self._believe_case(found)
        newest = sorted(found.values(), key=lambda r: (r.logical_date or r.run_after or "", r.run_id), reverse=True)
        return tuple(newest)

    def _merge(self, found: dict[tuple[str, str], DagRunRecord], run: console_log.ConsoleRun) -> None:
        run_id = run.run_id or next(
            (s.run_id for s in self._console[0] if s.run_id and (s.dag_id, s.ds) == (run.dag_id, run.ds)), ""
        )
        run.run_id = run_id or f"{_MADE_UP}{run.ds}"
        key = (run.dag_id, run.run_id)
        if key not in found:
            found[key] = DagRunRecord(
                dag_id=run.dag_id,
                run_id=run.run_id,
                state=run.state or "running",
                logical_date=_moment(run.ds),
                clear_number=0,
            )
        elif run.state and found[key].state not in {"success", "failed"}:
            found[key] = _with_state(found[key], run.state)

    def _believe_case(self, found: dict[tuple[str, str], DagRunRecord]) -> None:
        """The run that ``case.json`` names has failed, even where the capture broke off before it said so."""
        for key, run in list(found.items()):
            mine = run.dag_id == self._case.dag_id and _day(run.logical_date) == _day(_moment(self._case.ds))
            if mine and run.state not in {"success", "failed"}:
                found[key] = _with_state(run, "failed")

    @cached_property
    def _sections(self) -> dict[tuple[str, str, str, int], console_log.Section]:
        """Console parts by task; of a task that ran more than once the last part."""
        by_day = {(r.dag_id, _day(r.logical_date)): r.run_id for r in self._runs}
        return {
            (s.dag_id, s.run_id or by_day.get((s.dag_id, _day(_moment(s.ds))), ""), s.task_id, s.map_index): s
            for s in self._console[0]
        }

    @cached_property
    def _is_import(self) -> bool:
        consoles = [path for path in self._files if path.endswith((".log", ".txt"))]
        return any(console_log.tells_import(path) for path in consoles)

    @cached_property
    def _tasks(self) -> dict[tuple[str, str, str, int], SeenTask]:
        tasks = dict(self._lineage.tasks)
        for key, section in self._sections.items():
            seen = tasks.get(key) or SeenTask(dag_id=key[0], run_id=key[1], task_id=key[2], map_index=key[3])
            seen.state = section.state or seen.state
            seen.started_at, seen.ended_at = seen.started_at or section.started_at, seen.ended_at or section.ended_at
            if section.command and not seen.rendered:
                seen.rendered = (("bash_command", section.command),)
            tasks[key] = seen
        failed = [r for r in self._runs if r.dag_id == self._case.dag_id and r.state == "failed"][:1]
        for run in failed:
            ended = any(k[:2] == (run.dag_id, run.run_id) and t.state == "failed" for k, t in tasks.items())
            named = self._case.task_ids
            if named and not any(k[:2] == (run.dag_id, run.run_id) for k in tasks) and self._is_import:
                named = ()  # The Dag's file did not import, so none of them ran.
            for task_id in named or (() if ended else (IMPORT_STEP,)):
                known = [t for k, t in tasks.items() if k[:3] == (run.dag_id, run.run_id, task_id)]
                for seen in known:
                    seen.state = seen.state if seen.state in {"failed", "success"} else "failed"
                if not known:
                    key = (run.dag_id, run.run_id, task_id, -1)
                    tasks[key] = SeenTask(
                        dag_id=run.dag_id, run_id=run.run_id, task_id=task_id, map_index=-1, state="failed"
                    )
        return dict(sorted(tasks.items(), key=lambda item: item[1].started_at or "9"))

    def _task_run(self, run: DagRunRecord, key: tuple[str, str, str, int]) -> TaskRun:
        seen = self._tasks[key]
        final = self._lineage.runs.get(key[:2], {}).get("tasksState") or {}
        state = final.get(seen.task_id) if seen.map_index < 0 else None
        return TaskRun(
            key=TaskKey(dag_id=key[0], run_id=key[1], task_id=key[2], map_index=key[3], try_number=seen.try_number),
            state=str(state or seen.state or "none"),
            started_at=seen.started_at or None,
            duration_s=_seconds(seen.started_at, seen.ended_at),
            logical_date=run.logical_date,
            rendered=seen.rendered,
        )

    def _edges(self, dag_id: str) -> dict[str, SeenEdges]:
        nodes = dict(self._lineage.edges.get(dag_id, {}))
        for key in self._tasks:
            if key[0] == dag_id:
                nodes.setdefault(key[2], SeenEdges())
        return nodes

    def _is_failing(self, key: TaskKey) -> bool:
        task = self._tasks.get((key.dag_id, key.run_id, key.task_id, key.map_index))
        return task is not None and task.state == "failed"

    def _relative(self, dag_id: str, fileloc: str | None) -> str | None:
        """Return the file below the Dags folder: by the worker's path, else the one that names the Dag."""
        if fileloc:
            return fileloc.rpartition("/dags/")[2] if "/dags/" in fileloc else os.path.basename(fileloc)
        folder = os.path.join(self.case_dir, "pipeline", "dags")
        for base, _, files in os.walk(folder):
            for name in sorted(f for f in files if f.endswith(".py")):
                path = os.path.join(base, name)
                if any(f'"{dag_id}"' in line or f"'{dag_id}'" in line for line in _lines(path)):
                    return os.path.relpath(path, folder)
        return None

    def _unknown(self, kind: str, name: str) -> IncidentNotFound:
        return IncidentNotFound(
            f"Reading {kind} {name!r} from the captured failure failed: it is not in it. "
            f"It has {', '.join(sorted({f'{r.dag_id} {r.run_id}' for r in self._runs})) or 'no runs'}."
        )


_MADE_UP = "captured__"


def _run_of(dag_id: str, run_id: str, facet: dict[str, Any]) -> DagRunRecord:
    start, end = facet.get("data_interval_start"), facet.get("data_interval_end")
    number, logical = facet.get("clear_number"), facet.get("logical_date")
    return DagRunRecord(
        dag_id=dag_id,
        run_id=run_id,
        state=str(facet.get("state") or "running"),
        logical_date=str(logical) if logical else None,
        clear_number=number if isinstance(number, int) else 0,
        run_after=_text(facet.get("run_after")),
        started_at=_text(facet.get("seen_at")),
        ended_at=_text(facet.get("end_date")),
        data_interval=(str(start), str(end)) if start and end else None,
        partition_key=_text(facet.get("partition_key")),
        conf=json.dumps(facet.get("conf") or {}),
    )


def _made_up(found: dict[tuple[str, str], DagRunRecord], dag_id: str, ds: str, state: str) -> None:
    run_id = f"{_MADE_UP}{ds}"
    found[dag_id, run_id] = DagRunRecord(
        dag_id=dag_id, run_id=run_id, state=state, logical_date=_moment(ds), clear_number=0
    )


def _with_state(run: DagRunRecord, state: str) -> DagRunRecord:
    return replace(run, state=state)


def _idle(run: DagRunRecord, task_id: str, state: str) -> TaskRun:
    key = TaskKey(dag_id=run.dag_id, run_id=run.run_id, task_id=task_id)
    return TaskRun(key=key, state=state, started_at=None, duration_s=None, logical_date=run.logical_date)


def _moment(ds: str) -> str | None:
    """Return a day or a time as a time in UTC with an offset."""
    try:
        moment = datetime.fromisoformat(ds.replace("Z", "+00:00"))
    except ValueError:
        return ds or None
    return moment.isoformat() if moment.tzinfo else f"{moment.isoformat()}+00:00"


def _day(moment: str | None) -> str:
    return (moment or "")[:16]


def _seconds(start: str, end: str) -> float | None:
    try:
        return round((_parsed(end) - _parsed(start)).total_seconds(), 3) if start and end else None
    except (ValueError, TypeError):
        return None


def _parsed(moment: str) -> datetime:
    return datetime.fromisoformat(moment.replace("Z", "+00:00"))


def _text(value: object) -> str | None:
    return str(value) if value else None


def _lines(path: str) -> Iterator[str]:
    with open(path, encoding="utf-8", errors="replace") as text:
        yield from text
