"""The whole way on a real Airflow: the demo's pipeline, its triage, what a person can do afterwards."""

import json
import re
import time
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from airflow_agentic.demo.run import BAD_DAY, DAG_ID, Stage
from airflow_agentic.git import run_git
from airflow_agentic.guardrails.readiness_kept import last_look
from airflow_agentic.records import (
    Answer,
    Approval,
    Decision,
    Failure,
    Finding,
    FixState,
    IncidentState,
    Outcome,
    OutcomeStatus,
    Proof,
    ProofStatus,
    Signal,
    Verdict,
)
from airflow_agentic.store.engine import open_store
from airflow_agentic.testing.airflow_stack import StackError
from airflow_agentic.testing.browser import headless_page
from airflow_agentic.testing.builders import a_dossier, a_proof, a_proposal, an_incident, edit

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

MANY = """
import contextlib, io, json, sys
from airflow.cli.cli_parser import get_parser

said = []
for words in json.loads(sys.argv[1]):
    out, code = io.StringIO(), 0
    with contextlib.redirect_stdout(out):
        try:
            args = get_parser().parse_args(words)
            args.func(args)
        except SystemExit as ended:
            code = ended.code
    said.append((code, out.getvalue()))
print(json.dumps(said))
"""

REVIEW = """
from datetime import timedelta
from airflow.sdk import DAG
from airflow_agentic.operators.triage import DeliverOperator, ReviewOperator

for name, seconds in (("review_long", 600), ("review_short", 3)):
    with DAG(name, schedule=None, tags=["agentic"]) as dag:
        incident = "{{ dag_run.conf['incident_id'] }}"
        review = ReviewOperator(task_id="review", incident_id=incident, response_timeout=timedelta(seconds=seconds))
        review >> DeliverOperator(task_id="deliver", incident_id=incident)
    globals()[name] = dag
"""
DIAGNOSE = """
from airflow_agentic.triage_dag import triage_dag

dag = triage_dag("triage_diagnose", agentic_conn_id="agentic_diagnose")
broken = triage_dag("triage_broken", agentic_conn_id="agentic_broken", retries=0)
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    stage = Stage(tmp_path_factory.mktemp("demo"), time.monotonic())
    stage.lay_out()
    (stage.folder / "triage" / "review.py").write_text(REVIEW)
    (stage.folder / "triage" / "diagnose.py").write_text(DIAGNOSE)
    return stage


@pytest.fixture(scope="module")
def airflow(stage):
    airflow = stage.airflow()
    airflow.env["AIRFLOW__AGENTIC__LISTENER"] = "True"
    default = json.loads(airflow.env["AIRFLOW_CONN_AGENTIC_DEFAULT"])
    default["extra"] |= {"deploy_minutes": 0, "max_prs_per_hour": 100}
    airflow.env["AIRFLOW_CONN_AGENTIC_DEFAULT"] = json.dumps(default)
    for name, change in (
        ("DIAGNOSE", {"trust_level": "diagnose"}),
        ("BROKEN", {"repository": str(stage.folder / "no-such.git"), "trust_level": "propose"}),
    ):
        extra = {**default["extra"], **change}
        airflow.env[f"AIRFLOW_CONN_AGENTIC_{name}"] = json.dumps({**default, "extra": extra})
    with airflow:
        airflow.wait_for_dags(
            [DAG_ID, "agentic_triage", "review_long", "review_short", "triage_diagnose", "triage_broken"]
        )
        yield airflow


@pytest.fixture(scope="module")
def incident(stage, airflow):
    """The demo's incident, delivered; callback on task and Dag and the listener have all told of it."""
    assert stage.play(airflow) == 0
    with open_store(stage.store_url) as store:
        return next(i for i in store.incidents.list(dag_id=DAG_ID))


def clear(airflow, dag_id, run_id, *task_ids):
    only = {"task_ids": list(task_ids)} if task_ids else {}
    body = {"dry_run": False, "dag_run_id": run_id, "only_failed": False, **only}
    # A scheduler that is just ending the run would write "success" over the clear (seen once in CI).
    airflow.wait_for_run(dag_id, run_id)
    airflow.post(f"/dags/{dag_id}/clearTaskInstances", body)
    airflow.wait_for_run(dag_id, run_id, ("running", "queued"), timeout_s=30)
    return airflow.wait_for_run(dag_id, run_id, timeout_s=240)


def branches(stage):
    return run_git("branch", "--list", "--format=%(refname:short)", cwd=str(stage.remote)).split()


def test_callback_and_listener_together_give_one_triage_run_and_one_proved_pull_request(stage, airflow, incident):
    runs = airflow.runs("agentic_triage")
    with open_store(stage.store_url) as store:
        outcome, proof = store.incidents.kept(incident.id, Outcome), store.incidents.kept(incident.id, Proof)
    assert [run["dag_run_id"] for run in runs] == [incident.id]
    assert (outcome.status, proof.status) == (OutcomeStatus.PR_OPENED, ProofStatus.PROVED)
    assert (proof.red.state, proof.green.state) == ("failed", "success")
    assert branches(stage) == [outcome.branch, "main"]


def test_the_fix_in_the_branch_loads_both_days(stage, airflow, incident):
    with open_store(stage.store_url) as store:
        outcome = store.incidents.kept(incident.id, Outcome)
    text = run_git("show", f"{outcome.branch}:coffee/orders.py", cwd=str(stage.remote))
    module = {}
    exec(compile(text, "orders.py", "exec"), module)
    for key in ("customer_id", "customerId"):
        order = {"id": "o", "shop": "Graz", key: "c-1", "amount": "2.50"}
        assert module["to_row"](order, BAD_DAY) == ("o", "Graz", "c-1", 2.5, BAD_DAY)


def test_clearing_deliver_opens_no_second_pull_request(stage, airflow, incident):
    clear(airflow, "agentic_triage", incident.id, "deliver")
    with open_store(stage.store_url) as store:
        assert store.incidents.kept(incident.id, Outcome).status is OutcomeStatus.PR_UNCHANGED
        assert store.ledger.verify() == ()
    assert len(branches(stage)) == 2


def test_clearing_the_whole_triage_goes_through_again_without_a_second_pull_request(stage, airflow, incident):
    run = clear(airflow, "agentic_triage", incident.id)
    with open_store(stage.store_url) as store:
        assert run["state"] == "success"
        assert store.incidents.get(incident.id).state is IncidentState.DELIVERED
    assert len(branches(stage)) == 2


def test_the_commands_tell_of_the_incident(airflow, incident):
    listed = json.loads(airflow.command("agentic", "incidents", "--output", "json").stdout)
    shown = json.loads(airflow.command("agentic", "show", incident.id, "--output", "json").stdout)
    verified = airflow.command("agentic", "ledger", "verify")
    assert incident.id in [row["incident_id"] for row in listed]
    assert shown[0]["proposal"]["diagnosis"]["action"] == "code_fix_pr"
    assert (verified.returncode, verified.stdout.strip()) == (0, "Every chain is whole.")


def test_check_names_every_part(airflow, incident):
    done = airflow.command("agentic", "check", "--output", "json")
    parts = {row["part"]: row for row in json.loads(done.stdout)}
    wrong = {name: row["detail"] for name, row in parts.items() if row["state"] == "wrong" and name != "isolation"}
    assert not wrong
    assert {"connection", "store", "airflow api", "repository", "forge", "staging", "isolation"} <= set(parts)


def test_a_triage_by_hand_of_a_run_that_does_not_exist_says_so(airflow, incident):
    done = airflow.command("agentic", "triage", DAG_ID, "no_such_run")
    assert done.returncode != 0
    assert "IncidentNotFound" in done.stderr
    assert "no_such_run" in done.stderr


def test_trust_level_diagnose_publishes_a_note_and_no_branch(stage, airflow, incident):
    before = branches(stage)
    run_id = airflow.trigger("triage_diagnose", conf={"dag_id": DAG_ID, "run_id": incident.run_id})
    assert airflow.wait_for_run("triage_diagnose", run_id, timeout_s=240)["state"] == "success"
    with open_store(stage.store_url) as store:
        outcome = store.incidents.kept(incident.id, Outcome)
    assert outcome.status in (OutcomeStatus.ISSUE_OPENED, OutcomeStatus.ISSUE_UPDATED)
    assert branches(stage) == before


def test_a_repository_that_cannot_be_cloned_leaves_an_incident_that_says_why(stage, airflow, incident):
    run_id = airflow.trigger("triage_broken", conf={"dag_id": DAG_ID, "run_id": incident.run_id})
    airflow.wait_for_run("triage_broken", run_id, timeout_s=240)
    with open_store(stage.store_url) as store:
        left = store.incidents.get(incident.id)
        assert left.state is IncidentState.FAILED
        assert "deliver stopped" in left.detail
        assert store.ledger.verify() == ()


def asked(stage, name, decision=Decision.ASK, message="A person should look"):
    """Put an incident into the store that stands before its review: a proved change, and a verdict."""
    record = an_incident(id=f"triage__{name}", dag_id="orders_daily", fingerprint=f"{abs(hash(name)):016x}"[:16])
    path = "coffee/orders.py"
    before = run_git("show", f"main:{path}", cwd=str(stage.remote))
    proposal = a_proposal(edits=[edit(path, before, before + f"# {name}\n")])
    with open_store(stage.store_url) as store:
        store.incidents.record(
            record.id,
            Failure(dag_id=record.dag_id, run_id=name, clear_number=0, signal=Signal.MANUAL, seen_at=record.first_seen),
        )
        store.incidents.advance(record.id, IncidentState.JUDGED, "", fingerprint=record.fingerprint)
        finding = Finding(rule="test", decision=decision, message=message)
        verdict = Verdict(decision=decision, findings=(finding,))
        for kept in (a_dossier(incident=record), proposal, a_proof(), verdict):
            store.incidents.keep(record.id, kept)
    return record.id


def _wait_for_the_question(airflow, place):
    """Airflow notices the end of the asking process up to 5 s late, and fails a task that was answered before that."""
    airflow.wait("the review waits", lambda: airflow.get(place)["state"] == "awaiting_input", timeout_s=60)
    time.sleep(9)


def answered(stage, incident_id):
    with open_store(stage.store_url) as store:
        return store.incidents.kept(incident_id, Approval), store.incidents.kept(incident_id, Outcome)


@pytest.mark.parametrize(("option", "answer"), [("Approve", Answer.APPROVED), ("Reject", Answer.REJECTED)])
def test_a_person_is_asked_and_the_answer_holds(stage, airflow, incident, option, answer):
    incident_id = asked(stage, f"person_{option}")
    run_id = airflow.trigger("review_long", run_id=incident_id, conf={"incident_id": incident_id})
    place = f"/dags/review_long/dagRuns/{run_id}/taskInstances/review"
    _wait_for_the_question(airflow, place)
    airflow.patch(f"{place}/-1/hitlDetails", {"chosen_options": [option], "params_input": {}})
    assert airflow.wait_for_run("review_long", run_id)["state"] == "success"
    approval, outcome = answered(stage, incident_id)
    assert (approval.answer, approval.by) == (answer, "admin")
    assert (outcome.status is OutcomeStatus.PR_OPENED) == (answer is Answer.APPROVED)


def test_who_starts_the_triage_by_hand_does_not_approve_its_change(stage, airflow, incident):
    incident_id = asked(stage, "four_eyes")
    run_id = airflow.trigger("review_long", conf={"incident_id": incident_id})
    place = f"/dags/review_long/dagRuns/{run_id}/taskInstances/review"
    _wait_for_the_question(airflow, place)
    airflow.patch(f"{place}/-1/hitlDetails", {"chosen_options": ["Approve"], "params_input": {"reason": "mine"}})
    airflow.wait_for_run("review_long", run_id)
    approval, outcome = answered(stage, incident_id)
    assert (approval.answer, "four eyes" in approval.reason, "mine" in approval.reason) == (Answer.REJECTED, True, True)
    assert outcome.status is not OutcomeStatus.PR_OPENED


def test_silence_is_a_no_and_is_recorded(stage, airflow):
    incident_id = asked(stage, "silence")
    run_id = airflow.trigger("review_short", conf={"incident_id": incident_id})
    assert airflow.wait_for_run("review_short", run_id, timeout_s=180)["state"] == "success"
    approval, outcome = answered(stage, incident_id)
    assert approval.answer is Answer.TIMED_OUT
    assert outcome.status is not OutcomeStatus.PR_OPENED


def test_rollback_takes_back_the_branch_that_a_person_had_approved(stage, airflow, incident):
    _, outcome = answered(stage, "triage__person_Approve")
    assert outcome.branch in branches(stage)
    done = airflow.command("agentic", "rollback", "triage__person_Approve")
    assert done.returncode == 0, done.stderr
    assert outcome.branch not in branches(stage)


HOSTILE = '<img src=x onerror="window.taken=1"> [press](javascript:window.taken=1) @channel'


@pytest.fixture(scope="module")
def published(stage, airflow, incident):
    """An incident whose change stands as a draft; its verdict says something hostile."""
    incident_id = asked(stage, "page", Decision.ALLOW, HOSTILE)
    run_id = airflow.trigger("review_long", run_id=incident_id, conf={"incident_id": incident_id})
    assert airflow.wait_for_run("review_long", run_id)["state"] == "success"
    return incident_id


@contextmanager
def seen_by(airflow, user):
    with headless_page() as page:
        page.context.add_cookies([{"name": "_token", "value": airflow.token(user), "url": airflow.url}])
        yield page


def press_undo(page, reason):
    page.get_by_role("button", name="Undo", exact=True).click()
    page.get_by_label("Why").fill(reason)
    page.get_by_role("button", name="Take it back").click()


def test_the_page_shows_incidents_to_whoever_is_logged_in(airflow, incident):
    with pytest.raises(StackError, match="HTTP 401"):
        airflow.call("GET", "/agentic/page/incidents", user=None)
    of_run = f"dag_id={DAG_ID}&run_id={quote(incident.run_id)}"
    listed = airflow.call("GET", f"/agentic/page/incidents?{of_run}", user="viewer")
    assert [row["incident_id"] for row in listed["incidents"]] == [incident.id]
    whole = airflow.call("GET", f"/agentic/page/incidents/{incident.id}", user="viewer")
    # What the newest triage found depends on which tests ran before.
    assert (whole["incident"]["id"], whole["faults"], "proof" in whole) == (incident.id, [], True)
    assert whole["ledger"][0]["stage"] == "capture"
    with pytest.raises(StackError, match="HTTP 404"):
        airflow.call("GET", "/agentic/page/incidents/none", user="viewer")


def test_who_may_not_start_the_undo_is_told_so_and_nothing_is_undone(stage, airflow, published):
    _, outcome = answered(stage, published)
    with seen_by(airflow, "viewer") as page:
        page.goto(f"{airflow.url}/plugin/agentic?incident={published}")
        press_undo(page, "I want to")
        page.get_by_text("you may not start runs of agentic_undo").wait_for()
    assert outcome.branch in branches(stage)


def test_what_strangers_wrote_is_text_on_the_page(stage, airflow, published):
    with seen_by(airflow, "viewer") as page:
        page.goto(f"{airflow.url}/plugin/agentic?incident={published}")
        page.get_by_text(HOSTILE).wait_for()
        assert page.evaluate("window.taken") is None
        assert page.get_by_test_id("agentic-page").locator("img, script, a[href^='javascript']").count() == 0


def test_a_run_has_a_tab_with_its_incident(airflow, incident):
    with seen_by(airflow, "viewer") as page:
        page.goto(f"{airflow.url}/dags/{DAG_ID}/runs/{quote(incident.run_id, safe='')}/plugin/agentic_run")
        page.get_by_test_id("agentic-page").get_by_role("button", name=DAG_ID).click()
        page.get_by_role("heading", name="Root cause").wait_for()


def test_the_pages_button_takes_back_the_branch_and_the_ledger_says_who_and_why(stage, airflow, published):
    _, outcome = answered(stage, published)
    assert outcome.branch in branches(stage)
    with seen_by(airflow, "admin") as page:
        page.goto(f"{airflow.url}/plugin/agentic")
        page.get_by_role("row").filter(has_text="page").get_by_role("button").first.click()
        press_undo(page, "Not the cause")
        page.get_by_text("Taken back:").wait_for(timeout=90_000)
    assert outcome.branch not in branches(stage)
    with open_store(stage.store_url) as store:
        entries = store.ledger.entries(published)
        told = [dict(entry.facts)["because"] for entry in entries if "because" in dict(entry.facts)]
        assert store.ledger.verify(published) == ()
    assert told and set(told) == {"admin asked for it: Not the cause"}


def commands(airflow, *lines):
    """Run several commands in one process, because starting Airflow's command line is what takes long."""
    done = airflow.python("-c", MANY, json.dumps([["agentic", *line.split(" ")] for line in lines]))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_readiness_is_told_from_what_is_there_and_written_down(stage, airflow, incident):
    adr = stage.folder / "adr.md"
    (code, told), (_, checked) = commands(airflow, f"readiness --output json --adr {adr}", "check --output json")
    found = json.loads(told)
    standing = {item["name"]: (item["standing"], item["evidence"]) for item in found["items"]}
    assert (code, found["blockers"], found["unseen"]) == (0, [], {})
    assert (found["missing"], found["accepted"]) == (["lineage accessible by program"],) * 2
    assert (found["trust_level_at_most"], found["pattern"]) == ("propose", "single")
    for name, part in (
        ("run history queryable", "the REST API answers"),
        ("runtime access in staging", "isolat"),
        ("production read-only", "cannot read connections"),
        ("permissions at platform level", "delete Dags"),
        ("approvals for high-risk actions", "schema_change"),
        ("a process for reviewing permissions", "was accepted by"),
        ("actions logged: what, when and why", "every chain whole"),
    ):
        assert standing[name][0] != "missing", name
        assert part in standing[name][1], name
    text = adr.read_text()
    assert [
        part for part in ("## Context", "## Decision", "## Gaps", "**single**", "**propose**") if part not in text
    ] == []
    rows = {row["part"]: row for row in json.loads(checked)}
    assert (rows["permissions"]["state"], rows["readiness"]["state"]) == ("ok", "ok")
    with open_store(stage.store_url) as store:
        assert [gap.name for gap in last_look(store.incidents, str(stage.remote)).gaps] == found["missing"]


def test_permissions_are_shown_compared_and_a_wider_change_fails_in_ci(stage, airflow, incident):
    scope, same, wide = (stage.folder / name for name in ("scope.json", "same.yaml", "wide.yaml"))
    default = json.loads(airflow.env["AIRFLOW_CONN_AGENTIC_DEFAULT"])["extra"]
    scope.write_text(json.dumps(default))
    same.write_text("version: 1\n")
    wide.write_text("version: 1\ndefaults: {needs_person: []}\n")
    lock = stage.folder / "agentic_permissions.lock"
    ci = f"permissions diff --ci --scope {scope} --lock {lock} --output json --policy"
    shown, now, unchanged, widened, unused = commands(
        airflow, "permissions show --output json", "permissions diff --output json", f"{ci} {same}", f"{ci} {wide}",
        "permissions unused --output json",
    )  # fmt: skip
    assert {"airflow", "forge", "policy", "tools"} <= {row["area"] for row in json.loads(shown[1])}
    assert (now[0], unchanged[0], widened[0], unused[0]) == (0, 0, 1, 0)
    assert [row for row in json.loads(widened[1]) if row["change"] == "wider" and "schema_change" in row["what"]]


def test_the_same_failure_after_a_merge_marks_the_fix_as_failed_and_drafts_its_revert(stage, airflow, incident):
    """The workers go on with the old code, as they do where nobody deploys the merge."""
    merge(stage, next(name for name in branches(stage) if incident.fingerprint[:12] in name))
    clear(airflow, DAG_ID, incident.run_id)
    airflow.wait("the second incident", lambda: second_incident(stage, incident), timeout_s=120)
    airflow.wait_for_run("agentic_triage", second_incident(stage, incident), timeout_s=240)
    swept, once_more = (json.loads(airflow.command("agentic", "sweep", "--output", "json").stdout) for _ in "ab")
    with open_store(stage.store_url) as store:
        fix = store.fixes.get(incident.id)
        events = [entry.event for entry in store.ledger.entries(incident.id)]
    assert fix.state is FixState.FAILED, fix.detail
    assert events.index("the fix has failed") < events.index("opening a draft revert")
    assert [line["line"] for line in swept if "Draft revert" in line["line"]]
    assert [line["line"] for line in once_more if "revert" in line["line"]] == []
    revert = next(name for name in branches(stage) if "revert" in name)
    before, merged, reverted = (
        run_git("show", f"{place}:coffee/orders.py", cwd=str(stage.remote)) for place in ("main~1", "main", revert)
    )
    assert before == reverted != merged


def merge(stage, branch):
    """As a person does in a clone of their own."""
    clone = stage.folder / "a_person"
    run_git("clone", "--quiet", str(stage.remote), str(clone))
    run_git("merge", "--quiet", "--squash", f"origin/{branch}", cwd=str(clone))
    run_git("commit", "--quiet", "-m", "Read customerId as well", cwd=str(clone))
    run_git("push", "--quiet", "origin", "main", cwd=str(clone))


def second_incident(stage, incident):
    with open_store(stage.store_url) as store:
        told = (i.id for i in store.incidents.list(dag_id=DAG_ID) if i.run_id == incident.run_id)
        return next((i for i in told if i != incident.id), None)


def test_trust_has_fallen_by_itself_falls_further_by_a_word_and_rises_by_results_only(stage, airflow, incident):
    before, lowered, after, raised = commands(
        airflow, "trust show orders_daily --output json", "trust demote orders_daily --to observe --why bad_diffs",
        "trust show orders_daily --output json", "trust promote orders_daily --why again",
    )  # fmt: skip
    was, now = (json.loads(told)[0] for _, told in (before, after))
    assert (was["level"], lowered[0], now["level"]) == ("diagnose", 0, "observe")
    assert f"the merged fix of {incident.id} failed" in was["because"]
    # How many were investigated depends on which tests ran before.
    seen = int(re.search(r"incidents investigated: (\d+)", now["numbers"])[1])
    assert raised[0] == 0 if seen >= 3 else f"{seen} investigations, 3 are needed" in raised[0]
