from __future__ import annotations

import json
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from airflow_agentic.get_provider_info import get_provider_info
from airflow_agentic.scope import Scope, TrustLevel
from airflow_agentic.settings import Settings, read_settings

INFO = get_provider_info()
FIELDS: dict[str, Any] = INFO["connection-types"][0]["conn-fields"]
OPTIONS: dict[str, Any] = INFO["config"]["agentic"]["options"]


def schema(name: str) -> dict[str, Any]:
    import airflow

    text = (Path(airflow.__path__[0]) / name).read_text()
    return dict(json.loads(text))


def faults(info: dict[str, Any], name: str) -> list[str]:
    return [f"{list(error.path)}: {error.message}" for error in Draft7Validator(schema(name)).iter_errors(info)]


def test_airflows_runtime_schema_accepts_it() -> None:
    assert faults(INFO, "provider_info.schema.json") == []


def test_airflows_strict_schema_of_provider_yaml_accepts_it() -> None:
    of_releases = {"state": "ready", "source-date-epoch": 0}
    assert faults({**INFO, **of_releases}, "provider.yaml.schema.json") == []


def test_the_strict_schema_would_notice_an_unknown_widget_key() -> None:
    broken = json.loads(json.dumps({**INFO, "state": "ready", "source-date-epoch": 0}))
    broken["connection-types"][0]["conn-fields"]["model"]["widget"] = "text"
    assert faults(broken, "provider.yaml.schema.json")


def test_the_form_has_every_field_of_the_scope_and_no_other() -> None:
    assert set(FIELDS) == set(Scope.model_fields)


@pytest.mark.parametrize("name", sorted(Scope.model_fields))
def test_the_forms_default_is_the_scopes(name: str) -> None:
    default = Scope().model_dump(mode="json")[name]
    assert FIELDS[name]["schema"]["default"] == default


def test_a_form_saved_as_it_stands_is_the_default_scope() -> None:
    assert Scope.model_validate({name: field["schema"]["default"] for name, field in FIELDS.items()}) == Scope()


def test_the_forms_trust_levels_are_the_scopes() -> None:
    assert FIELDS["trust_level"]["schema"]["enum"] == [level.value for level in TrustLevel]


LIMITS = [
    "max_files", "max_lines", "usd_per_incident", "usd_per_day", "watch_runs", "deploy_minutes", "reduce_s",
    "max_open_prs", "max_prs_per_hour", "expire_days",
]  # fmt: skip


@pytest.mark.parametrize("name", LIMITS)
def test_the_forms_limits_are_the_scopes(name: str) -> None:
    bounds = {type(rule).__name__: rule for rule in Scope.model_fields[name].metadata}
    assert FIELDS[name]["schema"]["minimum"] == bounds["Ge"].ge
    assert FIELDS[name]["schema"]["maximum"] == bounds["Le"].le


def test_nothing_but_limits_and_choices_must_be_filled_before_the_form_can_be_saved() -> None:
    required = {name for name, field in FIELDS.items() if "null" not in field["schema"]["type"]}
    assert required == {"trust_level", "forge", *LIMITS}


def test_the_section_has_every_setting_and_no_other() -> None:
    assert set(OPTIONS) == set(Settings.__dataclass_fields__)


def test_the_sections_defaults_are_those_that_we_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    settings = read_settings()
    computed = {
        "store_url": f"sqlite:///{tmp_path}/agentic/store.db",
        "spool_dir": f"{tmp_path}/agentic/spool",
        "accept_weaker_isolation": "frozenset()",
        "lineage_key": "",
        "lineage_aliases": "{}",
        "policy_file": "",
        "permissions_lock": "",
    }
    for name, option in OPTIONS.items():
        assert str(getattr(settings, name)) == (option["default"] or computed[name])


def test_the_stores_address_and_the_ingest_key_are_sensitive() -> None:
    assert [name for name, option in OPTIONS.items() if option.get("sensitive")] == ["store_url", "lineage_key"]


def test_airflow_finds_provider_and_plugin_once_the_package_is_installed() -> None:
    provider = [point for point in entry_points(group="apache_airflow_provider") if "airflow_agentic" in point.value]
    plugin = [point for point in entry_points(group="airflow.plugins") if "airflow_agentic" in point.value]
    assert [point.load()()["package-name"] for point in provider] == ["airflow-agentic"]
    assert [point.load().name for point in plugin] == ["agentic"]


def test_airflows_own_providers_manager_knows_connection_type_notifier_and_section() -> None:
    from airflow.providers_manager import ProvidersManager
    from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

    manager = ProvidersManager()
    assert manager.providers["airflow-agentic"].version == INFO["versions"][0]
    assert "agentic" in dict(manager.provider_configs)["airflow-agentic"]
    assert "airflow_agentic.notifications.triage.TriageNotifier" in manager.notification
    assert "agentic" in ProvidersManagerTaskRuntime().hooks
