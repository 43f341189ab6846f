"""Airflow's account of the ``agentic`` connection → what its role may do, asked by requests that can change nothing.

A write is asked for on a thing that is not there, or with a body that is not valid: a role that may not is refused with
403 before anything is looked up, one that may gets 404 or 422. Reads are real.
"""

from __future__ import annotations

from airflow_agentic.airflow_rest import AirflowRest
from airflow_agentic.errors import SourceUnavailable
from airflow_agentic.guardrails.manifest import Power

_NOTHING = "agentic__there_is_no_such_thing"
_READS = (
    ("read connections", "/connections?limit=1"),
    ("read variables", "/variables?limit=1"),
    ("read the configuration", "/config"),
)
_WRITES = (
    ("pause Dags", "PATCH", f"/dags/{_NOTHING}", {"is_paused": True}),
    ("trigger Dags", "POST", f"/dags/{_NOTHING}/dagRuns", {"logical_date": None}),
    ("clear tasks", "POST", f"/dags/{_NOTHING}/clearTaskInstances", {"dry_run": True, "dag_run_id": _NOTHING}),
    ("delete Dags", "DELETE", f"/dags/{_NOTHING}", None),
    ("change connections", "DELETE", f"/connections/{_NOTHING}", None),
    ("change variables", "DELETE", f"/variables/{_NOTHING}", None),
    ("change pools", "DELETE", f"/pools/{_NOTHING}", None),
)
_MAY = (200, 204, 400, 404, 409, 422)


def airflow_powers(rest: AirflowRest) -> tuple[Power, ...]:
    """Return what the account may do; ``unknown`` for what Airflow does not tell. Never raises."""
    asked = [(what, "GET", path, None) for what, path in _READS]
    found = []
    for what, method, path, body in (*asked, *_WRITES):
        try:
            status, _ = rest.call(method, path, body, allowed=(400, 403, 404, 409, 422))
        except SourceUnavailable:
            found.append(Power(area="airflow", what=f"unknown: whether it may {what}"))
            continue
        if status in _MAY:
            found.append(Power(area="airflow", what=what))
    return tuple(found)
