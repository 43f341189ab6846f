"""Records that come as an object keyed by one of their fields, where a list of them came, and the other way round."""

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


MAPPED = "import json\n\ndef parse(text):\n    return json.loads(text)\n\ndef main(records):\n    found = parse(json.dumps(records))LIST\n    return sorted((key, r['kg']) for key, r in found.items())\n"
RATES = "import json\n\nLIMITS = json.loads('{\"EUR\": 2}')\n\ndef read(text):\n    return json.loads(text)\n\ndef main(records):\n    found = read(json.dumps(records))LIST\n    return max(found.values()), [found[c] for c in sorted(found)]\n"
CODES = ("USD", "GBP", "SEK", "PLN")
BY_CODE = {code: 1.5 + n for n, code in enumerate(CODES)}
BY_CODE_NOW = {code: 2.25 + n / 2 for n, code in enumerate(CODES)}


def _as_list(keyed: dict[str, Any]) -> list[Any]:
    rows = [{"id": key, **v} if isinstance(v, dict) else {"id": key, "kg": v} for key, v in keyed.items()]
    return rows[::-1]


def mapped(folder: pathlib.Path, code: str, good: dict[str, Any], bad: list[Any], listed: str) -> Proposal:
    code = code.replace("LIST", f"['{listed}']" if listed else "")
    (folder / "main.py").write_text(code)
    both = [{listed: good}, {listed: bad}] if listed else [good, bad]
    more = (
        shape([both[0]], name="feed/{ds}.json", interval="2026-11-01", role="good"),
        shape(bad, name="feed/{ds}.json", interval="2026-11-02", role="failing"),
        *([shape([{listed: []}], name=f"feed/{{ds}}.json{PART}", interval="2026-11-02", role="failing")] if listed else []),
    )  # fmt: skip
    return RulesAgent().propose(
        dossier_of(folder, {"main.py": code}, None, None, error=_error(folder, both), more=more)
    )


@pytest.mark.parametrize("listed", ["trees", ""], ids=["within the document", "the whole document"])
@pytest.mark.parametrize(
    ("code", "good", "now"),
    [(MAPPED, {f"tree-{n}": {"kind": "b", "kg": n} for n in range(50, 58)}, KEYED), (RATES, BY_CODE, BY_CODE_NOW)],
    ids=["objects", "values"],
)
def test_a_list_of_what_was_keyed_gives_the_same_as_the_object(
    tmp_path: pathlib.Path, code: str, good: dict[str, Any], now: dict[str, Any], listed: str
):
    apply(tmp_path, mapped(tmp_path, code, good, _as_list(now), listed))
    given = [{listed: form} if listed else form for form in (now, _as_list(now))]
    assert result_of(tmp_path, given[0]) == result_of(tmp_path, given[1])
    twice = [*_as_list(now), _as_list(now)[0]]
    with pytest.raises(ValueError, match="Two records have the same id"):
        result_of(tmp_path, {listed: twice} if listed else twice)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (BY_CODE, [{"id": n, "kg": 1.5 + n} for n in range(4)]),
        (BY_CODE, [{"id": code, "kg": 1.5, "per": 100} for code in CODES]),
        (BY_CODE, [{"id": code, "kg": 1500.0 + n} for n, code in enumerate(CODES)]),
        (BY_CODE, [{"id": "USD", "kg": 1.5 + n} for n in range(4)]),
    ],
    ids=["keys of another form", "a field more", "values of another size", "one key"],
)
def test_a_list_of_something_else_is_left(tmp_path: pathlib.Path, good: dict[str, Any], bad: list[Any]):
    assert mapped(tmp_path, RATES, good, bad, "rates").change is None
