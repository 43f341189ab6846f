"""Real events with one part of them wrong, clocks that disagree, cycles of columns: an answer or a clear refusal."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_lineage_bad_input import NOW, event

from airflow_agentic.lineage.columns import column_path
from airflow_agentic.lineage.ingest import LineageIntake
from airflow_agentic.lineage.pack import context_pack
from airflow_agentic.store.database import Database
from airflow_agentic.store.lineage_queries import SqlLineage

FIXTURES = Path(__file__).parents[1] / "fixtures" / "openlineage"
CASES = ("af33-dq-fail", "af33-cosmos-dbt-test-failure", "openlineage-airflow-1.41", "dbt-ol-structured-logs-fail")
REAL = [
    json.loads(line)
    for case in CASES
    for path in sorted((FIXTURES / case).rglob("*.ndjson"))
    for line in path.read_text().splitlines()[:8]
]
JUNK = st.sampled_from(
    [
        None,
        0,
        -1,
        True,
        1.5,
        "",
        "x",
        "***",
        "\u202e'\n\"",
        [],
        {},
        [[]],
        [None],
        [{}],
        {"a": {"b": []}},
        10**30,
        "9" * 5_000,
    ]
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path_factory.mktemp('facets')}/store.db")
    yield opened
    opened.close()


def places(found: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value in an event."""
    inner = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    return [path, *(more for key, value in inner for more in places(value, (*path, key)))] if path else [
        more for key, value in inner for more in places(value, (key,))
    ]  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_real_event_with_one_value_of_another_kind_is_taken_or_refused_and_the_next_one_is_in(
    database: Database, data: st.DataObject
) -> None:
    broken = copy.deepcopy(data.draw(st.sampled_from(REAL)))
    *above, last = data.draw(st.sampled_from(places(broken)))
    within = broken
    for key in above:
        within = within[key]
    within[last] = data.draw(JUNK)
    beside = event(uuid.uuid4().int)
    receipt = LineageIntake(database).ingest([json.dumps(broken).encode(), beside], now_us=NOW)
    assert receipt.taken + receipt.repeated + len(receipt.refused) == 2
    assert [one.position for one in receipt.refused if one.position == 1] == []
    with SqlLineage(database).reading() as reader:
        jobs = reader.find_jobs(beside["job"]["name"])
        assert [run.state for run in reader.last_runs([j.id for j in jobs], limit=1)] == ["COMPLETE"]
        everything = reader.last_runs([j.id for e in REAL[:3] for j in reader.find_jobs(e["job"]["name"])], limit=5)
        reader.runs_by_id([run.run_id for run in everything])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "turned round"])
def test_a_run_whose_end_is_told_by_a_slower_clock_than_its_beginning_has_ended(
    database: Database, order: tuple[int, int]
) -> None:
    number = uuid.uuid4().int
    start = {**event(number), "eventType": "START", "eventTime": "2026-11-23T06:00:00Z"}
    end = {**event(number), "eventType": "FAIL", "eventTime": "2026-11-23T05:58:00Z"}
    LineageIntake(database).ingest([(start, end)[n] for n in order], now_us=NOW)
    with SqlLineage(database).reading() as reader:
        run = reader.last_runs([j.id for j in reader.find_jobs(f"j{number}")], limit=1)[0]
    assert (run.state, run.started_at[11:16], run.ended_at[11:16]) == ("FAIL", "06:00", "05:58")


@pytest.mark.parametrize(
    ("at", "taken"),
    [("2026-11-24T20:00:00Z", 1), ("2026-11-27T20:00:00Z", 0), ("1970-01-01T00:00:00Z", 0), ("2026-11-24 06:00:00", 0)],
    ids=["hours ahead", "days ahead", "no clock", "no offset"],
)  # fmt: skip
def test_a_clock_that_is_hours_ahead_is_taken_and_one_that_is_days_ahead_is_refused(
    database: Database, at: str, taken: int
) -> None:
    receipt = LineageIntake(database).ingest([{**event(uuid.uuid4().int), "eventTime": at}], now_us=NOW)
    assert (receipt.taken, len(receipt.refused)) == (taken, 1 - taken)
    assert all("eventTime" in one.reason for one in receipt.refused)


def test_columns_made_of_each_other_and_tables_in_a_circle_still_have_a_path_and_a_pack(database: Database) -> None:
    mark = uuid.uuid4().hex

    def made(number: int, out: str, of: str) -> dict[str, Any]:
        inputs = [{"namespace": "x", "name": f"{mark}.{of}", "field": "a"}]
        facets = {
            "schema": {"fields": [{"name": "a", "type": "int"}]},
            "columnLineage": {"fields": {"a": {"inputFields": inputs}}},
        }
        output = {"namespace": "x", "name": f"{mark}.{out}", "facets": facets}
        return {**event(number), "inputs": [{"namespace": "x", "name": f"{mark}.{of}"}], "outputs": [output]}

    numbers = [uuid.uuid4().int for _ in range(3)]
    LineageIntake(database).ingest(
        [made(numbers[0], "b", "c"), made(numbers[1], "c", "b"), made(numbers[2], "c", "c")], now_us=NOW
    )
    with SqlLineage(database).reading() as reader:
        start = reader.find_datasets(f"{mark}.b")[0]
        path = column_path(reader, [(start, "a")], max_hops=50)
        pack = context_pack(reader, reader.find_jobs(f"j{numbers[0]}"))
    assert sorted(c.dataset.name[-1] for c in path.columns) == ["b", "c"]
    assert not path.truncated and not pack.upstream.truncated
