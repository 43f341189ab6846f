"""What the api-server serves for us, built when the first request comes: every process loads plugins, one serves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class LazyApp:
    """An ASGI application that stands in for the real one until somebody asks.

    :param build: makes it; seconds of imports, so it runs beside the other requests.
    """

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build = build
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        if self._app is None:
            # Seconds of imports must not hold up every other request; two that build at once is no harm.
            self._app = await asyncio.to_thread(self._build)
        await self._app(scope, receive, send)


def lineage() -> Any:
    """Return the endpoint that takes lineage events."""
    from functools import cache

    from airflow_agentic.lineage.endpoint import lineage_app
    from airflow_agentic.lineage.ingest import LineageIntake
    from airflow_agentic.settings import read_settings
    from airflow_agentic.store.database import Database

    @cache
    def intake() -> LineageIntake:
        settings = read_settings()
        return LineageIntake(Database(settings.store_url), aliases=settings.lineage_aliases)

    return lineage_app(intake, lambda: read_settings().lineage_key)


def page() -> Any:
    """Return what the page of incidents reads."""
    from airflow_agentic.plugins.page.app import page_app
    from airflow_agentic.settings import read_settings
    from airflow_agentic.store.engine import open_store

    settings = read_settings()
    return page_app(open_store(settings.store_url), settings)
