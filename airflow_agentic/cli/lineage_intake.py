"""``airflow agentic lineage setup|import|retain``. Thin: read arguments, call, print."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

from airflow_agentic.cli.commands import _print, _told
from airflow_agentic.errors import SettingsError
from airflow_agentic.lineage.ingest import LineageIntake, Receipt
from airflow_agentic.lineage.payload import lines
from airflow_agentic.lineage.retention import Keep, retain
from airflow_agentic.lineage.setup import transport_with_ours
from airflow_agentic.lineage.wire import DAY_US
from airflow_agentic.settings import read_settings
from airflow_agentic.store.database import Database


@_told
def setup(args: Any) -> None:
    """Print the transport that keeps what is configured and adds ours."""
    from airflow.sdk.configuration import conf

    present = str(conf.get("openlineage", "transport", fallback="") or "")
    found = transport_with_ours(present, url=args.url or "")
    print(f"[openlineage]\ntransport = {json.dumps(found)}\n")
    print("or, as environment of scheduler and workers:\n")
    print(f"export AIRFLOW__OPENLINEAGE__TRANSPORT='{json.dumps(found)}'")


@_told
def take(args: Any) -> None:
    """Take in the events of a file or folder."""
    settings = read_settings()
    database = Database(settings.store_url)
    intake, receipt = LineageIntake(database, aliases=settings.lineage_aliases), Receipt()
    for path in _files(args.path):
        found = list(lines(path))
        one = intake.ingest(line for _, line in found)
        for refusal in one.refused:
            print(f"{path}:{found[refusal.position][0]}: {refusal.reason}")
        receipt += one
    database.close()
    print(f"{receipt.taken} event(s) taken, {receipt.repeated} known before, {len(receipt.refused)} refused.")
    if receipt.refused:
        raise SystemExit(1)


@_told
def retention(args: Any) -> None:
    """Delete what is older than the settings say."""
    settings = read_settings()
    database = Database(settings.store_url)
    keep = Keep(
        events_days=settings.lineage_events_days,
        runs_days=settings.lineage_runs_days,
        edges_days=settings.lineage_edges_days,
    )
    found = retain(database, keep, today=time.time_ns() // 1_000 // DAY_US, dry_run=args.dry_run)
    database.close()
    word = "would_delete" if args.dry_run else "deleted"
    _print(
        args, [{"table": table, word: rows} for table, rows in found.items() if rows], empty="Nothing is old enough."
    )


def _files(path: str) -> Iterator[str]:
    if os.path.isfile(path):
        yield path
    elif os.path.isdir(path):
        for folder, _, names in sorted(os.walk(path)):
            yield from (
                os.path.join(folder, name) for name in sorted(names) if name.endswith((".json", ".ndjson", ".log"))
            )
    else:
        raise SettingsError(f"Reading events from {path!r} failed: there is no such file or folder.")
