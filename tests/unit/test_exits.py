"""Each way by which text leaves: neither a secret that Airflow knows nor one that only its shape gives away passes.

One incident with both secrets in every channel of strangers, an agent that repeats what it should never have seen, and
real parts: gather, agent loop, SQLite store, ledger, publish, a git remote, notifiers, commands, files.
"""

from __future__ import annotations

import json
import logging
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk._shared.secrets_masker.secrets_masker import _secrets_masker
from test_adversarial import FILES, Ran, Reader, Remote
from test_lineage_bad_input import event

from airflow_agentic import evaluation, pipeline
from airflow_agentic.airflow_masker import masked, registered_values
from airflow_agentic.changes import make_change
from airflow_agentic.channels.notifier import NotifierChannel
from airflow_agentic.cli import commands
from airflow_agentic.context.suspects import rank
from airflow_agentic.errors import SourceUnavailable
from airflow_agentic.forges.publish import Publication
from airflow_agentic.git import run_git
from airflow_agentic.guardrails.outgoing import outgoing
from airflow_agentic.guardrails.redact import SpanRedactor
from airflow_agentic.lineage.ingest import LineageIntake
from airflow_agentic.operators.triage import parked_while_stopped, review_text
from airflow_agentic.records import (
    Answer,
    Approval,
    Decision,
    Dossier,
    Evidence,
    Failure,
    Finding,
    Proof,
    Signal,
    SourceReport,
    Trust,
    Verdict,
)
from airflow_agentic.store.database import Database
from airflow_agentic.store.engine import open_store
from airflow_agentic.testing.builders import a_proof, a_proposal, edit
from airflow_agentic.testing.dossiers import a_checkout
from airflow_agentic.testing.workspace import FakeWorkspace, Script
from airflow_agentic.triggers.kept import keep
from airflow_agentic.triggers.wire import failure_as_json

KNOWN, SHAPED = "plum-tree-77-harbour", "Zx9-Kestrel-44"
SECRETS = {"registered": KNOWN, "by shape": SHAPED}
SAID = f"ValueError: could not reach postgres://etl:{SHAPED}@db/dwh with {KNOWN}"
ID = "agentic__load__1"


class Planted:
    """A source in whose title and body the secrets stand."""

    name = "planted"

    def __init__(self, checkout):
        self.checkout = checkout

    def read(self, target, found):
        said = Evidence(
            id="", source="task_log", title=SAID, body=f"MARK {SAID}", observed_at="2026-11-02T04:00:00+00:00",
            trust=Trust.UNTRUSTED,
        )  # fmt: skip
        return SourceReport(evidence=(said,), checkout=self.checkout)


class Repeats:
    """An agent that says what it should never have seen, and mends a file."""

    name = "repeats"

    def propose(self, dossier):
        path = "dags/load.py"
        change = make_change(dossier.checkout.commit, (edit(path, FILES[path], FILES[path] + "# MARK\n"),), "Mend it")
        said = {"root_cause": f"MARK {SAID}", "next_step": SAID, "root_cause_file": path, "root_cause_task": SAID}
        return replace(a_proposal(edits=(), **said), change=change, notes=(SAID,))


class Says:
    """A rule that quotes what it found."""

    name = "says"

    def check(self, proposal, proof):
        yield Finding(rule=self.name, decision=Decision.ASK, message=f"MARK {SAID}")


def breaks(dossier):
    """Stand for any part of ours that breaks, and says with what."""
    raise SourceUnavailable(f"MARK {SAID}")


class Exits:
    """One incident on its way; `texts` holds what left by each exit."""

    def __init__(self, folder, store, redactor):
        self.folder, self.store, self.redactor, self.texts, self.told = folder, store, redactor, {}, []
        failure = Failure(
            dag_id="load", run_id="r1", clear_number=0, signal=Signal.MANUAL, seen_at="2026-11-02",
            error_message=f"MARK {SAID}", reason=SAID,
        )  # fmt: skip
        self.failure = failure
        store.ledger.capture(ID, failure)
        self.remote = Remote(folder)

    def run(self):
        self._before_the_pipeline()
        with pytest.raises(SourceUnavailable):
            pipeline.investigate(ID, replace(self._investigation(), rank=breaks))
        self.texts["incident's detail"] = self.store.incidents.get(ID).detail
        pipeline.investigate(ID, self._investigation())
        self.texts["dossier"] = repr(self.store.incidents.kept(ID, Dossier))
        self._published()
        self._shown()
        return self.texts

    def _before_the_pipeline(self):
        self.texts["triage run's conf"] = json.dumps(failure_as_json(self.failure))
        self.texts["spool file"] = Path(keep(str(self.folder / "spool"), ID, self.failure)).read_text()
        row = {"id": "x", "channel": "log", "payload": f"MARK {SAID}"}
        ran = Ran(row, self.folder / "ran", redactor=self.redactor)
        self.texts["model's request"] = json.dumps(ran.model.requests, default=str)
        self.texts["lineage store"] = self._lineage()

    def _lineage(self):
        url = self.folder / "lineage.db"
        database = Database(f"sqlite:///{url}")
        facets = {
            "errorMessage": {"message": f"MARK password={SHAPED}", "stackTrace": SAID, "programmingLanguage": "py"}
        }
        sql = {"sql": {"query": f"MARK CREATE USER a IDENTIFIED BY '{SHAPED}'"}}
        one = event(1, ["a"], ["b"], eventType="FAIL")
        one["run"]["facets"], one["job"]["facets"] = facets, sql
        assert LineageIntake(database).ingest([json.dumps(one).encode()]).refused == ()
        database.close()
        return "".join(path.read_bytes().decode("utf-8", "replace") for path in self.folder.glob("lineage.db*"))

    def _held(self):
        return {"incidents": self.store.incidents, "ledger": self.store.ledger, "redactor": self.redactor}

    def _investigation(self):
        source, agent = Planted(a_checkout(self.folder / "checkout", FILES)), Repeats()
        return pipeline.Investigation(
            **self._held(), reader=Reader(), sources=(source,), rank=rank, agent=agent, fallback=agent
        )

    def _deliverance(self):
        def notify(context):
            self.told.append(f"{context['title']} {context['outcome']}")

        def broken(context):
            raise ConnectionError(f"MARK https://hooks.slack.com/services/T0/B0/{SHAPED}AbCdEf0123456789 {SAID}")

        return pipeline.Deliverance(
            incidents=self.store.incidents, ledger=self.store.ledger, forge=self.remote.forge, redactor=self.redactor,
            channels=(NotifierChannel(notify), NotifierChannel(broken)),
            publication=Publication(repository=self.remote.path, base_branch="main", trust_level="propose"),
        )  # fmt: skip

    def _published(self):
        """First as an issue, because a person said no, then as a pull request."""
        workspace = FakeWorkspace(Script(runs={}, cannot_open=f"MARK {SAID}"))
        pipeline.prove(ID, pipeline.Validation(**self._held(), workspace=workspace, rules=(Says(),)))
        self.texts["proof and verdict"] = repr([self.store.incidents.kept(ID, kind) for kind in (Proof, Verdict)])
        self.store.incidents.keep(ID, a_proof())
        review = pipeline.Review(incidents=self.store.incidents, ledger=self.store.ledger)
        pipeline.needs_person(ID, review)
        self.texts["review"] = outgoing(review_text(self.store, ID), self.redactor)
        said = Approval(answer=Answer.REJECTED, by="mona", user_id="mona", at="2026-11-02", reason=f"MARK {SAID}")
        pipeline.decide(ID, said, review)
        pipeline.deliver(ID, self._deliverance())
        asked = self.store.incidents.kept(ID, Verdict)
        self.store.incidents.keep(ID, replace(asked, decision=Decision.ALLOW))
        outcome = pipeline.deliver(ID, self._deliverance())
        self.texts["pull request's title"] = f"MARK {outcome.title}"
        self.texts["issue and pull request"] = repr(self.remote.changes.list(self.remote.path))
        branch = next(name for name in self.remote.branches() if "agentic/" in name)
        self.texts["branch"] = f"MARK {branch}"
        self.texts["commit"] = "MARK " + run_git(
            "--git-dir", self.remote.path, "log", "-1", "--format=%B%an%ae", branch
        )
        self.texts["notifier"] = "\n".join(self.told)

    def _shown(self):
        self.texts["ledger"] = "\n".join(self.store.ledger.export(ID))
        out = self.folder / "out"
        out.mkdir()
        evaluation._write(self.store, ID, out)
        for path in out.iterdir():
            self.texts[f"evaluation's {path.name}"] = path.read_text()


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    folder, logged, masker = tmp_path_factory.mktemp("exits"), [], _secrets_masker()
    before, handler = (set(masker.patterns), masker.replacer), logging.Handler(logging.DEBUG)
    masker.add_mask(KNOWN)
    shown = logging.Formatter()
    handler.emit = lambda record: logged.append(shown.format(record))
    ours = logging.getLogger("airflow_agentic")
    level = ours.level
    ours.addHandler(handler)
    ours.setLevel(logging.DEBUG)
    redactor = SpanRedactor(registered_values, masker=masked)
    with open_store(f"sqlite:///{folder}/store.db", redactor=redactor) as store, pytest.MonkeyPatch.context() as patch:
        texts = Exits(folder, store, redactor).run()
        patch.setattr(commands, "_store", lambda: open_store(f"sqlite:///{folder}/store.db"))
        texts.update(_commands(patch))
    ours.removeHandler(handler)
    ours.setLevel(level)
    texts["logs"] = masked("\n".join(logged))  # Airflow's own filter stands behind each of its handlers
    with pytest.raises(SourceUnavailable) as raised, parked_while_stopped():
        raise SourceUnavailable(f"MARK {SAID}") from ValueError(SAID)
    texts["error that a task ends with"] = masked(f"{raised.value} {raised.value.__cause__}")
    masker.patterns, masker.replacer = before
    return texts


def _commands(patch):
    printed = []
    patch.setattr("builtins.print", lambda *said, **_: printed.append(" ".join(map(str, said))))
    patch.setattr(
        commands,
        "AirflowConsole",
        lambda: SimpleNamespace(print_as=lambda data, output: printed.append(json.dumps(data))),
    )
    args = {"incident_id": ID, "dag_id": None, "limit": 9, "agentic_conn_id": ""}
    for name in ("incidents", "show", "ledger_show", "ledger_export"):
        for output in ("table", "json"):
            printed.clear()
            getattr(commands, name)(Namespace(**args, output=output, verbose=False))
            yield f"command {name} as {output}", "\n".join(printed)


EXITS = (
    "triage run's conf", "spool file", "model's request", "lineage store", "dossier", "incident's detail", "review",
    "proof and verdict", "pull request's title", "issue and pull request", "branch", "commit", "notifier", "ledger", "logs",
    "error that a task ends with", "evaluation's decision.json", "evaluation's pull_request.md",
    "evaluation's ledger.jsonl", "evaluation's patch.diff", "command show as table", "command show as json",
    "command ledger_show as table", "command ledger_show as json", "command ledger_export as table",
)  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
@pytest.mark.parametrize("exit_", EXITS)
def test_no_secret_leaves(left, exit_, secret):
    assert "MARK" in left[exit_], "nothing of the incident came this way, so nothing is proved"
    assert secret not in left[exit_]


def test_every_exit_that_text_left_by_is_one_of_the_list(left):
    assert set(left) - set(EXITS) == {
        "command incidents as table", "command incidents as json", "command ledger_export as json",
    }  # fmt: skip
    assert not any(secret in left[name] for name in set(left) - set(EXITS) for secret in SECRETS.values())


def test_a_dag_that_is_named_like_a_secret_gives_it_to_no_title_branch_or_message(tmp_path):
    from airflow_agentic.forges.publish import build_delivery
    from airflow_agentic.testing.builders import a_dossier, an_incident

    for dag_id in (KNOWN, "token=ghp_" + "a1B2" * 9):
        incident = an_incident(dag_id=dag_id)
        delivery = build_delivery(
            incident, a_dossier(incident=incident), a_proposal(), body="", redactor=SpanRedactor([KNOWN]),
            publication=Publication(repository="r", base_branch="main"),
        )  # fmt: skip
        for text in (delivery.title, delivery.branch, delivery.commit_message):
            assert KNOWN not in text
            assert "a1B2a1B2" not in text and "a1b2a1b2" not in text
