"""What a lineage reader answers, on SQLite and PostgreSQL: the same questions, the same answers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures_postgres import new_database
from sqlalchemy import text

from airflow_agentic.errors import StoreError
from airflow_agentic.lineage.ingest import LineageIntake
from airflow_agentic.lineage.pack import context_pack
from airflow_agentic.lineage.schemas import with_culprit
from airflow_agentic.store.database import Database
from airflow_agentic.store.lineage_queries import SqlLineage, SqlLineageReader

STRANGE = "qu'o\"te % _ \\ new\nline \u202e 数据"


def table(name: str, *columns: str, made_of: str = "", **facets: Any) -> dict[str, Any]:
    if columns:
        facets["schema"] = {"fields": [{"name": c, "type": "int"} for c in columns]}
    if made_of:
        source = {"namespace": "postgres://db", "name": made_of}
        facets["columnLineage"] = {"fields": {c: {"inputFields": [{**source, "field": c}]} for c in columns}}
    return {"namespace": "postgres://db", "name": name, "facets": facets}


def run(
    job: str, day: int, reads: list[Any], writes: list[Any], kind: str = "COMPLETE", sql: str = ""
) -> dict[str, Any]:
    dag_id, _, task_id = job.partition(".")
    airflow = {
        "dag": {"dag_id": dag_id}, "dagRun": {"run_id": f"r{day}", "partition_key": f"2026-10-{day:02d}"},
        "task": {"task_id": task_id, "outlets": "[{'uri': 's3://lake/x'}]"},
    }  # fmt: skip
    facets: dict[str, Any] = {"airflow": airflow}
    if kind == "FAIL":
        facets["errorMessage"] = {"message": "KeyError", "stackTrace": "Traceback"}
    owners = {"ownership": {"owners": [{"name": "team"}]}, **({"sql": {"query": sql}} if sql else {})}
    return {
        "eventType": kind, "eventTime": f"2026-10-{day:02d}T06:00:00Z", "producer": "test",
        "run": {"runId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{job}{day}")), "facets": facets},
        "job": {"namespace": "prod", "name": job, "facets": owners}, "inputs": reads, "outputs": writes,
    }  # fmt: skip


EVENTS = [
    *(run("load.raw", day, [], [table("raw", "a", "b")]) for day in range(1, 6)),
    run("vendor.rename", 6, [], [table("raw", "a", "c")], sql="ALTER TABLE raw RENAME COLUMN b TO c"),
    *(run("mart.stage", day, [table("raw")], [table("staged", "a", made_of="raw")]) for day in range(1, 8)),
    run("mart.report", 7, [table("staged", "a"), table(STRANGE)], [table("report")], kind="FAIL"),
    *(run(f"log.write_{n}", 3, [], [table("log")]) for n in range(60)),
    run("mart.report", 6, [table("log", symlinks={"identifiers": [{"namespace": "s3://lake", "name": "logs"}]})], []),
]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.e2e)])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path_factory.mktemp('reader')}/store.db"
    if request.param == "postgres":
        url = new_database(request.getfixturevalue("postgres_server"))
    opened = Database(url)
    assert LineageIntake(opened).ingest(EVENTS).refused == ()
    yield opened
    opened.close()


@pytest.fixture
def reader(database: Database) -> Iterator[SqlLineageReader]:
    with SqlLineage(database).reading() as opened:
        yield opened


def ids(found: Any) -> list[Any]:
    return [one.id for one in found]


def test_jobs_and_data_sets_are_found_by_whole_and_last_names(reader: SqlLineageReader) -> None:
    (job,) = reader.find_jobs("mart.stage")
    assert (job.dag_id, job.task_id, job.owners) == ("mart", "stage", ("team",))
    assert reader.jobs_of_tasks("mart", ["stage", "none"]) == (job,)
    assert [d.name for d in reader.find_datasets(STRANGE)] == [STRANGE]
    assert reader.find_datasets("postgres://db/raw") == reader.find_datasets("raw")
    assert reader.find_datasets("s3://lake/logs") == reader.find_datasets("log")
    assert reader.find_datasets("r%w") == reader.find_jobs("'; DROP TABLE x; --") == ()


def test_edges_lead_both_ways_and_a_fan_is_counted(reader: SqlLineageReader) -> None:
    (stage,), (raw,), (log,) = (
        reader.find_jobs("mart.stage"),
        reader.find_datasets("raw"),
        reader.find_datasets("log"),
    )
    (read,) = reader.edges_of_jobs([stage.id], "input")
    assert (read.dataset, read.fan, read.last_seen[:10]) == (raw, 2, "2026-10-07")
    assert {e.job.name for e in reader.edges_of_datasets([raw.id], "output")} == {"load.raw", "vendor.rename"}
    assert (reader.fans([log.id], "output"), len(reader.edges_of_datasets([log.id], "output"))) == ({log.id: 60}, 60)
    assert reader.edges_of_jobs([], "input") == reader.edges_of_datasets([7], "input") == ()


def test_the_newest_runs_of_each_job_and_no_more(reader: SqlLineageReader) -> None:
    jobs = [*reader.find_jobs("mart.stage"), *reader.find_jobs("load.raw"), *reader.find_jobs("mart.report")]
    found = reader.last_runs(ids(jobs), limit=3)
    assert [(r.job.name, r.airflow_run_id) for r in found if r.job.name == "mart.stage"] == [
        ("mart.stage", f"r{day}") for day in (7, 6, 5)
    ]
    assert len(found) == 3 + 3 + 2
    earlier = reader.last_runs(ids(jobs[:1]), limit=9, until="2026-10-02T06:00:00+00:00")
    assert [r.airflow_run_id for r in earlier] == ["r2", "r1"]


def test_of_runs_of_one_time_no_more_than_asked_for_are_told(tmp_path: Path) -> None:
    opened = Database(f"sqlite:///{tmp_path}/store.db")
    mapped = [{**run("wide.mapped", 3, [], []), "run": {"runId": str(uuid.UUID(int=n + 1))}} for n in range(7)]
    assert LineageIntake(opened).ingest([*mapped, run("wide.mapped", 4, [], [])]).refused == ()
    with SqlLineage(opened).reading() as reader:
        found = reader.last_runs(ids(reader.find_jobs("wide.mapped")), limit=3)
    opened.close()
    assert [r.last_event[:10] for r in found] == ["2026-10-04", "2026-10-03", "2026-10-03"]
    assert [r.run_id[-1] for r in found[1:]] == ["6", "7"]


def test_who_is_on_the_far_side_is_the_same_whether_told_along_or_asked_for(database: Database) -> None:
    with SqlLineage(database).reading() as reader:
        jobs = ids([*reader.find_jobs("mart.stage"), *reader.find_jobs("mart.report"), *reader.find_jobs("load.raw")])
        told = {}
        for near, far in (("input", "output"), ("output", "input")):
            datasets = sorted({edge.dataset.id for edge in reader.edges_of_jobs(jobs, near)})
            told[far] = datasets, reader.edges_of_datasets(datasets, far)
            told[f"{far}, one"] = datasets[:1], reader.edges_of_datasets(datasets[:1], far)
    for key, (datasets, edges) in told.items():
        with SqlLineage(database).reading() as reader:
            assert reader.edges_of_datasets(datasets, key.partition(",")[0]) == edges
    assert len(told["output"][1]) > 60
    assert told["input"][1]


def test_a_store_goes_one_revision_back_and_comes_up_again_with_the_same_answers(tmp_path: Path) -> None:
    from alembic import command
    from alembic.config import Config

    from airflow_agentic.store import migrations

    opened = Database(f"sqlite:///{tmp_path}/store.db")
    assert LineageIntake(opened).ingest(EVENTS[:8]).refused == ()

    def answer() -> Any:
        with SqlLineage(opened).reading() as reader:
            return reader.last_runs(ids(reader.find_jobs("load.raw")), limit=3)

    before = answer()
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with opened.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0007")
        names = text("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'agentic_ol_runs'")
        assert "agentic_ol_runs_job" in connection.execute(names).scalars().all()
    opened.close()
    assert (answer(), len(before)) == (before, 3)
    with opened.read() as connection:
        assert "agentic_ol_runs_of_job" in connection.execute(names).scalars().all()
    opened.close()


def test_runs_job_by_job_are_the_same_runs(reader: SqlLineageReader) -> None:
    jobs = [*reader.find_jobs("mart.stage"), *reader.find_jobs("load.raw"), *reader.find_jobs("mart.report")]
    flat = reader.last_runs(ids(jobs), limit=3)
    by_job = reader.runs_of_jobs([*ids(jobs), 7], limit=3)
    assert {key: tuple(runs) for key, runs in by_job.items()} == {
        job.id: tuple(run for run in flat if run.job == job) for job in jobs
    }
    assert tuple(by_job[jobs[0].id][1:]) == tuple(run for run in flat if run.job == jobs[0])[1:]
    assert reader.runs_of_jobs([], limit=3) == {}


def test_a_failed_run_is_told_with_its_error_and_what_it_read(reader: SqlLineageReader) -> None:
    (job,) = reader.find_jobs("mart.report")
    (failed,) = reader.runs_of_task_run([job.id], "r7")
    assert (failed.state, failed.error, failed.stack, failed.partition_key) == (
        "FAIL",
        "KeyError",
        "Traceback",
        "2026-10-07",
    )
    assert reader.runs_by_id([failed.run_id]) == (failed,)
    assert {(io.dataset.name, io.io) for io in reader.io_of_runs([failed.run_id])} == {
        ("staged", "input"), (STRANGE, "input"), ("report", "output"),
    }  # fmt: skip
    assert reader.child_runs([failed.run_id]) == ()
    assert reader.assets_of_jobs([job.id]) == {job.id: ((), ("s3://lake/x",))}


def test_versions_tell_what_they_were_and_who_changed_them(reader: SqlLineageReader) -> None:
    (raw,) = reader.find_datasets("raw")
    new, old = reader.schema_versions([raw.id])
    assert ([name for name, _ in new.columns], [name for name, _ in old.columns]) == (["a", "c"], ["a", "b"])
    assert (old.first_seen[:10], old.last_seen[:10]) == ("2026-10-01", "2026-10-05")
    (writer,) = reader.writers_between(raw.id, "2026-10-05T07:00:00Z", "2026-10-06T07:00:00Z")
    assert (writer.job.name, writer.run_id, "RENAME" in writer.sql) == ("vendor.rename", reader.first_run(new), True)
    assert [v.schema_id for v in reader.schema_versions([raw.id], until="2026-10-03T00:00:00Z")] == [old.schema_id]


def test_columns_are_followed_to_what_they_are_made_of(reader: SqlLineageReader) -> None:
    (staged,), (stage,) = reader.find_datasets("staged"), reader.find_jobs("mart.stage")
    (edge,) = reader.column_sources([(staged.id, "a"), (staged.id, "none")])
    assert (edge.out_column, edge.in_dataset.name, edge.in_column, edge.job) == ("a", "raw", "a", stage)
    assert reader.columns_read([stage.id]) == (edge,)


def test_a_partitions_runs_are_those_of_the_jobs_asked_for(reader: SqlLineageReader) -> None:
    jobs = reader.find_jobs("mart.stage")
    (found,) = reader.partition_runs("2026-10-03", ids(jobs))
    assert (found.job, found.airflow_run_id) == (jobs[0], "r3")
    assert len(reader.partition_runs("2026-10-03")) == 62
    assert reader.partition_runs("2026-10-30", ids(jobs)) == ()


def test_a_pack_gathers_all_of_it(reader: SqlLineageReader) -> None:
    (log,) = reader.find_datasets("log")
    pack = context_pack(reader, reader.find_jobs("mart.report"), partition_key="2026-10-07")
    assert {job.name for job in pack.upstream.jobs} == {"mart.stage", "load.raw", "vendor.rename"}
    assert [(hub.dataset.name, hub.jobs) for hub in pack.upstream.hubs] == [(log.name, 60)]
    (change,) = [c for history in pack.histories for c in history.changes]
    culprit = with_culprit(reader, change).culprit
    assert culprit is not None and culprit.job.name == "vendor.rename"
    assert pack.partition is not None and pack.partition.state == "failed"


def test_what_the_driver_says_becomes_a_store_error(database: Database) -> None:
    with pytest.raises(StoreError, match="no_such_column"), SqlLineage(database).reading() as broken:
        broken._ask(text("SELECT no_such_column"), {})
