"""Pipelines in many styles of code, each run for real: the fix makes the bad day work and the good day stays the same."""

import pytest
from failing_pipeline import apply, dossier_of, failure_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Action

# The pipelines under repair are other people's: some leave a sqlite handle to the collector, which Python 3.13 tells.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

GOOD = [
    {"order_id": f"O{i}", "customer_id": f"C-000{i}", "amount": 10.5 + i, "ordered_at": f"2026-11-01T08:0{i}:00"}
    for i in range(6)
]


def renamed(old, new, rows=GOOD):
    return [{(new if k == old else k): v for k, v in row.items()} for row in rows]


RENAMED = renamed("customer_id", "customerId")
STYLES = {
    "subscript": "def main(rows):\n    return [(o['order_id'], o['customer_id']) for o in rows]\n",
    "f-string": 'def main(rows):\n    return [f\'{o["order_id"]}-{o["customer_id"]}\' for o in rows]\n',
    "f-string with quotes swapped": "def main(rows):\n    return [f\"{o['order_id']}-{o['customer_id']}\" for o in rows]\n",
    "loop over names": "FIELDS = ('order_id', 'customer_id', 'amount')\n\ndef main(rows):\n    return [tuple(o[f] for f in FIELDS) for o in rows]\n",
    "loop over names in place": "def main(rows):\n    out = []\n    for o in rows:\n        for k in ('order_id', 'customer_id'):\n            out.append(o[k])\n    return out\n",
    "itemgetter": "from operator import itemgetter\n\nread = itemgetter('order_id', 'customer_id')\n\ndef main(rows):\n    return [read(o) for o in rows]\n",
    "single itemgetter as sort key": "from operator import itemgetter\n\ndef main(rows):\n    return [r['order_id'] for r in sorted(rows, key=itemgetter('customer_id'))]\n",
    "dataclass": "from dataclasses import dataclass\n\n@dataclass\nclass Order:\n    order_id: str\n    customer_id: str\n    amount: float\n    ordered_at: str\n\ndef main(rows):\n    return [Order(**o).customer_id for o in rows]\n",
    "namedtuple": "from collections import namedtuple\n\nOrder = namedtuple('Order', 'order_id customer_id amount ordered_at')\n\ndef main(rows):\n    return [tuple(Order(**row)) for row in rows]\n",
    "class method": "class Loader:\n    def row(self, record):\n        return record['order_id'], record['customer_id']\n\n    def run(self, rows):\n        return [self.row(r) for r in rows]\n\ndef main(rows):\n    return Loader().run(rows)\n",
    "two functions": "def main(rows):\n    return [(key(o), o['amount']) for o in rows]\n\n\ndef key(o):\n    return o['order_id'] + label(o)\n\n\ndef label(o):\n    return o['customer_id'].lower() + o['order_id']\n\n\ndef other(o):\n    return o['customer_id'], o['amount']\n",
    "pop": "def main(rows):\n    return [(o.pop('customer_id'), sorted(o)[0]) for o in rows]\n",
    "get and strip": "def main(rows):\n    return [o.get('customer_id').strip() for o in rows]\n",
    "get with default and use": "def main(rows):\n    return [len(o.get('customer_id', None)) for o in rows]\n",
    "executemany": "import sqlite3\nfrom contextlib import closing\n\ndef main(rows):\n    with closing(sqlite3.connect(':memory:')) as con:\n        con.execute('create table t (o text, c text)')\n        con.executemany('insert into t values (:order_id, :customer_id)', rows)\n        return con.execute('select * from t').fetchall()\n",
    "sqlite not null": "import sqlite3\nfrom contextlib import closing\n\ndef main(rows):\n    with closing(sqlite3.connect(':memory:')) as con:\n        con.execute('create table t (o text, customer_id text not null)')\n        con.executemany('insert into t values (?, ?)', [(r['order_id'], r.get('customer_id')) for r in rows])\n        return con.execute('select * from t').fetchall()\n",
    "DictWriter": "import csv, io\n\ndef main(rows):\n    out = io.StringIO()\n    w = csv.DictWriter(out, ['order_id', 'customer_id', 'amount', 'ordered_at'])\n    w.writeheader()\n    for row in rows:\n        w.writerow(row)\n    return out.getvalue()\n",
    "header index": "def main(rows):\n    header = list(rows[0])\n    at = header.index('customer_id')\n    return sorted(list(r.values())[at] for r in rows)\n",
    "attribute": "from types import SimpleNamespace\n\ndef main(rows):\n    return [ns.customer_id for ns in (SimpleNamespace(**r) for r in rows)]\n",
    "nested comprehension": "def main(rows):\n    return {o['order_id']: {k: v for k, v in (('c', o['customer_id']), ('a', o['amount']))} for o in rows}\n",
    "call as base": "import json\n\ndef main(rows):\n    return [json.loads(line)['customer_id'] for line in map(json.dumps, rows)]\n",
    "lambda": "def main(rows):\n    return list(map(lambda o: (o['order_id'], o['customer_id']), rows))\n",
    "group by dict": "def main(rows):\n    totals = {}\n    for o in rows:\n        totals[o['customer_id']] = totals.get(o['customer_id'], 0) + o['amount']\n    return totals\n",
    "DictReader": "import csv, io\n\ndef main(rows):\n    text = io.StringIO()\n    w = csv.DictWriter(text, list(rows[0])); w.writeheader(); w.writerows(rows)\n    text.seek(0)\n    return [(r['order_id'], float(r['amount']), r['customer_id']) for r in csv.DictReader(text)]\n",
    "constant as key": "KEY = 'customer_id'\n\ndef main(rows):\n    return [o[KEY] for o in rows]\n",
    "class constant as key": "class F:\n    CUSTOMER = 'customer_id'\n\ndef main(rows):\n    return [o[F.CUSTOMER] for o in rows]\n",
    "mapping of names": "NAMES = {'order_id': 'id', 'customer_id': 'customer'}\n\ndef main(rows):\n    return [{new: o[old] for old, new in NAMES.items()} for o in rows]\n",
    "several lines": "def main(rows):\n    return [\n        (\n            o[\n                'customer_id'\n            ],\n            o['amount'],\n        )\n        for o in rows\n    ]\n",
    "attribute of self": "class R:\n    def __init__(self, o):\n        self.o = o\n\n    def c(self):\n        return self.o['customer_id']\n\ndef main(rows):\n    return [R(o).c() for o in rows]\n",
    "percent format": "def main(rows):\n    return ['%(customer_id)s' % o for o in rows]\n",
    "keyword format": "def main(rows):\n    return ['{customer_id}'.format(**o) for o in rows]\n",
    "format call": "def main(rows):\n    return [str(o['customer_id']) + ':' + '{}'.format(o['order_id']) for o in rows]\n",
}


@pytest.mark.parametrize("code", STYLES.values(), ids=STYLES.keys())
def test_a_renamed_field_is_read_in_both_forms(tmp_path, code):
    dossier = dossier_of(tmp_path, {"main.py": code}, GOOD, RENAMED)
    before = result_of(tmp_path, GOOD)
    proposal = RulesAgent().propose(dossier)
    assert proposal.diagnosis.action is Action.FIX_CODE, proposal.diagnosis.root_cause
    apply(tmp_path, proposal)
    assert failure_of(tmp_path, RENAMED) is None
    assert result_of(tmp_path, GOOD) == before == result_of(tmp_path, RENAMED)


def test_all_renamed_fields_are_fixed_in_one_change(tmp_path):
    code = "def main(rows):\n    return [(o['order_id'], o['customer_id'], o.get('amount') * 2, o['ordered_at']) for o in rows]\n"
    bad = renamed("amount", "Amount", renamed("ordered_at", "orderedAt", renamed("customer_id", "customerId")))
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, GOOD, bad)))
    assert result_of(tmp_path, bad) == result_of(tmp_path, GOOD)


def test_a_renamed_field_in_another_form_gets_both_repairs(tmp_path):
    code = "from datetime import datetime\n\ndef main(rows):\n    return [datetime.strptime(o['ordered_at'], '%Y-%m-%dT%H:%M:%S').isoformat() for o in rows]\n"
    bad = [{**o, "orderedAt": o["orderedAt"] + "Z"} for o in renamed("ordered_at", "orderedAt")]
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, GOOD, bad)))
    assert result_of(tmp_path, bad) == result_of(tmp_path, GOOD)


NESTED = [
    {"id": f"C{i}", "address": {"city": "Linz", "zip": f"400{i}"}, "lines": [{"sku": f"S-{i}", "qty": 2}]}
    for i in range(5)
]
FLAT = [{"id": f"C{i}", "city": "Linz", "zip": f"400{i}"} for i in range(5)]
MOVES = {
    "deeper": (
        "def main(rows):\n    return [(c['id'], c['address']['city']) for c in rows]\n",
        NESTED,
        [{**c, "address": {"location": c["address"], "kind": "x"}} for c in NESTED],
    ),
    "deeper through a name": (
        "def main(rows):\n    out = []\n    for c in rows:\n        a = c['address']\n        out.append((a['city'], a['zip']))\n    return out\n",
        NESTED,
        [{**c, "address": {"location": c["address"]}} for c in NESTED],
    ),
    "deeper through get": (
        "def main(rows):\n    return [c.get('address', {}).get('city').upper() for c in rows]\n",
        NESTED,
        [{**c, "address": {"location": c["address"]}} for c in NESTED],
    ),
    "flat to nested": (
        "def main(rows):\n    return [(c['id'], c['city'], c['zip']) for c in rows]\n",
        FLAT,
        [{"id": c["id"], "address": {"city": c["city"], "zip": c["zip"]}} for c in FLAT],
    ),
    "nested to flat": (
        "def main(rows):\n    return [(c['id'], c['address']['city'], c['address']['zip']) for c in rows]\n",
        [{"id": c["id"], "address": c["address"]} for c in NESTED],
        [{"id": c["id"], "city": c["address"]["city"], "zip": c["address"]["zip"]} for c in NESTED],
    ),
    "container renamed": (
        "def main(rows):\n    return [(c['id'], c['address']['city']) for c in rows]\n",
        NESTED,
        [{"id": c["id"], "addr": c["address"], "lines": c["lines"]} for c in NESTED],
    ),
    "list renamed": (
        "def main(rows):\n    return [(c['id'], [x['sku'] for x in c['lines']]) for c in rows]\n",
        NESTED,
        [{"id": c["id"], "address": c["address"], "line_items": c["lines"]} for c in NESTED],
    ),
    "inside a list": (
        "def main(rows):\n    return [(c['id'], x['sku'], x['qty']) for c in rows for x in c['lines']]\n",
        NESTED,
        [{**c, "lines": [{"SKU": x["sku"], "qty": x["qty"]} for x in c["lines"]]} for c in NESTED],
    ),
    "flat name to path": (
        "def main(rows):\n    return [(c['order_id'], c['customer_id']) for c in rows]\n",
        GOOD,
        [
            {
                "order_id": o["order_id"],
                "customer": {"id": o["customer_id"]},
                "amount": o["amount"],
                "ordered_at": o["ordered_at"],
            }
            for o in GOOD
        ],
    ),
}


@pytest.mark.parametrize(("code", "good", "bad"), MOVES.values(), ids=MOVES.keys())
def test_a_moved_field_is_read_in_both_places(tmp_path, code, good, bad):
    dossier = dossier_of(tmp_path, {"main.py": code}, good, bad)
    before = result_of(tmp_path, good)
    apply(tmp_path, RulesAgent().propose(dossier))
    assert result_of(tmp_path, bad) == before == result_of(tmp_path, good)


TIME = "from datetime import datetime\n\ndef main(rows):\n    return [datetime.strptime(o['ordered_at'], '%Y-%m-%dT%H:%M:%S').strftime('%Y%m%d %H:%M') for o in rows]\n"
FORMS = [
    "2026-11-01T08:0{}:00Z",
    "2026-11-01T08:0{}:00.5",
    "2026-11-01T10:0{}:00+02:00",
    "2026-11-01T08:0{}:00.123456789Z",
    "2026-11-01 08:0{}:00",
    "01.11.2026 08:0{}:00",
    "2026/11/01 08:0{}:00",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "style",
    [
        TIME,
        TIME.replace("from datetime import datetime", "import datetime as dt").replace(
            "datetime.strptime", "dt.datetime.strptime"
        ),
    ],
    ids=["from", "as"],
)
def test_a_time_in_a_new_form_gives_the_same_instant(tmp_path, form, style):
    bad = [{**o, "ordered_at": form.format(i)} for i, o in enumerate(GOOD)]
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": style}, GOOD, bad)))
    assert result_of(tmp_path, bad) == result_of(tmp_path, GOOD)


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("def main(rows):\n    return [o['amount'] - 1 for o in rows]\n", lambda a: f"{a:.2f}"),
        ("def main(rows):\n    return sum(float(o['amount']) for o in rows)\n", lambda a: f"{a * 1000:,.2f}"),
        (
            "def main(rows):\n    return [float(o['amount']) > 5 for o in rows]\n",
            lambda a: f"{a:.2f}".replace(".", ","),
        ),
    ],
    ids=["text", "thousands", "decimal comma"],
)
def test_a_number_written_as_text_is_converted(tmp_path, code, make):
    bad = [{**o, "amount": make(o["amount"])} for o in GOOD]
    dossier = dossier_of(tmp_path, {"main.py": code}, GOOD, bad)
    before = result_of(tmp_path, GOOD)
    apply(tmp_path, RulesAgent().propose(dossier))
    assert result_of(tmp_path, GOOD) == before
    assert failure_of(tmp_path, bad) is None


PLAIN = STYLES["subscript"]
TRAPS = {
    "the field is gone": (PLAIN, GOOD, [{k: v for k, v in o.items() if k != "customer_id"} for o in GOOD]),
    "another field came instead": (
        PLAIN.replace("customer_id", "amount"),
        GOOD,
        [{**{k: v for k, v in o.items() if k != "amount"}, "warehouse": 3} for o in GOOD],
    ),
    "two new names fit": (
        PLAIN,
        GOOD,
        [
            {
                **{k: v for k, v in o.items() if k != "customer_id"},
                "billing_customer": o["customer_id"],
                "shipping_customer": o["customer_id"],
            }
            for o in GOOD
        ],
    ),
    "a unit that its size contradicts": (
        PLAIN.replace("customer_id", "amount"),
        GOOD,
        [{**{k: v for k, v in o.items() if k != "amount"}, "amount_cents": int(o["amount"] * 3)} for o in GOOD],
    ),
    "one record lacks the field": (PLAIN, GOOD, [*GOOD[:5], {"order_id": "O9"}]),
    "day and month cannot be told apart": (TIME, GOOD, [{**o, "ordered_at": "05/06/2026"} for o in GOOD]),
    "thousands or decimal comma": (
        "def main(rows):\n    return [float(o['amount']) for o in rows]\n",
        GOOD,
        [{**o, "amount": "1,234"} for o in GOOD],
    ),
    "a null": (
        "def main(rows):\n    return [o['customer_id'].lower() for o in rows]\n",
        GOOD,
        [{**o, "customer_id": None} for o in GOOD],
    ),
    "the pipeline's own guard": (
        "def main(rows):\n    for o in rows:\n        if 'customer_id' not in o:\n            raise ValueError('missing customer_id')\n    return [o['customer_id'] for o in rows]\n",
        GOOD,
        RENAMED,
    ),
    "a count that is no time": (TIME, GOOD, [{**o, "ordered_at": 20260000 + i} for i, o in enumerate(GOOD)]),
    "a list of several now": (
        "def main(rows):\n    return [o['customer_id'].upper() for o in rows]\n",
        GOOD,
        [{**o, "customer_id": [o["customer_id"], f"X{i}"]} for i, o in enumerate(GOOD)],
    ),
    "a plain bug": (
        "def main(rows):\n    return 1 / (0 if 'x' in rows[0] else 1)\n",
        GOOD,
        [{**o, "x": 1} for o in GOOD],
    ),
    "a key of another thing": (
        "CONFIG = {'a': 1}\n\ndef main(rows):\n    return CONFIG['b' if 'customerId' in rows[0] else 'a']\n",
        GOOD,
        RENAMED,
    ),
}


@pytest.mark.parametrize(("code", "good", "bad"), TRAPS.values(), ids=TRAPS.keys())
def test_what_is_not_certain_gets_no_patch(tmp_path, code, good, bad):
    proposal = RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, good, bad))
    assert proposal.change is None, proposal.change.diff if proposal.change else ""
    assert proposal.diagnosis.action is not Action.FIX_CODE


def test_records_of_another_kind_are_left_alone(tmp_path):
    code = PLAIN + "\n\ndef customer(c):\n    return c['customer_id'], c['name']\n"
    apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, {"main.py": code}, GOOD, RENAMED)))
    assert "return c['customer_id'], c['name']" in (tmp_path / "main.py").read_text()


def test_tests_and_checks_are_never_edited(tmp_path):
    files = {"main.py": PLAIN, "tests/test_main.py": PLAIN, "checks.py": PLAIN}
    edits = apply(tmp_path, RulesAgent().propose(dossier_of(tmp_path, files, GOOD, RENAMED)))
    assert [edit.path for edit in edits] == ["main.py"]


def test_line_endings_are_kept(tmp_path):
    dossier = dossier_of(tmp_path, {"main.py": PLAIN}, GOOD, RENAMED)
    (tmp_path / "main.py").write_bytes(PLAIN.replace("\n", "\r\n").encode())
    change = RulesAgent().propose(dossier).change
    assert change is not None
    assert change.edits[0].after.count("\r\n") == PLAIN.count("\n")
