"""An OpenLineage transport → our store, directly or through the api-server's endpoint. Never raises into a task.

``{"type": "airflow_agentic.lineage.transport.AgenticTransport"}`` writes to ``[agentic] store_url``;
with ``url`` it posts to ``<url>/api/v1/lineage``. When the receiver is away, events wait on disk and follow the next
one that gets through.
"""

from __future__ import annotations

import logging
import os
import time
from typing import Any

import attr
from openlineage.client.serde import Serde
from openlineage.client.transport import Config, Transport

from airflow_agentic.errors import StoreError
from airflow_agentic.lineage.spool import Spool

log = logging.getLogger(__name__)
_AT_ONCE = 100
_REST_S = 30.0


@attr.define
class AgenticConfig(Config):
    """What stands beside ``type`` in the transport's configuration; all of it may be left out."""

    url: str = ""
    """Address of the plugin's app, e.g. ``http://airflow:8080/agentic``; empty: write to the store."""
    key: str = attr.field(default="", repr=False)
    """Empty: that of ``[agentic] lineage_key``."""
    store_url: str = attr.field(default="", repr=False)
    """Empty: that of ``[agentic] store_url``."""
    timeout_s: float = 2.0
    spool_dir: str = ""
    """Empty: below ``[agentic] spool_dir``."""

    @classmethod
    def from_dict(cls, params: dict[str, Any]) -> AgenticConfig:
        """Return the configuration. :raises ValueError: *params* has a key that is not known, or no number."""
        given = {name: value for name, value in params.items() if name not in ("type", "name", "priority")}
        unknown = sorted(set(given) - {field.name for field in attr.fields(cls)})
        if unknown:
            raise ValueError(f"Reading the AgenticTransport's configuration failed: {unknown} is not known.")
        if "timeout_s" in given:
            given["timeout_s"] = float(given["timeout_s"])
        return cls(**given)


class AgenticTransport(Transport):
    """Delivers events to our lineage store.

    :param config: see `AgenticConfig`.
    """

    kind = "agentic"
    config_class = AgenticConfig

    def __init__(self, config: AgenticConfig) -> None:
        self._config = config
        self._receiver: Any = None
        self._database: Any = None
        self._spool: Spool | None = None
        self._away_until = 0.0

    def emit(self, event: Any) -> None:
        """Deliver *event*, or keep it; what cannot even be kept is logged."""
        try:
            self._emit(Serde.to_json(event).encode("utf-8", "replace"))
        except Exception:  # the border to somebody's task: lineage is never worth its failure
            log.exception("A lineage event was lost")

    def close(self, timeout: float = -1.0) -> bool:
        """Let go of the store; nothing is ever under way, so there is nothing to wait for."""
        if self._database is not None:
            self._database.close()
        return True

    def _emit(self, body: bytes) -> None:
        if time.monotonic() >= self._away_until:
            try:
                self._deliver([body])
                self._drain()
            except (StoreError, OSError) as error:
                self._away_until = time.monotonic() + _REST_S
                log.warning("The lineage receiver is away, events wait on disk: %s", error)
            else:
                return
        if not self._waiting().keep(body):
            log.warning("A lineage event was lost: the spool %s is full", self._waiting().folder)

    def _deliver(self, bodies: list[bytes]) -> None:
        if self._receiver is None:
            self._receiver = _post(self._config) if self._config.url else self._write()
        for reason in self._receiver(bodies):
            log.warning("A lineage event was refused: %s", reason)

    def _write(self) -> Any:
        """Return what writes events to the store and returns why some are refused."""
        from airflow_agentic.lineage.ingest import LineageIntake
        from airflow_agentic.store.database import Database

        given: dict[str, Any] = {}
        url = self._config.store_url
        if not url:
            url, given = _settings().store_url, {"aliases": _settings().lineage_aliases}
        self._database = Database(url)
        intake = LineageIntake(self._database, **given)
        return lambda bodies: [one.reason for one in intake.ingest(bodies).refused]

    def _drain(self) -> None:
        """Deliver what has waited longest, a bounded number, so that no task waits for an outage's whole rest."""
        waiting = self._waiting().oldest(_AT_ONCE)
        if waiting:
            self._deliver([body for _, body in waiting])
            self._waiting().done([path for path, _ in waiting])

    def _waiting(self) -> Spool:
        if self._spool is None:
            self._spool = Spool(self._config.spool_dir or os.path.join(_settings().spool_dir, "lineage"))
        return self._spool


def _settings() -> Any:
    from airflow_agentic.settings import read_settings

    return read_settings()


def _post(config: AgenticConfig) -> Any:
    """Return what posts events and returns why some are refused; it raises OSError when the receiver is away."""
    import httpx

    from airflow_agentic.lineage.header import HEADER

    address = f"{config.url.rstrip('/')}/api/v1/lineage"
    headers = {"Content-Type": "application/json", HEADER: config.key or _settings().lineage_key}

    def post(bodies: list[bytes]) -> list[str]:
        content = bodies[0] if len(bodies) == 1 else b"[" + b",".join(bodies) + b"]"
        try:
            answer = httpx.post(address, content=content, headers=headers, timeout=config.timeout_s)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise OSError(f"{address}: {error!r}") from error
        if answer.status_code in (400, 413, 422):
            said = answer.json() if "json" in answer.headers.get("content-type", "") else {}
            return [one["reason"] for one in said.get("refused", ())] or [str(said.get("detail", answer.status_code))]
        if answer.status_code != 201:
            raise OSError(f"{address}: HTTP {answer.status_code} {answer.text[:200]!r}")
        return []

    return post
