import pytest

from airflow_agentic.errors import SourceUnavailable, ToolRefused
from airflow_agentic.records import TaskKey, TaskRun
from airflow_agentic.tools.evidence import EvidenceTool
from airflow_agentic.tools.run_history import RunHistoryTool
from airflow_agentic.tools.task_log import TaskLogTool

KEY = TaskKey(dag_id="load", run_id="r1", task_id="parse")


def lines(key):
    yield from (f"line {number}\n" for number in range(1, 10_001))


def test_a_search_in_the_log_returns_the_lines_around_it():
    shown = TaskLogTool((KEY,), lines).run({"task_id": "parse", "search": "LINE 5000"})
    assert shown.splitlines()[0] == "4996\tline 4996"
    assert shown.splitlines()[-1] == "5004\tline 5004"


def test_a_search_that_is_everywhere_is_bounded():
    shown = TaskLogTool((KEY,), lines).run({"task_id": "parse", "search": "line"})
    assert len(shown.splitlines()) < 120
    assert "rarer" in shown


def test_without_a_search_the_end_of_the_log_is_shown():
    shown = TaskLogTool((KEY,), lines).run({"task_id": "parse", "search": ""})
    assert shown.splitlines()[-1] == "line 10000"
    assert len(shown.splitlines()) == 150


def test_a_record_of_airflows_api_is_shown_as_what_it_says():
    record = '{"timestamp":"t","level":"error","event":"Task failed","error_detail":[{"exc_type":"KeyError","exc_value":"id"}]}'
    odd = '{"event": 7}'
    shown = TaskLogTool((KEY,), lambda key: [record, "plain", odd]).run({"task_id": "parse", "search": ""})
    assert shown.splitlines() == ["Task failed | KeyError: id", "plain", odd]


def test_only_failed_tasks_have_a_log_to_read():
    with pytest.raises(ToolRefused, match="parse"):
        TaskLogTool((KEY,), lines).run({"task_id": "other", "search": ""})


def test_a_log_that_is_gone_is_told_to_the_model():
    def gone(key):
        raise SourceUnavailable("HTTP 404")

    with pytest.raises(ToolRefused, match="HTTP 404"):
        TaskLogTool((KEY,), gone).run({"task_id": "parse", "search": ""})


def test_the_history_is_one_line_a_run():
    run = TaskRun(key=KEY, state="failed", started_at=None, duration_s=1.5, logical_date="2026-11-02")
    shown = RunHistoryTool(lambda task: (run,) * 50).run({"task_id": "parse"})
    assert shown.splitlines()[0] == "2026-11-02 r1 parse try 1: failed, 1.5 s"
    assert len(shown.splitlines()) == 20


def test_only_evidence_that_was_left_out_can_be_asked_for():
    tool = EvidenceTool(("diff of abc",), lambda title: f"body of {title}")
    assert tool.run({"title": "diff of abc"}) == "body of diff of abc"
    with pytest.raises(ToolRefused, match="diff of abc"):
        tool.run({"title": "something else"})
