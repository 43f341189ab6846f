"""``airflow agentic stop|start|policy|permissions|trust``. Thin: read arguments, call, print."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from airflow_agentic.cli.commands import _print, _store, _told
from airflow_agentic.errors import SettingsError
from airflow_agentic.guardrails import stop as switch
from airflow_agentic.guardrails.trust import next_step, say_so
from airflow_agentic.policy.policy import Mandate
from airflow_agentic.policy.read import SETTING, read_policy
from airflow_agentic.scope import TrustLevel
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


@_told
def permissions_show(args: Any) -> None:
    """Print what may be done, with the credentials' real powers."""
    from airflow_agentic import permissions, wiring

    with wiring.connected(args.agentic_conn_id or "") as parts:
        _print(args, list(permissions.show(parts)))


@_told
def permissions_diff(args: Any) -> None:
    """Print what is wider than the lock; exit code 1 if anything is."""
    from airflow_agentic import permissions, wiring

    less: tuple[str, ...] = ()
    if args.ci:
        with open(args.scope, encoding="utf-8") as file:
            found = permissions.diff_offline(args.policy, file.read(), args.lock)
    else:
        with wiring.connected(args.agentic_conn_id or "") as parts:
            found, less = permissions.diff(parts)
    rows = [{"change": "wider", "what": one} for one in found] + [{"change": "narrower", "what": one} for one in less]
    _print(args, rows, empty="Nothing is wider than what was accepted.")
    if found:
        raise SystemExit(1)


@_told
def permissions_accept(args: Any) -> None:
    """Accept what may be done now, and write the lock."""
    from airflow_agentic import permissions, wiring

    with wiring.connected(args.agentic_conn_id or "") as parts:
        kept, found = permissions.accept_now(parts, by=getpass.getuser(), why=args.why, path=args.lock)
    _print(args, [{"accepted": one} for one in found], empty="Nothing was new.")
    print(f"Accepted by {kept.by} at {kept.at}: {kept.digest}. Commit the lock.", file=sys.stderr)


@_told
def permissions_unused(args: Any) -> None:
    """Print the powers that nobody has used for 30 days."""
    from airflow_agentic import permissions, wiring

    with wiring.connected(args.agentic_conn_id or "") as parts:
        rows = list(permissions.unused(parts))
    _print(args, rows, empty="Every power that the ledger can tell of was used within 30 days, or it is younger.")


@_told
def trust_show(args: Any) -> None:
    """Print where each group stands, and the numbers behind it."""
    from airflow_agentic import wiring

    with wiring.connected(args.agentic_conn_id or "") as parts:
        stood = [parts.rulings.trust(m) for name, m in parts.rulings.groups().items() if args.group in ("", name)]
    rows = [
        {
            "group": one.group,
            "level": one.level.value,
            "ceiling": one.ceiling.value,
            "numbers": ", ".join(f"{name}: {number}" for name, number in one.numbers),
            "because": "; ".join(one.reasons),
            "next": f"{one.next_level.value}: {'; '.join(one.lacks) or 'a word of yours'}" if one.next_level else "",
        }
        for one in stood
    ]
    _print(args, rows, empty="No group is known yet.")


@_told
def trust_promote(args: Any) -> None:
    """Let a group rise one step."""
    _say_of(args, up=True)


@_told
def trust_demote(args: Any) -> None:
    """Let a group fall."""
    _say_of(args, up=False)


def _say_of(args: Any, *, up: bool) -> None:
    from airflow_agentic import wiring

    with wiring.connected(args.agentic_conn_id or "") as parts:
        granted = parts.rulings.groups().get(args.group)
        if granted is None:
            raise SettingsError(f"Finding group {args.group!r} failed: no incident of it is known. See: trust show.")
        stood = parts.rulings.trust(granted)
        level = next_step(stood) if up else TrustLevel(args.to)
        kept = say_so(
            stood,
            level,
            parts.rulings.results(args.group),
            parts.store.incidents,
            parts.store.ledger,
            by=getpass.getuser(),
            why=args.why,
        )
    print(f"{kept.group} stands at {kept.level}.")


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
        "usd per incident": f"{scope.usd_per_incident:g}",
        "usd a day, of the Dag, the team, all": ", ".join(
            "no limit" if usd is None else f"{usd:g}"
            for usd in (mandate.usd_per_dag_day, mandate.usd_per_team_day, scope.usd_per_day)
        ),
        "maintenance": "; ".join(window.why for window in mandate.windows),
        "kill_switch": str(mandate.killed),
        "sample_columns": " ".join(mandate.sample_columns) or "none: shapes and counts only",
        "occurrences": str(mandate.occurrences),
        "may_clear": str(scope.may_clear),
        "accept": " ".join(scope.accept),
    }
