"""A Dag file and a date → what came of the run, decided where the Dag's own code never runs.

Three kinds of process, as in production: this one schedules and owns the metadata database, one child imports the
file and tells the Dag's outline, and one child per try runs a task under Airflow's own supervisor. Children are left
neither the database nor the folder of answers, and cannot signal or look into this process; a child that ends without
having told its state has failed, whatever its exit status. Runs inside the sandbox, by file path.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import selectors
import signal
import stat
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

MAX_TOLD, MAX_SAID, CLOSING_S, WAKE_S = 64 << 20, 4 << 20, 2.0, 0.05
BUNDLES = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"


def run(request: dict[str, Any], staged_dag: Any) -> Iterator[dict[str, Any]]:
    """Run the Dag for each date and yield what the database says of it.

    ``import_error`` or ``missing`` if there is nothing to run.
    """
    told = _in_a_child(request, lambda: _outline(request, staged_dag))
    if "dags" not in told:
        yield told
        return
    from airflow.sdk.definitions import dag as dag_module
    from airflow.serialization.serialized_objects import DagSerialization

    known = _keep(told["dags"], os.path.join(request["out"], "no_dags"))
    order: list[dict[str, Any]] = []
    dag_module._run_task = _supervised(request, staged_dag, order)
    told_by: Any = DagSerialization
    told_by.serialize_dag = staticmethod(lambda dag: known[dag.dag_id].data["dag"])
    staged_dag.keep_inputs(request.get("data_interval"), request.get("partition_key") or "")
    test: Any = dag_module.DAG.test
    outline = _Outline(known[request["dag_id"]])
    # Asked here, not in the child: it could name every task.
    waits = staged_dag.waits_for_other_dags(outline, request["task_ids"])
    conf = json.loads(request["conf"] or "{}")
    for number, date in enumerate([request["logical_date"], *request.get("then", ())]):
        before, logical_date = len(order), staged_dag.moment(date)
        test(outline, logical_date=logical_date, run_conf=conf, mark_success_pattern=waits)
        yield {**staged_dag.states(request["dag_id"], logical_date, before=number), "logs": order[before:]}


class _Outline:
    """As much of a Dag as ``DAG.test`` asks for, made from what the importing child told."""

    on_success_callback = on_failure_callback = None

    def __init__(self, told: Any) -> None:
        from airflow.serialization.serialized_objects import DagSerialization

        dag = DagSerialization.from_dict(told.data)
        self.dag_id, self.timetable, self.task_dict = dag.dag_id, dag.timetable, dag.task_dict
        self.tasks = tuple(dag.task_dict.values())

    def validate(self) -> None:
        """The importing child has done it."""


def _outline(request: dict[str, Any], staged_dag: Any) -> dict[str, Any]:
    """Import the Dag's file, cut the Dag to what is asked for, and return it serialized."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import LazyDeserializedDAG

    path = os.path.join(request["repository"], request["dag_file"])
    bag = _bag(DagBag, path, request)
    dag = bag.dags.get(request["dag_id"])
    if dag is None:
        said = "\n".join(bag.import_errors.values())
        missing = f"{request['dag_file']} defines no Dag {request['dag_id']!r}"
        return {"import_error": said[-16_000:]} if said else {"missing": missing}
    if request["task_ids"]:
        unknown = sorted(set(request["task_ids"]) - set(dag.task_dict))
        if unknown:
            return {"missing": f"Dag {dag.dag_id!r} has no task {', '.join(unknown)}"}
        dag = dag.partial_subset(list(request["task_ids"]), include_upstream=True, include_downstream=True)
    staged_dag.make_quiet(dag)
    dag.validate()
    dags = [dag]
    if any(task.task_type == "TriggerDagRunOperator" for task in dag.tasks):
        # Only a Dag that starts others needs them in its database.
        dags += [
            other for key, other in _bag(DagBag, request["dags_folder"], request).dags.items() if key != dag.dag_id
        ]
    return {"dags": [LazyDeserializedDAG.from_dag(one).data for one in dags]}


def _bag(kind: Any, path: str, request: dict[str, Any]) -> Any:
    from pathlib import Path

    return kind(dag_folder=path, safe_mode=False, bundle_path=Path(request["dags_folder"]), bundle_name="staging")


def _keep(dags: list[dict[str, Any]], empty: str) -> dict[str, Any]:
    """Write the outlines to the database, as the Dag processor does with what its children tell."""
    from airflow.dag_processing.collection import update_dag_parsing_results_in_db
    from airflow.models.dagbundle import DagBundleModel
    from airflow.serialization.serialized_objects import LazyDeserializedDAG
    from airflow.utils.session import create_session

    # ``DAG.test`` parses every bundle that this process knows; it is given an empty one.
    os.makedirs(empty, exist_ok=True)
    os.environ[BUNDLES] = _bundle(empty)
    lazy = [LazyDeserializedDAG(data=data) for data in dags]
    with create_session() as session:
        session.merge(DagBundleModel(name="staging"))
        session.flush()
        update_dag_parsing_results_in_db("staging", None, lazy, {}, None, set(), session=session, files_parsed=set())
    return {one.dag_id: one for one in lazy}


def _bundle(path: str) -> str:
    classpath = "airflow.dag_processing.bundles.local.LocalDagBundle"
    return json.dumps([{"name": "staging", "classpath": classpath, "kwargs": {"path": path}}])


def _supervised(request: dict[str, Any], staged_dag: Any, order: list[dict[str, Any]]) -> Callable[..., None]:
    """Return what stands in for ``DAG.test``'s own function: a try in a child, its state told to its supervisor."""
    from airflow.sdk.execution_time import supervisor

    # What a task left running holds its pipes open; it is ended with the run, so there is nothing to wait for.
    supervisor.SOCKET_CLEANUP_TIMEOUT = CLOSING_S
    api: Any = supervisor.in_process_api_server()
    with suppress(AttributeError):  # an Airflow that is built otherwise keeps its threads
        api.transport = sys.modules["agentic_one_thread"].OneThreadTransport(api.app)
    client = supervisor.InProcessTestSupervisor._api_client(dag=object())

    def run_task(*, ti: Any, task: Any, run_triggerer: bool = False) -> None:
        _ = task, run_triggerer
        name = f"task_{len(order):04d}.log"
        order.append({"task_id": ti.task_id, "map_index": ti.map_index, "log": name})
        path = os.path.join(request["out"], name)
        while True:
            ti.set_state("queued")
            deferred = _try(request, staged_dag, client, ti, path)
            if deferred is None:
                return
            _resume(request, ti, deferred)

    return run_task


def _try(request: dict[str, Any], staged_dag: Any, client: Any, ti: Any, log_path: str) -> Any:
    """Run one try in a child and return its message if it was deferred."""
    import structlog
    from airflow.executors.workloads import BundleInfo
    from airflow.sdk.api.datamodels._generated import TaskInstance
    from airflow.sdk.log import logging_processors

    about = TaskInstance(
        **{name: getattr(ti, name) for name in ("id", "task_id", "dag_id", "run_id", "try_number", "map_index")},
        dag_version_id=ti.dag_version_id,
    )
    with open(log_path, "ab") as log:
        said: Any = _Said(log)
        logger = structlog.wrap_logger(
            structlog.BytesLogger(said), processors=logging_processors(json_output=True), logger_name="task"
        ).bind()
        path = os.path.join(request["repository"], request["dag_file"])
        # A collection in the child would write to every page that it shares with this process.
        gc.freeze()
        process = _strict().start(
            what=about,
            dag_rel_path=os.path.relpath(path, request["dags_folder"]),
            bundle_info=BundleInfo(name="staging"),
            client=client,
            logger=logger,
            target=lambda: _task_main(request, staged_dag),
        )
        said.end = process
        # The API has just been told that it started: a sign of life in every short task is a request for nothing.
        process._last_heartbeat_attempt = time.monotonic()
        _wake_at_its_end(process)
        process.wait()
        return process.deferred


def _wake_at_its_end(process: Any) -> None:
    """Let Airflow's loop see at once that the child is gone: its pipes end before it does, and wake the loop early."""
    with suppress(OSError, AttributeError):  # no such descriptor on this system: the loop looks every 50 ms
        end = os.fdopen(os.pidfd_open(process.pid), "rb", buffering=0)
        process.selector.register(end, selectors.EVENT_READ, (lambda _: False, process.selector.unregister))


class _Said:
    """A log that ends its task when it has grown too long."""

    end: Any = None

    def __init__(self, log: Any) -> None:
        self._log, self._size = log, 0

    def write(self, line: bytes) -> int:
        """Write a line; beyond the limit none is kept."""
        self._size += len(line)
        if self._size <= MAX_SAID:
            return int(self._log.write(line))
        if self.end is not None:
            self._log.write(b'{"event": "ended: it printed more than 4 MB", "level": "error"}\n')
            os.kill(self.end.pid, signal.SIGKILL)
            self.end = None
        return len(line)

    def flush(self) -> None:
        """Flush what was kept."""
        self._log.flush()


@functools.cache
def _strict() -> Any:
    """Return Airflow's supervisor, for which an exit status of 0 alone is no success."""
    import attrs
    from airflow.sdk.execution_time.comms import DeferTask
    from airflow.sdk.execution_time.supervisor import ActivitySubprocess
    from airflow.utils.state import TaskInstanceState

    @attrs.define(kw_only=True)
    class Strict(ActivitySubprocess):
        deferred: Any = None

        @property
        def final_state(self) -> Any:
            if self._exit_code == 0 and not self._terminal_state:
                return TaskInstanceState.FAILED
            return super().final_state

        def _service_subprocess(self, max_wait_time: float, *others: Any, **named: Any) -> Any:
            # Where nothing wakes Airflow's loop at the child's end, it would wait for the next heartbeat, 5 s a task.
            return super()._service_subprocess(min(max_wait_time, WAKE_S), *others, **named)

        def _handle_request(self, msg: Any, log: Any, req_id: int) -> None:
            if isinstance(msg, DeferTask):
                self.deferred = msg
            super()._handle_request(msg, log, req_id)

    return Strict


def _task_main(request: dict[str, Any], staged_dag: Any) -> None:
    """Be the child: behind its own walls, with the bundle that holds the code, run what the supervisor says."""
    from airflow.sdk.execution_time import task_runner

    _wall_in(request)
    os.environ[BUNDLES] = _bundle(request["dags_folder"])
    parse = task_runner.parse

    def quiet(*arguments: Any, **named: Any) -> Any:
        found = parse(*arguments, **named)
        staged_dag.make_quiet(found.task.dag)
        return found

    task_runner.parse = quiet
    task_runner.main()


def _resume(request: dict[str, Any], ti: Any, deferred: Any) -> None:
    """Run the trigger that a task waits for in a child of its own, and let the task go on."""
    from airflow.utils.session import create_session

    event = _in_a_child(request, lambda: _triggered(deferred))
    if "error" in event:
        raise RuntimeError(f"the trigger {deferred.classpath} failed: {event['error']}")
    with create_session() as session:
        ti = session.merge(ti)
        ti.next_method = deferred.next_method
        ti.next_kwargs = {"event": event["payload"]} if event["fired"] else deferred.next_kwargs
        ti.state = "scheduled"


def _triggered(deferred: Any) -> dict[str, Any]:
    import asyncio

    from airflow.sdk._shared.module_loading import import_string
    from airflow.sdk.serde import deserialize, serialize

    arguments: Any = deserialize(deferred.trigger_kwargs)
    trigger = import_string(deferred.classpath)(**arguments)

    async def first() -> Any:
        return await anext(trigger.run(), None)

    event = asyncio.run(first())
    return {"fired": event is not None, "payload": serialize(event.payload) if event else None}


def _in_a_child(request: dict[str, Any], do: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what *do* gives in a child behind its own walls; ``missing`` says why it gave nothing."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reader)
            _wall_in(request)
            answer = json.dumps(do())
            with os.fdopen(writer, "w") as out:
                out.write(answer)
            code = 0
        except BaseException:  # noqa: BLE001  the border of the fork: what went wrong is told as it is
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "r", errors="replace") as heard:
        text = heard.read(MAX_TOLD)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    told: Any = None
    with suppress(ValueError):
        told = json.loads(text)
    if status or not isinstance(told, dict):
        return {"missing": f"importing {request['dag_file']} ended its process (exit status {status})"}
    return told


def _wall_in(request: dict[str, Any]) -> None:
    """Leave this child no open file of the parent's and no folder but its own."""
    for number in range(3, 1_024):
        with suppress(OSError):  # not open
            held = os.fstat(number).st_mode
            if stat.S_ISREG(held) or stat.S_ISDIR(held):
                os.close(number)
    if request["task_walls"]:
        sys.modules["agentic_landlock"].restrict(**request["task_walls"])
    sys.modules["__main__"]._prctl(4, 1)
    repository, dags = request["repository"], request["dags_folder"]
    sys.modules["agentic_warm"].forget_shadowed((repository, dags))
    sys.path[:0] = [repository, *([dags] if dags != repository else [])]
