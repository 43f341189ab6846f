"""An investigation through the real pipeline, store and git → the same one again from its ledger alone."""

import json
import zlib

import pytest
from sqlalchemy import update

from airflow_agentic import pipeline
from airflow_agentic.agents.exchange import exchange_facts
from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.agents.single import SingleAgent
from airflow_agentic.context.code import CodeSource
from airflow_agentic.context.suspects import rank
from airflow_agentic.errors import AuditError, SettingsError
from airflow_agentic.git import run_git
from airflow_agentic.guardrails.redact import SpanRedactor
from airflow_agentic.guardrails.rules.protected_paths import ProtectedPathsRule
from airflow_agentic.plugs import build_rules
from airflow_agentic.policy.read import parse_policy
from airflow_agentic.records import DagRecord, DagRunRecord, Failure, Signal, TaskKey, TaskRun
from airflow_agentic.replay import Stand, mandate_of, read_recorded, replay
from airflow_agentic.scope import Scope
from airflow_agentic.store.engine import open_store
from airflow_agentic.store.tables import BODIES
from airflow_agentic.testing.airflow import FakeAirflow
from airflow_agentic.testing.model import LimitedMoney, ScriptedModel, an_answer, text_reply, tool_reply
from airflow_agentic.testing.workspace import BASE, FakeWorkspace, Script, staged, staged_task
from airflow_agentic.tools.edit_file import EditFileTool
from airflow_agentic.tools.task_log import TaskLogTool

KEY = TaskKey(dag_id="load", run_id="r1", task_id="parse", try_number=1)
EDIT = {"path": "dags/load.py", "old": '"id"', "new": '"order_id"'}


@pytest.fixture
def repository(tmp_path):
    work = tmp_path / "work"
    run_git("init", "--quiet", "--initial-branch=main", str(work))
    (work / "dags").mkdir()
    (work / "dags" / "load.py").write_text('x = {}\nprint(x["id"])\n')
    run_git("add", "--all", cwd=str(work))
    run_git("commit", "--quiet", "-m", "load", cwd=str(work))
    return str(work)


def triaged(tmp_path, repository, store, *steps):
    """Send a failure through investigate and prove, with everything recorded; return the incident's id."""
    log = [json.dumps({"event": f"line {n}", "level": "error"}).encode() for n in range(3)]
    airflow = FakeAirflow(
        dags=[
            DagRecord(
                dag_id="load",
                relative_fileloc="load.py",
                fileloc=None,
                bundle_name="b",
                bundle_version=None,
                owners=(),
                tags=(),
                is_paused=False,
            )
        ],
        runs=[DagRunRecord(dag_id="load", run_id="r1", state="failed", logical_date="2026-11-02T00:00:00+00:00")],
        tasks=[TaskRun(key=KEY, state="failed", started_at=None, duration_s=None)],
        logs={KEY: log},
    )
    (tmp_path / "checkout").mkdir()

    def record(kind, payload):
        store.ledger.append("i1", "propose", kind, exchange_facts(kind, payload, store.ledger.attach("i1", payload)))

    model = SingleAgent(
        ScriptedModel(*steps),
        tools_for=lambda dossier, buffer: (
            EditFileTool(buffer),
            TaskLogTool(dossier.incident.members, lambda key: (b.decode() for b in airflow.log(key))),
        ),
        spending=LimitedMoney(),
        redactor=SpanRedactor(),
        record=record,
    )
    store.incidents.record(
        "i1",
        Failure(dag_id="load", run_id="r1", clear_number=0, signal=Signal.MANUAL, seen_at="2026-11-02T04:00:00+00:00"),
    )
    pipeline.investigate(
        "i1",
        pipeline.Investigation(
            incidents=store.incidents,
            ledger=store.ledger,
            reader=airflow,
            redactor=SpanRedactor(),
            rank=rank,
            sources=(CodeSource(repository, "main", "dags", work_dir=str(tmp_path / "checkout")),),
            agent=model if steps else RulesAgent(),
            fallback=RulesAgent(),
        ),
    )
    red = staged("failed", staged_task("parse", "failed"))
    pipeline.prove(
        "i1",
        pipeline.Validation(
            incidents=store.incidents,
            ledger=store.ledger,
            redactor=SpanRedactor(),
            rules=(),
            workspace=FakeWorkspace(Script(runs={("2026-11-02T00:00:00+00:00", BASE): [red]})),
        ),
    )
    return "i1"


def with_a_model():
    look = tool_reply("task_log", {"task_id": "parse", "search": "line 1"})
    return look, tool_reply("edit_file", EDIT), text_reply(an_answer(cites=["E1"], confidence=0.9))


def stand(**changes):
    return Stand(**{"rules": (), "redactor": SpanRedactor(), "trust_level": "propose", **changes})


def again(tmp_path, store, repository, **changes):
    folder = tmp_path / "again"
    folder.mkdir()
    rows = replay(
        read_recorded(store.ledger, "i1"), stand(**changes), repository=repository, environment={}, folder=str(folder)
    )
    return {row.what: row for row in rows}


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/store.db") as opened:
        yield opened


def test_the_same_inputs_give_the_same_answer(tmp_path, repository, store):
    triaged(tmp_path, repository, store, *with_a_model())
    rows = again(tmp_path, store, repository)
    assert [row.what for row in rows.values() if not row.same] == []
    assert '+print(x["order_id"])' in rows["change"].replayed
    assert rows["requests"].replayed == "3"


def test_another_pattern_shows_what_would_differ(tmp_path, repository, store):
    triaged(tmp_path, repository, store, *with_a_model())
    rows = again(tmp_path, store, repository, pattern="rules")
    assert (rows["pattern"].recorded, rows["pattern"].replayed) == ("single", "rules")
    assert rows["change"].replayed == "none"


def test_another_policy_shows_what_would_differ(tmp_path, repository, store):
    triaged(tmp_path, repository, store, *with_a_model())
    rows = again(tmp_path, store, repository, rules=(ProtectedPathsRule(("dags/**",)),))
    assert rows["verdict"].replayed == "DENY"
    assert not rows["verdict"].same


@pytest.mark.parametrize(
    ("text", "what", "replayed"),
    [
        ("defaults: {trust_level: diagnose}", "without a person", "The trust level is 'diagnose'"),
        ("defaults: {protected_paths: ['dags/**'], needs_person: []}", "findings", "DENY protected_paths"),
        ("defaults: {protected_paths: ['dags/**']}", "findings", "ASK action_class"),
        ("rules: [{name: load, match: {dags: [load]}, max_lines: 1}]", "findings", "size"),
        ("kill_switch: true", "work", "kill switch"),
        ("defaults: {usd_per_incident: 0.0001}", "money", "over usd_per_incident 0.0001: rules goes on"),
    ],
    ids=["trust level", "a path nobody may change", "a path a person may let through", "size", "kill switch", "money"],
)  # fmt: skip
def test_a_policy_file_is_replayed_for_the_dag_that_failed(tmp_path, repository, store, text, what, replayed):
    triaged(tmp_path, repository, store, *with_a_model())
    scope = Scope(trust_level="propose")
    mandate = mandate_of(
        read_recorded(store.ledger, "i1"), parse_policy(f"version: 1\n{text}".encode(), name="p"), scope
    )
    rules = build_rules(mandate.scope, SpanRedactor(), mandate)
    level = mandate.scope.trust_level.value
    rows = again(tmp_path, store, repository, rules=rules, trust_level=level, mandate=mandate)
    assert replayed in rows[what].replayed


def test_another_model_is_asked_with_the_recorded_tool_answers(tmp_path, repository, store):
    triaged(tmp_path, repository, store, *with_a_model())
    look, _, answer = with_a_model()
    other = ScriptedModel(
        look, tool_reply("task_log", {"task_id": "parse", "search": "new"}), answer, name="claude-haiku-4-5"
    )
    again(tmp_path, store, repository, pattern="single", model=other, spending=LimitedMoney())
    results = [
        block for m in other.requests[-1]["messages"] for block in m["content"] if block["type"] == "tool_result"
    ]
    assert "line 1" in results[0]["content"]
    assert "was not asked when" in results[1]["content"]


def test_a_rewritten_body_is_found_and_not_replayed(tmp_path, repository, store):
    triaged(tmp_path, repository, store, *with_a_model())
    with store.database.write() as connection:
        connection.execute(update(BODIES).values(body=zlib.compress(b"{}")))
    assert any("was rewritten" in fault for fault in store.ledger.verify("i1"))
    with pytest.raises(AuditError, match="refused"):
        read_recorded(store.ledger, "i1")


def test_a_deleted_body_is_found(tmp_path, repository, store):
    triaged(tmp_path, repository, store)
    with store.database.write() as connection:
        connection.execute(BODIES.delete())
    assert any("is gone" in fault for fault in store.ledger.verify())


def test_metadata_only_keeps_no_word_of_anybody(tmp_path, repository):
    with open_store(f"sqlite:///{tmp_path}/store.db", keep_bodies=False) as store:
        triaged(tmp_path, repository, store, *with_a_model())
        text = "\n".join(store.ledger.export("i1"))
        assert store.ledger.verify() == ()
        assert "(not kept)" in text
        assert "order_id" not in text
        assert an_answer()["root_cause"] not in text
        with pytest.raises(AuditError, match="ledger_content"):
            read_recorded(store.ledger, "i1")


def test_a_repository_without_the_recorded_commit_is_named(tmp_path, repository, store):
    triaged(tmp_path, repository, store)
    other = tmp_path / "other"
    run_git("init", "--quiet", "--initial-branch=main", str(other))
    run_git("commit", "--quiet", "--allow-empty", "-m", "empty", cwd=str(other))
    with pytest.raises(SettingsError, match="--repository"):
        again(tmp_path, store, str(other))


def test_an_incident_without_an_investigation_is_refused(store):
    with pytest.raises(AuditError, match="no investigation"):
        read_recorded(store.ledger, "nobody")
