"""Dossier, and the fixes → the task of another Dag in which the cause was read, where it shows far downstream.

A check of marts fails over what ingest silently took. The task that runs the changed file is where the cause lies;
without a change it is the one that reads, from outside, the only data set that differs.
"""

from __future__ import annotations

import re

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.dag_tasks import RepositoryTask, repository_tasks
from airflow_agentic.records import Dossier
from airflow_agentic.shape_changes import name_tokens
from airflow_agentic.shapes import difference

_PART = " ("
"""What is around the records has their data set's name and this: ``orders.json (envelope)``."""
_READS = re.compile(
    r"\bjson\.loads?\(|\.json\(\)|DictReader|csv\.reader|\bread_(?:csv|json|parquet|excel|table)\b|urlopen|\brequests\.|\bhttpx\."
)
"""What reads data from outside; a file that is merely opened may be a statement of our own."""
_SILENT = {"volume", "nulls", "duplicates", "range", "retyped", "reformatted"}


def origin(dossier: Dossier, fixes: tuple[Fix, ...]) -> tuple[str, str | None] | None:
    """Return Dag and task (None for several) of another Dag; None where the failing Dag is as near as any."""
    if dossier.checkout is None:
        return None
    bench = Bench(dossier=dossier, checkout=dossier.checkout)
    sets = _datasets(bench, fixes)
    if not fixes and len(sets) != 1:
        return None
    tasks = repository_tasks(bench)
    if fixes:
        found = [t for t in tasks if fixes[0].file in t.files]
    else:
        found = [t for t in tasks if any(_READS.search(bench.text(p) or "") for p in t.files)]
        failed = {(key.dag_id, key.task_id) for key in dossier.incident.members}
        found = [t for t in found if (t.dag_id, t.task_id) not in failed]
        found = [t for t in found if t.words & _words(sets[0])] or [t for t in found if t.inner_words & _words(sets[0])]
    own = dossier.incident.dag_id
    if not found or any(t.dag_id in {own, "", "?"} for t in found):
        return None
    nearest = _nearest(found, sets)
    if len({t.dag_id for t in nearest}) != 1:
        return None
    return nearest[0].dag_id, (nearest[0].task_id or None) if len(nearest) == 1 else None


def _datasets(bench: Bench, fixes: tuple[Fix, ...]) -> list[str]:
    """The data sets that a fix speaks of, or those that differ in what no code notices by itself."""
    names = list(dict.fromkeys(s.name.partition(_PART)[0] for s in bench.dossier.shapes))
    if fixes:
        return [name for name in names if any(name in fix.explanation for fix in fixes)]
    changes = {
        name: {c.kind for c in difference(good, bad)}
        for name in names
        if (good := bench.good(name)) and (bad := bench.failing(name))
    }
    fewer = [name for name, kinds in changes.items() if "volume" in kinds]
    return fewer or [name for name, kinds in changes.items() if kinds & _SILENT]


def _nearest(found: list[RepositoryTask], sets: list[str]) -> list[RepositoryTask]:
    """Those that have the most words in common with the data sets."""
    shared = [max((len(t.words & _words(name)) for name in sets), default=0) for t in found]
    return [t for t, count in zip(found, shared, strict=True) if count == max(shared)]


def _words(dataset: str) -> set[str]:
    text = re.sub(r"\{[^}]*\}|\.\w+$", " ", dataset)
    return {word for word in name_tokens(text) if not word.isdigit() and len(word) > 2}
