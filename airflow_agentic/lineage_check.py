"""Whether lineage events arrive, since when, and which line of configuration is missing."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime, timezone

from airflow_agentic.lineage.setup import TRANSPORT, sends_to_us
from airflow_agentic.lineage.spool import Spool
from airflow_agentic.settings import Settings
from airflow_agentic.store.database import Database
from airflow_agentic.store.lineage import arrivals

_SILENT_US = 2 * 86_400_000_000
_SETUP = "Set [openlineage] transport as `airflow agentic lineage setup` prints it."


@dataclass(frozen=True, kw_only=True)
class Sending:
    """How Airflow is told to send its events."""

    transport: str
    """``[openlineage] transport`` as it stands."""
    config_path: str = ""
    disabled: bool = False
    key: bool = False
    """Whether ``[agentic] lineage_key`` is set."""


def lineage_state(settings: Settings) -> tuple[str, str, str]:
    """Return state (as of a `checks.Probe`), what was found, and what to do. :raises StoreError: no store."""
    database = Database(settings.store_url)
    try:
        found = arrivals(database)
    finally:
        database.close()
    mend = missing_line(_sending(settings))
    files, size = Spool(f"{settings.spool_dir}/lineage").waiting()
    waiting = f"; {files} event(s), {size} bytes, wait in {settings.spool_dir}/lineage" if files else ""
    if not found:
        state = "wrong" if files else "absent"
        return state, f"no lineage event has arrived yet{waiting}", mend or "Run a Dag; nothing else is missing."
    first, last = min(one[1] for one in found), max(one[2] for one in found)
    names = ", ".join(sorted(name.rstrip("/").rpartition("/")[2] or name for name, _, _ in found)[:5])
    detail = f"{len(found)} producer(s) ({names}) since {_shown(first)}, last at {_shown(last)}{waiting}"
    if time.time_ns() // 1_000 - last > _SILENT_US:
        return "wrong", f"{detail}: silent for more than two days", mend or "See the logs of scheduler and workers."
    if files:
        return "wrong", detail, "Mend what keeps the receiver away; the next event brings them."
    return "ok", detail, mend and f"Events come from elsewhere; for this Airflow's own: {mend}"


def missing_line(sending: Sending) -> str:
    """Return which line of configuration keeps this Airflow's events from the store; empty for none."""
    if sending.disabled:
        return "Set [openlineage] disabled = False."
    try:
        transport = json.loads(sending.transport) if sending.transport.strip() else {}
    except ValueError:
        transport = None
    if not isinstance(transport, dict):
        return "Mend [openlineage] transport: it is no JSON object, so nothing is sent."
    if not transport and sending.config_path:
        return (
            f"Add the transport that `airflow agentic lineage setup` prints to {sending.config_path!r}, which "
            "[openlineage] config_path names."
        )
    if not sends_to_us(sending.transport):
        return _SETUP
    if not sending.key and _posts(transport):
        return "Set [agentic] lineage_key, for the api-server and the senders: the endpoint is closed without one."
    return ""


def _sending(settings: Settings) -> Sending:
    from airflow.sdk.configuration import conf

    def text(key: str) -> str:
        return str(conf.get("openlineage", key, fallback="") or "")

    return Sending(
        transport=text("transport"),
        config_path=text("config_path"),
        disabled=text("disabled").strip().lower() in {"1", "t", "true", "yes"},
        key=bool(settings.lineage_key),
    )


def _posts(transport: dict[str, object]) -> bool:
    """Say whether the way to us is the endpoint and no transport in it has a key of its own."""
    listed = transport.get("transports")
    inner = list(listed.values()) if isinstance(listed, dict) else listed if isinstance(listed, list) else [transport]
    ours = [
        one
        for one in inner
        if isinstance(one, dict)
        and (one.get("type") == TRANSPORT or str(one.get("url", "")).rstrip("/").endswith("/agentic"))
    ]
    return any(one.get("url") and not one.get("key") for one in ours)


def _shown(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1e6, timezone.utc).isoformat(timespec="minutes")
