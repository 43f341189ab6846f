"""What was decided, published and written down."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from airflow_agentic.records.proposal import ChangeSet


class Decision(int, Enum):
    """What a rule says. The strictest one holds: ``max`` wins."""

    ALLOW = 0
    ASK = 1
    DENY = 2


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one rule found."""

    rule: str
    decision: Decision
    message: str
    path: str | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """May we do this?"""

    decision: Decision
    findings: tuple[Finding, ...]


class Answer(str, Enum):
    """What a person said, or did not say."""

    NOT_NEEDED = "not_needed"
    APPROVED = "approved"
    REJECTED = "rejected"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, kw_only=True)
class Approval:
    """A person's answer to an ASK. Silence is a no."""

    answer: Answer
    by: str | None = None
    at: str | None = None
    reason: str = ""


class OutcomeStatus(str, Enum):
    """What reached people."""

    PR_OPENED = "pr_opened"
    PR_UPDATED = "pr_updated"
    PR_UNCHANGED = "pr_unchanged"
    ISSUE_OPENED = "issue_opened"
    ISSUE_UPDATED = "issue_updated"
    RECORDED = "recorded"
    """Nothing left the store: the trust level or the answer says so, or there was nothing to publish."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was published, and how to undo it."""

    status: OutcomeStatus
    title: str
    body: str
    """The text that was published, as published."""
    url: str | None = None
    branch: str | None = None
    number: int | None = None
    rollback: str = ""
    """The inverse, in words or a command; recorded before anything is published."""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """One line of the audit; each incident has a chain of its own."""

    incident_id: str
    sequence: int
    """From 1, without holes."""
    at: str
    stage: str
    event: str
    facts: tuple[tuple[str, str], ...]
    """Name and value, in order; values are short text."""
    previous: str
    """Digest of the entry before; 64 zeros for the first."""
    digest: str
    """SHA-256 in hex over all other fields."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What the forge is handed: all of it built by our code from typed records, nothing by a model."""

    incident_id: str
    fingerprint: str
    """Names the branch; the same fingerprint finds the same pull request or issue."""
    title: str
    body: str
    """Markdown, escaped and scanned for secrets."""
    base_branch: str
    branch: str
    commit_message: str
    change: ChangeSet | None
    """None: an issue, not a pull request."""
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PublishedChange:
    """A pull request or issue as the store knows it; the local forge has no other place for them."""

    repository: str
    fingerprint: str
    kind: str
    """``pull_request`` or ``issue``; one of each per repository and fingerprint."""
    number: int
    """0: not yet numbered; the store gives the next one."""
    title: str
    body: str
    branch: str | None
    head_commit: str | None
    """The commit that we pushed: a branch that stands elsewhere was pushed to by a person."""
    state: str
    """``open``, ``withdrawn`` or ``merged``."""
    url: str | None
    incident_id: str
    """The latest incident that it was published for."""
    updated_at: str
