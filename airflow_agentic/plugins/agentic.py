"""What Airflow loads into every process: the listener, where the setting asks for it, and nothing else.

Every task of the deployment pays for what this module imports. Without ``[agentic] listener = True`` no listener
is registered at all, so that a deployment which only uses the callback pays nothing.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk.plugins_manager import AirflowPlugin

from airflow_agentic.errors import SettingsError
from airflow_agentic.plugins.web import LazyApp, lineage, page
from airflow_agentic.settings import read_settings

log = logging.getLogger(__name__)


class AgenticPlugin(AirflowPlugin):
    """The provider's plugin."""

    name = "agentic"
    listeners: list[Any] = []  # noqa: RUF012 - Airflow reads it from the class
    # Mounted by the api-server alone; FastAPI and the store are imported when the first request comes.
    fastapi_apps: list[Any] = [  # noqa: RUF012 - as above
        # Airflow asks them in this order, and the second prefix holds the first.
        {"app": LazyApp(page), "url_prefix": "/agentic/page", "name": "agentic page"},
        {"app": LazyApp(lineage), "url_prefix": "/agentic", "name": "agentic"},
    ]
    # Relative to [api] base_url, as the UI resolves it. A browser runs a module once an address: hence the two.
    react_apps: list[Any] = [  # noqa: RUF012 - as above
        {
            "name": "Agentic triage",
            "bundle_url": "agentic/page/triage.js?in=nav",
            "destination": "nav",
            "category": "browse",
            "url_route": "agentic",
        },
        {
            "name": "Triage",
            "bundle_url": "agentic/page/triage.js?in=run",
            "destination": "dag_run",
            "url_route": "agentic_run",
        },
    ]

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        """Register the listener if ``[agentic] listener`` is on; a broken section leaves it off, and is logged.

        Airflow's core and its Task SDK each load plugins, so this may run twice in one process; both get the
        same listener, and each of their managers calls it for its own hooks only.
        """
        try:
            wanted = read_settings().listener
        except SettingsError:
            log.exception("Reading the [agentic] section failed; the listener stays off")
            return
        if wanted and not cls.listeners:
            from airflow_agentic.triggers.listener import AgenticListener

            cls.listeners = [AgenticListener()]
