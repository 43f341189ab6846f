"""What `airflow agentic check` says of lineage: whether it arrives, since when, and the one line that is missing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from airflow_agentic.lineage.ingest import LineageIntake
from airflow_agentic.lineage.setup import TRANSPORT, transport_with_ours
from airflow_agentic.lineage_check import Sending, lineage_state, missing_line
from airflow_agentic.settings import Settings
from airflow_agentic.store.database import Database
from airflow_agentic.testing.lineage import an_event

DAY_US = 86_400_000_000
POSTS = json.dumps(transport_with_ours("", url="http://airflow:8080/agentic"))


@pytest.mark.parametrize(
    ("sending", "line"),
    [
        (Sending(transport=""), "[openlineage] transport as `airflow agentic lineage setup` prints"),
        (Sending(transport=json.dumps({"type": TRANSPORT}), disabled=True), "[openlineage] disabled = False"),
        (Sending(transport="{half"), "it is no JSON object"),
        (Sending(transport="", config_path="/etc/ol.yml"), "'/etc/ol.yml'"),
        (Sending(transport=json.dumps({"type": "http", "url": "http://marquez:5000"})), "lineage setup"),
        (Sending(transport=POSTS), "[agentic] lineage_key"),
        (Sending(transport=POSTS, key=True), ""),
        (Sending(transport=json.dumps({"type": TRANSPORT})), ""),
        (Sending(transport=json.dumps({"type": TRANSPORT, "url": "http://a/agentic", "key": "k"})), ""),
    ],
    ids=[
        "no transport", "disabled", "no JSON", "in a file", "to somebody else", "no key", "posts with a key",
        "writes to the store", "a key of its own",
    ],
)  # fmt: skip
def test_the_missing_line_is_named(sending: Sending, line: str) -> None:
    found = missing_line(sending)
    assert (line in found) if line else found == ""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", json.dumps({"type": TRANSPORT}))
    made = Settings(
        listener=False, conn_id="c", triage_dag_id="t", store_url=f"sqlite:///{tmp_path}/s.db", debounce_s=0, settle_s=0,
        spool_dir=str(tmp_path / "spool"), accept_weaker_isolation=frozenset(),
    )  # fmt: skip
    return replace(made)


def arrived(settings: Settings, *, days_ago: float = 0.0) -> None:
    import time

    database = Database(settings.store_url)
    at = time.time_ns() // 1_000 - int(days_ago * DAY_US)
    LineageIntake(database).ingest([an_event("COMPLETE", "01 06:00", "a.b")], now_us=at)
    database.close()


def test_before_the_first_event_it_is_absent_and_says_what_is_missing(settings: Settings, monkeypatch) -> None:
    assert lineage_state(settings) == (
        "absent", "no lineage event has arrived yet", "Run a Dag; nothing else is missing.",
    )  # fmt: skip
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", "")
    assert "lineage setup" in lineage_state(settings)[2]


def test_events_that_arrive_are_told_with_their_producer_and_since_when(settings: Settings) -> None:
    arrived(settings)
    state, detail, mend = lineage_state(settings)
    assert (state, mend) == ("ok", "")
    assert detail.startswith("1 producer(s) (airflow) since 20") and "last at 20" in detail


def test_two_days_of_silence_are_wrong(settings: Settings) -> None:
    arrived(settings, days_ago=3)
    state, detail, mend = lineage_state(settings)
    assert state == "wrong" and "silent for more than two days" in detail and "logs" in mend
