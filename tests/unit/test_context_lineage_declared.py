"""Lineage without OpenLineage: each place in its order, and which of them told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from airflow_agentic.context.declared_lineage import DeclaredLineageSource
from airflow_agentic.context.lineage import LineageSource, Origin
from airflow_agentic.lineage import answers
from airflow_agentic.lineage.scratch import reading_of
from airflow_agentic.records import Checkout, DagRunRecord, SourceReport, Target
from airflow_agentic.records.lineage import Asset, AssetEvent
from airflow_agentic.testing.assets import FakeAssets
from airflow_agentic.testing.lineage import an_event
from airflow_agentic.testing.targets import a_target

ORDERS, STAGED = "s3://lake/orders", "s3://lake/staged"


def checkout(folder: Path, **files: str) -> SourceReport:
    for path, text in files.items():
        where = folder / path.replace("__", "/").replace("_dot_", ".")
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(text)
    made = Checkout(path=str(folder), commit="c", base_branch="main", base_commit="c", pinned=True, dag_file=None)
    return SourceReport(checkout=made)


def event(
    number: int, uri: str, task: str, *, day: str = "02", key: str = "", consumers: tuple[DagRunRecord, ...] = ()
) -> AssetEvent:
    dag_id, _, task_id = task.partition(".")
    return AssetEvent(
        id=number, asset_id=1 if uri == ORDERS else 2, uri=uri, at=f"2026-11-{day}T01:00:00+00:00", dag_id=dag_id,
        task_id=task_id, run_id=f"{dag_id}-{day}", partition_key=key, consumers=consumers,
    )  # fmt: skip


def ran(dag_id: str, state: str, *, day: str = "02", key: str | None = None) -> DagRunRecord:
    return DagRunRecord(
        dag_id=dag_id, run_id=f"{dag_id}-{day}", state=state, logical_date=None, partition_key=key,
        started_at=f"2026-11-{day}T02:00:00+00:00", ended_at=f"2026-11-{day}T02:05:00+00:00",
    )  # fmt: skip


def titles(report: SourceReport) -> str:
    return "\n".join(f"{e.title}\n{e.body}" for e in report.evidence)


def running_dbt(task_id: str, command: str) -> Target:
    target = a_target(task_ids=(task_id,))
    return replace(target, failed=tuple(replace(t, rendered=(("bash_command", command),)) for t in target.failed))


def test_asset_events_tell_what_started_the_run_who_made_it_and_who_waits() -> None:
    made = event(1, ORDERS, "vendor.land")
    before = event(2, STAGED, "feed.load", day="01", consumers=(ran("bi", "success", day="01"),))
    assets = FakeAssets(events=[made, before], began={"bad": [made]})
    found = DeclaredLineageSource(assets).read(a_target(), SourceReport())
    assert found.lineage_origin == "asset events"
    assert f"reads {ORDERS}; writes {STAGED}" in titles(found)
    assert f"{ORDERS} was written by vendor.land: run vendor-02, COMPLETE" in titles(found)
    assert found.blast_radius[0].startswith("hop 1: bi")


def test_without_events_the_inlets_and_outlets_of_assets_tell() -> None:
    assets = FakeAssets(
        assets=[
            Asset(id=1, uri=ORDERS, name="orders", producers=(("vendor", "land"),), consumers=(("feed", "load"),)),
            Asset(id=2, uri=STAGED, name="staged", producers=(("feed", "load"),), starts=("bi",)),
        ]
    )
    found = DeclaredLineageSource(assets).read(a_target(), SourceReport())
    assert found.lineage_origin == "inlets and outlets"
    assert f"reads {ORDERS}; writes {STAGED}" in titles(found) and found.blast_radius[0].startswith("hop 1: bi")


def test_inlets_that_only_the_tasks_event_names_are_told_before_the_repository_is_read(tmp_path: Path) -> None:
    bare = an_event("FAIL", "02 08:00", "feed.load", run_id="bad")
    bare["run"]["facets"]["airflow"]["task"]["inlets"] = f"[Asset(name='x', uri='{ORDERS}')]"
    origin = Origin(name="events", reading=lambda tasks, notes: reading_of([bare], notes))
    first = LineageSource([origin]).read(a_target(), SourceReport())
    found = DeclaredLineageSource().read(a_target(), first)
    assert first.lineage_origin == "" and f"reads {ORDERS}" in titles(first)
    assert found.lineage_origin.startswith("inlets and outlets, as the task's event")


MANIFEST = {
    "metadata": {"dbt_schema_version": "x"},
    "sources": {"source.shop.raw.orders": {"schema": "raw", "name": "orders", "identifier": "orders_v2"}},
    "nodes": {
        "model.shop.stg_orders": {
            "resource_type": "model", "schema": "stg", "name": "stg_orders", "alias": "orders",
            "depends_on": {"nodes": ["source.shop.raw.orders"]}, "columns": {"id": {}, "amount": {}},
        },
        "model.shop.mart": {
            "resource_type": "model", "schema": "mart", "name": "mart",
            "depends_on": {"nodes": ["model.shop.stg_orders", "model.gone", 7]},
        },
        "test.shop.x": {"resource_type": "test", "name": "x"},
        "broken": 3,
    },
}  # fmt: skip


def test_a_dbt_manifest_tells_of_the_model_that_the_task_names(tmp_path: Path) -> None:
    report = checkout(
        tmp_path, dbt__target__manifest_dot_json=json.dumps(MANIFEST), dbt__dbt_project_dot_yml="name: shop"
    )
    found = DeclaredLineageSource().read(running_dbt("transform.stg_orders_run", ""), report)
    assert found.lineage_origin == "the dbt manifest in the repository"
    assert "reads raw.orders_v2; writes stg.orders" in titles(found)
    assert found.blast_radius[0].startswith("hop 1: model.shop.mart")


def test_without_a_manifest_ref_and_source_of_the_models_tell_of_all_that_dbt_builds(tmp_path: Path) -> None:
    report = checkout(
        tmp_path, dbt_project_dot_yml="name: shop",
        models__stg_orders_dot_sql="-- {{ ref('not_me') }}\nselect * from {{ source('raw', 'orders') }}",
        models__mart_dot_sql="select * from {{ ref('stg_orders') }}",
    )  # fmt: skip
    found = DeclaredLineageSource().read(running_dbt("transform", "dbt build --project-dir ."), report)
    assert found.lineage_origin == "ref() and source() of the dbt models"
    assert "reads raw.orders; writes" in titles(found) and "not_me" not in titles(found)


def test_parsed_sql_is_the_last_that_is_asked(tmp_path: Path) -> None:
    report = checkout(
        tmp_path, sql__land_dot_sql="insert into raw.orders select * from {{ params.schema }}.feed",
        sql__nonsense_dot_sql="this selects ((( nothing",
    )  # fmt: skip
    target = a_target(rendered=(("sql", "insert into stg.orders select * from raw.orders"),))
    found = DeclaredLineageSource().read(target, report)
    assert found.lineage_origin == "parsed SQL"
    assert "reads raw.orders; writes stg.orders" in titles(found)


def test_the_statement_may_be_in_the_file_that_the_task_is_called_after(tmp_path: Path) -> None:
    report = checkout(tmp_path, sql__load_dot_sql="insert into stg.orders select * from raw.orders")
    found = DeclaredLineageSource().read(a_target(), report)
    assert "reads raw.orders; writes stg.orders" in titles(found)


def test_where_nothing_tells_the_gap_says_how_to_get_lineage() -> None:
    found = DeclaredLineageSource(FakeAssets()).read(a_target(), SourceReport())
    assert found.lineage_origin == "" and "airflow agentic lineage setup" in found.gaps[0].reason


def test_an_airflow_that_is_away_is_a_gap_and_the_next_place_is_asked(tmp_path: Path) -> None:
    report = checkout(tmp_path, sql__load_dot_sql="insert into stg.orders select * from raw.orders")
    found = DeclaredLineageSource(FakeAssets(down=True)).read(a_target(), report)
    assert found.lineage_origin == "parsed SQL" and found.gaps[0].reason.startswith(
        "asset events: Reading assets failed"
    )


def test_what_openlineage_has_told_is_not_asked_for_again(tmp_path: Path) -> None:
    report = replace(
        checkout(tmp_path, sql__load_dot_sql="select * from raw.orders"), lineage_origin="our lineage store"
    )
    assert DeclaredLineageSource(FakeAssets(down=True)).read(a_target(), report) == SourceReport()


PARTITIONED = Asset(
    id=1, uri=ORDERS, name="orders", producers=(("vendor", "land"),), consumers=(("feed", "load"),), starts=("bi",)
)


@pytest.mark.parametrize(
    ("events", "runs", "state"),
    [
        ([event(1, ORDERS, "vendor.land", key="p1", consumers=(ran("feed", "success"),))], [], "current"),
        ([], [ran("vendor", "failed", key="p1")], "failed"),
        ([], [ran("vendor", "running", key="p1")], "running"),
        ([event(1, ORDERS, "vendor.land", key="p0")], [ran("vendor", "success", key="p10")], "missing"),
    ],
    ids=["written", "its run failed", "its run is at work", "another partition"],
)
def test_the_state_of_a_partition_is_known_from_runs_and_asset_events_alone(
    events: list[AssetEvent], runs: list[DagRunRecord], state: str
) -> None:
    assets = FakeAssets(assets=[PARTITIONED], events=events, runs=runs, stored={"partition/p1": '"checked" by x'})
    with reading_of([]) as silent:
        rows = answers.partition(silent, ORDERS, "p1", assets=assets)
    assert f"is {state}:" in rows[0]["detail"], rows
    assert any("Airflow's runs and asset events" in row["detail"] for row in rows)
    assert any('asset state store: "checked" by x' in row["detail"] for row in rows)
    told = "\n".join(row["detail"] for row in rows)
    assert "bi, which reads it: has not run on it" in told
    assert ("feed.load, which reads it: COMPLETE" in told) == (state == "current")
