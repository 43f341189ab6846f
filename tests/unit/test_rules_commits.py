"""Names that a commit changed: the places that it left are given the new name, and only those."""

from __future__ import annotations

import pathlib
import sys

import pytest
from failing_pipeline import KEY, apply, dossier_of, failure_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Evidence, Proposal, Trust
from airflow_agentic.tracebacks import parse_tracebacks, root_error

ROWS = [{"sku": f"S{i}", "n": i} for i in range(6)]
LINE = "from dataclasses import dataclass\n\n@dataclass\nclass Line:\n    sku: str\n    quantity: int\n"
FORWARD = {
    "a field of a class": (
        {"line.py": LINE, "main.py": "from line import Line\n\ndef main(rows):\n    return [Line(sku=r['sku'], qty=r['n']).sku for r in rows]\n"},
        "@@ -6,1 +6,1 @@\n-    qty: int\n+    quantity: int\n",
        "quantity=r['n']",
    ),
    "a function of a module": (
        {"fx.py": "def convert(amount, *, into='EUR'):\n    return amount\n", "main.py": "import fx\n\ndef main(rows):\n    return [fx.to_eur(r['n']) for r in rows]\n"},
        "@@ -5,1 +5,1 @@\n-    return fx.to_eur(ticket['price'])\n+    return fx.convert(ticket['price'])\n",
        "fx.convert(r['n'])",
    ),
}  # fmt: skip
OPEN = {
    "two names took its place": "@@ -1,2 +1,2 @@\n-a = fx.to_eur(1)\n-b = fx.to_eur(2)\n+a = fx.convert(1)\n+b = fx.exchange(2)\n",
    "the line says more than the name": "@@ -1,1 +1,1 @@\n-a = fx.to_eur(1)\n+a = fx.convert(1, 'USD')\n",
}


def _diff(body: str, path: str) -> Evidence:
    title = f"Diff of {path} in the recent history, commit abc1234567"
    return Evidence(id="E9", source="code", title=title, body=body, observed_at="", trust=Trust.REPOSITORY, path=path)


@pytest.mark.parametrize(("files", "diff", "then"), FORWARD.values(), ids=FORWARD.keys())
def test_a_place_that_a_renaming_commit_left_is_given_the_new_name(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], diff: str, then: str
):
    proposal = _failed(tmp_path, monkeypatch, files, diff)
    apply(tmp_path, proposal)
    assert then in (tmp_path / "main.py").read_text()
    assert len(result_of(tmp_path, ROWS)) == len(ROWS)


@pytest.mark.parametrize("diff", OPEN.values(), ids=OPEN.keys())
def test_a_name_that_may_be_two_others_is_left(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, diff: str):
    assert _failed(tmp_path, monkeypatch, FORWARD["a function of a module"][0], diff).change is None


def _failed(
    folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], diff: str, path: str = "other.py"
) -> Proposal:
    monkeypatch.syspath_prepend(str(folder))
    for name in ("fx", "line"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name, text in files.items():
        (folder / name).write_text(text)
    printed = failure_of(folder, ROWS)
    assert printed is not None
    error = root_error(KEY, parse_tracebacks(printed.splitlines()))
    return RulesAgent().propose(dossier_of(folder, files, None, ROWS, error=error, evidence=(_diff(diff, path),)))


def test_a_commit_that_needs_a_package_is_not_taken_back_where_the_package_is_missing(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    files = {"main.py": "def main(rows):\n    import geo_of_nobody\n    return geo_of_nobody.places(rows)\n"}
    diff = "@@ -2,2 +2,2 @@\n-    return rows\n+    import geo_of_nobody\n+    return geo_of_nobody.places(rows)\n"
    assert _failed(tmp_path, monkeypatch, files, diff, "main.py").change is None
