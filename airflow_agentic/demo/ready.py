"""What an operator does once, for the demo: accept what the agent may do, and look whether the set-up is ready.

``python -m airflow_agentic.demo.ready`` in an Airflow's environment does what ``airflow agentic permissions accept``
and ``airflow agentic readiness --output json`` do, in one process: starting Airflow's command line takes longer.
"""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict

from airflow_agentic import wiring
from airflow_agentic.guardrails.readiness import assess
from airflow_agentic.guardrails.readiness_kept import remember
from airflow_agentic.permissions import accept_now
from airflow_agentic.probes.observe import observe


def make_ready(why: str) -> list[dict[str, object]]:
    """Accept, look and remember; return the checklist."""
    with wiring.connected() as parts:
        accept_now(parts, by=getpass.getuser(), why=why)
        report = assess(observe(parts.settings, parts.scope))
        store = parts.store
        remember(report, store.incidents, store.ledger, repository=parts.scope.repository, by=getpass.getuser())
    return [asdict(item) for item in report.items]


if __name__ == "__main__":
    print(json.dumps(make_ready("make demo")))
