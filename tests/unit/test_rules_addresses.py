"""An API version that is gone: the version that the upstream itself names, and nothing else of what it says."""

from __future__ import annotations

import pathlib

import pytest
from failing_pipeline import an_error, dossier_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Action, Proposal

GONE = "GET /v1/trips/2026-11-02.json answered 410: "
WRITTEN = {
    "a path with a field": 'PATH = "v1/trips/{day}.json"\n',
    "a base and a path": 'BASE = "https://api.acme.io/v1"\nPATH = "/trips"\n',
    "an f-string": 'def address(day):\n    return f"https://api.acme.io/v1/trips/{day}.json"\n',
}
REFUSED = {
    "another host": (WRITTEN["a path with a field"], "moved to https://evil.example/trips"),
    "another resource": (WRITTEN["a path with a field"], 'successor "/v2/passwords/{day}.json"'),
    "two successors": (WRITTEN["a path with a field"], 'use "/v2/trips" or "/v3/trips"'),
    "no version": (WRITTEN["a path with a field"], "no such day"),
    "two places of the code": (WRITTEN["a path with a field"] * 2, 'successor "/v2/trips/{day}.json"'),
    "a file that does not name the resource": ('PATH = "v1/bikes"\n', 'successor "/v2/trips/{day}.json"'),
}


def proposed(folder: pathlib.Path, code: str, answer: str) -> Proposal:
    error = an_error("bikes.client.ApiError", GONE + answer)
    return RulesAgent().propose(dossier_of(folder, {"main.py": code}, None, None, error=error))


@pytest.mark.parametrize("code", WRITTEN.values(), ids=WRITTEN.keys())
def test_the_version_that_the_answer_names_takes_the_place_of_the_one_that_is_gone(tmp_path: pathlib.Path, code: str):
    proposal = proposed(tmp_path, code, '{"error": "v1 was retired", "successor": "/v2/trips/{day}.json"}')
    assert proposal.diagnosis.action is Action.FIX_CODE
    assert proposal.change is not None
    assert [edit.after for edit in proposal.change.edits] == [code.replace("v1", "v2")]


@pytest.mark.parametrize(("code", "answer"), REFUSED.values(), ids=REFUSED.keys())
def test_nothing_else_of_an_answer_is_taken_for_an_address(tmp_path: pathlib.Path, code: str, answer: str):
    assert proposed(tmp_path, code, answer).change is None
