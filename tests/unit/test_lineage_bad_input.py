"""What strangers send: nothing of it stops the intake, nothing good beside it is lost, nothing wrong is believed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_agentic.errors import BadEvent
from airflow_agentic.lineage.graph import UPSTREAM, walk
from airflow_agentic.lineage.ingest import LineageIntake
from airflow_agentic.lineage.parts import split
from airflow_agentic.lineage.payload import elements
from airflow_agentic.store.database import Database
from airflow_agentic.store.lineage_queries import SqlLineage

NOW = 1_795_500_000_000_000  # 2026-11-24
QUIET = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path_factory.mktemp('bad')}/store.db")
    yield opened
    opened.close()


def event(number: int, reads: list[str] = [], writes: list[str] = [], **more: Any) -> dict[str, Any]:
    def sets(names: list[str]) -> list[Any]:
        return [{"namespace": "postgres://db", "name": name} for name in names]

    return {
        "eventType": "COMPLETE", "eventTime": "2026-11-23T06:00:00Z", "producer": "p", "run": {"runId": str(uuid.UUID(int=number))},
        "job": {"namespace": "n", "name": f"j{number}"}, "inputs": sets(reads), "outputs": sets(writes), **more,
    }  # fmt: skip


names = st.text(min_size=1, max_size=40) | st.sampled_from(
    [
        "'\"`;--",
        "a\nb\r\t",
        "\u202eevil\u2066",
        "\u200b\ufeff",
        "x\0y",
        "\ud800",
        "%_\\",
        "x" * 4_096,
        "x" * 9_000,
        "数据",
        "\U0001f600",
    ]
)


@QUIET
@given(listed=st.lists(names, min_size=1, max_size=5))
def test_a_name_is_kept_as_it_is_or_refused_with_its_reason(database: Database, listed: list[str]) -> None:
    chosen = [event(uuid.uuid4().int, reads=[name]) for name in listed]
    receipt = LineageIntake(database).ingest([json.dumps(one).encode() for one in chosen], now_us=NOW)
    refused = {one.position: one.reason for one in receipt.refused}
    assert receipt.taken + len(refused) == len(listed)
    with SqlLineage(database).reading() as reader:
        for position, name in enumerate(listed):
            bad = "\0" in name or len(name) > 8_192 or any(0xD800 <= ord(c) < 0xE000 for c in name)
            assert bad == (position in refused)
            if not bad and "***" not in name:
                assert name in {d.name for d in reader.find_datasets(name)}


pieces = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda c: st.lists(c, max_size=3) | st.dictionaries(st.text(max_size=4), c, max_size=3),
    max_leaves=8,
)


@QUIET
@given(values=st.lists(pieces, max_size=6), wide=st.booleans())
def test_a_list_is_cut_where_its_elements_end_whatever_they_hold(values: list[Any], wide: bool) -> None:
    body = json.dumps(values, indent=1 if wide else None).encode()
    assert [json.loads(part) for part in elements(body)] == values
    assert [json.loads(part) for part in split(body)] == values  # type: ignore[arg-type]


@QUIET
@given(cut=st.integers(1, 10_000), values=st.lists(pieces, min_size=1, max_size=4))
def test_a_body_that_stops_half_way_is_refused_and_never_taken_in_part(cut: int, values: list[Any]) -> None:
    body = json.dumps([event(1), *values]).encode()
    with pytest.raises(BadEvent):
        split(body[: cut % len(body)])


BROKEN = [
    b"null", b"[]", b'"text"', b"17", b"", b"{", b'{"a": tru}', b"[" * 300, b'{"a":' * 70 + b"1" + b"}" * 70, b'{"a": NaN}',
    b'{"a": 1, "a": 1}', b"\xff", b'{"eventTime": "2199-01-01T00:00:00Z"}', b'{"eventTime": "1999-01-01T00:00:00Z"}',
]  # fmt: skip


@QUIET
@given(order=st.permutations([*BROKEN, *range(4)]))
def test_good_events_beside_broken_ones_are_all_in(database: Database, order: list[Any]) -> None:
    given_events = [json.dumps(event(uuid.uuid4().int)).encode() if isinstance(one, int) else one for one in order]
    receipt = LineageIntake(database).ingest(given_events, now_us=NOW)
    assert receipt.taken == 4
    assert [one.position for one in receipt.refused] == [at for at, one in enumerate(order) if not isinstance(one, int)]
    assert all(one.reason for one in receipt.refused)


@QUIET
@given(edges=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=20))
def test_a_walk_through_any_graph_ends_and_visits_each_job_once(
    database: Database, edges: list[tuple[int, int]]
) -> None:
    mark = uuid.uuid4().hex
    events = [event(uuid.uuid4().int, [f"{mark}.{a}"], [f"{mark}.{b}"]) for a, b in edges]
    assert LineageIntake(database).ingest(events, now_us=NOW).refused == ()
    with SqlLineage(database).reading() as reader:
        found = walk(reader, UPSTREAM, datasets=reader.find_datasets(f"{mark}.{edges[0][1]}"), max_hops=50)
    jobs = [job.id for job in found.jobs]
    assert len(jobs) == len(set(jobs)) <= len(edges)
    reached, last = {edges[0][1]}, set[int]()
    while reached != last:
        last, reached = reached, reached | {a for a, b in edges if b in reached}
    assert {job.name for job in found.jobs} == {
        one["job"]["name"] for one, (_, b) in zip(events, edges, strict=True) if b in reached
    }


def test_a_table_of_ten_thousand_columns_is_taken_and_compared(database: Database) -> None:
    def wide(number: int, last: str) -> dict[str, Any]:
        fields = [{"name": f"column_{n}", "type": "int"} for n in range(9_999)] + [{"name": last, "type": "int"}]
        columns = {f["name"]: {"inputFields": [{"namespace": "x", "name": "s", "field": f["name"]}]} for f in fields}
        facets = {"schema": {"fields": fields}, "columnLineage": {"fields": columns}}
        return event(number, outputs=[{"namespace": "x", "name": "wide", "facets": facets}])

    receipt = LineageIntake(database).ingest([wide(71, "a"), wide(72, "b")], now_us=NOW)
    assert (receipt.taken, receipt.refused) == (2, ())
    with SqlLineage(database).reading() as reader:
        versions = reader.schema_versions([d.id for d in reader.find_datasets("x/wide")])
    assert sorted(v.columns[-1][0] for v in versions) == ["a", "b"]
