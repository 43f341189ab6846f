"""Red, green and what is not a proof, in the real workspace on a small pipeline."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_agentic.changes import make_change
from airflow_agentic.errors import WorkspaceError
from airflow_agentic.ports import Workspace, WorkspaceSession
from airflow_agentic.records import (
    Action,
    Category,
    Checkout,
    Diagnosis,
    Dossier,
    FileEdit,
    Frame,
    Incident,
    IncidentState,
    Proof,
    ProofStatus,
    Proposal,
    Severity,
    TaskError,
    TaskKey,
    Transience,
    Usage,
)
from airflow_agentic.tracebacks import fingerprint
from airflow_agentic.workspaces.local import LocalWorkspace
from airflow_agentic.workspaces.staging import Limits, PrepareStep, Staging
from airflow_agentic.workspaces.validate import validate

pytestmark = pytest.mark.integration
DAY, GOOD = "2026-11-02T00:00:00+00:00", "2026-11-01T00:00:00+00:00"
DAG = """import os, sqlite3
import pendulum
from airflow.sdk import DAG, Asset, task
from shop.rows import parse, price

with DAG("shop", schedule="@daily", start_date=pendulum.datetime(2026, 11, 1, tz="UTC"), catchup=False) as dag:
    @task(retries=3)
    def load(ds=None):
        row = {"customer_id": "c1"} if ds < "2026-11-02" else {"customerId": "c1"}
        with sqlite3.connect(os.environ["WAREHOUSE"]) as db:
            db.execute("create table if not exists orders (customer text, ds text, price integer)")
            db.execute("insert into orders values (?, ?, ?)", (parse(row), ds, price(row)))

    @task(outlets=[Asset("shop://orders")])
    def count():
        with sqlite3.connect(os.environ["WAREHOUSE"]) as db:
            return db.execute("select count(*) from orders").fetchone()[0]

    load() >> count()
"""
REPORT = """import os, sqlite3
from airflow.sdk import DAG, Asset, task

with DAG("report", schedule=[Asset("shop://orders")]) as dag:
    @task
    def read():
        with sqlite3.connect(os.environ["WAREHOUSE"]) as db:
            assert db.execute("select count(*) from orders where price is not null").fetchone()[0] == 1

    read()
"""
PRICE = '\n\ndef price(row):\n    return max(row.get("price", 1), 1)\n'
ROWS = 'def parse(row):\n    return row["customer_id"]\n' + PRICE
FIXED = 'def parse(row):\n    return row["customer_id"] if "customer_id" in row else row["customerId"]\n' + PRICE
TEST = 'from shop.rows import parse\n\n\ndef test_parse():\n    assert parse({"customer_id": "x"}) == "x"\n'
STAGING = Staging(environment=(("WAREHOUSE", "{data}/shop.db"),))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("shop")
    for path, text in (
        ("dags/shop.py", DAG),
        ("dags/report.py", REPORT),
        ("ruff.toml", 'lint.select = ["F"]\n'),
        ("shop/__init__.py", ""),
        ("shop/rows.py", ROWS),
        ("tests/test_rows.py", TEST),
    ):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    commit(folder)
    yield str(folder)


@pytest.fixture(scope="module")
def session(repository: str) -> Iterator[WorkspaceSession]:
    with LocalWorkspace(repository, "main", "dags", STAGING).open("session") as opened:
        yield opened


def commit(folder: Path) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "shop"]):
        subprocess.run([*git, *arguments], cwd=folder, check=True)


def prove(
    repository: str,
    *edits: FileEdit,
    error: str = "'customer_id'",
    cls: str = "KeyError",
    day: str = DAY,
    dag_id: str = "shop",
    last_good: str | None = GOOD,
    told: list[str] | None = None,
    workspace: Workspace | None = None,
    place: tuple[str, str] = ("/opt/repo/shop/rows.py", "parse"),
    pinned: bool = True,
) -> Proof:
    place = ("<template>", "root") if "jinja2" in cls else place
    frames = (Frame(path=place[0], line=2, function=place[1]),)
    key = TaskKey(dag_id=dag_id, run_id="r", task_id="load")
    incident = Incident(
        id="i",
        dag_id=dag_id,
        run_id="r",
        clear_number=0,
        state=IncidentState.VALIDATING,
        detail="",
        first_seen=DAY,
        last_seen=DAY,
        signals=1,
        logical_date=day,
        members=(key,),
    )
    cause = TaskError(
        task=key,
        error_class=cls,
        message=error,
        frames=frames,
        fingerprint=fingerprint(cls, error, frames),
    )
    checkout = Checkout(
        path="",
        commit="c",
        base_branch="main",
        base_commit="c",
        pinned=pinned,
        dag_file=f"dags/{dag_id}.py",
        dags_path="dags",
    )
    dossier = Dossier(incident=incident, evidence=(), gaps=(), errors=(cause,), checkout=checkout)
    diagnosis = Diagnosis(
        root_cause="renamed",
        category=Category.SCHEMA_DRIFT,
        action=Action.FIX_CODE,
        transience=Transience.PERMANENT,
        severity=Severity.P2,
        confidence=0.9,
        root_cause_dag="shop",
        root_cause_task="load",
        root_cause_file=None,
        cites=(),
    )
    proposal = Proposal(diagnosis=diagnosis, change=make_change("c", edits, "s"), usage=Usage(), pattern="rules")
    return validate(
        dossier,
        proposal,
        workspace=workspace or LocalWorkspace(repository, "main", "dags", STAGING),
        last_good=last_good,
        note=lambda event, _: (told if told is not None else []).append(event),
    )


def rows(after: str | None) -> FileEdit:
    return FileEdit(path="shop/rows.py", before=ROWS, after=after)


def test_a_fix_is_proved_with_its_data_and_what_is_downstream_and_loses_what_nobody_needs(repository: str) -> None:
    tidied = FIXED.replace('max(row.get("price", 1), 1)', 'row.get("price", 1)')
    told: list[str] = []
    proof = prove(repository, rows(tidied), told=told)
    assert (proof.status, proof.red and proof.red.state, proof.green and proof.green.state) == (
        ProofStatus.PROVED,
        "failed",
        "success",
    ), proof
    assert all(check.passed for check in proof.checks)
    assert {"red twice", "red again without the change", "ruff", "downstream Dag report"} <= {
        c.name for c in proof.checks
    }
    assert [(d.table, d.before_rows, d.after_rows) for d in proof.data_diff] == [("shop.db:orders", 0, 1)]
    assert [run.state for run in proof.downstream] == ["success"]
    assert dict(proof.environment)["no_new_privileges"].startswith("held")
    assert proof.reduced is not None
    assert [edit.after for edit in proof.reduced.edits] == [FIXED]
    assert told.count("run started") == told.count("run ended") >= 8


def test_a_fix_that_breaks_the_old_format_is_still_red(repository: str) -> None:
    proof = prove(repository, rows('def parse(row):\n    return row["customerId"]\n' + PRICE))
    assert proof.status is ProofStatus.STILL_RED


def test_a_fix_that_deletes_the_module_is_still_red(repository: str) -> None:
    proof = prove(repository, rows(None))
    assert proof.status is ProofStatus.STILL_RED
    assert "does not import" in proof.reason


MOVED = "from airflow.operators.gone import GoneOperator\nfrom airflow.sdk import DAG, task\n"
BODY = """
with DAG("late", schedule=None) as dag:
    @task
    def load():
        return HERE
    load()
"""
WORKS = "from airflow.sdk import DAG, task\nHERE = 1\n" + BODY
TEMPLATE = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.bash import BashOperator
with DAG("late", schedule=None) as dag:
    BashOperator(task_id="load", bash_command="echo {{ PLACE }}")
"""


@pytest.mark.parametrize(
    ("broken", "works", "cls", "message"),
    [
        (MOVED + BODY, WORKS, "ModuleNotFoundError", "No module named 'airflow.operators.gone'"),
        (
            "from airflow.sdk import DAG, task, Gone\n" + BODY,
            WORKS,
            "ImportError",
            "cannot import name 'Gone' from 'airflow.sdk' (/opt/venv/airflow/sdk/__init__.py)",
        ),
        (WORKS.replace("return HERE", "return (HERE"), WORKS, "SyntaxError", "'(' was never closed (late.py, line 7)"),
        (
            WORKS.replace("HERE = 1\n", "HERE = THERE\n"),
            WORKS,
            "NameError",
            "name 'THERE' is not defined",
        ),
        (
            TEMPLATE.replace("PLACE", "place.street"),
            TEMPLATE.replace("PLACE", "ds | default('')"),
            "jinja2.exceptions.UndefinedError",
            "'place' is undefined",
        ),
    ],
    ids=["a moved module", "a missing name", "a syntax error", "a name of the module itself", "a template"],
)
def test_a_file_that_does_not_import_or_render_is_red_and_can_be_cured(
    tmp_path: Path, broken: str, works: str, cls: str, message: str
) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "late.py").write_text(broken)
    commit(tmp_path)
    edit = FileEdit(path="dags/late.py", before=broken, after=works)
    proof = prove(str(tmp_path), edit, error=message, cls=cls, dag_id="late", last_good=None)
    assert proof.status is ProofStatus.PROVED, proof
    assert proof.red is not None
    assert (proof.red.state, bool(proof.red.import_error)) == ("failed", "PLACE" not in broken and "echo" not in broken)
    assert proof.green is not None
    assert proof.green.state == "success"


def test_an_import_failure_that_is_not_the_incidents_is_inconclusive(tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "late.py").write_text(MOVED + BODY)
    commit(tmp_path)
    edit = FileEdit(path="dags/late.py", before=MOVED + BODY, after=WORKS)
    proof = prove(str(tmp_path), edit, error="'customer_id'", dag_id="late", last_good=None)
    assert proof.status is ProofStatus.INCONCLUSIVE
    assert "No module named 'airflow.operators.gone'" in proof.reason


def test_another_error_than_the_incidents_is_not_reproduced(repository: str) -> None:
    assert prove(repository, rows(FIXED), error="'amount'").status is ProofStatus.NOT_REPRODUCED


def test_a_base_that_passes_is_already_fixed(repository: str) -> None:
    assert prove(repository, rows(FIXED), day=GOOD, pinned=False).status is ProofStatus.ALREADY_FIXED


def test_the_very_code_that_failed_and_passes_here_is_to_be_retried_and_not_fixed(repository: str) -> None:
    proof = prove(repository, rows(FIXED), day=GOOD)
    assert proof.status is ProofStatus.NOT_REPRODUCED
    assert "retry" in proof.reason


def test_a_run_that_cannot_be_done_is_broken_and_raises_nothing(session: WorkspaceSession) -> None:
    run = session.run_dag("red", dag_file="dags/none.py", dag_id="none", logical_date=DAY, task_ids=())
    assert (run.state, run.name) == ("broken", "red")
    assert "defines no Dag" in str(run.broken_because)


def test_a_change_is_taken_out_again(session: WorkspaceSession) -> None:
    change = make_change("c", [rows(None), FileEdit(path="shop/new.py", before=None, after="x = 1\n")], "s")
    assert change is not None
    session.apply(change)
    assert not all(check.passed for check in session.import_dags("dags"))
    session.reset()
    assert all(check.passed for check in session.import_dags("dags"))
    session.apply(change)
    session.reset()


def test_data_that_base_code_built_is_where_later_runs_start(repository: str) -> None:
    steps = (PrepareStep(dag_file="dags/shop.py", dag_id="shop", logical_date=GOOD),)
    staging = Staging(environment=STAGING.environment, prepare=steps)
    with LocalWorkspace(repository, "main", "dags", staging).open("prepared") as opened:
        run = opened.run_dag("again", dag_file="dags/shop.py", dag_id="shop", logical_date=GOOD, task_ids=())
        assert [(d.table, d.after_rows) for d in opened.table_diff(run, run)] == [("shop.db:orders", 2)]


def test_an_interpreter_without_airflow_is_inconclusive(repository: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    workspace = LocalWorkspace(
        repository, "main", "dags", STAGING, python=os.fspath(tmp_path / "bare" / "bin" / "python")
    )
    with pytest.raises(WorkspaceError, match="has no Airflow"), workspace.open("bare"):
        pytest.fail("it was opened")


def test_a_harness_that_cannot_start_is_no_red(repository: str) -> None:
    workspace = LocalWorkspace(repository, "main", "dags", STAGING, limits=Limits(memory_mb=1))
    with pytest.raises(WorkspaceError, match="Starting the workspace failed"), workspace.open("starved"):
        pytest.fail("it was opened")
