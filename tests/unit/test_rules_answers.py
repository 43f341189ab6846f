"""An answer that broke off while the data is whole passes by itself; a file or a field that is broken does not."""

from __future__ import annotations

import pathlib
from dataclasses import replace
from typing import Any

import pytest
from failing_pipeline import KEY, dossier_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Action, Category, Diagnosis, Dossier, Evidence, Frame, Gap, TaskError, Trust
from airflow_agentic.tracebacks import fingerprint

ROWS = [{"no": n, "kw": 3 + n} for n in range(6)]
ASKED = {
    "urllib": "with urllib.request.urlopen(url) as reply:\n    return json.load(reply)",
    "requests": "return requests.get(url, timeout=9).json()",
    "a hook": "reply = HttpHook(http_conn_id='api').run(path)\nreturn json.loads(reply.text)",
}
MESSAGES = {
    "in a text": ("json.decoder.JSONDecodeError", "Unterminated string starting at: line 9 column 2 (char 90)"),
    "a page instead": ("requests.exceptions.JSONDecodeError", "Expecting value: line 1 column 1 (char 0)"),
    "in a stream": ("EOFError", "Compressed file ended before the end-of-stream marker was reached"),
}


def _said(folder: pathlib.Path, source: str, message: tuple[str, str], *, bad: Any = ROWS, gap: str = "") -> Diagnosis:
    last = source.splitlines()[-1].strip()
    frame = Frame(path="/opt/repo/main.py", line=4, function="main", code=last)
    error = TaskError(
        task=KEY, error_class=message[0], message=message[1], frames=(frame,), fingerprint=fingerprint(*message, ())
    )
    shown = Evidence(
        id="E7", source="code", title="Source of main.py around line 4", body=source, observed_at="", trust=Trust.REPOSITORY, path="main.py"
    )  # fmt: skip
    dossier = dossier_of(folder, {"main.py": "x = 1\n"}, ROWS, bad, error=error, evidence=(shown,))
    return RulesAgent().propose(replace_gaps(dossier, gap)).diagnosis


def replace_gaps(dossier: Dossier, reason: str) -> Dossier:

    return replace(dossier, gaps=(Gap(source="landed", reason=reason),) if reason else ())


@pytest.mark.parametrize("source", ASKED.values(), ids=ASKED.keys())
@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES.keys())
def test_an_answer_that_broke_off_is_asked_again_where_the_data_is_whole(
    tmp_path: pathlib.Path, source: str, message: tuple[str, str]
):
    said = _said(tmp_path, source, message)
    assert (said.action, said.category) == (Action.RETRY, Category.TRANSIENT_UPSTREAM)


@pytest.mark.parametrize(
    ("source", "more"),
    [
        ("with open(path) as text:\n    return json.load(text)", {}),
        ("reply = requests.get(url)\nreturn [json.loads(r['meta']) for r in reply.json()]", {}),
        (ASKED["urllib"], {"gap": "'feed/2026-11-02.json' is malformed JSON at line 9"}),
        (ASKED["urllib"], {"bad": [{"no": n, "power": {"kw": n}} for n in range(6)]}),
    ],
    ids=["a file", "a text within a record", "data that is cut off itself", "data of another shape"],
)
def test_what_stays_broken_is_not_asked_again(tmp_path: pathlib.Path, source: str, more: dict[str, Any]):
    assert _said(tmp_path, source, MESSAGES["in a text"], **more).action is not Action.RETRY
