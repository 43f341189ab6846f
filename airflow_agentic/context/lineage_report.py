"""A lineage reader and the failing tasks → evidence, shapes, blast radius; the same wherever the lineage is from."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_agentic.context.lineage_changes import schema_changes
from airflow_agentic.context.lineage_checks import check_evidence, version_evidence
from airflow_agentic.context.lineage_failing import Failing, FailingTask, failing_tasks
from airflow_agentic.context.lineage_producers import producer_evidence, producers
from airflow_agentic.context.lineage_words import SOURCE, TOUCHES, named, run_of, told
from airflow_agentic.lineage.blast import blast_lines, blast_radius
from airflow_agentic.lineage.pack import context_pack
from airflow_agentic.lineage.partitions import partition_lines
from airflow_agentic.ports import LineageReader
from airflow_agentic.records import Evidence, Gap, SourceReport, Target, TaskError, TaskKey
from airflow_agentic.records.lineage import LineageRun
from airflow_agentic.tracebacks import fingerprint, parse_tracebacks, root_error

MAX_TOLD = 8
_GENERIC = ("", "task_failure")


def lineage_report(reader: LineageReader, target: Target, so_far: SourceReport, *, origin: str) -> SourceReport | None:
    """Return what one reader tells of the failing tasks; None where it knows none of them.

    :param origin: what the reader reads, in words: the dossier says so.
    """
    failing = failing_tasks(reader, target)
    if failing is None:
        return None
    key = next((t.run.partition_key for t in failing.tasks if t.run), "") or target.run.partition_key or ""
    pack = context_pack(reader, failing.jobs, inputs=failing.inputs, until=failing.until, partition_key=key)
    changes, shapes = schema_changes(reader, failing, pack)
    blast = _Waiting(reader, failing)
    partition = (
        [told(f"Partition {key} of {pack.partition.name}", partition_lines(pack.partition), failing.until)]
        if pack.partition
        else []
    )
    evidence = [
        *changes,
        *check_evidence(reader, failing),
        *_errors_told(failing, so_far),
        *producer_evidence(reader, failing, producers(failing, pack), partition_key=key),
        *version_evidence(reader, failing),
        *_touches(failing, origin),
        *partition,
        *blast.evidence(failing.until),
    ]
    known = any(t.inputs or t.outputs for t in failing.tasks)
    return SourceReport(
        evidence=tuple(evidence),
        errors=_errors(target, failing, so_far),
        shapes=shapes,
        gaps=tuple(Gap(source=SOURCE, reason=note) for note in failing.notes),
        blast_radius=blast.lines,
        affected_owners=blast.owners,
        lineage_origin=origin if known else "",
    )


@dataclass(init=False)
class _Waiting:
    """Who waits for what the failing tasks write."""

    jobs: int
    lines: tuple[str, ...]
    owners: tuple[str, ...]

    def __init__(self, reader: LineageReader, failing: Failing) -> None:
        found = blast_radius(reader, jobs=failing.jobs, datasets=failing.outputs)
        self.jobs, self.lines, self.owners = len(found.walk.jobs), blast_lines(found), found.owners

    def evidence(self, at: str) -> list[Evidence]:
        if not self.jobs:
            return []
        return [told(f"Blast radius: {self.jobs} jobs read what the failing tasks write", self.lines, at)]


def _touches(failing: Failing, origin: str) -> list[Evidence]:
    alike: dict[tuple[object, ...], list[FailingTask]] = {}
    for task in failing.tasks:
        alike.setdefault((task.inputs, task.outputs, task.how, task.assets), []).append(task)
    found = []
    for tasks in list(alike.values())[:MAX_TOLD]:
        first = tasks[0]
        reads = [d.name for d in first.inputs] or list(first.assets[0])
        writes = [d.name for d in first.outputs] or list(first.assets[1])
        body = (
            f"reads {named(reads) or 'unknown'}; writes {named(writes) or 'unknown'} "
            f"(told by {origin}; {first.how})"
        )  # fmt: skip
        found.append(told(f"{TOUCHES} {named(t.task_id for t in tasks)}", body, failing.until))
    return found


def _faults(failing: Failing) -> list[tuple[FailingTask, LineageRun]]:
    """Return failed runs with a message: the tasks', and of what the failing tries have started."""
    found = []
    for task in failing.tasks:
        runs = [task.run] if task.run else []
        runs += [c for c in task.children if task.run and c.state == "FAIL" and c.last_event >= task.run.started_at]
        found += [(task, run) for run in runs if run.error.strip() not in _GENERIC]
    return found


def _errors(target: Target, failing: Failing, so_far: SourceReport) -> tuple[TaskError, ...]:
    """Return the errors of tasks of which the log told none."""
    known = {error.task.task_id for error in so_far.errors}
    keys = {t.key.task_id: t.key for t in reversed(target.failed)}
    found: dict[str, TaskError] = {}
    for task, run in _faults(failing):
        if task.task_id in known or task.task_id in found:
            continue
        key = keys.get(task.task_id) or TaskKey(
            dag_id=target.dag.dag_id, run_id=target.run.run_id, task_id=task.task_id
        )
        found[task.task_id] = root_error(key, parse_tracebacks(run.stack.splitlines())) or TaskError(
            task=key, error_class="unknown", message=run.error, frames=(),
            fingerprint=fingerprint("unknown", run.error, ()),
        )  # fmt: skip
    return tuple(found.values())


def _errors_told(failing: Failing, so_far: SourceReport) -> list[Evidence]:
    seen = "\n".join([*(e.body for e in so_far.evidence), *(e.message for e in so_far.errors)])
    found: dict[str, Evidence] = {}
    for _, run in _faults(failing):
        message = run.error.strip()
        if message.splitlines()[0] not in seen:
            title = f"Error of {run.job.name} as its event tells it"
            found.setdefault(message, told(title, [*message.splitlines(), f"({run_of(run)})"], run.last_event))
    return list(found.values())[:MAX_TOLD]
