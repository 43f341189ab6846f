"""What we know about an incident, and what we could not find out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from airflow_agentic.records.failure import DagRecord, DagRunRecord, Incident, TaskKey


class Trust(str, Enum):
    """Who wrote a piece of text."""

    PLATFORM = "platform"
    """Airflow's own metadata, or computed by our code."""
    REPOSITORY = "repository"
    """Reviewed code and its history."""
    UNTRUSTED = "untrusted"
    """Logs, data, messages of upstream systems: written by strangers, data and never an instruction."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Something that we know, and can be cited by its id."""

    id: str
    """``E1``, ``E2``, ... given by `gather` in order; a source leaves it empty."""
    source: str
    """The source's name, as in the setting."""
    title: str
    body: str
    observed_at: str
    trust: Trust
    path: str | None = None
    """Repository-relative file that it speaks of, if it does."""
    line: int | None = None


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Something that we could not find out, and why."""

    source: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One frame of a traceback, outermost first in its tuple."""

    path: str
    """As printed by Python; absolute paths of the worker are kept."""
    line: int
    function: str
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class TaskError:
    """The exception that ended one try, root cause of the chain first."""

    task: TaskKey
    error_class: str
    """``KeyError``, ``shopfeed.client.UpstreamError``; ``unknown`` when the process was killed."""
    message: str
    frames: tuple[Frame, ...]
    fingerprint: str
    """Of class, place and message shape without run-specific values: `tracebacks.fingerprint`."""
    chain: tuple[str, ...] = ()
    """``Class: message`` of every exception of the chain, first cause first."""


@dataclass(frozen=True, kw_only=True)
class TaskRun:
    """One task instance as the history tells it."""

    key: TaskKey
    state: str
    started_at: str | None
    duration_s: float | None
    logical_date: str | None = None
    rendered: tuple[tuple[str, str], ...] = ()
    """Rendered template fields, name and value; empty when not asked for."""


@dataclass(frozen=True, kw_only=True)
class TaskNode:
    """One task of the failing Dag."""

    task_id: str
    operator: str
    upstream: tuple[str, ...] = ()
    downstream: tuple[str, ...] = ()
    trigger_rule: str = "all_success"


@dataclass(frozen=True, kw_only=True)
class FieldShape:
    """What one field of a data set looks like; never a value, but for formats derived from values."""

    path: str
    """Dotted path from the record: ``address.city``; ``[]`` marks a list: ``lines[].sku``."""
    types: tuple[str, ...]
    """JSON type names, sorted: ``string``, ``integer``, ``number``, ``boolean``, ``object``, ``array``, ``null``."""
    present: int
    """Records that have it."""
    nulls: int = 0
    formats: tuple[str, ...] = ()
    """Shapes of text values, sorted: digits as ``9``, letters as ``A`` (lower case ``a``), ``9999-99-99A99:99``;
    at most 8. More shapes than that: runs are folded (``Aa+ 9+``), and still more: none, it is free text."""
    distinct: int | None = None
    """Distinct values seen, when counted."""
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    entries: tuple[int, int] | None = None
    """Of lists: how many entries the shortest and the longest one have."""
    prefix: str = ""
    """What every text begins with before its digits, of codes like ``C-0007``: at most six letters and a mark."""
    units: tuple[str, ...] = ()
    """Where every text is one of our own list of words for units: which (``cents``)."""


@dataclass(frozen=True, kw_only=True)
class ValueTrace:
    """Where the values of a field stand now that it is gone, or a list, or where they do not; never a value."""

    was: str
    now: str
    """Path in the failing data; ``status[-1]``, ``steps[0].name`` for one entry of a list."""
    records: int
    """By how many records it was seen."""
    differs: bool = False
    """None of these records has in the new place what it had in the old one: that is no new name of it."""


@dataclass(frozen=True, kw_only=True)
class DataShape:
    """The shape of one landed data set for one interval."""

    name: str
    """Stable over intervals: the locator with the date left out, e.g. ``orders/{ds}.json``."""
    interval: str
    """The interval's logical date as in the locator, e.g. ``2026-11-02``."""
    role: str
    """``failing`` or ``good``."""
    records: int
    fields: tuple[FieldShape, ...]
    form: tuple[str, ...] = ()
    """What is unusual about the file itself: ``gzip``, ``byte order mark``, ``windows-1252``, ``delimiter ;``,
    ``comment lines``, ``no header``, ``json lines`` or ``json array`` where the name says the other,
    ``namespace urn:...`` of XML; empty for UTF-8 with commas."""
    traces: tuple[ValueTrace, ...] = ()
    """Of the failing day: where values stand now whose field the good day had elsewhere."""
    repeats: int = 0
    """Of a failing day with a field that was unique and is not: records that an equal one stands before."""


@dataclass(frozen=True, kw_only=True)
class ShapeChange:
    """One difference between the shape of a data set that worked and the one that failed."""

    kind: str
    """``renamed``, ``moved``, ``removed``, ``possible_rename``, ``retyped``, ``reformatted``, ``volume``,
    ``duplicates``, ``nulls``, ``range``, ``form`` or ``added``."""
    path: str
    """Field as the good shape has it (as the failing one has it for ``added``); empty for ``volume`` and ``form``."""
    was: str
    now: str
    """For ``renamed``, ``moved`` and ``possible_rename``: the new path."""
    detail: str
    """One sentence; never a value."""
    score: float = 1.0
    """0 to 1, how sure it is; below 1 only for renames and moves."""
    dataset: str = ""
    """`DataShape.name`."""


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A read-only copy of the repository that the Dag came from."""

    path: str
    """Absolute path on this machine."""
    commit: str
    """The commit that failed if `pinned`, else the newest one of the base branch."""
    base_branch: str
    base_commit: str
    pinned: bool
    dag_file: str | None
    """Repository-relative path of the failing Dag's file."""
    dags_path: str = ""
    """Repository-relative folder of the Dags; empty means the root."""


@dataclass(frozen=True, kw_only=True)
class TeamRule:
    """What a rule file of the team's forbids in lines that code can read; its prose is a piece of evidence."""

    path: str
    """Repository-relative file that says it."""
    matched: bool
    """It speaks of this failure: of its Dag, a tag, an error or a file of the traceback; or it always holds."""
    paths: tuple[str, ...] = ()
    """Globs of the files that it speaks of: a change of one makes it hold, matched or not."""
    protect: tuple[str, ...] = ()
    """Globs of files, or ``file:symbol`` for one function or class, that only people may change."""
    no_fix: bool = False
    """Nothing may be changed by us where it holds."""
    fault: str = ""
    """Why its front matter could not be read; then nobody knows what it forbids, and a person decides."""


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """Something that may have broken it, ranked before any model is asked."""

    what: str
    why: str
    score: float
    """0 to 1, comparable within one dossier only."""
    evidence: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """All that we know about one incident, fitted to the budget."""

    incident: Incident
    evidence: tuple[Evidence, ...]
    gaps: tuple[Gap, ...]
    errors: tuple[TaskError, ...] = ()
    history: tuple[TaskRun, ...] = ()
    """Newest first; the failing tasks' earlier runs."""
    graph: tuple[TaskNode, ...] = ()
    shapes: tuple[DataShape, ...] = ()
    suspects: tuple[Suspect, ...] = ()
    checkout: Checkout | None = None
    last_good: str | None = None
    """Logical date of the last run that worked; None when there is none in the history."""
    run: DagRunRecord | None = None
    """The failing run as Airflow tells it: interval, partition, conf (redacted), version."""
    good_run: DagRunRecord | None = None
    """The same of the last run that worked."""
    tokens: int = 0
    """Estimated, at four characters a token."""
    left_out: tuple[str, ...] = ()
    """Titles of evidence that did not fit; a tool can still read them."""
    left_out_evidence: tuple[Evidence, ...] = ()
    """The same, whole: without ids, because nothing may cite what was not shown."""
    team_rules: tuple[TeamRule, ...] = ()
    """What the team's own rule files forbid; code enforces it, no agent is asked."""
    contacts: tuple[str, ...] = ()
    """Who to tell: owners of the Dag and of the files at fault, then those of what waits for it."""
    blast_radius: tuple[str, ...] = ()
    """Jobs, data sets, Dags and owners beyond the Dag that wait for what failed, as lineage tells."""
    lineage_origin: str = ""
    """What told of inputs and outputs: a lineage store, asset events, a dbt manifest, ...; empty: nothing did."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the sources are asked about: the failing run beside the last one that worked."""

    incident: Incident
    dag: DagRecord
    run: DagRunRecord
    failed: tuple[TaskRun, ...]
    """Root failures of the run: state ``failed``, not ``upstream_failed``."""
    last_good: DagRunRecord | None


@dataclass(frozen=True, kw_only=True)
class SourceReport:
    """What one source adds to the dossier; `gather` joins them in order and gives the evidence its ids."""

    evidence: tuple[Evidence, ...] = ()
    errors: tuple[TaskError, ...] = ()
    history: tuple[TaskRun, ...] = ()
    graph: tuple[TaskNode, ...] = ()
    shapes: tuple[DataShape, ...] = ()
    checkout: Checkout | None = None
    gaps: tuple[Gap, ...] = ()
    team_rules: tuple[TeamRule, ...] = ()
    contacts: tuple[str, ...] = ()
    blast_radius: tuple[str, ...] = ()
    affected_owners: tuple[str, ...] = ()
    """Owners of what waits, as lineage tells."""
    lineage_origin: str = ""
    """Set by a source that knows inputs and outputs of the failing tasks: where it knows them from."""
