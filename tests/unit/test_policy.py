"""``agentic_policy.yaml``: what is refused, which rule holds, and that it never widens the connection."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

import airflow_agentic.policy
from airflow_agentic.errors import SettingsError
from airflow_agentic.policy.policy import Policy
from airflow_agentic.policy.read import PolicyOnDisk, parse_policy, read_policy
from airflow_agentic.policy.terms import ActionClass, PolicyFile, Window
from airflow_agentic.scope import Scope, TrustLevel

BASE = Scope(trust_level="propose", max_files=5, max_lines=200, usd_per_day=10, accept=("wide_token",))


def policy(text):
    return parse_policy(f"version: 1\n{text}".encode(), name="agentic_policy.yaml")


def for_dag(said, dag_id="orders", tags=(), owners=(), base=BASE):
    return said.mandate_for(dag_id, tags, owners, base)


def test_the_schema_in_the_wheel_is_that_of_the_models():
    shipped = Path(airflow_agentic.policy.__file__).with_name("schema.json").read_text(encoding="utf-8")
    assert json.loads(shipped) == PolicyFile.model_json_schema(), (
        "run: python -m airflow_agentic.policy > .../schema.json"
    )


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("defaults:\n  trust_levl: propose\n", 3, "'defaults.trust_levl' is no key of a policy; allowed here: accept,"),
        ("rules:\n- name: a\n  match: {dags: [x]}\n  trust_level: all\n", 5, "'observe', 'diagnose', 'propose'"),
        ("rules:\n- name: a\n  match: {dag: [x]}\n", 4, "allowed here: dags, owners, tags"),
        ("rules:\n- name: a\n  match: {}\n", 4, "give dags, tags or owners"),
        ("defaults:\n  max_lines: 0\n", 3, "greater than or equal to 1"),
        ("defaults:\n  needs_person:\n  - {response: drop_everything}\n", 4, "'schema_change'"),
        ("defaults:\n  needs_person:\n  - {response: clear, trigger: moon}\n", 4, "'moon' is no trigger"),
        ("defaults:\n  protected_paths: ['/etc']\n", 3, "no glob inside the repository"),
        ("defaults:\n  accept: [everything]\n", 3, "['everything'] unknown"),
        (
            "defaults:\n  maintenance:\n  - {why: x, zone: Mars/Base, cron: '0 1 * * *', minutes: 9}\n",
            4,
            "no time zone",
        ),
        ("defaults:\n  maintenance:\n  - {why: x, zone: UTC, cron: '0 1 * *', minutes: 9}\n", 4, "five fields"),
        ("defaults:\n  maintenance:\n  - {why: x, zone: UTC, start: 2026-01-02 00:00}\n", 4, "either start and end"),
        ("limits: {circuit_failures: 0}\n", 2, "greater than or equal to 1"),
        ("limits: {circuit_failures: 1000}\n", 2, "less than or equal to 20"),
        ("limits: {circuit_open_s: 0}\n", 2, "greater than or equal to 10"),
        ("limits: {circuit_open_s: 999999}\n", 2, "less than or equal to 86400"),
        ("limits: {circuit_open_s: soon}\n", 2, "valid integer"),
        ("limits: {open_s: 60}\n", 2, "allowed here: circuit_failures, circuit_open_s"),
        ("rules: [{name: a, match: {dags: [x]}, circuit_failures: 9}]\n", 2, "is no key of a policy"),
        ("kill_switch: false\nkill_switch: true\n", 3, "the key 'kill_switch' comes twice"),
        ("defaults: &all {max_files: 1}\nrules: [{name: a, match: {dags: [x]}, <<: *all}]\n", 2, "anchors and aliases"),
        ("rules: [\n", 3, "expected the node content"),
        ("rules: [{name: a, match: {dags: [x]}}, {name: a, match: {dags: [y]}}]\n", 1, "given more than once: a"),
    ],
    ids=lambda value: value.split(":")[0][:30] if isinstance(value, str) else str(value),
)
def test_what_a_policy_does_not_know_is_refused_with_its_line(text, line, said):
    with pytest.raises(SettingsError) as refused:
        policy(text)
    assert f"line {line}" in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize("raw", [b"", b"- 1\n", b"version: 2\n", b"\xff\xfe", b"version: 1\n" + b"#" * 300_000])
def test_a_file_that_is_no_policy_is_refused(raw):
    with pytest.raises(SettingsError):
        parse_policy(raw, name="p")


def test_a_policy_that_is_configured_and_missing_stops_everything(tmp_path):
    with pytest.raises(SettingsError, match="every worker"):
        read_policy(str(tmp_path / "gone.yaml"))


def test_without_a_policy_the_connection_holds():
    mandate = for_dag(Policy())
    kept = mandate.scope.model_dump(exclude={"protected_paths"})
    assert kept == BASE.model_dump(exclude={"protected_paths"})
    assert not mandate.asks(ActionClass.CLEAR)


def test_the_first_rule_that_matches_holds_and_the_rest_comes_from_the_defaults():
    said = policy(
        "defaults: {max_files: 3, max_lines: 50}\n"
        "rules:\n"
        "- {name: money, match: {tags: ['fin*'], owners: [treasury]}, trust_level: diagnose, max_lines: 10}\n"
        "- {name: orders, match: {dags: ['orders*']}, trust_level: observe}\n"
    )
    money = for_dag(said, "orders_eu", tags=["finance"], owners=["treasury", "x"])
    assert (money.rule, money.scope.trust_level, money.scope.max_files, money.scope.max_lines) == (
        "money", TrustLevel.DIAGNOSE, 3, 10,
    )  # fmt: skip
    assert for_dag(said, "orders_eu", tags=["finance"]).rule == "orders"
    assert for_dag(said, "stock").rule == "defaults"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("defaults: {trust_level: propose_ready}", "trust_level"),
        ("defaults: {max_files: 99}", "max_files"),
        ("defaults: {max_lines: 4000}", "max_lines"),
        ("defaults: {usd_per_day: 9999}", "usd_per_day"),
        ("defaults: {usd_per_incident: 999}", "usd_per_incident"),
        ("defaults: {may_clear: true}", "may_clear"),
        ("defaults: {accept: [wide_token, unprotected_base_branch]}", "accept"),
    ],
)
def test_a_policy_never_widens_the_connection(text, field):
    assert getattr(for_dag(policy(text)).scope, field) == getattr(BASE, field)


def test_both_sets_of_allowed_paths_hold_when_both_are_given():
    mandate = for_dag(policy("defaults: {allowed_paths: ['**']}"), base=Scope(allowed_paths=("dags/**",)))
    assert mandate.scope.allowed_paths == ("dags/**",)
    assert mandate.also_within == ("**",)


def test_a_path_that_the_policy_protects_needs_a_person_and_without_such_a_chain_nobody_can_let_it_through():
    asked = for_dag(policy("defaults: {protected_paths: ['sql/**']}"))
    assert asked.asked_paths == ("sql/**",)
    shut = for_dag(policy("defaults: {protected_paths: ['sql/**'], needs_person: []}"))
    assert shut.asked_paths == ()
    assert "sql/**" in shut.scope.protected_paths


def test_the_policy_and_its_lock_are_protected_wherever_they_lie():
    paths = for_dag(Policy(), base=Scope(protected_paths=())).scope.protected_paths
    assert {"**/agentic_policy.yaml", "**/agentic_permissions.lock"} <= set(paths)


def test_with_a_policy_every_action_class_needs_a_person_unless_it_names_the_chains():
    assert all(for_dag(policy("")).asks(response) for response in ActionClass)
    named = for_dag(policy("defaults: {needs_person: [{trigger: schema_drift, response: schema_change}]}"))
    assert named.asks(ActionClass.SCHEMA_CHANGE, "schema_drift", "task_callback")
    assert not named.asks(ActionClass.SCHEMA_CHANGE, "code_error")
    assert not named.asks(ActionClass.CLEAR, "schema_drift")


def test_a_kill_switch_for_all_cannot_be_opened_by_a_rule():
    said = policy("defaults: {kill_switch: true}\nrules: [{name: a, match: {dags: [orders]}, kill_switch: false}]")
    assert for_dag(said).killed
    assert for_dag(policy("kill_switch: true")).killed
    assert not for_dag(policy("")).killed


@pytest.mark.parametrize(
    ("now", "open_"),
    [
        ("2026-03-28T21:59:59+00:00", True),
        ("2026-03-28T20:59:59+00:00", False),
        ("2026-03-28T21:00:00+00:00", True),
        ("2026-03-28T22:59:59+00:00", True),
        ("2026-03-28T23:00:00+00:00", False),
        ("2026-03-29T21:00:00+00:00", False),
    ],
)
def test_a_weekly_window_opens_and_closes_on_the_clock_of_its_zone(now, open_):
    window = Window(why="deploy", zone="Europe/Berlin", cron="0 22 * * 6", minutes=120)
    assert bool(window.open_until(datetime.fromisoformat(now))) is open_


def test_a_dated_window_closes_at_its_end_and_the_latest_end_of_several_holds():
    said = for_dag(
        policy(
            "defaults:\n  maintenance:\n"
            "  - {why: move, zone: UTC, start: 2026-05-01 00:00:00, end: 2026-05-01 06:00:00}\n"
            "  - {why: audit, zone: UTC, start: 2026-05-01 01:00:00, end: 2026-05-01 02:00:00}\n"
        )
    )
    closed = said.closed_until(datetime(2026, 5, 1, 1, 30, tzinfo=timezone.utc))
    assert closed == (datetime(2026, 5, 1, 6, tzinfo=timezone.utc), "move")
    assert said.closed_until(datetime(2026, 5, 1, 6, tzinfo=timezone.utc)) is None


def test_a_policy_that_changes_on_disk_is_read_again(tmp_path):
    path = tmp_path / "agentic_policy.yaml"
    path.write_text("version: 1\n")
    disk = PolicyOnDisk(str(path))
    before = disk.current()
    path.write_text("version: 1\nkill_switch: true\n")
    assert not before.file.kill_switch
    assert disk.current().file.kill_switch
    path.unlink()
    with pytest.raises(SettingsError):
        disk.current()
