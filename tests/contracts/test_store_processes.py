"""The store under eight processes at once, and against what damages it."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest
from fixtures_postgres import new_database
from sqlalchemy import text

from airflow_agentic.errors import AuditError, BudgetExceeded, StoreError
from airflow_agentic.records import Failure, Signal
from airflow_agentic.store.database import REVISIONS, Database
from airflow_agentic.store.engine import migrate, open_store

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.e2e)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/deep/store.db"
    return new_database(request.getfixturevalue("postgres_server"))


def work(url: str, worker: int) -> int:
    """Record and write 20 failures over 4 incidents, and try to reserve 20 times; return how often it was let."""
    reserved = 0
    with open_store(url) as store:
        for number in range(20):
            name = f"i{number % 4}"
            store.incidents.record(
                name,
                Failure(dag_id="d", run_id=name, clear_number=0, signal=Signal.TASK_CALLBACK, task_id=f"t{worker}_{number}",
                        seen_at=f"2026-11-02T04:{worker:02}:{number:02}+00:00"),
            )  # fmt: skip
            store.ledger.append(name, "capture", "recorded", {"worker": worker})
            try:
                store.spending(100, 5).reserve(name, 0.1)
                reserved += 1
            except BudgetExceeded:
                continue
    return reserved


def in_processes(target: Any, jobs: list[tuple[Any, ...]]) -> list[Any]:
    with SPAWN.Pool(len(jobs)) as pool:
        return pool.starmap(target, jobs)


@pytest.mark.e2e
def test_eight_processes_on_a_store_that_does_not_exist_yet_lose_and_double_nothing(url: str) -> None:
    reserved = in_processes(work, [(url, worker) for worker in range(8)])
    with open_store(url) as store:
        incidents = store.incidents.list()
        assert [(one.signals, len(one.members)) for one in incidents] == [(40, 40)] * 4
        assert {(one.first_seen[14:19], one.last_seen[14:16]) for one in incidents} == {
            (f"00:{number:02}", "07") for number in range(4)
        }
        assert [entry.sequence for entry in store.ledger.entries("i0")] == list(range(1, 41))
        assert store.ledger.verify() == ()
    assert sum(reserved) == 50


def capture(url: str, worker: int) -> None:
    with open_store(url) as store:
        for number in range(20):
            failure = Failure(dag_id="d", run_id="r", clear_number=0, signal=Signal.TASK_CALLBACK, task_id=f"t{worker}_{number}",
                              seen_at="2026-11-02T04:00:00+00:00", error_message="password=hunter2 \x00")  # fmt: skip
            store.ledger.capture(f"i{number % 2}", failure)
            store.ledger.append(f"i{number % 2}", "s", "e", {"worker": worker})


@pytest.mark.e2e
def test_signals_captured_with_their_lines_by_eight_processes_are_exact_and_redacted(url: str) -> None:
    in_processes(capture, [(url, worker) for worker in range(8)])
    with open_store(url) as store:
        assert [(one.signals, len(one.members)) for one in store.incidents.list()] == [(80, 80)] * 2
        assert [entry.sequence for entry in store.ledger.entries("i0")] == list(range(1, 161))
        assert store.ledger.verify() == ()
        assert not any("hunter2" in line for line in store.ledger.export("i1"))


@pytest.mark.e2e
def test_many_processes_that_migrate_at_once_all_succeed(url: str) -> None:
    applied = in_processes(migrate, [(url,)] * 6)
    assert sorted(applied) == [()] * 5 + [REVISIONS]


def damage(url: str, *statements: str) -> tuple[str, ...]:
    with open_store(url) as store:
        for number in range(5):
            store.ledger.append("i1", "s", "e", {"n": number})
        assert store.ledger.verify() == ()
        with store.database.write() as connection:
            for statement in statements:
                connection.execute(text(statement))
        return store.ledger.verify("i1")


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["UPDATE agentic_ledger SET facts='[]' WHERE sequence=2"], "line 2: its content is not what"),
        (["DELETE FROM agentic_ledger WHERE sequence=3"], "line 3 before it is missing"),
        (["DELETE FROM agentic_ledger WHERE sequence=5"], "ends at line 4, its head says 5"),
        (["DELETE FROM agentic_ledger"], "ends at line 0, its head says 5"),
        (["DELETE FROM agentic_ledger_heads"], "its head is missing"),
        (
            [f"UPDATE agentic_ledger SET sequence={new} WHERE sequence={old}" for old, new in ((2, 9), (3, 2), (9, 3))],
            "line 2: it does not follow",
        ),
        (
            ["DELETE FROM agentic_ledger WHERE sequence=3", "UPDATE agentic_ledger SET sequence=3 WHERE sequence=4",
             "UPDATE agentic_ledger SET sequence=4 WHERE sequence=5"],
            "line 3: it does not follow",
        ),
    ],
    ids=["rewritten", "removed", "tail cut", "emptied", "head removed", "exchanged", "removed and closed up"],
)  # fmt: skip
def test_damage_to_the_ledger_is_found(url: str, statements: list[str], said: str) -> None:
    assert any(said in fault for fault in damage(url, *statements))


def test_a_store_of_a_newer_version_is_refused_by_name(url: str) -> None:
    migrate(url)
    database = Database(url)
    with database.write() as connection:
        connection.execute(text("UPDATE agentic_version SET version_num='9999'"))
    database.close()
    with pytest.raises(StoreError, match=r"'9999'.*store_url"), open_store(url) as store:
        store.incidents.list()


def test_a_forked_child_uses_connections_of_its_own(url: str) -> None:
    with open_store(url) as store:
        store.ledger.append("i1", "s", "parent", {})
        child = os.fork()
        if child == 0:
            try:
                store.ledger.append("i1", "s", "child", {})
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        store.ledger.append("i1", "s", "parent", {})
        assert [entry.event for entry in store.ledger.entries("i1")] == ["parent", "child", "parent"]


def test_the_database_file_and_its_folder_are_for_their_owner_only(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path}/new/store.db")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / "store.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "given", ["sqlite:///store.db", "sqlite://", "mysql://u:pw1234@h/d", "nonsense", "oracle+none://h"]
)
def test_an_address_that_cannot_work_is_refused_with_the_setting_and_without_its_password(given: str) -> None:
    with pytest.raises(StoreError, match=r"\[agentic\] store_url") as refused:
        open_store(given)
    assert "pw1234" not in str(refused.value)


def test_a_file_that_is_no_database_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_text("not a database, " * 100)
    with pytest.raises(AuditError, match="damaged"), open_store(f"sqlite:///{tmp_path}/store.db") as store:
        store.ledger.append("i1", "s", "e", {})


def test_a_full_store_stops_the_run_and_says_to_free_space(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        store.ledger.append("i1", "s", "e", {})
        with store.database.write() as connection:
            pages = connection.execute(text("PRAGMA page_count")).scalar()
            connection.execute(text(f"PRAGMA max_page_count={pages}"))
        with pytest.raises(AuditError, match="Free space"):
            for number in range(50):
                store.ledger.append("i1", "s", "e", {"much": "word " * 700, "n": number})
        assert store.ledger.verify() == ()


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    with pytest.raises(StoreError, match=r"127\.0\.0\.1.*store_url") as refused:
        open_store("postgresql://u:pw1234@127.0.0.1:1/db").incidents.list()
    assert "pw1234" not in str(refused.value)


def test_the_tables_are_those_of_the_migrations(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from airflow_agentic.store import migrations
    from airflow_agentic.store.tables import METADATA

    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == REVISIONS
    with open_store(f"sqlite:///{tmp_path}/store.db") as store, store.database.read() as connection:
        opts = {
            "version_table": "agentic_version",
            "include_object": lambda one, *_: one.info.get("dialect", "sqlite") == "sqlite",
        }
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, METADATA) == []
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
