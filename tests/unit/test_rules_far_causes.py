"""A check fails far downstream: the change is made where the data was read, and that task is named as the cause."""

from __future__ import annotations

import pathlib
import types
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from failing_pipeline import an_error, apply, dossier_of, result_of

from airflow_agentic.agents.mending.bench import Bench
from airflow_agentic.agents.mending.dag_tasks import repository_tasks
from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.records import Action, Frame, Proposal

Rows = list[dict[str, Any]]
WORDS = ("BOOKED", "BOARDED", "CANCELLED", "UPGRADED")
COLOURS = ("Green", "Purple", "Orange")
CHECK = an_error("checks.CheckFailed", "check region: 3 bad rows", task_id="check_region")
TALLY = "def main(rows):\n    return sorted((r['no'], r['{key}']) for r in rows)\n"


def _proposed(folder: pathlib.Path, files: dict[str, str], good: Any, bad: Any, **more: Any) -> Proposal:
    more.setdefault("error", CHECK)
    return RulesAgent().propose(dossier_of(folder, files, good, bad, **more))


def _tickets(day: int, of: Any, key: str = "colour", words: tuple[str, ...] = COLOURS) -> Rows:
    return [{"no": f"T{day}-{n}", key: of(words[n % len(words)]), "fare": 4 + n} for n in range(12)]


@pytest.mark.parametrize(
    "of",
    [
        lambda w: {"id": w[:2].upper(), "label": w},
        lambda w: {"rank": len(w), "text": {"en": w, "short": w[0]}},
        lambda w: {"code": w[0], "name": w, "family": "wide" if w == "Green" else "tall"},
    ],
    ids=["beside a code", "further in", "of a closed set"],
)
def test_a_text_that_became_an_object_is_read_from_the_part_that_has_its_values(tmp_path: pathlib.Path, of: Any):
    good, bad = _tickets(1, str), _tickets(2, of)
    apply(tmp_path, _proposed(tmp_path, {"main.py": TALLY.replace("{key}", "colour")}, good, bad))
    assert result_of(tmp_path, bad) == result_of(tmp_path, _tickets(2, str))
    assert result_of(tmp_path, good) == sorted((r["no"], r["colour"]) for r in good)


READ = "import json\n{top}\n\ndef main(rows):\n    rows = json.loads(json.dumps(rows))\n{body}    if None in found:\n        raise RuntimeError('check area: 12 bad rows')\n    return found\n"
AREAS = "AREAS = {'Green': 'A', 'Purple': 'B', 'Orange': 'C'}\n"
WHOLE = {
    "pandas": ("import pandas as pd\n" + AREAS, "    found = pd.DataFrame(rows)['colour'].astype(str).map(AREAS)\n    found = [w if isinstance(w, str) else None for w in found]\n"),
    "a dataclass": ("from dataclasses import dataclass\n" + AREAS + "\n\n@dataclass\nclass Ticket:\n    no: str\n    colour: str\n    fare: int\n", "    found = [AREAS.get(str(Ticket(**r).colour)) for r in rows]\n"),
    "a list of names": (AREAS + "NAMES = ('no', 'colour')\n", "    found = [AREAS.get(str([r[n] for n in NAMES][1])) for r in rows]\n"),
}  # fmt: skip
INNER = {
    "keys": "    found = [AREAS[r['colour']['name']] for r in rows]\n",
    "get": "    found = [AREAS[(r.get('colour') or {}).get('name')] for r in rows]\n",
}


def _coded(word: str) -> dict[str, str]:
    return {"code": word[:2].upper(), "name": word}


@pytest.mark.parametrize("style", WHOLE)
def test_code_that_names_no_field_gets_the_value_where_the_records_are_parsed(tmp_path: pathlib.Path, style: str):
    top, body = WHOLE[style]
    code = READ.replace("{top}", top).replace("{body}", body)
    proposal = _proposed(tmp_path, {"main.py": code}, _tickets(1, str), _tickets(2, _coded), error=None)
    apply(tmp_path, proposal)
    assert result_of(tmp_path, _tickets(2, _coded)) == result_of(tmp_path, _tickets(2, str)) == [*"ABC"] * 4


@pytest.mark.parametrize("style", INNER)
def test_a_text_that_was_part_of_an_object_is_read_where_the_object_was(tmp_path: pathlib.Path, style: str):
    code = READ.replace("{top}", AREAS).replace("{body}", INNER[style])
    apply(tmp_path, _proposed(tmp_path, {"main.py": code}, _tickets(1, _coded), _tickets(2, str), error=None))
    assert result_of(tmp_path, _tickets(2, str)) == result_of(tmp_path, _tickets(2, _coded)) == [*"ABC"] * 4


def test_a_text_with_none_of_the_values_of_the_object_is_not_taken_for_a_part_of_it(tmp_path: pathlib.Path):
    code = READ.replace("{top}", AREAS).replace("{body}", INNER["keys"])
    bad = _tickets(2, lambda w: f"{w} (old)")
    assert _proposed(tmp_path, {"main.py": code}, _tickets(1, _coded), bad, error=None).change is None


def test_the_part_of_an_object_is_told_by_its_writing_where_no_value_is_of_both_days(tmp_path: pathlib.Path):
    def guests(day: int, of: Any) -> Rows:
        return [{"no": f"G{day}{n}", "phone": of(f"+49 {day}{n}4 55{day}{n}7")} for n in range(9)]

    bad = guests(2, lambda p: {"country": "DEATFR"[len(p) % 3 * 2 :][:2] + p[-1], "number": p})
    code = {"main.py": TALLY.replace("{key}", "phone")}
    apply(tmp_path, _proposed(tmp_path, code, guests(1, str), bad))
    assert result_of(tmp_path, bad) == result_of(tmp_path, guests(2, str))


@pytest.mark.parametrize(
    "of",
    [
        lambda w: {"shown": w, "stored": w},
        lambda w: {"from": w, "to": COLOURS[COLOURS.index(w) - 1]},
        lambda w: {"name": w if w != "Green" else None, "code": w[0]},
        lambda w: {"sum": w, "currency": w[-1:] * 3},
        lambda w: {"nom": f"{w}e", "code": w},
    ],
    ids=["two have it", "a pair", "sometimes missing", "two currencies", "in a code only"],
)
def test_an_object_of_which_no_one_part_is_the_value_is_not_guessed_at(tmp_path: pathlib.Path, of: Any):
    code, words = {"main.py": TALLY.replace("{key}", "colour")}, COLOURS
    if "currency" in of("Green"):
        words = ("14.50", "17.20", "11.95")
    proposal = _proposed(tmp_path, code, _tickets(1, str, words=words), _tickets(2, of, words=words))
    assert proposal.change is None or "code" in proposal.change.edits[0].after


@pytest.mark.parametrize(("was", "now"), [("CANCELLED", "CANCELED"), ("cancelled", "canceled")])
def test_a_word_spelt_otherwise_is_known_though_another_word_is_as_long(tmp_path: pathlib.Path, was: str, now: str):
    words = (was, "RESCINDED", "BOOKED", "BOARDED") if was.isupper() else (was, "rescinded", "booked", "boarded")
    good = _tickets(1, str, "state", words)
    bad = _tickets(2, lambda w: w.replace(was, now), "state", words)
    code = {"main.py": f"def main(rows):\n    return [r['no'] for r in rows if r['state'] != '{was}']\n"}
    apply(tmp_path, _proposed(tmp_path, code, good, bad))
    assert result_of(tmp_path, bad) == result_of(tmp_path, _tickets(2, str, "state", words))


def test_a_word_more_than_before_is_no_other_spelling(tmp_path: pathlib.Path):
    words = ("CANCELLED", "RESCINDED", "BOOKED", "BOARDED")
    good = _tickets(1, str, "state", words)
    bad = [*_tickets(2, str, "state", words), {"no": "T9", "state": "CANCELED", "fare": 1}]
    code = {"main.py": "def main(rows):\n    return [r['no'] for r in rows if r['state'] != 'CANCELLED']\n"}
    assert _proposed(tmp_path, code, good, bad).change is None


MODEL = {
    "sql/stg_tickets.sql": "select ticket_id, fare, changed.* from raw_tickets\n".replace(
        "changed.*", "updated_at{more}"
    ),
    "run.py": "import duckdb\n\n\ndef run(model):\n    duckdb.execute(open(f'sql/{model}.sql').read())\n",
    "main.py": "CHECKS = {'unique_ticket_id': 'select ticket_id from stg_tickets group by 1 having count(*) > 1'}\n",
}


def _versions(times: int, **more: Any) -> Rows:
    return [
        {"ticket_id": f"T{n}", "fare": 5 + n + v, "updated_at": f"2026-11-02T1{v}:00:00", **dict.fromkeys(more, v)}
        for n in range(6)
        for v in range(times if n % 2 else 1)
    ]


@pytest.mark.parametrize(("before", "model"), [({}, ""), ({"revision": 0}, ", revision")])
def test_of_two_versions_the_model_keeps_the_newest_by_the_one_it_had(
    tmp_path: pathlib.Path, before: dict[str, int], model: str
):
    files = MODEL | {"sql/stg_tickets.sql": MODEL["sql/stg_tickets.sql"].replace("{more}", model)}
    error = an_error("CheckFailed", "check unique_ticket_id: 3 bad rows, stg_tickets", task_id="check_unique_ticket_id")
    proposal = _proposed(tmp_path, files, _versions(1, **before), _versions(3, revision=0), error=error)
    if before:
        assert proposal.change is None
    else:
        (edit,) = apply(tmp_path, proposal)
        assert "partition by ticket_id order by updated_at desc" in (edit.after or "")


DAG = "import pendulum\nfrom airflow.sdk import DAG, task\nfrom airflow.providers.standard.operators.python import PythonOperator\n\n\n"
STYLES = {
    "a task": "@task\ndef load(site, execution_date=None):\n    return execution_date.strftime('%Y%m%d')\n",
    "a callable": "def load(execution_date=None, **_):\n    day = execution_date\n    return day.strftime('%Y%m%d')\n\n\nop = PythonOperator(task_id='load', python_callable=load)\n",
    "a day": "@task(retries=2)\ndef load(*, yesterday_ds=None):\n    '''Load.'''\n    return yesterday_ds.replace('-', '')\n",
    "the next day": "@task\ndef load(next_ds=None):\n    return next_ds.replace('-', '')\n",
    "the context": "@task\ndef load(**context):\n    return context.get('execution_date').strftime('%Y%m%d')\n",
}  # fmt: skip


def _none(folder: pathlib.Path, code: str, word: str = "strftime") -> Proposal:
    line = next(n for n, text in enumerate(code.split("\n"), 1) if f".{word}(" in text)
    error = an_error("AttributeError", f"'NoneType' object has no attribute '{word}'")
    frame = Frame(path="/opt/repo/dags/feed.py", line=line, function="load", code=code.split("\n")[line - 1].strip())
    return _proposed(folder, {"dags/feed.py": code}, None, None, error=replace(error, frames=(frame,)))


@pytest.mark.parametrize("style", STYLES)
def test_a_context_key_that_airflow_no_longer_fills_is_replaced(tmp_path: pathlib.Path, style: str):
    word = "strftime" if "strftime" in STYLES[style] else "replace"
    (edit,) = apply(tmp_path, _none(tmp_path, DAG + STYLES[style], word))
    mark = lambda f=None, **_: f if f else lambda g: g  # noqa: E731
    code = (edit.after or "").replace(DAG.split("\n\n", maxsplit=1)[0], "").replace("import pendulum", "")
    code = "\n".join(line for line in code.split("\n") if "airflow" not in line)
    module = types.ModuleType("feed")
    module.__dict__.update(task=mark, PythonOperator=lambda **_: None)
    exec(compile(code, "feed", "exec"), module.__dict__)
    days = {"logical_date": datetime(2026, 11, 2), "data_interval_end": datetime(2026, 11, 3)}
    asked = module.load.__code__
    names = asked.co_varnames[: asked.co_argcount + asked.co_kwonlyargcount]
    given = {k: v for k, v in days.items() if k in names or "context" in asked.co_varnames}
    want = {"a day": "20261101", "the next day": "20261103"}.get(style, "20261102")
    assert module.load(*(["K1"] if "site" in names else []), **given) == want


@pytest.mark.parametrize(
    "code",
    [
        STYLES["a callable"].replace("=load)", "=load, op_kwargs={'execution_date': '{{ ds }}'})"),
        STYLES["a task"] + "\n\nload('K1', execution_date=None)\n",
        STYLES["a task"].replace("=None", "=pendulum.now()"),
        STYLES["a task"].replace("@task\n", ""),
        STYLES["a task"].replace("execution_date", "prev_execution_date"),
        STYLES["a task"].replace("(site,", "(site, logical_date=None,"),
    ],
    ids=["op_kwargs", "a call", "another default", "no task", "no equal", "both"],
)
def test_an_argument_that_somebody_hands_over_or_nothing_replaces_is_left(tmp_path: pathlib.Path, code: str):
    assert _none(tmp_path, DAG + code).change is None


INGEST = """
with DAG("shop_ingest"):
    for feed in {feeds}:
        BashOperator(task_id=f"ingest_{feed}", bash_command=f"{PY} -m shop.ingest {feed} {{{{ ds }}}}")
"""
TASKS = {
    "a loop": INGEST.replace("{feeds}", "('tickets', 'crews')"),
    "a list of the repository": "from shop.feeds import FEEDS\n" + INGEST.replace("{feeds}", "FEEDS"),
    "callables": "from shop.ingest import land\nwith DAG(dag_id='shop_ingest'):\n    for feed in ['tickets', 'crews']:\n"
    "        PythonOperator(task_id='ingest_' + feed, python_callable=land, op_args=[feed])\n",
    "functions": "from shop import ingest\n\n\n@dag\ndef shop_ingest():\n    @task\n    def ingest_tickets():\n        read('tickets')\n\n"
    "    @task(task_id='ingest_crews')\n    def other():\n        read('crews')\n\n\ndef read(feed):\n    ingest.land(feed)\n",
}  # fmt: skip
REPOSITORY = {
    "shop/ingest.py": "import json\nfrom shop.rows import row\n\n\ndef land(feed):\n    return [row(r) for r in json.load(open(feed))]\n",
    "shop/rows.py": "def row(r):\n    return (r['no'], r['colour'])\n",
    "shop/feeds.py": "FEEDS = ['tickets', 'crews']\n",
    "shop/checks.py": "def run(name):\n    raise RuntimeError(name)\n",
    "dags/feed.py": 'with DAG("feed"):\n    BashOperator(task_id="check_region", bash_command="python -m shop.checks region")\n',
}  # fmt: skip


@pytest.mark.parametrize("style", TASKS)
def test_the_task_that_runs_the_changed_file_is_the_root_cause(tmp_path: pathlib.Path, style: str):
    files = REPOSITORY | {"dags/shop_ingest.py": TASKS[style]}
    bad = _tickets(2, lambda w: {"code": w[0], "name": w})
    said = _proposed(tmp_path, files, _tickets(1, str), bad, name="tickets/{ds}.json").diagnosis
    assert (said.action, said.root_cause_file) == (Action.FIX_CODE, "shop/rows.py")
    assert (said.root_cause_dag, said.root_cause_task) == ("shop_ingest", "ingest_tickets")


def test_data_that_came_short_is_loaded_again_by_the_task_that_reads_it(tmp_path: pathlib.Path):
    files = REPOSITORY | {"dags/shop_ingest.py": TASKS["a loop"]}
    error = an_error("checks.CheckFailed", "check complete: expected 12 rows, got 5", task_id="check_complete")
    good, bad = _tickets(1, str), _tickets(2, str)[:5]
    said = _proposed(tmp_path, files, good, bad, name="tickets/{ds}.json", error=error).diagnosis
    assert (said.action, said.root_cause_dag, said.root_cause_task) == (
        Action.QUARANTINE,
        "shop_ingest",
        "ingest_tickets",
    )
    assert "--dag-id shop_ingest" in said.next_step


@pytest.mark.parametrize(
    "more",
    [{"dags/again.py": TASKS["a loop"].replace("shop_ingest", "again")}, {"dags/feed.py": TASKS["a loop"].replace("shop_ingest", "feed")}],
    ids=["two Dags", "the failing Dag"],
)  # fmt: skip
def test_the_failing_task_stays_named_where_another_is_no_surer(tmp_path: pathlib.Path, more: dict[str, str]):
    files = REPOSITORY | {"dags/shop_ingest.py": TASKS["a loop"]} | more
    bad = _tickets(2, lambda w: {"code": w[0], "name": w})
    said = _proposed(tmp_path, files, _tickets(1, str), bad, name="tickets/{ds}.json").diagnosis
    assert (said.root_cause_dag, said.root_cause_task) == ("feed", "check_region")


def test_tasks_of_groups_and_sql_models_are_read_from_the_dag_file(tmp_path: pathlib.Path):
    text = (
        'from airflow.sdk import DAG, TaskGroup\n\nwith DAG("marts"):\n    with TaskGroup("money"):\n        for one, _ in [("fct_fares", 1)]:\n'
        '            BashOperator(task_id=one, bash_command=f"run {one}")\n    BashOperator(task_id=name_of(), bash_command="x")\n'
    )
    dossier = dossier_of(tmp_path, {"dags/marts.py": text, "sql/fct_fares.sql": "select 1"}, None, None, error=CHECK)
    assert dossier.checkout is not None
    second, first = repository_tasks(Bench(dossier=dossier, checkout=dossier.checkout))
    assert (first.dag_id, first.task_id, "sql/fct_fares.sql" in first.files) == ("marts", "money.fct_fares", True)
    assert (second.dag_id, second.task_id) == ("marts", "")
