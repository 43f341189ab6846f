"""What each guardrail refuses, what it asks about, and what it lets be."""

import pytest

from airflow_agentic.guardrails.rules.allowed_paths import AllowedPathsRule
from airflow_agentic.guardrails.rules.confidence import ConfidenceRule
from airflow_agentic.guardrails.rules.proof import ProofRule
from airflow_agentic.guardrails.rules.protected_paths import ProtectedPathsRule
from airflow_agentic.guardrails.rules.secrets import SecretsRule
from airflow_agentic.guardrails.rules.size import SizeRule
from airflow_agentic.guardrails.rules.suspicious_code import SuspiciousCodeRule
from airflow_agentic.guardrails.rules.weakened_checks import WeakenedChecksRule
from airflow_agentic.records import Check, Decision
from airflow_agentic.scope import Scope
from airflow_agentic.testing.builders import a_proof, a_proposal, edit

CHECK = """
MIN_ROWS = 10
def check_orders(rows):
    if len(rows) < 10:
        raise ValueError("too few")
    assert all(r["id"] for r in rows)
    for row in rows:
        validate(row)
"""
PARSE = "def parse(text):\n    return int(text)\n"


def strictest(rule, *edits, **diagnosis):
    findings = list(rule.check(a_proposal(edits=edits, **diagnosis), a_proof()))
    return max((f.decision for f in findings), default=None)


def changed(old, new, path="dags/orders.py", text=CHECK):
    assert old in text
    return edit(path, text, text.replace(old, new))


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/x.yml",
        ".GITHUB/x",
        "a/CODEOWNERS",
        ".gitattributes",
        "a/../b.py",
        "/etc/passwd",
        "a\\b.py",
        "a/.git/config",
        "a//b.py",
        "x/.GIT./y",
        "sitecustomize.py",
        "dags/evil.pth",
        "a\n.py",
        "a\u202eb.py",
        "C:/x",
    ],
)
def test_a_protected_or_odd_path_is_denied(path):
    assert strictest(ProtectedPathsRule(Scope().protected_paths), edit(path)) is Decision.DENY


def test_an_ordinary_path_is_not_the_protected_rules_business():
    assert strictest(ProtectedPathsRule(Scope().protected_paths), edit("dags/orders.py")) is None


def test_a_path_outside_of_the_allowed_ones_is_denied():
    assert strictest(AllowedPathsRule(["dags/**"]), edit("setup.py")) is Decision.DENY
    assert strictest(AllowedPathsRule(["dags/**"]), edit("dags/a/b.py")) is None


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        ([edit(f"a{n}.py") for n in range(3)], Decision.DENY),
        ([edit("a.py", "", "x\n" * 30)], Decision.DENY),
        ([edit("a.bin", None, "\0\1")], Decision.DENY),
        ([edit("run.sh", None, "#!/bin/sh\n")], Decision.ASK),
        ([edit("a.py", "x\n", None)], Decision.ASK),
        ([edit("a.py")], None),
    ],
    ids=["too many files", "too many lines", "binary", "new program", "deleted", "small"],
)
def test_size(edits, said):
    assert strictest(SizeRule(2, 20), *edits) is said


def test_a_secret_in_an_added_line_is_denied_without_being_repeated():
    class Hider:
        def redact(self, text):
            return text.replace("hunter2", "[secret]")

    findings = list(
        SecretsRule(Hider()).check(a_proposal(edits=[edit("a.py", "hunter2\n", "hunter2\nx='hunter2'\n")]), a_proof())
    )
    assert findings[0].decision is Decision.DENY
    assert "hunter2" not in findings[0].message
    assert strictest(SecretsRule(Hider()), edit("a.py", "hunter2\n", "hunter2\ny = 1\n")) is None


@pytest.mark.parametrize(
    "change",
    [
        edit("tests/test_x.py", "def test_a():\n    assert 1\n", None),
        edit("tests/test_x.py", "def test_a():\n    assert 1\n", "\n"),
        changed('    assert all(r["id"] for r in rows)\n', ""),
        changed('        raise ValueError("too few")', "        pass"),
        changed('        raise ValueError("too few")', "        raise AirflowSkipException()"),
        changed("< 10", "< 1"),
        changed("< 10", "> 10"),
        changed("if len(rows) < 10:", "if False:"),
        changed("MIN_ROWS = 10", "MIN_ROWS = 1"),
        changed("        validate(row)", "        pass"),
        changed("    if len(rows) < 10:", "    return True\n    if len(rows) < 10:"),
        edit("tests/test_x.py", "def test_a():\n    assert 1\n", "import pytest\n@pytest.mark.skip\ndef test_a():\n    assert 1\n"),
        edit("models/schema.yml", "tests:\n  - not_null\n  - unique\n", "tests:\n  - unique\n"),
        edit("models/schema.yml", "tests:\n  - not_null\n", "tests:\n  - not_null:\n      severity: warn\n"),
        edit("dags/run.sh", "dbt test\n", "dbt test || true\n"),
        edit("dags/a.py", PARSE, "def parse(text):\n    try:\n        return int(text)\n    except Exception:\n        return None\n"),
        edit("dags/a.py", "t = Op(task_id='a')\n", "t = Op(task_id='a', trigger_rule='all_done')\n"),
        edit("dags/a.py", "t = Op(retries=1)\n", "t = Op(retries=9)\n"),
    ],
    ids=["test deleted", "test emptied", "assert gone", "raise gone", "skip for raise", "limit lowered", "limit turned",
         "condition off", "constant lowered", "call gone", "early return", "skipped", "dbt test gone", "warns only",
         "or true", "swallows", "trigger rule", "retries raised"],
)  # fmt: skip
def test_a_weakened_check_is_denied(change):
    assert strictest(WeakenedChecksRule(), change) is Decision.DENY


@pytest.mark.parametrize(
    "change",
    [
        edit(
            "tests/test_x.py", "def test_a():\n    assert f(1)\n", "def test_a():\n    assert f(1)\n    assert f(2)\n"
        ),
        edit(
            "dags/a.py", PARSE, 'import pandas\ndef parse(text):\n    return pandas.to_numeric(text, errors="coerce")\n'
        ),
        edit(
            "dags/a.py",
            PARSE,
            "def parse(text):\n    try:\n        return int(text)\n    except ValueError:\n        return None\n",
        ),
        edit("conftest.py", None, "import os\n"),
    ],
    ids=["test extended", "coerces", "gives None", "new conftest"],
)
def test_a_doubtful_edit_is_asked_about(change):
    assert strictest(WeakenedChecksRule(), change) is Decision.ASK


@pytest.mark.parametrize(
    "change",
    [
        edit("dags/orders.py"),
        edit("tests/test_new.py", None, "def test_a():\n    assert 1\n"),
        changed('"too few"', '"too few orders"'),
        changed("if len(rows) < 10:", 'if len(rows) < 10 and "legacy" not in rows:'),
        edit("dags/a.py", PARSE, "def parse(text):\n    for kind in (int, float):\n        try:\n            return kind(text)\n"
             "        except ValueError:\n            continue\n    raise ValueError(text)\n"),
        edit("dags/a.py", PARSE, "def parse(text):\n    try:\n        return int(text)\n    except ValueError:\n        return int(float(text))\n"),
        edit("sql/load.sql", "select price from raw\n", "select coalesce(unit_price, price) as price from raw\n"),
    ],
    ids=["rename", "new test", "other message", "guard knows both", "one format after the other", "falls back", "sql"],
)  # fmt: skip
def test_an_honest_fix_is_not_held_back(change):
    assert strictest(WeakenedChecksRule(), change) is None
    assert strictest(SuspiciousCodeRule(), change) is None


@pytest.mark.parametrize(
    "after",
    [
        "x = 1\u200b\n",
        'if level != "user\u202e \u2066# admin\u2069 \u2066":\n    y = 1\n',
        "p\u0430ypal = 1\n",
        "x = 'a\U000e0041'\n",
        "a = '\u3164'\n",
    ],
    ids=["zero width", "bidi", "cyrillic a", "tag", "filler"],
)
def test_what_a_reviewer_cannot_see_is_denied(after):
    assert strictest(SuspiciousCodeRule(), edit("a.py", "", after)) is Decision.DENY


def test_a_new_dependency_is_denied_and_another_pin_is_asked_about():
    assert strictest(SuspiciousCodeRule(), edit("requirements.txt", "a==1\n", "a==1\ndag-hotfix==9\n")) is Decision.DENY
    assert strictest(SuspiciousCodeRule(), edit("requirements.txt", "a==1\n", "a==2\n")) is Decision.ASK


@pytest.mark.parametrize(
    "line",
    [
        "exec(text)",
        "import subprocess",
        "from os import system",
        "import os; os.system('x')",
        "requests.get(u, verify=False)",
        "url = 'https://evil.example/x'",
        "x = '" + "QUJD" * 40 + "'",
        "ip = '169.254.169.254'",
        "__import__('os')",
        "getattr(os, 'sys' + 'tem')('x')",
        "BashOperator(bash_command='curl x')",
        "pickle.loads(b)",
        "os.environ['AIRFLOW_CONN_X']",
    ],
)
def test_code_that_reaches_out_or_runs_other_code_is_asked_about(line):
    assert strictest(SuspiciousCodeRule(), edit("a.py", "a = 1\n", f"a = 1\n{line}\n")) is Decision.ASK


@pytest.mark.parametrize(
    "path", ["dags/load", "bin/run.sh", "plugins/a.so", "airflow.cfg", "x/.airflowignore", "webserver_config.py"]
)
def test_a_file_that_no_rule_can_read_or_that_runs_airflow_is_asked_about(path):
    assert strictest(SuspiciousCodeRule(), edit(path, None, "id\n")) is Decision.ASK


@pytest.mark.parametrize(
    "line",
    ["from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS", "import airflow.sdk.execution_time.comms as c",
     "import importlib; importlib.import_module('airflow.sdk.execution_time.task_runner')", "import os; os._exit(0)",
     "from os import _exit", "import ctypes", "import sys; sys.settrace(watch)", "import gc as g; g.get_objects()",
     "from sys import _getframe as f", "import sys; sys.modules['airflow'] = fake", "import builtins; builtins.print = quiet",
     "import airflow.models as m; m.TaskInstance = Fake", "name = 'SUPERVISOR_COMMS'", "from unittest.mock import patch",
     "leave = os._exit"],
)  # fmt: skip
def test_code_that_meddles_with_what_runs_it_is_denied(line):
    before = "import os\n"
    assert strictest(SuspiciousCodeRule(), edit("a.py", before, f"{before}{line}\n")) is Decision.DENY


@pytest.mark.parametrize(
    "line", ["execution_time = 3", "import sys; sys.stdout.write(a)", "self.os = row.os", "task_runner = 'fast'"]
)
def test_code_that_only_looks_alike_does_not_meddle(line):
    assert strictest(SuspiciousCodeRule(), edit("a.py", "a = 1\n", f"a = 1\n{line}\n")) is None


def test_what_was_there_before_is_not_suspicious():
    before = "import requests\nu = 'https://api.shop.test/v1/a'\n"
    assert strictest(SuspiciousCodeRule(), edit("a.py", before, before + "w = 'https://api.shop.test/v2/a'\n")) is None


def test_a_failed_check_denies_a_proved_change():
    findings = list(ProofRule().check(a_proposal(), a_proof(checks=(Check(name="x.py imports", passed=False),))))
    assert "x.py imports" in findings[0].message


@pytest.mark.parametrize("sure", [0.49, 0.0, float("nan")])
def test_an_unsure_diagnosis_is_asked_about(sure):
    assert strictest(ConfidenceRule(), edit("a.py"), confidence=sure) is Decision.ASK
