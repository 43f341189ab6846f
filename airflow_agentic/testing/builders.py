"""Records with sane defaults, so that a test says only what it is about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_agentic.changes import make_change
from airflow_agentic.records import (
    Action,
    Category,
    Check,
    Diagnosis,
    Dossier,
    Evidence,
    FileEdit,
    Incident,
    IncidentState,
    Proof,
    ProofStatus,
    Proposal,
    Severity,
    StagedRun,
    StagedTask,
    TaskKey,
    Transience,
    Trust,
    Usage,
)

RUN_ID = "scheduled__2026-11-02T04:00:00+00:00"
OLD = 'def price(row):\n    return row["price"]\n'
NEW = 'def price(row):\n    return row["unit_price"] if "unit_price" in row else row["price"]\n'


def edit(path: str, before: str | None = OLD, after: str | None = NEW) -> FileEdit:
    """Return one file's edit."""
    return FileEdit(path=path, before=before, after=after)


def an_incident(**changes: Any) -> Incident:
    """Return the incident of one failed task of Dag ``orders_daily``."""
    fields: dict[str, Any] = {
        "id": "agentic__orders_daily__1", "dag_id": "orders_daily", "run_id": RUN_ID,
        "clear_number": 0, "state": IncidentState.DELIVERING, "detail": "", "signals": 1,
        "first_seen": "2026-11-02T04:05:00+00:00", "last_seen": "2026-11-02T04:05:00+00:00",
        "fingerprint": "0123456789abcdef", "logical_date": "2026-11-02T04:00:00+00:00",
        "members": (TaskKey(dag_id="orders_daily", run_id=RUN_ID, task_id="load", try_number=2),),
    }  # fmt: skip
    return Incident(**{**fields, **changes})


def a_dossier(
    *, incident: Incident | None = None, evidence: Iterable[Evidence] | None = None, **changes: Any
) -> Dossier:
    """Return a dossier with one piece of untrusted evidence, E1."""
    said = Evidence(
        id="E1", source="task_log", title="The error of load", body="KeyError: 'price'", trust=Trust.UNTRUSTED,
        observed_at="2026-11-02T04:05:00+00:00", path="dags/orders.py", line=2,
    )  # fmt: skip
    given = (said,) if evidence is None else tuple(evidence)
    return Dossier(**{"incident": incident or an_incident(), "evidence": given, "gaps": (), **changes})


def a_diagnosis(**changes: Any) -> Diagnosis:
    """Return a sure diagnosis of a renamed field."""
    fields: dict[str, Any] = {
        "root_cause": "The upstream renamed the field price to unit_price.", "category": Category.SCHEMA_DRIFT,
        "action": Action.FIX_CODE, "transience": Transience.PERMANENT, "severity": Severity.P2, "confidence": 0.9,
        "root_cause_dag": "orders_daily", "root_cause_task": "load", "root_cause_file": "dags/orders.py",
        "cites": ("E1",),
        "blast_radius": ("task report",), "next_step": "Review and merge the draft.",
    }  # fmt: skip
    return Diagnosis(**{**fields, **changes})


def a_proposal(*, edits: Iterable[FileEdit] | None = None, usage: Usage | None = None, **diagnosis: Any) -> Proposal:
    """Return a proposal; ``edits=()`` is one without a change, other keywords go into its diagnosis."""
    change = make_change("a" * 40, (edit("dags/orders.py"),) if edits is None else tuple(edits), "Read unit_price")
    return Proposal(diagnosis=a_diagnosis(**diagnosis), change=change, usage=usage or Usage(), pattern="rules")


def a_staged_run(name: str, state: str) -> StagedRun:
    """Return one run of ``load`` in the workspace."""
    task = StagedTask(task_id="load", map_index=-1, state=state)
    return StagedRun(
        name=name, dag_id="orders_daily", logical_date="2026-11-02", state=state, tasks=(task,), runs_in_database=1,
        duration_s=1.5,
    )  # fmt: skip


def a_proof(status: ProofStatus = ProofStatus.PROVED, **changes: Any) -> Proof:
    """Return a proof: red and green with one passed check, unless *status* says otherwise."""
    fields: dict[str, Any] = {"reason": "Red before, green after."}
    if status is ProofStatus.PROVED:
        fields |= {
            "red": a_staged_run("red", "failed"), "green": a_staged_run("green", "success"),
            "checks": (Check(name="dags/orders.py imports", passed=True),), "environment": (("landlock", "held"),),
        }  # fmt: skip
    return Proof(**{"status": status, **fields, **changes})
