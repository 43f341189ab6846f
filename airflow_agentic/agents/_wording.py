"""Verdict + dossier → the words of a diagnosis: short, concrete, for the engineer who is on call."""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_agentic.agents._classify import chain_of
from airflow_agentic.agents._classify_data import is_check, notices, shape_changes
from airflow_agentic.agents._origin import origin
from airflow_agentic.agents._verdict import Verdict
from airflow_agentic.agents.mending.bench import Fix
from airflow_agentic.records import Action, Category, Dossier, Severity
from airflow_agentic.repository import repository_path
from airflow_agentic.tracebacks import IMPORT_STEP, own_frames

_TASK = re.compile(r"(?<![\w./-])(?P<dag>[A-Za-z_][\w-]*)\.(?P<task>[A-Za-z_][\w.-]*[\w-])(?![\w/])")
_URGENT = re.compile(r"critical|tier[-_ ]?[01]\b|\bsla\b|\bp1\b|production-critical", re.IGNORECASE)
_OF_DATA = {Category.LATE_DATA, Category.BAD_DATA}
_IDLE = re.compile(r"^(dev|test|sandbox|experimental|playground|example)$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the cause lies."""

    dag_id: str
    task_id: str | None
    file: str | None


def place(dossier: Dossier, verdict: Verdict, fixes: tuple[Fix, ...]) -> Place:
    """Say where the cause lies: in the failing task, unless one of another Dag read the data or runs what is to change.

    A task that cannot go on names itself; a check that fails only tells that something before it is wrong.
    """
    incident = dossier.incident
    error = dossier.errors[0] if dossier.errors else None
    key = error.task if error else (incident.members[0] if incident.members else None)
    task = key.task_id if key and key.task_id != IMPORT_STEP else None
    if verdict.category in _OF_DATA:
        landed = _landing_task(dossier)
        if landed is not None:
            return Place(dag_id=landed[0], task_id=landed[1], file=None)
    checked = error is not None and is_check(error, "\n".join(f"{c}: {m}" for c, m in chain_of(error)))
    far = origin(dossier, fixes) if checked and (fixes or verdict.category in _OF_DATA) else None
    if far is not None:
        return Place(dag_id=far[0], task_id=far[1], file=fixes[0].file if fixes else None)
    return Place(dag_id=incident.dag_id, task_id=task, file=fixes[0].file if fixes else _file(dossier, verdict))


def root_cause(dossier: Dossier, verdict: Verdict, fixes: tuple[Fix, ...], where: Place) -> str:
    """Return one or two sentences."""
    failed = sorted({key.task_id for key in dossier.incident.members} | {e.task.task_id for e in dossier.errors})
    tasks = (
        failed[0]
        if len(failed) == 1
        else f"{len(failed)} tasks ({', '.join(failed[:3])}, ...)"
        if failed
        else "the run"
    )
    if fixes:
        return f"{' '.join(fix.explanation for fix in fixes)} {tasks} of {dossier.incident.dag_id} failed on it."
    origin = (
        f" It was read by {where.dag_id}.{where.task_id}."
        if (where.dag_id, where.task_id) != _failing(dossier) and where.task_id
        else ""
    )
    maybe = _possible(dossier) if verdict.category in {Category.SCHEMA_DRIFT, Category.INSUFFICIENT_EVIDENCE} else ""
    said = f" (`{verdict.matched}`)" if verdict.matched else ""
    return f"{tasks} of {dossier.incident.dag_id} failed because {verdict.why}{said}.{origin}{maybe}"


def severity(dossier: Dossier, verdict: Verdict) -> Severity:
    """P1: tagged as critical. P2: others wait, or data is wrong. P3: passes by itself, or nobody waits. P4: a playground."""
    tags = dossier.incident.tags
    if any(_URGENT.search(tag) for tag in tags):
        return Severity.P1
    if any(_IDLE.search(tag) for tag in tags):
        return Severity.P4
    if verdict.action is Action.RETRY:
        return Severity.P3
    if (
        verdict.category in {Category.BAD_DATA, Category.LATE_DATA}
        or blast_radius(dossier)
        or len(dossier.incident.members) >= 5
    ):
        return Severity.P2
    return Severity.P3


def cites(dossier: Dossier, verdict: Verdict, fixes: tuple[Fix, ...]) -> tuple[str, ...]:
    """Return the ids of the evidence that holds what was matched, the changed fields or the error; only ids that exist."""
    error = dossier.errors[0] if dossier.errors else None
    wanted = [error.message[:80]] if error and len(error.message) > 3 else []
    wanted += [field for fix in fixes for field in fix.fields]
    found = [e.id for e, _ in notices(dossier)] if verdict.category in _OF_DATA else []
    for item in dossier.evidence:
        text = f"{item.title}\n{item.body}"
        about_code = bool(fixes) and item.source == "code" and item.path == fixes[0].file
        if (any(w in text for w in wanted) and item.source != "code") or (
            about_code and item.title.startswith("Source")
        ):
            found.append(item.id)
    known = {item.id for item in dossier.evidence}
    for suspect in dossier.suspects[:1]:
        found += [e for e in suspect.evidence if e in known]
    if not found:
        found = [item.id for item in dossier.evidence[:1]]
    return tuple(dict.fromkeys(id_ for id_ in found if id_))[:6]


def gaps(dossier: Dossier, verdict: Verdict) -> tuple[str, ...]:
    """Return what could not be found out."""
    found = [f"{gap.source}: {gap.reason}" for gap in dossier.gaps]
    if (
        verdict.category in {Category.INSUFFICIENT_EVIDENCE, Category.SCHEMA_DRIFT}
        and verdict.action is not Action.FIX_CODE
    ):
        if not dossier.errors:
            found.append("no exception in the log")
        if dossier.checkout is None:
            found.append("no checkout of the repository")
        if not any(s.role == "good" for s in dossier.shapes):
            found.append("no landed data of a good interval to compare with (data_locations of the agentic connection)")
    return tuple(found)


def blast_radius(dossier: Dossier) -> tuple[str, ...]:
    """Return the tasks below the failed ones, and what lineage names beyond the Dag."""
    below = {node.task_id: node.downstream for node in dossier.graph}
    waiting: dict[str, None] = {}
    todo = [key.task_id for key in dossier.incident.members]
    while todo:
        for task in below.get(todo.pop(), ()):
            if task not in waiting:
                waiting[task] = None
                todo.append(task)
    found = [f"{dossier.incident.dag_id}.{task}" for task in waiting]
    return tuple([*found, *dossier.blast_radius][:30])


def next_step(dossier: Dossier, verdict: Verdict, where: Place) -> str:
    """Return what a person should do now, with the command where there is one."""
    incident = dossier.incident
    day = (incident.logical_date or "")[:10]
    clear = (
        f"`airflow tasks clear {incident.dag_id}"
        + (f" --start-date {day} --end-date {day}" if day else "")
        + " --only-failed --yes`"
    )
    if verdict.action is Action.FIX_CODE:
        return f"Review the change; once it is merged and deployed, run the failed tasks again: {clear}."
    if verdict.action is Action.RETRY:
        return f"Nothing is to be changed. When the service answers again, run the failed tasks again: {clear}."
    if verdict.action is Action.QUARANTINE:
        other = where.dag_id != incident.dag_id
        behavior = "completed" if verdict.category is Category.LATE_DATA or other else "failed"
        command = f"airflow backfill create --dag-id {where.dag_id} --from-date {day or 'DATE'} --to-date {day or 'DATE'} --reprocess-behavior {behavior}"
        wait = verdict.until or (
            "the upstream has published the whole interval"
            if verdict.category is Category.LATE_DATA
            else "its owner has corrected the data"
        )
        then = f" Then run the failed check again: {clear}." if other else ""
        return f"Hold the interval {day} back from consumers. When {wait}, load it again: `{command}`.{then}"
    return verdict.who or _WHO.get(
        verdict.category, "Look at the cited evidence; what is missing is listed under the gaps."
    )


_WHO = {
    Category.CREDENTIAL: "The owner of the connection has to renew the credential or grant the permission; then clear the failed task.",
    Category.CONFIGURATION: "Set what is missing or changed (Connection, Variable, environment, upstream address); then clear the failed task.",
    Category.DEPENDENCY: "Install the module on the workers (image or requirements), or correct the import; then clear the failed task.",
    Category.RESOURCE: "Give the task more of the resource that ran out, or split its work; then clear it.",
    Category.INFRASTRUCTURE: "Look at the worker or pod that ran it; then clear the failed task.",
    Category.CODE_ERROR: "The owner of the Dag has to correct the code; no change was certain enough to propose.",
    Category.SCHEMA_DRIFT: "Ask the upstream what became of the field; no change was certain enough to propose.",
}


def _failing(dossier: Dossier) -> tuple[str, str | None]:
    return dossier.incident.dag_id, dossier.errors[0].task.task_id if dossier.errors else None


def _file(dossier: Dossier, verdict: Verdict) -> str | None:
    """Name a file only where the code is at fault: where it failed is not why it failed."""
    if dossier.checkout is None or verdict.category is not Category.CODE_ERROR:
        return None
    for error in dossier.errors[:1]:
        for frame in reversed(own_frames(error.frames)):
            path = repository_path(dossier.checkout, frame.path)
            if path is not None:
                return path
    return dossier.checkout.dag_file


def _landing_task(dossier: Dossier) -> tuple[str, str] | None:
    """The task whose log has the notice: the evidence's title names it."""
    own = {key.task_id for key in dossier.incident.members}
    for item, _ in notices(dossier):
        match = _TASK.search(item.title)
        if match and match["task"] not in own and not any(match[0] in e.error_class for e in dossier.errors):
            return match["dag"], match["task"]
    return None


def _possible(dossier: Dossier) -> str:
    told = [
        c
        for c in shape_changes(dossier)
        if c.kind in {"possible_rename", "renamed", "moved", "removed", "retyped", "reformatted"}
    ]
    return f" Possible: {'; '.join(c.detail for c in told[:3])}." if told else ""
