"""Joining what sources say into a dossier, and fitting it to the budget."""

from dataclasses import replace

from airflow_agentic.context.budget import CHARS_PER_TOKEN, cost, fit
from airflow_agentic.context.gather import find_target, gather
from airflow_agentic.context.run_history import RunHistorySource
from airflow_agentic.context.task_log import TaskLogSource
from airflow_agentic.errors import SourceUnavailable
from airflow_agentic.records import (
    DagRecord,
    DagRunRecord,
    Evidence,
    Frame,
    Incident,
    IncidentState,
    SourceReport,
    Suspect,
    TaskError,
    TaskKey,
    TaskNode,
    TaskRun,
    Trust,
)
from airflow_agentic.testing.airflow import FakeAirflow

DAG = DagRecord(
    dag_id="feed",
    relative_fileloc="feed.py",
    fileloc=None,
    bundle_name=None,
    bundle_version=None,
    owners=("data",),
    tags=("t",),
    is_paused=False,
)


def a_run(day, state, dag_id="feed"):
    return DagRunRecord(
        dag_id=dag_id, run_id=f"run {day}", state=state, logical_date=f"2026-11-{day:02d}T00:00:00+00:00"
    )


def a_task(day, task_id, state, dag_id="feed", **fields):
    key = TaskKey(dag_id=dag_id, run_id=f"run {day}", task_id=task_id, **fields)
    return TaskRun(key=key, state=state, started_at=None, duration_s=1.0, rendered=(("cmd", f"load {day} s3cret"),))


def incident(day=3):
    return Incident(
        id="i",
        dag_id="feed",
        run_id=f"run {day}",
        clear_number=0,
        state=IncidentState.INVESTIGATING,
        detail="",
        first_seen="2026",
        last_seen="2026",
        signals=1,
    )


def trace(message):
    return [
        b"Traceback (most recent call last):",
        b'  File "/repo/a.py", line 3, in f',
        f"ValueError: {message}".encode(),
    ]


def airflow(**changes):
    given = {
        "dags": [DAG],
        "runs": [a_run(1, "success"), a_run(2, "failed"), a_run(3, "failed"), a_run(4, "success")],
        "tasks": [
            a_task(1, "load", "success"),
            a_task(2, "load", "failed"),
            a_task(3, "load", "failed"),
            a_task(3, "fetch", "success"),
            a_task(3, "report", "upstream_failed"),
        ],
        "nodes": {
            "feed": [
                TaskNode(task_id="fetch", operator="Bash", downstream=("load",)),
                TaskNode(task_id="load", operator="Bash", upstream=("fetch",)),
            ]
        },
        "logs": {
            a_task(3, "load", "failed").key: trace("row 5 of s3cret"),
            a_task(3, "fetch", "success").key: [b"WARNING: only 12 of 40 rows"],
        },
        **changes,
    }
    return FakeAirflow(**given)


class Says:
    name = "says"

    def __init__(self, report=None, error=None):
        self.report, self.error = report, error

    def read(self, target, so_far):
        if self.error:
            raise self.error
        return self.report


class NoSecrets:
    def redact(self, text):
        return text.replace("s3cret", "[secret:1:word]")


def a_dossier(*sources, reader=None, **options):
    return gather(incident(), reader=reader or airflow(), sources=sources, redactor=NoSecrets(), **options)


def evidence(body="text", title="title", source="says", **fields):
    return Evidence(id="", source=source, title=title, body=body, observed_at="2026", trust=Trust.UNTRUSTED, **fields)


def test_a_source_that_is_unavailable_becomes_a_gap_and_the_next_one_is_asked():
    dossier = a_dossier(Says(error=SourceUnavailable("s3cret is down")), Says(SourceReport(evidence=(evidence(),))))
    assert [(gap.source, gap.reason) for gap in dossier.gaps] == [("says", "[secret:1:word] is down")]
    assert [item.id for item in dossier.evidence] == ["E1"]


def test_a_source_that_breaks_becomes_a_gap_and_is_logged(caplog):
    dossier = a_dossier(Says(error=ZeroDivisionError("oh")))
    assert "ZeroDivisionError: oh" in dossier.gaps[0].reason
    assert caplog.records[0].exc_info


def test_nothing_leaves_unredacted():
    key = a_task(3, "load", "failed").key
    error = TaskError(
        task=key,
        error_class="E",
        message="s3cret",
        fingerprint="f",
        chain=("E: s3cret",),
        frames=(Frame(path="a.py", line=1, function="f", code="x = 's3cret'"),),
    )
    report = SourceReport(
        evidence=(evidence("s3cret", "s3cret"),), errors=(error,), history=(a_task(2, "load", "failed"),)
    )
    dossier = a_dossier(Says(report), TaskLogSource(airflow()), RunHistorySource(airflow()))
    assert "s3cret" not in repr(dossier)


def test_only_root_failures_are_members_and_the_last_good_run_is_before_the_failing_one():
    target = find_target(airflow(), incident())
    assert [task.key.task_id for task in target.failed] == ["load"]
    assert target.last_good.run_id == "run 1"


def test_a_run_that_never_worked_has_no_last_good_run():
    assert find_target(airflow(runs=[a_run(3, "failed")]), incident()).last_good is None


def test_the_same_error_in_another_run_has_the_same_incident_fingerprint():
    one = a_dossier(TaskLogSource(airflow())).incident.fingerprint
    other = airflow(logs={a_task(3, "load", "failed").key: trace("row 77 of s3cret")})
    assert a_dossier(TaskLogSource(other)).incident.fingerprint == one


def test_another_error_has_another_incident_fingerprint():
    other = airflow(logs={a_task(3, "load", "failed").key: trace("no such column")})
    assert (
        a_dossier(TaskLogSource(other)).incident.fingerprint != a_dossier(TaskLogSource(airflow())).incident.fingerprint
    )


def test_twenty_tasks_with_one_error_are_one_piece_of_evidence_that_names_them_all():
    tasks = [a_task(3, f"export_{n}", "failed") for n in range(20)]
    reader = airflow(tasks=tasks, logs={t.key: trace(f"row {n}") for n, t in enumerate(tasks)})
    dossier = a_dossier(TaskLogSource(reader), reader=reader)
    assert len(dossier.evidence) == 1
    assert len(dossier.errors) == len(dossier.incident.members) == 20
    assert "export_19" in dossier.evidence[0].body


def test_a_warning_of_the_task_before_is_evidence():
    titles = [item.title for item in a_dossier(TaskLogSource(airflow())).evidence]
    assert "feed.fetch succeeded before it, with a warning: `WARNING: only 12 of 40 rows`" in titles


def test_a_warning_in_another_dags_run_that_fed_this_one_is_evidence():
    fed = a_task(3, "pull", "success", dag_id="source")
    reader = airflow(
        runs=[a_run(3, "failed"), a_run(3, "success", "source")],
        tasks=[a_task(3, "load", "failed"), fed],
        logs={a_task(3, "load", "failed").key: trace("x"), fed.key: [b"WARN: partition still loading"]},
        beside={"run 3": [a_run(3, "success", "source")]},
    )
    assert any(
        "source.pull succeeded before it" in e.title for e in a_dossier(TaskLogSource(reader), reader=reader).evidence
    )


def test_a_log_that_is_gone_is_a_gap():
    dossier = a_dossier(TaskLogSource(airflow(logs={})))
    assert [gap.source for gap in dossier.gaps] == ["task_log"]


def test_history_says_that_the_task_failed_in_the_run_before():
    titles = [item.title for item in a_dossier(RunHistorySource(airflow())).evidence]
    assert "load in its 2 earlier runs: 1 failed, 1 success; it failed in the run before, too" in titles


def test_rendered_fields_are_shown_beside_those_of_the_last_good_run():
    bodies = "\n".join(item.body for item in a_dossier(RunHistorySource(airflow())).evidence)
    assert "load.cmd = load 3 [secret:1:word]\n    when it last worked: load 1 [secret:1:word]" in bodies


def test_suspects_are_ranked_by_whoever_is_handed_in():
    suspect = Suspect(what="w", why="y", score=1.0, evidence=())
    assert a_dossier(rank=lambda dossier: (suspect,)).suspects == (suspect,)


def test_the_dossier_keeps_to_its_tokens_and_lists_what_it_left_out():
    many = tuple(evidence("line of text\n" * 400, f"piece {n}") for n in range(30))
    dossier = a_dossier(Says(SourceReport(evidence=many)), token_budget=3_000)
    assert dossier.tokens <= 3_000
    assert len(dossier.evidence) + len(dossier.left_out) == 30
    assert dossier.left_out


def test_errors_are_kept_before_history_whatever_the_order():
    items = [evidence("h\n" * 3_000, "history", "run_history"), evidence("e\n" * 3_000, "error", "task_log")]
    kept, left_out = fit(items, token_budget=1_000)
    sizes = {item.title: len(item.body) for item in kept}
    assert sizes["error"] > sizes.get("history", 0)
    assert not left_out


def test_a_cut_is_at_line_boundaries_and_says_how_much_is_missing():
    whole = evidence("\n".join(f"line {n}" for n in range(1_000)))
    (cut,), _ = fit([whole], token_budget=300)
    lines = cut.body.split("\n")
    note = next(text for text in lines if text.startswith("[…"))
    assert lines[0] == "line 0" and lines[-1] == "line 999"
    assert note == f"[… {1_000 - len(lines) + 1} lines left out]"
    assert cost(cut) <= 300 * CHARS_PER_TOKEN


def test_one_huge_line_is_cut_within_itself():
    (cut,), _ = fit([replace(evidence(), body="x" * 100_000)], token_budget=300)
    assert cost(cut) <= 300 * CHARS_PER_TOKEN
