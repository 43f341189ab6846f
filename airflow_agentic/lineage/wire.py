"""One OpenLineage event as JSON has it → `Facts`, in the store's terms. No database, no clock.

What an event must have (time, run, job, the names of its data sets) is refused with the reason when it is missing or
wrong; a facet that is not of its documented shape is as if it were absent. Read are the provider 2.x, openlineage-dbt
in both modes, Cosmos, and the retired openlineage-airflow, whose COMPLETE and FAIL carry little: the store merges the
events of a run. LINEAGE_FACTS 1 and 2 say which producer sends what.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

from airflow_agentic.airflow_masker import known_values
from airflow_agentic.errors import BadEvent
from airflow_agentic.lineage.facets import DatasetFacets, DatasetReader, texts
from airflow_agentic.lineage.normalize import Dataset, Namer, checked, job_id, masked, storable
from airflow_agentic.lineage.parts import Unpacker
from airflow_agentic.redaction.everything import hide_again

STATES = ("MENTIONED", "OTHER", "START", "RUNNING", "ABORT", "COMPLETE", "FAIL")
"""A run's state is its place here; FAIL and COMPLETE are of one rank, the later event holds."""
COMPLETE, ABORT = STATES.index("COMPLETE"), STATES.index("ABORT")
INPUT, OUTPUT = 0, 1
NO_RUN = bytes(16)
"""Where a schema is declared without a run."""
DAY_US = 86_400_000_000
AHEAD_US = DAY_US
"""An event from further in the future has a wrong clock: it would be the newest for as long as it is off."""
_EARLIEST = 946_684_800_000_000  # 2000-01-01
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MOST_SQL, _MOST_STACK, _MOST_TEXT = 20_000, 16_000, 4_000
_ALTERS = re.compile(r"\balter\b|\brename\b|\bdrop\s+(?:table|view|column)\b", re.IGNORECASE)
_VERSIONS = ("dag_version", "dag_bundle")
_FRACTION = re.compile(r"(\.\d{1,9})")


@dataclass(frozen=True)
class Job:
    """A job's identity, and the task that it is where a facet says so."""

    id: int
    namespace: str
    name: str
    dag_id: str | None = None
    task_id: str | None = None


@dataclass
class Run:
    """What one event says of a run; None is unsaid. The order is that of the store's columns."""

    run_id: bytes
    job_id: int
    state: int
    state_at: int
    started_at: int | None = None
    ended_at: int | None = None
    last_event: int = 0
    parent_run_id: bytes | None = None
    root_run_id: bytes | None = None
    af_run_id: str | None = None
    try_number: int | None = None
    max_tries: int | None = None
    map_index: int | None = None
    nominal_start: int | None = None
    nominal_end: int | None = None
    partition_key: str | None = None


@dataclass
class Facts:
    """What one event says, checked whole before any of it is used."""

    at: int
    producer: str
    job: Job | None = None
    run: Run | None = None
    parent: tuple[Job, Run] | None = None
    """The parent as its child mentions it."""
    job_facets: dict[str, str] = field(default_factory=dict)
    run_facets: dict[str, str] = field(default_factory=dict)
    datasets: list[tuple[int, Dataset, DatasetFacets]] = field(default_factory=list)
    """Direction, data set, its facets."""


class EventReader:
    """Reads events; keeps what it has parsed of schemas and column lineage, which repeat.

    :param namer: gives data sets their identity.
    """

    def __init__(self, namer: Namer) -> None:
        self._datasets = DatasetReader(namer)
        self._unpacker = Unpacker()

    def read(self, event: object, *, now_us: int) -> Facts:
        """Return what *event* says.

        :param event: a JSON object as Python has it, or its bytes.
        :param now_us: microseconds since 1970; an event of more than a day later is refused.
        :raises BadEvent: with the reason; sending it again does not help.
        """
        if isinstance(event, bytes):
            event = self._unpacker.event(event)
        if not isinstance(event, dict):
            raise BadEvent(f"an event is a JSON object, not {type(event).__name__}")
        at = _event_time(event.get("eventTime"), now_us)
        facts = Facts(at, _producer(event))
        if "run" in event:
            self._read_run(event, facts)
        elif "job" in event:
            facts.job = Job(*_job_name(event["job"], None))
            facts.job_facets = _job_facets(facets_of(event["job"]), {})
            self._read_datasets(event, facts, outputs_count=False)
        elif "dataset" in event:
            self._add_dataset(event["dataset"], OUTPUT, facts, schema_counts=True)
        else:
            raise BadEvent("the event has neither a run nor a job nor a dataset")
        return facts

    def _read_run(self, event: dict[str, Any], facts: Facts) -> None:
        run = event["run"]
        run_facets, job_facets = facets_of(run), facets_of(event.get("job"))
        parent = _object(run_facets, "parent")
        job = _job(event.get("job"), run_facets, job_facets, parent)
        state = _state(event.get("eventType"))
        facts.job = job
        facts.run = said = Run(_run_id(run, "run.runId"), job.id, state, facts.at, last_event=facts.at)
        if STATES[state] == "START":
            said.started_at = facts.at
        elif state >= ABORT:
            said.ended_at = facts.at
        _read_parent(parent, said, facts)
        _read_airflow(run_facets, said)
        facts.job_facets = _job_facets(job_facets, run_facets)
        facts.run_facets = _run_facets(run_facets, facts.job_facets.get("sql", ""), state)
        if state >= ABORT and (versions := _run_on(run_facets)):
            # A row a failed run, and one a job for all that end well: enough to tell the two apart.
            (facts.job_facets if state == COMPLETE else facts.run_facets)["versions"] = versions
        self._read_datasets(event, facts, outputs_count=state == COMPLETE)

    def _read_datasets(self, event: dict[str, Any], facts: Facts, *, outputs_count: bool) -> None:
        for direction, name in ((INPUT, "inputs"), (OUTPUT, "outputs")):
            found = event.get(name)
            if found is None:
                continue
            if not isinstance(found, list):
                raise BadEvent(f"{name} is {type(found).__name__}, not a list")
            for dataset in found:
                self._add_dataset(dataset, direction, facts, schema_counts=direction == INPUT or outputs_count)
        failed = [check for _, _, facets in facts.datasets for check in facets.assertions]
        if failed and facts.run:
            facts.run_facets["assertions"] = texts(sorted(failed, key=lambda check: bool(check["success"]))[:200])

    def _add_dataset(self, found: object, direction: int, facts: Facts, *, schema_counts: bool) -> None:
        dataset, said = self._datasets.read(found, schema_counts=schema_counts)
        if said is None:
            # A masker wrote over the name: which data set it is cannot be known.
            names = {*json.loads(facts.run_facets.get("masked", "[]")), dataset.name}
            facts.run_facets["masked"] = texts(sorted(names))
            return
        facts.datasets.append((direction, dataset, said))


def facets_of(thing: object, key: str = "facets") -> dict[str, Any]:
    """Return the facets of a run, job or data set; none when there are none."""
    found = thing.get(key) if isinstance(thing, dict) else None
    return found if isinstance(found, dict) else {}


def microseconds(value: object) -> int | None:
    """Return a time as microseconds since 1970; None when *value* is no time with an offset."""
    if not isinstance(value, str) or not 19 <= len(value) <= 40:
        return None
    text = f"{value[:-1]}+00:00" if value[-1] in "Zz" else value
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:  # Python 3.10 takes three or six digits only, and producers write up to nine
        try:
            moment = datetime.fromisoformat(_FRACTION.sub(lambda digits: digits[1][:7].ljust(7, "0"), text, count=1))
        except ValueError:
            return None
    if moment.tzinfo is None:
        return None
    passed = moment - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def _event_time(value: object, now_us: int) -> int:
    at = microseconds(value)
    if at is None:
        raise BadEvent(f"eventTime is {ascii(value)[:60]}, not a time with an offset such as 2026-11-24T06:00:00Z")
    if at > now_us + AHEAD_US:
        raise BadEvent(f"eventTime {value} is more than a day in the future: mend the producer's clock")
    if at < _EARLIEST:
        raise BadEvent(f"eventTime {value} is before the year 2000: mend the producer's clock")
    return at


def _state(value: object) -> int:
    if value is None:
        return STATES.index("OTHER")
    word = value.upper() if isinstance(value, str) else ""
    if word not in STATES[1:]:
        raise BadEvent(f"eventType is {ascii(value)[:60]}; known are {', '.join(STATES[1:])}")
    return STATES.index(word)


def _producer(event: Mapping[str, Any]) -> str:
    found = event.get("producer")
    return storable(found)[:200] if isinstance(found, str) and found else "unknown"


def _run_id(run: object, what: str) -> bytes:
    found = run.get("runId") if isinstance(run, dict) else None
    try:
        if isinstance(found, str) and len(found) == 36:
            return UUID(found).bytes
    except ValueError as error:
        raise BadEvent(f"{what} is {ascii(found)[:60]}, not a UUID") from error
    raise BadEvent(f"{what} is {ascii(found)[:60]}, not a UUID")


def _job_name(found: object, unified: tuple[str, str] | None) -> tuple[int, str, str]:
    if not isinstance(found, dict):
        raise BadEvent(f"job is {type(found).__name__}, not an object")
    namespace = checked(found.get("namespace"), "job.namespace")
    name = checked(found.get("name"), "job.name")
    if unified:
        namespace, name = unified
    return job_id(namespace, name), namespace, name


def _job(found: object, run_facets: dict[str, Any], job_facets: dict[str, Any], parent: dict[str, Any]) -> Job:
    # openlineage-dbt names a model by schema and in a namespace of its own, or by its unique id and in its parent's,
    # by its mode; what it is a run of is the same node.
    node = _object(job_facets, "dbt_node").get("unique_id")
    above = parent.get("job")
    namespace = above.get("namespace") if isinstance(above, dict) else None
    unified = None
    if isinstance(node, str) and node:
        own = found.get("namespace") if isinstance(found, dict) else None
        unified = (checked(namespace or own, "job.namespace"), checked(node, "dbt_node.unique_id"))
    key, namespace, name = _job_name(found, unified)
    airflow = _object(run_facets, "airflow") or _object(run_facets, "airflowDagRun")
    dag_id, task_id = _object(airflow, "dag").get("dag_id"), _object(airflow, "task").get("task_id")
    if not isinstance(dag_id, str) or len(dag_id) > 250:
        return Job(key, namespace, name)
    if name == dag_id:
        return Job(key, namespace, name, dag_id)
    if isinstance(task_id, str) and len(task_id) <= 250 and name == f"{dag_id}.{task_id}":
        return Job(key, namespace, name, dag_id, task_id)
    return Job(key, namespace, name)


def _read_parent(parent: dict[str, Any], said: Run, facts: Facts) -> None:
    """Note the parent and the root; a parent without a usable id or name is none."""
    try:
        run_id = _run_id(parent.get("run"), "parent.run.runId")
        key, namespace, name = _job_name(parent.get("job"), None)
    except BadEvent:
        return
    said.parent_run_id = run_id
    facts.parent = (Job(key, namespace, name), Run(run_id, key, 0, 0, last_event=_made_at(run_id)))
    root = _object(parent, "root").get("run")
    if isinstance(root, dict):
        try:
            said.root_run_id = _run_id(root, "root.run.runId")
        except BadEvent:
            said.root_run_id = None


def _made_at(run_id: bytes) -> int:
    """Return the time within a run id of version 7, so that a mention is the same whichever child makes it."""
    milliseconds = int.from_bytes(run_id[:6], "big")
    return milliseconds * 1_000 if run_id[6] >> 4 == 7 and milliseconds < 32_503_680_000_000 else 0


def _read_airflow(facets: dict[str, Any], said: Run) -> None:
    airflow = _object(facets, "airflow") or _object(facets, "airflowDagRun")
    dag_run, task, instance = (_object(airflow, name) for name in ("dagRun", "task", "taskInstance"))
    nominal = _object(facets, "nominalTime")
    said.nominal_start = microseconds(nominal.get("nominalStartTime") or dag_run.get("data_interval_start"))
    said.nominal_end = microseconds(nominal.get("nominalEndTime") or dag_run.get("data_interval_end"))
    said.af_run_id = _short(dag_run.get("run_id"))
    said.partition_key = _short(dag_run.get("partition_key"))
    said.try_number = _count(instance.get("try_number"))
    retries = _count(task.get("retries"))
    said.max_tries = None if retries is None else retries + 1
    mapped = _object(facets, "airflow_mappedTask").get("mapIndex")
    said.map_index = _count(instance.get("map_index") if mapped is None else mapped)


def _job_facets(job: dict[str, Any], run: dict[str, Any]) -> dict[str, str]:
    airflow = _object(run, "airflow") or _object(run, "airflowDagRun")
    task, kind, owners = _object(airflow, "task"), _object(job, "jobType"), _object(job, "ownership").get("owners")
    names = [owner.get("name") for owner in owners if isinstance(owner, dict)] if isinstance(owners, list) else []
    source = _object(job, "sourceCode").get("sourceCode")
    found = {
        "job_type": _text(kind.get("jobType"), 100),
        "integration": _text(kind.get("integration"), 100),
        "owners": texts([name for name in names if isinstance(name, str)][:100]) if names else "",
        "tags": _tags(_object(job, "tags").get("tags")),
        "documentation": _said(_object(job, "documentation").get("description"), _MOST_TEXT),
        "sql": _said(_object(job, "sql").get("query"), _MOST_SQL),
        "source_code": _said(source, _MOST_SQL),
        "inlets": _text(task.get("inlets"), _MOST_SQL, absent="[]"),
        "outlets": _text(task.get("outlets"), _MOST_SQL, absent="[]"),
        "operator": _text(task.get("operator_class_path") or task.get("operator_class"), 1_000),
        "fileloc": _text(_object(airflow, "dag").get("fileloc"), 1_000),
        "dbt_node": _text(_object(job, "dbt_node").get("unique_id"), 1_000),
    }
    return {name: value for name, value in found.items() if value}


def _run_facets(facets: dict[str, Any], sql: str, state: int) -> dict[str, str]:
    error, dag_state = _object(facets, "errorMessage"), _object(facets, "airflowState")
    dag_run = _object(_object(facets, "airflowDagRun"), "dagRun")
    stack = error.get("stackTrace")
    found = {
        # Of a Dag's run Airflow says no more than this word.
        "error": _said(error.get("message"), _MOST_TEXT, absent="task_failure"),
        "stack": _end(stack),
        "ddl": sql if sql and _ALTERS.search(sql) else "",
        "version": texts({name: dag_run[name] for name in sorted(dag_run) if name.startswith(_VERSIONS)}),
    }
    upstream = _object(facets, "jobDependencies").get("upstream")
    if isinstance(upstream, list) and upstream:
        found["upstream"] = texts(upstream)
    tasks = _object(dag_state, "tasksState")
    if state > COMPLETE and tasks:
        found["tasks"] = texts({name: tasks[name] for name in sorted(tasks) if tasks[name] != "success"})
    return {name: value for name, value in found.items() if value and value != "{}" and len(value) <= 100_000}


def _run_on(facets: dict[str, Any]) -> str:
    """Return what the run ran on as a JSON object: names and versions, sorted; empty where nothing tells."""
    engine, task = _object(facets, "processing_engine"), _object(_object(facets, "airflow"), "task")
    operator = _text(task.get("operator_class_path") or task.get("operator_class"), 200).rpartition(".")[2]
    told = {
        "airflow": _object(facets, "airflow_version").get("airflowVersion"),
        "dbt": _object(facets, "dbt_version").get("version"),
        "spark": _object(facets, "spark_version").get("spark-version"),
        _text(engine.get("name"), 100).lower() or "engine": engine.get("version"),
        "openlineage adapter": engine.get("openlineageAdapterVersion"),
        f"provider of {operator}" if operator else "provider": task.get("operator_provider_version"),
    }
    found = {name: text for name, value in sorted(told.items()) if (text := _text(value, 60)) and not masked(text)}
    return texts(found) if found else ""


def _tags(found: object) -> str:
    if not isinstance(found, list):
        return ""
    pairs = [(tag.get("key"), tag.get("value")) for tag in found[:200] if isinstance(tag, dict)]
    return texts([str(key) if value in (None, key) else f"{key}:{value}" for key, value in pairs if key])


def _object(thing: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = thing.get(key)
    return found if isinstance(found, dict) else {}


def _text(value: object, most: int, *, absent: str = "") -> str:
    return storable(value[:most]) if isinstance(value, str) and value != absent else ""


def _said(value: object, most: int, *, absent: str = "") -> str:
    """Return what strangers wrote, without secrets: taken out before it is cut, so that no half of one stays."""
    said = _text(value, 2 * most, absent=absent)
    return hide_again(said, known_values())[:most] if said else ""


def _end(stack: object) -> str:
    """Return the end of a stack that is too long: the error stands there."""
    if not isinstance(stack, str):
        return ""
    return hide_again(storable(stack[-2 * _MOST_STACK :]), known_values())[-_MOST_STACK:]


def _short(value: object) -> str | None:
    return storable(value) if isinstance(value, str) and 0 < len(value) <= 250 else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and -1 <= value < 2**31 - 1 else None
