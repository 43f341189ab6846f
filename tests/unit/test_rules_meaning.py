"""Data whose meaning nobody but its owner knows is held back; what no waiting brings back is told."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from failing_pipeline import dossier_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Action

Rows = list[dict[str, Any]]
MAPPED = "SHARE = {'paid': 1, 'open': 0}\n\ndef main(rows):\n    return [SHARE[r['state']] for r in rows]\n"
ENUM = "import enum\n\nclass State(enum.Enum):\n    PAID = 'paid'\n    OPEN = 'open'\n\ndef main(rows):\n    return [State(r['state']) for r in rows]\n"
REFUSED = "def main(rows):\n    for r in rows:\n        if r['state'] not in ('paid', 'open'):\n            raise RuntimeError(f\"unknown state {r['state']!r}\")\n"
READ = "def main(rows):\n    return [r['amount'] for r in rows]\n"
LIMIT = "def main(rows):\n    if any(not 0 < r['rate'] < 9 for r in rows):\n        raise RuntimeError('nothing published')\n"


def _states(*words: str) -> Rows:
    return [{"no": f"N-{n}", "state": words[n % len(words)]} for n in range(12)]


def _amounts(*names: str) -> Rows:
    return [
        {"no": f"N-{n}", **{name: 10.5 + len(names) + n * (k + 2) for k, name in enumerate(names)}} for n in range(12)
    ]


def _rates(odd: float) -> Rows:
    return [{"pair": f"P{n}", "rate": odd if n == 4 else 1.1 + n / 10} for n in range(12)]


HELD = {
    "a new word in a mapping": (MAPPED, _states("paid", "open"), _states("paid", "open", "part_paid")),
    "a new word of an enum": (ENUM, _states("paid", "open"), _states("paid", "open", "half")),
    "a new word that the code refuses": (REFUSED, _states("paid", "open"), _states("paid", "open", "held_7")),
    "other words in all records": (MAPPED, _states("paid", "open"), _states("p1", "p2")),
    "two fields that the old one could be": (READ, _amounts("amount"), _amounts("amount_net", "amount_gross")),
    "three fields of other names": (READ, _amounts("amount"), _amounts("netto", "brutto", "summe")),
    "a number of another sign": (LIMIT, _rates(1.5), _rates(-1.5)),
    "a number a hundred times as large": (LIMIT, _rates(1.5), _rates(150.0)),
}


@pytest.mark.parametrize(("code", "good", "bad"), HELD.values(), ids=HELD.keys())
def test_what_only_its_owner_can_explain_is_held_back(tmp_path: pathlib.Path, code: str, good: Rows, bad: Rows):
    proposal = RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, good, bad))
    assert proposal.change is None
    assert proposal.diagnosis.action is Action.QUARANTINE
    assert "its owner has" in proposal.diagnosis.next_step


TOLD = {
    "a field that is gone for good": (READ, _amounts("amount"), [{"no": f"N-{n}"} for n in range(12)]),
    "one of two new fields is no number": (
        READ,
        _amounts("amount"),
        [{"no": f"N-{n}", "amount_note": f"see {n}", "amount_by": f"desk {n}"} for n in range(12)],
    ),
    "a key that the code spells": (
        "def main(rows):\n    return [{'total': 1}[r['state'] and 'sum'] if r['state'] == 'x' else 0 for r in rows]\n",
        _states("paid", "open"),
        _states("paid", "x"),
    ),
    "a refusal without a number that is odd": (LIMIT.replace("< 9", "< 2.15"), _rates(1.5)[:10], _rates(1.5)),
}


@pytest.mark.parametrize(("code", "good", "bad"), TOLD.values(), ids=TOLD.keys())
def test_what_waiting_does_not_bring_back_is_told(tmp_path: pathlib.Path, code: str, good: Rows, bad: Rows):
    proposal = RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, good, bad))
    assert proposal.change is None
    assert proposal.diagnosis.action is Action.NOTIFY
