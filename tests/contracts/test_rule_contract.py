"""What every guardrail does, whichever is found in the folder."""

import pytest

from airflow_agentic import registry
from airflow_agentic.records import Finding, ProofStatus
from airflow_agentic.testing.builders import a_proof, a_proposal, edit


class Nothing:
    def redact(self, text):
        return text


ARGUMENTS = {
    "protected_paths": ([".github/**"],), "allowed_paths": (["dags/**"],), "size": (1, 1), "secrets": (Nothing(),),
    "trust_level": ("propose",), "action_class": ({"schema_change": ("*",)}, ["dags/**"]),
}  # fmt: skip
ODD = [
    edit("a.py", None, "def broken(:\n"), edit("a.py", "\0", None), edit("a.py", "x = (" * 300, "y\n"), edit("b", "", "\ud800"),
    edit("schema.yml", "[", "{"), edit("tests/test_a.py", "def f(:", "assert 1"),
]  # fmt: skip


@pytest.fixture(params=registry.available("guardrails.rules"))
def rule(request):
    return registry.find("guardrails.rules", request.param)(*ARGUMENTS.get(request.param, ()))


def test_a_rules_name_is_its_files(rule):
    assert type(rule).__module__.rsplit(".", 1)[-1] == rule.name


@pytest.mark.parametrize("status", list(ProofStatus))
@pytest.mark.parametrize("edits", [(), ODD, None], ids=["no change", "odd edits", "ordinary"])
def test_a_rule_answers_with_findings_of_its_own_and_never_raises(rule, status, edits):
    findings = list(rule.check(a_proposal(edits=edits), a_proof(status)))
    assert all(isinstance(finding, Finding) and finding.rule == rule.name and finding.message for finding in findings)


def test_a_rule_gives_the_same_answer_twice(rule):
    assert list(rule.check(a_proposal(), a_proof())) == list(rule.check(a_proposal(), a_proof()))
