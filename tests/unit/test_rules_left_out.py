"""Records that leave out 0, false and empty texts, as proto3 JSON does: the default comes back, and nothing else does."""

import pytest
from failing_pipeline import apply, dossier_of, result_of

from airflow_agentic.agents.rules import RulesAgent

FULL = [
    {"dive_id": f"D{i}", "pilot": "Ada" if i % 2 else "Bo", "depth_m": 20.5 * i, "alarms": i % 3, "night": i % 2 == 0, "remark": "" if i % 4 else "cold"}
    for i in range(1, 9)
]  # fmt: skip
SPARSE = [{k: v for k, v in row.items() if v} for row in FULL]
PROTO = 'syntax = "proto3";\n// A dive.\nmessage Dive {\n  string dive_id = 1;\n  string pilot = 2;\n  double depth_m = 3;\n  int32 alarms = 4;\n  bool night = 5;\n  string remark = 6;\n}\n'
PARSED = "import json\n\ndef rows_of(rows):\n    return json.loads(json.dumps({'dives': rows}))['dives']\n\n"
KEYS = (
    PARSED
    + "def main(rows):\n    return [(r['dive_id'], r['alarms'] + 1, not r['night'], r['remark'].upper()) for r in rows_of(rows)]\n"
)
CLASS = (
    PARSED
    + "from dataclasses import astuple, dataclass\n\n@dataclass\nclass Dive:\n    dive_id: str\n    pilot: str\n    depth_m: float\n    alarms: int\n    night: bool\n    remark: str\n\ndef main(rows):\n    return [astuple(Dive(**r)) for r in rows_of(rows)]\n"
)
ORDER = (
    PARSED
    + "def main(rows):\n    found = []\n    for r in rows_of(rows):\n        r['remark'] = r['remark'].strip()\n        found.append(tuple(r.values()))\n    return found\n"
)
MODEL = (
    PARSED
    + "from pydantic import BaseModel\n\nclass Dive(BaseModel):\n    dive_id: str\n    alarms: int\n    night: bool\n    remark: str\n\ndef main(rows):\n    return [Dive.model_validate(r).model_dump() for r in rows_of(rows)]\n"
)
BYTES = "import json\nfrom pydantic import BaseModel, TypeAdapter\n\nclass Dive(BaseModel):\n    dive_id: str\n    alarms: int\n    night: bool  # after sunset\n    remark: str\n\ndef main(rows):\n    return [d.model_dump() for d in TypeAdapter(list[Dive]).validate_json(json.dumps(rows))]\n"
CAMEL = PROTO.replace("depth_m", "depth_in_m").replace("depth_in_m = 3", 'depth_in_m = 3 [json_name = "depth_m"]')
FIXED = {
    "literal keys and a proto": ({"main.py": KEYS, "api/dive.proto": PROTO}, SPARSE),
    "a dataclass and a proto": ({"main.py": CLASS, "api/dive.proto": CAMEL}, SPARSE),
    "values by their order": ({"main.py": ORDER, "api/dive.proto": PROTO}, SPARSE),
    "a pydantic model, and the data alone": ({"main.py": MODEL}, SPARSE),
    "a pydantic model that takes the text": ({"main.py": BYTES, "api/dive.proto": PROTO}, SPARSE),
    "one field that a proto knows": ({"main.py": CLASS, "api/dive.proto": PROTO}, [{k: v for k, v in r.items() if v or k != "night"} for r in FULL]),
}  # fmt: skip
HELD = {
    "a field that may be absent": ({"main.py": KEYS, "api/dive.proto": PROTO.replace("string remark", "optional string remark")}, SPARSE),
    "one field, and no document": ({"main.py": CLASS}, [{k: v for k, v in r.items() if v or k != "night"} for r in FULL]),
    "noughts that are still written": ({"main.py": CLASS}, [{k: v for n, (k, v) in enumerate(r.items()) if n < 4 or i % 2} for i, r in enumerate(FULL)]),
    "one that never was nought, whatever a document says": ({"main.py": CLASS, "api/dive.proto": PROTO}, [{k: v for k, v in r.items() if i % 2 or k != "depth_m"} for i, r in enumerate(FULL)]),
    "a field that is new beside them": ({"main.py": CLASS, "api/dive.proto": PROTO}, [{**r, "note": "cold"} for r in SPARSE]),
}  # fmt: skip


@pytest.mark.parametrize(("files", "bad"), FIXED.values(), ids=FIXED.keys())
def test_what_is_left_out_at_its_default_comes_back(tmp_path, files, bad):
    dossier = dossier_of(tmp_path, files, FULL, bad)
    before = result_of(tmp_path, FULL)
    apply(tmp_path, RulesAgent().propose(dossier))
    assert result_of(tmp_path, bad) == before == result_of(tmp_path, FULL)


@pytest.mark.parametrize(("files", "bad"), HELD.values(), ids=HELD.keys())
def test_what_may_be_missing_for_another_reason_is_not_made_up(tmp_path, files, bad):
    change = RulesAgent().propose(dossier_of(tmp_path, files, FULL, bad)).change
    assert change is None or "with_defaults" not in change.diff
