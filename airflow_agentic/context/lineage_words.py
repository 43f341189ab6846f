"""How evidence of lineage is titled and written. Suspects are ranked by these titles.

Names of jobs, data sets and columns come from events: a stranger wrote them, so they are bounded and printable here and
the evidence is not trusted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from airflow_agentic.lineage.answers import printable_text
from airflow_agentic.lineage.blast import some
from airflow_agentic.records import Evidence, Trust
from airflow_agentic.records.lineage import LineageRun

SOURCE = "lineage"
UPSTREAM_FAILED = "Upstream job failed"
UPSTREAM_LATE = "Upstream data is late"
SCHEMA_CHANGED = "Schema changed in"
VOLUME_CHANGED = "Volume changed in"
CHECK_FAILED = "Data check failed on"
VERSIONS_CHANGED = "Versions changed since the last run that worked"
DEPENDENCIES = "Dependencies changed in"
RAN_ON = "It ran on the same versions"
TOUCHES = "Reads and writes of"
CHANGED_BY = "- changed by "
INLETS_TOLD = re.compile(r"the task's (?:inlets|outlets)")
MAX_TITLE, MAX_BODY, SHOWN = 300, 6_000, 12


def told(title: str, body: Iterable[str] | str, observed_at: str) -> Evidence:
    """Return one piece of evidence."""
    lines = body.splitlines() if isinstance(body, str) else body
    return Evidence(
        id="", source=SOURCE, title=printable_text(title)[:MAX_TITLE], trust=Trust.UNTRUSTED, observed_at=observed_at,
        body="\n".join(printable_text(line) for line in lines)[:MAX_BODY],
    )  # fmt: skip


def named(names: Iterable[str]) -> str:
    """Return at most twelve names, and how many more there are."""
    return some(list(dict.fromkeys(names)), SHOWN)


def run_of(run: LineageRun) -> str:
    """Return which run it is and how it stands."""
    return f"run {run.airflow_run_id or run.run_id}, {run.state} at {run.ended_at or run.last_event}"
