"""A real Airflow in a folder of its own: database, api-server, scheduler, Dag processor; for tests and the demo.

Started for seconds, so everything that only serves long life is turned down: one parsing process, one api-server
worker, an already migrated SQLite file (made once per Airflow version, in the user's cache). Nothing leaves the
folder but the loopback port, and nothing outlives `stop`: task processes start sessions of their own, so they are
found by their environment.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from airflow_agentic.errors import AgenticError

USERS = {"admin": "admin", "operator": "user", "viewer": "viewer"}
"""User name → role of Airflow's SimpleAuthManager; ``operator`` may trigger Dags."""

_ENDED = ("success", "failed")


class StackError(AgenticError):
    """Airflow did not start, or did not get where it should in time; the message has the end of its log."""


class AirflowStack:
    """Start with ``with AirflowStack(folder, dags_folder=...) as airflow:``.

    :param folder: a folder for this Airflow alone; made if missing, never deleted.
    :param dags_folder: a folder of Dag files; or give *bundles*.
    :param bundles: value of ``[dag_processor] dag_bundle_config_list``.
    :param environment: more environment, e.g. ``AIRFLOW__AGENTIC__LISTENER``; wins over ours.
    :param connections: connection id → fields, as in Airflow's JSON form of a connection.
    :param python_path: folders that every process can import from.
    :param parallelism: task processes at a time.
    :param triggerer: start a triggerer too; only deferrable operators need one.
    """

    def __init__(
        self,
        folder: Path,
        *,
        dags_folder: Path | None = None,
        bundles: Sequence[Mapping[str, Any]] | None = None,
        environment: Mapping[str, str] | None = None,
        connections: Mapping[str, Mapping[str, Any]] | None = None,
        python_path: Sequence[Path] = (),
        parallelism: int = 4,
        triggerer: bool = False,
    ) -> None:
        self.folder = folder.absolute()
        self.home = self.folder / "airflow"
        self.logs = self.home / "logs"
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.passwords = {user: secrets.token_urlsafe(12) for user in USERS}
        self.env = {
            **_inherited(),
            **self._settings(dags_folder or self.folder / "dags", bundles, parallelism),
            "PYTHONPATH": os.pathsep.join([*map(str, python_path), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep),
            **(environment or {}),
        }
        for name, fields in (connections or {}).items():
            self.add_connection(name, fields)
        self._components = ["api-server", "scheduler", "dag-processor", *(["triggerer"] if triggerer else [])]
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._tokens: dict[str, str] = {}

    def __enter__(self) -> AirflowStack:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def add_connection(self, conn_id: str, fields: Mapping[str, Any]) -> None:
        """Add a connection before `start`; for one that needs to know our port or passwords."""
        self.env[f"AIRFLOW_CONN_{conn_id.upper()}"] = json.dumps(fields)

    def start(self, *, timeout_s: float = 180.0) -> None:
        """Start every process and wait until scheduler and Dag processor report healthy.

        :raises StackError: a process ended, or the time is over; everything is stopped again.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        # An empty file: otherwise four processes write the commented default at once.
        (self.home / "airflow.cfg").touch()
        passwords = self.home / "passwords.json"
        passwords.touch(mode=0o600)
        passwords.write_text(json.dumps(self.passwords) + "\n")
        if not (self.home / "airflow.db").exists():
            shutil.copyfile(_migrated_database(), self.home / "airflow.db")
        try:
            for component in self._components:
                self.start_component(component)
            self.wait("Airflow is healthy", self._healthy, timeout_s=timeout_s)
        except BaseException:
            self.stop()
            raise

    def start_component(self, name: str) -> None:
        """Start one of ``api-server``, ``scheduler``, ``dag-processor``, ``triggerer``."""
        options = ["--skip-serve-logs"] if name in ("scheduler", "triggerer") else []
        with (self.logs / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", "airflow", name, *options],
                env=self.env,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop_component(self, name: str, *, grace_s: float = 8.0) -> None:
        """End one process with its group; forcibly after *grace_s*."""
        process = self._processes.pop(name, None)
        if process is not None:
            _end_groups([process], grace_s)

    def stop(self, *, grace_s: float = 8.0) -> None:
        """End every process that belongs to this Airflow, task processes included; safe to repeat."""
        processes, self._processes = list(self._processes.values()), {}
        _end_groups(processes, grace_s)
        for pid in _pids_with(f"AIRFLOW_HOME={self.home}"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def running(self) -> dict[str, int]:
        """Return the components that live, by name, with their process ids."""
        return {name: process.pid for name, process in self._processes.items() if process.poll() is None}

    def command(self, *arguments: str, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run ``airflow ARGUMENTS`` against this Airflow and return its output; never raises for its exit code."""
        return self.python("-m", "airflow", *arguments, timeout_s=timeout_s)

    def python(self, *arguments: str, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run ``python ARGUMENTS`` in this Airflow's environment and return its output, whatever its exit code."""
        return subprocess.run(
            [sys.executable, *arguments],
            env=self.env,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def token(self, user: str = "admin") -> str:
        """Return a bearer token for the REST API."""
        if user not in self._tokens:
            body = {"username": user, "password": self.passwords[user]}
            self._tokens[user] = str(self._call("POST", "/auth/token", body, None)["access_token"])
        return self._tokens[user]

    def rest_connection(self, user: str = "operator") -> dict[str, Any]:
        """Return the ``http`` connection of an account, as *connections* takes it."""
        login = {"login": user, "password": self.passwords[user]}
        return {"conn_type": "http", "host": "127.0.0.1", "port": self.port, "schema": "http", **login}

    def get(self, path: str, *, user: str = "admin") -> Any:
        """Return what ``GET /api/v2{path}`` answers. :raises StackError: with the status and body."""
        return self._call("GET", f"/api/v2{path}", None, self.token(user))

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, user: str | None = "admin") -> Any:
        """Return what an address outside ``/api/v2`` answers; *user* None: as nobody. :raises StackError: likewise."""
        return self._call(method, path, body, self.token(user) if user else None)

    def post(self, path: str, body: Mapping[str, Any], *, user: str = "admin") -> Any:
        """Return what ``POST /api/v2{path}`` answers. :raises StackError: with the status and body."""
        return self._call("POST", f"/api/v2{path}", body, self.token(user))

    def patch(self, path: str, body: Mapping[str, Any], *, user: str = "admin") -> Any:
        """Return what ``PATCH /api/v2{path}`` answers. :raises StackError: with the status and body."""
        return self._call("PATCH", f"/api/v2{path}", body, self.token(user))

    def trigger(self, dag_id: str, *, run_id: str | None = None, logical_date: str | None = None, **more: Any) -> str:
        """Trigger a run and return its id; *more* goes into the request, e.g. ``conf={...}``."""
        body = {"logical_date": logical_date, **({"dag_run_id": run_id} if run_id else {}), **more}
        return str(self.post(f"/dags/{_quoted(dag_id)}/dagRuns", body)["dag_run_id"])

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return a Dag's runs, oldest first, at most 100; none for an unknown Dag."""
        try:
            answer = self.get(f"/dags/{_quoted(dag_id)}/dagRuns?limit=100&order_by=run_after")
        except StackError as error:
            if "HTTP 404" in str(error):
                return []
            raise
        return list(answer["dag_runs"])

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a run."""
        answer = self.get(f"/dags/{_quoted(dag_id)}/dagRuns/{_quoted(run_id)}/taskInstances?limit=1000")
        return list(answer["task_instances"])

    def wait_for_dags(self, dag_ids: Iterable[str], *, timeout_s: float = 120.0) -> None:
        """Wait until all of *dag_ids* are parsed. :raises StackError: with Airflow's import errors."""
        wanted = set(dag_ids)

        def parsed() -> bool:
            return wanted <= {dag["dag_id"] for dag in self.get("/dags?limit=100&exclude_stale=true")["dags"]}

        try:
            self.wait(f"Dags {sorted(wanted)} are parsed", parsed, timeout_s=timeout_s)
        except StackError as error:
            raise StackError(f"{error}\nImport errors: {self.get('/importErrors')['import_errors']}") from error

    def wait_for_run(
        self, dag_id: str, run_id: str, states: Sequence[str] = _ENDED, *, timeout_s: float = 120.0
    ) -> dict[str, Any]:
        """Return the run once it is in one of *states*. :raises StackError: it is not within *timeout_s*."""
        path = f"/dags/{_quoted(dag_id)}/dagRuns/{_quoted(run_id)}"
        run: dict[str, Any] = {}

        def arrived() -> bool:
            run.clear()
            run.update(self.get(path))
            return run["state"] in states

        self.wait(f"{dag_id} {run_id} is one of {states}", arrived, timeout_s=timeout_s)
        return run

    def wait(self, what: str, check: Callable[[], bool], *, timeout_s: float, every_s: float = 0.3) -> None:
        """Wait until *check* holds. :raises StackError: a process ended or the time is over; with the logs' ends."""
        deadline = time.monotonic() + timeout_s
        while not check():
            dead = [name for name, process in self._processes.items() if process.poll() is not None]
            if dead or time.monotonic() > deadline:
                why = f"{', '.join(dead)} ended" if dead else f"not within {timeout_s:g} s"
                tails = "\n".join(self.log_tail(name) for name in dead or self._components)
                raise StackError(f"Waiting until {what} failed: {why}.\n{tails}")
            time.sleep(every_s)

    def log_tail(self, component: str, *, lines: int = 30) -> str:
        """Return the end of a component's log."""
        path = self.logs / f"{component}.log"
        text = path.read_text(errors="replace").splitlines()[-lines:] if path.exists() else []
        return "\n".join([f"--- {path}", *text])

    def _healthy(self) -> bool:
        try:
            health = self._call("GET", "/api/v2/monitor/health", None, None)
        except (StackError, OSError):
            return False
        return all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None, token: str | None) -> Any:
        """Send one request; SQLite that is locked for a moment (HTTP 500, rolled back) is asked again."""
        for pause_s in (0.5, 1.0, 2.0, 4.0):
            try:
                return self._send(method, path, body, token)
            except StackError as error:
                if "HTTP 500" not in str(error) or "Database error" not in str(error):
                    raise
                time.sleep(pause_s)
        return self._send(method, path, body, token)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, token: str | None) -> Any:
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        data = json.dumps(body).encode() if body is not None else None
        try:
            # An opener of its own: a proxy from the environment must not see loopback.
            with _opener.open(request, data=data, timeout=60) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:2000]
            raise StackError(f"{method} {path} failed: HTTP {error.code}, {said}") from error

    def _settings(
        self, dags_folder: Path, bundles: Sequence[Mapping[str, Any]] | None, parallelism: int
    ) -> dict[str, str]:
        home, key = self.home, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        options: dict[str, dict[str, object]] = {
            "CORE": {
                "DAGS_FOLDER": dags_folder,
                "LOAD_EXAMPLES": False,
                "EXECUTOR": "LocalExecutor",
                "PARALLELISM": parallelism,
                "DAGS_ARE_PAUSED_AT_CREATION": False,
                "EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
                "FERNET_KEY": key,
                "SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
                "SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": home / "passwords.json",
            },
            "DATABASE": {"SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}"},
            "API": {"HOST": "127.0.0.1", "PORT": self.port, "BASE_URL": self.url, "WORKERS": 1, "SECRET_KEY": key},
            "API_AUTH": {"JWT_SECRET": key},
            "LOGGING": {"BASE_LOG_FOLDER": self.logs},
            "SCHEDULER": {
                "SCHEDULER_HEARTBEAT_SEC": 2,
                "JOB_HEARTBEAT_SEC": 2,
                "SCHEDULER_IDLE_SLEEP_TIME": 0.3,
            },
            "DAG_PROCESSOR": {
                "PARSING_PROCESSES": 1,
                "MIN_FILE_PROCESS_INTERVAL": 10,
                "REFRESH_INTERVAL": 5,
                "BUNDLE_REFRESH_CHECK_INTERVAL": 2,
                "DAG_BUNDLE_STORAGE_PATH": home / "bundles",
                "PRINT_STATS_INTERVAL": 0,
            },
        }
        if bundles is not None:
            options["DAG_PROCESSOR"]["DAG_BUNDLE_CONFIG_LIST"] = json.dumps(list(bundles))
        flat = {f"AIRFLOW__{s}__{key}": str(value) for s, given in options.items() for key, value in given.items()}
        return {**flat, "AIRFLOW_HOME": str(home)}


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _inherited() -> dict[str, str]:
    """The caller's environment without any Airflow of its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "_AIRFLOW"))}


def _quoted(part: str) -> str:
    return urllib.parse.quote(part, safe="~")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _migrated_database() -> Path:
    """Return a migrated, empty SQLite file of the installed Airflow version; made on first use, about 12 s."""
    cache = Path.home() / ".cache" / "airflow-agentic"
    ready = cache / f"airflow-{version('apache-airflow-core')}.db"
    if not ready.exists():
        home = cache / f"making-{os.getpid()}"
        home.mkdir(parents=True)
        (home / "airflow.cfg").touch()
        env = {
            **_inherited(),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        }
        try:
            arguments = [sys.executable, "-m", "airflow", "db", "migrate"]
            made = subprocess.run(arguments, env=env, capture_output=True, text=True, timeout=300, check=False)
            if made.returncode != 0:
                raise StackError(f"Migrating a database failed:\n{made.stdout[-2000:]}\n{made.stderr[-2000:]}")
            os.replace(home / "airflow.db", ready)
        finally:
            shutil.rmtree(home, ignore_errors=True)
    return ready


def _end_groups(processes: Sequence[subprocess.Popen[bytes]], grace_s: float) -> None:
    for process in processes:
        _signal_group(process, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _pids_with(setting: str) -> list[int]:
    """Return our processes with that setting in their environment (Linux; elsewhere the groups have to do)."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if setting.encode() in (folder / "environ").read_bytes().split(b"\0") and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return found
