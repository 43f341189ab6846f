"""``airflow agentic replay``. Thin: read arguments, build what stands in, print what differs."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from airflow_agentic.cli.commands import _print, _say, _told


@_told
def replay(args: Any) -> None:
    """Print each thing that was decided, then and now."""
    from airflow_agentic import replay as again
    from airflow_agentic import wiring
    from airflow_agentic.agents.loop import AgentLimits
    from airflow_agentic.agents.model import AnthropicModel
    from airflow_agentic.plugs import build_rules, clone_url, git_environment
    from airflow_agentic.policy.read import read_policy

    with wiring.connected(args.agentic_conn_id or "") as parts, tempfile.TemporaryDirectory(prefix="agentic-") as tmp:
        conn_id = args.anthropic_conn_id
        recorded = again.read_recorded(parts.store.ledger, args.incident_id)
        policy = read_policy(args.policy) if args.policy else parts.policy.current()
        mandate = again.mandate_of(recorded, policy, parts.scope)
        scope = mandate.scope
        stand = again.Stand(
            rules=build_rules(scope, parts.redactor, mandate, parts.rulings.signals(args.incident_id)),
            redactor=parts.redactor,
            trust_level=scope.trust_level.value,
            pattern=args.agent or ("single" if conn_id else "") or _waiting(parts, recorded, mandate),
            mandate=mandate,
            model=AnthropicModel(lambda: wiring.anthropic_client(conn_id), args.model or scope.model)
            if conn_id
            else None,
            spending=parts.store.spending(scope.usd_per_incident, scope.usd_per_day, mandate.usd_per_dag_day)
            if conn_id
            else None,
            limits=AgentLimits(usd=scope.usd_per_incident),
        )
        _say(f"{len(recorded.dossier.evidence)} pieces of evidence, {len(recorded.replies)} recorded replies ...")
        rows = again.replay(
            recorded,
            stand,
            repository=os.path.abspath(args.repository) if args.repository else clone_url(scope),
            environment=git_environment(scope, wiring.connection, parts.folder),
            folder=tmp,
        )
    _print(
        args,
        [
            {"what": row.what, "same": "yes" if row.same else "NO", "recorded": row.recorded, "replayed": row.replayed}
            for row in rows
        ],
    )


def _waiting(parts: Any, recorded: Any, mandate: Any) -> str:
    """Return ``rules`` where the policy would not have asked a model yet; empty: as it was recorded."""
    cause = recorded.dossier.incident.fingerprint
    seen = len(parts.store.incidents.incidents_with(cause)) if cause else 1
    return "rules" if max(1, seen) < mandate.occurrences else ""
