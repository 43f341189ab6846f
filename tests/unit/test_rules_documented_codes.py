"""Words that come as codes, or codes as words, where a document of the repository has the table."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from failing_pipeline import apply, dossier_of, result_of

from airflow_agentic.agents.rules import RulesAgent

Rows = list[dict[str, Any]]
CODES = {"granted": 20, "in_part": 25, "refused": 40, "waiting": 10}
SHORT = {"granted": "GR", "in_part": "IP", "refused": "RF", "waiting": "WT"}
TABLE = "# Interface\n\n| code | short | meaning |\n|---|---|---|\n" + "".join(
    f"| {c} | `{SHORT[w]}` | {w} |\n" for w, c in CODES.items()
)
LIST = "Since May `state` carries these:\n\n" + "".join(f"- `{SHORT[w]}`: {w}\n" for w in CODES) + "\nNothing else.\n"
SEED = "code,name\n" + "".join(f"{c},{w}\n" for w, c in CODES.items())
WORDS = "SHARE = {'granted': 1.0, 'in_part': 0.5, 'refused': 0.0, 'waiting': 0.2}\n"
MAPPED = WORDS + "\ndef main(rows):\n    return [(r['no'], r['state'], SHARE[r['state']]) for r in rows]\n"
ENUM = "import enum\n\nclass State(enum.Enum):\n    A = 'granted'\n    B = 'in_part'\n    C = 'refused'\n    D = 'waiting'\n\ndef main(rows):\n    return [(r['no'], State(r['state']).value) for r in rows]\n"
LATER = (
    WORDS
    + "\ndef main(rows):\n    return checked([(r['no'], r.get('state'), SHARE.get(r['state'])) for r in rows])\n\ndef checked(made):\n    assert all(m[2] is not None for m in made), 'a share is missing'\n    return made\n"
)
NUMBERED = "SHARE = {20: 1.0, 25: 0.5, 40: 0.0, 10: 0.2}\n\ndef main(rows):\n    return [(r['no'], SHARE[r['state']]) for r in rows]\n"


def _rows(words: list[Any]) -> Rows:
    return [{"no": f"C-{n}", "state": words[n % len(words)]} for n in range(16)]


KNOWN, NUMBERS, LETTERS = list(CODES), list(CODES.values()), list(SHORT.values())
CASES = {
    "numbers in a mapping": (MAPPED, {"docs/interface.md": TABLE}, KNOWN, NUMBERS),
    "short words in a mapping": (MAPPED, {"docs/interface.md": TABLE}, KNOWN, LETTERS),
    "a list in a document": (MAPPED, {"README.rst": LIST}, KNOWN, LETTERS),
    "a table that the repository keeps": (MAPPED, {"seeds/states.csv": SEED}, KNOWN, NUMBERS),
    "values of an enum": (ENUM, {"docs/interface.md": TABLE}, KNOWN, LETTERS),
    "a check that fails later": (LATER, {"docs/interface.md": TABLE}, KNOWN, NUMBERS),
    "words where numbers were": (NUMBERED, {"docs/interface.md": TABLE}, NUMBERS, KNOWN),
}


@pytest.mark.parametrize(("code", "files", "was", "now"), CASES.values(), ids=CASES.keys())
def test_what_a_document_translates_is_read_as_before(
    tmp_path: pathlib.Path, code: str, files: dict[str, str], was: list[Any], now: list[Any]
):
    good, bad = _rows(was), _rows(now)
    before = dossier_of(tmp_path, {"main.py": code, **files}, good, bad)
    want = result_of(tmp_path, good)
    apply(tmp_path, RulesAgent().propose(before))
    assert result_of(tmp_path, bad) == want == result_of(tmp_path, good)


LEFT = {
    "no document": {},
    "a document without one of the codes": {"docs/interface.md": TABLE.replace("| 40 |", "| 41 |")},
    "two documents that say other": {"docs/a.md": TABLE, "docs/b.md": TABLE.replace("| 25 |", "| 20 |").replace("| 20 | `GR`", "| 25 | `GR`")},
    "one code for two words": {"docs/interface.md": TABLE.replace("| 25 |", "| 20 |")},
}  # fmt: skip


@pytest.mark.parametrize("files", LEFT.values(), ids=LEFT.keys())
def test_codes_that_no_document_tells_one_way_are_left(tmp_path: pathlib.Path, files: dict[str, str]):
    made = dossier_of(tmp_path, {"main.py": MAPPED, **files}, _rows(KNOWN), _rows(NUMBERS))
    assert RulesAgent().propose(made).change is None
