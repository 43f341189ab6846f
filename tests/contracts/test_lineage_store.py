"""What the lineage store promises of any order, repetition and batching of events: on SQLite and PostgreSQL."""

from __future__ import annotations

import json
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures_postgres import new_database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from airflow_agentic.lineage.ingest import LineageIntake, Receipt
from airflow_agentic.lineage.normalize import Namer, job_id
from airflow_agentic.lineage.wire import DAY_US, STATES
from airflow_agentic.store import lineage_tables as t
from airflow_agentic.store.database import Database

FIXTURES = Path(__file__).parents[1] / "fixtures" / "openlineage"
EVENTS = [line.strip() for path in sorted(FIXTURES.rglob("*.ndjson")) for line in path.read_bytes().splitlines()]
NOW = 1_795_500_000_000_000  # 2026-11-24
STATE = [table for table in t.LINEAGE_TABLES if table not in (t.EVENTS, t.ARRIVALS)]
DUPLICATES = len(EVENTS) // 5


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.e2e)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path}/store.db"
    if request.param == "postgres":
        url = new_database(request.getfixturevalue("postgres_server"))
    opened = Database(url)
    yield opened
    opened.close()


def rows(database: Database, *tables: Any) -> dict[str, list[Any]]:
    with database.read() as connection:
        return {table.name: sorted(map(tuple, connection.execute(select(table))), key=repr) for table in tables}


def empty(database: Database) -> None:
    with database.write() as connection:
        for table in t.LINEAGE_TABLES:
            connection.execute(table.delete())


def take(database: Database, events: list[Any], batch: int = 500) -> Receipt:
    intake, receipt = LineageIntake(database), Receipt()
    for start in range(0, len(events), batch):
        receipt += intake.ingest(events[start : start + batch], now_us=NOW)
    return receipt


def event(state: str = "COMPLETE", at: str = "2026-11-23T06:00:00Z", *, run: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "eventType": state, "eventTime": at, "producer": "test", "run": {"runId": str(uuid.UUID(int=run))},
        "job": {"namespace": "n", "name": "d.t"}, **more,
    }  # fmt: skip


def table(name: str, *columns: tuple[str, str], namespace: str = "postgres://db", **facets: Any) -> dict[str, Any]:
    fields = [{"name": column, "type": kind} for column, kind in columns]
    return {
        "namespace": namespace,
        "name": name,
        "facets": {**({"schema": {"fields": fields}} if fields else {}), **facets},
    }


def test_every_captured_event_is_taken_and_a_second_time_changes_nothing(database: Database) -> None:
    first = take(database, EVENTS)
    before = rows(database, *STATE)
    assert (first.taken + first.repeated, first.refused) == (len(EVENTS), ())
    again = take(database, EVENTS)
    reordered_keys = take(database, [json.loads(line) for line in EVENTS])
    assert (again.taken, again.repeated) == (0, len(EVENTS))
    assert reordered_keys.refused == ()
    assert rows(database, *STATE) == before


@pytest.mark.e2e
def test_a_hundred_permutations_with_a_fifth_repeated_end_in_the_same_rows(database: Database) -> None:
    take(database, EVENTS)
    expected = rows(database, *STATE)

    @settings(
        max_examples=100 if database.sqlite else 20,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.randoms(use_true_random=True), st.sampled_from([1, 3, 50, 500]))
    def permuted(chance: random.Random, batch: int) -> None:
        events = [*EVENTS, *chance.sample(EVENTS, DUPLICATES)]
        chance.shuffle(events)
        empty(database)
        take(database, events, batch)
        got = rows(database, *STATE)
        assert [name for name in got if got[name] != expected[name]] == []

    permuted()


def test_events_of_one_run_that_contradict_each_other_still_end_the_same(database: Database) -> None:
    a, b = table("a", ("x", "int")), table("a", ("x", "text"))
    events = [
        event("START", "2026-11-23T06:00:00Z", inputs=[a]),
        event("FAIL", "2026-11-23T06:00:01Z", inputs=[b]),
        event("COMPLETE", "2026-11-23T06:00:01Z", job={"namespace": "m", "name": "e"}, outputs=[a]),
        event("COMPLETE", "2026-11-23T06:00:01Z", run=2, outputs=[b]),
        event("RUNNING", "2026-11-23T07:00:00Z", run=2, job={"namespace": "é", "name": "Z"}),
        *(
            event("START", run=3, job={"namespace": "n", "name": "q", "facets": {"sql": {"query": q}}})
            for q in ("é", "Z", "a")
        ),
    ]
    take(database, events)
    expected = rows(database, *STATE)
    for seed in range(30):
        empty(database)
        chance = random.Random(seed)
        chance.shuffle(events)
        take(database, events, chance.choice([1, 2, 8]))
        assert rows(database, *STATE) == expected


def test_a_bad_event_is_refused_by_place_and_reason_and_those_beside_it_are_in(database: Database) -> None:
    huge = table("wide", *((f"c{n}", "int") for n in range(10_000)))
    strange = 'quote " newline \n bidi \u202e tab \t 4k ' + "x" * 4_000
    given_events = [
        event(run=1),
        event("NOPE", run=2),
        event(at="2026-11-23T06:00:00", run=3),
        event(at="2199-01-01T00:00:00Z", run=4),
        {**event(), "run": {"runId": "7"}},
        event(run=6, inputs=[{"namespace": "a", "name": "b\0c"}]),
        event(run=7, inputs="no list"),
        b'{"a": 1, "a": 2}',
        b'{"half": ',
        "text",
        event(run=8, inputs=[huge, table(strange, (strange, "t"))]),
        event(run=9, outputs=[table("x" * 9_000)]),
        b"[" * 100_000,
        event(run=10, inputs=[table("lone \ud800")]),
    ]
    receipt = take(database, given_events)
    assert receipt.taken == 2
    assert {one.position for one in receipt.refused} == {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13}
    said = " ".join(one.reason for one in receipt.refused)
    for words in (
        "eventType",
        "offset",
        "future",
        "UUID",
        "NUL",
        "not a list",
        "twice",
        "no JSON",
        "8192",
        "deeper",
        "surrogate",
    ):
        assert words in said
    assert strange in {name for _, _, name, *_ in rows(database, t.DATASETS)["agentic_ol_datasets"]}


def test_an_output_counts_as_a_schema_only_when_its_run_completed(database: Database) -> None:
    for state in ("START", "FAIL", "COMPLETE"):
        take(database, [event(state, outputs=[table("out", (state, "int"))], inputs=[table("in", (state, "int"))])])
    found = [json.loads(fields)[0][0] for _, fields in rows(database, t.SCHEMAS)["agentic_ol_schemas"]]
    assert Counter(found) == {"COMPLETE": 1, "START": 1, "FAIL": 1}
    out = Namer().dataset("postgres://db", "out").id
    assert (
        len([row for row in rows(database, t.SCHEMA_OBSERVATIONS)["agentic_ol_schema_observations"] if row[0] == out])
        == 1
    )


def test_a_masked_type_is_unknown_and_a_masked_data_set_is_none(database: Database) -> None:
    masked = [line for path in FIXTURES.glob("*masked*/**/*.ndjson") for line in path.read_bytes().splitlines()]
    assert any(b"***" in line for line in masked)
    take(
        database,
        [
            *masked,
            event(inputs=[table("shop.r***.orders", ("a", "int")), table("seen", ("b***", "te***t"), ("c", "int"))]),
        ],
    )
    everything = repr(rows(database, t.DATASETS, t.SCHEMAS, t.FIELDS))
    assert "***" not in everything
    fields = [json.loads(fields) for _, fields in rows(database, t.SCHEMAS)["agentic_ol_schemas"]]
    assert [[None, None], ["c", "int"]] in fields


def test_both_modes_of_dbt_name_one_job(database: Database) -> None:
    node = {"dbt_node": {"unique_id": "model.shop.stg"}}
    parent = {"parent": {"run": {"runId": str(uuid.UUID(int=9))}, "job": {"namespace": "prod", "name": "dbt-run-shop"}}}
    for number, (namespace, name) in enumerate((("dbt", "shop.dbt.shop.stg"), ("prod", "model.shop.stg"))):
        one = event(run=number, job={"namespace": namespace, "name": name, "facets": node})
        one["run"]["facets"] = parent
        take(database, [one])
    assert {row[1] for row in rows(database, t.RUNS)["agentic_ol_runs"] if row[2]} == {job_id("prod", "model.shop.stg")}


def test_the_retired_integrations_events_are_merged_by_run(database: Database) -> None:
    legacy = [
        line
        for path in FIXTURES.glob("openlineage-airflow-1.41/**/*.ndjson")
        for line in path.read_bytes().splitlines()
    ]
    take(database, legacy)
    runs = rows(database, t.RUNS)["agentic_ol_runs"]
    tasks = [
        dict(zip(t.RUNS.columns.keys(), row, strict=True))
        for row in runs
        if row[t.RUNS.columns.keys().index("try_number")]
    ]
    assert tasks
    for run in tasks:
        assert (
            run["started_at"] and run["ended_at"] and run["parent_run_id"] and run["af_run_id"] and run["nominal_start"]
        )
        assert STATES[run["state"]] in ("COMPLETE", "FAIL")


def test_the_partition_of_a_run_is_found_whichever_event_tells_it(database: Database) -> None:
    keyed = event("START")
    keyed["run"]["facets"] = {"airflow": {"dagRun": {"run_id": "r", "partition_key": "2026-11-23"}}}
    for events in ([keyed, event(outputs=[table("o")])], [event(outputs=[table("o")]), keyed]):
        empty(database)
        take(database, events, 1)
        assert [row[1:] for row in rows(database, t.PARTITIONS)["agentic_ol_partitions"]] == [
            ("2026-11-23", uuid.UUID(int=1).bytes)
        ]


def test_symlinks_join_data_sets_in_any_order(database: Database) -> None:
    def linked(one: str, other: str, run: int) -> dict[str, Any]:
        return event(
            run=run, inputs=[table(one, symlinks={"identifiers": [{"namespace": "postgres://db", "name": other}]})]
        )

    events = [linked("a", "b", 1), linked("c", "d", 2), linked("d", "b", 3), event(run=4, inputs=[table("alone")])]
    for seed in range(6):
        empty(database)
        random.Random(seed).shuffle(events)
        take(database, events, 1 + seed % 2 * 3)
        found = {name: canonical for _, _, name, canonical, *_ in rows(database, t.DATASETS)["agentic_ol_datasets"]}
        assert {found[name] for name in "abcd"} == {min(Namer().dataset("postgres://db", name).id for name in "abcd")}
        assert found["alone"] == Namer().dataset("postgres://db", "alone").id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("postgresql://DB.example.com:5432", "s.t"), ("postgres://db.example.com", "s.t")),
        (("postgres://user:secret@db", "s.t"), ("postgres://db", "s.t")),
        (("s3a://lake", "/features/x"), ("s3://lake", "features/x")),
        (("gs://lake/", "a/b/"), ("gs://lake", "a/b")),
    ],
)
def test_spellings_of_one_data_set_have_one_id(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert Namer().dataset(*one).id == Namer().dataset(*other).id
    assert "secret" not in repr(Namer().dataset(*one))


def test_an_alias_of_the_deployment_is_followed() -> None:
    namer = Namer({"postgres://localhost:5432": "postgres://warehouse"})
    assert namer.dataset("postgresql://LOCALHOST", "s.t").id == Namer().dataset("postgres://warehouse", "s.t").id


def test_jobs_and_data_sets_without_a_run_are_taken(database: Database) -> None:
    job_event = {"eventTime": "2026-11-23T06:00:00Z", "job": {"namespace": "n", "name": "j"}, "outputs": [table("o")]}
    dataset_event = {"eventTime": "2026-11-23T06:00:00Z", "dataset": table("s", ("a", "int"))}
    assert take(database, [job_event, dataset_event]).taken == 2
    assert len(rows(database, t.JOB_IO)["agentic_ol_job_io"]) == 1
    assert len(rows(database, t.SCHEMA_OBSERVATIONS)["agentic_ol_schema_observations"]) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda c: st.lists(c, max_size=2) | st.dictionaries(st.text(max_size=5), c, max_size=2), max_leaves=6
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(number=st.integers(0, len(EVENTS) - 1), chance=st.randoms(use_true_random=False), value=json_values)
def test_an_event_with_a_value_exchanged_is_taken_or_refused_and_the_next_is_taken(
    tmp_path_factory: Any, number: int, chance: random.Random, value: Any
) -> None:
    mutated = json.loads(EVENTS[number])
    at: Any = mutated
    while isinstance(at, dict | list) and at:
        key = chance.choice(list(at)) if isinstance(at, dict) else chance.randrange(len(at))
        if chance.random() < 0.3 or not (isinstance(at[key], dict | list) and at[key]):
            at[key] = value
            break
        at = at[key]
    receipt = take(_shared(tmp_path_factory), [mutated, event(run=chance.getrandbits(100))])
    assert receipt.taken + receipt.repeated + len(receipt.refused) == 2
    assert not [one for one in receipt.refused if one.position == 1]


_opened: list[Database] = []


def _shared(folder: Any) -> Database:
    if not _opened:
        _opened.append(Database(f"sqlite:///{folder.mktemp('lineage')}/store.db"))
    return _opened[0]


def test_days_are_those_of_the_events(database: Database) -> None:
    take(
        database,
        [
            event(at="2026-11-22T23:59:59.999999999Z", inputs=[table("i")]),
            event(at="2026-11-23T01:00:00+02:00", inputs=[table("i")]),
        ],
    )
    (found,) = rows(database, t.JOB_IO)["agentic_ol_job_io"]
    assert found[3] == found[4] == 1_795_305_600_000_000 // DAY_US
