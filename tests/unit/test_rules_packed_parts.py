"""Parts of a day that come packed with gzip, which a pattern no longer finds and nobody says so."""

from __future__ import annotations

import gzip
import pathlib

import pytest
from failing_pipeline import KEY, apply, dossier_of, failure_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.context.landed_moves import MOVED
from airflow_agentic.records import Evidence, Proposal, Trust
from airflow_agentic.tracebacks import parse_tracebacks, root_error

HEAD = "import glob, json, os, pathlib\nfrom pathlib import Path\n\n"
CHOSEN = {
    "names of a folder": "def read(folder, day):\n    for name in sorted(os.listdir(f'{folder}/{day}')):\n        if name.endswith('.txt'):\n            with open(os.path.join(folder, day, name)) as lines:\n                yield from lines.read().split()\n",
    "paths of a folder": "def read(folder, day):\n    found = [p for p in Path(folder, day).iterdir() if p.name.endswith('.txt')]\n    for part in found:\n        yield from part.read_text().split()\n",
}  # fmt: skip
CHECK = "\ndef main(given):\n    rows = list(read(*given))\n    if not rows:\n        raise RuntimeError('no rows')\n    return sorted(rows)\n"
STYLES = {
    "a path's glob": "def read(folder, day):\n    for part in sorted(Path(folder, day).glob('part-*.txt')):\n        with part.open(encoding='utf-8') as lines:\n            yield from (line.strip() for line in lines)\n",
    "glob of a filled text": 'def read(folder, day):\n    found = sorted(glob.glob(f"{folder}/{day}/part-*.txt"))\n    return [line for name in found for line in open(name).read().split()]\n',
    "glob of a joined path": "def read(folder, day):\n    for name in glob.glob(os.path.join(folder, day, '*.txt')):\n        with open(name, encoding='utf-8') as lines:\n            yield from lines.read().split()\n",
    "a function that lists": "def parts(folder, day):\n    return sorted((Path(folder) / day).glob('*.txt'))\n\ndef read(folder, day):\n    for part in parts(folder, day):\n        yield from part.read_text().split()\n",
    "a function that opens": "def lines_of(path):\n    with open(path) as lines:\n        return lines.read().split()\n\ndef read(folder, day):\n    rows = []\n    for part in Path(folder, day).glob('part-*.txt'):\n        rows += lines_of(part)\n    return rows\n",
    "a function that is mapped": "def lines_of(path):\n    return path.read_text().split()\n\ndef read(folder, day):\n    return [row for rows in map(lines_of, Path(folder, day).glob('part-*.txt')) for row in rows]\n",
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("read", STYLES.values(), ids=STYLES.keys())
def test_parts_are_listed_and_read_plain_or_packed_and_none_twice(tmp_path: pathlib.Path, read: str):
    good, bad = _landed(tmp_path)
    apply(tmp_path, _proposed(tmp_path, HEAD + read + CHECK, bad))
    assert result_of(tmp_path, good) == ["a0", "a1"]
    assert result_of(tmp_path, bad) == ["b0", "b1"]
    (tmp_path / "2026-11-02/part-0.txt").write_text("b0\n")
    assert result_of(tmp_path, bad) == ["b0", "b1"]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("read", CHOSEN.values(), ids=CHOSEN.keys())
def test_names_that_are_chosen_by_their_end_are_chosen_packed_too(tmp_path: pathlib.Path, read: str):
    good, bad = _landed(tmp_path)
    apply(tmp_path, _proposed(tmp_path, HEAD + read + CHECK, bad))
    assert result_of(tmp_path, good) == ["a0", "a1"]
    assert result_of(tmp_path, bad) == ["b0", "b1"]


OPEN = {
    "two patterns list them": STYLES["a path's glob"] + "\ndef names(folder):\n    return list(Path(folder).glob('*.txt'))\n",
    "the pattern's end is not spelt": STYLES["a path's glob"].replace("'part-*.txt'", "'part-*' + os.environ.get('KIND', '.txt')"),
    "other files are listed": STYLES["a path's glob"].replace("part-", "page-"),
    "nothing opens them": "def read(folder, day):\n    for part in Path(folder, day).glob('part-*.txt'):\n        yield os.stat(part).st_size\n",
}  # fmt: skip


@pytest.mark.parametrize("read", OPEN.values(), ids=OPEN.keys())
def test_a_listing_that_is_not_sure_is_left(tmp_path: pathlib.Path, read: str):
    _, bad = _landed(tmp_path)
    assert _proposed(tmp_path, HEAD + read + CHECK, bad).change is None


def _landed(folder: pathlib.Path) -> tuple[tuple[str, str], tuple[str, str]]:
    for day in ("2026-11-01", "2026-11-02"):
        (folder / day).mkdir()
    for number in range(2):
        (folder / f"2026-11-01/part-{number}.txt").write_text(f"a{number}\n")
        with gzip.open(folder / f"2026-11-02/part-{number}.txt.gz", "wt") as out:
            out.write(f"b{number}\n")
    return (str(folder), "2026-11-01"), (str(folder), "2026-11-02")


def _proposed(folder: pathlib.Path, code: str, bad: tuple[str, str]) -> Proposal:
    (folder / "main.py").write_text(code)
    printed = failure_of(folder, bad) or "Traceback (most recent call last):\nRuntimeError: no rows"
    error = root_error(KEY, parse_tracebacks(printed.splitlines()))
    forms = [f"{{Y}}-{{m}}-{{d}}/part-{number}.txt" for number in range(2)]
    told = tuple(
        Evidence(id="E2", source="landed", title=f"{MOVED}{f} → {f}.gz", body="", observed_at="", trust=Trust.UNTRUSTED)
        for f in forms
    )
    return RulesAgent().propose(dossier_of(folder, {"main.py": code}, None, None, error=error, evidence=told))
