"""The permission manifest and its lock: nothing widens unnoticed."""

import json
from pathlib import Path

import pytest

from airflow_agentic.errors import SettingsError
from airflow_agentic.guardrails.lock import accept, digest_at, held_back, lock_path, read_lock
from airflow_agentic.guardrails.manifest import Power, manifest, narrower, wider
from airflow_agentic.permissions import diff_offline
from airflow_agentic.policy.policy import Policy
from airflow_agentic.policy.read import parse_policy
from airflow_agentic.scope import Scope
from airflow_agentic.testing.memory import MemoryIncidents, MemoryLedger

BASE = Scope(
    trust_level="propose", repository="/srv/acme.git", allowed_paths=("dags/**",), usd_per_day=5,
    staging_connections={"prod": "stage"}, staging_hosts=("stage:5432",),
)  # fmt: skip
TOOLS = (("read_file", "read"), ("edit_file", "workspace"))
RULES = (
    "rules:\n"
    "- {name: money, match: {tags: [fin]}, trust_level: diagnose, protected_paths: ['sql/**'], max_lines: 10}\n"
    "- {name: rest, match: {dags: ['*']}, max_lines: 50, sample_columns: [a.b]}\n"
)


def policy(text=RULES):
    return parse_policy(f"version: 1\n{text}".encode(), name="p")


def of(said=None, base=BASE, probed=(), tools=TOOLS):
    return manifest(said or policy(), base, tools=tools, probed=probed)


@pytest.fixture
def locked(tmp_path):
    path, incidents, ledger = str(tmp_path / "agentic_permissions.lock"), MemoryIncidents(), MemoryLedger()
    accept(path, of(), incidents, ledger, by="mona", why="first", differences=())
    return path, incidents, ledger


def test_the_same_powers_have_the_same_digest_and_nothing_is_wider():
    assert of().digest() == of().digest()
    assert wider(of(), of()) == ()


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (of(policy(RULES.replace("max_lines: 10", "max_lines: 11"))), "money: max_lines, from 10 to 11"),
        (of(policy(RULES.replace("diagnose", "propose"))), "money: trust level, from 2 to 3"),
        (of(policy(RULES.replace("[a.b]", "[a.b, a.c]"))), "values of a.c are sampled"),
        (of(policy(RULES.replace(", protected_paths: ['sql/**']", ""))), "gone, guard: money: a person before changes of sql/**"),
        (of(policy("rules:\n" + "\n".join(reversed(RULES.splitlines()[1:])))), "gone, guard: rule money is for"),
        (of(policy("rules:\n" + RULES.splitlines()[2])), "gone, guard: rule money is for"),
        (of(policy("defaults: {needs_person: []}\n" + RULES)), "gone, guard: money: a person between * and clear"),
        (of(policy("limits: {circuit_failures: 5}\n" + RULES)), "new, policy: circuit_failures (5)"),
        (of(policy("limits: {circuit_open_s: 60}\n" + RULES)), "new, policy: circuit asked again early (540)"),
        (of(base=BASE.model_copy(update={"usd_per_day": 6.0})), "usd_per_day, from 5 to 6"),
        (of(base=BASE.model_copy(update={"allowed_paths": ()})), "change **"),
        (of(base=BASE.model_copy(update={"protected_paths": ()})), "nobody changes .github/**"),
        (of(base=BASE.model_copy(update={"staging_hosts": ("stage:5432", "prod:5432")})), "workspace reaches prod:5432"),
        (of(base=BASE.model_copy(update={"accept": ("wide_token",)})), "risk accepted: wide_token"),
        (of(base=BASE.model_copy(update={"anthropic_conn_id": "claude"})), "credential anthropic_conn_id claude"),
        (of(base=BASE.model_copy(update={"data_connections": ("warehouse",)})), "shapes of tables through warehouse"),
        (of(base=BASE.model_copy(update={"shown_columns": ("raw.*",)})), "values of raw.* told to the model"),
        (of(base=BASE.model_copy(update={"show_values": True})), "values of changed columns in pull requests"),
        (of(base=BASE.model_copy(update={"staging_remote": "git@h:s.git"})), "write branch agentic-staging of git@h:s.git"),
        (of(base=BASE.model_copy(update={"checks": ("make lint",)})), "run in the workspace: make lint"),
        (of(tools=(*TOOLS, ("shell", "workspace"))), "tools: shell (workspace)"),
        (of(probed=[Power(area="forge", what="permission admin")]), "forge: permission admin"),
        (of(probed=[Power(area="sql:stage", what="unknown: it did not answer")]), "unknown: it did not answer"),
    ],
)  # fmt: skip
def test_whatever_is_wider_than_the_lock_is_named(now, said):
    assert any(said in one for one in wider(now, of())), wider(now, of())


@pytest.mark.parametrize(
    "now",
    [
        of(policy(RULES.replace("max_lines: 10", "max_lines: 9"))),
        of(policy(RULES.replace(", sample_columns: [a.b]", ""))),
        of(base=BASE.model_copy(update={"usd_per_day": 4.0, "staging_hosts": ()})),
        of(tools=TOOLS[:1]),
    ],
)
def test_what_is_narrower_is_no_difference_but_is_shown(now):
    assert wider(now, of()) == ()
    assert narrower(now, of())


def test_accepted_powers_hold_nothing_back(locked):
    path, incidents, ledger = locked
    assert held_back(path, of(), incidents) == ()
    facts = dict(ledger.entries("permissions")[0].facts)
    assert (facts["by"], facts["why"], facts["digest"]) == ("mona", "first", of().digest())
    assert digest_at(path) == of().digest()


def test_a_wider_power_is_held_back_until_a_person_accepts(locked):
    path, incidents, ledger = locked
    now = of(probed=[Power(area="forge", what="permission admin")])
    assert held_back(path, now, incidents) == ("new, forge: permission admin",)
    accept(path, now, incidents, ledger, by="grace", why="needed", differences=())
    assert held_back(path, now, incidents) == ()


def rewritten(path, change):
    said = json.loads(Path(path).read_text())
    change(said)
    with open(path, "w") as file:
        json.dump(said, file)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s["powers"].append(["forge", "permission admin", 1.0]), "edited by hand"),
        (lambda s: s["guards"].pop(), "edited by hand"),
        (lambda s: s.update(repository="/srv/other.git"), "edited by hand"),
        (lambda s: s.update(version=2), "its version is 2"),
        (lambda s: s.pop("accepted"), "not readable"),
        (lambda s: s["powers"].append("x"), "not readable"),
    ],
)
def test_a_lock_that_was_tampered_with_stops_work(locked, change, said):
    path, incidents, _ = locked
    rewritten(path, change)
    assert said in held_back(path, of(), incidents)[0]


def test_a_lock_of_another_repository_stops_work(locked):
    path, incidents, _ = locked
    other = of(base=BASE.model_copy(update={"repository": "/srv/other.git"}))
    assert "is the lock of '/srv/acme.git'" in held_back(path, other, incidents)[0]


def test_a_truncated_or_missing_lock_stops_work(locked, tmp_path):
    path, incidents, _ = locked
    text = Path(path).read_text()
    with open(path, "w") as file:
        file.write(text[: len(text) // 2])
    assert "not readable" in held_back(path, of(), incidents)[0]
    assert "nothing was accepted" in held_back(str(tmp_path / "gone.lock"), of(), incidents)[0]


def test_a_lock_that_this_deployment_never_accepted_stops_work(locked):
    path, _, _ = locked
    assert "not accepted in this deployment" in held_back(path, of(), MemoryIncidents())[0]


def test_without_policy_and_lock_nothing_is_locked():
    assert lock_path("", "") == ""
    assert held_back("", of(Policy()), MemoryIncidents()) == ()
    assert lock_path("", "/opt/dags/agentic_policy.yaml") == "/opt/dags/agentic_permissions.lock"
    assert lock_path("/etc/a.lock", "/opt/p.yaml") == "/etc/a.lock"


def test_the_lock_reads_like_a_list(locked):
    lines = Path(locked[0]).read_text().splitlines()
    assert '    ["tools", "read_file (read)", 1.0]' in "\n".join(lines)
    assert read_lock(locked[0], repository="/srv/acme.git").accepted.by == "mona"


def test_ci_finds_a_wider_policy_from_files_alone(tmp_path):
    from airflow_agentic.rulings import tools

    rules, lock = tmp_path / "agentic_policy.yaml", str(tmp_path / "lock")
    rules.write_text(f"version: 1\n{RULES}")
    scope = BASE.model_dump_json()
    probed = [Power(area="forge", what="permission push")]
    accept(
        lock, of(parse_policy(rules.read_bytes(), name="p"), tools=tools(), probed=probed), MemoryIncidents(),
        MemoryLedger(), by="mona", why="x", differences=(),
    )  # fmt: skip
    assert diff_offline(str(rules), scope, lock) == ()
    rules.write_text(f"version: 1\n{RULES.replace('max_lines: 10', 'max_lines: 99')}")
    assert diff_offline(str(rules), scope, lock) == ("raised, policy: money: max_lines, from 10 to 99",)
    with pytest.raises(SettingsError, match="other"):
        diff_offline(str(rules), BASE.model_copy(update={"repository": "/srv/other.git"}).model_dump_json(), lock)
