"""Marquez, read at triage time → a `LineageReader` of the failing tasks' surroundings.

Marquez answers with the graph of current job versions, runs with their facets, and versions of data sets. They are put
back into the form of events, so that the one set of questions answers from them as it does from our store. What it
does not keep is not known here: statements of earlier runs, and jobs that left the graph.
Its ids hold colons and addresses: names are taken from the data, never from the id.

Source: MarquezProject/marquez spec/openapi.yml of 2025-03-27; not tried against a live server.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_agentic.errors import SourceUnavailable
from airflow_agentic.lineage.scratch import reading_of
from airflow_agentic.ports import LineageReader

if TYPE_CHECKING:
    import httpx

PRODUCER = "marquez"
DEPTH, MAX_TASKS, MAX_JOBS, MAX_DATASETS, RUNS, VERSIONS = 5, 10, 60, 60, 10, 10
SEARCHED, MAX_NAMESPACES = 50, 20
MOST_BYTES = 50_000_000
_LONG_AGO = "2000-01-02T00:00:00+00:00"
_STATES = {"COMPLETED": "COMPLETE", "FAILED": "FAIL", "ABORTED": "ABORT", "RUNNING": "RUNNING"}
_JOB, _DATASET = "JOB", "DATASET"
_Name = tuple[str, str]


class Marquez:
    """One Marquez.

    :param base_url: of its API server, without ``/api/v1``.
    :param api_key: sent as a bearer token; empty: none.
    :param timeout_s: for connecting and for each answer.
    :param total_s: for all answers together; what was not read by then is said and left out.
    :param transport: another transport for httpx, such as a recorded one.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str = "",
        *,
        timeout_s: float = 10.0,
        total_s: float = 60.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/").removesuffix("/api/v1")
        self._api_key = api_key
        self._timeout_s = timeout_s
        self._total_s = total_s
        self._transport = transport

    def check(self) -> str:
        """Say what Marquez holds. :raises SourceUnavailable: it does not answer."""
        with self._open() as client:
            found = _listed(_Api(client, self.base_url).get("/namespaces", limit=100), "namespaces")
        names = [str(one.get("name")) for one in found]
        return f"{len(names)} namespace(s): {', '.join(names[:5])}"

    @contextmanager
    def reading(self, tasks: Sequence[tuple[str, str]], notes: list[str]) -> Iterator[LineageReader]:
        """Give a reader of what lies around tasks.

        :param tasks: Dag and task ids.
        :param notes: is told what was left out.
        :raises SourceUnavailable: Marquez does not answer.
        """
        with self._open() as client:
            until = time.monotonic() + self._total_s
            events = _Around(_Api(client, self.base_url, until=until), notes).events(tasks)
        with reading_of(events, notes) as reader:
            yield reader

    def _open(self) -> httpx.Client:
        import httpx

        headers = {"Authorization": f"Bearer {self._api_key}"} if self._api_key else {}
        return httpx.Client(base_url=self.base_url, headers=headers, timeout=self._timeout_s, transport=self._transport)


class _Api:
    """GETs below ``/api/v1``."""

    def __init__(self, client: httpx.Client, shown: str, *, until: float = math.inf) -> None:
        self._client = client
        self._shown = shown
        self._until = until

    def get(self, path: str, **parameters: str | int) -> dict[str, Any]:
        """Return an answer's object; empty for 404. :raises SourceUnavailable: no such answer, or no time is left."""
        import httpx

        if time.monotonic() > self._until:
            raise self._unavailable(path, "the time for all answers together is over")
        try:
            with self._client.stream("GET", f"/api/v1{path}", params=parameters) as answer:
                body = self._body(path, answer)
            if answer.status_code == 404:
                return {}
            if answer.status_code != 200:
                raise self._unavailable(path, f"HTTP {answer.status_code}, {body[:200].decode('utf-8', 'replace')!r}")
            found = json.loads(body)
        except httpx.HTTPError as error:
            raise self._unavailable(path, f"{type(error).__name__}: {error}") from error
        except (ValueError, RecursionError) as error:
            raise self._unavailable(path, "the answer is no JSON that can be read") from error
        return found if isinstance(found, dict) else {}

    def _body(self, path: str, answer: httpx.Response) -> bytes:
        """Return a body that is not larger, and does not take longer, than it may: a drop a second never times out."""
        parts, size = [], 0
        for part in answer.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                raise self._unavailable(path, f"the answer has more than {MOST_BYTES} bytes")
            if time.monotonic() > self._until:
                raise self._unavailable(path, "the time for all answers together is over")
        return b"".join(parts)

    def _unavailable(self, path: str, what: str) -> SourceUnavailable:
        return SourceUnavailable(
            f"Reading {path!r} from Marquez at {self._shown!r} failed: {what}. Check the http connection that "
            "marquez_conn_id of the agentic connection names: host, port, and the API key as its password."
        )


class _Around:
    """Collects what lies around tasks, as events."""

    def __init__(self, api: _Api, notes: list[str]) -> None:
        self._api = api
        self._notes = notes
        self._versions: dict[_Name, dict[str, Mapping[str, Any]]] = {}
        self._runs: set[str] = set()
        self._refused = 0

    def events(self, tasks: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        graph: dict[str, Mapping[str, Any]] = {}
        start = [node for task in tasks[:MAX_TASKS] for node in self._jobs_called(".".join(task))]
        for node_id in start:
            for node in _listed(self._api.get("/lineage", nodeId=node_id, depth=DEPTH), "graph"):
                graph[str(node.get("id"))] = node
        near = _nearest(graph, start)
        jobs = [graph[key] for key in near if graph[key].get("type") == _JOB]
        datasets = [graph[key] for key in near if graph[key].get("type") == _DATASET]
        for kind, nodes, most in (("jobs", jobs, MAX_JOBS), ("data sets", datasets, MAX_DATASETS)):
            if len(nodes) > most:
                self._notes.append(f"of {len(nodes)} {kind} around the failing tasks the nearest {most} were read")
        for node in datasets[:MAX_DATASETS]:
            self._read_versions(*_name(_data(node)))
        found = [event for node in jobs[:MAX_JOBS] for event in self._of_job(_data(node))]
        if self._refused > 1:
            self._notes.append(f"{self._refused - 1} more answers of Marquez could not be had")
        return [*found, *self._other_versions()]

    def _jobs_called(self, name: str) -> list[str]:
        """Return the node ids of jobs of exactly that name, in whatever namespace.

        Where many names hold this one the search may not reach it: then each namespace is asked for it.
        """
        found = _listed(self._api.get("/search", q=name, limit=SEARCHED), "results")
        ids = [str(r["nodeId"]) for r in found if r.get("type") == _JOB and r.get("name") == name and r.get("nodeId")]
        if ids or len(found) < SEARCHED:
            return ids
        known = [str(one.get("name")) for one in _listed(self._part("/namespaces", limit=100), "namespaces")]
        spaces = [space for space in known if "://" not in space][:MAX_NAMESPACES]  # those of data are addresses
        return [f"job:{space}:{name}" for space in spaces if self._part(f"/namespaces/{_id(space)}/jobs/{_id(name)}")]

    def _part(self, path: str, **parameters: str | int) -> dict[str, Any]:
        """Return an answer that the rest can do without: what is not to be had is said, and the rest is used."""
        try:
            return self._api.get(path, **parameters)
        except SourceUnavailable as error:
            self._refused += 1
            if self._refused == 1:
                self._notes.append(f"a part is missing: {error}")
            return {}

    def _read_versions(self, namespace: str, name: str) -> None:
        path = f"/namespaces/{_id(namespace)}/datasets/{_id(name)}/versions"
        versions = _listed(self._part(path, limit=VERSIONS), "versions")
        self._versions[namespace, name] = {str(v.get("version")): v for v in versions}

    def _other_versions(self) -> Iterator[dict[str, Any]]:
        """Yield the versions that no run which was read has made; those tell of theirs."""
        for (namespace, name), versions in self._versions.items():
            for version in versions.values():
                if str(_object(version, "createdByRun").get("id")) not in self._runs:
                    yield {
                        "eventTime": version.get("createdAt"),
                        "producer": PRODUCER,
                        "dataset": {"namespace": namespace, "name": name, "facets": _dataset_facets(version)},
                    }

    def _of_job(self, data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        namespace, name = _name(data)
        path = f"/namespaces/{_id(namespace)}/jobs/{_id(name)}"
        job = {"namespace": namespace, "name": name, "facets": _object(self._part(path), "facets")}
        # The graph's own edges: of the job's current version, whether a run told of them or not.
        yield {
            "eventTime": _LONG_AGO,
            "producer": PRODUCER,
            "job": job,
            "inputs": [_bare(d) for d in _listed(data, "inputs")],
            "outputs": [_bare(d) for d in _listed(data, "outputs")],
        }
        for run in _listed(self._part(f"{path}/runs", limit=RUNS), "runs"):
            yield from self._of_run(job, run)

    def _of_run(self, job: Mapping[str, Any], run: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        said = {"runId": run.get("id"), "facets": _object(run, "facets")}
        self._runs.add(str(run.get("id")))
        state = _STATES.get(str(run.get("state")), "OTHER")
        common = {
            "producer": PRODUCER,
            "run": said,
            "job": job,
            "inputs": [self._used(d) for d in _listed(run, "inputDatasetVersions")],
            "outputs": [self._used(d) for d in _listed(run, "outputDatasetVersions")],
        }
        if run.get("startedAt"):
            yield {"eventType": "START", "eventTime": run["startedAt"], **common}
        at = run.get("endedAt") or run.get("updatedAt") or run.get("createdAt")
        if state != "OTHER" or not run.get("startedAt"):
            yield {"eventType": state, "eventTime": at, **common}

    def _used(self, dataset: Mapping[str, Any]) -> dict[str, Any]:
        """Return a data set as a run has used it, with the schema of that version where it was read."""
        named = _object(dataset, "datasetVersionId")
        namespace, name = str(named.get("namespace") or ""), str(named.get("name") or "")
        version = self._versions.get((namespace, name), {}).get(str(named.get("version")), {})
        facets = {**_object(dataset, "facets"), **_dataset_facets(version)}
        return {"namespace": namespace, "name": name, "facets": facets}


def _nearest(graph: Mapping[str, Mapping[str, Any]], start: Iterable[str]) -> list[str]:
    """Return the nodes of the graph, the nearest to the start first."""
    near = list(dict.fromkeys(key for key in start if key in graph))
    known = set(near)
    for key in near:  # it grows while it is walked
        for edge in (*_listed(graph[key], "inEdges"), *_listed(graph[key], "outEdges")):
            for end in (str(edge.get("origin")), str(edge.get("destination"))):
                if end in graph and end not in known:
                    known.add(end)
                    near.append(end)
    return near


def _dataset_facets(version: Mapping[str, Any]) -> dict[str, Any]:
    """Return a version's facets; its fields are the schema where that facet is not kept."""
    facets = dict(_object(version, "facets"))
    fields = [
        {"name": f.get("name"), "type": "" if f.get("type") in (None, "UNKNOWN") else f["type"]}
        for f in _listed(version, "fields")
    ]
    if fields and not _object(facets, "schema"):
        facets["schema"] = {"fields": fields}
    return facets


def _bare(dataset: Mapping[str, Any]) -> dict[str, Any]:
    return {"namespace": dataset.get("namespace"), "name": dataset.get("name")}


def _name(data: Mapping[str, Any]) -> _Name:
    named = _object(data, "id") or data
    return str(named.get("namespace") or ""), str(named.get("name") or "")


def _data(node: Mapping[str, Any]) -> Mapping[str, Any]:
    return _object(node, "data")


def _object(thing: object, key: str) -> Mapping[str, Any]:
    found = thing.get(key) if isinstance(thing, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _listed(thing: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = thing.get(key)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _id(text: str) -> str:
    """Encode everything: namespaces are addresses."""
    return quote(text, safe="")
