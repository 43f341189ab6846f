"""A plain list that became an object with the first of several pages: never taken for the whole day."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest
from failing_pipeline import an_error, apply, dossier_of, result_of

from airflow_agentic.agents.fixers.envelope import PART
from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import DataShape, Proposal
from airflow_agentic.shapes import shape

ROWS = [{"lamp": f"L{n}", "hours": 5 + n} for n in range(11)]
FILES = """import json
import pathlib


def read(path):
    with open(path, encoding="utf-8") as text:
        return json.load(text)


def main(root):
    return sorted(lamp["lamp"] for lamp in read(f"{root}/lamps/2026-11-02.json"))
"""
NAMED = FILES.replace("return json.load(text)", "return list(map(dict, json.loads(text.read())))")


def _shapes(first: dict[str, Any], before: int, name: str = "lamps") -> tuple[DataShape, ...]:
    def one(records: list[Any], role: str, part: str = "") -> DataShape:
        return shape(records, name=f"{name}/{{ds}}.json{part}", interval="2026-11-02", role=role)

    (listed,) = (key for key, value in first.items() if isinstance(value, list))
    around = one([{**first, listed: []}], "failing", PART)
    return one(ROWS[:before], "good"), one(first[listed], "failing"), around


def _proposed(
    folder: pathlib.Path, code: str, first: dict[str, Any], *, before: int = 11, others: tuple[DataShape, ...] = ()
) -> Proposal:
    error = an_error("TypeError", "string indices must be integers, not 'str'")
    more = (*_shapes(first, before), *others)
    return RulesAgent().propose(dossier_of(folder, {"main.py": code}, None, None, error=error, more=more))


def _land(folder: pathlib.Path, pages: list[Any]) -> str:
    target = folder / "landed/lamps"
    target.mkdir(parents=True)
    for name, page in zip(("2026-11-02.json", "2026-11-02.p2.json"), pages):
        (target / name).write_text(json.dumps(page))
    return str(folder / "landed")


@pytest.mark.parametrize("code", [FILES, NAMED], ids=["handed on", "gone through"])
@pytest.mark.parametrize("before", [11, 3], ids=["a short day", "a day with more records than before"])
def test_all_pages_of_a_list_that_became_an_object_are_read(tmp_path: pathlib.Path, code: str, before: int):
    first = {"items": ROWS[:6], "links": {"next": "2026-11-02.p2.json"}, "build": 7}
    second = {"items": ROWS[6:], "links": {"next": None}, "build": 7}
    apply(tmp_path, _proposed(tmp_path, code, first, before=before))
    assert result_of(tmp_path, _land(tmp_path, [first, second])) == sorted(row["lamp"] for row in ROWS)


def test_a_plain_list_and_a_single_page_give_the_same_as_before(tmp_path: pathlib.Path):
    apply(tmp_path, _proposed(tmp_path, FILES, {"items": ROWS[:6], "next": "2026-11-02.p2.json"}))
    for number, whole in enumerate((ROWS, {"items": ROWS, "next": None})):
        landed = _land(tmp_path / str(number), [whole])
        assert result_of(tmp_path, landed) == sorted(row["lamp"] for row in ROWS)


SAID = {
    "a token of no parameter": {"next": "c2Fq"},
    "a cursor": {"cursor": "c2Fq"},
    "a flag": {"has_more": True},
    "a count": {"total": 11},
    "a number of pages alone": {"pages": 2},
}


@pytest.mark.parametrize("told", SAID.values(), ids=SAID.keys())
def test_a_page_that_nobody_knows_how_to_follow_is_not_taken_for_the_day(tmp_path: pathlib.Path, told: dict[str, Any]):
    assert _proposed(tmp_path, FILES, {"items": ROWS[:6], **told}).change is None


@pytest.mark.parametrize("told", [{"total": 6, "pages": 1}, {"next": None, "has_more": False}], ids=["counts", "ends"])
def test_an_object_that_tells_of_no_more_is_unpacked(tmp_path: pathlib.Path, told: dict[str, Any]):
    assert _proposed(tmp_path, FILES, {"items": ROWS[:6], **told}, before=6).change is not None


def test_another_document_of_the_same_parse_passes_as_it_is(tmp_path: pathlib.Path):
    first = {"items": ROWS[:6], "next": "2026-11-02.p2.json"}
    apply(tmp_path, _proposed(tmp_path, FILES, first))
    (tmp_path / "state.json").write_text('{"open": true}')
    assert result_of(tmp_path, str(tmp_path / "state.json"), "read") == {"open": True}


def test_two_feeds_of_one_client_are_followed_by_the_same_call(tmp_path: pathlib.Path):
    first, second = {"items": ROWS[:6], "next": "2026-11-02.p2.json"}, {"items": ROWS[6:], "next": None}
    apply(tmp_path, _proposed(tmp_path, FILES, first, others=_shapes(first, 11, "poles")))
    assert result_of(tmp_path, _land(tmp_path, [first, second])) == sorted(row["lamp"] for row in ROWS)


def test_two_feeds_with_pages_of_two_kinds_are_left(tmp_path: pathlib.Path):
    first, other = {"items": ROWS[:6], "next": "2026-11-02.p2.json"}, {"rows": ROWS[:6], "next": "2026-11-02.p2.json"}
    assert _proposed(tmp_path, FILES, first, others=_shapes(other, 11, "poles")).change is None
