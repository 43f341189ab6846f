"""Airflow's REST API v2, read with a viewer's account. The one place that knows its paths and shapes.

Measured on 3.3.2 (AIRFLOW_FACTS A5): the JSON form of a log is always the whole log in one piece, so logs are
streamed as ndjson; a run's ``clear_number`` is not told; the token of a task does not open this API.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_agentic.errors import IncidentNotFound, SourceUnavailable
from airflow_agentic.records import DagRecord, DagRunRecord, TaskKey, TaskNode, TaskRun

if TYPE_CHECKING:
    import httpx

PAGE = 100
TASKS_LIMIT = 2_000
"""Task instances read of one run; a run with more is told of by these."""
LOG_LINE_LIMIT = 1 << 20
"""Longer lines are cut, so that a line without an end cannot fill the memory."""


class AirflowApi:
    """An `AirflowReader` over HTTP.

    :param base_url: of the api-server, with its path if it has one; without ``/api/v2``.
    :param username: of an account with the role viewer.
    :param timeout_s: for connecting and for each answer; a log may pause for six times as long.
    :param transport: another transport for httpx, such as a recorded one.
    """

    def __init__(
        self,
        base_url: str,
        username: str,
        password: str,
        *,
        timeout_s: float = 10.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/").removesuffix("/api/v2")
        self.username = username
        self._password = password
        self.timeout_s = timeout_s
        self._transport = transport
        self._client: httpx.Client | None = None
        self._token: str | None = None

    def dag(self, dag_id: str) -> DagRecord:
        """Return the Dag's metadata. :raises IncidentNotFound: there is no such Dag."""
        found = self._get(f"/dags/{_id(dag_id)}/details")
        return DagRecord(
            dag_id=dag_id,
            relative_fileloc=found.get("relative_fileloc"),
            fileloc=found.get("fileloc"),
            bundle_name=found.get("bundle_name"),
            bundle_version=found.get("bundle_version"),
            owners=tuple(found.get("owners") or ()),
            tags=tuple(str(t.get("name")) if isinstance(t, dict) else str(t) for t in found.get("tags") or ()),
            is_paused=bool(found.get("is_paused")),
            is_stale=bool(found.get("is_stale")),
        )

    def dag_run(self, dag_id: str, run_id: str) -> DagRunRecord:
        """Return one run. :raises IncidentNotFound: there is no such run."""
        return _run(self._get(f"/dags/{_id(dag_id)}/dagRuns/{_id(run_id)}"))

    def recent_runs(self, dag_id: str, *, limit: int = 10) -> tuple[DagRunRecord, ...]:
        """Return the newest runs first, at most 100."""
        found = self._get(f"/dags/{_id(dag_id)}/dagRuns", limit=min(limit, PAGE), order_by="-run_after")
        return tuple(_run(item) for item in found.get("dag_runs") or ())

    def runs_beside(self, run: DagRunRecord) -> tuple[DagRunRecord, ...]:
        """Return the runs whose asset events started *run*; none for a run that no asset started."""
        found = self._get(f"/dags/{_id(run.dag_id)}/dagRuns/{_id(run.run_id)}/upstreamAssetEvents")
        keys = {(e.get("source_dag_id"), e.get("source_run_id")) for e in found.get("asset_events") or ()}
        return tuple(self.dag_run(str(d), str(r)) for d, r in sorted(k for k in keys if all(k))[:10])

    def task_instances(self, dag_id: str, run_id: str) -> tuple[TaskRun, ...]:
        """Return the run's task instances, rendered fields included, at most 2,000."""
        path = f"/dags/{_id(dag_id)}/dagRuns/{_id(run_id)}/taskInstances"
        tasks: list[TaskRun] = []
        while len(tasks) < TASKS_LIMIT:
            found = self._get(path, limit=PAGE, offset=len(tasks), order_by="id")
            page = found.get("task_instances") or ()
            tasks += [_task(item) for item in page]
            if len(page) < PAGE:
                break
        return tuple(tasks)

    def task_history(self, dag_id: str, task_id: str, *, limit: int = 10) -> tuple[TaskRun, ...]:
        """Return a task's instances over all runs, newest first."""
        found = self._get(
            f"/dags/{_id(dag_id)}/dagRuns/~/taskInstances",
            task_id=task_id,
            limit=min(limit, PAGE),
            order_by="-run_after",
        )
        return tuple(_task(item) for item in found.get("task_instances") or () if item.get("task_id") == task_id)

    def graph(self, dag_id: str) -> tuple[TaskNode, ...]:
        """Return the tasks of the Dag's newest version; the API tells downstream only, upstream is worked out."""
        found = self._get(f"/dags/{_id(dag_id)}/tasks")
        tasks = [t for t in found.get("tasks") or () if t.get("task_id")]
        upstream: dict[str, list[str]] = {}
        for task in tasks:
            for below in task.get("downstream_task_ids") or ():
                upstream.setdefault(below, []).append(task["task_id"])
        return tuple(
            TaskNode(
                task_id=t["task_id"],
                operator=_operator(t),
                upstream=tuple(sorted(upstream.get(t["task_id"], ()))),
                downstream=tuple(sorted(t.get("downstream_task_ids") or ())),
                trigger_rule=str(t.get("trigger_rule") or "all_success"),
            )
            for t in tasks
        )

    def read(self, path: str, **parameters: str | int) -> dict[str, Any]:
        """Return the JSON object below ``/api/v2``; for readers of what this port has no method for.

        :raises SourceUnavailable: Airflow does not answer. :raises IncidentNotFound: it does not exist.
        """
        return self._get(path, **parameters)

    def log(self, key: TaskKey) -> Iterator[bytes]:
        """Stream one try's log line by line; the connection is closed when the caller stops early.

        :raises SourceUnavailable: at the first line or in the middle, when Airflow stops answering.
        :raises IncidentNotFound: there is no such try.
        """
        path = (
            f"/dags/{_id(key.dag_id)}/dagRuns/{_id(key.run_id)}/taskInstances/{_id(key.task_id)}/logs/{key.try_number}"
        )
        with self._answer(path, {"map_index": key.map_index}, accept="application/x-ndjson") as answer:
            yield from self._split(path, answer)

    def _split(self, path: str, answer: httpx.Response) -> Iterator[bytes]:
        import httpx

        rest = b""
        try:
            for chunk in answer.iter_bytes():
                lines = (rest + chunk).split(b"\n")
                rest = lines.pop()[:LOG_LINE_LIMIT]
                yield from (line for line in lines if line)
        except httpx.HTTPError as error:
            raise self._unavailable(path, f"the stream broke off: {_said(error)}") from error
        if rest:
            yield rest

    def _get(self, path: str, **parameters: str | int) -> dict[str, Any]:
        with self._answer(path, parameters, accept="application/json") as answer:
            body = answer.read()
        try:
            found = json.loads(body)
        except ValueError as error:
            raise self._unavailable(path, f"no JSON but {body[:80]!r}: is this the api-server?") from error
        return found if isinstance(found, dict) else {}

    @contextmanager
    def _answer(self, path: str, parameters: Mapping[str, str | int], *, accept: str) -> Iterator[httpx.Response]:
        """Send one GET, with a new token if the old one has run out; the body is not read yet."""
        import httpx

        try:
            answer = self._send(path, parameters, accept)
            if answer.status_code == 401:
                answer.close()
                self._token = None
                answer = self._send(path, parameters, accept)
        except httpx.HTTPError as error:
            raise self._unavailable(path, _said(error)) from error
        try:
            self._check(path, answer)
            yield answer
        except httpx.HTTPError as error:
            raise self._unavailable(path, _said(error)) from error
        finally:
            answer.close()

    def _send(self, path: str, parameters: Mapping[str, str | int], accept: str) -> httpx.Response:
        client = self._open()
        headers = {"Accept": accept, "Authorization": f"Bearer {self._token or self._log_in()}"}
        timeout = self.timeout_s * (6 if "ndjson" in accept else 1)
        request = client.build_request(
            "GET", f"{self.base_url}/api/v2{path}", params=dict(parameters), headers=headers, timeout=timeout
        )
        return client.send(request, stream=True)

    def _log_in(self) -> str:
        answer = self._open().post(
            f"{self.base_url}/auth/token", json={"username": self.username, "password": self._password}
        )
        if answer.status_code in {401, 403}:
            raise SourceUnavailable(
                f"Logging in to Airflow at {self.base_url!r} as {self.username!r} failed: HTTP {answer.status_code}. "
                "Set login and password of the Airflow API connection to an account with the role viewer."
            )
        try:
            token = answer.json().get("access_token")
        except (ValueError, AttributeError):
            token = None
        if not token:
            raise self._unavailable("/auth/token", f"HTTP {answer.status_code} without a token")
        self._token = str(token)
        return self._token

    def _check(self, path: str, answer: httpx.Response) -> None:
        status = answer.status_code
        if status < 400:
            return
        if status == 404:
            raise IncidentNotFound(
                f"Reading {path!r} from Airflow at {self.base_url!r} failed: HTTP 404, it does not exist (any more)."
            )
        if status in {401, 403}:
            raise SourceUnavailable(
                f"Reading {path!r} from Airflow at {self.base_url!r} as {self.username!r} failed: HTTP {status}. "
                "Give the account of the Airflow API connection the role viewer for this Dag: runs, tasks and logs."
            )
        raise self._unavailable(path, f"HTTP {status}")

    def _unavailable(self, path: str, what: str) -> SourceUnavailable:
        return SourceUnavailable(
            f"Reading {path!r} from Airflow at {self.base_url!r} failed: {what}. "
            "Check that the api-server runs and that the Airflow API connection names its host and port."
        )

    def _open(self) -> httpx.Client:
        """Build the client on first use: httpx costs an Airflow process its import only when it reads.

        No connection is kept alive, so that a reader needs no closing: nobody in the pipeline owns it.
        """
        if self._client is None:
            import httpx

            self._client = httpx.Client(
                timeout=self.timeout_s,
                transport=self._transport,
                follow_redirects=False,
                limits=httpx.Limits(max_keepalive_connections=0),
            )
        return self._client


def _id(text: str) -> str:
    """Encode everything: run ids hold ``+`` and ``:``, group tasks hold dots, and a slash must not leave its place."""
    return quote(text, safe="")


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _run(item: dict[str, Any]) -> DagRunRecord:
    start, end = _time(item.get("data_interval_start")), _time(item.get("data_interval_end"))
    number = item.get("clear_number")
    return DagRunRecord(
        dag_id=str(item.get("dag_id")),
        run_id=str(item.get("dag_run_id")),
        state=str(item.get("state")),
        logical_date=_time(item.get("logical_date")),
        clear_number=number if isinstance(number, int) else None,
        run_after=_time(item.get("run_after")),
        started_at=_time(item.get("start_date")),
        ended_at=_time(item.get("end_date")),
        data_interval=(start, end) if start and end else None,
        bundle_version=item.get("bundle_version"),
        partition_key=item.get("partition_key"),
        conf=json.dumps(item.get("conf") or {}),
    )


def _task(item: dict[str, Any]) -> TaskRun:
    index, number = item.get("map_index"), item.get("try_number")
    fields = item.get("rendered_fields")
    rendered = {k: v for k, v in fields.items() if v not in (None, "", [], {})} if isinstance(fields, dict) else {}
    return TaskRun(
        key=TaskKey(
            dag_id=str(item.get("dag_id")),
            run_id=str(item.get("dag_run_id")),
            task_id=str(item.get("task_id")),
            map_index=index if isinstance(index, int) else -1,
            try_number=max(1, number) if isinstance(number, int) else 1,
        ),
        state=str(item.get("state") or "none"),
        started_at=_time(item.get("start_date")),
        duration_s=item.get("duration"),
        logical_date=_time(item.get("logical_date")),
        rendered=tuple((k, v if isinstance(v, str) else json.dumps(v)) for k, v in rendered.items()),
    )


def _operator(task: dict[str, Any]) -> str:
    ref = task.get("class_ref")
    if isinstance(ref, dict) and ref.get("class_name"):
        return ".".join(str(part) for part in (ref.get("module_path"), ref["class_name"]) if part)
    return str(task.get("operator_name") or "")


def _time(value: object) -> str | None:
    """Return times as the records have them: UTC with an offset, not ``Z``."""
    return str(value).replace("Z", "+00:00") if value else None
