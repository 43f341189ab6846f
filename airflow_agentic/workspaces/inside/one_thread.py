"""Airflow's in-process Execution API, asked and answered in the caller's own thread.

Airflow gives its API an event loop in a second thread, and FastAPI gives each plain function of a request to a third:
some twenty hand-overs a request, for a supervisor that asks one thing at a time and waits for it. Runs inside the
sandbox, by file path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx


class OneThreadTransport(httpx.BaseTransport):
    """Answer requests from an ASGI application, in a loop that runs only while there is one.

    :param app: its lifespan is entered here and ends with the process.
    """

    def __init__(self, app: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._inner = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self._lifespan = app.router.lifespan_context(app)
        self._loop.run_until_complete(self._lifespan.__aenter__())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the whole answer."""
        with _no_threads():
            return self._loop.run_until_complete(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        given = await self._inner.handle_async_request(request)
        return httpx.Response(given.status_code, headers=given.headers, content=await given.aread())


@contextmanager
def _no_threads() -> Iterator[None]:
    """Call plain functions where they stand; only while a request lasts, for a task's own code keeps its threads."""
    from anyio import to_thread

    threads: Any = to_thread
    kept = threads.run_sync
    threads.run_sync = _here
    try:
        yield
    finally:
        threads.run_sync = kept


async def _here(do: Callable[..., Any], *arguments: Any, **_: Any) -> Any:
    return do(*arguments)
