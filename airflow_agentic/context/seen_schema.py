"""Data that could be read for the failing run only → what it lacks that lineage saw in it when the task last worked.

The last good run's landed data is often gone, and a table without a column of days is known as it is now. A schema
that events told of then is the good side: names of columns are compared, for types are written differently there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from airflow_agentic.context.intervals import fill, instants
from airflow_agentic.context.lineage import Origin
from airflow_agentic.context.lineage_changes import said_of
from airflow_agentic.context.lineage_failing import Failing, failing_tasks
from airflow_agentic.context.lineage_words import SCHEMA_CHANGED, SOURCE, told
from airflow_agentic.errors import SourceUnavailable, StoreError
from airflow_agentic.lineage.schemas import column_changes
from airflow_agentic.ports import LineageReader
from airflow_agentic.records import DataShape, Evidence, Gap, SourceReport, Target
from airflow_agentic.records.lineage import LineageDataset, NodeId, SchemaVersion

MAX_LINES = 20


class SeenSchemaSource:
    """Compares data as it is with schemas as they were; asked after the sources that read data.

    :param origins: where events are, in the order in which they are asked.
    """

    name = "seen_schema"

    def __init__(self, origins: Sequence[Origin]) -> None:
        self._origins = tuple(origins)

    def read(self, target: Target, so_far: SourceReport) -> SourceReport:
        """Return one piece of evidence for each input that has lost columns, and that lineage did not tell of yet."""
        shapes = [s for s in so_far.shapes if s.role == "failing" and s.fields and not _has_good_side(s, so_far)]
        if not shapes:
            return SourceReport()
        tasks = tuple(dict.fromkeys((target.dag.dag_id, t.key.task_id) for t in target.failed))
        gaps: list[Gap] = []
        for origin in self._origins:
            try:
                with origin.reading(tasks, []) as reader:
                    failing = failing_tasks(reader, target)
                    if failing is not None and failing.inputs:
                        return SourceReport(evidence=tuple(_compared(reader, failing, shapes, target, so_far)))
            except (SourceUnavailable, StoreError) as error:
                gaps.append(Gap(source=SOURCE, reason=f"{origin.name}: {error}"[:500]))
        return SourceReport(gaps=tuple(gaps))


def _has_good_side(failing: DataShape, so_far: SourceReport) -> bool:
    """Say whether another columns' side is known: of a table's two days the columns are those of today, both times."""
    good = next((s for s in so_far.shapes if s.role == "good" and s.name == failing.name), None)
    return good is not None and {f.path for f in good.fields} != {f.path for f in failing.fields}


def _compared(
    reader: LineageReader, failing: Failing, shapes: Sequence[DataShape], target: Target, so_far: SourceReport
) -> Iterator[Evidence]:
    known = {e.title for e in so_far.evidence if e.title.startswith(SCHEMA_CHANGED)}
    versions = _seen(reader, failing)
    for dataset in failing.inputs:
        was = versions.get(dataset.id)
        shape = next((s for s in shapes if _same(s.name, dataset, target)), None)
        if was is None or shape is None or any(f"{SCHEMA_CHANGED} {dataset.name}" in title for title in known):
            continue
        now = tuple((f.path, "") for f in shape.fields if _plain(f.path))
        before = tuple((name, "") for name, _ in was.columns if _plain(name))
        changes = [c for c in column_changes(_columns(was, before), _columns(was, now)) if c.kind != "added"]
        if changes and len(changes) < len(before):  # all of them: it is another table
            lines = [f"- {said_of(c)} ({c.evidence})" for c in changes[:MAX_LINES]]
            lines.append(
                f"- seen with these columns until {was.last_seen}, and read without them now ({shape.interval})"
            )
            yield told(f"{SCHEMA_CHANGED} {dataset.name}: {said_of(changes[0])}", lines, failing.until)


def _seen(reader: LineageReader, failing: Failing) -> Mapping[NodeId, SchemaVersion]:
    """Return each input's newest observed schema that was seen no later than the last good run ended."""
    until = max((r.last_event for r in failing.good), default=failing.until)
    found: dict[NodeId, SchemaVersion] = {}
    for version in reader.schema_versions([d.id for d in failing.inputs], until=until):
        if version.source_class == "observed":
            found.setdefault(version.dataset_id, version)
    return found


def _same(name: str, dataset: LineageDataset, target: Target) -> bool:
    """Say whether a shape's name is that of a data set: a table by its last parts, a file with a run's date in it."""
    wanted, full = name.lower(), dataset.name.lower()
    runs = [run for run in (target.last_good, target.run) if run is not None]
    names = {wanted, *(fill(name, at).lower() for run in runs for at in instants(run) if "{" in name)}
    return any(full == one or full.endswith((f".{one}", f"/{one}")) for one in names)


def _columns(version: SchemaVersion, columns: tuple[tuple[str, str], ...]) -> SchemaVersion:
    return SchemaVersion(
        dataset_id=version.dataset_id,
        schema_id=version.schema_id,
        source_class=version.source_class,
        first_seen=version.first_seen,
        last_seen=version.last_seen,
        columns=columns,
    )


def _plain(path: str) -> bool:
    return "." not in path and "[" not in path and path != "***"
