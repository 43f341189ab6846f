"""A file that says how many lines it has and broke off before: its day is held back, and no code is changed for it."""

from __future__ import annotations

import gzip
import pathlib
from dataclasses import replace

import pytest
from failing_pipeline import an_error, dossier_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.context.landed import LandedSource
from airflow_agentic.context.landed_cuts import broken_off
from airflow_agentic.records import Action, Category, SourceReport
from airflow_agentic.testing.targets import a_target


def _pipes(day: str, lines: int) -> str:
    body = [f"{600 + n}|A-{n:02}|{n * 3}|{day}" for n in range(lines)]
    return "\n".join([f"H|{day}|{lines}", *body, f"T|{lines}"]) + "\n"


def _rows(lines: int) -> str:
    return "sku,place,pieces\n" + "".join(f"{n + 1},A{n},{n % 4}\n" for n in range(lines)) + f"#END,{lines}\n"


def _json(lines: int) -> str:
    return f'{{"count": {lines}, "kind": "head"}}\n' + "".join(f'{{"sku": {n}}}\n' for n in range(lines))


PIPES, ROWS = _pipes("2026-11-02", 48), _rows(40)
TORN = {
    "a header, within a line": (PIPES[:400], _pipes("2026-11-01", 50), "announces 48 lines"),
    "a header, at the end of a line": (PIPES[: PIPES.index("620|")], _pipes("2026-11-01", 50), "announces 48 lines"),
    "a trailer alone": (ROWS[: ROWS.index("\n30,") + 5], _rows(38), "the last line, which says"),
    "JSON lines": (_json(30)[:203], _json(28), "announces 30 lines"),
    "line ends of Windows": (
        PIPES[:400].replace("\n", "\r\n"),
        _pipes("2026-11-01", 50).replace("\n", "\r\n"),
        "announces 48",
    ),
}
WHOLE = {
    "all came": (PIPES, _pipes("2026-11-01", 50)),
    "all came but the last line's end": (PIPES.rstrip(), _pipes("2026-11-01", 50)),
    "fewer, and it says so": (_pipes("2026-11-02", 9), _pipes("2026-11-01", 50)),
    "no line says a count": ("sku,n\n" + "7,1\n" * 9 + "8,", "sku,n\n" + "7,1\n" * 20),
    "a number that happens to be the count": ("".join(f"{n},x\n" for n in range(9)) + "9,", "".join(f"{n},x\n" for n in range(20))),
    "a day that happens to be the count": (_pipes("2026-11-28", 9).rstrip(), "H|2026-11-27|x\n" + "7|x\n" * 26),
    "another layout": ("a;b;c\n1;2;3\n4;5;6", _rows(40)[: _rows(40).index("#")]),
}  # fmt: skip


@pytest.mark.parametrize(("failing", "good", "words"), TORN.values(), ids=TORN.keys())
def test_a_file_that_broke_off_before_its_count_is_told(failing: str, good: str, words: str):
    assert words in str(broken_off(failing, good))


@pytest.mark.parametrize(("failing", "good"), WHOLE.values(), ids=WHOLE.keys())
def test_a_file_that_promises_no_more_than_came_is_not_cut_off(failing: str, good: str):
    assert broken_off(failing, good) is None


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "said",
    ["ValueError: not enough values to unpack (expected 4, got 2)", "ValueError: invalid literal for int() with base 10: ''", "IndexError: list index out of range"],
    ids=["unpacked", "converted", "by place"],
)  # fmt: skip
def test_the_day_of_a_file_that_broke_off_is_held_back(tmp_path: pathlib.Path, said: str, packed: bool):
    for day, text in (("2026-11-01", _pipes("2026-11-01", 50)), ("2026-11-02", PIPES[:400])):
        data = gzip.compress(text.encode()) if packed else text.encode()
        (tmp_path / f"stock_{day}.txt{'.gz' if packed else ''}").write_bytes(data)
    report = LandedSource((str(tmp_path),)).read(a_target(), SourceReport())
    name, _, message = said.partition(": ")
    dossier = dossier_of(tmp_path / "code", {"main.py": "x = 1\n"}, None, None, error=an_error(name, message))
    found = RulesAgent().propose(replace(dossier, gaps=report.gaps, shapes=report.shapes))
    assert found.change is None
    assert (found.diagnosis.action, found.diagnosis.category) == (Action.QUARANTINE, Category.BAD_DATA)
