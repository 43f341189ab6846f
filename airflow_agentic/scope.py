"""The ``agentic`` connection's extra → one frozen `Scope`: what the agent may see, touch and spend.

It holds no secret: it names other connections. Anything unknown is refused, because a typo in a limit must
never widen it. Pydantic does the checking; the error names the field, what was given and what is allowed.
"""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from airflow_agentic.errors import SettingsError

ACCEPTABLE_GAPS = (
    "readiness_unknown",
    "missing_schemas",
    "missing_lineage",
    "missing_partitions",
    "missing_run_history",
    "missing_integrations",
    "missing_events",
    "missing_subscription",
    "missing_escalation",
    "missing_approvals",
    "missing_permission_review",
)
"""What ``airflow agentic readiness`` may find missing without holding the trust level at ``diagnose``."""
ACCEPTABLE_RISKS = (
    "unprotected_base_branch",
    "review_not_required",
    "may_bypass_review",
    "wide_token",
    "unpinned_source",
    *ACCEPTABLE_GAPS,
)


class TrustLevel(str, Enum):
    """How far the agent may go on its own."""

    OBSERVE = "observe"
    """Record incidents and their evidence; no model, nothing published."""
    DIAGNOSE = "diagnose"
    """Publish the diagnosis as an issue; no pull request."""
    PROPOSE = "propose"
    """Open a draft pull request with a proved fix."""
    PROPOSE_READY = "propose_ready"
    """Open it ready for review. Never by configuration alone: see ``airflow agentic trust``."""


class Scope(BaseModel):
    """The connection's fields, checked. Names are those of the form in the Airflow UI."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    anthropic_conn_id: str = ""
    """Empty: no model, the rules agent works alone."""
    model: str = "claude-sonnet-5-5"
    pattern: str = ""
    """A file name in ``agents/``; empty: ``single`` with a model, ``rules`` without."""
    forge: str = "local"
    forge_conn_id: str = ""
    repository: str = ""
    """``owner/name`` for github; a path or ``file://`` address of a bare repository on this machine for local."""
    base_branch: str = "main"
    dags_path: str = "dags"
    """Repository-relative folder that the Dag bundle serves; ``.`` for the root."""
    clone_url: str = ""
    """Where to read the repository from, without write credentials; empty: from *repository*."""
    git_conn_id: str = ""
    """A ``git`` connection with a read-only credential for *clone_url*; empty: none needed."""
    airflow_conn_id: str = ""
    """An ``http`` connection: a viewer account of Airflow's REST API with permission to trigger."""
    workspace: str = "local"
    """A file name in ``workspaces/``: ``local``, or ``airflow_api`` for a staging Airflow of the team's."""
    staging_airflow_conn_id: str = ""
    """For ``airflow_api``: ``http`` connection of the staging deployment; its account may trigger and delete runs."""
    staging_remote: str = ""
    """For ``airflow_api``: git address of a repository that only staging reads; never the one that fixes are for."""
    staging_git_conn_id: str = ""
    """For ``airflow_api``: a ``git`` connection that may write *staging_branch* of it; empty: none needed."""
    staging_branch: str = "agentic-staging"
    """For ``airflow_api``: the one branch that the staging bundle tracks; overwritten for each proof."""
    staging_connections: dict[str, str] = Field(default_factory=dict)
    """Production connection id → staging connection id."""
    staging_variables: dict[str, str] = Field(default_factory=dict)
    """Airflow Variables as the workspace sees them."""
    staging_environment: dict[str, str] = Field(default_factory=dict)
    """Environment of the workspace; ``{data}``: the fresh copy of *staging_data*, ``{repository}``: the clone."""
    staging_data: str = ""
    """Folder that is copied anew for each staged run; empty: an empty folder."""
    staging_hosts: tuple[str, ...] = ()
    """``host:port`` of staging services that the workspace must reach; with any, it shares the worker's network."""
    checks: tuple[str, ...] = ()
    """Commands of the repository's own that a change must not turn red, such as ``make lint``; run in the workspace."""
    reduce_s: float = Field(default=300.0, ge=0, le=3600)
    """Seconds spent on taking hunks out of a change that nothing needs; 0: none is tried."""
    show_values: bool = False
    """Whether a pull request may show a few values of changed columns; default: counts only."""
    data_locations: tuple[str, ...] = ()
    """Folders and URL prefixes of landed data whose *shape* the investigation may read."""
    data_connections: tuple[str, ...] = ()
    """Connections of read-only or staging databases: the *shape* of tables that the failed tasks read is read there."""
    shown_columns: tuple[str, ...] = ()
    """Globs such as ``raw.orders.status``: columns whose commonest values may be told; empty: shapes only."""
    lineage_events: str = ""
    """File or folder of OpenLineage events, as its file transport writes them; empty: none."""
    marquez_conn_id: str = ""
    """An ``http`` connection: Marquez, read at triage time; its password is the API key. Empty: none."""
    rules_path: str = ".agentic/rules"
    """Repository-relative folder of the team's rule files."""
    trust_level: TrustLevel = TrustLevel.DIAGNOSE
    may_clear: bool = False
    """Whether the failed tasks of a transient failure are cleared, once, at trust level ``propose``."""
    watch_runs: int = Field(default=5, ge=1, le=1000)
    """Runs of a Dag after a merged fix in which the same failure marks the fix as failed."""
    deploy_minutes: int = Field(default=60, ge=0, le=10_080)
    """How long a merge may take to reach the workers; earlier runs that tell no code version do not count."""
    allowed_paths: tuple[str, ...] = ()
    """Globs that a change must stay in; empty: the whole repository but the protected paths."""
    protected_paths: tuple[str, ...] = (
        ".git/**",
        ".github/**",
        "**/CODEOWNERS",
        ".gitattributes",
        ".gitmodules",
        ".agentic/**",
        "agentic_policy.yaml",
    )
    max_files: int = Field(default=5, ge=1, le=100)
    max_lines: int = Field(default=200, ge=1, le=5000)
    usd_per_incident: float = Field(default=1.0, ge=0, le=1000)
    usd_per_day: float = Field(default=10.0, ge=0, le=100000)
    max_open_prs: int = Field(default=10, ge=1, le=1000)
    """Pull requests of ours that may be open in the repository at once."""
    max_prs_per_hour: int = Field(default=2, ge=1, le=1000)
    expire_days: float = Field(default=30.0, ge=0, le=3650)
    """After so many days the sweep closes a pull request of ours that is still open; 0: never."""
    reviewers: tuple[str, ...] = ()
    include_dags: tuple[str, ...] = ("*",)
    exclude_dags: tuple[str, ...] = ()
    include_tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    include_owners: tuple[str, ...] = ()
    exclude_owners: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    """Risks accepted by name: see `ACCEPTABLE_RISKS`."""
    policy_file: str = ""
    """``agentic_policy.yaml`` on the worker's disk; empty: the setting ``[agentic] policy_file``, or no policy."""

    @field_validator("allowed_paths", "protected_paths")
    @classmethod
    def _globs(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return checked_globs(value)

    @field_validator("repository", "staging_remote")
    @classmethod
    def _no_credentials(cls, value: str) -> str:
        if re.search(r"://[^/@]*:[^/@]*@", value):
            raise ValueError("an address with a password does not belong here; put the credential in forge_conn_id")
        return value

    @field_validator("base_branch", "staging_branch")
    @classmethod
    def _branch(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,200}", value) or ".." in value:
            raise ValueError(f"{value!r} is no branch name; allowed: letters, digits and . _ / -")
        return value

    @field_validator("staging_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for place in value:
            if not re.fullmatch(r"[^\s/:]+:[0-9]{1,5}|\[[0-9a-fA-F:]+\]:[0-9]{1,5}", place):
                raise ValueError(f"{place!r} is no place to connect to; allowed: host:port, e.g. 'staging-db:5432'")
        return value

    @field_validator("accept")
    @classmethod
    def _risks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(value) - set(ACCEPTABLE_RISKS))
        if unknown:
            raise ValueError(f"{unknown} unknown; allowed: {', '.join(ACCEPTABLE_RISKS)}")
        return value

    @model_validator(mode="after")
    def _reachable(self) -> Scope:
        elsewhere = re.match(r"(?!file:)\w[\w+.-]*://|[^/]+@?[^/]*:", self.repository)
        if self.forge == "local" and elsewhere and not self.repository.startswith("file://"):
            raise ValueError(
                f"repository {self.repository!r} is elsewhere; the local forge writes to a bare repository on "
                "this machine, given by path or file:// address. Set forge to 'github' for one at GitHub"
            )
        return self

    def agent_pattern(self) -> str:
        """Return the agent that the scope asks for."""
        return self.pattern or ("single" if self.anthropic_conn_id else "rules")


def checked_globs(globs: tuple[str, ...]) -> tuple[str, ...]:
    """Return *globs*. :raises ValueError: one is no gitignore pattern inside the repository."""
    from pathspec import GitIgnoreSpec

    for glob in globs:
        if not glob or glob.startswith(("/", "!")) or ".." in glob.split("/"):
            raise ValueError(
                f"{glob!r} is no glob inside the repository; allowed: gitignore patterns such as 'dags/**'"
            )
        GitIgnoreSpec.from_lines([glob])
    return globs


def read_scope(extra: str | dict[str, Any] | None, *, conn_id: str) -> Scope:
    """Return the scope that a connection's extra describes.

    :raises SettingsError: naming each field that is wrong, what it holds and what is allowed.
    """
    try:
        given = json.loads(extra) if isinstance(extra, str) and extra.strip() else (extra or {})
        if not isinstance(given, dict):
            raise SettingsError(f"Reading connection {conn_id!r} failed: its extra is no JSON object. Use the form.")
        return Scope.model_validate({k: v for k, v in given.items() if v is not None})
    except json.JSONDecodeError as error:
        raise SettingsError(f"Reading connection {conn_id!r} failed: its extra is no JSON ({error}).") from error
    except ValidationError as error:
        faults = "; ".join(_fault(item) for item in error.errors())
        raise SettingsError(
            f"Reading connection {conn_id!r} failed: {faults}. Mend it in Admin → Connections."
        ) from error


def _fault(item: Any) -> str:
    field = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{field!r} is no field of this connection; allowed: {', '.join(sorted(Scope.model_fields))}"
    return f"{field}: {item['msg']}, got {item.get('input')!r}"
