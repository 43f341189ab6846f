"""Checks of data and versions in lineage events → which check failed, and what ran on other versions than before.

A check may be the failing task's own, or that of another job that reads or writes the same data set (a dbt test, a
check before the load). What was found instead may be a value out of the data: only counts are told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from airflow_agentic.context.lineage_failing import Failing
from airflow_agentic.context.lineage_words import CHECK_FAILED, RAN_ON, VERSIONS_CHANGED, run_of, told
from airflow_agentic.lineage.graph import HUB, INPUT, OUTPUT
from airflow_agentic.ports import LineageReader
from airflow_agentic.records import Evidence
from airflow_agentic.records.lineage import DataCheck, LineageRun

MAX_TOLD, MAX_LINES, MAX_JOBS = 6, 20, 100
_COUNTS = re.compile(r"count|null|unique|duplicat|distinct|rows?\b|freshness|relationship", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?%?")


def check_evidence(reader: LineageReader, failing: Failing) -> tuple[Evidence, ...]:
    """Return one piece of evidence for each data set on which a check failed since the last run that worked."""
    own = [r for t in failing.tasks for r in (t.run, *t.children) if r is not None and r.state != "COMPLETE"]
    own += [r for t in failing.tasks if t.run for r in t.children if r.last_event >= (t.run.started_at or "9")]
    runs = {r.run_id: r for r in _told(reader, own)}
    mine = set(runs)
    runs.update({r.run_id: r for r in _others(reader, failing) if r.run_id not in runs})
    passed = {
        (c.dataset, c.what, c.column) for r in _told(reader, failing.good) for c in r.checks if c.passed
    }  # fmt: skip
    found: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for run in runs.values():
        for check in [c for c in run.checks if not c.passed]:
            by = "the failing task" if run.run_id in mine else f"{run.job.name}, {run_of(run)}"
            before = "; it passed in the last run that worked" if _key(check) in passed else ""
            found.setdefault(check.dataset, []).append(f"- {_said(check)} (told by {by}{before})")
            names.setdefault(check.dataset, _said(check))
    return tuple(
        told(f"{CHECK_FAILED} {dataset}: {names[dataset]}", dict.fromkeys(lines[:MAX_LINES]), failing.until)
        for dataset, lines in list(found.items())[:MAX_TOLD]
    )


def version_evidence(reader: LineageReader, failing: Failing) -> tuple[Evidence, ...]:
    """Return which versions differ between the failing runs and the last ones that worked, or that none does."""
    good: dict[object, dict[str, str]] = {}
    for run in _told(reader, failing.good):
        if run.versions:
            good.setdefault(run.job.id, dict(run.versions))
    bad = [r for t in failing.tasks for r in (t.run, *t.children) if r is not None and r.versions and r.job.id in good]
    if not bad:
        return ()
    changed: dict[str, None] = {}
    for run in bad:
        was, now = good[run.job.id], dict(run.versions)
        for name in sorted(was.keys() | now.keys()):
            if was.get(name) != now.get(name):
                changed[f"{name} {was.get(name, 'unknown')} → {now.get(name, 'unknown')}"] = None
    if not changed:
        same = ", ".join(f"{name} {version}" for name, version in bad[0].versions)
        return (told(f"{RAN_ON} as in the last run that worked", same, failing.until),)
    return (
        told(f"{VERSIONS_CHANGED}: {', '.join(list(changed)[:4])}", [f"- {line}" for line in changed], failing.until),
    )


def _others(reader: LineageReader, failing: Failing) -> Sequence[LineageRun]:
    """Return the last runs, before the failure and after the last good run, of other jobs with the same inputs."""
    ids = [d.id for d in failing.inputs]
    fans = reader.fans(ids, INPUT) if ids else {}
    ids = [key for key in ids if fans.get(key, 0) <= HUB]
    if not ids:
        return ()
    own = {j.id for j in failing.jobs}
    edges = (*reader.edges_of_datasets(ids, INPUT), *reader.edges_of_datasets(ids, OUTPUT))
    jobs = [key for key in dict.fromkeys(e.job.id for e in edges) if key not in own][:MAX_JOBS]
    since = max((r.last_event for r in failing.good), default="")
    last = reader.last_runs(jobs, limit=1, until=failing.until) if jobs else ()
    inputs = {d.name for d in failing.inputs}
    return [
        run
        for run in _told(reader, [r for r in last if r.last_event > since])
        if any(not c.passed and c.dataset in inputs for c in run.checks)
    ]


def _told(reader: LineageReader, runs: Iterable[LineageRun]) -> Sequence[LineageRun]:
    ids = list(dict.fromkeys(r.run_id for r in runs))
    return reader.runs_by_id(ids) if ids else ()


def _key(check: DataCheck) -> tuple[str, str, str]:
    return check.dataset, check.what, check.column


def _said(check: DataCheck) -> str:
    column = f"column {check.column!r}, " if check.column else ""
    expected = f", expected {check.expected}" if check.expected else ""
    counted = _COUNTS.search(check.what) and _NUMBER.fullmatch(check.actual)
    return f"{column}{check.what or 'a check'}{expected}{f', got {check.actual}' if counted else ''}"
