"""A day's file under another name or in another folder: found in the landed data, and looked for by the code."""

from __future__ import annotations

import datetime as dt
import pathlib

import pytest
from failing_pipeline import KEY, dossier_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.context.landed_moves import MOVED, filled, moves, spread
from airflow_agentic.records import Evidence, Frame, Proposal, TaskError, Trust
from airflow_agentic.tracebacks import fingerprint

GOOD, FAILING = dt.datetime(2026, 11, 1), dt.datetime(2026, 11, 2)  # noqa: DTZ001 - names hold no zone
ISO = "{Y}-{m}-{d}"


@pytest.mark.parametrize(
    ("was", "now", "new"),
    [
        (
            "clicks/clicks_2026-11-01.csv",
            "clicks/2026/11/clicks_2026-11-02.csv",
            f"clicks/{{Y}}/{{m}}/clicks_{ISO}.csv",
        ),
        ("a/orders_2026-11-01_001.csv", "a/orders_20261102_001.csv", "a/orders_{Y}{m}{d}_001.csv"),
        ("orders-2026-11-01.json", "2026-11-02/Orders.json", f"{ISO}/Orders.json"),
        ("year=2026/month=11/day=01/x.csv", "2026/11/02/x.csv", "{Y}/{m}/{d}/x.csv"),
    ],
)
def test_a_file_that_is_elsewhere_since_the_good_day_is_one_that_moved(was: str, now: str, new: str):
    (move,) = moves([was, now, "other.csv"], FAILING, GOOD)
    assert (move.was, move.now, move.new) == (was, now, new)
    assert filled(move.old, GOOD) == was
    assert filled(spread(now, FAILING), FAILING) == now


@pytest.mark.parametrize(
    "names",
    [
        ["orders_2026-11-01.csv", "orders_2026-11-02_part1.csv"],
        ["orders_2026-11-01.csv", "orders_20261102.csv.tmp"],
        ["orders_2026-11-01.csv", "returns_20261102.csv"],
        ["orders_2026-11-01.csv", "orders_2026-11-02.csv", "orders_20261102.csv"],
        ["orders_2026-11-01.csv", "orders_20261102.csv", "orders-20261102.csv"],
        ["orders_2026-11-01.csv", "orders_20261101.csv", "orders_20261102.csv"],
    ],
    ids=["a part", "not finished", "another feed", "both names", "two takers", "there before"],
)
def test_what_may_be_another_file_has_not_moved(names: list[str]):
    assert moves(names, FAILING, GOOD) == ()


def proposed(folder: pathlib.Path, code: str, error_class: str, message: str, told: str) -> Proposal:
    line = next(n for n, text in enumerate(code.splitlines(), 1) if "day" in text and "def" not in text)
    frame = Frame(path=str(folder / "main.py"), line=line, function="rows", code="")
    error = TaskError(
        task=KEY, error_class=error_class, message=message, frames=(frame,), chain=(),
        fingerprint=fingerprint(error_class, message, (frame,)),
    )  # fmt: skip
    seen = Evidence(id="E9", source="landed", title=MOVED + told, body="", observed_at="", trust=Trust.UNTRUSTED)
    return RulesAgent().propose(dossier_of(folder, {"main.py": code}, None, None, error=error, evidence=(seen,)))


OPENED = "import json\n\ndef rows(root, day):\n    return json.loads((root / f'orders_{day}.json').read_text())\n"
LISTED = "import glob\n\ndef rows(root, day):\n    return sorted(glob.glob(f'{root}/orders_{day}_*.json'))[-1]\n"
TO_COMPACT = f"orders_{ISO}.json → orders_{{Y}}{{m}}{{d}}.json"


def changed(proposal: Proposal) -> str:
    assert proposal.change is not None, proposal.diagnosis.root_cause
    return str(proposal.change.edits[0].after)


def test_a_file_under_another_name_is_opened_and_one_under_the_old_name_first(tmp_path: pathlib.Path):
    missing = "[Errno 2] No such file or directory: '/in/orders_2026-11-02.json'"
    space: dict = {}
    exec(changed(proposed(tmp_path, OPENED, "FileNotFoundError", missing, TO_COMPACT)), space)
    (tmp_path / "orders_20261102.json").write_text("[2]")
    (tmp_path / "orders_2026-11-01.json").write_text("[1]")
    assert [space["rows"](tmp_path, day) for day in ("2026-11-01", "2026-11-02")] == [[1], [2]]


def test_files_are_listed_by_the_new_form_of_the_day_where_the_old_one_finds_none(tmp_path: pathlib.Path):
    told = f"orders_{ISO}_001.json → orders_{{Y}}{{m}}{{d}}_001.json"
    space: dict = {}
    exec(changed(proposed(tmp_path, LISTED, "IndexError", "list index out of range", told)), space)
    for name in ("orders_20261102_001.json", "orders_20261102_002.json", "orders_2026-11-01_001.json"):
        (tmp_path / name).write_text("")
    found = [space["rows"](tmp_path, day).rpartition("/")[2] for day in ("2026-11-01", "2026-11-02")]
    assert found == ["orders_2026-11-01_001.json", "orders_20261102_002.json"]


@pytest.mark.parametrize(
    "told",
    [
        "returns_{Y}-{m}-{d}.json → returns_{Y}{m}{d}.json",
        'orders_{Y}-{m}-{d}.json → x"+evil()+"{Y}{m}{d}.json',
        f"orders_{ISO}.json → ../{{Y}}{{m}}{{d}}.json",
    ],
    ids=["another file", "a name that is code", "outside"],
)
def test_nothing_is_read_that_is_not_that_file(tmp_path: pathlib.Path, told: str):
    missing = "[Errno 2] No such file or directory: '/in/orders_2026-11-02.json'"
    assert proposed(tmp_path, OPENED, "FileNotFoundError", missing, told).change is None
