from dataclasses import replace

import pytest

from airflow_agentic.agents.propose import propose
from airflow_agentic.changes import make_change
from airflow_agentic.errors import BudgetExceeded
from airflow_agentic.records import (
    Action,
    Category,
    Diagnosis,
    FileEdit,
    Proposal,
    Severity,
    Transience,
    Usage,
)
from airflow_agentic.testing.dossiers import a_checkout, a_dossier
from airflow_agentic.testing.model import unavailable

BEFORE = 'row["id"]\n'


class GivenAgent:
    def __init__(self, name, result):
        self.name, self.result, self.asked = name, result, 0

    def propose(self, dossier):
        self.asked += 1
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def proposal(pattern="single", *, path="dags/load.py", before=BEFORE, changed=True, **said):
    diagnosis = Diagnosis(
        **{
            "root_cause": "renamed",
            "category": Category.SCHEMA_DRIFT,
            "action": Action.FIX_CODE,
            "transience": Transience.PERMANENT,
            "severity": Severity.P2,
            "confidence": 0.9,
            "root_cause_dag": "load",
            "root_cause_task": "parse",
            "root_cause_file": None,
            "cites": ("E1",),
            **said,
        }
    )
    change = make_change("c" * 40, [FileEdit(path=path, before=before, after="new\n")], "s") if changed else None
    return Proposal(diagnosis=diagnosis, change=change, usage=Usage(cost_usd=0.1), pattern=pattern)


RULES = proposal("rules", changed=False, category=Category.INSUFFICIENT_EVIDENCE, action=Action.NOTIFY, confidence=0.2)


@pytest.fixture
def dossier(tmp_path):
    return a_dossier(a_checkout(tmp_path, {"dags/load.py": BEFORE}))


def checked(dossier, given, fallback=RULES):
    return propose(dossier, agent=GivenAgent("single", given), fallback=GivenAgent("rules", fallback))


def test_a_sound_proposal_passes_unaltered(dossier):
    assert checked(dossier, proposal()) == proposal()


def test_a_model_that_cannot_answer_gives_way_to_the_rules_and_says_why(dossier):
    error = unavailable("authentication")
    error.usage = Usage(cost_usd=0.3, requests=2)
    found = checked(dossier, error)
    assert found.pattern == "rules"
    assert "authentication" in found.notes[0]
    assert "anthropic_conn_id" in found.notes[0]
    assert found.usage.cost_usd == 0.3


def test_a_spent_budget_gives_way_to_the_rules_and_names_the_setting(dossier):
    found = checked(dossier, BudgetExceeded("1.00 USD are spent; usd_per_incident"))
    assert found.pattern == "rules"
    assert "usd_per_incident" in found.notes[0]


def test_a_citation_that_does_not_exist_is_dropped(dossier):
    found = checked(dossier, proposal(cites=("E1", "E99")))
    assert found.diagnosis.cites == ("E1",)
    assert "E99" in found.notes[0]
    assert found.change is not None


def test_a_diagnosis_that_cites_nothing_real_changes_nothing(dossier):
    found = checked(dossier, proposal(cites=("E99",)))
    assert found.diagnosis.confidence == 0.4
    assert found.change is None
    assert found.diagnosis.action is Action.NOTIFY


@pytest.mark.parametrize(
    "given",
    [
        proposal(before="something else\n"),
        proposal(before=None),
        proposal(path="dags/not_there.py"),
        proposal(path="../outside.py", before=None),
        proposal(path=".git/hooks/post-merge", before=None),
        proposal(confidence=0.49),
        proposal(action=Action.RETRY),
        proposal(category=Category.LATE_DATA),
        proposal(category=Category.CREDENTIAL),
        replace(proposal(), change=replace(proposal().change, base_commit="d" * 40)),
    ],
    ids=["stale", "exists", "missing", "outside", "git", "unsure", "retry", "late", "credential", "other-commit"],
)
def test_a_change_that_may_not_be_used_is_dropped_with_a_note(dossier, given):
    found = checked(dossier, given)
    assert found.change is None
    assert "was dropped" in found.notes[0]
    assert found.diagnosis.action is not Action.FIX_CODE


def test_a_code_fix_without_code_becomes_a_notice(dossier):
    found = checked(dossier, proposal(changed=False))
    assert found.diagnosis.action is Action.NOTIFY
    assert "brings none" in found.notes[0]


def test_a_file_that_does_not_exist_is_not_named_as_the_cause(dossier):
    found = checked(dossier, proposal(root_cause_file="dags/imagined.py"))
    assert found.diagnosis.root_cause_file is None


def test_a_certain_rule_goes_before_a_model_that_cannot_tell(dossier):
    unsure = proposal(changed=False, category=Category.INSUFFICIENT_EVIDENCE, action=Action.NOTIFY, confidence=0.2)
    found = checked(dossier, unsure, proposal("rules"))
    assert found.pattern == "rules"
    assert found.change is not None
    assert "evidence insufficient" in found.notes[0]


def test_an_unsure_rule_does_not(dossier):
    unsure = proposal(changed=False, category=Category.INSUFFICIENT_EVIDENCE, action=Action.NOTIFY, confidence=0.2)
    assert checked(dossier, unsure, proposal("rules", confidence=0.6)).pattern == "single"


def test_the_rules_are_not_asked_when_the_model_knows(dossier):
    rules = GivenAgent("rules", RULES)
    propose(dossier, agent=GivenAgent("single", proposal()), fallback=rules)
    assert rules.asked == 0
