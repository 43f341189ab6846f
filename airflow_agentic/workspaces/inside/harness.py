"""Requests on standard input → Dag runs, each in a fork of one warm Airflow. Runs inside the sandbox, by file path.

PERFORMANCE_FACTS 3: nearly all of a cold ``dag.test()`` is imports and the Execution API's routers. Both are done
once here, before any thread exists; each request then gets a fork with a metadata database, a copy of the code and
a data folder of its own, laid out by the parent. Answers are JSON lines; what a run did stands in its folder's
``out``, written by the fork, so the parent believes no more of it than it must. Standard library and Airflow only:
the interpreter may have no ``airflow_agentic``.
"""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from typing import Any

PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 4, 36
POLL_S = 0.02
HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> None:
    """Serve requests until standard input ends."""
    requests, replies = os.fdopen(os.dup(0), "r"), os.fdopen(os.dup(1), "w", buffering=1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    started = time.monotonic()
    gc.disable()  # nothing that is imported here is ever garbage
    boot = _boot()
    gc.collect()
    gc.freeze()
    gc.enable()
    # A run must not look into this process or steer it; each fork takes it back for itself.
    _prctl(PR_SET_DUMPABLE, 0)
    replies.write(json.dumps({"ready": True, "boot_s": time.monotonic() - started, **boot}) + "\n")
    at_start = {folder: set(os.listdir(folder)) for folder in ("/tmp", "/dev/shm") if os.access(folder, os.R_OK)}
    for line in requests:
        request = json.loads(line)
        # Ours only: a fork that inherited them could answer in our name.
        answer = _serve(request, close=(requests.fileno(), replies.fileno()))
        _sweep({folder: at_start[folder] for folder in request["scratch"]})
        replies.write(json.dumps(answer) + "\n")
    os._exit(0)


def _boot() -> dict[str, Any]:
    """Import what every run needs and build the Execution API; say what was warmed."""
    import airflow
    import airflow.dag_processing.bundles.local
    import airflow.dag_processing.bundles.manager
    import airflow.dag_processing.collection
    import airflow.dag_processing.dagbag
    import airflow.jobs.job
    import airflow.models
    import airflow.providers.standard.decorators.python
    import airflow.providers.standard.operators.bash
    import airflow.providers.standard.operators.python
    import airflow.sdk.execution_time.supervisor
    import airflow.sdk.execution_time.task_runner
    import airflow.serialization.definitions.mappedoperator
    import airflow.timetables.trigger
    import anyio._backends._asyncio  # noqa: F401
    from sqlalchemy.orm import configure_mappers

    _beside("staging_secrets")
    for name in ("landlock", "one_thread", "staged_dag", "supervised"):
        _beside(name)
    airflow.models.import_all_models()
    # Half of a warm run otherwise: SQLAlchemy wires up all of Airflow's models at the first use of one.
    configure_mappers()
    return {"airflow": airflow.__version__, "python": sys.version.split()[0], "warm": _beside("warm").warm()}


def _serve(request: dict[str, Any], close: tuple[int, ...]) -> dict[str, Any]:
    """Fork, wait no longer than asked, and leave no process behind."""
    kinds: dict[str, Callable[[dict[str, Any]], None]] = {
        "run": run_dag,
        "import": import_dags,
        "command": run_command,
        "survey": survey,
    }
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _become_child(request, close, kinds[request["kind"]])
    status = _wait(pid, started + float(request["wall_s"]))
    _end_leftovers(pid, private_pids=bool(request.get("private_pids")))
    took = time.monotonic() - started
    return {"id": request["id"], "timed_out": status is None, "status": status, "elapsed_s": took}


def _become_child(request: dict[str, Any], close: tuple[int, ...], do: Callable[[dict[str, Any]], None]) -> None:
    """Run the request in this fork and leave without the parent's exit handlers."""
    code = 1
    try:
        # Not in the process that decides a run's result: the run's own children do it for themselves.
        _prctl(PR_SET_DUMPABLE, int(request["kind"] != "run"))
        os.setsid()
        for descriptor in close:
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(request["environment"])
        tempfile.tempdir = None  # remembered by whoever asked first: the warm process
        os.chdir(request["repository"])
        if request["walls"]:
            sys.modules["agentic_landlock"].restrict(**request["walls"])
        _log_to(os.path.join(request["out"], "log"))
        do(request)
        code = 0
    except BaseException:  # noqa: BLE001  the border of the fork: what went wrong is told through the folder
        _tell(request, "harness_error", {"error": traceback.format_exc()[-8000:]})
    finally:
        os._exit(code)


def run_dag(request: dict[str, Any]) -> None:
    """Run one Dag as ``dag.test()`` does, its code in children, and write down what the run's database says."""
    from airflow import settings

    settings.configure_vars()
    settings.configure_orm()
    _forget_soon(settings.engine)
    told = sys.modules["agentic_supervised"].run(request, sys.modules["agentic_staged_dag"])
    for number, states in enumerate(told):
        _tell(request, f"result_{number}" if number else "result", states)


def _forget_soon(engine: Any) -> None:
    """Have this fork's own metadata database wait for no disk: it is gone with the run, and nobody recovers it.

    Airflow commits some twenty times a task. Of this engine only: databases of the code under test stay as they are.
    """
    from sqlalchemy import event

    def relax(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous = OFF")
        cursor.execute("PRAGMA journal_mode = MEMORY")
        cursor.close()

    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", relax)


def import_dags(request: dict[str, Any]) -> None:
    """Import every Dag file, each in a fork of its own: one that ends the process says nothing about the others."""
    from pathlib import Path

    from airflow.utils.file import list_py_file_paths

    files = sorted(map(str, list_py_file_paths(Path(request["dags_folder"]), safe_mode=True)))
    found: list[dict[str, Any]] = []
    for path in files:
        pid = os.fork()
        name = f"import_{len(found):04d}"
        if pid == 0:
            _import_one(request, path, name)
        status = _wait(pid, time.monotonic() + float(request["wall_s"]) / max(4, len(files)))
        found.append({"path": os.path.relpath(path, request["repository"]), "told": name, "status": status})
    _tell(request, "result", {"files": found})


def _import_one(request: dict[str, Any], path: str, name: str) -> None:
    from pathlib import Path

    try:
        from airflow.dag_processing.dagbag import DagBag

        repository, dags = request["repository"], request["dags_folder"]
        sys.modules["agentic_warm"].forget_shadowed((repository, dags))
        sys.path[:0] = [repository, *([dags] if dags != repository else [])]
        bag = DagBag(dag_folder=path, safe_mode=False, bundle_path=Path(dags), bundle_name="staging")
        said = "\n".join(bag.import_errors.values())[-4000:]
        links = [_beside("staged_dag").links(bag.dags[dag_id]) for dag_id in sorted(bag.dags)]
        _tell(request, name, {"error": said, "dags": links})
    except BaseException:  # noqa: BLE001  the border of the fork
        _tell(request, name, {"error": traceback.format_exc()[-4000:], "dags": []})
    finally:
        os._exit(0)


def run_command(request: dict[str, Any]) -> None:
    """Become one command; its exit status is the fork's."""
    os.execve(request["argv"][0], request["argv"], dict(os.environ))


def survey(request: dict[str, Any]) -> None:
    """Describe the data folder: tables, columns, rows, digests."""
    found = _beside("survey").survey(
        request["data"], request.get("databases", ()), samples=bool(request.get("samples"))
    )
    _tell(request, "result", {"tables": found})


def _beside(name: str) -> Any:
    """Load the module that lies next to this file; its folder is not on ``sys.path``, a Dag's modules come first."""
    spec = importlib.util.spec_from_file_location(f"agentic_{name}", os.path.join(HERE, f"{name}.py"))
    if spec is None or spec.loader is None:
        raise FileNotFoundError(os.path.join(HERE, f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[spec.name] = module
    return module


def _wait(pid: int, deadline: float) -> int | None:
    """Return the exit status (negative: a signal), or None when the time was up and the group was killed."""
    ends = _end_of(pid)
    try:
        while True:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() > deadline:
                _kill_group(pid)
                os.waitpid(pid, 0)
                return None
            if ends is None:
                time.sleep(POLL_S)
            else:
                select.select([ends], [], [], max(0.0, deadline - time.monotonic()) + POLL_S)
    finally:
        if ends is not None:
            os.close(ends)


def _end_of(pid: int) -> int | None:
    """Return a descriptor that is readable once the process has ended; None on a system that has none."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _end_leftovers(pid: int, *, private_pids: bool) -> None:
    """End whatever the run left running; they are our children, since we are their sub-reaper."""
    _kill_group(pid)
    for _ in range(200):
        if private_pids:
            _kill(-1)
        for child in _children():
            _kill(child)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        time.sleep(0.01)


def _sweep(kept: dict[str, set[str]]) -> None:
    """Remove what a run left in the workspace's own temporary folders: the next one must not find it."""
    for folder, names in kept.items():
        for name in set(os.listdir(folder)) - names:
            path = os.path.join(folder, name)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path, ignore_errors=True)
            else:
                os.unlink(path)


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as listed:
            return [int(word) for word in listed.read().split()]
    except OSError:
        return []


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        _kill(pid)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _tell(request: dict[str, Any], name: str, what: dict[str, Any]) -> None:
    with open(os.path.join(request["out"], f"{name}.json"), "w", encoding="utf-8") as out:
        json.dump(what, out)


def _log_to(path: str) -> None:
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main()
