"""Airflow's registered values, in our search."""

from __future__ import annotations

import base64

import pytest
from airflow.sdk._shared.secrets_masker.secrets_masker import _secrets_masker

from airflow_agentic.airflow_masker import masked, registered_values
from airflow_agentic.guardrails.redact import SpanRedactor


@pytest.fixture
def _registered():
    masker = _secrets_masker()
    before = (set(masker.patterns), masker.replacer)
    masker.add_mask("gr.een (tea) 7")
    yield
    masker.patterns, masker.replacer = before


@pytest.mark.usefixtures("_registered")
def test_what_airflow_registered_is_found_in_base64_too():
    redactor = SpanRedactor(registered_values, masker=masked)
    encoded = base64.b64encode(b"user:gr.een (tea) 7").decode()
    assert encoded not in redactor.redact(f"a {encoded} b")
    assert "tea" not in redactor.redact("a gr.een (tea) 7 b")
