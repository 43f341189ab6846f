"""What every run and every try would make anew and that is always the same → made once, before the fork.

All of it is private to Airflow, FastAPI or pydantic: where a version is built otherwise, nothing is remembered and a
run takes longer, with the same result. Runs inside the sandbox, by file path.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import itertools
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

PER_TRY = (
    "airflow.sdk.definitions.asset.metadata",
    "airflow.sdk.definitions.decorators",
    "airflow.version",
    "jinja2.ext",
    "setproctitle",
)
"""What Airflow's task runner imports only when it runs."""
OFTEN_NAMED = ("duckdb", "openlineage.client.event_v2", "psycopg", "psycopg2", "requests")
"""What Dag files import at their top and each try would load anew, 0.4 s each; they start no thread, as pandas does."""


def warm() -> str:
    """Build the Execution API's routers, import and remember; return ``warm``, or why runs are cold."""
    for name in (*PER_TRY, *OFTEN_NAMED):
        with contextlib.suppress(ImportError):  # this interpreter has none; then nothing here names it
            importlib.import_module(name)
    try:
        from airflow.sdk.execution_time.supervisor import in_process_api_server

        app = in_process_api_server().app
        if not app._cadwyn_initialized:
            with _newest_version_only(app):
                app._cadwyn_initialize()
        from airflow._shared.observability.metrics import stats

        stats._get_registry()
    except (ImportError, AttributeError) as error:
        return f"cold: this Airflow has no {error}"
    _remember_dependants()
    _remember_adapters()
    return "warm"


@contextlib.contextmanager
def _newest_version_only(app: Any) -> Iterator[None]:
    """Have routers built for the newest version of the API: nine are three quarters of a start, and runs ask for one.

    Where the supervisor speaks another version than the newest, or the builder is another, all are built.
    """
    from airflow.sdk.api import client
    from cadwyn import route_generation

    builder: Any = getattr(route_generation, "_EndpointTransformer", None)
    spoken = getattr(client, "API_VERSION", None)
    if builder is None or not hasattr(builder, "transform") or next(iter(app.versions)).value != spoken:
        yield
        return
    whole = builder.transform

    def transform(self: Any) -> Any:
        self.versions = _Newest(self.versions)
        self.routes_that_never_existed = []  # those that only older versions have
        return whole(self)

    builder.transform = transform
    try:
        yield
    finally:
        builder.transform = whole


class _Newest:
    """Versions of an API, of which a loop sees the newest only."""

    def __init__(self, versions: Any) -> None:
        self._versions = versions

    def __iter__(self) -> Iterator[Any]:
        return itertools.islice(self._versions, 1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._versions, name)


def forget_shadowed(folders: Iterable[str]) -> None:
    """Forget what was imported where the repository has a module of that name: its own comes first."""
    tops = {name.partition(".")[0] for name in OFTEN_NAMED}
    own = {
        top for top in tops for at in folders if any(os.path.exists(os.path.join(at, top + end)) for end in ("", ".py"))
    }
    if not own:
        return
    for name in [name for name in sys.modules if name.partition(".")[0] in own]:
        del sys.modules[name]


def _remember_dependants() -> None:
    """Let FastAPI look at a dependency's signature once; where some are overridden it looks at all, each request."""
    from fastapi.dependencies import utils

    made: Any = getattr(utils, "get_dependant", None)
    if made is None:
        return
    known: dict[Any, Any] = {}

    def get_dependant(**given: Any) -> Any:
        key = tuple((name, tuple(v) if isinstance(v, list) else v) for name, v in sorted(given.items()))
        if key not in known:
            known[key] = made(**given)
        return known[key]

    utils.get_dependant = get_dependant


def _remember_adapters() -> None:
    """Build the reader of the supervisor's messages here; pydantic takes 20 ms for it in each try."""
    from airflow.sdk.execution_time import comms, task_runner

    for module, kinds in ((comms, ("ToTask",)), (task_runner, ("StartupDetails", "JsonValue"))):
        adapter: Any = getattr(module, "TypeAdapter", None)
        if adapter is None:
            continue
        module.TypeAdapter = functools.cache(adapter)  # type: ignore[attr-defined]
        for kind in kinds:
            if hasattr(module, kind):
                module.TypeAdapter(getattr(module, kind))
