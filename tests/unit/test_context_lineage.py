"""Lineage of a failing run, from a file of events: disorder, gaps in what producers tell, who changed the table."""

from __future__ import annotations

import json
import random
import uuid
from pathlib import Path
from typing import Any

import pytest

from airflow_agentic.context.lineage import LineageSource
from airflow_agentic.plugs_lineage import lineage_origins
from airflow_agentic.records import SourceReport, Target, Trust
from airflow_agentic.scope import Scope
from airflow_agentic.testing.targets import a_target, an_error

NOTHING = SourceReport()
RENAMED = "Schema changed in raw.orders: column 'amount' is now called 'amount_usd'"
FIXTURES = Path(__file__).parents[1] / "fixtures" / "openlineage"
STACK = 'Traceback (most recent call last):\n  File "/w/feed/load.py", line 2, in run\n    row["b"]\nKeyError: \'b\'\n'


def table(name: str, *columns: str, reads: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    facets: dict[str, Any] = {}
    if columns:
        facets["schema"] = {"fields": [{"name": c.split(":")[0], "type": c.partition(":")[2]} for c in columns]}
    if reads:
        inputs = [{"namespace": "postgres://db", "name": t, "field": c} for t, c in reads]
        facets["columnLineage"] = {"fields": {"x": {"inputFields": inputs}}}
    return {"namespace": "postgres://db", "name": name, "facets": facets}


def event(kind: str, at: str, job: str, run: str, **more: Any) -> dict[str, Any]:
    dag_id, _, task_id = job.partition(".")
    airflow = {
        "dag": {"dag_id": dag_id},
        "dagRun": {"dag_id": dag_id, "run_id": more.pop("run_id", run)},
        "task": {"task_id": task_id, **more.pop("task", {})},
    }
    facets: dict[str, Any] = {"airflow": airflow}
    if "error" in more:
        facets["errorMessage"] = {"message": more.pop("error"), "stackTrace": more.pop("stack", "")}
    sql = {"sql": {"query": more.pop("sql")}} if "sql" in more else {}
    return {
        "eventType": kind,
        "eventTime": f"2026-11-02T{at}:00.5Z",
        "run": {"runId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{run}-{job}")), "facets": facets},
        "job": {"namespace": "x", "name": job, "facets": sql},
        **more,
    }


def write(folder: Path, *lines: dict[str, Any] | str) -> str:
    path = folder / "events.ndjson"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return str(path)


def ask(path: str, target: Target | None = None, so_far: SourceReport = NOTHING) -> SourceReport:
    return LineageSource(lineage_origins(Scope(lineage_events=path))).read(target or a_target(), so_far)


def story() -> list[dict[str, Any]]:
    old, new = ("id:int", "amount:numeric"), ("id:int", "amount_usd:numeric")
    return [
        event(
            "COMPLETE", "01:00", "feed.load", "good", inputs=[table("raw.orders", *old)], outputs=[table("stg.orders")]
        ),
        event(
            "START",
            "02:00",
            "vendor.migrate",
            "m1",
            outputs=[table("raw.orders", *old)],
            sql="ALTER TABLE raw.orders RENAME COLUMN amount TO amount_usd",
        ),
        event("COMPLETE", "02:01", "vendor.migrate", "m1", outputs=[table("raw.orders", *new)]),
        event(
            "FAIL",
            "03:00",
            "feed.load",
            "bad",
            error="no b",
            stack=STACK,
            inputs=[table("raw.orders", *new)],
            outputs=[table("stg.orders", reads=(("raw.orders", "amount"),))],
        ),
        event(
            "COMPLETE", "01:30", "marts.revenue", "r1", inputs=[table("stg.orders")], outputs=[table("mart.revenue")]
        ),
        event("COMPLETE", "01:40", "bi.board", "b1", inputs=[table("mart.revenue")], outputs=[table("stg.orders")]),
    ]


def test_the_column_and_the_run_that_renamed_it_are_named(tmp_path: Path):
    report = ask(write(tmp_path, *story()))
    changed = report.evidence[0]
    assert changed.title == RENAMED
    assert "read by the failing job but is not" in changed.body and "(statement: ALTER TABLE" in changed.body
    assert "changed by vendor.migrate (Dag vendor, run m1" in changed.body
    assert "with: ALTER TABLE raw.orders RENAME COLUMN amount TO amount_usd" in changed.body
    assert [(s.name, s.role) for s in report.shapes] == [("raw.orders", "failing"), ("raw.orders", "good")]


def test_any_order_and_repetition_of_the_events_tells_the_same(tmp_path: Path):
    expected = ask(write(tmp_path, *story()))
    shuffler = random.Random(7)
    for _ in range(5):
        events = [*story(), *shuffler.sample(story(), 2)]
        shuffler.shuffle(events)
        assert ask(write(tmp_path, *events)) == expected


def test_who_reads_the_outputs_is_the_blast_radius_even_in_a_cycle(tmp_path: Path):
    report = ask(write(tmp_path, *story()))
    blast = next(e for e in report.evidence if e.title.startswith("Blast radius"))
    assert blast.title == "Blast radius: 2 jobs read what the failing tasks write"
    assert blast.body.splitlines()[0].startswith("hop 1: marts.revenue") and "hop 2: bi.board" in blast.body


def test_an_error_that_the_log_lacks_is_taken_from_the_event_with_its_frames(tmp_path: Path):
    path = write(tmp_path, *story())
    found = ask(path).errors
    assert [(e.error_class, e.frames[-1].path) for e in found] == [("KeyError", "/w/feed/load.py")]
    known = SourceReport(errors=(an_error("KeyError", "no b"),))
    report = ask(path, so_far=known)
    assert report.errors == () and not any(e.title.startswith("Error of") for e in report.evidence)


def test_text_of_an_error_is_not_trusted(tmp_path: Path):
    report = ask(write(tmp_path, *story()))
    assert next(e for e in report.evidence if e.title.startswith("Error of")).trust is Trust.UNTRUSTED


def test_a_producer_that_failed_is_an_evidence_of_its_own(tmp_path: Path):
    events = [event("FAIL", "02:30", "vendor.export", "v1", error="boom", outputs=[table("raw.orders")]), *story()]
    report = ask(write(tmp_path, *events))
    assert "Upstream job failed: vendor.export, which writes raw.orders" in {e.title for e in report.evidence}


def test_without_inputs_on_the_failing_run_the_earlier_run_and_then_the_inlets_speak(tmp_path: Path):
    bare = event("FAIL", "03:00", "feed.load", "bad", task={"inlets": "[Asset(name='x', uri='s3://lake/orders')]"})
    earlier = ask(write(tmp_path, story()[0], bare))
    alone = ask(write(tmp_path, bare))
    assert "reads raw.orders" in earlier.evidence[-1].body and "an earlier run of the job" in earlier.evidence[-1].body
    assert "reads s3://lake/orders" in alone.evidence[-1].body and "the task's inlets" in alone.evidence[-1].body


def test_a_declared_schema_is_never_compared_with_an_observed_one(tmp_path: Path):
    declared = event("COMPLETE", "02:00", "dbt.orders", "d1", inputs=[table("raw.orders", "id")])
    good, bad = (
        story()[0],
        event("FAIL", "03:00", "feed.load", "bad", inputs=[table("raw.orders", "id:int", "amount:numeric")]),
    )
    assert ask(write(tmp_path, good, declared, bad)).shapes == ()


def test_what_the_masker_touched_is_no_drift(tmp_path: Path):
    bad = event("FAIL", "03:00", "feed.load", "bad", inputs=[table("raw.orders", "id:int", "amo***:nume***ic")])
    report = ask(write(tmp_path, story()[0], bad))
    assert not any("renamed" in e.body or "removed" in e.body for e in report.evidence)


@pytest.mark.parametrize(
    "line",
    [
        "{half",
        "[]",
        "null",
        '{"run": 1, "job": 2}',
        '{"eventTime": "x", "run": {"runId": "1"}, "job": {"name": "a"}}',
        "[" * 5_000,
        '{"a": "' + "x" * 2_100_000 + '"}',
    ],
    ids=["malformed", "list", "null", "wrong types", "no time", "nested", "too long"],
)
def test_a_bad_line_is_counted_and_the_good_ones_beside_it_hold(tmp_path: Path, line: str):
    report = ask(write(tmp_path, line, *story()))
    assert report.evidence[0].title == RENAMED
    assert [g.reason.split(" ")[0] for g in report.gaps] == ["1"]


def test_hostile_types_inside_an_event_stop_nothing(tmp_path: Path):
    lists = event("COMPLETE", "02:50", "feed.load", "x", inputs="x", outputs=[1])
    facets: Any = [{"namespace": "n", "name": "t", "facets": {"schema": {"fields": [3, {}]}, "columnLineage": [1]}}]
    hostile = event("FAIL", "03:00", "feed.load", "bad", outputs=facets)
    report = ask(write(tmp_path, lists, hostile))
    assert report.evidence[-1].title == "Reads and writes of load" and "writes t" in report.evidence[-1].body
    assert "1 events are none" in report.gaps[0].reason


def test_a_file_that_is_not_there_and_a_dag_that_is_not_in_it_are_gaps(tmp_path: Path):
    assert "No such file" in ask(str(tmp_path / "x")).gaps[0].reason
    other = ask(write(tmp_path, *story()), a_target(dag_id="other"))
    assert "no event tells of a failing task" in other.gaps[-1].reason


def test_the_captured_rename_names_column_job_dag_and_run():
    from dataclasses import replace

    target = a_target(dag_id="shop_elt", task_ids=("staging.stg_orders",))
    target = replace(target, run=replace(target.run, run_id="manual__2026-11-22T06:21:26.977329+00:00"), last_good=None)
    body = ask(str(FIXTURES / "af33-schema-drift-rename"), target).evidence[0].body
    for word in (
        "'amount'",
        "'amount_usd'",
        "vendor_migration.rename_amount",
        "manual__2026-11-22T06:21:21.607500+00:00",
    ):
        assert word in body


def test_every_captured_producer_is_read_without_a_bad_line():
    report = ask(str(FIXTURES))
    assert [g.reason for g in report.gaps] == ["files of events: no event tells of a failing task of Dag 'feed'"]
