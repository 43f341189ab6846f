"""The OpenLineage transport that is configured → the one that keeps it and adds ours; and whether ours is there."""

from __future__ import annotations

import json
from typing import Any

from airflow_agentic.errors import SettingsError

TRANSPORT = "airflow_agentic.lineage.transport.AgenticTransport"


def transport_with_ours(present: str, *, url: str = "") -> dict[str, Any]:
    """Return the value for ``[openlineage] transport``.

    :param present: its value now, JSON; empty: none.
    :param url: address of the plugin's app, for workers that do not reach the store; empty: write to the store.
    :raises SettingsError: *present* is no JSON object.
    """
    ours: dict[str, Any] = {"type": TRANSPORT, **({"url": url} if url else {})}
    old = _read(present)
    if not old or old.get("type") == TRANSPORT:
        return ours
    if old.get("type") != "composite":
        # A composite goes on when one of its transports fails; as a dict it can be added to by environment variables.
        return {"type": "composite", "continue_on_failure": True, "transports": {"existing": old, "agentic": ours}}
    listed = old.get("transports")
    if isinstance(listed, dict):
        kept = {name: one for name, one in listed.items() if not _is_ours(one)}
        return {**old, "transports": {**kept, "agentic": ours}}
    kept_list = [one for one in listed or () if not _is_ours(one)]
    return {**old, "transports": [*kept_list, {"name": "agentic", **ours}]}


def sends_to_us(present: str, sinks: tuple[str, ...] = ("/agentic",)) -> bool:
    """Return whether the transport that is configured is ours, has ours in it, or posts to one of *sinks*."""
    try:
        old = _read(present)
    except SettingsError:
        return False
    listed = old.get("transports")
    inner = listed.values() if isinstance(listed, dict) else listed if isinstance(listed, list) else ()
    return any(_is_ours(one) or _posts_to(one, sinks) for one in (old, *inner))


def _is_ours(one: object) -> bool:
    return isinstance(one, dict) and one.get("type") == TRANSPORT


def _posts_to(one: object, sinks: tuple[str, ...]) -> bool:
    return isinstance(one, dict) and str(one.get("url", "")).rstrip("/").endswith(sinks)


def _read(present: str) -> dict[str, Any]:
    try:
        found = json.loads(present) if present.strip() else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SettingsError("Reading [openlineage] transport failed: it is no JSON object. Mend it first.")
    return found
