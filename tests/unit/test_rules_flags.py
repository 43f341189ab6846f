"""Words for yes and no, and empty texts, that are written otherwise now: the words that the code knows come back."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from failing_pipeline import an_error, apply, dossier_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Proposal

Rows = list[dict[str, Any]]


def _beds(yes: Any, no: Any, empty: Any) -> Rows:
    return [{"bed": f"B-{n}", "left": f"2026-11-0{n}" if n % 3 else empty, "alone": no if n % 4 else yes} for n in range(8)]  # fmt: skip


KEYS = """
FLAGS = {"yes": 1, "no": 0}

def main(rows):
    return [(r["bed"], r["left"][:7].strip(), FLAGS[r["alone"]]) for r in rows]
"""
MODEL = """
from typing import Literal
from pydantic import BaseModel

class Bed(BaseModel):
    bed: str
    left: str
    alone: Literal["Y", "N"]

    def row(self):
        return self.bed, self.left == "", self.alone == "Y"
"""
OBJECTS = f"import json\n{MODEL}\ndef main(rows):\n    return [Bed(**r).row() for r in json.loads(json.dumps(rows))]\n"
TEXT = f"import json\n{MODEL}\ndef main(rows):\n    return [Bed.model_validate_json(line).row() for line in map(json.dumps, rows)]\n"
TABLE = """
import json
from dataclasses import dataclass

@dataclass
class Bed:
    bed: str
    left: str
    alone: str

    def __post_init__(self):
        if self.alone not in ("ja", "nein"):
            raise ValueError(f"alone is not a valid flag: {self.alone!r}")

def main(rows):
    return [(b.bed, len(b.left), b.alone == "ja") for b in (Bed(**r) for r in json.loads(json.dumps(rows)))]
"""
FOLDED = """
import json

def main(rows):
    return [(r["bed"], r["left"][5:], r["alone"].lower() == "y") for r in json.loads(json.dumps(rows))]
"""


def _left_out(rows: Rows) -> Rows:
    return [{key: value for key, value in row.items() if value is not None} for row in rows]


CASES = {
    "words told apart by a small letter": (FOLDED, _beds("Y", "N", "2026-11-09"), _beds(True, False, "2026-11-09")),
    "left out where it was empty": (FOLDED, _beds("Y", "N", ""), _left_out(_beds("Y", "N", None))),
    "read by keys": (KEYS, _beds("yes", "no", ""), _beds(True, False, None)),
    "a model of objects": (OBJECTS, _beds("Y", "N", ""), _beds(True, False, None)),
    "a model of text": (TEXT, _beds("Y", "N", ""), _beds(True, False, None)),
    "a model of text, flags alone": (TEXT, _beds("Y", "N", ""), _beds(1, 0, "")),
    "a dataclass": (TABLE, _beds("ja", "nein", ""), _beds("true", "false", "")),
}


def proposed(folder: pathlib.Path, code: str, good: Rows, bad: Rows) -> Proposal:
    return RulesAgent().propose(dossier_of(folder, {"main.py": code}, good, bad))


@pytest.mark.parametrize(("code", "good", "bad"), CASES.values(), ids=CASES.keys())
def test_flags_and_empty_texts_give_the_same_in_either_form(tmp_path: pathlib.Path, code: str, good: Rows, bad: Rows):
    apply(tmp_path, proposed(tmp_path, code, good, bad))
    assert result_of(tmp_path, bad) == result_of(tmp_path, good)


def test_an_empty_text_where_null_was_is_null(tmp_path: pathlib.Path):
    code = "import json\n\ndef main(rows):\n    return [r['left'] and int(r['left'][-1]) if r['left'] is not None else None for r in json.loads(json.dumps(rows))]\n"
    error = an_error("ValueError", "invalid literal for int() with base 10: ''")
    made = dossier_of(tmp_path, {"main.py": code}, _beds("Y", "N", None), _beds("Y", "N", ""), error=error)
    apply(tmp_path, RulesAgent().propose(made))
    assert result_of(tmp_path, _beds("Y", "N", "")) == result_of(tmp_path, _beds("Y", "N", None))


GERMAN = TABLE.replace('("ja", "nein")', "WORDS").replace('"ja"', "WORDS[0]").replace("@dataclass", "WORDS = tuple('ja nein'.split())\n\n@dataclass")  # fmt: skip
LEFT = {
    "no word is said": (GERMAN, _beds("ja", "nein", ""), _beds(True, False, "")),
    "null where a value was": (OBJECTS, _beds("Y", "N", "2026-11-09"), _beds("Y", "N", None)),
    "a flag that may be null": (OBJECTS, _beds("Y", "N", ""), [*_beds(True, False, "")[:7], {"bed": "B-7", "left": "", "alone": None}]),
    "three answers": (OBJECTS.replace('"Y", "N"', '"Y", "N", "?"'), [*_beds("Y", "N", ""), {"bed": "B-8", "left": "", "alone": "?"}], _beds(True, False, "")),
    "letters of something else": (OBJECTS.replace('"Y", "N"', '"M", "F"').replace('== "Y"', '== "F"'), _beds("M", "F", ""), _beds(True, False, "")),
}  # fmt: skip


@pytest.mark.parametrize(("code", "good", "bad"), LEFT.values(), ids=LEFT.keys())
def test_what_the_code_does_not_tell_is_left(tmp_path: pathlib.Path, code: str, good: Rows, bad: Rows):
    assert proposed(tmp_path, code, good, bad).change is None
