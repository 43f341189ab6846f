"""Code words that the code does not know and a document of the repository does."""

from __future__ import annotations

import pathlib

import pytest
from failing_pipeline import apply, dossier_of, failure_of, result_of

from airflow_agentic.agents.rules import RulesAgent

GOOD = [{"crate": n, "kind": ("FRZ", "DRY", "CHL")[n % 3]} for n in range(9)]
BAD = [{"crate": n, "kind": ("FRZ", "DRY", "ICE")[n % 3]} for n in range(9)]
HEAD = "class Unknown(Exception):\n    pass\n\n"
MAIN = "\n\ndef main(rows):\n    return [(r['crate'], zone(r['kind'])) for r in rows]\n"
STYLES = {
    "match": "def zone(kind):\n    match kind:\n        case 'FRZ':\n            return 'cold'\n        case 'CHL' | 'MLK':\n            return 'cool'\n        case 'DRY':\n            return 'dry'\n        case _:\n            raise Unknown(f'kind {kind!r}')\n",
    "if": "def zone(kind):\n    if kind == 'FRZ':\n        return 'cold'\n    elif kind in ('CHL', 'MLK'):\n        return 'cool'\n    elif kind == 'DRY':\n        return 'dry'\n    raise Unknown(f'kind {kind!r}')\n",
    "dict": "ZONES = {\n    'FRZ': 'cold',\n    'CHL': 'cool',\n    'DRY': 'dry',\n}\n\ndef zone(kind):\n    return ZONES[kind]\n",
    "dict of numbers": "ZONES = {'FRZ': -18, 'CHL': 4, 'DRY': 20}\n\ndef zone(kind):\n    return ZONES[kind]\n",
}
TABLE = "# Kinds\n\n| code | what | zone | limit |\n|---|---|---|---|\n| FRZ | frozen | cold | -18 |\n| `CHL` | chilled | cool | 4 |\n| DRY | dry goods | dry | 20 |\nMORE\n"
KNOWN = TABLE.replace("MORE", "| ICE | ice cream | cold | -24 |")


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES.keys())
def test_a_documented_word_is_known_and_others_are_still_refused(tmp_path: pathlib.Path, style: str):
    files = {"main.py": HEAD + style + MAIN, "docs/kinds.md": KNOWN}
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, files, GOOD, BAD)))
    cold = -24 if "-18" in style else "cold"
    assert (2, cold) in result_of(tmp_path, BAD)
    assert failure_of(tmp_path, [{"crate": 1, "kind": "???"}]) is not None


DOCUMENTS = {
    "no row for it": TABLE.replace("\nMORE", ""),
    "two rows that differ": TABLE.replace("MORE", "| ICE | ice cream | cold | 0 |\n| ICE | ice cubes | cool | 0 |"),
    "a table that says other of known words": KNOWN.replace("| dry goods | dry |", "| dry goods | cool |"),
    "a state that the code never gives": TABLE.replace("MORE", "| ICE | ice cream | deep | -24 |"),
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_a_word_without_one_documented_meaning_is_left(tmp_path: pathlib.Path, document: str):
    files = {"main.py": HEAD + STYLES["match"] + MAIN, "docs/kinds.md": document}
    assert RulesAgent().propose(dossier_of(tmp_path, files, GOOD, BAD)).change is None
