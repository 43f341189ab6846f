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

    with wiring.connected(args.agentic_conn_id or "") as parts, tempfile.TemporaryDirectory(prefix="agentic-") as tmp:
        scope, conn_id = parts.scope, args.anthropic_conn_id
        recorded = again.read_recorded(parts.store.ledger, args.incident_id)
        stand = again.Stand(
            rules=build_rules(scope, parts.redactor),
            redactor=parts.redactor,
            trust_level=scope.trust_level.value,
            pattern=args.agent or ("single" if conn_id else ""),
            model=AnthropicModel(lambda: wiring.anthropic_client(conn_id), args.model or scope.model)
            if conn_id
            else None,
            spending=parts.store.spending(scope.usd_per_incident, scope.usd_per_day) if conn_id else None,
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
