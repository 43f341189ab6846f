"""What counts as a proof."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from airflow_agentic.changes import make_change
from airflow_agentic.guardrails.redact import SpanRedactor
from airflow_agentic.records import (
    Action,
    Category,
    Check,
    Checkout,
    DagLinks,
    DagRunRecord,
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
    StagedRun,
    TableDiff,
    TaskError,
    TaskKey,
    TaskNode,
    Transience,
    Usage,
)
from airflow_agentic.testing.workspace import (
    BASE,
    CHANGED,
    SUCCESS_CHECKS,
    FakeSession,
    FakeWorkspace,
    Script,
    staged,
    staged_task,
)
from airflow_agentic.tracebacks import fingerprint
from airflow_agentic.workspaces.validate import validate

DAY, GOOD = "2026-11-02T00:00:00+00:00", "2026-11-01T00:00:00+00:00"


def error(message: str, cls: str = "KeyError", task_id: str = "load", *, frames: bool = True) -> TaskError:
    places = (Frame(path="/opt/repo/shop/load.py", line=3, function="parse"),) if frames else ()
    return TaskError(
        task=TaskKey(dag_id="shop", run_id="r", task_id=task_id),
        error_class=cls,
        message=message,
        frames=places,
        fingerprint=fingerprint(cls, message, places),
    )


KEY = error("'customer_id'")
RED = staged("failed", staged_task("load", "failed", KEY), staged_task("publish", "upstream_failed"))
GREEN = staged("success", staged_task("load", "success"), staged_task("publish", "success"))
CURED = {(DAY, BASE): [RED], (DAY, CHANGED): [GREEN], (GOOD, BASE): [GREEN], (GOOD, CHANGED): [GREEN]}


def prove(script: Script, *, errors: tuple[TaskError, ...] = (KEY,), last_good: str | None = GOOD) -> Proof:
    return validate(dossier(errors), proposal(), workspace=FakeWorkspace(script), last_good=last_good)


def dossier(errors: tuple[TaskError, ...] = (KEY,)) -> Dossier:
    incident = Incident(
        id="i",
        dag_id="shop",
        run_id="r",
        clear_number=0,
        state=IncidentState.VALIDATING,
        detail="",
        first_seen=DAY,
        last_seen=DAY,
        signals=1,
        logical_date=DAY,
        members=(TaskKey(dag_id="shop", run_id="r", task_id="load"),),
    )
    graph = (
        TaskNode(task_id="load", operator="x", downstream=("publish",)),
        TaskNode(task_id="publish", operator="x", upstream=("load",)),
        TaskNode(task_id="other", operator="x"),
    )
    checkout = Checkout(
        path="", commit="c", base_branch="main", base_commit="c", pinned=True, dag_file="dags/shop.py", dags_path="dags"
    )
    return Dossier(incident=incident, evidence=(), gaps=(), errors=errors, graph=graph, checkout=checkout)


def proposal(*, change: bool = True) -> Proposal:
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
    edit = FileEdit(path="shop/load.py", before="a\n", after="b\n")
    return Proposal(
        diagnosis=diagnosis, change=make_change("c", [edit], "s") if change else None, usage=Usage(), pattern="rules"
    )


def but(**changed: list[StagedRun]) -> Script:
    keys = {"red": (DAY, BASE), "green": (DAY, CHANGED), "good": (GOOD, BASE), "good_after": (GOOD, CHANGED)}
    return Script(runs={**CURED, **{keys[name]: runs for name, runs in changed.items()}})


def test_red_before_and_green_after_is_a_proof() -> None:
    proof = prove(Script(runs=CURED))
    assert proof.status is ProofStatus.PROVED
    assert [run.name for run in (proof.red, proof.green, proof.last_good) if run] == ["red", "green", "last_good"]


def test_without_a_change_nothing_is_tried() -> None:
    workspace = FakeWorkspace(Script(runs={}, cannot_open="must not be opened"))
    proof = validate(dossier(), proposal(change=False), workspace=workspace, last_good=None)
    assert proof.status is ProofStatus.NOT_ATTEMPTED


def test_a_workspace_that_cannot_be_opened_is_inconclusive() -> None:
    proof = prove(Script(runs=CURED, cannot_open="no bubblewrap here"))
    assert (proof.status, proof.reason) == (ProofStatus.INCONCLUSIVE, "no bubblewrap here")


def test_an_unknown_dag_file_is_inconclusive() -> None:
    proof = validate(
        replace(dossier(), checkout=None), proposal(), workspace=FakeWorkspace(Script(runs=CURED)), last_good=None
    )
    assert proof.status is ProofStatus.INCONCLUSIVE


def at(commit: str, *, pinned: bool) -> Dossier:
    found = dossier()
    assert found.checkout is not None
    return replace(found, checkout=replace(found.checkout, commit=commit, pinned=pinned))


@pytest.mark.parametrize(
    ("commit", "pinned", "there", "status"),
    [
        ("c", False, GREEN, ProofStatus.ALREADY_FIXED),
        ("older", True, RED, ProofStatus.ALREADY_FIXED),
        ("older", True, GREEN, ProofStatus.NOT_REPRODUCED),
        ("c", True, GREEN, ProofStatus.NOT_REPRODUCED),
    ],
    ids=["no pinned commit", "its commit still fails", "its commit passes too", "the same commit passes"],
)
def test_a_base_that_passes_is_fixed_only_if_the_failing_commit_still_fails(
    commit: str, pinned: bool, there: StagedRun, status: ProofStatus
) -> None:
    script = Script(runs={**CURED, (DAY, BASE): [GREEN], (f"{commit}@{DAY}", BASE): [there]})
    proof = validate(at(commit, pinned=pinned), proposal(), workspace=FakeWorkspace(script), last_good=GOOD)
    assert proof.status is status, proof


class Recorder(FakeWorkspace):
    """Keeps what each run was asked for, by its name."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self.asked: dict[str, dict[str, object]] = {}

    @contextmanager
    def open(self, incident_id: str) -> Iterator[FakeSession]:
        with super().open(incident_id) as session:
            run_dag = session.run_dag
            session.run_dag = lambda name, **asked: self.asked.update({name: asked}) or run_dag(name, **asked)  # type: ignore[method-assign]
            yield session


def test_conf_interval_and_partition_of_the_incident_are_those_of_its_runs() -> None:
    run = DagRunRecord(
        dag_id="shop",
        run_id="r",
        state="failed",
        logical_date=DAY,
        data_interval=(GOOD, DAY),
        partition_key="eu|2026",
        conf='{"full": true}',
    )
    asked = replace(dossier(), run=run, good_run=replace(run, conf='{"full": false}'))
    workspace = Recorder(Script(runs=CURED))
    validate(asked, proposal(), workspace=workspace, last_good=GOOD)
    inputs = {name: (g["conf"], g["data_interval"], g["partition_key"]) for name, g in workspace.asked.items()}
    assert inputs["red"] == inputs["green"] == ('{"full": true}', (GOOD, DAY), "eu|2026")
    assert inputs["last_good"][0] == '{"full": false}'


def test_of_twenty_tasks_with_one_error_three_are_repeated_and_all_must_be_cured() -> None:
    names = tuple(f"export_{n:02}" for n in range(20))
    errors = (*(error("'customer_id'", task_id=name) for name in names[:-1]), error("'x'", task_id=names[-1]))
    red = staged("failed", *(staged_task(e.task.task_id, "failed", e) for e in errors))
    few = [names[0], names[1], names[19]]
    again = staged("failed", *(staged_task(e.task.task_id, "failed", e) for e in errors if e.task.task_id in few))
    green = staged("success", *(staged_task(name, "success") for name in names))
    workspace = Recorder(but(red=[red, again], green=[green], good=[green], good_after=[green]))
    incident = replace(dossier().incident, members=tuple(e.task for e in errors))
    asked = replace(dossier(errors), incident=incident, graph=())
    proof = validate(asked, proposal(), workspace=workspace, last_good=GOOD)
    assert proof.status is ProofStatus.PROVED, proof
    assert {name: list(how["task_ids"]) for name, how in workspace.asked.items() if "red_" in name} == {  # type: ignore[call-overload]
        "red_twice": few,
        "red_again": few,
    }
    assert [len(list(workspace.asked[name]["task_ids"])) for name in ("red", "green", "last_good")] == [20] * 3  # type: ignore[call-overload]
    assert "3 of 20 tasks" in next(check.detail for check in proof.checks if check.name == "red twice")


@pytest.mark.parametrize("runs", [0, 2])
def test_a_database_without_exactly_one_run_is_inconclusive(runs: int) -> None:
    assert prove(but(red=[replace(RED, runs_in_database=runs)])).status is ProofStatus.INCONCLUSIVE


def test_a_broken_harness_is_inconclusive_before_and_after() -> None:
    broken = staged("broken", runs=0, broken_because="the process ended")
    assert prove(but(red=[broken])).status is ProofStatus.INCONCLUSIVE
    assert prove(but(green=[broken])).status is ProofStatus.INCONCLUSIVE


@pytest.mark.parametrize("other", [error("'amount'"), error("'customer_id'", "ValueError"), None])
def test_another_error_is_not_the_incident(other: TaskError | None) -> None:
    proof = prove(but(red=[staged("failed", staged_task("load", "failed", other))]))
    assert proof.status is ProofStatus.NOT_REPRODUCED
    assert "Expected KeyError: 'customer_id'" in proof.reason


def test_another_task_is_not_the_incident() -> None:
    red = staged(
        "failed", staged_task("load", "success"), staged_task("other", "failed", error("'x'", task_id="other"))
    )
    proof = prove(but(red=[red]))
    assert proof.status is ProofStatus.NOT_REPRODUCED
    assert "other failed with KeyError: 'x'" in proof.reason


def test_an_incident_without_traceback_is_compared_by_class_and_says_so() -> None:
    proof = prove(Script(runs=CURED), errors=(error("exit code 1", frames=False),))
    assert proof.status is ProofStatus.PROVED
    assert "class only" in proof.reason


def test_a_task_that_still_fails_is_still_red() -> None:
    assert prove(but(green=[RED])).status is ProofStatus.STILL_RED


def test_a_change_upstream_is_judged_on_what_the_dags_upstream_make_with_it() -> None:
    again = {(f"rebuild@{DAY}", CHANGED): [GREEN], (f"shop@{DAY}", CHANGED): [GREEN]}
    proof = prove(Script(runs={**CURED, (DAY, CHANGED): [RED], **again}))
    assert proof.status is ProofStatus.PROVED
    assert "upstream Dags run again" in {check.name for check in proof.checks}
    assert proof.reduced is None


def test_a_change_that_cures_on_nothing_is_still_red_with_dags_upstream_run_again() -> None:
    again = {(f"rebuild@{DAY}", CHANGED): [GREEN], (f"shop@{DAY}", CHANGED): [RED]}
    assert prove(Script(runs={**CURED, (DAY, CHANGED): [RED], **again})).status is ProofStatus.STILL_RED


def test_a_failing_task_that_is_skipped_is_not_cured() -> None:
    green = staged("success", staged_task("load", "skipped"), staged_task("publish", "skipped"))
    assert prove(but(green=[green])).status is ProofStatus.STILL_RED


def test_a_failing_task_that_is_gone_is_not_cured() -> None:
    assert "load is gone" in prove(but(green=[staged("success", staged_task("publish", "success"))])).reason


def test_a_task_downstream_that_fails_is_still_red() -> None:
    green = staged("failed", staged_task("load", "success"), staged_task("publish", "failed", error("'y'")))
    assert prove(but(green=[green])).status is ProofStatus.STILL_RED


def test_a_task_that_fails_for_a_reason_of_its_own_is_noted_and_not_held_against_the_change() -> None:
    own = staged_task("other", "failed", error("'x'", task_id="other"))
    proof = prove(
        but(
            red=[replace(RED, tasks=(*RED.tasks, own))],
            green=[replace(GREEN, state="failed", tasks=(*GREEN.tasks, own))],
        )
    )
    assert proof.status is ProofStatus.PROVED
    assert "fails for a reason of its own: other" in [check.name for check in proof.checks]


def test_a_change_that_does_not_apply_is_still_red() -> None:
    proof = prove(Script(runs=CURED, cannot_apply="not what it was made from"))
    assert proof.status is ProofStatus.STILL_RED
    assert [check.passed for check in proof.checks if check.name == "the change applies"] == [False]


@pytest.mark.parametrize("name", ["imports: dags/shop.py", "repository tests"])
def test_a_check_that_passed_before_must_pass_after(name: str) -> None:
    after = tuple(replace(check, passed=check.name != name) for check in SUCCESS_CHECKS)
    assert prove(Script(runs=CURED, checks={BASE: SUCCESS_CHECKS, CHANGED: after})).status is ProofStatus.STILL_RED


def test_a_check_that_failed_before_may_fail_after() -> None:
    bad = (Check(name="repository tests", passed=False), Check(name="test: a", passed=False))
    assert prove(Script(runs=CURED, checks={BASE: bad, CHANGED: bad})).status is ProofStatus.PROVED


def test_a_check_that_was_red_before_is_said_and_not_held_against_the_change() -> None:
    bad = (Check(name="repository tests", passed=False, detail="1 failed"),)
    proof = prove(Script(runs=CURED, checks={BASE: bad, CHANGED: bad}))
    assert all(check.passed for check in proof.checks)
    assert "red before as well: 1 failed" in [check.detail for check in proof.checks]


LINKS = (
    DagLinks(dag_id="shop", dag_file="dags/shop.py", produces=("shop://orders",), starts=("started",)),
    DagLinks(dag_id="report", dag_file="dags/report.py", consumes=("shop://orders",)),
    DagLinks(dag_id="started", dag_file="dags/started.py"),
    DagLinks(dag_id="waits", dag_file="dags/waits.py", waits_for=("shop",)),
    DagLinks(dag_id="stranger", dag_file="dags/stranger.py", consumes=("shop://other",)),
)


def below(before: StagedRun, after: StagedRun) -> Proof:
    runs = {**CURED}
    for name in ("report", "started", "waits"):
        runs |= {(f"{name}@{GOOD}", BASE): [GREEN], (f"{name}@{DAY}", CHANGED): [GREEN]}
    runs |= {(f"report@{GOOD}", BASE): [before], (f"report@{DAY}", CHANGED): [after]}
    return prove(Script(runs=runs, links=LINKS))


def test_dags_that_are_directly_downstream_are_run_on_what_green_has_written() -> None:
    proof = below(GREEN, GREEN)
    assert proof.status is ProofStatus.PROVED
    assert [run.dag_id for run in proof.downstream] == ["report", "started", "waits"]


def test_a_downstream_dag_that_worked_before_must_work_after() -> None:
    proof = below(GREEN, RED)
    assert proof.status is ProofStatus.STILL_RED
    assert "downstream Dag report" in proof.reason


def test_a_downstream_dag_that_was_red_before_is_no_regression_and_is_said() -> None:
    proof = below(RED, RED)
    assert proof.status is ProofStatus.PROVED
    assert any("failed before as well" in check.detail for check in proof.checks)


def test_an_old_interval_that_turns_red_is_still_red() -> None:
    assert prove(but(good_after=[RED])).status is ProofStatus.STILL_RED


def test_an_old_interval_with_another_result_is_still_red() -> None:
    diffs = {("last_good_before", "last_good"): [TableDiff(table="t", before_rows=1, after_rows=2, note="rows 1 → 2")]}
    assert prove(Script(runs=CURED, diffs=diffs)).status is ProofStatus.STILL_RED


def test_what_differs_between_two_runs_of_the_same_code_is_not_held_against_the_change() -> None:
    loaded_at = [TableDiff(table="t", before_rows=1, after_rows=1, note="values differ in loaded_at")]
    diffs = {("last_good_before", "last_good"): loaded_at, ("last_good_before", "last_good_again"): loaded_at}
    assert prove(Script(runs=CURED, diffs=diffs)).status is ProofStatus.PROVED


def test_a_failure_that_comes_and_goes_is_not_reproduced() -> None:
    assert prove(but(red=[RED, GREEN])).status is ProofStatus.NOT_REPRODUCED


def test_an_old_interval_that_is_red_here_is_said_and_not_compared() -> None:
    proof = prove(but(good=[RED]))
    assert proof.status is ProofStatus.PROVED
    assert "not compared" in next(check.detail for check in proof.checks if check.name == "last good interval")


def test_a_secret_that_a_run_said_is_in_no_part_of_the_proof() -> None:
    secret = "postgresql://loader:hunter2-hunter2@staging.example/shop"
    said = replace(error(f"cannot reach {secret}"), chain=(f"KeyError: {secret}",))
    red = replace(staged("failed", staged_task("load", "failed", said)), log_tail=f"trying {secret}")
    proof = validate(
        dossier((said,)),
        proposal(),
        workspace=FakeWorkspace(but(red=[red])),
        last_good=GOOD,
        redactor=SpanRedactor(),
    )
    assert proof.status is ProofStatus.PROVED
    assert "trying" in repr(proof)
    assert "hunter2" not in repr(proof)
