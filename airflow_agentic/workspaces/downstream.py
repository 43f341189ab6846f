"""The repository's Dags and what waits for the failing one → Dags that are run on what green has written."""

from __future__ import annotations

import re
from collections.abc import Iterable

from airflow_agentic.records import Check, DagLinks, StagedRun
from airflow_agentic.workspaces.case import first_error

MAX_DAGS = 5


def directly_below(dag_id: str, links: Iterable[DagLinks], waiting: Iterable[str]) -> tuple[DagLinks, ...]:
    """Return the Dags that the failing one schedules, starts or lets wait, in the order of their names.

    :param waiting: what lineage or the run history says waits for it, in words; a Dag's whole name must be there.
    """
    known = tuple(links)
    own = next((one for one in known if one.dag_id == dag_id), DagLinks(dag_id=dag_id, dag_file=""))
    named = {word for text in waiting for word in re.findall(r"[\w.-]+", text)}
    found = {
        one.dag_id: one
        for one in known
        if one.dag_id != dag_id
        and (
            set(one.consumes) & set(own.produces)
            or one.dag_id in own.starts
            or dag_id in one.waits_for
            or one.dag_id in named
        )
    }
    return tuple(found[name] for name in sorted(found))


def regression(before: StagedRun | None, after: StagedRun) -> Check:
    """Return what a downstream Dag's run says about the change: only what worked before can have been broken.

    :param before: its run on the last good interval, without the change; None if there is none to compare with.
    """
    name = f"downstream Dag {after.dag_id}"
    if after.state == "success":
        return Check(name=name, passed=True, detail="succeeds on what the changed code writes")
    if after.state == "broken":
        return Check(name=name, passed=True, detail=f"could not be run here: {after.broken_because}")
    if before is None:
        return Check(name=name, passed=True, detail=f"{first_error(after)}; whether it did before is not known")
    if before.state != "success":
        return Check(name=name, passed=True, detail=f"it was {before.state} before as well: {first_error(after)}")
    return Check(name=name, passed=False, detail=first_error(after))
