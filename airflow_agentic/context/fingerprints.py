"""Errors of a run → the fingerprint of its incident."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from airflow_agentic.records import TaskError, TaskRun


def incident_fingerprint(dag_id: str, errors: Iterable[TaskError], failed: Iterable[TaskRun]) -> str:
    """Return 16 hex digits that another run of the Dag with the same errors has as well."""
    causes = sorted({error.fingerprint for error in errors})
    parts = causes or ["no error read", *sorted({task.key.task_id for task in failed})]
    return hashlib.sha256("\0".join([dag_id, *parts]).encode()).hexdigest()[:16]
