"""Functions that a commit moved to another module, Dags of an older Airflow, and halves of a commit."""

from __future__ import annotations

import pathlib
import sys
from dataclasses import replace

import pytest
from failing_pipeline import KEY, an_error, apply, dossier_of, failure_of, result_of

from airflow_agentic.agents.fixers.reverted_commit import unbound
from airflow_agentic.agents.mending.bench import Bench
from airflow_agentic.agents.rules import RulesAgent, run_fixers
from airflow_agentic.records import Frame, Proposal
from airflow_agentic.tracebacks import parse_tracebacks, root_error

ROWS = [{"n": n} for n in range(4)]
PACKAGE = {
    "yard/__init__.py": "",
    "yard/tools.py": "def rows(given):\n    return list(given)\n",
    "yard/units.py": "def to_kg(n):\n    return n * 1000\n\n\ndef to_m(n):\n    return n / 100\n",
    "yard/other.py": "from yard.units import to_m\n",
}
USES = {
    "one of three names": "from yard.tools import rows, to_kg, to_m as metres\n\ndef main(given):\n    return [(to_kg(r['n']), metres(r['n'])) for r in rows(given)]\n",
    "all names": "def main(given):\n    from yard.tools import to_kg\n    return [to_kg(r['n']) for r in given]\n",
    "an attribute": "from yard import tools\n\ndef main(given):\n    return [tools.to_kg(r['n']) for r in tools.rows(given)]\n",
    "an attribute of an alias": "import yard.tools as t\n\ndef main(given):\n    return [t.to_kg(r['n']) for r in t.rows(given)]\n",
}


@pytest.mark.parametrize("main", USES.values(), ids=USES.keys())
def test_names_are_taken_from_where_they_are_now(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, main: str):
    apply(tmp_path, _failed(tmp_path, monkeypatch, PACKAGE | {"main.py": main}))
    _forget(monkeypatch)
    assert len(result_of(tmp_path, ROWS)) == 4


def test_a_name_that_two_modules_have_is_left(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch):
    more = {"yard/us.py": "def to_kg(n):\n    return n * 907\n", "yard/third.py": "import yard.us\n"}
    files = PACKAGE | more | {"main.py": USES["an attribute"]}
    assert _failed(tmp_path, monkeypatch, files).change is None


def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.split(".")[0] == "yard"]:
        monkeypatch.delitem(sys.modules, name)


def _failed(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]) -> Proposal:
    monkeypatch.syspath_prepend(str(folder))
    _forget(monkeypatch)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    printed = failure_of(folder, ROWS)
    assert printed is not None
    error = root_error(KEY, parse_tracebacks(printed.splitlines()))
    return RulesAgent().propose(dossier_of(folder, files, None, None, error=error))


def test_half_of_a_move_is_seen_by_the_names_that_it_leaves():
    assert unbound("def f(a):\n    return a * RATE\n") == {"RATE"}
    assert unbound("import x\nRATE = 1\ndef f(*a, k=x.y):\n    return [RATE + b for b in a], len(k)\n") == set()
    assert unbound("def f(a):\n    match a:\n        case {'k': v, **rest}:\n            return v, rest\n        case [p, *q]:\n            return p, q\n") == set()  # fmt: skip
    assert unbound("from x import *\nprint(RATE)\n") == set()


OLDER = {
    "imports and arguments at once": (
        ("ModuleNotFoundError", "No module named 'airflow.operators.dummy'"),
        "from airflow.operators.dummy import DummyOperator\nfrom airflow.models import DAG\n\n"
        "with DAG('flow', schedule_interval='@daily', concurrency=2, catchup=False):\n    DummyOperator(task_id='a')\n",
        "from airflow.providers.standard.operators.empty import EmptyOperator\nfrom airflow.sdk import DAG\n\n"
        "with DAG('flow', schedule='@daily', max_active_tasks=2, catchup=False):\n    EmptyOperator(task_id='a')\n",
    ),
    "how an older page showed it": (
        ("TypeError", "DAG.__init__() got an unexpected keyword argument 'default_view'"),
        "with DAG(\n    'flow',\n    default_view='graph',\n    schedule_interval=None,\n):\n    pass\n",
        "with DAG(\n    'flow',\n    schedule=None,\n):\n    pass\n",
    ),
    "what operators no longer take": (
        ("TypeError", "Invalid arguments were passed to PythonOperator (task_id: a). Invalid arguments were:\n**kwargs: {'provide_context': True}"),
        "PythonOperator(task_id='a', python_callable=f, provide_context=True)\nPythonOperator(provide_context=True, task_id='b', task_concurrency=1)\nf(provide_context=True)\n",
        "PythonOperator(task_id='a', python_callable=f)\nPythonOperator(task_id='b', max_active_tis_per_dag=1)\nf(provide_context=True)\n",
    ),
    "days before today": (
        ("ImportError", "cannot import name 'days_ago' from 'airflow.utils.dates' (/x/dates.py)"),
        "from airflow.utils.dates import days_ago\n\nDAG('flow', start_date=days_ago(2), schedule=None)\n",
        "import pendulum\n\nDAG('flow', start_date=pendulum.today(\"UTC\").add(days=-2), schedule=None)\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("said", "text", "then"), OLDER.values(), ids=OLDER.keys())
def test_a_dag_of_an_older_airflow_is_written_for_the_present_one(
    tmp_path: pathlib.Path, said: tuple[str, str], text: str, then: str
):
    (tmp_path / "dags").mkdir()
    path = tmp_path / "dags/flow.py"
    path.write_text(text)
    frame = Frame(path=str(path), line=1, function="<module>", code=text.splitlines()[0])
    error = replace(an_error(*said), frames=(frame,))
    dossier = dossier_of(tmp_path, {}, None, None, error=error)
    assert dossier.checkout is not None
    bench = Bench(dossier=dossier, checkout=dossier.checkout)
    assert run_fixers(bench, ("airflow_api",))
    assert bench.edits()[0].after == then
