"""The captured failures, through `gather` as production goes: the true cause is suspected first, with its evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_agentic.context.captured import CapturedReader
from airflow_agentic.context.code import CodeSource
from airflow_agentic.context.gather import gather
from airflow_agentic.context.landed import LandedSource
from airflow_agentic.context.lineage import LineageSource
from airflow_agentic.context.run_history import RunHistorySource
from airflow_agentic.context.suspects import rank
from airflow_agentic.context.task_log import TaskLogSource
from airflow_agentic.plugs_lineage import lineage_origins
from airflow_agentic.records import Dossier, Incident, IncidentState
from airflow_agentic.scope import Scope

CASES = Path(__file__).parents[3] / "shared" / "cases"
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not CASES.exists(), reason="the cases are not on this machine"),
]


class AsItIs:
    """Takes nothing out: the cases hold no secrets, and redaction is tested elsewhere."""

    def redact(self, text: str) -> str:
        return text


def dossier_of(case: str, work_dir: Path) -> Dossier:
    folder = CASES / case
    reader = CapturedReader(folder)
    run = reader.failed_run()
    seen = "2026-11-22T07:00:00+00:00"
    incident = Incident(
        id="incident-1",
        dag_id=run.dag_id,
        run_id=run.run_id,
        clear_number=0,
        state=IncidentState.INVESTIGATING,
        detail="",
        first_seen=seen,
        last_seen=seen,
        signals=1,
        logical_date=run.logical_date,
    )
    sources = [
        TaskLogSource(reader),
        RunHistorySource(reader),
        CodeSource(str(folder / "pipeline.bundle"), "main", "dags", work_dir=str(work_dir)),
        LandedSource((str(folder / "upstream"),)),
        LineageSource(lineage_origins(Scope(lineage_events=str(folder / "logs" / "openlineage.jsonl")))),
    ]
    return gather(incident, reader=reader, sources=sources, redactor=AsItIs(), rank=rank)


@pytest.mark.parametrize(
    ("case", "cause"),
    [
        ("drift_rename_column", "'customer_id' is now called 'customerId'"),
        ("drift_nested_json", "'address.city' moved to 'address.location.city'"),
        ("twenty_tasks_one_cause", "text of 'ordered_at' was written"),
        ("trap_transient_503", "upstream service was not available"),
        ("late_partition", "12 records, was 40"),
    ],
)
def test_the_true_cause_is_the_first_suspect_without_a_model(case: str, cause: str, tmp_path: Path):
    dossier = dossier_of(case, tmp_path)
    first, *others = dossier.suspects
    assert cause in first.what and first.score >= 0.85
    assert set(first.evidence) and set(first.evidence) <= {e.id for e in dossier.evidence}
    assert all(other.score < 0.5 for other in others)


@pytest.mark.parametrize("case", ["drift_rename_column", "twenty_tasks_one_cause", "late_partition"])
def test_the_source_of_the_frame_and_the_dag_file_are_in_the_dossier(case: str, tmp_path: Path):
    dossier = dossier_of(case, tmp_path)
    assert dossier.checkout is not None and dossier.checkout.dag_file
    paths = {e.path for e in dossier.evidence if e.source == "code"}
    assert dossier.checkout.dag_file in paths
    assert any(e.title.startswith("Source of ") for e in dossier.evidence)
