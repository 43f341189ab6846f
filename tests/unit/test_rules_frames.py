"""Pipelines on pandas frames: the frame is given the known names where it is read."""

from dataclasses import replace

import pytest
from failing_pipeline import KEY, apply, dossier_of, failure_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.context.landed_files import parse
from airflow_agentic.shapes import shape
from airflow_agentic.tracebacks import parse_tracebacks, root_error

pytest.importorskip("pandas")
GOOD = [{"order_id": f"O{i}", "customer_id": f"C-000{i}", "amount": 10.5 + i} for i in range(6)]
BAD = [{"order_id": o["order_id"], "customerId": o["customer_id"], "amount": o["amount"]} for o in GOOD]
READ = "import pandas as pd\n\ndef main(rows):\n    df = pd.DataFrame(rows)\n"
CSV = "import io\nimport pandas as pd\n\ndef text(rows):\n    keys = list(rows[0])\n    return io.StringIO('\\n'.join([','.join(keys), *(','.join(str(r[k]) for k in keys) for r in rows)]))\n\n"
STYLES = {
    "column": READ + "    return df['customer_id'].tolist()\n",
    "columns": READ + "    return df[['order_id', 'customer_id']].values.tolist()\n",
    "group by": READ + "    return df.groupby('customer_id')['amount'].sum().to_dict()\n",
    "iterrows": READ + "    return [(r['order_id'], r['customer_id']) for _, r in df.iterrows()]\n",
    "attribute": READ + "    return df.customer_id.tolist()\n",
    "usecols": CSV
    + "def main(rows):\n    df = pd.read_csv(text(rows), usecols=['order_id', 'customer_id'], dtype={'customer_id': str})\n    return df.sort_values('customer_id').order_id.tolist()\n",
    "another function": "import pandas as pd\n\ndef load(rows):\n    return pd.DataFrame(rows)\n\ndef report(df):\n    return df['customer_id'].nunique()\n\ndef main(rows):\n    return report(load(rows))\n",
}


@pytest.mark.parametrize("code", STYLES.values(), ids=STYLES.keys())
def test_a_renamed_column_of_a_frame_is_read_in_both_forms(tmp_path, code):
    dossier = dossier_of(tmp_path, {"main.py": code}, GOOD, BAD)
    before = result_of(tmp_path, GOOD)
    apply(tmp_path, RulesAgent().propose(dossier))
    assert failure_of(tmp_path, BAD) is None
    assert result_of(tmp_path, BAD) == before == result_of(tmp_path, GOOD)


JOIN = "import pandas as pd\n\nDEPOTS = pd.DataFrame({'zip': [4020, 4600], 'depot': ['Linz', 'Wels']})\n\ndef main(rows):\n    frame = pd.DataFrame(rows)\n    return frame.merge(DEPOTS, on='zip', how='left')[['id', 'depot']].values.tolist()\n"
SUM = "import pandas as pd\n\ndef main(rows):\n    frame = pd.DataFrame(rows)\n    return round(float((frame['n'] * frame['price']).sum()), 2)\n"
COLUMNS = {
    "a key of digits": (JOIN, [{"id": i, "zip": 4020 + 580 * (i % 2)} for i in range(6)], [{"id": i, "zip": str(4020 + 580 * (i % 2))} for i in range(6)]),
    "a key without its nought": (JOIN.replace("[4020, 4600]", "['0420', '4600']"), [{"id": i, "zip": ("0420", "4600")[i % 2]} for i in range(6)], [{"id": i, "zip": (420, 4600)[i % 2]} for i in range(6)]),
    "points and a comma": (SUM, [{"n": 2, "price": 1200.5 + i} for i in range(6)], [{"n": 2, "price": f"1.20{i},50"} for i in range(6)]),
}  # fmt: skip


@pytest.mark.parametrize(("code", "good", "bad"), COLUMNS.values(), ids=COLUMNS.keys())
def test_a_column_gets_its_old_type_where_the_frame_is_read(tmp_path, code, good, bad):
    dossier = dossier_of(tmp_path, {"main.py": code}, good, bad)
    before = result_of(tmp_path, good)
    apply(tmp_path, RulesAgent().propose(dossier))
    assert result_of(tmp_path, good) == before == result_of(tmp_path, bad)


def test_a_key_with_letters_before_its_digits_is_not_guessed(tmp_path):
    good, bad = ([{"id": i, "zip": make(4020 + 580 * (i % 2))} for i in range(6)] for make in (int, "A-{}".format))
    assert RulesAgent().propose(dossier_of(tmp_path, {"main.py": JOIN}, good, bad)).change is None


GERMAN = "import pathlib, tempfile\nimport pandas as pd\n\ndef main(text):\n    with tempfile.TemporaryDirectory() as folder:\n        path = pathlib.Path(folder, 'load.csv')\n        path.write_text(text)\n        frame = READ\n    return [[str(v) for v in row] for row in frame.assign(cost=frame['kwh'] * 2)[['meter', 'cost']].values]\n"
ENGLISH = "meter,kwh,read_on\n" + "".join(f"M{n},{1000.5 + n},{'2026-11-01'}\n" for n in range(8))
SEMICOLONS = "meter;kwh;read_on\n" + "".join(f"M{n};1.00{n},5;2026-11-01\n" for n in range(8))
READERS = {
    "all columns": "pd.read_csv(path)",
    "some columns": "pd.read_csv(path, usecols=['meter', 'kwh'], dtype={'kwh': float})",
}


def _german(folder, read, bad):
    code = GERMAN.replace("READ", read)
    (folder / "main.py").write_text(code)
    error = root_error(KEY, parse_tracebacks(str(failure_of(folder, bad)).splitlines()))
    more = []
    for text, role in ((ENGLISH, "good"), (bad, "failing")):
        (landed,) = parse("load.csv", text.encode(), whole=True, max_bytes=10_000)
        shaped = shape(landed.records, name="load/{ds}.csv", interval="", role=role)
        more.append(replace(shaped, form=landed.form))
    return RulesAgent().propose(dossier_of(folder, {"main.py": code}, None, None, error=error, more=tuple(more)))


SPLIT = SEMICOLONS.replace("M2;", "M2, hall 1, north;")


def test_columns_that_pandas_cannot_split_are_split_at_the_new_delimiter(tmp_path):
    proposal = _german(tmp_path, READERS["all columns"], SPLIT)
    apply(tmp_path, proposal)
    assert len(result_of(tmp_path, SPLIT)) == len(result_of(tmp_path, ENGLISH))


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
def test_a_file_with_semicolons_and_decimal_commas_gives_the_same_numbers(tmp_path, read):
    apply(tmp_path, _german(tmp_path, read, SEMICOLONS))
    assert result_of(tmp_path, SEMICOLONS) == result_of(tmp_path, ENGLISH)


def test_points_are_no_thousands_where_days_are_written_with_them(tmp_path):
    bad = SEMICOLONS.replace("2026-11-01", "01.11.2026")
    change = _german(tmp_path, READERS["all columns"], bad).change
    assert change is None or "thousands" not in str(change.edits)
