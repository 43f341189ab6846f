"""Why it failed, what should happen and, where a diff can cure it, the diff."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Category(str, Enum):
    """What kind of cause it is."""

    SCHEMA_DRIFT = "schema_drift"
    TRANSIENT_UPSTREAM = "transient_upstream"
    LATE_DATA = "late_data"
    BAD_DATA = "bad_data"
    CREDENTIAL = "credential"
    DEPENDENCY = "dependency"
    CODE_ERROR = "code_error"
    CONFIGURATION = "configuration"
    INFRASTRUCTURE = "infrastructure"
    RESOURCE = "resource"
    INSUFFICIENT_EVIDENCE = "insufficient_evidence"


class Action(str, Enum):
    """What should happen next. The values are those of the evaluation cases' ``decision.json``."""

    FIX_CODE = "code_fix_pr"
    RETRY = "transient_retry"
    NOTIFY = "config_infra_notify"
    QUARANTINE = "data_quarantine_backfill"


class Transience(str, Enum):
    """Will it go away by itself?"""

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    INTERMITTENT = "intermittent"
    UNKNOWN = "unknown"


class Severity(str, Enum):
    """How bad it is: P1 for data that people act on is missing or wrong, P4 for nobody waits."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Why it failed, and what should happen. A diagnosis without a change is a full answer."""

    root_cause: str
    """One or two sentences for the on-call engineer."""
    category: Category
    action: Action
    transience: Transience
    severity: Severity
    confidence: float
    """0 to 1. Below 0.5 nothing is changed."""
    root_cause_dag: str
    root_cause_task: str | None
    root_cause_file: str | None
    """Repository-relative."""
    cites: tuple[str, ...]
    """Evidence ids; each is checked to exist."""
    evidence_gaps: tuple[str, ...] = ()
    blast_radius: tuple[str, ...] = ()
    """Downstream tasks, data sets and Dags that wait."""
    next_step: str = ""
    """What a person should do now, with the exact command where there is one."""


@dataclass(frozen=True, kw_only=True)
class FileEdit:
    """The whole new text of one file."""

    path: str
    """Repository-relative, forward slashes."""
    before: str | None
    """Text at `ChangeSet.base_commit`; None for a new file."""
    after: str | None
    """None deletes the file."""


@dataclass(frozen=True, kw_only=True)
class ChangeSet:
    """A change as data: it can be shown, judged and applied without trusting anybody's work tree."""

    base_commit: str
    edits: tuple[FileEdit, ...]
    diff: str
    """Unified, with ``a/`` and ``b/``; made by our code from `edits`."""
    summary: str
    """One line, for the commit and the pull request."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What asking a model has cost. All zero when none was asked."""

    model: str = ""
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float = 0.0
    duration_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Diagnosis and, where a diff can cure it, a change."""

    diagnosis: Diagnosis
    change: ChangeSet | None
    usage: Usage
    pattern: str
    """Agent that made it: ``rules``, ``single``."""
    notes: tuple[str, ...] = ()
    """What happened on the way that a reader must know: a fall-back and its reason, a dropped citation."""
