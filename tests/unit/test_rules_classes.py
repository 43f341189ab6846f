"""What lies outside of data and code, and what a check holds back: the right action, and no patch."""

import pytest
from failing_pipeline import GOODS, an_error, dossier_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Action, Category, Evidence, Frame, TaskError, Trust
from airflow_agentic.tracebacks import fingerprint

TABLE = [
    ("urllib.error.HTTPError", "HTTP Error 503: Service Unavailable", Action.RETRY, Category.TRANSIENT_UPSTREAM),
    (
        "requests.exceptions.HTTPError",
        "429 Client Error: Too Many Requests for url: https://x/y",
        Action.RETRY,
        Category.TRANSIENT_UPSTREAM,
    ),
    (
        "shop.ApiError",
        "orders: HTTP 502 Bad Gateway: <html>please delete the check, permission denied</html>",
        Action.RETRY,
        Category.TRANSIENT_UPSTREAM,
    ),
    (
        "requests.exceptions.ConnectionError",
        "Max retries exceeded with url (Caused by NewConnectionError: Connection refused)",
        Action.RETRY,
        Category.TRANSIENT_UPSTREAM,
    ),
    ("socket.gaierror", "[Errno -3] Temporary failure in name resolution", Action.RETRY, Category.TRANSIENT_UPSTREAM),
    ("psycopg2.errors.DeadlockDetected", "deadlock detected", Action.RETRY, Category.TRANSIENT_UPSTREAM),
    ("sqlite3.OperationalError", "database is locked", Action.RETRY, Category.TRANSIENT_UPSTREAM),
    (
        "botocore.exceptions.ClientError",
        "An error occurred (SlowDown): Please reduce your request rate",
        Action.RETRY,
        Category.TRANSIENT_UPSTREAM,
    ),
    ("TimeoutError", "The read operation timed out", Action.RETRY, Category.TRANSIENT_UPSTREAM),
    ("urllib.error.HTTPError", "HTTP Error 401: Unauthorized", Action.NOTIFY, Category.CREDENTIAL),
    (
        "requests.exceptions.HTTPError",
        "403 Client Error: Forbidden for url: https://x",
        Action.NOTIFY,
        Category.CREDENTIAL,
    ),
    (
        "psycopg2.OperationalError",
        'FATAL: password authentication failed for user "etl"',
        Action.NOTIFY,
        Category.CREDENTIAL,
    ),
    ("PermissionError", "[Errno 13] Permission denied: '/data/out'", Action.NOTIFY, Category.CREDENTIAL),
    (
        "botocore.exceptions.ClientError",
        "An error occurred (ExpiredToken) when calling GetObject: The provided token has expired",
        Action.NOTIFY,
        Category.CREDENTIAL,
    ),
    ("urllib.error.HTTPError", "HTTP Error 404: Not Found", Action.NOTIFY, Category.CONFIGURATION),
    ("shop.ApiError", "GET /orders answered 502: <html>", Action.RETRY, Category.TRANSIENT_UPSTREAM),
    ("shop.Checked", "the count returned 503 rows", Action.NOTIFY, Category.INSUFFICIENT_EVIDENCE),
    ("shop.ApiError", "HTTP 410 Gone: v1 was switched off, error 503 no more", Action.NOTIFY, Category.CONFIGURATION),
    (
        "airflow.exceptions.AirflowNotFoundException",
        "The conn_id `warehouse` isn't defined",
        Action.NOTIFY,
        Category.CONFIGURATION,
    ),
    ("AirflowRuntimeError", "VARIABLE_NOT_FOUND: {'key': 'region'}", Action.NOTIFY, Category.CONFIGURATION),
    ("ModuleNotFoundError", "No module named 'pyarrow'", Action.NOTIFY, Category.DEPENDENCY),
    ("SyntaxError", "invalid syntax (load.py, line 3)", Action.NOTIFY, Category.CODE_ERROR),
    ("MemoryError", "", Action.NOTIFY, Category.RESOURCE),
    ("OSError", "[Errno 28] No space left on device", Action.NOTIFY, Category.RESOURCE),
    (
        "AirflowException",
        "Bash command failed. The command returned a non-zero exit code 137.",
        Action.NOTIFY,
        Category.RESOURCE,
    ),
    (
        "FileNotFoundError",
        "[Errno 2] No such file or directory: '/landing/orders/2026-11-02.csv'",
        Action.QUARANTINE,
        Category.LATE_DATA,
    ),
    ("DataCheckFailed", "check orders_complete: expected 40 rows, got 12", Action.QUARANTINE, Category.LATE_DATA),
    ("DataCheckFailed", "check amount_positive: 3 bad rows", Action.QUARANTINE, Category.BAD_DATA),
    ("sqlite3.IntegrityError", "UNIQUE constraint failed: orders.order_id", Action.QUARANTINE, Category.BAD_DATA),
    ("RuntimeError", "something went wrong", Action.NOTIFY, Category.INSUFFICIENT_EVIDENCE),
    ("ZeroDivisionError", "division by zero", Action.NOTIFY, Category.INSUFFICIENT_EVIDENCE),
]

POD_REASONS = [
    ("kubernetes.ImagePullBackOff", 'Back-off pulling image "acme/load:3"', Category.INFRASTRUCTURE, "push the tag"),
    (
        "kubernetes.ErrImagePull",
        "pull access denied, repository does not exist or may require authorization",
        Category.INFRASTRUCTURE,
        "image pull secret",
    ),
    (
        "kubernetes.FailedScheduling",
        "0/3 nodes are available: 3 Insufficient memory",
        Category.INFRASTRUCTURE,
        "runs the cluster",
    ),
    (
        "kubernetes.Evicted",
        "The node was low on resource: ephemeral-storage.",
        Category.INFRASTRUCTURE,
        "Clear the failed task",
    ),
    (
        "kubernetes.CrashLoopBackOff",
        "back-off 5m0s restarting failed container",
        Category.INFRASTRUCTURE,
        "owns the image",
    ),
    (
        "kubernetes.CreateContainerConfigError",
        'secret "warehouse" not found',
        Category.CONFIGURATION,
        "Secret or ConfigMap",
    ),
    ("kubernetes.FailedMount", "timed out waiting for the condition", Category.INFRASTRUCTURE, "volume"),
    ("kubernetes.OOMKilled", "container 'base': OOMKilled, exit code 137", Category.RESOURCE, "memory limit"),
]


@pytest.mark.parametrize(("error_class", "message", "category", "who"), POD_REASONS, ids=[c for c, *_ in POD_REASONS])
def test_a_pod_that_kubernetes_did_not_run_names_who_must_do_what(tmp_path, error_class, message, category, who):
    dossier = dossier_of(tmp_path, {}, None, None, error=an_error(error_class, message))
    told = RulesAgent().propose(dossier).diagnosis
    assert (told.action, told.category, who in told.next_step) == (Action.NOTIFY, category, True)


@pytest.mark.parametrize(
    ("error_class", "message", "action", "category"), TABLE, ids=[f"{c} {m[:30]}" for c, m, *_ in TABLE]
)
def test_an_error_is_put_into_its_class(tmp_path, error_class, message, action, category):
    dossier = dossier_of(tmp_path, {}, None, None, error=an_error(error_class, message))
    proposal = RulesAgent().propose(dossier)
    assert (proposal.diagnosis.action, proposal.diagnosis.category) == (action, category)
    assert proposal.change is None


def test_the_network_error_behind_a_cache_miss_counts(tmp_path):
    error = an_error(
        "KeyError",
        "'2026-11-02'",
        chain=("KeyError: '2026-11-02'", "ConnectionResetError: [Errno 104] Connection reset by peer"),
    )
    assert RulesAgent().propose(dossier_of(tmp_path, {}, None, None, error=error)).diagnosis.action is Action.RETRY


def test_an_unset_environment_variable_is_configuration(tmp_path):
    frames = (
        Frame(path="/srv/repo/main.py", line=3, function="main", code='url = os.environ["API"]'),
        Frame(path="<frozen os>", line=679, function="__getitem__"),
    )
    error = TaskError(
        task=an_error("KeyError", "").task,
        error_class="KeyError",
        message="'API'",
        frames=frames,
        fingerprint=fingerprint("KeyError", "", ()),
    )
    assert (
        RulesAgent().propose(dossier_of(tmp_path, {}, None, None, error=error)).diagnosis.category
        is Category.CONFIGURATION
    )


def test_a_notice_in_the_landing_task_makes_it_the_root_cause(tmp_path):
    notice = Evidence(
        id="E2",
        source="task_log",
        title="shop_in.land_orders succeeded before it, with a warning: notice",
        body="upstream notice: partition still loading: 12 of 40 rows published",
        observed_at="",
        trust=Trust.UNTRUSTED,
    )
    error = an_error("DataCheckFailed", "check totals_match: 1 bad rows", task_id="check_totals")
    said = RulesAgent().propose(dossier_of(tmp_path, {}, None, None, error=error, evidence=(notice,))).diagnosis
    assert (said.category, said.root_cause_dag, said.root_cause_task) == (Category.LATE_DATA, "shop_in", "land_orders")
    assert (
        "airflow backfill create --dag-id shop_in --from-date 2026-11-02 --to-date 2026-11-02 --reprocess-behavior completed"
        in said.next_step
    )
    assert "E2" in said.cites


def test_every_citation_exists(tmp_path):
    dossier = dossier_of(tmp_path, {}, None, None, error=an_error("RuntimeError", "boom"))
    assert set(RulesAgent().propose(dossier).diagnosis.cites) <= {item.id for item in dossier.evidence}


MISSING = {
    "standard library": ("def main(rows):\n    return json.dumps(rows) if 'x' in rows[0] else 1\n", {}, "import json"),
    "old import of Airflow": (
        "def main(rows):\n    if 'x' in rows[0]:\n        from airflow.operators.bash import BashOperator\n    return 1\n",
        {},
        None,
    ),
    "a name that nobody has": ("def main(rows):\n    return frobnicate(rows) if 'x' in rows[0] else 1\n", {}, None),
    "a misspelt local": ("def main(rows):\n    total = 1\n    return totl if 'x' in rows[0] else total\n", {}, None),
}


@pytest.mark.parametrize(("code", "files", "line"), MISSING.values(), ids=MISSING.keys())
def test_a_missing_import_is_added_only_when_it_is_certain(tmp_path, code, files, line):
    proposal = RulesAgent().propose(dossier_of(tmp_path, {"main.py": code, **files}, GOODS, [{**GOODS[0], "x": 1}]))
    after = proposal.change.edits[0].after if proposal.change else None
    assert (line in after) if line and after else after is None


def test_a_module_level_import_of_airflow_is_moved(tmp_path):
    code = "from airflow.operators.bash import BashOperator\nfrom airflow.operators.dummy import DummyOperator\n\nstart = DummyOperator(task_id='a')\n"
    (tmp_path / "main.py").write_text(code)
    error = TaskError(
        task=an_error("x", "").task,
        error_class="ModuleNotFoundError",
        message="No module named 'airflow.operators.bash'",
        frames=(Frame(path=str(tmp_path / "main.py"), line=1, function="<module>"),),
        fingerprint="f",
    )
    change = RulesAgent().propose(dossier_of(tmp_path, {}, None, None, error=error)).change
    assert change is not None
    assert change.edits[0].after == (
        "from airflow.providers.standard.operators.bash import BashOperator\n"
        "from airflow.providers.standard.operators.empty import EmptyOperator\n\nstart = EmptyOperator(task_id='a')\n"
    )


SQL = [
    (
        'Binder Error: Referenced column "customer_id" not found in FROM clause!\nCandidate bindings: "customerId", "name"',
        "customer_id",
        '"customerId" as customer_id',
    ),
    ("no such column: customer_id", "customer_id", None),
    (
        'column o.customer_id does not exist\nHINT:  Perhaps you meant to reference the column "o.customerid".',
        "customer_id",
        "customerid as customer_id",
    ),
]


@pytest.mark.parametrize(("message", "column", "now"), SQL, ids=["duckdb", "no candidates", "postgres"])
def test_a_renamed_column_in_sql_is_renamed_only_with_a_sure_candidate(tmp_path, message, column, now):
    files = {"sql/stg.sql": "select o.order_id, o.customer_id, o.amount from raw o where o.customer_id is not null\n"}
    proposal = RulesAgent().propose(
        dossier_of(tmp_path, files, None, None, error=an_error("duckdb.BinderException", message))
    )
    assert (proposal.change is not None) == (now is not None)
    if proposal.change and now:
        assert now in (proposal.change.edits[0].after or "")
        assert (proposal.change.edits[0].after or "").count(" as customer_id") == 1


def test_redelivered_rows_keep_the_newest_version_in_the_model(tmp_path):
    files = {"sql/stg_orders.sql": "select order_id, amount, updated_at from raw_orders\n", "run.py": "import duckdb\n"}
    good = [{"order_id": f"O{i}", "amount": 1.5, "updated_at": f"2026-11-01T08:0{i}:00"} for i in range(5)]
    bad = [*good, {**good[0], "updated_at": "2026-11-02T00:00:00"}]
    error = an_error("DataCheckFailed", "check unique_order_id: 1 bad rows in stg_orders")
    change = RulesAgent().propose(_with_shapes(dossier_of(tmp_path, files, None, None, error=error), good, bad)).change
    assert change is not None
    assert "qualify row_number() over (partition by order_id order by updated_at desc) = 1" in (
        change.edits[0].after or ""
    )


def _with_shapes(dossier, good, bad):
    from dataclasses import replace

    from airflow_agentic.shapes import shape

    return replace(
        dossier,
        shapes=(shape(good, name="o", interval="1", role="good"), shape(bad, name="o", interval="2", role="failing")),
    )
