"""Dossier → the `Case` that a run is held against: is it the incident, and is it cured? Pure functions of records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from airflow_agentic.errors import WorkspaceError
from airflow_agentic.records import Check, Dossier, StagedRun, StagedTask, TaskError
from airflow_agentic.tracebacks import IMPORT_STEP, message_shape

FAILED, HARMLESS = frozenset({"failed", "upstream_failed"}), frozenset({"success", "skipped", "removed"})


ENOUGH = 3
"""Tasks with the same error that are run again where the whole has already been seen; of twenty, 25 s a run."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What must happen for the failure to count as reproduced, and what must pass for it to count as cured."""

    dag_id: str
    dag_file: str
    dags_path: str
    logical_date: str
    tasks: tuple[str, ...]
    downstream: frozenset[str] | None
    """None when the Dag's graph is not known."""
    errors: tuple[TaskError, ...]


def case_of(dossier: Dossier) -> Case:
    """Return what the incident is held to.

    :raises WorkspaceError: the dossier does not say which task of which file failed.
    """
    incident, checkout = dossier.incident, dossier.checkout
    tasks = tuple(dict.fromkeys([m.task_id for m in incident.members] or [e.task.task_id for e in dossier.errors]))
    if checkout is None or not checkout.dag_file or not tasks:
        missing = "the task that failed" if checkout and checkout.dag_file else "the Dag's file in the repository"
        raise WorkspaceError(f"Proving a change for Dag {incident.dag_id!r} failed: {missing} is not known.")
    run = tuple(task for task in tasks if task != IMPORT_STEP)
    return Case(
        dag_id=incident.dag_id,
        dag_file=checkout.dag_file,
        dags_path=checkout.dags_path or ".",
        logical_date=incident.logical_date or "",
        tasks=run,
        downstream=_downstream(dossier, run),
        errors=tuple(e for e in dossier.errors if e.task.task_id in tasks),
    )


def _downstream(dossier: Dossier, tasks: Iterable[str]) -> frozenset[str] | None:
    edges = {node.task_id: node.downstream for node in dossier.graph}
    if not edges:
        return None
    found: set[str] = set()
    ring = set(tasks)
    while ring:
        ring = {below for task in ring for below in edges.get(task, ())} - found
        found |= ring
    return frozenset(found)


def few_of(case: Case) -> tuple[str, ...]:
    """Return the tasks that stand for all where a run is only repeated: one of each error, three in all at least."""
    wanted = {error.fingerprint: error.task.task_id for error in reversed(case.errors)}
    few = {task for task in wanted.values() if task in case.tasks}
    few.update([task for task in case.tasks if task not in few][: max(0, ENOUGH - len(few))])
    return tuple(task for task in case.tasks if task in few)


def sound(run: StagedRun) -> bool:
    """Say whether the run says something about the code, and not only about the harness."""
    if run.import_error is not None:
        return True
    return run.state in ("success", "failed") and run.runs_in_database == 1 and bool(run.tasks)


def why_unsound(run: StagedRun) -> str:
    """Return why it does not, as part of a sentence."""
    if run.broken_because:
        return run.broken_because.rstrip(".")
    return f"its database holds {run.runs_in_database} runs with {len(run.tasks)} tasks, expected one run"


def is_the_incident(run: StagedRun, case: Case) -> tuple[bool, str]:
    """Say whether the expected tasks, and of them all that failed, failed with the incident's error."""
    if run.import_error is not None:
        return _is_the_import_failure(run.import_error, case)
    failed = [task for task in run.tasks if task.task_id in case.tasks and task.state == "failed"]
    expected = _expected(case)
    if not failed:
        return False, f"Expected {expected} in {_names(case.tasks)}; here it passed, and {first_error(run)}."
    strangers = [task for task in failed if not _same_error(task.error, case, task.task_id)]
    if strangers:
        return False, f"Expected {expected}; here {strangers[0].task_id} failed with {_shown(strangers[0].error)}."
    by = "class only, the incident's log holds no more" if _only_class(case.errors) else "same fingerprint"
    passed = sorted(set(case.tasks) - {task.task_id for task in failed})
    note = f"; here {_names(passed)} passed" if passed else ""
    return True, f"{_names([t.task_id for t in failed])}: {_shown(failed[0].error)}, {by}{note}"


def _is_the_import_failure(error: TaskError, case: Case) -> tuple[bool, str]:
    """Compare why the file does not import: class and message; each way to print a syntax error has its own place."""
    said = message_shape(error.message)
    for wanted in case.errors:
        expected = message_shape(wanted.message)
        alike = bool(said and expected) and (said.startswith(expected) or expected.startswith(said))
        if wanted.fingerprint == error.fingerprint or (_plain(wanted) == _plain(error) and alike):
            return True, f"the Dag file does not import: {_shown(error)}"
    return False, f"expected {_expected(case)}; here the Dag file does not import: {_shown(error)}"


def _same_error(error: TaskError | None, case: Case, task_id: str) -> bool:
    wanted = [e for e in case.errors if e.task.task_id == task_id] or list(case.errors)
    if error is None:
        return all(e.error_class == "unknown" for e in wanted)
    if _only_class(wanted):
        return any(_plain(e) in ("unknown", _plain(error)) for e in wanted) or not wanted
    return any(e.fingerprint == error.fingerprint for e in wanted)


def _only_class(errors: Iterable[TaskError]) -> bool:
    """Say whether the incident's log gave no traceback: then no fingerprint can be compared."""
    return not any(error.frames for error in errors)


def not_cured(green: StagedRun, red: StagedRun, case: Case) -> list[str]:
    """Return one sentence a task that does not do what it must with the change."""
    faults = []
    for task_id in case.tasks:
        states = {task.state for task in green.tasks if task.task_id == task_id}
        if "success" not in states or states - {"success", "removed"}:
            faults.append(f"{task_id} is {', '.join(sorted(states)) or 'gone'}{_with_error(green, task_id)}")
    below = case.downstream
    if below is None:
        below = frozenset(task.task_id for task in red.tasks if task.state == "upstream_failed")
    before = {(t.task_id, t.map_index): t for t in red.tasks}
    for task in green.tasks:
        if task.task_id in case.tasks or task.state in HARMLESS:
            continue
        old = before.get((task.task_id, task.map_index))
        if task.task_id in below or old is None or old.state not in FAILED:
            faults.append(f"{task.task_id} is {task.state}{_with_error(green, task.task_id)}")
    return faults


def own_reasons(green: StagedRun, red: StagedRun, case: Case) -> list[Check]:
    """Return a note for each task that failed before and after and has nothing to do with the incident."""
    before = {(t.task_id, t.map_index) for t in red.tasks if t.state == "failed"}
    return [
        Check(name=f"fails for a reason of its own: {task.task_id}", passed=True, detail=_shown(task.error))
        for task in green.tasks
        if task.state == "failed" and (task.task_id, task.map_index) in before and task.task_id not in case.tasks
    ]


def _with_error(run: StagedRun, task_id: str) -> str:
    error = next((task.error for task in run.tasks if task.task_id == task_id and task.error), None)
    return f" ({_shown(error)})" if error else ""


def first_error(run: StagedRun) -> str:
    """Return what failed first, or how the run stands, as part of a sentence."""
    if run.import_error is not None:
        return f"the Dag file does not import: {_shown(run.import_error)}"
    failed: StagedTask | None = next((task for task in run.tasks if task.state == "failed"), None)
    if failed is None:
        return run.broken_because or f"no task failed, the run is {run.state}"
    return f"{failed.task_id} failed with {_shown(failed.error)}"


def _expected(case: Case) -> str:
    return _shown(case.errors[0]) if case.errors else "a failure"


def _shown(error: TaskError | None) -> str:
    return (
        f"{_plain(error)}: {error.message.splitlines()[0][:200] if error.message else ''}" if error else "no exception"
    )


def _plain(error: TaskError) -> str:
    return error.error_class.rsplit(".", 1)[-1]


def told(checks: Iterable[Check]) -> str:
    """Return the first five checks as one line."""
    return "; ".join(f"{check.name} ({check.detail})" if check.detail else check.name for check in list(checks)[:5])


def _names(tasks: Iterable[str]) -> str:
    listed = list(dict.fromkeys(tasks))
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")


def cured_words(case: Case) -> str:
    """Return what must pass, as a clause."""
    count = len(case.downstream or ())
    if not case.tasks:
        return "the file imports and its run succeeds"
    return f"{_names(case.tasks)} succeeds" + (f", and {count} tasks downstream of it" if count else "")
