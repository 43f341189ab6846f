"""An import or argument that Airflow has moved or renamed → the present one. The table is that of ruff's AIR rules.

Source: ruff 0.17 AIR301/AIR302/AIR303 and Airflow 3's upgrade guide; the new places exist from Airflow 3.0 on.
"""

from __future__ import annotations

import ast
import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.syntax import Code, compiles, parse

_STANDARD = "airflow.providers.standard"
MODULES = {
    "airflow.operators.bash": f"{_STANDARD}.operators.bash",
    "airflow.operators.bash_operator": f"{_STANDARD}.operators.bash",
    "airflow.operators.python": f"{_STANDARD}.operators.python",
    "airflow.operators.python_operator": f"{_STANDARD}.operators.python",
    "airflow.operators.empty": f"{_STANDARD}.operators.empty",
    "airflow.operators.datetime": f"{_STANDARD}.operators.datetime",
    "airflow.operators.weekday": f"{_STANDARD}.operators.weekday",
    "airflow.operators.latest_only": f"{_STANDARD}.operators.latest_only",
    "airflow.operators.trigger_dagrun": f"{_STANDARD}.operators.trigger_dagrun",
    "airflow.sensors.bash": f"{_STANDARD}.sensors.bash",
    "airflow.sensors.date_time": f"{_STANDARD}.sensors.date_time",
    "airflow.sensors.external_task": f"{_STANDARD}.sensors.external_task",
    "airflow.sensors.external_task_sensor": f"{_STANDARD}.sensors.external_task",
    "airflow.sensors.filesystem": f"{_STANDARD}.sensors.filesystem",
    "airflow.sensors.python": f"{_STANDARD}.sensors.python",
    "airflow.sensors.time_delta": f"{_STANDARD}.sensors.time_delta",
    "airflow.sensors.time_sensor": f"{_STANDARD}.sensors.time",
    "airflow.sensors.weekday": f"{_STANDARD}.sensors.weekday",
    "airflow.hooks.filesystem": f"{_STANDARD}.hooks.filesystem",
    "airflow.hooks.subprocess": f"{_STANDARD}.hooks.subprocess",
    "airflow.hooks.package_index": f"{_STANDARD}.hooks.package_index",
}
NAMES = {
    ("airflow.operators.dummy", "DummyOperator"): (f"{_STANDARD}.operators.empty", "EmptyOperator"),
    ("airflow.operators.dummy_operator", "DummyOperator"): (f"{_STANDARD}.operators.empty", "EmptyOperator"),
    ("airflow.datasets", "Dataset"): ("airflow.sdk", "Asset"),
    ("airflow", "Dataset"): ("airflow.sdk", "Asset"),
    ("airflow.decorators", "dag"): ("airflow.sdk", "dag"),
    ("airflow.decorators", "task"): ("airflow.sdk", "task"),
    ("airflow.decorators", "task_group"): ("airflow.sdk", "task_group"),
    ("airflow.utils.task_group", "TaskGroup"): ("airflow.sdk", "TaskGroup"),
    ("airflow.models", "DAG"): ("airflow.sdk", "DAG"),
    ("airflow.models.dag", "DAG"): ("airflow.sdk", "DAG"),
    ("airflow.models", "Variable"): ("airflow.sdk", "Variable"),
    ("airflow.models.variable", "Variable"): ("airflow.sdk", "Variable"),
    ("airflow.models", "BaseOperator"): ("airflow.sdk", "BaseOperator"),
    ("airflow.models.baseoperator", "BaseOperator"): ("airflow.sdk", "BaseOperator"),
    ("airflow.models.baseoperator", "chain"): ("airflow.sdk", "chain"),
    ("airflow.models.param", "Param"): ("airflow.sdk", "Param"),
    ("airflow.hooks.base", "BaseHook"): ("airflow.sdk", "BaseHook"),
    ("airflow.hooks.base_hook", "BaseHook"): ("airflow.sdk", "BaseHook"),
    ("airflow.sensors.base_sensor_operator", "BaseSensorOperator"): ("airflow.sdk", "BaseSensorOperator"),
    ("airflow.utils.helpers", "chain"): ("airflow.sdk", "chain"),
    ("airflow.operators.subdag", "SubDagOperator"): ("", ""),
}
ARGUMENTS = {
    "schedule_interval": "schedule",
    "timetable": "schedule",
    "concurrency": "max_active_tasks",
    "fail_stop": "fail_fast",
}
"""Of a Dag, by what replaced them."""
OF_TASKS = {"task_concurrency": "max_active_tis_per_dag", "provide_context": ""}
"""Of operators; what needs no telling any more is left out."""
_LOOKS = {"default_view", "orientation"}
"""Of a Dag, how an older page showed it: nothing runs otherwise without them."""
CONTEXT = {"execution_date": "logical_date"}
_IMPORT = re.compile(
    r"No module named '(?P<module>airflow[\w.]*)'|cannot import name '(?P<name>\w+)' from '(?P<of>airflow[\w.]*)'"
)
_ARGUMENT = re.compile(
    r"unexpected keyword argument '(?P<argument>\w+)'|Invalid arguments? (?:was|were) passed [\s\S]*?(?P<argument2>provide_context|task_concurrency)"
)
_CONTEXT_KEY = re.compile(r"KeyError: ['\"](?P<key>execution_date)['\"]")


def fix(bench: Bench) -> Fix | None:
    """Return the change of every moved Airflow name in the file that failed."""
    said = "\n".join(bench.messages)
    match, argument, key = _IMPORT.search(said), _ARGUMENT.search(said), _CONTEXT_KEY.search(said)
    for path, _ in bench.own()[:2]:
        code = parse(bench.text(path))
        if code is None or not bench.editable(path):
            continue
        pieces: list[tuple[tuple[int, int], str]] = []
        if match:
            pieces = [*_imports(code), *_arguments(code), *_of_tasks(code)]
        elif argument and (argument["argument2"] or argument["argument"] in {*ARGUMENTS, *_LOOKS}):
            pieces = [*_arguments(code), *_of_tasks(code)]
        elif key:
            pieces = [
                (code.span(s.node.slice), f'"{CONTEXT[s.key]}"')
                for s in code.steps()
                if s.key in CONTEXT
                and isinstance(s.node, ast.Subscript)
                and isinstance(s.base, ast.Name)
                and s.base.id in {"context", "kwargs", "ctx"}
            ]
        text = code.splice(pieces) if pieces else None
        if text is not None and compiles(text):
            what = (
                match["module"] or f"{match['of']}.{match['name']}"
                if match
                else argument["argument"] or argument["argument2"]
                if argument
                else key["key"]
                if key
                else ""
            )
            return Fix(
                texts=((path, text),),
                file=path,
                summary=f"Use the present name of Airflow's {what}"[:100],
                explanation=f"`{what}` no longer exists in the Airflow that runs this; the file now uses what replaced it.",
            )
    return None


def _imports(code: Code) -> list[tuple[tuple[int, int], str]]:
    pieces: list[tuple[tuple[int, int], str]] = []
    renamed: dict[str, str] = {}
    for node in [n for n in code.tree.body if isinstance(n, ast.ImportFrom)]:
        if not node.module or node.level:
            continue
        if node.module in MODULES:
            start, end = code.span(node)
            pieces.append(((start, end), code.text[start:end].replace(node.module, MODULES[node.module], 1)))
            continue
        if node.module == "airflow.utils.dates" and [(a.name, a.asname) for a in node.names] == [("days_ago", None)]:
            pieces += _days_ago(code, node)
            continue
        homes = [NAMES.get((node.module, a.name)) for a in node.names]
        if homes and all(homes) and all(h and h[0] for h in homes):
            by_home: dict[str, list[str]] = {}
            for alias, home in zip(node.names, homes, strict=True):
                assert home is not None
                if home[1] != alias.name and alias.asname is None:
                    renamed[alias.name] = home[1]
                by_home.setdefault(home[0], []).append(home[1] + (f" as {alias.asname}" if alias.asname else ""))
            pieces.append(
                (code.span(node), code.newline.join(f"from {m} import {', '.join(n)}" for m, n in by_home.items()))
            )
    used = (n for n in ast.walk(code.tree) if isinstance(n, ast.Name) and n.id in renamed)
    pieces += [(code.span(name), renamed[name.id]) for name in used]
    return pieces


def _arguments(code: Code) -> list[tuple[tuple[int, int], str]]:
    """All of them at once: Airflow names the first that it meets and no other."""
    pieces = []
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Call) and code.source(node.func).rsplit(".", 1)[-1] in {"DAG", "dag"}:
            given = [k.arg for k in node.keywords]
            for keyword in node.keywords:
                new = ARGUMENTS.get(keyword.arg or "")
                if keyword.arg in _LOOKS:
                    pieces.append((_with_comma(code, keyword), ""))
                elif new and new not in given and [ARGUMENTS.get(g or "") for g in given].count(new) == 1:
                    start = code.span(keyword)[0]
                    pieces.append(((start, start + len(keyword.arg or "")), new))
    return pieces


def _of_tasks(code: Code) -> list[tuple[tuple[int, int], str]]:
    """Arguments of operators, each in a call that names a task."""
    pieces = []
    for node in ast.walk(code.tree):
        given = [k.arg for k in node.keywords] if isinstance(node, ast.Call) else []
        for keyword in node.keywords if isinstance(node, ast.Call) and "task_id" in given else ():
            new = OF_TASKS.get(keyword.arg or "")
            if new == "":
                pieces.append((_with_comma(code, keyword), ""))
            elif new and new not in given:
                start = code.span(keyword)[0]
                pieces.append(((start, start + len(keyword.arg or "")), new))
    return pieces


def _with_comma(code: Code, keyword: ast.keyword) -> tuple[int, int]:
    """Return the span of an argument and what parts it from its neighbours: the line that it has for itself, or the comma."""
    start, end = code.span(keyword)
    after = re.match(r"\s*,[ \t]*", code.text[end:])
    if (
        after
        and code.text[end + after.end() :].startswith(("\n", "\r\n"))
        and re.search(r"\n[ \t]*$", code.text[:start])
    ):
        return code.text.rindex("\n", 0, start), end + len(after[0].rstrip(" \t"))
    before = re.search(r",\s*$", code.text[:start])
    if before:
        return before.start(), end
    return start, end + (len(after[0]) if after else 0)


def _days_ago(code: Code, imported: ast.ImportFrom) -> list[tuple[tuple[int, int], str]]:
    """``days_ago(2)`` was midnight in UTC, two days back."""
    uses = [n for n in ast.walk(code.tree) if isinstance(n, ast.Name) and n.id == "days_ago"]
    calls = [n for n in ast.walk(code.tree) if isinstance(n, ast.Call) and n.func in uses]
    if len(calls) != len(uses) or any(len(n.args) != 1 or n.keywords for n in calls):
        return []
    known = re.search(r"^import pendulum$", code.text, re.MULTILINE)
    start, end = code.span(imported)
    line = ((start, min(end + len(code.newline), len(code.text))), "") if known else ((start, end), "import pendulum")
    return [line, *((code.span(n), f'pendulum.today("UTC").add(days=-{_bare(code, n.args[0])})') for n in calls)]


def _bare(code: Code, node: ast.expr) -> str:
    source = code.source(node)
    return source if isinstance(node, (ast.Constant, ast.Name)) else f"({source})"
