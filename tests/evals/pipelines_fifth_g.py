"""Fifth batch, last part: faults in the Dag files themselves, driven through the Dag's own operators; written blind."""

from __future__ import annotations

from brief import STARTS, STORE
from case_maker import FIX, Spec
from pipelines_drift import SQLITE
from pipelines_fifth_a import feed
from pipelines_fifth_d import READ

DRIVE = """
import pendulum, runpy
from airflow.sdk import DAG
dag = next(v for v in runpy.run_path(os.environ["REPO"] + "/dags/{dag_id}.py").values() if isinstance(v, DAG))
pushed = {{}}
class Pushed:
    def xcom_pull(self, task_ids=None, key="return_value"):
        return pushed.get(task_ids)
start = pendulum.parse(day)
context = {{"ds": day, "ds_nodash": day.replace("-", ""), "logical_date": start, "data_interval_start": start, "data_interval_end": start.add(days=1), "ti": Pushed(), "task_instance": Pushed(), "params": dict(dag.params), "dag": dag, "macros": __import__("airflow.sdk.execution_time.macros", fromlist=["x"]), "run_id": "scheduled__" + day}}
for task in dag.topological_sort():
    task.render_template_fields(context)
    pushed[task.task_id] = task.execute(context)
"""
HEAD = "import pendulum\nfrom airflow.providers.standard.operators.python import PythonOperator\nfrom airflow.sdk import DAG\nfrom {top}.tasks import {names}\n\n"
HARBOUR = {
    "harbour/__init__.py": '"""Calls of ships."""\n',
    "harbour/store.py": STORE,
    "harbour/read.py": READ,
    "harbour/tasks.py": """
from harbour.read import read
from harbour.store import save


def extract(day):
    return [(c["ship"], c["pier"], c["hours"]) for c in read("calls", day)]


def transform(**context):
    calls = context["ti"].xcom_pull(task_ids="extract")
    return [(ship, pier, hours * 60) for ship, pier, hours in calls]


def load(day, until, pier, **context):
    rows = [(*row, until) for row in context["ti"].xcom_pull(task_ids="transform") if row[1] in (pier, "any")]
    save("calls", ["ship", "pier", "minutes", "until"], rows, day)
""",
}


def harbour(name: str, old: str, new: str, message: str, task: str) -> Spec:
    """Return the case that a commit makes by writing *new* for *old*."""
    dag = (
        HEAD.format(top="harbour", names="extract, load, transform")
        + f'with DAG("harbour_calls", {STARTS}, params={{"pier": "P1"}}, default_args={{"owner": "port", "retries": 0}}) as dag:\n'
        + '    first = PythonOperator(task_id="extract", python_callable=extract, op_args=["{{ ds }}"])\n'
        + '    second = PythonOperator(task_id="transform", python_callable=transform)\n'
        + '    third = PythonOperator(\n        task_id="load",\n        python_callable=load,\n        op_kwargs={"day": "{{ ds }}", "until": "{{ macros.ds_add(ds, 1) }}", "pier": "{{ params.pier }}"},\n    )\n'
        + "    first >> second >> third\n"
    )
    files = {**HARBOUR, "dags/harbour_calls.py": dag}
    assert old in dag, old
    return Spec(
        name=name,
        files=files,
        later={"dags/harbour_calls.py": dag.replace(old, new)},
        later_message=message,
        dag_id="harbour_calls",
        task_ids=(task,) if task else ("extract", "transform", "load"),
        action=FIX,
        render=feed(
            "calls/{day}.json", lambda n, d, new: {"ship": f"S{n}", "pier": f"P{n % 2}", "hours": n % 30, "kind": "x"}
        ),
        drive=DRIVE.format(dag_id="harbour_calls"),
        probe=SQLITE.format(query="select * from calls order by 1"),
        category=("code_error", "dependency", "configuration"),
    )


TYPO = harbour("dag_template_typo", '"day": "{{ ds }}"', '"day": "{{ dss }}"', "Align the arguments", "load")
NEXT_DS = harbour("af3_next_ds_gone", "{{ macros.ds_add(ds, 1) }}", "{{ next_ds }}", "Use the short name", "load")
PARAM = harbour("dag_param_renamed", 'params={"pier"', 'params={"quay"', "Say quay", "load")
TASK_ID = harbour(
    "task_id_renamed_xcom_is_none", 'task_id="extract"', 'task_id="extract_calls"', "Name tasks in full", "transform"
)
INTERVAL = harbour("af3_schedule_interval", "schedule=", "schedule_interval=", "Copy the header of our other Dags", "")
SPECS = (TYPO, NEXT_DS, PARAM, TASK_ID, INTERVAL)
