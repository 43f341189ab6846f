"""Real folders, connections and stores → what the probes find of them."""

import json
import threading
from types import SimpleNamespace

import pytest
from test_github_access import REPO, REVIEWED, Github, commits

from airflow_agentic.git import run_git
from airflow_agentic.guardrails.readiness import Standing, assess
from airflow_agentic.guardrails.readiness_facts import Observed
from airflow_agentic.probes.accounts import places_shared, shared_accounts, shared_with_staging
from airflow_agentic.probes.code import read_code
from airflow_agentic.probes.observe import observe
from airflow_agentic.scope import Scope
from airflow_agentic.settings import read_settings
from airflow_agentic.workspaces.layers import probe_layers

DAG = """
from airflow.providers.postgres.hooks.postgres import PostgresHook
WAREHOUSE = "warehouse_prod"
SQLExecuteQueryOperator(task_id="x", conn_id="reports", sql="SELECT 1")
PostgresHook(WAREHOUSE).get_records("SELECT 1")
SnowflakeHook().run("SELECT 1")
BaseHook.get_connection("partner_api")
TriageNotifier(agentic_conn_id="agentic_default")
"""


def code(tmp_path, text, name="dags/orders.py"):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return read_code(tmp_path)


def conn(conn_type="postgres", host="db", login="svc", password="", schema="sales", port=5432, extra=None):
    return SimpleNamespace(
        conn_type=conn_type, host=host, login=login, password=password, schema=schema, port=port,
        extra_dejson=extra or {}, extra="",
    )  # fmt: skip


def known(**there):
    return there.get


def test_connections_are_found_by_keyword_constant_hook_and_default(tmp_path):
    found = code(tmp_path, DAG)
    assert found.connections == ("partner_api", "reports", "warehouse_prod")
    assert found.defaults == ("snowflake_default",)
    assert found.callbacks == 1


def test_a_database_written_into_the_code_is_found_without_its_password(tmp_path):
    text = 'engine = create_engine("postgresql+psycopg://svc:hunter2secret@prod-db.acme.io:5432/sales")\n'
    assert code(tmp_path, text).addresses == ("postgresql+psycopg://prod-db.acme.io/sales in dags/orders.py",)


@pytest.mark.parametrize(
    "text",
    [
        'create_engine("postgresql://localhost/test")',
        'create_engine(f"postgresql://{host}/sales")',
        '"see https://www.postgresql.org/docs"',
        "x = (",
    ],
    ids=["this machine", "from outside", "documentation", "no Python"],
)
def test_what_is_no_fixed_address_of_a_database_elsewhere_is_not_told(tmp_path, text):
    assert code(tmp_path, text).addresses == ()


def test_the_tests_of_a_repository_run_against_nothing(tmp_path):
    assert code(tmp_path, DAG, "tests/test_orders.py").connections == ()


def test_a_database_in_the_code_is_a_blocker_although_every_connection_is_mapped():
    seen = Observed(
        staged_connections=2, unstaged_connections=(), isolation_missing=(), written_addresses=("mysql://p/x",)
    )
    blockers = {item.name: item.evidence for item in assess(seen).blockers}
    assert "run against production by default: mysql://p/x" in blockers["runtime access in staging"]


@pytest.mark.parametrize(
    ("mine", "other", "said"),
    [
        (conn(), conn(schema="hr"), "has the login 'svc' of"),
        (conn("http", "airflow", "svc_data"), conn("snowflake", "acme", "svc_data"), "has the login 'svc_data' of"),
        (conn(login="bot", password="s3cret-token"), conn(host="x", login="", password="s3cret-token"), "password or token"),
        (conn(login="", extra={"token": "tok-123456"}), conn(host="x", login="a", password="tok-123456"), "password or token"),
        (conn(login="bot"), conn(login="svc"), ""),
        (conn(host="a", login="postgres"), conn(host="b", login="postgres"), ""),
        (conn(host="a", login="x", password="pw"), conn(host="b", login="y", password="pw"), ""),
    ],
    ids=["login and host", "login elsewhere", "token", "token in extra", "own", "common word", "short password"],
)  # fmt: skip
def test_an_account_that_is_used_twice_is_told(mine, other, said):
    found = shared_accounts({"forge_conn_id": "ours"}, ["theirs"], known(ours=mine, theirs=other))
    assert bool(found) is bool(said)
    assert said in " ".join(found)
    assert "s3cret-token" not in " ".join(found)


def test_a_connection_that_the_pipelines_use_themselves_is_told_even_if_it_cannot_be_read():
    assert shared_accounts({"git_conn_id": "github"}, ["github"], known()) == (
        "git_conn_id is the pipelines' own connection 'github'",
    )


def test_a_staging_account_that_is_productions_is_told_whatever_it_leads_to():
    there = known(
        prod=conn(password="long-password"), stage=conn(host="stage-db", schema="x", password="long-password")
    )
    assert shared_with_staging({"prod": "stage"}, there) == (
        "staging 'stage' has the password or token of production 'prod'",
    )


def test_a_staging_connection_that_leads_to_any_production_is_told():
    there = known(prod=conn(), other=conn(schema="hr"), stage=conn(schema="hr"), apart=conn(host="stage-db"))
    assert places_shared({"prod": "stage", "other": "apart"}, there) == ("'stage' is 'other'",)


@pytest.mark.parametrize(
    ("changes", "standing"),
    [
        ({"isolation_missing": ("file_view",)}, Standing.MISSING),
        ({"isolation_missing": ("file_view",), "isolation_accepted": ("file_view",)}, Standing.PARTIAL),
        ({"staging_airflow": "Airflow 3.3.2", "unstaged_connections": ("prod",)}, Standing.IN_PLACE),
    ],
    ids=["refused", "accepted by its setting", "a staging Airflow"],
)
def test_staging_is_judged_by_what_a_proof_would_be_run_in(changes, standing):
    seen = Observed(**{"staged_connections": 1, "unstaged_connections": (), "isolation_missing": (), **changes})
    found = next(item for item in assess(seen).items if item.name == "runtime access in staging")
    assert found.standing is standing


@pytest.fixture
def team(tmp_path, monkeypatch):
    """Yield a team as it often is: its Dags name production, its branch wants no review, one login does everything."""
    hub = Github()
    thread = threading.Thread(target=hub.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    hub.protection({**REVIEWED, "required_approving_review_count": 0})
    commits(hub, "mona", "Tidy up before the weekend")
    (tmp_path / "work" / "dags").mkdir(parents=True)
    (tmp_path / "work" / "dags" / "orders.py").write_text('SnowflakeHook(snowflake_conn_id="snowflake_default")\n')
    work = str(tmp_path / "work")
    for words in (("init", "--quiet", "--initial-branch=main"), ("add", "--all"), ("commit", "--quiet", "-m", "x")):
        run_git(*words, cwd=work)
    connections = {
        "snowflake_default": {"conn_type": "snowflake", "host": "acme.example", "login": "svc_data"},
        "agentic_airflow": {"conn_type": "http", "host": "127.0.0.1", "port": 9, "login": "svc_data"},
        "agentic_github": {"conn_type": "github", "host": hub.url, "password": "a-persons-token"},
        "snowflake_staging": {"conn_type": "snowflake", "host": "staging.example", "login": "agentic_staging"},
        "agentic_viewer": {"conn_type": "http", "host": "127.0.0.1", "port": 9, "login": "agentic"},
    }
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    for name, fields in connections.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(fields))

    def look(**scope):
        said = {
            "forge": "github", "forge_conn_id": "agentic_github", "repository": REPO, "clone_url": work,
            "airflow_conn_id": "agentic_airflow", **scope,
        }  # fmt: skip
        return assess(observe(read_settings(), Scope(**said)))

    yield hub, look
    hub.server.shutdown()
    thread.join()
    hub.server.server_close()


@pytest.mark.integration
def test_the_probes_themselves_find_self_merge_production_and_the_shared_account(team):
    _, look = team
    report = look()
    told = {item.name: item.evidence for item in report.blockers}
    assert "run against production by default: snowflake_default" in told["runtime access in staging"]
    assert "can merge their own changes (self-merge)" in told["no change without a person's approval"]
    assert "has the login 'svc_data' of the pipelines' 'snowflake_default'" in told["permissions at platform level"]
    assert "by 'mona' and not the agent's" in told["permissions at platform level"]
    assert (report.ceiling, report.advice.pattern) == ("diagnose", "single")


@pytest.mark.integration
def test_once_the_team_has_mended_them_the_same_probes_find_no_blocker(team):
    hub, look = team
    hub.protection(REVIEWED)
    commits(hub, "acme-agentic", "Fix orders\n\nAgentic-Fingerprint: 0123456789abcdef")
    report = look(airflow_conn_id="agentic_viewer", staging_connections={"snowflake_default": "snowflake_staging"})
    isolated = all(held for _, held, _ in probe_layers())
    assert [item.evidence for item in report.blockers if isolated or "isolate" not in item.evidence] == []
