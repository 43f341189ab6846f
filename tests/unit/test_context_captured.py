"""A captured failure of which this or that is missing."""

import json

import pytest

from airflow_agentic.context.captured import CapturedReader
from airflow_agentic.context.logs.console_log import as_records
from airflow_agentic.context.logs.distil import distil
from airflow_agentic.context.task_log import error_of
from airflow_agentic.errors import IncidentNotFound, SourceUnavailable
from airflow_agentic.tracebacks import IMPORT_STEP

CASE = {"failing": {"dag_id": "feed", "task_ids": ["load"], "ds": "2026-11-02"}, "days": ["2026-11-01", "2026-11-02"]}
PLAIN = 'Traceback (most recent call last):\n  File "/repo/load.py", line 3, in run\n    row["x"]\nKeyError: \'x\'\n'


def a_capture(folder, case=CASE, **logs):
    if case is not None:
        (folder / "case.json").write_text(json.dumps(case))
    (folder / "logs").mkdir()
    for name, text in logs.items():
        (folder / "logs" / name.replace("__", ".")).write_text(text)
    return CapturedReader(folder)


def failed(reader):
    run = reader.failed_run()
    return [task.key for task in reader.task_instances(run.dag_id, run.run_id) if task.state == "failed"]


def test_plain_output_under_any_name_is_the_failing_tasks_log(tmp_path):
    reader = a_capture(tmp_path, whatever__log=PLAIN)
    (key,) = failed(reader)
    assert (key.dag_id, key.task_id) == ("feed", "load")
    assert error_of(key, distil(reader.log(key))).message == "'x'"


def test_without_any_log_the_run_and_its_failed_task_are_still_known(tmp_path):
    reader = a_capture(tmp_path)
    (key,) = failed(reader)
    with pytest.raises(SourceUnavailable, match="was not captured"):
        reader.log(key)


def test_the_days_before_are_good_runs(tmp_path):
    runs = a_capture(tmp_path).recent_runs("feed")
    assert [(run.logical_date, run.state) for run in runs] == [
        ("2026-11-02T00:00:00+00:00", "failed"),
        ("2026-11-01T00:00:00+00:00", "success"),
    ]


def test_a_folder_that_names_nothing_says_what_is_missing(tmp_path):
    with pytest.raises(IncidentNotFound, match=r"case\.json"):
        a_capture(tmp_path, case=None).failed_run()


@pytest.mark.parametrize("case", [[], {"failing": 5, "days": 7}, {"failing": {"task_ids": "load"}}], ids=repr)
def test_a_strange_case_file_breaks_nothing(tmp_path, case):
    reader = a_capture(tmp_path, case=case, x__log=PLAIN, y__jsonl='not json\n[1]\n{"run": 5}\n')
    assert all(run.dag_id for run in reader.recent_runs("feed"))


def test_a_broken_case_file_is_unavailable(tmp_path):
    reader = a_capture(tmp_path, case=None)
    (tmp_path / "case.json").write_text("{")
    with pytest.raises(SourceUnavailable, match="Mend the file"):
        reader.failed_run()


def test_the_dag_file_is_found_by_the_dags_name_where_nothing_else_tells_it(tmp_path):
    (tmp_path / "pipeline" / "dags" / "team").mkdir(parents=True)
    (tmp_path / "pipeline" / "dags" / "team" / "x.py").write_text('with DAG("feed"): ...')
    assert a_capture(tmp_path).dag("feed").relative_fileloc == "team/x.py"


def test_a_mapped_task_has_a_log_for_each_index(tmp_path):
    parts = [
        f"2026-11-02T04:00:0{i}Z [info     ] [DAG TEST] starting task_id=load map_index={i} [d] loc=d.py:1\n"
        f"2026-11-02T04:00:0{i}Z [info     ] part {i} [task]\n"
        f"2026-11-02T04:00:0{i}Z [info     ] Task instance state updated [d] new_state={state} rows_affected=1\n"
        f"2026-11-02T04:00:0{i}Z [info     ] [DAG TEST] end task task_id=load map_index={i} [d] loc=d.py:1\n"
        for i, state in enumerate(("success", "failed"))
    ]
    reader = a_capture(tmp_path, console__log="=== airflow dags test feed 2026-11-02\n" + "".join(parts))
    (key,) = failed(reader)
    assert key.map_index == 1
    assert "part 1" in distil(reader.log(key)).text
    assert "part 0" not in distil(reader.log(key)).text


def records(text):
    return [json.loads(line) for line in as_records(text.encode().splitlines(keepends=True))]


def test_a_traceback_below_a_console_record_becomes_its_error_detail():
    text = (
        "2026-11-02T04:00:00Z [error    ] Task failed with exception     [task] loc=t.py:1\n"
        'Traceback (most recent call last):\n  File "a.py", line 1, in f\nKeyError: 1\n\n'
        "The above exception was the direct cause of the following exception:\n\n"
        'Traceback (most recent call last):\n  File "b.py", line 2, in g\nValueError: two\n'
    )
    (record,) = records(text)
    assert (record["event"], record["level"], record["logger"]) == ("Task failed with exception", "error", "task")
    assert [item["exc_type"] for item in record["error_detail"]] == ["ValueError", "KeyError"]


def test_a_traceback_that_a_program_prints_after_a_record_is_the_programs_own():
    said = "2026-11-02T04:00:00Z [info     ] Poking callable [task] loc=t.py:1\n"
    found = records(2 * said + PLAIN)
    assert [r["event"] for r in found[:3]] == ["Poking callable"] * 2 + ["Traceback (most recent call last):"]
    assert (found[2]["logger"], any("error_detail" in r for r in found)) == ("stdout", False)
    assert distil([json.dumps(r).encode() for r in found]).exceptions[-1].error_class == "KeyError"


def test_an_event_over_several_console_lines_is_one_record_and_plain_output_another():
    text = "2026-11-02T04:00:00Z [info     ] first\nsecond [task]\nDagRun failed\n\x1b[31mWARNING: red\x1b[0m\n"
    assert [(r["event"], r["level"]) for r in records(text)] == [
        ("first\nsecond", "info"),
        ("DagRun failed", "info"),
        ("WARNING: red", "warning"),
    ]


NOT_IMPORTED = """2026-11-28T00:36:25.718119Z [error    ] Failed to import: /opt/pipeline/repo/dags/feed.py [airflow.dag_processing.importers.python_importer] loc=python_importer.py:244
Traceback (most recent call last):
  File "/opt/pipeline/repo/dags/feed.py", line 2, in <module>
    from airflow.operators.dummy_operator import DummyOperator
ModuleNotFoundError: No module named 'airflow.operators.dummy_operator'
Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/airflow/utils/cli.py", line 304, in get_bagged_dag
    raise AirflowException(
airflow.sdk.exceptions.AirflowException: Dag 'feed' could not be found; either it does not exist or it failed to parse.
"""


def test_where_the_dags_file_did_not_import_that_is_the_failure_whatever_task_is_named(tmp_path):
    reader = a_capture(tmp_path, console__log=NOT_IMPORTED)
    (key,) = failed(reader)
    assert (key.task_id, error_of(key, distil(reader.log(key))).error_class) == (IMPORT_STEP, "ModuleNotFoundError")
