"""Known runners: dbt, Spark, a pod, data checks. The texts are in the forms that these programs print."""

import json

import pytest

from airflow_agentic.context.logs.distil import distil
from airflow_agentic.context.task_log import error_of
from airflow_agentic.records import TaskKey

TASK = TaskKey(dag_id="feed", run_id="r", task_id="load")


def line(event, level="info", logger="task.stdout", **fields):
    record = {"timestamp": "2026-11-02T04:00:00Z", "level": level, "event": event, "logger": logger, **fields}
    return json.dumps(record).encode()


def error(text, message="Bash command failed. The command returned a non-zero exit code 1.", cls="AirflowException"):
    detail = [{"exc_type": cls, "exc_value": message, "is_cause": False, "frames": []}]
    ended = line("Task failed with exception", "error", "task", error_detail=detail)
    return error_of(TASK, distil([*(line(event) for event in text.split("\n")), ended]))


DBT_MODEL = """04:00:01  Running with dbt=1.8.3
04:00:02  1 of 2 START sql table model dev.stg_orders ........ [RUN]
04:00:02  1 of 2 ERROR creating sql table model dev.stg_orders ........ [ERROR in 0.21s]
04:00:02  2 of 2 SKIP relation dev.orders ........ [SKIP]
04:00:03  Completed with 1 error and 0 warnings:
04:00:03
04:00:03    Database Error in model stg_orders (models/staging/stg_orders.sql)
  column "total" does not exist
  LINE 14:     total as amount
               ^
  compiled code at target/run/shop/models/staging/stg_orders.sql
04:00:03
04:00:03  Done. PASS=0 WARN=0 ERROR=1 SKIP=1 TOTAL=2"""
DBT_COMPILATION = """04:00:01  Encountered an error:
Compilation Error
  Model 'model.shop.orders' (models/marts/orders.sql) depends on a node named 'stg_order' which was not found"""
DBT_NESTED = """04:00:01  Encountered an error:
Runtime Error
  Database error while listing schemas in database "analytics"
  Database Error
    250001 (08001): Failed to connect to DB: acme.snowflakecomputing.com:443"""
DBT_TEST = """04:00:03  Failure in test not_null_orders_customer_id (models/marts/schema.yml)
04:00:03    Got 7 results, configured to fail if != 0
04:00:03
04:00:03    compiled code at target/compiled/shop/models/marts/schema.yml/not_null_orders_customer_id.sql"""
DBT_LOG_FILE = """\x1b[0m04:00:03.123456 [error] [MainThread]:   Compilation Error in model orders (models/marts/orders.sql)
\x1b[0m04:00:03.123456 [error] [MainThread]:   'ref_date' is undefined. This can happen when calling a macro that does not exist."""
DBT_JSON = json.dumps(
    {
        "data": {"msg": "…"},
        "info": {
            "code": "Z022",
            "level": "error",
            "msg": "  Database Error in model orders (models/orders.sql)\n  invalid identifier 'AMOUNT'",
            "name": "RunResultError",
        },
    }
)
RUN_RESULTS = json.dumps(
    {
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json"},
        "results": [
            {"status": "success", "message": "SELECT 812", "unique_id": "model.shop.stg_orders", "failures": None},
            {"status": "fail", "message": "Got 3 results, configured to fail if != 0", "failures": 3,
             "unique_id": "test.shop.unique_orders_id.abc"},
        ],
        "elapsed_time": 4.2,
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "error_class", "message", "path", "at"),
    [
        (DBT_MODEL, "dbt.DatabaseError", 'column "total" does not exist', "models/staging/stg_orders.sql", 14),
        (DBT_COMPILATION, "dbt.CompilationError", "'stg_order' which was not found", "models/marts/orders.sql", 0),
        (DBT_NESTED, "dbt.DatabaseError", "250001 (08001)", None, 0),
        (DBT_TEST, "dbt.TestFailure", "Got 7 results", "models/marts/schema.yml", 0),
        (DBT_LOG_FILE, "dbt.CompilationError", "'ref_date' is undefined", "models/marts/orders.sql", 0),
        (DBT_JSON, "dbt.DatabaseError", "invalid identifier 'AMOUNT'", "models/orders.sql", 0),
        (RUN_RESULTS, "dbt.TestFailure", "Got 3 results", "", 0),
    ],
    ids=["model", "compilation", "nested", "test", "log file", "json log", "run_results.json"],
)
def test_dbt_tells_its_error_with_the_file(text, error_class, message, path, at):
    found = error(text)
    assert (found.error_class, message in found.message) == (error_class, True)
    assert (found.frames[0].path, found.frames[0].line) == (path, at) if path is not None else not found.frames


def test_cosmos_says_nothing_and_dbts_words_stand_in_one_record_above():
    found = error_of(
        TASK,
        distil(
            [
                line(DBT_MODEL, logger="cosmos.operators.local"),
                line("Task failed with exception", "error", error_detail=[
                    {"exc_type": "CosmosDbtRunError", "exc_value": "dbt invocation did not complete", "frames": []}
                ]),
            ]
        ),
    )  # fmt: skip
    assert (found.error_class, found.frames[0].path) == ("dbt.DatabaseError", "models/staging/stg_orders.sql")


def test_dbts_words_within_cosmos_own_message_are_read():
    message = f"dbt command failed. The command returned a non-zero exit code 1. Details: \n{DBT_MODEL}"
    assert error("starting", message).error_class == "dbt.DatabaseError"


PY4J = """An error occurred while calling o87.save.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 4.0 failed 4 times, most recent failure: Lost task 0.3 in stage 4.0 (TID 31) (10.0.3.7 executor 2): java.time.format.DateTimeParseException: Text '31/10/2026' could not be parsed at index 2
\tat java.base/java.time.format.DateTimeFormatter.parseResolved0(DateTimeFormatter.java:2052)

Driver stacktrace:
\tat org.apache.spark.scheduler.DAGScheduler.failJobAndIndependentStages(DAGScheduler.scala:2844)
Caused by: java.time.format.DateTimeParseException: Text '31/10/2026' could not be parsed at index 2
\tat java.base/java.time.format.DateTimeFormatter.parseResolved0(DateTimeFormatter.java:2052)"""


def test_pysparks_exception_gives_the_jvms_cause_and_the_place_in_our_code():
    frame = {"filename": "/repo/jobs/daily.py", "lineno": 41, "name": "write"}
    detail = [{"exc_type": "Py4JJavaError", "exc_value": PY4J, "is_cause": False, "frames": [frame]}]
    found = error_of(TASK, distil([line("Task failed with exception", "error", error_detail=detail)]))
    assert found.error_class == "java.time.format.DateTimeParseException"
    assert found.message == "Text '31/10/2026' could not be parsed at index 2"
    assert found.frames[0].path == "/repo/jobs/daily.py"


@pytest.mark.parametrize(
    ("text", "error_class", "message"),
    [
        (
            "26/11/02 04:00:01 ERROR TaskSetManager: Task 0 in stage 4.0 failed 4 times; aborting job\n"
            "org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 4.0 failed 4 times, "
            "most recent failure: Lost task 0.3 in stage 4.0 (TID 31) (10.0.3.7 executor 2): "
            "java.lang.ArithmeticException: divide by zero",
            "java.lang.ArithmeticException",
            "divide by zero",
        ),
        (
            "pyspark.errors.exceptions.captured.AnalysisException: [UNRESOLVED_COLUMN.WITH_SUGGESTION] A column with "
            "name `total` cannot be resolved. Did you mean one of the following? [`amount`].; line 3 pos 7;",
            "AnalysisException",
            "UNRESOLVED_COLUMN",
        ),
        (
            "26/11/02 04:00:01 WARN YarnAllocator: Container killed by YARN for exceeding physical memory limits. "
            "5.5 GB of 5.5 GB physical memory used.",
            "spark.ExecutorLost",
            "5.5 GB of 5.5 GB",
        ),
    ],
    ids=["stage", "analysis", "executor lost"],
)
def test_spark_without_a_caused_by_still_tells_its_cause(text, error_class, message):
    found = error(text, "Cannot execute: spark-submit --master yarn job.py. Error code is: 1.")
    assert (found.error_class, message in found.message) == (error_class, True)


POD = "airflow.task.operators.airflow.providers.cncf.kubernetes.operators.pod.KubernetesPodOperator"
FAILED = "Pod load-x1 returned a failure."


@pytest.mark.parametrize(
    ("text", "error_class", "message"),
    [
        (
            "[base] reading part 7\nPod phase: Failed, reason: None\n"
            "Container 'base': state='TERMINATED', reason='OOMKilled', exit_code=137, message='None'",
            "kubernetes.OOMKilled",
            "exit code 137",
        ),
        (
            "Pod load-x1 has phase Pending\nContainer 'base': state='WAITING', reason='ImagePullBackOff', "
            "message='Back-off pulling image \"acme/load:3\"'",
            "kubernetes.ImagePullBackOff",
            "acme/load:3",
        ),
        (
            "Pod Event: FailedScheduling - 0/3 nodes are available: 3 Insufficient memory.",
            "kubernetes.FailedScheduling",
            "3 Insufficient memory",
        ),
        (
            "Pod Event: Evicted - The node was low on resource: ephemeral-storage.",
            "kubernetes.Evicted",
            "ephemeral-storage",
        ),
    ],
    ids=["oom", "image", "scheduling", "evicted"],
)
def test_a_pods_end_is_told_by_kubernetes_reason(text, error_class, message):
    found = error(text, FAILED)
    assert (found.error_class, message in found.message) == (error_class, True)


def test_a_traceback_in_a_pod_is_read_through_the_containers_name():
    text = (
        "Pod Event: FailedScheduling - 0/3 nodes are available\n[base] Traceback (most recent call last):\n"
        '[base]   File "/app/load.py", line 12, in run\n[base]     row["city"]\n[base] KeyError: \'city\''
    )
    found = error(text, FAILED)
    assert (found.error_class, found.message, found.frames[0].path) == ("KeyError", "'city'", "/app/load.py")


GX = json.dumps(
    {
        "success": False,
        "results": [
            {"success": True, "expectation_config": {"expectation_type": "expect_table_row_count_to_be_between",
             "kwargs": {"min_value": 1}}, "result": {"observed_value": 812}},
            {"success": False, "expectation_config": {"expectation_type": "expect_column_values_to_not_be_null",
             "kwargs": {"column": "customer_id"}}, "result": {"element_count": 812, "unexpected_count": 31}},
        ],
    }
)  # fmt: skip
SODA = """Soda Core 3.3.2
Scan summary:
1/2 checks PASSED:
    orders in warehouse
      row_count > 0 [PASSED]
1/2 checks FAILED:
    orders in warehouse
      missing_count(customer_id) = 0 [FAILED]
        check_value: 31
Oops! 1 failures. 0 warnings. 0 errors. 1 pass."""


@pytest.mark.parametrize(
    ("text", "message", "error_class", "words"),
    [
        ("starting", f"Validation with Great Expectations failed.\nResults\n {GX}",
         "great_expectations.ValidationFailed", "expect_column_values_to_not_be_null(column=customer_id): 31 of 812"),
        (SODA, "Bash command failed. The command returned a non-zero exit code 2.",
         "soda.CheckFailed", "orders: missing_count(customer_id) = 0 (it is 31)"),
        ("Running statement", "Test failed.\nResults:\n[('row_count', 0)]\nThe following tests have failed:\n"
         "\tCheck: row_count, Check Values: {'check_statement': 'COUNT(*) > 0', 'success': False}",
         "sql.CheckFailed", "row_count"),
    ],
    ids=["great_expectations", "soda", "sql"],
)  # fmt: skip
def test_a_data_check_names_what_was_not_met(text, message, error_class, words):
    found = error(text, message)
    assert (found.error_class, words in found.message) == (error_class, True)


def test_an_exception_of_our_own_code_is_not_replaced_by_what_was_printed_before():
    frame = {"filename": "/repo/dags/feed.py", "lineno": 7, "name": "load"}
    detail = [{"exc_type": "AirflowException", "exc_value": "no rows for 2026-11-02", "frames": [frame]}]
    lines = [line(text) for text in DBT_TEST.split("\n")]
    found = error_of(TASK, distil([*lines, line("Task failed with exception", "error", error_detail=detail)]))
    assert found.message == "no rows for 2026-11-02"
