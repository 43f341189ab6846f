"""Records that come as an object keyed by one of their fields, where a list of them came."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from failing_pipeline import KEY, apply, dossier_of, failure_of, result_of

from airflow_agentic.agents.fixers.envelope import PART
from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import DataShape, Proposal
from airflow_agentic.shapes import shape
from airflow_agentic.tracebacks import parse_tracebacks, root_error

GOOD = [{"id": f"tree-{n}", "kind": "ab"[n % 2], "kg": n} for n in range(50, 58)]
OTHER = [{"id": f"tree-{n}", "kind": "ab"[n % 2], "kg": n} for n in range(100, 108)]
KEYED = {row["id"]: {"kind": row["kind"], "kg": row["kg"]} for row in OTHER}
READS = "import json\n\ndef parse(text):\n    return json.loads(text)\n\ndef main(records):\n    return [(r['id'], r['kg']) for r in parse(json.dumps(records))LIST]\n"


def shapes_of(good: list[Any], bad: Any, listed: str) -> tuple[DataShape, ...]:
    named = (("2026-11-01", "good", good), ("2026-11-02", "failing", [{listed: bad} if listed else bad]))
    found = [shape(r, name="feed/{ds}.json", interval=day, role=role) for day, role, r in named]
    around = shape([{listed: good}], name=f"feed/{{ds}}.json{PART}", interval="2026-11-01", role="good")
    return (*found, around) if listed else tuple(found)


def proposed(folder: pathlib.Path, bad: Any, listed: str) -> Proposal:
    code = READS.replace("LIST", f"['{listed}']" if listed else "")
    wrapped = [{listed: GOOD}, {listed: bad}] if listed else [GOOD, bad]
    (folder / "main.py").write_text(code)
    made = dossier_of(
        folder, {"main.py": code}, None, None, error=_error(folder, wrapped), more=shapes_of(GOOD, bad, listed)
    )
    return RulesAgent().propose(made)


def _error(folder: pathlib.Path, both: list[Any]) -> Any:
    assert failure_of(folder, both[0]) is None
    return root_error(KEY, parse_tracebacks(str(failure_of(folder, both[1])).splitlines()))


@pytest.mark.parametrize("listed", ["trees", ""], ids=["within the document", "the whole document"])
def test_keyed_records_are_listed_and_a_list_passes_as_it_is(tmp_path: pathlib.Path, listed: str):
    apply(tmp_path, proposed(tmp_path, KEYED, listed))
    for given, rows in ((GOOD, GOOD), (KEYED, OTHER)):
        assert result_of(tmp_path, {listed: given} if listed else given) == [(r["id"], r["kg"]) for r in rows]


@pytest.mark.parametrize(
    "bad",
    [
        {str(n): {"kind": "a", "kg": n} for n in range(8)},
        {f"tree-{n}": {"kind": "a"} for n in range(8)},
        {f"tree-{n}": {"kind": "a", "kg": n, "row": 1} for n in range(8)},
        {"tree-1": {"kind": "a", "kg": 1}},
    ],
    ids=["keys of another form", "two fields are gone", "a field more", "one record"],
)
def test_an_object_of_something_else_is_left(tmp_path: pathlib.Path, bad: dict[str, Any]):
    assert proposed(tmp_path, bad, "trees").change is None
