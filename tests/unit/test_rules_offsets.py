"""Times in UTC (``...Z``) come with local offsets: the same moment in UTC is what the code gets, never the cut text."""

import pytest
from failing_pipeline import apply, dossier_of, result_of

from airflow_agentic.agents.rules import RulesAgent

UTC = [{"berth": f"B-0{i}", "moored": f"2026-11-01T0{i}:15:3{i}Z"} for i in range(1, 7)]
LOCAL = [{**r, "moored": f"{r['moored'][:11]}0{i + 2}:15:3{i}+02:00"} for i, r in enumerate(UTC, start=1)]
MODEL = """from datetime import datetime
from pydantic import BaseModel, field_validator


class Call(BaseModel):
    berth: str
    moored: datetime

    @field_validator("moored", mode="before")
    def in_utc(cls, text):
        return {parse}


def main(rows):
    return [(Call.model_validate(r).moored.isoformat(), r["berth"]) for r in rows]
"""
PLAIN = "from datetime import datetime, timezone\n\ndef main(rows):\n    return [{parse}.strftime('%Y%m%d %H:%M') for r in rows]\n"
COMPARED = "from datetime import datetime\n\nclass Berth:\n    def __init__(self, r):\n        self.late = datetime.fromisoformat(r['moored'].removesuffix('Z')) > datetime(2026, 11, 1, 3)\n\ndef main(rows):\n    return [Berth(r).late for r in rows]\n"
CODES = {
    "a validator with strptime": {
        "main.py": MODEL.format(parse="datetime.strptime(text, '%Y-%m-%dT%H:%M:%SZ')"),
    },
    "a validator that cuts the last letter": {
        "main.py": MODEL.format(parse="datetime.fromisoformat(text[:-1])"),
    },
    "strptime with a zone put on": {
        "main.py": PLAIN.format(
            parse="datetime.strptime(r['moored'], '%Y-%m-%dT%H:%M:%SZ').replace(tzinfo=timezone.utc)"
        )
    },
    "strptime of a text without its Z": {
        "main.py": PLAIN.format(parse="datetime.strptime(r['moored'].rstrip('Z'), '%Y-%m-%dT%H:%M:%S')")
    },
    "strptime of a text without its end": {
        "main.py": PLAIN.format(parse="datetime.strptime(r['moored'][:-1], '%Y-%m-%dT%H:%M:%S')")
    },
    "fromisoformat of a text without its end": {
        "main.py": PLAIN.format(parse="datetime.fromisoformat(r['moored'][:-1])")
    },
    "a naive time that is compared": {"main.py": COMPARED},
}
SILENT = {
    "two places parse that form": {"main.py": "import datetime as dt\n" + MODEL.format(parse="datetime.strptime(text, '%Y-%m-%dT%H:%M:%SZ')") + "\ndef day(text):\n    return dt.datetime.strptime(text, '%Y-%m-%dT%H:%M:%SZ')\n"},
    "the end was cut off elsewhere": {"main.py": "from datetime import datetime\n\ndef main(rows):\n    texts = [r['moored'][:-1] for r in rows]\n    return [datetime.fromisoformat(t) for t in texts]\n"},
}  # fmt: skip


@pytest.mark.parametrize("files", CODES.values(), ids=CODES.keys())
def test_a_local_time_becomes_the_utc_that_the_code_has_always_got(tmp_path, files):
    dossier = dossier_of(tmp_path, files, UTC, LOCAL)
    before = result_of(tmp_path, UTC)
    apply(tmp_path, RulesAgent().propose(dossier))
    assert result_of(tmp_path, LOCAL) == before == result_of(tmp_path, UTC)


@pytest.mark.parametrize("files", SILENT.values(), ids=SILENT.keys())
def test_a_place_that_is_not_the_only_one_is_left_alone(tmp_path, files):
    assert RulesAgent().propose(dossier_of(tmp_path, files, UTC, LOCAL)).change is None
