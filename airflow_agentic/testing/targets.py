"""Builders of what context sources are asked about: `a_target`, `an_error`, `a_dossier`. For tests, ours and yours."""

from __future__ import annotations

from dataclasses import replace

from airflow_agentic.records import (
    DagRecord,
    DagRunRecord,
    Dossier,
    Frame,
    Incident,
    IncidentState,
    SourceReport,
    Target,
    TaskError,
    TaskKey,
    TaskRun,
)
from airflow_agentic.tracebacks import fingerprint

SEEN = "2026-11-02T05:00:00+00:00"


def a_target(
    *,
    dag_id: str = "feed",
    task_ids: tuple[str, ...] = ("load",),
    date: str = "2026-11-02T00:00:00+00:00",
    good_date: str | None = "2026-11-01T00:00:00+00:00",
    version: str | None = None,
    good_version: str | None = None,
    dag_file: str | None = None,
    rendered: tuple[tuple[str, str], ...] = (),
) -> Target:
    """Return a failing run of *date* beside a good one of *good_date* (None: never worked)."""
    keys = tuple(TaskKey(dag_id=dag_id, run_id="bad", task_id=task_id) for task_id in task_ids)
    incident = Incident(
        id="incident-1",
        dag_id=dag_id,
        run_id="bad",
        clear_number=0,
        state=IncidentState.INVESTIGATING,
        detail="",
        first_seen=SEEN,
        last_seen=SEEN,
        signals=1,
        logical_date=date,
        members=keys,
    )
    dag = DagRecord(
        dag_id=dag_id,
        relative_fileloc=dag_file,
        fileloc=None,
        bundle_name=None,
        bundle_version=None,
        owners=(),
        tags=(),
        is_paused=False,
    )
    run = DagRunRecord(dag_id=dag_id, run_id="bad", state="failed", logical_date=date, bundle_version=version)
    good = DagRunRecord(
        dag_id=dag_id, run_id="good", state="success", logical_date=good_date, bundle_version=good_version
    )
    failed = tuple(
        TaskRun(key=key, state="failed", started_at=None, duration_s=None, rendered=rendered) for key in keys
    )
    return Target(incident=incident, dag=dag, run=run, failed=failed, last_good=good if good_date else None)


def an_error(error_class: str, message: str, *frames: tuple[str, int, str], task_id: str = "load") -> TaskError:
    """Return an error of *task_id*; a frame is path, line and code, outermost first."""
    made = tuple(Frame(path=path, line=line, function="run", code=code) for path, line, code in frames)
    return TaskError(
        task=TaskKey(dag_id="feed", run_id="bad", task_id=task_id),
        error_class=error_class,
        message=message,
        frames=made,
        fingerprint=fingerprint(error_class, message, made),
        chain=(f"{error_class}: {message}",),
    )


def a_dossier(target: Target, *reports: SourceReport) -> Dossier:
    """Return what `gather` makes of reports, without a budget: joined in order, evidence numbered."""
    evidence = tuple(e for report in reports for e in report.evidence)
    return Dossier(
        incident=target.incident,
        evidence=tuple(replace(e, id=f"E{n}") for n, e in enumerate(evidence, start=1)),
        gaps=tuple(g for report in reports for g in report.gaps),
        errors=tuple(e for report in reports for e in report.errors),
        shapes=tuple(s for report in reports for s in report.shapes),
        checkout=next((report.checkout for report in reports if report.checkout), None),
    )
