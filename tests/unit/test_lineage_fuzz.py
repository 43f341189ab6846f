"""The ingest endpoint against its own OpenAPI document, by schemathesis: what it says is what it does."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_agentic.lineage.endpoint import lineage_app
from airflow_agentic.lineage.ingest import LineageIntake
from airflow_agentic.store.database import Database

schemathesis = pytest.importorskip(
    "schemathesis", reason="schemathesis is of the test group: uv pip install schemathesis"
)
from schemathesis import GenerationMode  # noqa: E402

# That all is taken which the document allows is not checked: no schema can say that a time lies in the future, or that a
# key stands twice. Nor that all else is refused: a facet of a wrong shape is as if it were absent.
CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_schema_conformance,
]
KEY = "a-key-of-24-characters-x"
URL = "/api/v1/lineage"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('fuzz')}/store.db")
    intake = LineageIntake(database)
    yield lineage_app(lambda: intake, lambda: KEY)
    database.close()


@pytest.mark.e2e
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.name.lower())
def test_every_request_that_the_document_allows_or_forbids_has_an_answer_that_it_names(app: Any, mode: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        operation = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)[URL]["POST"]
    seen: set[int] = set()

    @settings(max_examples=30, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def ask(data: Any) -> None:
        case = data.draw(operation.as_strategy(generation_mode=mode))
        answer = case.call(headers={"X-Agentic-Lineage-Key": KEY})
        seen.add(answer.status_code)
        assert answer.status_code < 500
        case.validate_response(answer, checks=CHECKS)

    ask()
    assert seen
    after = {
        "eventType": "COMPLETE", "eventTime": "2026-11-23T06:00:00Z", "producer": "p",
        "run": {"runId": str(uuid.uuid4())}, "job": {"namespace": "n", "name": "j"},
    }  # fmt: skip
    assert (
        operation.Case(body=after, media_type="application/json")
        .call(headers={"X-Agentic-Lineage-Key": KEY})
        .status_code
        == 201
    )
