"""What the workspace is given instead of production, and how much of the machine it may use."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from urllib.parse import quote

UNPREPARED = "staging data without"
"""Name in a session's environment of a run that should have built staging data, and did not."""


@dataclass(frozen=True, kw_only=True)
class PrepareStep:
    """One Dag run of base code that builds staging data."""

    dag_file: str
    """Repository-relative."""
    dag_id: str
    logical_date: str
    may_fail: bool = False
    """The code as it stands may be what broke: go on without this run's data."""


@dataclass(frozen=True, kw_only=True)
class Staging:
    """Connections, Variables, environment and data of the workspace; nothing of production gets in otherwise.

    In every value ``{data}`` stands for the run's own copy of *data*, ``{repository}`` for its copy of the clone.
    """

    connections: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Production connection id → staging connection as a URI or JSON text. It may hold a staging password."""
    variables: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    environment: tuple[tuple[str, str], ...] = ()
    data: str = ""
    """Folder that is copied anew for each run; empty: an empty folder."""
    reach: tuple[str, ...] = ()
    """``host:port`` that must be reachable. With any, the workspace shares the worker's network, and says so."""
    readable: tuple[str, ...] = ()
    """Further folders and files that the workspace may read, e.g. another interpreter."""
    prepare: tuple[PrepareStep, ...] = ()
    """Runs of base code that build the data before anything is proved."""
    checks: tuple[str, ...] = ()
    """Further commands that must not fail with a change where they do not fail without it."""
    show_values: bool = False
    """Whether a data diff may show a few values of changed columns."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Upper bounds of one workspace."""

    run_s: float = 600.0
    """Wall time of one Dag run."""
    tests_s: float = 300.0
    """Wall time of the repository's own tests, and of importing all Dag files."""
    boot_s: float = 180.0
    memory_mb: int = 6_144
    """Address space of each process."""
    file_mb: int = 512
    """Largest single file."""
    disk_mb: int = 4_096
    """Everything below the workspace's folder; watched five times a second, so a burst can overshoot."""
    scratch_mb: int = 1_024
    """Each temporary folder: ``/tmp`` and ``/dev/shm``."""
    total_memory_mb: int = 12_288
    """All processes together, as far as they hold it themselves; watched."""
    processes: int = 256
    open_files: int = 1_024


def postgres_addresses(staging: Staging) -> tuple[tuple[str, str], ...]:
    """Return name and address of each PostgreSQL staging connection, as its drivers take it."""
    found = []
    for name, text in staging.connections:
        if text.startswith(("postgres://", "postgresql://")):
            found.append((name, text.replace("postgres://", "postgresql://", 1)))
            continue
        try:
            said = json.loads(text)
        except ValueError:
            said = None
        if isinstance(said, dict) and said.get("conn_type") in ("postgres", "postgresql"):
            login, password = (quote(str(said.get(key) or ""), safe="") for key in ("login", "password"))
            who = f"{login}{':' + password if password else ''}@" if login else ""
            place = f"{said.get('host') or 'localhost'}:{said.get('port') or 5432}/{said.get('schema') or ''}"
            found.append((name, f"postgresql://{who}{place}"))
    return tuple(found)
