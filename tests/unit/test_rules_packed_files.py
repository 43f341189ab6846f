"""Files that come packed with gzip beside where they were."""

from __future__ import annotations

import datetime as dt
import gzip
import pathlib

import pytest
from failing_pipeline import KEY, apply, dossier_of, failure_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.context.landed_moves import MOVED, moves
from airflow_agentic.records import Evidence, Trust
from airflow_agentic.tracebacks import parse_tracebacks, root_error

READS = {
    "open": "    with open(f'{folder}/north/{day}.csv', newline='') as feed:\n        return feed.read()\n",
    "open with a mode": "    with open(f'{folder}/north/{day}.csv', 'r', encoding='utf-8') as feed:\n        return feed.read()\n",
    "the method of a path": "    with (pathlib.Path(folder) / 'north' / f'{day}.csv').open(encoding='utf-8') as feed:\n        return feed.read()\n",
    "all of its text": "    return pathlib.Path(folder, 'north', f'{day}.csv').read_text(encoding='utf-8')\n",
    "bytes": "    with open(f'{folder}/north/{day}.csv', 'rb') as feed:\n        return feed.read().decode()\n",
}


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_a_file_is_read_plain_or_packed(tmp_path: pathlib.Path, read: str):
    code = f"import pathlib\n\ndef main(given):\n    folder, day = given\n{read}"
    north = tmp_path / "data/north"
    north.mkdir(parents=True)
    (north / "2026-11-01.csv").write_text("a,b\n1,2\n")
    with gzip.open(north / "2026-11-02.csv.gz", "wt") as out:
        out.write("a,b\n3,4\n")
    good, bad = ((str(tmp_path / "data"), day) for day in ("2026-11-01", "2026-11-02"))
    (tmp_path / "main.py").write_text(code)
    printed = failure_of(tmp_path, bad)
    error = root_error(KEY, parse_tracebacks(str(printed).splitlines()))
    form = "north/{Y}-{m}-{d}.csv"
    told = Evidence(
        id="E2", source="landed", title=f"{MOVED}{form} → {form}.gz", body="", observed_at="", trust=Trust.UNTRUSTED
    )
    apply(
        tmp_path,
        RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, None, None, error=error, evidence=(told,))),
    )
    assert result_of(tmp_path, bad) == "a,b\n3,4\n"
    assert result_of(tmp_path, good) == "a,b\n1,2\n"


def test_a_packed_file_is_the_plain_one_of_the_day_before_and_of_its_own_folder_only():
    names = ["north/2026-11-01.csv", "north/2026-11-02.csv.gz", "south/2026-11-01.csv", "east/2026-11-02.csv.gz"]
    failing, good = dt.datetime(2026, 11, 2), dt.datetime(2026, 11, 1)  # noqa: DTZ001 - names hold no zone
    found = moves(names, failing, good)
    assert [(one.was, one.now) for one in found] == [("north/2026-11-01.csv", "north/2026-11-02.csv.gz")]
