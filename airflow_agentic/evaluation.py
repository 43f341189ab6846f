"""A captured failure → decision, patch, pull request text, ledger: the same pipeline without a scheduler.

A case is a folder as ``docs/CASES.md`` describes it. Its name never reaches an agent; ``hidden`` is never opened.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from airflow_agentic import pipeline, wiring
from airflow_agentic.agents.exchange import exchange_facts
from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.case_repository import BRANCH, bare_repository, dag_file, dags_folder
from airflow_agentic.context.captured import CapturedReader
from airflow_agentic.context.suspects import rank
from airflow_agentic.errors import AgenticError, SettingsError
from airflow_agentic.git import run_git
from airflow_agentic.guardrails.personal import PersonalRedactor
from airflow_agentic.guardrails.redact import SpanRedactor
from airflow_agentic.plugs import build_agent, build_forge, build_rules, build_sources
from airflow_agentic.ports import Agent
from airflow_agentic.records import (
    Action,
    Answer,
    Approval,
    Dossier,
    Failure,
    Outcome,
    OutcomeStatus,
    Proof,
    Proposal,
    Signal,
    Verdict,
)
from airflow_agentic.redaction.everything import hide_within
from airflow_agentic.scope import Scope, TrustLevel
from airflow_agentic.store.engine import Store, open_store
from airflow_agentic.triggers.incidents import incident_id
from airflow_agentic.upstream import serve_upstream
from airflow_agentic.workspaces.local import LocalWorkspace
from airflow_agentic.workspaces.sandbox import LAYERS
from airflow_agentic.workspaces.settle import settle
from airflow_agentic.workspaces.staging import PrepareStep, Staging

PUBLISHED = (OutcomeStatus.PR_OPENED, OutcomeStatus.PR_UPDATED, OutcomeStatus.PR_UNCHANGED)


class Failing(BaseModel):
    """What failed."""

    dag_id: str
    task_ids: tuple[str, ...] = ()
    ds: str


class Case(BaseModel):
    """``case.json``; what it holds beside these fields is not read."""

    failing: Failing
    days: tuple[str, ...] = ()
    dags: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    start_api: bool = False


def evaluate(
    case_dir: str,
    out: str,
    *,
    agent: str = "rules",
    anthropic_conn_id: str = "",
    model: str = "",
    approve: bool = True,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Run one case and write its results into *out*; return what ``decision.json`` holds.

    :param agent: ``rules`` or ``single``.
    :param approve: what the absent reviewer answers when the verdict is ASK; recorded as such.
    :raises SettingsError: the folder is no case, or ``single`` was asked for without a connection.
    """
    if agent != "rules" and not anthropic_conn_id:
        raise SettingsError(f"Using agent {agent!r} failed: no connection of a model. Add --anthropic-conn-id.")
    case = read_case(case_dir)
    target = Path(out)
    (target / "requests").mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="agentic-eval-") as folder,
        serve_upstream(os.path.join(case_dir, "upstream") if case.start_api else None) as api,
    ):
        bench = _Bench(case=case, case_dir=os.path.abspath(case_dir), folder=folder, api=api, out=target)
        scope = bench.scope(agent, anthropic_conn_id, model)
        with open_store(f"sqlite:///{folder}/store.db") as store:
            incident = _run(bench, scope, store, approve=approve, say=say)
            decision = _write(store, incident, target)
    say(f"Wrote {target}/decision.json")
    return decision


def read_case(case_dir: str) -> Case:
    """Return the case. :raises SettingsError: there is no readable ``case.json``."""
    path = os.path.join(case_dir, "case.json")
    try:
        return Case.model_validate_json(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise SettingsError(
            f"Reading case {path!r} failed: {error}. Its format is described in docs/CASES.md."
        ) from error


@dataclass(frozen=True, kw_only=True)
class _Bench:
    """The case's material, laid out as a deployment would have it."""

    case: Case
    case_dir: str
    folder: str
    api: str | None
    out: Path

    def scope(self, agent: str, anthropic_conn_id: str, model: str) -> Scope:
        remote = bare_repository(self.case_dir, os.path.join(self.folder, "remote.git"))
        upstream = os.path.join(self.case_dir, "upstream")
        events = os.path.join(self.case_dir, "logs", "openlineage.jsonl")
        return Scope(
            anthropic_conn_id=anthropic_conn_id,
            pattern=agent,
            forge="local",
            repository=remote,
            base_branch=BRANCH,
            dags_path=dags_folder(remote),
            trust_level=TrustLevel.PROPOSE,
            data_locations=(upstream,) if os.path.isdir(upstream) else (),
            lineage_events=events if os.path.isfile(events) else "",
            staging_environment=self._environment(),
            model=model or Scope.model_fields["model"].default,
        )

    def workspace(self, scope: Scope) -> LocalWorkspace:
        data = os.path.join(self.folder, "data")
        os.makedirs(os.path.join(data, "exports"), exist_ok=True)
        upstream = os.path.join(self.case_dir, "upstream")
        if os.path.isdir(upstream):
            shutil.copytree(upstream, os.path.join(data, "upstream"))
        self._prepare(scope, data)
        return LocalWorkspace(
            scope.repository,
            scope.base_branch,
            scope.dags_path,
            Staging(
                environment=tuple(scope.staging_environment.items()),
                data=data,
                reach=(self.api.removeprefix("http://"),) if self.api else (),
                prepare=tuple(self._runs_before(scope)),
            ),
            accept_weaker=frozenset(LAYERS),
            python=task_python(),
        )

    def _prepare(self, scope: Scope, data: str) -> None:
        """Run the case's own ``prepare.sh``, if it has one; it is the case author's, not the pipeline's."""
        script = os.path.join(self.case_dir, "prepare.sh")
        if not os.path.isfile(script):
            return
        tree = os.path.join(self.folder, "prepare")
        run_git("clone", "--quiet", scope.repository, tree)
        said = {k: v.format(data=data, repository=tree) for k, v in scope.staging_environment.items()}
        path = os.pathsep.join([os.path.dirname(task_python()), os.environ.get("PATH", "/usr/bin:/bin")])
        subprocess.run(["bash", script], cwd=tree, check=False, timeout=600, env={"PATH": path, "HOME": data, **said})

    def _environment(self) -> dict[str, str]:
        """Return what a case's pipelines may rely on; the names are those of the case format."""
        said = {
            "REPO": "{repository}",
            "PIPELINE_REPO": "{repository}",
            "PIPELINE_PYTHON": task_python(),
            "WORK": "{data}",
            "WAREHOUSE": "{data}/warehouse.duckdb",
            "EXPORT_DIR": "{data}/exports",
            "DBT_PROFILES_DIR": "{repository}",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "NO_COLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        if self.api:
            said["SHOP_API"] = self.api
        return {**said, **self.case.env}

    def _runs_before(self, scope: Scope) -> Iterator[PrepareStep]:
        """Yield everything that ran before the failing run, in order: it makes the staging data."""
        failing = self.case.failing
        for day in self.case.days or (failing.ds,):
            for dag_id in self.case.dags or (failing.dag_id,):
                if (dag_id, day) == (failing.dag_id, failing.ds):
                    return
                if file := dag_file(scope, dag_id):
                    yield PrepareStep(dag_file=file, dag_id=dag_id, logical_date=f"{day}T00:00:00+00:00", may_fail=True)


def _run(bench: _Bench, scope: Scope, store: Store, *, approve: bool, say: Callable[[str], None]) -> str:
    """Send the failure through the pipeline; return the incident's id."""
    reader = CapturedReader(bench.case_dir)
    run = reader.failed_run()
    failure = Failure(
        dag_id=run.dag_id,
        run_id=run.run_id,
        clear_number=0,
        signal=Signal.CAPTURED,
        seen_at=wiring.now(),
        logical_date=run.logical_date,
    )
    incident = incident_id(run.dag_id, run.run_id, 0)
    store.ledger.capture(incident, failure)
    redactor, rules = SpanRedactor(), RulesAgent()
    agent: Agent = rules
    if scope.agent_pattern() != "rules":
        agent = _model_agent(bench, scope, store, incident, reader, redactor)
    say("Gathering and proposing ...")
    proposal = pipeline.investigate(
        incident,
        pipeline.Investigation(
            incidents=store.incidents,
            ledger=store.ledger,
            reader=reader,
            rank=rank,
            redactor=redactor,
            strangers=PersonalRedactor(redactor, shown_columns=scope.shown_columns),
            agent=agent,
            sources=build_sources(scope, reader=reader, folder=bench.folder, connect=wiring.connection),
            fallback=rules,
        ),
    )
    say(f"{proposal.diagnosis.category.value}: {proposal.diagnosis.root_cause}")
    say("Proving the change in the workspace ..." if proposal.change else "No change to prove.")
    verdict = pipeline.prove(
        incident,
        pipeline.Validation(
            incidents=store.incidents,
            ledger=store.ledger,
            rules=build_rules(scope, redactor),
            redactor=PersonalRedactor(redactor, shown_columns=scope.shown_columns),
            workspace=bench.workspace(scope),
        ),
    )
    say(f"Verdict: {verdict.decision.name}")
    review = pipeline.Review(incidents=store.incidents, ledger=store.ledger)
    pipeline.decide(incident, _answer(pipeline.needs_person(incident, review), approve), review)
    pipeline.deliver(
        incident,
        pipeline.Deliverance(
            incidents=store.incidents,
            ledger=store.ledger,
            channels=(),
            redactor=redactor,
            forge=build_forge(scope, changes=store.changes, connect=wiring.connection),
            publication=wiring.publication(scope),
        ),
    )
    return incident


def _model_agent(
    bench: _Bench, scope: Scope, store: Store, incident: str, reader: CapturedReader, redactor: SpanRedactor
) -> Agent:
    return build_agent(
        scope,
        client=lambda: wiring.anthropic_client(scope.anthropic_conn_id),
        spending=store.spending(scope.usd_per_incident, scope.usd_per_day),
        redactor=redactor,
        reader=reader,
        record=_recorder(store, incident, bench.out / "requests"),
    )


def _write(store: Store, incident: str, out: Path) -> dict[str, Any]:
    """Write the four files; return the decision."""
    kept = store.incidents.kept
    dossier, proposal, proof = kept(incident, Dossier), kept(incident, Proposal), kept(incident, Proof)
    verdict, outcome = kept(incident, Verdict), kept(incident, Outcome)
    if not (dossier and proposal and proof and verdict and outcome):
        raise AgenticError(f"Writing the results failed: incident {incident!r} did not come to its end.")
    proposal = settle(proposal, proof, verdict)
    decision = _decision(dossier, proposal, proof, verdict, outcome)
    (out / "decision.json").write_text(json.dumps(hide_within(decision), indent=1) + "\n", encoding="utf-8")
    diff = proposal.change.diff if proposal.change and decision["prs"] else ""
    (out / "patch.diff").write_text(diff, encoding="utf-8")
    (out / "pull_request.md").write_text(f"# {outcome.title}\n\n{outcome.body}\n", encoding="utf-8")
    (out / "ledger.jsonl").write_text("".join(f"{line}\n" for line in store.ledger.export(incident)), encoding="utf-8")
    return decision


def _decision(dossier: Dossier, proposal: Proposal, proof: Proof, verdict: Verdict, outcome: Outcome) -> dict[str, Any]:
    said, published = proposal.diagnosis, outcome.status in PUBLISHED
    action = Action.NOTIFY if said.action is Action.FIX_CODE and not published else said.action
    return {
        "action": action.value,
        "category": said.category.value,
        "incidents": 1,
        "prs": int(published),
        "root_cause": {
            "dag_id": said.root_cause_dag,
            "task_id": said.root_cause_task,
            "file": said.root_cause_file,
            "text": said.root_cause,
        },
        "confidence": said.confidence,
        "transience": said.transience.value,
        "next_step": said.next_step,
        "suspects": [f"{suspect.score:.2f} {suspect.what}" for suspect in dossier.suspects],
        "proof": {"status": proof.status.value, "reason": proof.reason},
        "verdict": verdict.decision.name,
        "findings": [f"{finding.decision.name} {finding.rule}: {finding.message}" for finding in verdict.findings],
        "outcome": outcome.status.value,
        "agent": proposal.pattern,
        "notes": list(proposal.notes),
        "cost_usd": proposal.usage.cost_usd,
        "dossier_tokens": dossier.tokens,
    }


def task_python() -> str:
    """Return the interpreter that the case's tasks run with: ``CASE_PYTHON``, else this one."""
    return os.environ.get("CASE_PYTHON") or sys.executable


def _answer(asked: bool, approve: bool) -> Approval:
    if not asked:
        return Approval(answer=Answer.NOT_NEEDED)
    answer = Answer.APPROVED if approve else Answer.REJECTED
    return Approval(
        answer=answer, by="eval --on-ask", at=wiring.now(), reason="no person: the command's option answers"
    )


def _recorder(store: Store, incident: str, folder: Path) -> Callable[[str, Mapping[str, Any]], None]:
    """Write every exchange with a model into a file of its own, and its size into the ledger."""

    def record(event: str, payload: Mapping[str, Any]) -> None:
        number = len(os.listdir(folder)) + 1
        path = folder / f"{number:04d}-{event}.json"
        path.write_text(json.dumps(payload, indent=1, default=str), encoding="utf-8")
        facts = exchange_facts(event, payload, store.ledger.attach(incident, payload))
        store.ledger.append(incident, "propose", event, {**facts, "file": path.name})

    return record
