"""A package and its steps in a few lines → a `Spec`: the Dag file and the driver are written here, in three styles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from case_maker import FIX, Spec
from pipelines_drift import SQLITE

DAG_HEAD = "import os\nimport pendulum\nfrom airflow.sdk import DAG, dag, task\n"
STARTS = 'schedule="@daily", start_date=pendulum.datetime(2026, 11, 1, tz="UTC"), catchup=False'
BY_NAME = '\n\nif __name__ == "__main__":\n    import sys\n\n    globals()[sys.argv[1]](sys.argv[2])\n'


def brief(
    name: str,
    package: Mapping[str, str],
    steps: tuple[str, ...],
    render: Callable[[str, bool], Mapping[str, str | bytes]],
    *,
    table: str = "",
    style: str = "classic",
    action: str = FIX,
    category: tuple[str, ...] = ("schema_drift",),
    later: Mapping[str, str] | None = None,
    root_task: str | None = "",
    **more: Any,
) -> Spec:
    """Return a case.

    :param steps: ``package.module:function``, each called with the day; the last one fails unless *root_task* says other.
    :param table: a table of ``store.db`` whose rows are the truth; else *more* has a ``probe``.
    :param style: ``classic`` operators, ``taskflow``, or ``bash`` running the module.
    """
    dag_id = more.pop("dag_id", name)
    tasks = [step.rpartition(":")[2] for step in steps]
    files = {**package, f"dags/{dag_id}.py": _dag(dag_id, steps, style)}
    for path in package:
        top = path.split("/", maxsplit=1)[0]
        if path.endswith(".py") and "/" in path and not path.startswith("dags/"):
            files.setdefault(f"{top}/__init__.py", '"""Steps."""\n')
            if style == "bash" and "def " in package[path]:
                files[path] = package[path].rstrip("\n") + BY_NAME
    drive = "\n".join(f"from {s.partition(':')[0]} import {s.rpartition(':')[2]}" for s in steps)
    drive += "\n" + "\n".join(f"{task}(day)" for task in tasks)
    root = more.pop("root", (dag_id, root_task if root_task != "" else tasks[-1]))
    probe = more.pop("probe", SQLITE.format(query=f"select * from {table} order by 1, 2, 3") if table else "")
    return Spec(
        name=name,
        files=files,
        dag_id=dag_id,
        task_ids=more.pop("task_ids", (root[1],) if root[1] else (tasks[-1],)),
        action=action,
        render=render,
        later=later or {},
        drive=more.pop("drive", drive),
        probe=probe,
        category=category,
        root=root,
        **more,
    )


def _dag(dag_id: str, steps: tuple[str, ...], style: str) -> str:
    named = [(step.partition(":")[0], step.rpartition(":")[2]) for step in steps]
    if style == "bash":
        body = "".join(
            f'    {f} = BashOperator(task_id="{f}", append_env=True, '
            f'bash_command="cd $PIPELINE_REPO && $PIPELINE_PYTHON -m {m} {f} {{{{ ds }}}}")\n'
            for m, f in named
        )
        head = "from airflow.providers.standard.operators.bash import BashOperator\n"
    elif style == "taskflow":
        calls = "".join(
            f'        @task(task_id="{f}")\n        def _{f}(ds=None):\n            {f}(ds)\n\n' for _, f in named
        )
        chained = " >> ".join(f"_{f}()" for _, f in named)
        imports = "".join(f"from {m} import {f}\n" for m, f in named)
        return f'{DAG_HEAD}{imports}\n\n@dag("{dag_id}", {STARTS})\ndef flow():\n{calls.replace("        ", "    ")}    {chained}\n\n\nflow()\n'
    else:
        body = "".join(
            f'    {f}_ = PythonOperator(task_id="{f}", python_callable={f}, op_args=["{{{{ ds }}}}"])\n'
            for _, f in named
        )
        body = body.replace("_ = ", "_task = ")
        head = "from airflow.providers.standard.operators.python import PythonOperator\n"
        head += "".join(f"from {m} import {f}\n" for m, f in named)
    suffix = "" if style == "bash" else "_task"
    chained = " >> ".join(f"{f}{suffix}" for _, f in named)
    return f'{DAG_HEAD}{head}\nwith DAG("{dag_id}", {STARTS}):\n{body}    {chained}\n'


STORE = """
import os
import sqlite3


def save(table, names, rows, day):
    con = sqlite3.connect(os.environ["WORK"] + "/store.db")
    con.execute(f"create table if not exists {table} ({', '.join(names)}, day)")
    con.execute(f"delete from {table} where day = ?", (day,))
    marks = ", ".join("?" * (len(names) + 1))
    con.executemany(f"insert into {table} values ({marks})", [(*row, day) for row in rows])
    con.commit()
    con.close()
"""
"""Most pipelines end in a small table; this is theirs to import as ``store.save``."""
