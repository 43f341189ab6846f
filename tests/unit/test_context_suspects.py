"""Who is suspected first: what the error names beats what merely changed, and a status beats both."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_agentic.context.suspects import rank
from airflow_agentic.records import Dossier, Evidence, SourceReport, Suspect, TaskError, Trust
from airflow_agentic.shapes import shape
from airflow_agentic.testing.targets import a_dossier, a_target, an_error

ORDER = {"id": "O-1", "customer_id": "C-1", "amount": 10.5, "at": "2026-11-02T08:00:00", "address": {"city": "Linz"}}


def orders(count: int = 20, **change: Any) -> list[dict[str, Any]]:
    """Return orders; a field given as None is taken away."""
    made = [{**ORDER, "id": f"O-{n}", "amount": 10.5 + n, **change} for n in range(count)]
    return [{k: v for k, v in order.items() if v is not None} for order in made]


def data(failing: list[Any], good: list[Any] | None = None, name: str = "orders/{ds}.json") -> SourceReport:
    shapes = (
        shape(failing, name=name, interval="2026-11-02", role="failing"),
        shape(orders() if good is None else good, name=name, interval="2026-11-01", role="good"),
    )
    title = f"Landed data differs in {name}: some"
    told = Evidence(id="", source="landed", title=title, body="-", observed_at="", trust=Trust.UNTRUSTED)
    return SourceReport(shapes=shapes, evidence=(told,))


def code(title: str, body: str = "", path: str | None = "feed/load.py") -> Evidence:
    return Evidence(id="", source="code", title=title, body=body, observed_at="", trust=Trust.REPOSITORY, path=path)


def failed(error: TaskError, *reports: SourceReport) -> tuple[Suspect, ...]:
    return rank(a_dossier(a_target(), SourceReport(errors=(error,)), *reports))


KEY = an_error("KeyError", "'customer_id'", ("/w/feed/load.py", 7, 'return row["customer_id"]'))


@pytest.mark.parametrize(
    ("error", "failing", "words"),
    [
        (KEY, orders(customer_id=None, customerId="C-1"), "'customer_id' is now called 'customerId'"),
        (
            an_error("KeyError", "'city'"),
            orders(address={"place": {"city": "Rom"}}),
            "'address.city' moved to 'address.place.city'",
        ),
        (an_error("KeyError", "'address'"), orders(address=None), "'address' is gone"),
        (
            an_error("ValueError", "time data '02.11.2026 08:00' does not match format '%Y-%m-%dT%H:%M:%S'"),
            orders(at="02.11.2026 08:00"),
            "text of 'at'",
        ),
        (
            an_error("ValueError", "could not convert string to float: '10,50'"),
            orders(amount="10,50"),
            "'amount' was integer or number|'amount' was number",
        ),
        (an_error("CheckFailed", "check orders_complete: expected 20, got 6"), orders(6), "6 records, was 20"),
        (
            an_error("IntegrityError", "duplicate key value violates unique constraint orders_pkey"),
            orders(id="O-1"),
            "'id' was unique",
        ),
        (
            an_error(
                "TypeError",
                "unsupported operand type(s) for -: 'NoneType' and 'float'",
                ("/w/a.py", 3, 'r["amount"] - 1.0'),
            ),
            [*orders(12), *({**o, "amount": None} for o in orders(8))],
            "'amount' is null",
        ),
        (
            an_error("AssertionError", "check total_matches: sum of amount exceeds control"),
            [{**o, "amount": o["amount"] * 100} for o in orders()],
            "'amount' ranges",
        ),
    ],
    ids=[
        "rename",
        "nesting",
        "removed",
        "date format",
        "number as text",
        "partial day",
        "repeated keys",
        "nulls",
        "unit",
    ],
)
def test_the_change_that_the_error_speaks_of_is_first(error: TaskError, failing: list[Any], words: str):
    first = failed(error, data(failing))[0]
    assert any(word in first.what for word in words.split("|")), first
    assert first.evidence == ("E1",) and first.score >= 0.6


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (an_error("HTTPError", "HTTP Error 503: Service Unavailable"), "upstream service"),
        (
            an_error("ReadTimeout", "HTTPSConnectionPool(host='x', port=443): Read timed out. (read timeout=10)"),
            "upstream service",
        ),
        (an_error("OperationalError", "connection refused"), "upstream service"),
        (an_error("HTTPError", "401 Client Error: Unauthorized for url: https://x"), "credential"),
        (an_error("ClientError", "An error occurred (ExpiredToken) when calling GetObject"), "credential"),
        (an_error("ModuleNotFoundError", "No module named 'pyarrow'"), "dependency"),
        (an_error("MemoryError", ""), "memory"),
        (an_error("unknown", "Task exited with return code -9"), "memory|killed"),
        (an_error("kubernetes.ErrImagePull", "pull access denied for acme/load"), "Kubernetes"),
        (an_error("KeyError", "'WAREHOUSE'", ("/w/a.py", 3, 'os.environ["WAREHOUSE"]')), "setting"),
        (an_error("AirflowNotFoundException", "The conn_id `pg` isn't defined"), "setting"),
        (an_error("FileNotFoundError", "[Errno 2] No such file or directory: '/in/2026-11-02.csv'"), "not there"),
        (an_error("NameError", "name 'x' is not defined"), "code itself"),
    ],
    ids=[
        "503",
        "time-out",
        "refused",
        "401",
        "expired",
        "module",
        "memory",
        "killed",
        "image",
        "environment",
        "connection",
        "no file",
        "name",
    ],
)
def test_an_error_that_gives_itself_away_is_first_even_beside_a_harmless_drift(error: TaskError, what: str):
    first = failed(error, data(orders(note="new")))[0]
    assert any(word in first.what for word in what.split("|")), first


def test_a_field_named_within_the_name_of_a_check_is_hinted_at():
    failing = [*orders(18), *orders(2, at=None)]
    first = failed(
        an_error("CheckFailed", "check order_amount_and_status_at_least"), data(orders(18) + orders(2, amount=None))
    )[0]
    unnamed = failed(an_error("CheckFailed", "check something"), data(failing))[0]
    assert "'amount'" in first.what and first.score > unnamed.score


def test_a_number_that_looks_like_a_status_is_none():
    found = failed(an_error("CheckFailed", "check complete: expected 503 rows, got 401"), data(orders(8)))
    assert not any("credential" in s.what or "service" in s.what for s in found)


def test_a_commit_that_wrote_the_failing_line_beats_data_that_only_changed():
    history = SourceReport(
        evidence=(
            code("Source of feed/load.py around line 7"),
            code("Diff of feed/load.py between the last good run and the failing one", '+    return row["kunde"]\n'),
            code("Commit abc between the last good run and the failing one: rename"),
            code("Commit def between the last good run and the failing one: docs", path=None),
            code("Commit eee after the failing version, on the base branch now: mend"),
        )
    )
    error = an_error("KeyError", "'kunde'", ("/w/feed/load.py", 7, 'return row["kunde"]'))
    found = failed(error, history, data(orders(6)))
    assert found[0].what.startswith("Commit abc") and set(found[0].evidence) == {"E2", "E3"}
    assert not any("eee" in s.what for s in found)


def test_a_notice_in_a_log_makes_the_smaller_day_more_suspect():
    log = Evidence(
        id="",
        source="task_log",
        title="warning",
        body="partition still loading: 6 of 20 rows",
        observed_at="",
        trust=Trust.UNTRUSTED,
    )
    error = an_error("CheckFailed", "orders_complete")
    alone, told = failed(error, data(orders(6)))[0], failed(error, data(orders(6)), SourceReport(evidence=(log,)))[0]
    assert told.score > alone.score and "E2" in told.evidence


def test_a_notice_alone_is_a_suspect_when_no_data_could_be_read():
    log = Evidence(
        id="", source="task_log", title="warning", body="feed is delayed", observed_at="", trust=Trust.UNTRUSTED
    )
    assert failed(an_error("CheckFailed", "x"), SourceReport(evidence=(log,)))[0].what.startswith(
        "the upstream data of the interval is late"
    )


def test_a_failed_producer_and_a_column_that_is_not_in_the_table_are_suspects():
    told = tuple(
        Evidence(id="", source="lineage", title=t, body=b, observed_at="", trust=Trust.UNTRUSTED)
        for t, b in (
            ("Upstream job failed: vendor.export, which writes raw.orders", ""),
            ("Schema changed in raw.orders", "- column 'x' is read by the failing job but is not in the table"),
        )
    )
    found = failed(an_error("unknown", "boom"), SourceReport(evidence=told))
    assert [s.what for s in found] == [
        "Schema changed in raw.orders",
        "Upstream job failed: vendor.export, which writes raw.orders",
    ]


def test_without_data_the_error_still_says_what_kind_it_is():
    assert failed(KEY)[0].what == "a field or key that the code reads is not in the data"


def test_at_most_ten_are_named_and_the_order_never_changes():
    failing = [{**o, **{f"new_{n}": n for n in range(30)}} for o in orders()]
    found = failed(an_error("unknown", "boom"), data(failing))
    assert len(found) == 10 and found == failed(an_error("unknown", "boom"), data(failing))


def test_a_dossier_without_anything_has_no_suspects():
    assert rank(a_dossier(a_target())) == ()


def test_no_suspect_holds_a_value_of_the_data():
    found: tuple[Suspect, ...] = failed(KEY, data(orders(customer_id=None, address={"city": "Geheimstadt"})))
    assert "Geheimstadt" not in repr(found)


def test_rank_takes_a_dossier_and_changes_nothing():
    dossier: Dossier = a_dossier(a_target(), SourceReport(errors=(KEY,)), data(orders(customer_id=None)))
    before = repr(dossier)
    rank(dossier)
    assert repr(dossier) == before
