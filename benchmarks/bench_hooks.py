"""What the plugin costs: a succeeding task, a failing task, an import, a Dag of 100 tasks. Prints figures beside goals.

``python benchmarks/bench_hooks.py [--quick]``. Everything is measured side by side in one run, interleaved; the
failing task and the Dag on a real Airflow. Shared machines are noisy: read ratios, not milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_agentic.testing.airflow_stack import AirflowStack, StackError

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    what: str
    figure: str
    goal: str
    met: bool


def main() -> int:
    """Measure, print the table, and return 1 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer tasks and repetitions, for a first look")
    parser.add_argument("--only", choices=["success", "failure", "import", "dag"], action="append")
    given = parser.parse_args()
    parts: dict[str, Callable[[bool], list[Row]]] = {
        "success": success_hook,
        "import": plugin_import,
        "failure": failure_hook,
        "dag": dag_cpu,
    }
    rows = [row for name, part in parts.items() if name in (given.only or parts) for row in part(given.quick)]
    print(f"\nload {os.getloadavg()[0]:.1f}, {os.cpu_count()} CPUs, {'quick' if given.quick else 'full'}\n")
    print("| what | measured | goal | |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row.what} | {row.figure} | {row.goal} | {'met' if row.met else 'MISSED'} |")
    return 0 if all(row.met for row in rows) else 1


def success_hook(quick: bool) -> list[Row]:
    """Time Airflow's own success hook with an empty listener and with ours, in batches by turns."""
    from airflow._shared.listeners.listener import ListenerManager
    from airflow._shared.listeners.spec import taskinstance
    from airflow.listeners import hookimpl

    from airflow_agentic.triggers.listener import AgenticListener

    class Empty:
        @hookimpl
        def on_task_instance_success(self, previous_state: Any, task_instance: Any) -> None:
            return None

    managers = {}
    for name, listener in {"empty": Empty(), "ours": AgenticListener()}.items():
        managers[name] = ListenerManager()
        managers[name].add_hookspecs(taskinstance)
        managers[name].add_listener(listener)
    before, calls = set(sys.modules), 2_000
    times: dict[str, list[float]] = {name: [] for name in managers}
    for _ in range(10 if quick else 50):
        for name, manager in managers.items():
            start = time.perf_counter()
            for _ in range(calls):
                manager.hook.on_task_instance_success(previous_state=None, task_instance=None)
            times[name].append((time.perf_counter() - start) / calls)
    new = set(sys.modules) - before
    ours, empty = (statistics.median(times[name]) for name in ("ours", "empty"))
    figure = f"{ours * 1e6:.2f} µs against {empty * 1e6:.2f} µs: {ours / empty:.2f}×, {len(new)} modules imported"
    return [
        Row(
            what="hook in a succeeding task",
            figure=figure,
            goal="≤ 1.5× an empty hook, no module",
            met=ours / empty <= 1.5 and not new,
        )
    ]


_IMPORT = """
import time
start = time.process_time()
import airflow.sdk.plugins_manager, airflow.sdk.execution_time.task_runner, airflow.listeners
base = time.process_time()
import airflow_agentic.plugins.agentic
plugin = time.process_time()
import airflow_agentic.triggers.listener
print(base - start, plugin - base, time.process_time() - base)
"""


def plugin_import(quick: bool) -> list[Row]:
    """Import the plugin, and the listener, in fresh interpreters that already run Airflow's task runner."""
    figures = []
    for _ in range(3 if quick else 11):
        done = subprocess.run([sys.executable, "-c", _IMPORT], capture_output=True, text=True, check=True)
        figures.append([float(word) for word in done.stdout.split()[-3:]])
    base, plugin, with_listener = (statistics.median(column) for column in zip(*figures, strict=True))
    return [
        Row(
            what=f"import of {name} in a fresh interpreter",
            figure=f"{cost * 1e3:.1f} ms CPU against {base * 1e3:.0f} ms: {cost / base:.2%}",
            goal="≤ 1 % of Airflow's own",
            met=cost / base <= 0.01,
        )
        for name, cost in {"the plugin": plugin, "plugin and listener": with_listener}.items()
    ]


_TIMING_PLUGIN = '''
"""Times the failure hook of both listeners where Airflow calls it: in the task's own process."""
import functools, json, os, time

from airflow.providers.openlineage.plugins.listener import OpenLineageListener
from airflow.sdk.plugins_manager import AirflowPlugin
from airflow_agentic.triggers.listener import AgenticListener


def timed(name, hook):
    @functools.wraps(hook)
    def call(self, previous_state, task_instance, error):
        start = time.perf_counter()
        try:
            return hook(self, previous_state=previous_state, task_instance=task_instance, error=error)
        finally:
            line = {"who": name, "dag": task_instance.dag_id, "ms": (time.perf_counter() - start) * 1e3}
            handle = os.open(os.environ["BENCH_OUT"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(handle, (json.dumps(line) + "\\n").encode())
            os.close(handle)
    return call


# Airflow's core and its Task SDK each load this file; the second time the hooks are timed already.
for name, kind in {"ours": AgenticListener, "openlineage": OpenLineageListener}.items():
    if not hasattr(kind.on_task_instance_failed, "__wrapped__"):
        kind.on_task_instance_failed = timed(name, kind.on_task_instance_failed)


class Timing(AirflowPlugin):
    name = "bench_timing"
'''

_FAILING_DAGS = """
from airflow.sdk import DAG, task

with DAG("agentic_triage", schedule=None, tags=["agentic"]):
    @task
    def take():
        pass
    take()

with DAG("first_failure", schedule=None, max_active_runs=1000):
    @task
    def fails():
        raise ValueError("each run is a new incident")
    fails()

with DAG("later_failures", schedule=None):
    @task
    def fails_too(number):
        raise ValueError("all of one run")
    fails_too.expand(number=list(range(COUNT)))
"""


def _triggered(airflow, dag_id: str) -> str:
    """SQLite answers "database is locked" now and then while 4 tasks write; that is not what is measured here."""
    for _ in range(5):
        try:
            return airflow.trigger(dag_id)
        except StackError as error:
            if "HTTP 500" not in str(error):
                raise
            time.sleep(1)
    return airflow.trigger(dag_id)


def failure_hook(quick: bool) -> list[Row]:
    """Let tasks fail under both listeners at once; each times its own part of the same process."""
    count = 12 if quick else 60
    with tempfile.TemporaryDirectory(prefix="agentic-bench-") as name:
        folder, out = Path(name), Path(name) / "times.jsonl"
        _write(folder / "dags" / "failing.py", _FAILING_DAGS.replace("COUNT", str(count)))
        _write(folder / "plugins" / "timing.py", _TIMING_PLUGIN)
        transport = {"type": "file", "log_file_path": str(folder / "openlineage.jsonl"), "append": True}
        environment = {
            "BENCH_OUT": str(out),
            "AIRFLOW__AGENTIC__LISTENER": "True",
            "AIRFLOW__AGENTIC__SPOOL_DIR": str(folder / "spool"),
            # The triage runs must not compete with what is measured.
            "AIRFLOW__AGENTIC__DEBOUNCE_S": "3600",
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder / "plugins"),
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
        }
        connections = {"agentic_default": {"conn_type": "agentic", "extra": {}}}
        with AirflowStack(folder, environment=environment, connections=connections, parallelism=2) as airflow:
            airflow.wait_for_dags(["agentic_triage", "first_failure", "later_failures"])
            runs = [("first_failure", _triggered(airflow, "first_failure")) for _ in range(count)]
            runs.append(("later_failures", airflow.trigger("later_failures")))
            for dag_id, run_id in runs:
                airflow.wait_for_run(dag_id, run_id, timeout_s=900)
            triages = len(airflow.runs("agentic_triage"))
        lines = [json.loads(line) for line in out.read_text().splitlines()]
    return _failure_rows(lines, triages, min(count + 1, 100))


def _failure_rows(lines: list[dict[str, Any]], triages: int, expected: int) -> list[Row]:
    def times(who: str, dag: str) -> list[float]:
        return sorted(line["ms"] for line in lines if (line["who"], line["dag"]) == (who, dag))

    ours, theirs = times("ours", "first_failure"), times("openlineage", "first_failure")
    later = times("ours", "later_failures")
    median, other, p99 = statistics.median(ours), statistics.median(theirs), ours[int(len(ours) * 0.99)]
    return [
        Row(
            what=f"hook in a failing task (n={len(ours)})",
            figure=f"p50 {median:.0f} ms against OpenLineage's {other:.0f} ms: {median / other:.2f}×",
            goal="≤ 0.7×",
            met=median / other <= 0.7,
        ),
        Row(what="  its p99", figure=f"{p99:.0f} ms", goal="≤ 150 ms", met=p99 <= 150),
        Row(
            what=f"  in a run already reported (n={len(later)})",
            figure=f"p50 {statistics.median(later):.2f} ms, {triages} triage runs for {expected} failed runs",
            goal="no second send",
            met=triages == expected and statistics.median(later) < median / 2,
        ),
    ]


_MANY_TASKS = """
from airflow.sdk import DAG, task

with DAG("many_tasks", schedule=None, max_active_tasks=1000):
    @task
    def nothing(number):
        return None
    nothing.expand(number=list(range(COUNT)))
"""

_HIDE_US = '''
"""As if airflow-agentic were not installed: its distribution is not found, so Airflow sees no entry point."""
from importlib import metadata

try:
    import importlib_metadata as backport  # what Airflow reads before Python 3.12
except ImportError:
    backport = metadata

for kind in {metadata.Distribution, backport.Distribution}:
    kind.discover = classmethod(
        lambda cls, _all=kind.discover, **given: (d for d in _all(**given) if d.metadata["Name"] != "airflow-agentic")
    )
'''


def dag_cpu(quick: bool) -> list[Row]:
    """Run the same Dag by turns on two Airflows, with our listener and without our package; compare CPU."""
    count, repetitions = (30, 2) if quick else (100, 5)
    with tempfile.TemporaryDirectory(prefix="agentic-bench-") as name:
        folder = Path(name)
        _write(folder / "dags" / "many.py", _MANY_TASKS.replace("COUNT", str(count)))
        _write(folder / "hide" / "sitecustomize.py", _HIDE_US)
        quiet = {"AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600"}
        ours = AirflowStack(
            folder / "ours",
            dags_folder=folder / "dags",
            environment={**quiet, "AIRFLOW__AGENTIC__LISTENER": "True"},
            connections={"agentic_default": {"conn_type": "agentic", "extra": {}}},
            parallelism=2,
        )
        none = AirflowStack(
            folder / "none",
            dags_folder=folder / "dags",
            environment=quiet,
            python_path=[folder / "hide"],
            parallelism=2,
        )
        with ours, none:
            stacks = {"ours": ours, "none": none}
            for stack in stacks.values():
                stack.wait_for_dags(["many_tasks"])
                _one_run(stack)
            assert {who: _has_plugin(stack) for who, stack in stacks.items()} == {"ours": True, "none": False}
            used: dict[str, list[float]] = {"ours": [], "none": []}
            for turn in range(repetitions):
                for who in sorted(stacks, reverse=bool(turn % 2)):
                    used[who].append(_one_run(stacks[who]))
    ratio = statistics.median(used["ours"]) / statistics.median(used["none"])
    spread = {who: f"{min(seen):.1f}–{max(seen):.1f}" for who, seen in used.items()}
    return [
        Row(
            what=f"Dag of {count} tasks, CPU ({repetitions} repetitions by turns)",
            figure=f"{ratio:.3f}× (with {spread['ours']} s, without {spread['none']} s)",
            goal="≤ 1.05×",
            met=ratio <= 1.05,
        )
    ]


def _one_run(stack: AirflowStack) -> float:
    """Return the CPU seconds that scheduler, api-server and tasks took for one run."""
    watched: Sequence[str] = ("scheduler", "api-server")
    before = sum(_cpu_s(stack.running()[name]) for name in watched)
    stack.wait_for_run("many_tasks", stack.trigger("many_tasks"), ("success",), timeout_s=900)
    return sum(_cpu_s(stack.running()[name]) for name in watched) - before


def _has_plugin(stack: AirflowStack) -> bool:
    return "agentic" in {plugin["name"] for plugin in stack.get("/plugins")["plugins"]}


def _cpu_s(pid: int) -> float:
    """CPU of a process, its living descendants and what each of them has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = sum(map(int, fields[11:15])) / _TICKS
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(_cpu_s(int(child)) for child in children)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
