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
    user_id: str = ""
    """By which Airflow knows them."""


@dataclass(frozen=True, kw_only=True)
class StagingPermit:
    """A person's word on whether the workspace may write to staging systems for one incident."""

    allowed: bool
    by: str
    reason: str = ""
    user_id: str = ""


class OutcomeStatus(str, Enum):
    """What reached people."""

    PR_OPENED = "pr_opened"
    PR_UPDATED = "pr_updated"
    PR_UNCHANGED = "pr_unchanged"
    ISSUE_OPENED = "issue_opened"
    ISSUE_UPDATED = "issue_updated"
    REMARKED = "remarked"
    """A person's own pull request already mends it; it was told so."""
    HELD_BACK = "held_back"
    """As many pull requests of ours are open, or were opened lately, as may be; this one waits."""
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
    ready: bool = False
    """Open it ready for review; else a draft."""


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
    """``open``, ``withdrawn``, ``closed`` (by a person) or ``merged``."""
    url: str | None
    incident_id: str
    """The latest incident that it was published for."""
    updated_at: str


class ChangeState(str, Enum):
    """Where a pull request of ours stands, as the forge tells it."""

    NONE = "none"
    """There is none."""
    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"
    """A person closed it, or deleted its branch."""
    WITHDRAWN = "withdrawn"
    """`Forge.withdraw` closed it."""


@dataclass(frozen=True, kw_only=True)
class Whereabouts:
    """What became of a pull request."""

    state: ChangeState
    url: str | None = None
    merged_at: str | None = None
    """Never earlier than the merge; a forge that is not told of merges says when the base branch had it for sure."""
    commit: str | None = None
    """A commit that holds the merged change, as every commit after it does."""


class FixState(str, Enum):
    """What a published fix came to."""

    OPEN = "open"
    ACCEPTED = "accepted"
    """Merged, and watched."""
    REJECTED = "rejected"
    """Closed or taken back before it was merged."""
    HELD = "held"
    """Merged, and as many runs as are watched have not failed in the same way."""
    FAILED = "failed"
    """Merged, and the same failure came again within the watched runs."""
    EXPIRED = "expired"
    """Closed by us because nobody has looked at it for as long as the connection says; says nothing of its worth."""
    SUPERSEDED = "superseded"
    """Closed by us because a newer one of ours brings all of it."""


@dataclass(frozen=True, kw_only=True)
class FixRecord:
    """One pull request of ours and what it came to; trust in us is to be built on these."""

    incident_id: str
    """That it was opened for."""
    dag_id: str
    repository: str
    fingerprint: str
    state: FixState
    updated_at: str
    url: str | None = None
    merged_at: str | None = None
    merge_commit: str | None = None
    detail: str = ""
    revert_url: str | None = None
    """Of the draft that takes it back, once it has failed."""
    opened_at: str = ""


@dataclass(frozen=True, kw_only=True)
class TrackRecord:
    """How many fixes of one Dag came to what."""

    dag_id: str
    open: int = 0
    accepted: int = 0
    """Merged and still watched."""
    rejected: int = 0
    held: int = 0
    failed: int = 0
    expired: int = 0
    superseded: int = 0
