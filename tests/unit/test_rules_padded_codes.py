"""Identifiers that lost the noughts in front of them, or got some, where something is joined by the form of before."""

from __future__ import annotations

import json
import pathlib

import pytest
from failing_pipeline import KEY, apply, dossier_of, failure_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.context.landed_files import read_file
from airflow_agentic.records import Proposal
from airflow_agentic.shapes import shape
from airflow_agentic.tracebacks import parse_tracebacks, root_error

NUMBERS = (88, 417, 951, 1032, 12044)
FULL, PLAIN = [f"{n:05}" for n in NUMBERS], [str(n) for n in NUMBERS]
STORES = "import csv, json, os, pathlib\n\nREF = pathlib.Path('HERE') / 'reference' / 'shops.csv'\n\n\ndef shops():\n    with REF.open() as lines:\n        return {row['shop_no']: row['region'] for row in csv.DictReader(lines)}\n\n\n"
CHECK = "\n\ndef main(given):\n    made = [(shops().get(shop), n) for shop, n in read(*given)]\n    lost = [m for m in made if m[0] is None]\n    if lost:\n        raise ValueError(f'{len(lost)} shops without a region')\n    return made\n"
LOOKUP = "\n\ndef main(given):\n    known = shops()\n    return [(known[shop], n) for shop, n in read(*given)]\n"
CSV = "def read(folder, day):\n    with open(f'{folder}/sales_{day}.csv', newline='') as lines:\n        return [(row['shop_no'], int(row['n'])) for row in csv.DictReader(lines)]\n"
FRAME = "def read(folder, day):\n    import pandas as pd\n    sales = pd.read_csv(f'{folder}/sales_{day}.csv', dtype={'shop_no': str})\n    return list(zip(sales['shop_no'], sales['n'].tolist()))\n"
JSON = "def read(folder, day):\n    sales = json.loads((pathlib.Path(folder) / f'sales_{day}.json').read_text())\n    return [(row['shop_no'], row['n']) for row in sales]\n"
STYLES = {
    "rows of csv and a check": (CSV + CHECK, "csv", FULL, PLAIN, FULL),
    "rows of csv and a look-up": (CSV + LOOKUP, "csv", FULL, PLAIN, FULL),
    "a frame of text": (FRAME + CHECK, "csv", FULL, PLAIN, FULL),
    "texts of JSON": (JSON + CHECK, "json", FULL, PLAIN, FULL),
    "csv that got noughts": (CSV + LOOKUP, "csv", PLAIN, FULL, PLAIN),
    "a frame that got noughts": (FRAME + CHECK, "csv", PLAIN, FULL, PLAIN),
    "JSON that got noughts": (JSON + CHECK, "json", PLAIN, FULL, PLAIN),
}


@pytest.mark.parametrize(("code", "kind", "was", "now", "held"), STYLES.values(), ids=STYLES.keys())
def test_an_identifier_gets_the_form_that_the_reference_has(tmp_path, code, kind, was, now, held):  # type: ignore[no-untyped-def]
    good, bad, proposal = _proposed(tmp_path, code, kind, (was, now, held))
    apply(tmp_path / "repo", proposal)
    want = [(f"R{n % 5 % 2}", n) for n in range(10)]
    assert result_of(tmp_path / "repo", good) == want == result_of(tmp_path / "repo", bad)


OTHER = ["90001", "90002", "90003", "90004", "90005"]
LEFT = {
    "the reference has no noughts": (JSON + CHECK, "json", OTHER, ["1", "2", "3", "4", "5"], OTHER),
    "two calls read such data": (CSV + CSV.replace("def read", "def again") + CHECK, "csv", FULL, PLAIN, FULL),
    "widths differed before": (CSV + CHECK, "csv", ["088", "0417", "0951", "1032", "12044"], PLAIN, ["088", "0417", "0951", "1032", "12044"]),
    "the new ones are no digits": (CSV + CHECK, "csv", FULL, [f"S{n}" for n in NUMBERS], FULL),
    "the new ones are longer": (CSV + CHECK, "csv", FULL, [*PLAIN[:4], "120440"], FULL),
}  # fmt: skip


@pytest.mark.parametrize(("code", "kind", "was", "now", "held"), LEFT.values(), ids=LEFT.keys())
def test_identifiers_whose_form_nothing_settles_are_left(tmp_path, code, kind, was, now, held):  # type: ignore[no-untyped-def]
    assert _proposed(tmp_path, code, kind, (was, now, held))[2].change is None


def _proposed(  # type: ignore[no-untyped-def]
    folder: pathlib.Path, code: str, kind: str, of: tuple[list[str], list[str], list[str]]
) -> tuple[tuple[str, str], tuple[str, str], Proposal]:
    was, now, held = of
    repo, landed = folder / "repo", folder / "landed"
    (repo / "reference").mkdir(parents=True)
    landed.mkdir()
    table = "shop_no,region\n" + "".join(f"{key},R{n % 2}\n" for n, key in enumerate(held))
    shapes = []
    for day, keys, role in (("2026-11-01", was, "good"), ("2026-11-02", now, "failing")):
        rows = [{"shop_no": keys[n % 5], "n": n} for n in range(10)]
        path = landed / f"sales_{day}.{kind}"
        path.write_text(
            json.dumps(rows) if kind == "json" else "shop_no,n\n" + "".join(f"{r['shop_no']},{r['n']}\n" for r in rows)
        )
        (data,) = read_file(str(path), max_bytes=100_000)
        shapes.append(shape(data.records, name=f"sales_{{ds}}.{kind}", interval=day, role=role))
    files = {"main.py": (STORES + code).replace("HERE", str(repo)), "reference/shops.csv": table}
    for name, text in files.items():
        (repo / name).write_text(text)
    good, bad = (str(landed), "2026-11-01"), (str(landed), "2026-11-02")
    assert failure_of(repo, good) is None
    error = root_error(KEY, parse_tracebacks(str(failure_of(repo, bad)).splitlines()))
    dossier = dossier_of(repo, files, None, None, error=error, more=tuple(shapes))
    return good, bad, RulesAgent().propose(dossier)
