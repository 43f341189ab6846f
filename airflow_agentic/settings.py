"""The ``[agentic]`` section of airflow.cfg → one frozen `Settings`. Read once, and nowhere else.

Light enough for a task process: Airflow's own configuration object and the standard library. The scope of
what the agent may do is not here but in the ``agentic`` connection: see ``scope.py``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

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
            raise SettingsError(f"Reading [agentic] {key} failed: {raw!r} is no number of seconds ≥ 0. Set a number.")
        return value

    return Settings(
        listener=text("listener", "False").strip().lower() in {"1", "t", "true", "y", "yes", "on"},
        conn_id=text("conn_id", "agentic_default"),
        triage_dag_id=text("triage_dag_id", "agentic_triage"),
        store_url=text("store_url", f"sqlite:///{os.path.join(home, 'agentic', 'store.db')}"),
        debounce_s=number("debounce_s", 5.0),
        settle_s=number("settle_s", 300.0),
        spool_dir=text("spool_dir", os.path.join(home, "agentic", "spool")),
        accept_weaker_isolation=frozenset(
            word.strip() for word in text("accept_weaker_isolation", "").split(",") if word.strip()
        ),
    )
