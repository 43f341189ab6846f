"""Who may publish what, and what it looks like."""

from dataclasses import replace

import pytest

from airflow_agentic.errors import ForgeError
from airflow_agentic.forges.publish import BODY_LIMIT, Publication, build_delivery, publish
from airflow_agentic.guardrails.redact import SpanRedactor
from airflow_agentic.records import (
    Answer,
    Approval,
    Decision,
    Evidence,
    Finding,
    Gap,
    OutcomeStatus,
    ProofStatus,
    StagedTask,
    TableDiff,
    TaskError,
    TaskKey,
    Trust,
    Verdict,
)
from airflow_agentic.testing.builders import a_dossier, a_proof, a_proposal, an_incident, edit
from airflow_agentic.testing.forge import FakeForge

ALLOW, ASK, DENY = (
    Verdict(decision=d, findings=(Finding(rule="x", decision=d, message="Because."),)) for d in Decision
)


class Hider:
    def redact(self, text):
        return text.replace("hunter2", "[secret:1:password]")


def published(
    *, verdict=ALLOW, answer=Answer.NOT_NEEDED, level="propose", proposal=None, proof=None, dossier=None, forge=None
):
    forge, said = forge or FakeForge(), []
    outcome = publish(
        an_incident(), dossier or a_dossier(), proposal or a_proposal(), proof or a_proof(), verdict,
        Approval(answer=answer, by="mona"), forge=forge, redactor=Hider(),
        publication=Publication(repository="acme/x", base_branch="main", trust_level=level),
        before=lambda event, facts: said.append((event, dict(facts), len(forge.deliveries))),
    )  # fmt: skip
    return outcome, said


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, OutcomeStatus.PR_OPENED),
        ({"verdict": ASK, "answer": Answer.APPROVED}, OutcomeStatus.PR_OPENED),
        ({"verdict": ASK}, OutcomeStatus.ISSUE_OPENED),
        ({"verdict": ASK, "answer": Answer.REJECTED}, OutcomeStatus.ISSUE_OPENED),
        ({"verdict": ASK, "answer": Answer.TIMED_OUT}, OutcomeStatus.ISSUE_OPENED),
        ({"verdict": DENY, "answer": Answer.APPROVED}, OutcomeStatus.ISSUE_OPENED),
        ({"level": "diagnose"}, OutcomeStatus.ISSUE_OPENED),
        ({"level": "observe"}, OutcomeStatus.RECORDED),
        ({"level": "admin"}, OutcomeStatus.RECORDED),
        ({"proposal": a_proposal(edits=())}, OutcomeStatus.ISSUE_OPENED),
        ({"proof": a_proof(ProofStatus.ALREADY_FIXED)}, OutcomeStatus.ISSUE_OPENED),
        ({"proof": a_proof(ProofStatus.STILL_RED)}, OutcomeStatus.ISSUE_OPENED),
    ],
    ids=["proved", "approved", "unasked", "rejected", "timed out", "denied", "diagnose", "observe", "unknown level",
         "no change", "already fixed", "still red"],
)  # fmt: skip
def test_what_goes_out(given, status):
    assert published(**given)[0].status is status


def test_a_deny_cannot_be_approved_away():
    assert "Denied" in published(verdict=DENY, answer=Answer.APPROVED)[1][0][1]["because"]


def test_the_inverse_is_written_down_before_anything_is_published():
    outcome, said = published()
    event, facts, deliveries_then = said[0]
    assert (event, deliveries_then) == ("opening a pull request", 0)
    assert facts["rollback"] == outcome.rollback
    assert facts["branch"] in outcome.rollback


def test_an_unsafe_repository_stops_the_pull_request_before_it_is_announced():
    forge = FakeForge(findings=(Finding(rule="preflight", decision=Decision.DENY, message="Not protected."),))
    with pytest.raises(ForgeError, match="Not protected"):
        published(forge=forge)
    assert forge.kept == {}


def test_what_a_forge_that_is_down_did_not_take_is_held_back_for_the_sweep():
    forge = FakeForge()
    forge.down = True
    outcome, said = published(forge=forge)[:2]
    assert outcome.status is OutcomeStatus.HELD_BACK
    assert "the next sweep" in outcome.detail.lower()
    assert "held back" in str(said)


def test_branch_title_and_trailers_hold_nothing_that_a_model_wrote():
    proposal = a_proposal(
        root_cause="fixes #1 @mona", root_cause_task="load\nCo-authored-by: x", root_cause_file="a b#1.py"
    )
    incident = an_incident(dag_id="Ürgent @mona/../x", fingerprint="../../evil")
    delivery = build_delivery(
        incident, a_dossier(incident=incident), proposal, body="", publication=Publication(repository="r", base_branch="main"),
        redactor=SpanRedactor(),
    )  # fmt: skip
    assert delivery.branch.startswith("agentic/rgent-mona-x-")
    for text in (delivery.title, delivery.commit_message, delivery.branch):
        assert not set(text) & set("@#<>`")
    assert delivery.commit_message.count("\n") == 6
    assert "Co-authored-by" not in delivery.commit_message
    assert "\n" not in delivery.title


def test_two_incidents_with_one_cause_share_branch_and_fingerprint():
    made = [
        build_delivery(an_incident(id=name), a_dossier(), a_proposal(), body="", publication=Publication(repository="r", base_branch="m"), redactor=SpanRedactor())
        for name in ("one", "two")
    ]  # fmt: skip
    assert (made[0].branch, made[0].fingerprint) == (made[1].branch, made[1].fingerprint)


def test_a_secret_never_leaves_in_the_text():
    dossier = a_dossier(gaps=(Gap(source="log", reason="password hunter2"),))
    assert "hunter2" not in published(dossier=dossier)[0].body


def test_a_secret_in_an_added_line_stops_everything():
    forge = FakeForge()
    with pytest.raises(ForgeError, match="looks like a secret"):
        published(forge=forge, proposal=a_proposal(edits=[edit("a.py", "", "x = 'hunter2'\n")]))
    assert forge.kept == {}


def test_a_flood_of_evidence_still_fits_the_forge():
    evidence = [
        Evidence(id=f"E{n}", source="task_log", title="t" * 5000, body="```@x\n" * 5000, trust=Trust.UNTRUSTED, observed_at="")
        for n in range(60)
    ]  # fmt: skip
    key = TaskKey(dag_id="d", run_id="r", task_id="_" * 9000)
    errors = tuple(
        TaskError(task=key, error_class="E", message="@x " * 9000, frames=(), fingerprint="") for _ in range(90)
    )
    dossier = a_dossier(
        evidence=evidence, errors=errors, gaps=tuple(Gap(source="@" * 999, reason="#1 " * 9999) for _ in range(90))
    )
    proposal = a_proposal(
        cites=tuple(e.id for e in evidence), root_cause="@x " * 9999, blast_radius=("#1 " * 999,) * 99
    )
    outcome, _ = published(dossier=replace(dossier, incident=an_incident(members=(key,) * 500)), proposal=proposal)
    assert len(outcome.body) <= BODY_LIMIT
    assert outcome.body.count("\n```") % 2 == 0


def test_twenty_tasks_with_one_error_are_told_in_one_line_and_one_row():
    keys = tuple(TaskKey(dag_id="d", run_id="r", task_id=f"export_{n:02}") for n in range(20))
    told = {"error_class": "ValueError", "message": "unconverted data remains: Z", "frames": (), "fingerprint": "f"}
    errors = tuple(TaskError(task=key, **told) for key in keys)
    tables = [
        TableDiff(table=f"{key.task_id}.csv", before_rows=0, after_rows=2, note="", changed=("id",)) for key in keys
    ]
    runs = [
        replace(run, tasks=tuple(StagedTask(task_id=key.task_id, map_index=-1, state=state) for key in keys))
        for run, state in ((a_proof().red, "failed"), (a_proof().green, "success"))
    ]
    proof = replace(a_proof(), red=runs[0], green=runs[1], data_diff=tuple(tables))
    dossier = replace(a_dossier(errors=errors), incident=an_incident(members=keys))
    body = published(dossier=dossier, proof=proof)[0].body
    names = ", ".join(f"`export_{n:02}`" for n in range(6)) + " and 14 more"
    assert f"- `ValueError`: `unconverted data remains: Z` in 20 tasks: {names}, try 1\n" in body
    assert f"| {names} | failed | success |" in body
    assert "and 14 more | 0 → 40 in all |" in body


def test_every_strangers_word_in_the_text_is_inert():
    evil = "cc @octocat fixes #1 ![x](http://evil.example/a.png) <img src=x> <!-- hidden -->\n# Heading\n```\nout"
    item = Evidence(id="E1", source="task_log", title=evil, body=evil, trust=Trust.UNTRUSTED, observed_at="")
    dossier = a_dossier(evidence=[item], gaps=(Gap(source=evil, reason=evil),))
    body = published(dossier=dossier, proposal=a_proposal(root_cause=evil, next_step=evil, blast_radius=(evil,)))[
        0
    ].body
    outside = [line for n, part in enumerate(body.split("````")) if n % 2 == 0 for line in part.split("\n")]
    assert all("@octocat" not in line.replace("`@octocat`", "") for line in outside)
    assert all("<img" not in line.replace("`<img`", "") and "# Heading" not in line for line in outside)
