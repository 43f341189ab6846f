"""What the probes of ``airflow agentic readiness`` may see: one record, JSON in and out."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from airflow_agentic.errors import SettingsError
from airflow_agentic.guardrails.pattern_advice import Estate


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What the probes saw. None: it could not be seen; then `unseen` may hold the reason, by the field's name."""

    schemas_live: int | None = None
    """Data sets whose columns the lineage store has observed with types, or a data connection can read."""
    schemas_declared: int | None = None
    """Data sets whose columns are only written down somewhere, such as in dbt's documentation."""
    warehouse_connections: tuple[str, ...] | None = None
    """Connections through which the investigation reads the warehouse, and that answered."""
    landed_readable: tuple[str, ...] = ()
    """Places of landed data whose shape the investigation reads."""
    warehouse_writes: tuple[str, ...] = ()
    """What the roles behind those connections can do beyond reading."""
    lineage_events_days: float | None = None
    """Days since the last lineage event; None: none has ever arrived."""
    lineage_files: bool = False
    """Lineage is read from event files, not from a store."""
    dbt_project: bool = False
    """The repository holds a dbt project: its models' references can be parsed, nothing reports runs."""
    lineage_in_code: bool = False
    """The repository's SQL or assets tell what is made from what; nothing reports runs."""
    partitioned_runs: int | None = None
    """Runs with a partition key that Airflow or the lineage store tell of, among the newest."""
    dated_runs: int | None = None
    """Runs with a data interval, among the newest."""
    history_runs: int | None = None
    """Runs that the REST API answers with."""
    code_readable: bool | None = None
    staged_connections: int | None = None
    unstaged_connections: tuple[str, ...] | None = None
    """Connections that the Dags' code names and that the staging map does not hold."""
    written_addresses: tuple[str, ...] = ()
    """Addresses of databases that stand in the Dags' code: no map can lead them to staging."""
    shared_with_production: tuple[str, ...] = ()
    """Staging connections that resolve to the system of a production one."""
    staged_environment: bool = False
    staging_airflow: str = ""
    """What a staging Airflow of the team's answered; empty: none is used."""
    isolation_missing: tuple[str, ...] | None = None
    """Isolation layers that this worker lacks."""
    isolation_accepted: tuple[str, ...] = ()
    """Those of them that ``accept_weaker_isolation`` names."""
    forge: str = ""
    """``github`` or ``local``; empty: none is configured."""
    forge_faults: tuple[str, ...] | None = None
    """What the forge's preflight denies; empty: nothing."""
    base_protected: bool | None = None
    reviews_required: int | None = None
    """Approving reviews that the base branch requires."""
    review_bypass: str = ""
    """How the token may do without the review; empty: not, as far as can be told."""
    token_wide: tuple[str, ...] | None = None
    """What the forge token can do beyond what it must."""
    account_wide: tuple[str, ...] = ()
    """What the Airflow account and the staging roles can do beyond what they must."""
    channels: tuple[str, ...] | None = None
    """Where people are told: notifiers of the triage Dag."""
    tools_beyond: tuple[str, ...] = ()
    """Tools whose effect is neither READ nor WORKSPACE."""
    account_reads_connections: bool | None = None
    """The Airflow account that the agent uses may read or change connections."""
    shared_accounts: tuple[str, ...] | None = None
    """Logins that the agent shares with pipelines or people, with where they were seen."""
    lineage_states: tuple[str, ...] | None = None
    """Run states that events have told of."""
    listener: bool = False
    sweep_scheduled: bool | None = None
    """A Dag runs the sweep, which finds what no hook tells of."""
    triggered_incidents: int | None = None
    """Incidents that a hook or the sweep has opened."""
    manual_incidents: int | None = None
    callbacks: int = 0
    """Dag files that name our notifier."""
    review_task: bool | None = None
    reviewers: tuple[str, ...] = ()
    policy: str = ""
    """Where the policy was read from; empty: there is none."""
    approvals: tuple[str, ...] = ()
    """Action classes for which a person is asked."""
    unasked: tuple[str, ...] = ()
    """Action classes that may happen here without a person's word."""
    approvers: tuple[str, ...] = ()
    """Who may answer, by the policy; empty: whoever may edit the triage Dag."""
    gone_approvers_untold: str = ""
    """Why Airflow cannot tell whether an approver is gone; empty: it can."""
    ledger_entries: int | None = None
    ledger_faults: tuple[str, ...] | None = None
    lock: str = ""
    """Who accepted the permission lock and when; empty: nobody has."""
    lock_fault: str = ""
    """Why there is no lock that counts."""
    lock_wider: tuple[str, ...] | None = None
    """Powers that are wider than the accepted lock."""
    accepted: tuple[str, ...] = ()
    """Risks that the connection accepts by name."""
    rollbacks: bool = True
    """Every publication records its inverse first (`forges.undo`)."""
    unseen: tuple[tuple[str, str], ...] = ()
    """Probe → why it saw nothing."""
    estate: Estate = field(default_factory=Estate)


def as_json(seen: Observed) -> str:
    """Return the record as JSON text, to be kept beside the report that it led to."""
    return json.dumps(dataclasses.asdict(seen), indent=2)


def from_json(text: str) -> Observed:
    """Return the record that `as_json` wrote; fields that are not there were not seen.

    :raises SettingsError: it is no JSON object, or holds a field that is unknown or of another type.
    """
    try:
        given = json.loads(text)
        estate = Estate(**_tuples(given.pop("estate", {})))
        return Observed(**_tuples(given), estate=estate)
    except (ValueError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"Reading readiness facts failed: {error}. Give a file that `airflow agentic readiness --facts` wrote."
        ) from error


def _tuples(given: dict[str, Any]) -> dict[str, Any]:
    return {name: _tuple(value) for name, value in given.items()}


def _tuple(value: Any) -> Any:
    return tuple(_tuple(item) for item in value) if isinstance(value, list) else value
