"""``airflow agentic readiness``. Thin: read arguments, probe, judge, print, write."""

from __future__ import annotations

import getpass
import json
import os
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from airflow_agentic.cli.commands import _print, _say, _told
from airflow_agentic.errors import SettingsError
from airflow_agentic.guardrails.readiness import Item, Readiness, assess
from airflow_agentic.guardrails.readiness_adr import write_adr
from airflow_agentic.guardrails.readiness_facts import Observed, as_json, from_json
from airflow_agentic.guardrails.readiness_kept import remember


@_told
def readiness(args: Any) -> None:
    """Probe, judge, and print the checklist; write facts and the decision record where asked."""
    seen = _facts(args)
    report = assess(seen)
    if args.facts:
        _write(args.facts, as_json(seen))
    if args.adr:
        _write(args.adr, write_adr(report, date=datetime.now(timezone.utc).date().isoformat()))
    _remember(args, report)
    if args.output == "json":
        print(json.dumps(_whole(report), indent=2))
        return
    rows = [
        {"pillar": i.pillar, "item": i.name, "standing": _standing(i), "evidence": i.evidence, "next": i.close}
        for i in report.items
    ]  # fmt: skip
    _print(args, rows)
    for line in _summary(report):
        print(line)


def _remember(args: Any, report: Readiness) -> None:
    """Keep what was found: it decides how far the trust level may go until the next report. Not of given facts."""
    if args.given:
        return
    from airflow_agentic import wiring
    from airflow_agentic.scope import read_scope
    from airflow_agentic.settings import read_settings
    from airflow_agentic.store.engine import open_store

    settings = read_settings()
    conn_id = args.agentic_conn_id or settings.conn_id
    scope = read_scope(wiring.connection(conn_id).extra, conn_id=conn_id)
    with open_store(settings.store_url) as store:
        looked = remember(report, store.incidents, store.ledger, repository=scope.repository, by=getpass.getuser())
    _say(f"Remembered for {looked.repository!r} until the next report ({looked.at}).")


def _facts(args: Any) -> Observed:
    if args.given:
        try:
            return from_json(Path(args.given).read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"Reading readiness facts from {args.given!r} failed: {error}.") from error
    from airflow_agentic import wiring
    from airflow_agentic.probes.observe import observe
    from airflow_agentic.scope import read_scope
    from airflow_agentic.settings import read_settings

    settings = read_settings()
    conn_id = args.agentic_conn_id or settings.conn_id
    return observe(settings, read_scope(wiring.connection(conn_id).extra, conn_id=conn_id), say=_say)


def _whole(report: Readiness) -> dict[str, Any]:
    return {
        "items": [asdict(item) for item in report.items],
        "blockers": [item.name for item in report.blockers],
        "missing": [item.name for item in report.missing],
        "accepted": [item.name for item in report.missing if item.accepted],
        "trust_level_at_most": report.ceiling,
        "pattern": report.advice.pattern,
        "reasons": list(report.advice.reasons),
        "would_justify": dict(report.advice.would_justify),
        "unseen": dict(report.unseen),
    }


def _summary(report: Readiness) -> list[str]:
    said = [f"BLOCKER  {item.name}: {item.evidence}" for item in report.blockers]
    accepted = [item.name for item in report.missing if item.accepted]
    told = f", {len(accepted)} of them accepted by name" if accepted else ""
    said.append(f"Trust level at most: {report.ceiling} ({len(report.missing)} of {len(report.items)} missing{told}).")
    names = [item.acceptable[0] for item in report.holding if item.acceptable and not item.blocker]
    if names:
        said.append(f'To go on without what is no blocker, in the agentic connection: "accept": {json.dumps(names)}')
    said.append(f"Pattern: {report.advice.pattern}. {report.advice.reasons[0]}")
    said += [f"  {pattern} would take {justified}." for pattern, justified in report.advice.would_justify]
    return said


def _standing(item: Item) -> str:
    told = "accepted" if item.accepted else "blocker" if item.blocker else ""
    return f"{item.standing.value} ({told})" if told else item.standing.value


def _write(path: str, text: str) -> None:
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"Writing {path!r} failed: {error}. Name a file in a folder that you may write to."
        ) from error
    _say(f"Wrote {path}")
