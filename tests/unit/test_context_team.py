"""What the team knows, what happened before, and what was different when it worked."""

from dataclasses import replace

import pytest

from airflow_agentic.agents.propose import _addressed
from airflow_agentic.codeowners import owners_of
from airflow_agentic.context.comparison import ComparisonSource
from airflow_agentic.context.fingerprints import incident_fingerprint
from airflow_agentic.context.gather import gather
from airflow_agentic.context.owners import OwnersSource
from airflow_agentic.context.past_incidents import PastIncidentsSource
from airflow_agentic.context.team_rules import FrontMatterFault, TeamRulesSource, parse_rule
from airflow_agentic.guardrails.rules.team_rules import TeamRulesRule
from airflow_agentic.records import (
    DataShape,
    Decision,
    Evidence,
    Failure,
    FieldShape,
    IncidentState,
    Outcome,
    OutcomeStatus,
    Signal,
    SourceReport,
    TaskKey,
    TaskRun,
    TeamRule,
    Trust,
)
from airflow_agentic.testing.airflow import FakeAirflow
from airflow_agentic.testing.builders import a_proof, a_proposal, edit
from airflow_agentic.testing.dossiers import a_checkout
from airflow_agentic.testing.memory import MemoryIncidents
from airflow_agentic.testing.targets import a_target, an_error
from airflow_agentic.tools.evidence import EvidenceTool

VAT = "# VAT\nThe second condition is a legal duty."


def read(folder, files, **target):
    checkout = a_checkout(folder, {"shop/load.py": "x = 1\n", **files})
    error = an_error("KeyError", "'city'", ("/opt/repo/shop/load.py", 1, "x"))
    return TeamRulesSource().read(a_target(**target), SourceReport(errors=(error,), checkout=checkout))


def rule(front, body=VAT):
    return {".agentic/rules/vat.md": f"---\n{front}\n---\n{body}\n"}


@pytest.mark.parametrize(
    ("front", "why"),
    [
        ("always: true", "always"),
        ("protect: [a.py]", "always"),
        ("dags: [fe*]", "Dag fe*"),
        ("paths:\n  - shop/**", "file shop/load.py"),
        ('errors: ["KeyError: .city"]', "error KeyError: .city"),
    ],
    ids=["always", "no selector", "dag", "path of a frame", "error"],
)
def test_a_rule_that_speaks_of_the_failure_is_evidence(tmp_path, front, why):
    found = read(tmp_path, rule(front)).evidence
    assert [item.title for item in found] == [f"The team's rule .agentic/rules/vat.md ({why})"]
    assert "legal duty" in found[0].body


@pytest.mark.parametrize("front", ["dags: [other]", "paths: [sql/**]", "errors: [TypeError]", "tags: [finance]"])
def test_a_rule_that_speaks_of_something_else_is_not_shown(tmp_path, front):
    found = read(tmp_path, rule(front))
    assert found.evidence == ()
    assert [r.matched for r in found.team_rules] == [False]


@pytest.mark.parametrize(
    ("front", "line"),
    [
        ("dag: [x]", "2"),
        ("dags: [x", "2"),
        ("always: maybe", "2"),
        ("tags: [a]\nno_fix: yes please", "3"),
        ('errors: ["("]', "1"),
    ],
)
def test_malformed_front_matter_is_a_gap_that_names_file_and_line(tmp_path, front, line):
    found = read(tmp_path, rule(front))
    assert found.gaps[0].reason.startswith(f".agentic/rules/vat.md:{line}: ")
    assert found.team_rules[0].fault


def test_front_matter_without_an_end_is_refused():
    with pytest.raises(FrontMatterFault, match="no end"):
        parse_rule("a.md", "---\nalways: true\n")


def test_items_may_be_quoted_and_hold_commas():
    lists = parse_rule("a.md", "---\nprotect: ['a,b.py', \"c.py:f\", d.py]  # why\n---\n").lists
    assert lists["protect"] == ("a,b.py", "c.py:f", "d.py")


def decisions(team_rule, *edits):
    findings = TeamRulesRule((team_rule,)).check(a_proposal(edits=edits), a_proof())
    return [finding.decision for finding in findings]


def test_a_change_of_a_protected_file_is_denied():
    assert decisions(TeamRule(path="r.md", matched=True, protect=("dags/**",)), edit("Dags/orders.py")) == [
        Decision.DENY
    ]


def test_a_change_of_another_function_than_the_protected_one_passes():
    before = "def rate():\n    return 1\n\ndef other():\n    return 2\n"
    one = TeamRule(path="r.md", matched=True, protect=("vat.py:rate",))
    assert decisions(one, edit("vat.py", before, before.replace("2", "3"))) == []
    assert decisions(one, edit("vat.py", before, before.replace("1", "3"))) == [Decision.DENY]
    assert decisions(one, edit("vat.py", before, None)) == [Decision.DENY]


def test_a_rule_for_other_failures_holds_for_a_change_of_its_files():
    one = TeamRule(path="r.md", matched=False, paths=("sql/**",), no_fix=True)
    assert decisions(one, edit("sql/tax.sql", "select 1", "select 2")) == [Decision.DENY]
    assert decisions(one, edit("dags/orders.py")) == []


def test_a_rule_file_that_cannot_be_read_asks_a_person():
    assert decisions(TeamRule(path="r.md", matched=True, fault="2: no"), edit("a.py")) == [Decision.ASK]


def test_the_last_matching_line_of_codeowners_holds():
    text = "* @all\nsql/ @finance sql@example.com\nsql/free.sql\n"
    assert owners_of(text, "sql/tax.sql") == ("@finance", "sql@example.com")
    assert owners_of(text, "sql/free.sql") == ()
    assert owners_of(text, "a.py") == ("@all",)


def test_owners_of_files_at_fault_come_before_the_dags(tmp_path):
    checkout = a_checkout(tmp_path, {"shop/load.py": "x = 1\n", "CODEOWNERS": "shop/ @shop-team\n"})
    target = a_target()
    target = replace(target, dag=replace(target.dag, owners=("airflow", "data-eng")))
    error = an_error("KeyError", "'city'", ("/opt/repo/shop/load.py", 1, "x"))
    found = OwnersSource().read(target, SourceReport(errors=(error,), checkout=checkout))
    assert found.contacts == ("@shop-team", "data-eng")


def test_earlier_incidents_of_the_same_cause_say_how_they_ended_and_whether_it_held():
    store, target, error = MemoryIncidents(), a_target(), an_error("KeyError", "'city'")
    cause = incident_fingerprint("feed", (error,), target.failed)
    for name, seen in (("i1", "2026-10-01T00:00:00+00:00"), ("i2", "2026-10-09T00:00:00+00:00")):
        store.record(name, Failure(dag_id="feed", run_id=name, clear_number=0, signal=Signal.MANUAL, seen_at=seen))
        store.advance(name, IncidentState.DELIVERED, "done", fingerprint=cause)
    store.keep(
        "i1", Outcome(status=OutcomeStatus.PR_OPENED, title="t", body="", url="http://forge/1", rollback="close it")
    )
    found = PastIncidentsSource(store).read(target, SourceReport(errors=(error,)))
    newest, oldest = found.evidence[0].body.split("\n")
    assert "2 times before" in found.evidence[0].title
    assert "http://forge/1; it came again on 2026-10-09" in oldest
    assert "nothing published (delivered); it came again on 2026-11-02" in newest


def test_the_good_and_the_failing_run_stand_side_by_side():
    target = a_target(version="bbb", good_version="aaa", rendered=(("sql", "select 2"), ("env", "x")))
    good = TaskRun(
        key=TaskKey(dag_id="feed", run_id="good", task_id="load"), state="success", started_at=None, duration_s=3.0,
        rendered=(("sql", "select 1"), ("env", "x")),
    )  # fmt: skip
    shapes = [
        DataShape(
            name="o.json",
            interval="1",
            role=role,
            records=records,
            fields=(FieldShape(path=path, types=("string",), present=1),),
        )
        for role, records, path in (("good", 40, "city"), ("failing", 12, "town"))
    ]
    reader = FakeAirflow(runs=(target.last_good,), tasks=(good,))
    body = ComparisonSource(reader).read(target, SourceReport(shapes=tuple(shapes))).evidence[0].body
    assert "code version: aaa → bbb" in body
    assert "success at try 1 in 3.0 s → failed at try 1 in unknown time" in body
    assert "rendered fields that differ: sql" in body
    assert "select" not in body
    assert "input o.json: 40 → 12 records; fields: 1 gone (city); 1 new (town)" in body


def test_the_next_step_names_the_owners_once():
    assert _addressed("Retry it.", ("@shop", "ops")) == "Retry it. Owners: @shop, ops."
    assert _addressed("Tell ops.", ("ops",)) == "Tell ops."
    assert not _addressed("", ("ops",))


def test_what_did_not_fit_is_kept_whole_and_can_be_asked_for():
    target = a_target()
    big = [
        Evidence(
            id="", source="task_log", title=f"log {n}", body=f"line {n}\n" * 900, observed_at="", trust=Trust.UNTRUSTED
        )
        for n in range(9)
    ]

    class Says:
        name = "says"

        def read(self, target, so_far):
            return SourceReport(evidence=tuple(big))

    class Plain:
        def redact(self, text):
            return text

    reader = FakeAirflow(dags=(target.dag,), runs=(target.run,), tasks=target.failed)
    dossier = gather(target.incident, reader=reader, sources=(Says(),), redactor=Plain(), token_budget=3_000)
    left = dossier.left_out_evidence
    assert dossier.tokens <= 3_000
    assert tuple(item.title for item in left) == dossier.left_out != ()
    tool = EvidenceTool(dossier.left_out, {item.title: item.body for item in left}.__getitem__)
    assert tool.run({"title": left[0].title}) == left[0].body
