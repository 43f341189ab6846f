"""What a change is taken for, and who is asked about it."""

import pytest

from airflow_agentic.guardrails.rules.action_class import ActionClassRule, asks_about
from airflow_agentic.records import Action, Category, Decision, Transience
from airflow_agentic.testing.builders import a_proof, a_proposal, edit

ALL = {"schema_change": ("*",), "new_dependency": ("*",), "protected_path": ("*",), "clear": ("*",)}


def findings(*edits, asks=ALL, paths=(), signals=(), may_clear=False, **diagnosis):
    rule = ActionClassRule(asks, paths, signals, may_clear=may_clear)
    return list(rule.check(a_proposal(edits=edits, **diagnosis), a_proof()))


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("sql/x.sql", "SELECT 1;\n", "SELECT 1;\nALTER TABLE orders ADD COLUMN price NUMERIC;\n"),
        ("sql/x.sql", "CREATE TABLE a (x INT);\n", "CREATE TABLE a (x BIGINT);\n"),
        (
            "dags/x.py",
            "run('''create table if not exists s.a (x int)''')\n",
            "run('''create table if not exists s.a (x int, y int)''')\n",
        ),
        ("sql/x.sql", "DROP TABLE a;\n", "\n"),
        ("dags/x.py", "", "op.add_column('orders', sa.Column('x'))\n"),
        ("db/migrations/0007_add.py", None, "x = 1\n"),
    ],
)
def test_what_changes_a_schema_needs_a_person(path, before, after):
    assert asks_about(findings(edit(path, before, after)), "schema_change")


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("sql/x.sql", "SELECT price FROM a;\n", "SELECT unit_price FROM a;\n"),
        ("sql/x.sql", "CREATE TABLE a (x INT);\nSELECT 1;\n", "CREATE  TABLE a (x INT);\nSELECT 2;\n"),
        ("dags/x.py", 'x = row["price"]\n', 'x = row["unit_price"]  # alter it\n'),
    ],
)
def test_an_ordinary_fix_asks_nobody(path, before, after):
    assert findings(edit(path, before, after)) == []


def test_a_file_that_decides_what_is_installed_needs_a_person():
    assert asks_about(findings(edit("pyproject.toml", "", "x = 1\n")), "new_dependency")


def test_a_path_that_the_policy_protects_is_asked_about_or_shut_after_other_triggers():
    change = edit("SQL/Money.sql")
    assert asks_about(findings(change, paths=("sql/**",)), "protected_path")
    only = {"protected_path": ("code_error",)}
    assert [f.decision for f in findings(change, paths=("sql/**",), asks=only)] == [Decision.DENY]
    assert asks_about(findings(change, paths=("sql/**",), asks=only, category=Category.CODE_ERROR), "protected_path")


def test_a_chain_may_begin_at_a_signal():
    change = edit("pyproject.toml", "", "x = 1\n")
    only = {"new_dependency": ("manual",)}
    assert findings(change, asks=only, signals=("task_listener",)) == []
    assert asks_about(findings(change, asks=only, signals=("manual",)), "new_dependency")


def test_a_clear_is_asked_about_only_where_it_would_happen():
    transient = {"action": Action.RETRY, "transience": Transience.TRANSIENT}
    assert asks_about(findings(may_clear=True, **transient), "clear")
    assert findings(may_clear=False, **transient) == []
    assert findings(may_clear=True) == []
    assert findings(may_clear=True, asks={}, **transient) == []
