"""The records that flow along the path of a failure. Frozen, keyword-only, tuples; stdlib only.

Times are ISO 8601 strings in UTC with an offset (``2026-11-02T04:00:00+00:00``): they cross processes and
databases unchanged. Text that came from outside is bounded by whoever made the record. The order of the
classes is the order in which they appear in ``pipeline.py``.

A name's module is imported when it is first asked for: a process that only reports a failure (every task that
fails) must not build the classes of the whole path.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_agentic.records.dossier import (
        Checkout,
        DataShape,
        Dossier,
        Evidence,
        FieldShape,
        Frame,
        Gap,
        ShapeChange,
        SourceReport,
        Suspect,
        Target,
        TaskError,
        TaskNode,
        TaskRun,
        TeamRule,
        Trust,
        ValueTrace,
    )
    from airflow_agentic.records.failure import (
        DagRecord,
        DagRunRecord,
        Failure,
        Incident,
        IncidentState,
        Signal,
        TaskKey,
    )
    from airflow_agentic.records.outcome import (
        Answer,
        Approval,
        ChangeState,
        Decision,
        Delivery,
        Finding,
        FixRecord,
        FixState,
        LedgerEntry,
        Outcome,
        OutcomeStatus,
        PublishedChange,
        StagingPermit,
        TrackRecord,
        Verdict,
        Whereabouts,
    )
    from airflow_agentic.records.proof import (
        Check,
        DagLinks,
        Proof,
        ProofStatus,
        ReductionLimits,
        StagedRun,
        StagedTask,
        TableDiff,
    )
    from airflow_agentic.records.proposal import (
        Action,
        Category,
        ChangeSet,
        Diagnosis,
        FileEdit,
        Proposal,
        Severity,
        Transience,
        Usage,
    )

__all__ = [
    "Action",
    "Answer",
    "Approval",
    "Category",
    "ChangeSet",
    "ChangeState",
    "Check",
    "Checkout",
    "DagLinks",
    "DagRecord",
    "DagRunRecord",
    "DataShape",
    "Decision",
    "Delivery",
    "Diagnosis",
    "Dossier",
    "Evidence",
    "Failure",
    "FieldShape",
    "FileEdit",
    "Finding",
    "FixRecord",
    "FixState",
    "Frame",
    "Gap",
    "Incident",
    "IncidentState",
    "LedgerEntry",
    "Outcome",
    "OutcomeStatus",
    "Proof",
    "ProofStatus",
    "Proposal",
    "PublishedChange",
    "ReductionLimits",
    "Severity",
    "ShapeChange",
    "Signal",
    "SourceReport",
    "StagedRun",
    "StagedTask",
    "StagingPermit",
    "Suspect",
    "TableDiff",
    "Target",
    "TaskError",
    "TaskKey",
    "TaskNode",
    "TaskRun",
    "TeamRule",
    "TrackRecord",
    "Transience",
    "Trust",
    "Usage",
    "ValueTrace",
    "Verdict",
    "Whereabouts",
]

_MODULES = ("failure", "proposal", "proof", "outcome", "dossier")


def __getattr__(name: str) -> object:
    if name in __all__:
        for module in _MODULES:
            found = getattr(importlib.import_module(f"{__name__}.{module}"), name, None)
            if found is not None:
                globals()[name] = found
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
