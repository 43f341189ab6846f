"""A small dossier over a folder on disk, for tests of whoever reads one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_agentic.records import Checkout, Dossier, Evidence, Incident, IncidentState, TaskKey, Trust

FAILED = TaskKey(dag_id="load", run_id="r1", task_id="parse")


def a_checkout(folder: Path, files: Mapping[str, str]) -> Checkout:
    """Write *files* below *folder* and return it as a checkout."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return Checkout(
        path=str(folder),
        commit="c" * 40,
        base_branch="main",
        base_commit="b" * 40,
        pinned=True,
        dag_file="dags/load.py",
        dags_path="dags",
    )


def a_dossier(checkout: Checkout | None = None, *, log: str = "KeyError: 'id'", **changes: Any) -> Dossier:
    """Return a dossier with one piece of evidence, ``E1``, that holds *log*."""
    incident = Incident(
        id="i1",
        dag_id="load",
        run_id="r1",
        clear_number=0,
        state=IncidentState.INVESTIGATING,
        detail="",
        first_seen="2026-11-02T04:00:00+00:00",
        last_seen="2026-11-02T04:00:00+00:00",
        signals=1,
        members=(FAILED,),
    )
    evidence = Evidence(
        id="E1",
        source="task_log",
        title="log of parse",
        body=log,
        observed_at="2026-11-02T04:00:00+00:00",
        trust=Trust.UNTRUSTED,
    )
    return Dossier(**{"incident": incident, "evidence": (evidence,), "gaps": (), "checkout": checkout, **changes})
