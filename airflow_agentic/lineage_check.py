"""Whether lineage events arrive, since when, and which line of configuration is missing."""

from __future__ import annotations

import time
from datetime import datetime, timezone

from airflow_agentic.lineage.setup import sends_to_us
from airflow_agentic.lineage.spool import Spool
from airflow_agentic.settings import Settings
from airflow_agentic.store.database import Database
from airflow_agentic.store.lineage import arrivals

_SILENT_US = 2 * 86_400_000_000


def lineage_state(settings: Settings) -> tuple[str, str, str]:
    """Return state (as of a `checks.Probe`), what was found, and what to do. :raises StoreError: no store."""
    from airflow.sdk.configuration import conf

    database = Database(settings.store_url)
    try:
        found = arrivals(database)
    finally:
        database.close()
    disabled = str(conf.get("openlineage", "disabled", fallback="False")).strip().lower() in {"1", "t", "true", "yes"}
    wired = sends_to_us(str(conf.get("openlineage", "transport", fallback="") or ""))
    mend = "" if wired else "Set [openlineage] transport as `airflow agentic lineage setup` prints it."
    if disabled:
        mend = "Set [openlineage] disabled = False."
    files, size = Spool(f"{settings.spool_dir}/lineage").waiting()
    waiting = f"; {files} event(s), {size} bytes, wait in {settings.spool_dir}/lineage" if files else ""
    if not found:
        state = "wrong" if files else "absent"
        return state, f"no lineage event has arrived yet{waiting}", mend or "Run a Dag; nothing else is missing."
    first, last = min(one[1] for one in found), max(one[2] for one in found)
    detail = f"{len(found)} producer(s) since {_shown(first)}, last at {_shown(last)}{waiting}"
    if time.time_ns() // 1_000 - last > _SILENT_US:
        return "wrong", f"{detail}: silent for more than two days", mend or "See the logs of scheduler and workers."
    return (
        ("wrong" if files else "ok"),
        detail,
        "Mend what keeps the receiver away; the next event brings them." if files else "",
    )


def _shown(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1e6, timezone.utc).isoformat(timespec="minutes")
