"""Every hunk earns its place: what is taken out of a change, and what is not."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from test_validate import DAY, GOOD, GREEN, KEY, RED, dossier, proposal

from airflow_agentic.changes import make_change
from airflow_agentic.records import ChangeSet, FileEdit, Proof, ProofStatus, ReductionLimits, StagedRun
from airflow_agentic.testing.workspace import FakeWorkspace, Script
from airflow_agentic.workspaces.hunks import aside, hunks_of, means_the_same, place, without
from airflow_agentic.workspaces.probes import probed
from airflow_agentic.workspaces.validate import validate

OLD = """import json

LIMIT = 10


def parse(row):
    return row["customer_id"]


def price(row):
    return row["amount"] * 2


def text(row):
    return str(row)
"""
CURE = 'row["customer_id"] if "customer_id" in row else row["customerId"]'
CURED = OLD.replace('row["customer_id"]', CURE)
CLEANED = CURED.replace('row["amount"] * 2', 'row["amount"]')


def change(*edits: tuple[str, str | None, str | None]) -> ChangeSet:
    made = make_change("c", [FileEdit(path=path, before=before, after=after) for path, before, after in edits], "s")
    assert made is not None
    return made


def prove(
    what: ChangeSet,
    needs: Callable[[str, str], bool],
    *,
    ran: tuple[str, ...] = ("all",),
    last_good: str | None = GOOD,
    limits: ReductionLimits | None = None,
) -> Proof:
    """Prove a change whose runs are green where *needs* says so of a date and all new texts, joined."""

    def respond(date: str, applied: ChangeSet | None) -> StagedRun:
        texts = "\n".join(edit.after or "" for edit in applied.edits) if applied else ""
        return GREEN if (date == GOOD and not applied) or needs(date, texts) else RED

    def left(applied: ChangeSet) -> list[str]:
        """Play that only functions named in *ran* are called."""
        found = []
        for edit in applied.edits:
            for node in ast.walk(ast.parse(edit.after or "")) if edit.path.endswith(".py") else ():
                called = isinstance(node, ast.FunctionDef) and ("all" in ran or node.name in ran)
                found += [
                    str(Path(edit.path).parent / leaf.value)
                    for leaf in (ast.walk(node) if called else ())
                    if isinstance(leaf, ast.Constant) and str(leaf.value).startswith(".agentic_ran_")
                ]
        return found

    workspace = FakeWorkspace(Script(runs={}, respond=respond, ran=left))
    given = proposal()
    return validate(
        dossier((KEY,)),
        type(given)(diagnosis=given.diagnosis, change=what, usage=given.usage, pattern="rules"),
        workspace=workspace,
        last_good=last_good,
        limits=limits,
    )


def cures(date: str, texts: str) -> bool:
    return CURE in texts or CURE.replace('"', "'") in texts


def reduced(proof: Proof) -> str | None:
    assert proof.status is ProofStatus.PROVED, proof
    return proof.reduced.edits[0].after if proof.reduced else None


def test_a_hunk_that_nothing_needs_is_taken_out_and_said() -> None:
    proof = prove(change(("shop/load.py", OLD, CLEANED)), cures)
    assert reduced(proof) == CURED
    assert proof.taken_out == ('shop/load.py:11\n-    return row["amount"] * 2\n+    return row["amount"]',)


def test_a_change_of_one_hunk_costs_no_further_run() -> None:
    proof = prove(change(("shop/load.py", OLD, CURED)), cures)
    assert reduced(proof) is None
    assert "hunks that were kept" not in {check.name for check in proof.checks}


def test_a_hunk_that_only_the_old_format_needs_is_kept() -> None:
    def old_needs_price(date: str, texts: str) -> bool:
        return cures(date, texts) and (date == DAY or "* 2" not in texts)

    assert reduced(prove(change(("shop/load.py", OLD, CLEANED)), old_needs_price)) is None


def test_a_hunk_that_no_run_goes_through_is_kept_and_said() -> None:
    proof = prove(change(("shop/load.py", OLD, CLEANED)), cures, ran=("parse",))
    assert reduced(proof) is None
    assert any("no run here goes through it" in check.detail for check in proof.checks)


def test_another_file_that_no_run_imports_is_kept() -> None:
    other = ("dags/other.py", OLD, CURED)
    assert reduced(prove(change(("shop/load.py", OLD, CURED), other), cures, ran=())) is None


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("tests/test_load.py", "x = 1\n", "x = 2\n"),
        ("README.md", "a\n", "b\n"),
        ("shop/other.py", "x = 1\n", "# why\nx = 1\n"),
        ("sql/a.sql", "select 1\n", "-- why\nselect 1\n"),
    ],
    ids=["a test", "prose", "a comment", "a comment in SQL"],
)
def test_what_changes_no_run_is_left_alone(path: str, before: str, after: str) -> None:
    assert reduced(prove(change(("shop/load.py", OLD, CURED), (path, before, after)), cures)) is None


def test_new_layout_of_the_same_code_is_taken_out_without_being_run_through() -> None:
    proof = prove(change(("shop/load.py", OLD, CURED.replace("str(row)", "str( row )"))), cures, ran=("parse",))
    assert reduced(proof) == CURED


def test_what_only_a_dropped_hunk_needed_goes_with_it() -> None:
    helped = CLEANED.replace('row["amount"]', 'whole(row["amount"])').replace(
        "def text(", "def whole(x):\n    return x\n\n\ndef text("
    )

    def needs(date: str, texts: str) -> bool:
        return cures(date, texts) and ("def whole" in texts or "whole(" not in texts)

    assert reduced(prove(change(("shop/load.py", OLD, helped)), needs)) == CURED


def test_without_a_last_good_interval_every_statement_must_have_been_run() -> None:
    more = CURED.replace("    return str(row)", "    if row:\n        row = dict(row)\n    return str(row)")
    one = change(("shop/load.py", OLD, more))
    assert reduced(prove(one, cures, last_good=None)) == CURED
    assert reduced(prove(one, cures, last_good=None, ran=("parse",))) is None


@pytest.mark.parametrize("limits", [ReductionLimits(seconds=0), ReductionLimits(hunks=0)], ids=["no time", "no hunks"])
def test_no_hunk_is_tried_beyond_the_limits(limits: ReductionLimits) -> None:
    assert reduced(prove(change(("shop/load.py", OLD, CLEANED)), cures, limits=limits)) is None


def test_dropping_nothing_and_everything_gives_the_change_and_none() -> None:
    whole = change(("a.py", OLD, CLEANED), ("new.py", None, "x = 1\n"), ("gone.py", "y = 1\n", None))
    assert without(whole, ()) == whole
    assert without(whole, hunks_of(whole)) is None


def test_neighbouring_lines_are_hunks_of_their_own() -> None:
    two = change(("a.py", "a = 1\nb = 2\n", "a = 3\nb = 4\n"))
    assert [place(hunk, two) for hunk in hunks_of(two)] == ["a.py:1\n-a = 1\n+a = 3", "a.py:2\n-b = 2\n+b = 4"]
    assert not any(aside(hunk, two) for hunk in hunks_of(two))


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [("x = 1\n", "x  =  1\n", "layout"), ("x = 1\n", "# a\nx = 1\n", "words"), ("x = 1\n", "x = 2\n", "")],
)
def test_texts_of_one_syntax_tree_mean_the_same(one: str, two: str, same: str) -> None:
    assert means_the_same("a.py", one, two) == same


def test_a_probe_tells_which_branch_was_taken(tmp_path: Path) -> None:
    text = "def f(x):\n    try:\n        return x['a']\n    except KeyError:\n        return 0\n    # end\n\n\nprint(f({}))\n"
    new = text.replace("x['a']", "x['b']").replace("return 0", "return 1").replace("KeyError", "LookupError")
    new = new.replace("def f(x):\n", "def f(x):\n    if not isinstance(x, dict):\n        x = 1\n")
    made = change(("m.py", text, new))
    watched = probed(made, hunks_of(made))
    assert watched.change is not None
    (tmp_path / "m.py").write_text(watched.change.edits[0].after or "")
    said = subprocess.run([sys.executable, "m.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    ran = {
        place(hunk, made).splitlines()[0]: [(tmp_path / mark).exists() for mark in marks]
        for hunk, marks in watched.marks
    }
    assert said.stdout == "1\n"
    assert ran == {"m.py:2": [False, True], "m.py:3": [True], "m.py:4": [True], "m.py:5": [True]}
