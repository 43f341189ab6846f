"""Questions answered from the lineage store, on events that real producers emitted and on made-up graphs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from airflow_agentic.errors import SourceUnavailable
from airflow_agentic.lineage import answers
from airflow_agentic.lineage.ddl import alterations, tables_of
from airflow_agentic.lineage.graph import DOWNSTREAM, UPSTREAM, walk
from airflow_agentic.lineage.ingest import LineageIntake
from airflow_agentic.lineage.partitions import partition_state
from airflow_agentic.lineage.schemas import schema_history
from airflow_agentic.store.database import Database
from airflow_agentic.store.lineage_queries import SqlLineage, SqlLineageReader

FIXTURES = Path(__file__).parents[3] / "shared" / "fixtures" / "openlineage"
captured = pytest.mark.skipif(not FIXTURES.exists(), reason="the captured events are not on this machine")


@contextmanager
def told(folder: Path, *events: Any) -> Iterator[SqlLineageReader]:
    database = Database(f"sqlite:///{folder}/{uuid.uuid4().hex}.db")
    assert LineageIntake(database).ingest(events).refused == ()
    with SqlLineage(database).reading() as reader:
        yield reader
    database.close()


def fixture(*cases: str) -> list[bytes]:
    paths = [p for case in cases for p in sorted((FIXTURES / case).rglob("*.ndjson"))]
    return [line for path in paths for line in path.read_bytes().splitlines()]


def table(name: str, *columns: str, made_of: dict[str, tuple[str, str]] | None = None) -> dict[str, Any]:
    facets: dict[str, Any] = {}
    if columns:
        facets["schema"] = {"fields": [{"name": c.split(":")[0], "type": c.partition(":")[2]} for c in columns]}
    if made_of:
        facets["columnLineage"] = {
            "fields": {
                out: {"inputFields": [{"namespace": "postgres://db", "name": t, "field": c}]}
                for out, (t, c) in made_of.items()
            }
        }
    return {"namespace": "postgres://db", "name": name, "facets": facets}


def run(
    job: str, day: int, reads: Any = (), writes: Any = (), kind: str = "COMPLETE", sql: str = "", key: str = ""
) -> dict[str, Any]:
    dag_id, _, task_id = job.partition(".")
    dag_run = {"dag_id": dag_id, "run_id": f"{dag_id}-{day}", **({"partition_key": key} if key else {})}
    return {
        "eventType": kind,
        "eventTime": f"2026-10-{day:02d}T06:00:00Z",
        "producer": "https://example.com",
        "run": {
            "runId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{job}{day}")),
            "facets": {"airflow": {"dagRun": dag_run, "dag": {"dag_id": dag_id}, "task": {"task_id": task_id}}},
        },
        "job": {"namespace": "prod", "name": job, "facets": {"sql": {"query": sql}} if sql else {}},
        "inputs": [t if isinstance(t, dict) else table(t) for t in reads],
        "outputs": [t if isinstance(t, dict) else table(t) for t in writes],
    }


CYCLE = [run("a.x", 1, ["t0"], ["t1"]), run("b.x", 1, ["t1"], ["t2"]), run("c.x", 1, ["t2"], ["t0"])]


def test_a_walk_goes_level_by_level_and_ends_in_a_cycle(tmp_path: Path) -> None:
    with told(tmp_path, *CYCLE) as reader:
        up = walk(reader, UPSTREAM, jobs=reader.find_jobs("b.x"))
        down = walk(reader, DOWNSTREAM, datasets=reader.find_datasets("t1"))
    assert [(level.hop, [j.name for j in level.jobs]) for level in up.levels] == [(1, ["a.x"]), (2, ["c.x"]), (3, [])]
    assert [[j.name for j in level.jobs] for level in down.levels][:3] == [["b.x"], ["c.x"], ["a.x"]]


def test_a_table_with_very_many_writers_is_counted_and_not_followed(tmp_path: Path) -> None:
    writers = [run(f"w{n}.x", 1, [f"s{n}"], ["log"]) for n in range(60)]
    with told(tmp_path, *writers, run("r.x", 1, ["log"], ["out"])) as reader:
        found = walk(reader, UPSTREAM, jobs=reader.find_jobs("r.x"))
    assert [(h.dataset.name, h.jobs) for h in found.hubs] == [("log", 60)]
    assert found.jobs == ()


def test_the_walk_ends_at_its_cap_and_says_so(tmp_path: Path) -> None:
    fan = [run(f"r{n}.x", 1, ["t"], [f"o{n}"]) for n in range(40)]
    with told(tmp_path, *fan) as reader:
        found = walk(reader, DOWNSTREAM, datasets=reader.find_datasets("t"), max_nodes=10)
    assert len(found.jobs) == 10 and found.truncated


@captured
def test_one_question_names_the_column_the_dag_and_the_run_that_renamed_it(tmp_path: Path) -> None:
    with told(tmp_path, *fixture("af33-schema-drift-rename")) as reader:
        first, *_ = answers.column(reader, "shop_elt.staging.stg_orders")
    assert (first["what"], first["column"], first["now"]) == ("renamed", "amount", "amount_usd")
    assert "Dag vendor_migration" in first["by"] and "manual__2026-11-22T06:21:21.607500+00:00" in first["by"]
    assert "statement: ALTER TABLE raw.orders" in first["detail"]


@captured
def test_with_the_days_before_it_the_rename_is_a_change_between_two_versions(tmp_path: Path) -> None:
    with told(tmp_path, *fixture("af33-sql-success", "af33-schema-drift-rename")) as reader:
        history = schema_history(reader, reader.find_datasets("raw.orders")[0])
    assert [(c.kind, c.column, c.now) for c in history.changes[0].columns] == [("renamed", "amount", "amount_usd")]
    assert history.changes[0].culprit is not None and history.changes[0].culprit.job.dag_id == "vendor_migration"


@captured
def test_the_state_of_a_partition_is_told_with_what_ran_on_it(tmp_path: Path) -> None:
    with told(tmp_path, *fixture("af33-partitioned-assets")) as reader:
        found = partition_state(reader, "s3://lake/partitioned/orders", "2026-11-22")
    assert found.state == "current"
    assert [(t.job.name, t.role) for t in found.ran] == [
        ("part_producer.produce", "writes"),
        ("part_consumer.consume_part", "reads"),
    ]


def test_a_partition_whose_input_was_written_later_is_stale_and_what_is_missing_is_told(tmp_path: Path) -> None:
    events = [
        run("a.x", 3, ["t0"], ["t1"], key="p1"), run("b.x", 2, ["t1"], ["t2"], key="p1"),
        run("c.x", 1, ["t2"], ["t3"], key="p0"),
    ]  # fmt: skip
    with told(tmp_path, *events) as reader:
        found = partition_state(reader, "t2", "p1")
        none = partition_state(reader, "t2", "p9")
        unknown = partition_state(reader, "nowhere", "p1")
    assert found.state == "stale" and "t1 was written by a.x" in found.why
    assert [t.job.name for t in found.missing] == ["c.x"]
    assert (none.state, unknown.state) == ("missing", "unknown")


def test_a_failed_writer_leaves_a_failed_partition(tmp_path: Path) -> None:
    with told(tmp_path, run("a.x", 1, [], ["t"], kind="FAIL", key="p")) as reader:
        assert partition_state(reader, "t", "p").state == "failed"


def test_a_rename_without_evidence_stays_a_removal_beside_a_possible_rename(tmp_path: Path) -> None:
    old, new = ("id:int", "amount:numeric", "x:text"), ("id:int", "gross:numeric", "x:text")
    with told(tmp_path, run("a.x", 1, [], [table("t", *old)]), run("a.x", 2, [], [table("t", *new)])) as reader:
        change = schema_history(reader, reader.find_datasets("t")[0]).changes[0]
    kinds = {c.kind for c in change.columns}
    assert "renamed" not in kinds and {"removed", "added"} <= kinds
    assert change.culprit is not None and change.culprit.airflow_run_id == "a-2"


def test_columns_made_of_the_same_input_are_one_renamed_column(tmp_path: Path) -> None:
    before = run("a.x", 1, ["s"], [table("t", "id:int", "amount:numeric", made_of={"amount": ("s", "v")})])
    after = run("a.x", 2, ["s"], [table("t", "id:int", "gross:numeric", made_of={"gross": ("s", "v")})])
    with told(tmp_path, before, after) as reader:
        changes = schema_history(reader, reader.find_datasets("t")[0]).changes[0].columns
    assert [(c.kind, c.column, c.now) for c in changes] == [("renamed", "amount", "gross")]
    assert "column lineage" in changes[0].evidence


def test_a_documented_schema_is_never_compared_with_an_observed_one(tmp_path: Path) -> None:
    events = [run("a.x", 1, [], [table("t", "id:int", "v:int")]), run("dbt.x", 2, [], [table("t", "id")])]
    with told(tmp_path, *events) as reader:
        history = schema_history(reader, reader.find_datasets("t")[0])
    assert len(history.versions) == 2 and history.changes == ()


def test_what_the_masker_wrote_over_is_no_change(tmp_path: Path) -> None:
    events = [
        run("a.x", 1, [], [table("t", "id:int", "te:int")]),
        run("a.x", 2, [], [table("t", "id:int", "te***t:int")]),
    ]
    with told(tmp_path, *events) as reader:
        history = schema_history(reader, reader.find_datasets("t")[0])
    assert [c.kind for change in history.changes for c in change.columns] == []


def test_the_blast_radius_names_dags_downstream(tmp_path: Path) -> None:
    with told(tmp_path, *CYCLE) as reader:
        assert "other Dags: b, c, a" in [row["detail"] for row in answers.blast(reader, "t1")]


def test_owners_of_data_sets_downstream_are_told_the_latest_word_holds(tmp_path: Path) -> None:
    def owned(name: str, *owners: str) -> dict[str, Any]:
        found = table(name)
        found["facets"]["ownership"] = {"owners": [{"name": o, "type": "OWNER"} for o in owners] + ["odd", {"name": 7}]}
        return found

    events = [
        run("b.x", 2, ["t1"], [owned("t2", "@finance")]),
        run("b.x", 1, ["t1"], [owned("t2", "@left-the-company")]),
        run("c.x", 1, [owned("t2")], ["t3"]),
    ]
    with told(tmp_path, *events) as reader:
        details = [row["detail"] for row in answers.blast(reader, "t1")]
    assert "owners: @finance" in details


def test_a_name_that_nobody_has_told_of_is_refused_with_advice(tmp_path: Path) -> None:
    with told(tmp_path, *CYCLE) as reader, pytest.raises(SourceUnavailable, match="no job or data set is called so"):
        answers.neighbours(reader, UPSTREAM, "nothing")


def test_a_hostile_name_is_shown_without_its_control_characters(tmp_path: Path) -> None:
    with told(tmp_path, run("a.x", 1, ["t\n\x1b[31m\u202eevil'\"; drop"], ["o"])) as reader:
        shown = answers.as_text(answers.neighbours(reader, UPSTREAM, "a.x"))
    assert "\x1b" not in shown and "\u202e" not in shown and len(shown.splitlines()) == 1


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "ALTER TABLE raw.orders RENAME COLUMN amount TO amount_usd",
            [("raw.orders", "renamed", "amount", "amount_usd")],
        ),
        (
            "ALTER TABLE t DROP COLUMN a; ALTER TABLE t ADD COLUMN b int",
            [("t", "removed", "a", ""), ("t", "added", "b", "")],
        ),
        ("ALTER TABLE t ALTER COLUMN a TYPE text", [("t", "retyped", "a", "text")]),
        ("select 1", []),
        ("ALTER TABLE ((( nonsense", []),
    ],
    ids=["rename", "drop and add", "retype", "no alteration", "nonsense"],
)
def test_a_statement_tells_what_it_does_to_columns(sql: str, expected: list[Any]) -> None:
    assert [(a.table, a.kind, a.column, a.now) for a in alterations(sql)] == expected


def test_a_script_tells_what_it_reads_and_writes() -> None:
    found = tables_of("with c as (select * from raw.a) insert into mart.m select * from c join raw.b using (id)")
    assert (set(found.reads), found.writes) == ({"raw.a", "raw.b"}, ("mart.m",))


def test_ids_are_the_answers_in_json_too(tmp_path: Path) -> None:
    with told(tmp_path, *CYCLE) as reader:
        assert json.loads(json.dumps(answers.neighbours(reader, UPSTREAM, "b.x")))[0]["name"] == "t1"
