"""A day that comes in pages now: all of them are read, from the same host and below the same root, and they end."""

from __future__ import annotations

import json
import pathlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from failing_pipeline import an_error, apply, dossier_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import DataShape, Proposal
from airflow_agentic.shapes import shape

ROWS = [{"tag": f"T{n}", "litres": 5 + n} for n in range(11)]
PARTS = (ROWS[:5], ROWS[5:10], ROWS[10:])
COUNT = "\n\ndef main(base):\n    return sorted(r['tag'] for r in fetch(base)['rows'])\n"
URLLIB = (
    "import json\nimport urllib.request\n\n\ndef fetch(base):\n    url = f'{base}/taps/2026-11-02.json'\n"
    "    with urllib.request.urlopen(url, timeout=5) as reply:\n        return json.load(reply)\n"
)
REQUEST = (
    "import json\nfrom urllib.request import Request, urlopen\n\n\ndef fetch(base):\n"
    "    asked = Request(base + '/taps/2026-11-02.json?site=7', headers={'X-Team': 'water'})\n"
    "    return json.loads(urlopen(asked, timeout=5).read())\n"
)
REQUESTS = (
    "import requests\n\nsession = requests.Session()\n\n\ndef fetch(base):\n    reply = session.get(f'{base}/taps/2026-11-02.json', timeout=5)\n"
    "    reply.raise_for_status()\n    return reply.json()\n"
)
STYLES: dict[str, Any] = {
    "whole addresses": lambda base, n: {"links": {"next": f"{base}/taps/2026-11-02/{n + 1}.json"}},
    "paths of the host": lambda base, n: {"next_url": f"/taps/2026-11-02/{n + 1}.json"},
    "paths from the root": lambda base, n: {"next": f"taps/2026-11-02/{n + 1}.json"},
    "names beside the first": lambda base, n: {"next_page": f"2026-11-02_{n + 1}.json"},
    "a token": lambda base, n: {"next_cursor": f"c{n + 1}Fq", "count": 11},
    "a token in an object": lambda base, n: {"meta": {"nextPageToken": f"c{n + 1}Fq"}},
}
COUNTED: dict[str, Any] = {
    "numbers": lambda n: {"page": n, "total_pages": 3},
    "numbers in an object": lambda n: {"meta": {"page": n, "pages": 3}},
    "offsets": lambda n: {"paging": {"offset": sum(map(len, PARTS[: n - 1])), "limit": 5, "total": 11}},
}
LAST: dict[str, Any] = {"links": {"next": None}, "next_url": None, "next": None, "meta": {}}


class _Pages(BaseHTTPRequestHandler):
    style = ""
    endless = False
    asked: list[str]

    def do_GET(self) -> None:
        parts, told = urlsplit(self.path), parse_qs(urlsplit(self.path).query)
        token = (told.get("cursor") or told.get("pageToken") or [""])[0]
        name = parts.path.rsplit("/", 1)[1].removesuffix(".json")
        number = (
            int(token[1])
            if token
            else int(name)
            if name.isdigit()
            else int(name.rpartition("_")[2])
            if "_" in name
            else 1
        )
        number = int(told["page"][0]) if "page" in told else number
        number = int(told["offset"][0]) // 5 + 1 if "offset" in told else number
        type(self).asked.append(f"{self.path} {self.headers.get('X-Team')}")
        body = json.dumps(
            _page(f"http://{self.headers['Host']}", type(self).style, number, endless=type(self).endless)
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _page(base: str, style: str, number: int, *, endless: bool = False) -> dict[str, Any]:
    rows = PARTS[(number - 1) % 3]
    if style in COUNTED:
        return {"rows": rows, **COUNTED[style](number)}
    if number < 3:
        return {"rows": rows, **STYLES[style](base, number)}
    told = STYLES[style](base, number)
    return {"rows": rows, **(STYLES[style](base, 0) if endless else {k: LAST.get(k) for k in told if k in LAST})}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_address[1]}"
    made.shutdown()
    made.server_close()


def _shapes(first: dict[str, Any], *, rows: int = 11, name: str = "taps/{ds}.json") -> tuple[DataShape, ...]:
    def one(records: list[Any], role: str, part: str = "") -> DataShape:
        return shape(records, name=name + part, interval="2026-11-02", role=role)

    around = " (envelope)"
    return (
        one(ROWS[:rows], "good"), one(first["rows"], "failing"), one([{"rows": []}], "good", around), one([{**first, "rows": []}], "failing", around),
    )  # fmt: skip


def _proposed(folder: pathlib.Path, code: str, first: dict[str, Any], **more: Any) -> Proposal:
    error = an_error("checks.CountError", "check taps_complete failed: expected 11, got 5", task_id="check_taps")
    return RulesAgent().propose(
        dossier_of(folder, {"main.py": code + COUNT}, None, None, error=error, more=_shapes(first, **more))
    )


def _run(folder: pathlib.Path, server: str, style: str, code: str, *, endless: bool = False) -> list[str]:
    _Pages.style, _Pages.endless, _Pages.asked = style, endless, []
    apply(folder, _proposed(folder, code, _page(server, style, 1)))
    return result_of(folder, server)  # type: ignore[no-any-return]


@pytest.mark.parametrize("style", [*STYLES, *COUNTED])
def test_all_pages_of_a_day_are_read(tmp_path: pathlib.Path, server: str, style: str):
    assert _run(tmp_path, server, style, URLLIB) == sorted(r["tag"] for r in ROWS)
    assert len(_Pages.asked) == 3


@pytest.mark.parametrize("code", [REQUEST, REQUESTS], ids=["a request with headers", "a session"])
def test_the_following_pages_are_asked_for_as_the_first_one_was(tmp_path: pathlib.Path, server: str, code: str):
    assert _run(tmp_path, server, "paths of the host", code) == sorted(r["tag"] for r in ROWS)
    asked = [line.rsplit(" ", 1) for line in _Pages.asked]
    assert len({team for _, team in asked}) == len({urlsplit(path).query for path, _ in asked}) == 1


@pytest.mark.parametrize("style", ["paths of the host", "a token"])
def test_pages_that_lead_back_to_themselves_are_an_error(tmp_path: pathlib.Path, server: str, style: str):
    with pytest.raises(ValueError, match="do not end") as told:
        _run(tmp_path, server, style, URLLIB, endless=True)
    assert server not in str(told.value)


def test_no_other_host_is_asked(tmp_path: pathlib.Path, server: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(
        STYLES, "whole addresses", lambda base, n: {"links": {"next": f"http://127.0.0.2:9/x/{n}.json"}}
    )
    with pytest.raises(ValueError, match="another host"):
        _run(tmp_path, server, "whole addresses", URLLIB)


def test_files_are_followed_below_their_root_and_no_further(tmp_path: pathlib.Path):
    code = "import json\n\n\ndef fetch(base):\n    with open(f'{base}/taps/2026-11-02.json', encoding='utf-8') as text:\n        return json.load(text)\n"
    for number, name in ((1, "taps/2026-11-02.json"), (2, "taps/2026-11-02/2.json"), (3, "taps/2026-11-02/3.json")):
        target = tmp_path / "landed" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(_page("", "paths from the root", number)))
    apply(tmp_path, _proposed(tmp_path, code, _page("", "paths from the root", 1)))
    assert result_of(tmp_path, str(tmp_path / "landed")) == sorted(r["tag"] for r in ROWS)
    (tmp_path / "landed/taps/2026-11-02.json").write_text(json.dumps({"rows": [], "next": "taps/../../main.py"}))
    with pytest.raises(ValueError, match="lead elsewhere"):
        result_of(tmp_path, str(tmp_path / "landed"))


def test_pages_that_the_code_follows_already_are_not_followed_twice(tmp_path: pathlib.Path):
    code = URLLIB.replace(
        "return json.load(reply)",
        "first = json.load(reply)\n    return first if not first.get('next') else more(first)",
    )
    assert _proposed(tmp_path, code, {"rows": ROWS[:5], "next": "/taps/2.json"}).change is None


LEFT = {
    "no more records than there are": ({"rows": ROWS[:5], "next": "/taps/2.json"}, {"rows": 5}),
    "all that it counts is there": ({"rows": ROWS[:5], "next": "/taps/2.json", "total": 5}, {}),
    "a next that is no page": ({"rows": ROWS[:5], "next_run": "/taps/2.json"}, {}),
    "a next day": ({"rows": ROWS[:5], "next": "2026-11-03"}, {}),
    "the only page": ({"rows": ROWS[:5], "page": 1, "total_pages": 1}, {}),
    "a token without a parameter": ({"rows": ROWS[:5], "next": "c2Fq"}, {}),
    "two ways": ({"rows": ROWS[:5], "next": "/taps/2.json", "next_cursor": "c2Fq"}, {}),
    "nothing said": ({"rows": ROWS[:5]}, {}),
}


@pytest.mark.parametrize(("first", "more"), LEFT.values(), ids=LEFT.keys())
def test_a_short_day_without_sure_pages_is_no_fault_of_the_code(
    tmp_path: pathlib.Path, first: dict[str, Any], more: dict[str, Any]
):
    assert _proposed(tmp_path, URLLIB, first, **more).change is None
