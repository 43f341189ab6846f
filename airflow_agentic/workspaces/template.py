"""Airflow version → a migrated, empty metadata database, built once per machine and user.

The cache is ours: no workspace sees it, every run gets a copy of the file.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import stat
import subprocess
import tempfile
from contextlib import closing

from airflow_agentic.errors import WorkspaceError


def template_database(python: str, *, cache: str | None = None, timeout_s: float = 300.0) -> str:
    """Return the path of the template for the Airflow that *python* has, building it if need be.

    Safe under concurrency: a file lock lets one process build it. Takes 5 to 25 s the first time.

    :raises WorkspaceError: there is no Airflow, or its migration failed; the message holds its last words.
    """
    folder = cache or _default_cache()
    os.makedirs(folder, mode=0o700, exist_ok=True)
    owner = os.stat(folder)
    if owner.st_uid != os.geteuid() or owner.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise WorkspaceError(
            f"Using the cache folder {folder!r} failed: others can write to it. Remove it or take "
            "their rights away; it is built anew."
        )
    target = os.path.join(folder, f"airflow-{_version(python)}.db")
    if os.path.exists(target):
        return target
    with open(f"{target}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(target):
            _build(python, target, timeout_s)
    return target


def _build(python: str, target: str, timeout_s: float) -> None:
    with tempfile.TemporaryDirectory(prefix="agentic_template_") as home:
        path = os.path.join(home, "airflow.db")
        environment = {
            "PATH": f"{os.path.dirname(python)}:/usr/local/bin:/usr/bin:/bin",
            "HOME": home,
            "AIRFLOW_HOME": home,
            "LANG": "C.UTF-8",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{path}",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__EXTERNAL_DB_MANAGERS": "",
        }
        said = _run([python, "-m", "airflow", "db", "migrate"], environment, timeout_s)
        if not os.path.exists(path):
            raise WorkspaceError(f"Building the metadata template with {python!r} failed: {said[-500:]}")
        with closing(sqlite3.connect(path)) as db:
            # One file, no write-ahead log beside it: it is copied as it is.
            db.execute("pragma wal_checkpoint(truncate)")
            db.execute("pragma journal_mode = delete")
            db.execute("vacuum")
        part = f"{target}.part"
        with open(path, "rb") as built, open(part, "wb") as kept:
            kept.write(built.read())
        os.chmod(part, 0o400)
        os.replace(part, target)


def _version(python: str) -> str:
    """Airflow's version and the providers that may have tables of their own, as the interpreter's packages tell."""
    asked = (
        "from importlib.metadata import distributions as d; "
        "print('\\n'.join(sorted({f'{x.name}=={x.version}' for x in d() if 'airflow' in (x.name or '')})))"
    )
    said = _run([python, "-I", "-c", asked], {"PATH": "/usr/bin:/bin"}, 60.0)
    core = [line.split("==")[1] for line in said.splitlines() if line.startswith("apache-airflow-core==")]
    if not core:
        raise WorkspaceError(
            f"Using the interpreter {python!r} for the workspace failed: it has no Airflow. "
            "Name one that has all that the Dags import."
        )
    return f"{core[0]}-{hashlib.sha256(said.encode()).hexdigest()[:12]}"


def _run(argv: list[str], environment: dict[str, str], timeout_s: float) -> str:
    try:
        done = subprocess.run(
            argv,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=True,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    except subprocess.CalledProcessError as error:
        raise WorkspaceError(f"Running {argv[0]!r} failed ({error.returncode}): {error.stderr[-500:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise WorkspaceError(f"Running {argv[0]!r} failed: {error}") from error
    return done.stdout


def _default_cache() -> str:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "airflow_agentic")
