"""``airflow agentic stop|start|policy``. Thin: read arguments, call, print."""

from __future__ import annotations

import getpass
from typing import Any

from airflow_agentic.cli.commands import _print, _store, _told
from airflow_agentic.errors import SettingsError
from airflow_agentic.guardrails import stop as switch
from airflow_agentic.policy.policy import Mandate
from airflow_agentic.policy.read import SETTING, read_policy
from airflow_agentic.settings import read_settings


@_told
def stop(args: Any) -> None:
    """Throw the kill switch."""
    with _store() as store:
        thrown = switch.stop(store.incidents, store.ledger, by=getpass.getuser(), why=args.why)
    print(f"Stopped at {thrown.at}: incidents are recorded, nothing else is done. To go on: airflow agentic start")


@_told
def start(args: Any) -> None:
    """Take the kill switch back."""
    with _store() as store:
        switch.start(store.incidents, store.ledger, by=getpass.getuser(), why=args.why)
    print("Started: tasks that wait look again within half a minute.")


@_told
def policy_check(args: Any) -> None:
    """Check a policy file."""
    path = args.path or read_settings().policy_file
    if not path:
        raise SettingsError(
            f"Checking the policy failed: no path is given, and none is set. Give one, or set {SETTING}."
        )
    policy = read_policy(path)
    print(f"{path}: valid, {len(policy.file.rules)} rule(s), sha256 {policy.digest[:12]}")


@_told
def policy_show(args: Any) -> None:
    """Print what holds for one Dag."""
    from airflow_agentic import wiring

    with wiring.connected(args.agentic_conn_id or "") as parts:
        mandate = parts.policy.current().mandate_for(args.dag_id, args.tag, args.owner, parts.scope)
    _print(args, [{"what": name, "value": value} for name, value in _said(mandate).items()])


def _said(mandate: Mandate) -> dict[str, str]:
    scope = mandate.scope
    return {
        "rule": mandate.rule,
        "trust_level": scope.trust_level.value,
        "start_level": (mandate.start_level or scope.trust_level).value,
        "trust_group": mandate.trust_group,
        "allowed_paths": " ".join((*scope.allowed_paths, *mandate.also_within)) or "all but the protected",
        "protected_paths": " ".join(scope.protected_paths),
        "asked_paths": " ".join(mandate.asked_paths),
        "max_files, max_lines": f"{scope.max_files}, {scope.max_lines}",
        "needs_person": "; ".join(f"{chain.trigger} → {chain.response.value}" for chain in mandate.chains),
        "approvers": " ".join(mandate.approvers) or "whoever may edit the triage Dag",
        "reviewers": " ".join(scope.reviewers),
        "usd per incident, Dag and day, day": (
            f"{scope.usd_per_incident}, {mandate.usd_per_dag_day or 'no limit'}, {scope.usd_per_day}"
        ),
        "maintenance": "; ".join(window.why for window in mandate.windows),
        "kill_switch": str(mandate.killed),
        "sample_columns": " ".join(mandate.sample_columns) or "none: shapes and counts only",
        "occurrences": str(mandate.occurrences),
        "may_clear": str(scope.may_clear),
        "accept": " ".join(scope.accept),
    }
