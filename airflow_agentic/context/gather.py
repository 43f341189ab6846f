"""Incident → Dossier: ask each source in turn, take secrets out, fit the budget, number the evidence.

A source that cannot answer becomes a Gap and the next one is asked. Nothing leaves here unredacted, the reasons of
gaps included. Waiting for the run to end is not done here: the triage Dag's own delay does it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from airflow_agentic.context.budget import CHARS_PER_TOKEN, cost, fit
from airflow_agentic.context.fingerprints import incident_fingerprint
from airflow_agentic.context.orders import orders_in
from airflow_agentic.errors import IncidentNotFound, SourceUnavailable
from airflow_agentic.ports import AirflowReader, Redactor, Source
from airflow_agentic.records import (
    DagRunRecord,
    Dossier,
    Evidence,
    Gap,
    Incident,
    SourceReport,
    Suspect,
    Target,
    TaskError,
    Trust,
)

log = logging.getLogger(__name__)

RUNS_SEARCHED = 50
"""Runs that are looked through for the last one that worked."""
_WITHOUT_ROWS = frozenset({"tables", "owners"})
"""Sources that tell shapes, and values of columns that may be shown; and whom to ask."""
LEFT_OUT_CHARS = 40_000
"""Of one piece that did not fit, kept beside the dossier so that a tool can show it."""


def gather(
    incident: Incident,
    *,
    reader: AirflowReader,
    sources: Sequence[Source],
    redactor: Redactor,
    strangers: Redactor | None = None,
    rank: Callable[[Dossier], tuple[Suspect, ...]] | None = None,
    token_budget: int = 12_000,
) -> Dossier:
    """Return all that is known about the incident, redacted and within *token_budget*.

    :param strangers: for logs, errors and what runs said: takes personal data out as well; None: *redactor*.
    :param rank: who ranks the suspects, once everything else is known.
    :raises SourceUnavailable: Airflow does not answer at all; clearing the task tries again.
    :raises IncidentNotFound: the Dag or the run exists no more.
    """
    target = find_target(reader, incident)
    report = _ask(sources, target)
    clean = _redacted(report, redactor, strangers or redactor)
    clean = replace(clean, gaps=clean.gaps + orders_in(clean.evidence))
    kept, left_out = fit(clean.evidence, token_budget=token_budget)
    evidence = tuple(replace(item, id=f"E{number}") for number, item in enumerate(kept, start=1))
    dossier = Dossier(
        incident=_identified(target, clean.errors),
        evidence=evidence,
        gaps=clean.gaps,
        errors=clean.errors,
        history=clean.history,
        graph=clean.graph,
        shapes=clean.shapes,
        checkout=clean.checkout,
        left_out=left_out,
        left_out_evidence=_whole(clean.evidence, left_out),
        team_rules=clean.team_rules,
        contacts=clean.contacts,
        blast_radius=clean.blast_radius,
        lineage_origin=clean.lineage_origin,
        last_good=target.last_good.logical_date if target.last_good else None,
        run=_clean_run(target.run, strangers or redactor),
        good_run=_clean_run(target.last_good, strangers or redactor) if target.last_good else None,
        tokens=-(-sum(cost(item) for item in evidence) // CHARS_PER_TOKEN),
    )
    log.info(
        "Gathered %d pieces of evidence, %d gaps for %s; %d tokens, %d left out",
        len(evidence),
        len(clean.gaps),
        incident.id,
        dossier.tokens,
        len(left_out),
    )
    return replace(dossier, suspects=rank(dossier)) if rank else dossier


def find_target(reader: AirflowReader, incident: Incident) -> Target:
    """Return the failing run, its root failures and the last run before it that worked.

    ``upstream_failed`` is no failure of its own. A run that failed without a failed task (a time-out, a deadlock)
    has no root failures.

    :raises IncidentNotFound: there is no such Dag or run.
    :raises SourceUnavailable: Airflow does not answer.
    """
    run = reader.dag_run(incident.dag_id, incident.run_id)
    failed = tuple(t for t in reader.task_instances(run.dag_id, run.run_id) if t.state == "failed")
    runs = reader.recent_runs(incident.dag_id, limit=RUNS_SEARCHED)
    earlier = [r for r in runs if r.state == "success" and r.run_id != run.run_id and _when(r) < _when(run)]
    return Target(
        incident=incident,
        dag=reader.dag(incident.dag_id),
        run=run,
        failed=failed,
        last_good=max(earlier, key=_when, default=None),
    )


def _ask(sources: Sequence[Source], target: Target) -> SourceReport:
    report = SourceReport()
    if not target.failed:
        report = SourceReport(gaps=(Gap(source="gather", reason="no task of the run is in state failed."),))
    for source in sources:
        try:
            found = source.read(target, report)
        except (SourceUnavailable, IncidentNotFound) as error:
            found = SourceReport(gaps=(Gap(source=source.name, reason=str(error)),))
        except Exception as error:
            # One broken source must not cost the others' evidence; the traceback is in the triage task's own log.
            log.exception("Source %s broke on %s", source.name, target.incident.id)
            reason = f"it broke: {type(error).__name__}: {str(error)[:300]}. See the log of the investigate task."
            found = SourceReport(gaps=(Gap(source=source.name, reason=reason),))
        report = _joined(report, found)
    return report


def _joined(one: SourceReport, two: SourceReport) -> SourceReport:
    return SourceReport(
        evidence=one.evidence + two.evidence,
        errors=one.errors + two.errors,
        history=one.history + two.history,
        graph=two.graph or one.graph,
        shapes=one.shapes + two.shapes,
        checkout=two.checkout or one.checkout,
        gaps=one.gaps + two.gaps,
        team_rules=one.team_rules + two.team_rules,
        contacts=tuple(dict.fromkeys(one.contacts + two.contacts)),
        blast_radius=one.blast_radius + two.blast_radius,
        affected_owners=tuple(dict.fromkeys(one.affected_owners + two.affected_owners)),
        lineage_origin=two.lineage_origin or one.lineage_origin,
    )


def _identified(target: Target, errors: tuple[TaskError, ...]) -> Incident:
    return replace(
        target.incident,
        fingerprint=incident_fingerprint(target.dag.dag_id, errors, target.failed),
        members=tuple(task.key for task in target.failed),
        logical_date=target.incident.logical_date or target.run.logical_date,
        owners=target.incident.owners or target.dag.owners,
        tags=target.incident.tags or target.dag.tags,
    )


def _redacted(report: SourceReport, redactor: Redactor, strangers: Redactor) -> SourceReport:
    clean = strangers.redact
    return replace(
        report,
        evidence=tuple(
            _clean_evidence(item, strangers if _tells_of_rows(item) else redactor) for item in report.evidence
        ),
        errors=tuple(_clean_error(item, strangers) for item in report.errors),
        history=tuple(
            replace(task, rendered=tuple((name, clean(value)) for name, value in task.rendered))
            for task in report.history
        ),
        gaps=tuple(Gap(source=gap.source, reason=clean(gap.reason)) for gap in report.gaps),
        blast_radius=tuple(redactor.redact(line) for line in report.blast_radius),
    )


def _tells_of_rows(item: Evidence) -> bool:
    """Say whether values of rows or people may stand in it: not in code, in owners, or in shapes that we counted."""
    return item.trust is Trust.UNTRUSTED and item.source not in _WITHOUT_ROWS


def _whole(evidence: Iterable[Evidence], titles: Iterable[str]) -> tuple[Evidence, ...]:
    """Return what was left out, to be asked for; cut where one piece would be larger than the whole briefing."""
    wanted = set(titles)
    return tuple(replace(item, body=item.body[:LEFT_OUT_CHARS]) for item in evidence if item.title in wanted)


def _clean_evidence(item: Evidence, redactor: Redactor) -> Evidence:
    return replace(item, title=redactor.redact(item.title), body=redactor.redact(item.body))


def _clean_run(run: DagRunRecord, redactor: Redactor) -> DagRunRecord:
    return replace(run, conf=redactor.redact(run.conf))


def _clean_error(error: TaskError, redactor: Redactor) -> TaskError:
    frames = tuple(replace(f, code=redactor.redact(f.code)) if f.code else f for f in error.frames)
    return replace(
        error,
        message=redactor.redact(error.message),
        frames=frames,
        chain=tuple(redactor.redact(text) for text in error.chain),
    )


def _when(run: DagRunRecord) -> str:
    return run.logical_date or run.run_after or run.started_at or ""
