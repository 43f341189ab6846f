"""``POST /api/v1/lineage``: events from any OpenLineage HTTP transport → the store. Loaded in the api-server only.

Guarded by a key of its own in a header of its own. Airflow applies no authentication to a plugin's app, and with
``simple_auth_manager_all_admins`` it adds a valid token to requests that brought none: its token proves nothing.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from airflow_agentic.errors import BadEvent, StoreError
from airflow_agentic.lineage.header import HEADER
from airflow_agentic.lineage.ingest import LineageIntake, Receipt
from airflow_agentic.lineage.parts import split
from airflow_agentic.lineage.payload import MOST_BYTES, inflate

log = logging.getLogger(__name__)
LEAST_KEY = 16
"""Characters of the key; a shorter one is as good as none."""
_NAME = {"type": "string", "minLength": 1, "maxLength": 8192}
_DATASET = {
    "type": "object",
    "required": ["namespace", "name"],
    "properties": {"namespace": _NAME, "name": _NAME, "facets": {"type": "object"}},
}
_DATASETS = {"type": "array", "items": _DATASET}
_EVENT = {
    "type": "object",
    "required": ["eventTime", "producer"],
    "properties": {
        "eventTime": {"type": "string", "format": "date-time"},
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "producer": {"type": "string"},
        "run": {
            "type": "object",
            "required": ["runId"],
            "properties": {"runId": {"type": "string", "format": "uuid"}, "facets": {"type": "object"}},
        },
        "job": {
            "type": "object",
            "required": ["namespace", "name"],
            "properties": {"namespace": _NAME, "name": _NAME, "facets": {"type": "object"}},
        },
        "dataset": _DATASET,
        "inputs": _DATASETS,
        "outputs": _DATASETS,
    },
}
_REFUSAL = {
    "type": "object",
    "required": ["position", "reason"],
    "properties": {"position": {"type": "integer"}, "reason": {"type": "string"}},
}
_RECEIPT = {
    "type": "object",
    "required": ["taken", "repeated", "refused"],
    "properties": {
        "taken": {"type": "integer"},
        "repeated": {"type": "integer"},
        "refused": {"type": "array", "items": _REFUSAL},
    },
}
_DETAIL = {"type": "object", "required": ["detail"], "properties": {"detail": {"type": "string"}}}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"anyOf": [_EVENT, {"type": "array", "items": _EVENT, "maxItems": 5000}]}}
        },
    },
    "parameters": [{"name": HEADER, "in": "header", "required": True, "schema": {"type": "string"}}],
}
_MEANING = {
    201: "All events are in",
    400: "The body is no JSON, or damaged gzip",
    401: "The key is missing or wrong",
    403: "No key is set: the endpoint is closed",
    413: "More than 5 MB, inflated",
    415: "Not JSON, or an encoding other than gzip",
    422: "Some events are refused, with position and reason; all others are in",
    503: "The store does not answer; send again later",
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": meaning,
        "content": {"application/json": {"schema": _RECEIPT if status in (201, 422) else _DETAIL}},
    }
    for status, meaning in _MEANING.items()
}


def lineage_app(intake: Callable[[], LineageIntake], key: Callable[[], str]) -> FastAPI:
    """Return the app.

    :param intake: gives this process's one intake.
    :param key: gives ``[agentic] lineage_key``, read at each request.
    """
    app = FastAPI(title="Airflow Agentic lineage", docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json")

    @app.post("/api/v1/lineage", status_code=201, responses=_ANSWERS, openapi_extra=_BODY)
    async def take(request: Request) -> JSONResponse:
        """Take one event, or a list of at most 5,000."""
        refused = _refusal(request, key())
        if refused is not None:
            return refused
        try:
            body = await _body(request)
        except _TooLarge:
            return _says(413, f"The body is larger than {MOST_BYTES} bytes: send fewer events at once.")
        return await run_in_threadpool(_take, intake, body, request.headers.get("content-encoding", ""))

    return app


class _TooLarge(Exception):
    """More was sent than is read."""


def _refusal(request: Request, key: str) -> JSONResponse | None:
    if len(key) < LEAST_KEY:
        return _says(
            403,
            f"Lineage is not taken: set [agentic] lineage_key, at least {LEAST_KEY} characters; send it as {HEADER}.",
        )
    if not hmac.compare_digest(request.headers.get(HEADER, "").encode("latin-1", "replace"), key.encode()):
        return _says(401, f"The header {HEADER} must hold the value of [agentic] lineage_key.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in ("application/json", ""):
        return _says(415, "The content type must be application/json.")
    if request.headers.get("content-encoding", "identity").lower() not in ("gzip", "identity", ""):
        return _says(415, "The content encoding must be gzip or none.")
    return None


async def _body(request: Request) -> bytes:
    length = request.headers.get("content-length", "")
    if length.isdigit() and len(length) < 20 and int(length) > MOST_BYTES:
        raise _TooLarge
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            raise _TooLarge
        chunks.append(chunk)
    return b"".join(chunks)


def _take(intake: Callable[[], LineageIntake], body: bytes, encoding: str) -> JSONResponse:
    try:
        if encoding.lower() == "gzip":
            body = inflate(body)
        events = split(body)
    except BadEvent as error:
        return _says(413 if "inflates" in str(error) else 400, f"Nothing was taken: {error}.")
    try:
        receipt = intake().ingest(events)
    except StoreError as error:
        log.error("Lineage events could not be stored: %s", error)  # noqa: TRY400 - the message says it all
        return JSONResponse({"detail": "The store does not answer; send again later."}, 503, {"Retry-After": "10"})
    return JSONResponse(_told(receipt), 422 if receipt.refused else 201)


def _told(receipt: Receipt) -> dict[str, Any]:
    return asdict(receipt)


def _says(status: int, detail: str) -> JSONResponse:
    return JSONResponse({"detail": detail}, status)
