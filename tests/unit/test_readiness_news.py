"""A sweep says once what holds the trust level back, and that the readiness report grew old."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from test_rulings_ready import REPOSITORY, looked, rulings

from airflow_agentic.guardrails.readiness_kept import chain_of
from airflow_agentic.readiness_news import NOTHING, tell_news
from airflow_agentic.store.engine import open_store

GAP = "schema readable at query time"


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/store.db") as found:
        yield found


class People:
    def __init__(self):
        self.heard = []

    def __call__(self, lines):
        self.heard.append(lines)


def test_what_holds_the_trust_level_is_told_once_and_again_only_when_it_changes(store, tmp_path):
    people, ours = People(), rulings(store, tmp_path)
    for _ in range(3):
        tell_news(ours, people)
    assert [line for lines in people.heard for line in lines if "nobody has looked yet" in line] == [people.heard[0][0]]
    looked(store, GAP)
    for _ in range(3):
        tell_news(ours, people)
    assert len(people.heard) == 2
    assert people.heard[1][0].startswith(f"The trust level is held at diagnose: {GAP} was missing")
    looked(store)
    for _ in range(3):
        tell_news(ours, people)
    assert people.heard[2:] == [(NOTHING,)]
    told = [entry for entry in store.ledger.entries(chain_of(REPOSITORY)) if entry.event == "told"]
    assert (len(told), store.ledger.verify()) == (3, ())


def test_a_report_that_grew_old_is_told_once_and_a_new_one_ends_it(store, tmp_path):
    people, ours = People(), rulings(store, tmp_path)
    looked(store)
    now = datetime.now(timezone.utc)
    for days in (0, 29, 31, 32, 90):
        tell_news(ours, people, at=now + timedelta(days=days))
    assert [line.split(";")[0] for lines in people.heard for line in lines] == [
        f"The last readiness report is of {now.date().isoformat()}, more than 30 days ago"
    ]


def test_a_wider_power_than_was_accepted_is_told(store, tmp_path):
    people, ours = People(), rulings(store, tmp_path, policy="defaults: {max_lines: 5}")
    looked(store)
    assert "nothing was accepted" in tell_news(ours, people)[0]


def test_who_could_not_be_told_is_told_the_next_time(store, tmp_path):
    ours, people = rulings(store, tmp_path), People()

    def broken(_lines):
        raise ConnectionError("no mail today")

    with pytest.raises(ConnectionError):
        tell_news(ours, broken)
    assert tell_news(ours, people) == people.heard[0]


def test_below_the_levels_that_readiness_holds_nobody_is_told_anything(store, tmp_path):
    assert tell_news(rulings(store, tmp_path, trust_level="diagnose"), People()) == ()
