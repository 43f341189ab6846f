"""The ``[agentic]`` section of airflow.cfg → one frozen `Settings`. Read once, and nowhere else.

Light enough for a task process: Airflow's own configuration object and the standard library. The scope of
what the agent may do is not here but in the ``agentic`` connection: see ``scope.py``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_agentic.errors import SettingsError

SECTION = "agentic"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What an operator sets for a whole deployment."""

    listener: bool
    """Watch every Dag that the connection's selectors pick."""
    conn_id: str
    """The ``agentic`` connection that the listener and the commands use."""
    triage_dag_id: str
    store_url: str
    """SQLAlchemy URL of our own store."""
    debounce_s: float
    """How long the triage run is held back, so that failures of siblings land first."""
    settle_s: float
    """How long an investigation waits for the failed run to end."""
    spool_dir: str
    """Where an incident is kept when neither the triage Dag nor the store can be reached."""
    accept_weaker_isolation: frozenset[str]
    """Names of isolation layers that may be missing: see ``airflow agentic check``."""
    undo_dag_id: str = "agentic_undo"
    """The Dag that the page's undo button starts."""
    ledger_content: str = "full"
    """``full``: the ledger keeps what was said to and by a model; ``metadata``: only its digests."""
    policy_file: str = ""
    """``agentic_policy.yaml`` on this machine's disk; empty: only what the connection says holds."""
    permissions_lock: str = ""
    """The accepted permission manifest; empty: ``agentic_permissions.lock`` beside the policy."""
    lineage_key: str = field(default="", repr=False)
    """What a sender of lineage events must know; empty: the endpoint is closed."""
    lineage_aliases: Mapping[str, str] = field(default_factory=dict)
    """Data set namespaces that are other spellings of one: namespace → the one that it is."""
    lineage_events_days: float = 30.0
    lineage_runs_days: float = 90.0
    lineage_edges_days: float = 180.0


def read_settings() -> Settings:
    """Return the settings as configured, with defaults.

    :raises SettingsError: a value has the wrong type; retrying does not help.
    """
    from airflow.sdk.configuration import conf

    home = os.environ.get("AIRFLOW_HOME") or os.path.expanduser("~/airflow")

    def text(key: str, default: str) -> str:
        return str(conf.get(SECTION, key, fallback=default) or default)

    def number(key: str, default: float) -> float:
        raw = text(key, str(default))
        try:
            value = float(raw)
        except ValueError:
            value = -1.0
        if value < 0:
            raise SettingsError(f"Reading [agentic] {key} failed: {raw!r} is no number ≥ 0. Set a number.")
        return value

    return Settings(
        listener=text("listener", "False").strip().lower() in {"1", "t", "true", "y", "yes", "on"},
        conn_id=text("conn_id", "agentic_default"),
        triage_dag_id=text("triage_dag_id", "agentic_triage"),
        undo_dag_id=text("undo_dag_id", "agentic_undo"),
        store_url=text("store_url", f"sqlite:///{os.path.join(home, 'agentic', 'store.db')}"),
        debounce_s=number("debounce_s", 5.0),
        settle_s=number("settle_s", 300.0),
        spool_dir=text("spool_dir", os.path.join(home, "agentic", "spool")),
        accept_weaker_isolation=frozenset(
            word.strip() for word in text("accept_weaker_isolation", "").split(",") if word.strip()
        ),
        ledger_content=_content(text("ledger_content", "full")),
        policy_file=text("policy_file", ""),
        permissions_lock=text("permissions_lock", ""),
        lineage_key=text("lineage_key", ""),
        lineage_aliases=_aliases(text("lineage_aliases", "{}")),
        lineage_events_days=number("lineage_events_days", 30.0),
        lineage_runs_days=number("lineage_runs_days", 90.0),
        lineage_edges_days=number("lineage_edges_days", 180.0),
    )


def _content(raw: str) -> str:
    if raw.strip().lower() in ("full", "metadata"):
        return raw.strip().lower()
    raise SettingsError(f"Reading [agentic] ledger_content failed: {raw!r} is unknown. Set it to full or metadata.")


def _aliases(raw: str) -> dict[str, str]:
    try:
        found = json.loads(raw)
    except ValueError:
        found = None
    if isinstance(found, dict) and all(isinstance(other, str) for other in found.values()):
        return found
    raise SettingsError(
        f"Reading [agentic] lineage_aliases failed: {raw[:200]!r} is no JSON object of texts. "
        'Set it to e.g. {"postgres://localhost": "postgres://warehouse"}.'
    )
