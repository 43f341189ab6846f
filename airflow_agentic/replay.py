"""An incident's ledger → the same incident once more, offline: same evidence, same tool answers, recorded replies.

Another agent pattern, model, policy or scope may stand in; what would differ is the answer. Nothing is published, no
workspace is started: the recorded proof holds for the recorded change only. A chain that is broken is not replayed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, TypeVar

from airflow_agentic import registry
from airflow_agentic.agents.loop import AgentLimits
from airflow_agentic.agents.propose import propose
from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.edit_buffer import EditBuffer
from airflow_agentic.errors import AuditError, ModelUnavailable, SettingsError, ToolRefused
from airflow_agentic.forges.publish import why_no_change
from airflow_agentic.git import GitError, clone
from airflow_agentic.guardrails.judge import judge
from airflow_agentic.guardrails.rules.team_rules import TeamRulesRule
from airflow_agentic.policy.policy import Mandate, Policy
from airflow_agentic.ports import Agent, Effect, Ledger, Model, Redactor, Rule, Spending, Tool
from airflow_agentic.records import (
    Answer,
    Approval,
    Dossier,
    LedgerEntry,
    Proof,
    ProofStatus,
    Proposal,
    Usage,
    Verdict,
)
from airflow_agentic.scope import Scope
from airflow_agentic.store.bodies import FACT, NOT_KEPT
from airflow_agentic.store.incidents import read
from airflow_agentic.tools.edit_file import EditFileTool
from airflow_agentic.tools.list_files import ListFilesTool
from airflow_agentic.tools.read_file import ReadFileTool
from airflow_agentic.tools.search_code import SearchCodeTool

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What the ledger holds of the last triage of one incident."""

    dossier: Dossier
    proposal: Proposal
    proof: Proof | None
    verdict: Verdict | None
    requests: tuple[Mapping[str, Any], ...] = ()
    replies: tuple[Mapping[str, Any], ...] = ()
    calls: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Stand:
    """What stands in for the recorded parts; empty: the recorded ones."""

    rules: tuple[Rule, ...]
    redactor: Redactor
    trust_level: str
    pattern: str = ""
    mandate: Mandate | None = None
    """What the policy says for the Dag; None: nothing is told of it."""
    model: Model | None = None
    """A live model; None: the recorded replies."""
    spending: Spending | None = None
    limits: AgentLimits | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing that was decided, then and now."""

    what: str
    recorded: str
    replayed: str

    @property
    def same(self) -> bool:
        """Say whether nothing would differ."""
        return self.recorded == self.replayed


def read_recorded(ledger: Ledger, incident_id: str) -> Recorded:
    """Return what the ledger holds of an incident's last triage.

    :raises AuditError: the chain is broken, there is none, or its content was not kept.
    """
    faults = ledger.verify(incident_id)
    if faults:
        raise AuditError(f"Replaying {incident_id!r} was refused: {faults[0]} A broken ledger proves nothing.")
    lines = _last_triage(ledger.entries(incident_id), incident_id)

    def kept(stage: str, kind: type[R]) -> R | None:
        line = next((e for e in reversed(lines) if (e.stage, e.event) == (stage, "finished")), None)
        body = _body(ledger, line) if line else None
        return None if body is None else read(json.dumps(body), kind)

    dossier, proposal = kept("gather", Dossier), kept("propose", Proposal)
    if dossier is None or proposal is None:
        raise AuditError(
            f"Replaying {incident_id!r} failed: its ledger does not tell of a finished investigation. "
            "Clear the investigate task of its triage run."
        )
    said = {event: tuple(_bodies(ledger, lines, event)) for event in ("request", "reply", "tool")}
    return Recorded(
        dossier=dossier,
        proposal=proposal,
        proof=kept("validate", Proof),
        verdict=kept("judge", Verdict),
        requests=said["request"],
        replies=said["reply"],
        calls=said["tool"],
    )


def mandate_of(recorded: Recorded, policy: Policy, scope: Scope) -> Mandate:
    """Return what *policy* says for the recorded incident's Dag; a standing that was earned is left out."""
    incident = recorded.dossier.incident
    return policy.mandate_for(incident.dag_id, incident.tags, incident.owners, scope)


def replay(
    recorded: Recorded, stand: Stand, *, repository: str, environment: Mapping[str, str], folder: str
) -> list[Row]:
    """Propose and judge once more, and return what was decided then and now.

    :param repository: where the recorded commit can be had from; a local clone does.
    :param environment: for git, such as a read-only credential.
    :raises SettingsError: the recorded commit is not in the repository.
    """
    dossier = _with_checkout(recorded.dossier, repository, environment, folder)
    model = stand.model or (RecordedModel(recorded.requests, recorded.replies) if recorded.replies else None)
    proposal = propose(dossier, agent=_agent(recorded, stand, model), fallback=RulesAgent())
    proof = _proof_of(recorded, proposal)
    verdict = judge(proposal, proof, rules=(*stand.rules, TeamRulesRule(dossier.team_rules)))
    rows = [*_proposal_rows(recorded.proposal, proposal)]
    if recorded.verdict is not None and recorded.proof is not None:
        rows += _verdict_rows(recorded, verdict, proposal, proof, stand.trust_level)
    return [*rows, *_request_rows(recorded, model), *_mandate_rows(recorded, stand.mandate)]


class RecordedModel:
    """A `Model` that gives the recorded replies in their order, and notes where the question was another one."""

    def __init__(self, requests: Sequence[Mapping[str, Any]], replies: Sequence[Mapping[str, Any]]) -> None:
        self._requests = requests
        self._replies = replies
        self.name = str(requests[0]["model"])
        self.asked = 0
        self.changed = 0
        """Requests that are not what they were: the prompts, the tools or their answers have changed since."""

    def reply(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the next reply. :raises ModelUnavailable: nothing more was recorded."""
        if self.asked >= len(self._replies):
            raise ModelUnavailable("Replaying failed: no further reply was recorded.", reason="unreachable")
        self.asked += 1
        self.changed += _shape(request) != _shape(self._requests[self.asked - 1])
        return self._replies[self.asked - 1]


class RecordedTool:
    """A `Tool` that answers a call as it was answered then."""

    effect = Effect.READ

    def __init__(self, declared: Mapping[str, Any], calls: Iterable[Mapping[str, Any]]) -> None:
        self.name = str(declared["name"])
        self.description = str(declared.get("description", ""))
        self.input_schema: Mapping[str, Any] = declared.get("input_schema", {})
        self._answers = {_key(call["input"]): call for call in calls if call["name"] == self.name}

    def run(self, arguments: Mapping[str, Any]) -> str:
        """Return the recorded answer. :raises ToolRefused: it was refused then, or never asked."""
        call = self._answers.get(_key(arguments))
        if call is None:
            raise ToolRefused("This was not asked when the incident was recorded, so its answer is not known.")
        if call["refused"]:
            raise ToolRefused(str(call["output"]))
        return str(call["output"])


class _Free:
    """A `Spending` for recorded replies: nothing is spent."""

    def reserve(self, incident_id: str, usd: float) -> str:
        return incident_id

    def settle(self, reservation: str, usage: Usage) -> None:
        return None


def _last_triage(entries: Sequence[LedgerEntry], incident_id: str) -> list[LedgerEntry]:
    starts = [n for n, entry in enumerate(entries) if (entry.stage, entry.event) == ("gather", "started")]
    if not starts:
        raise AuditError(
            f"Replaying {incident_id!r} failed: its ledger has no investigation. `airflow agentic incidents` lists "
            "those that there are."
        )
    return list(entries[starts[-1] :])


def _body(ledger: Ledger, line: LedgerEntry) -> Any:
    cited = dict(line.facts).get(FACT, "")
    body = ledger.attached(line.incident_id, cited) if cited and not cited.endswith(NOT_KEPT) else None
    if body is None:
        raise AuditError(
            f"Replaying {line.incident_id!r} failed: the content of line {line.sequence} ({line.stage}) was not kept. "
            "Set [agentic] ledger_content = full; it holds for incidents from then on."
        )
    return body


def _bodies(ledger: Ledger, lines: Iterable[LedgerEntry], event: str) -> Iterable[Mapping[str, Any]]:
    return (_body(ledger, line) for line in lines if (line.stage, line.event) == ("propose", event))


def _with_checkout(dossier: Dossier, repository: str, environment: Mapping[str, str], folder: str) -> Dossier:
    """Return the dossier with the very tree that it was made from: a commit's id proves its content."""
    if dossier.checkout is None:
        return dossier
    tree, commit = os.path.join(folder, "tree"), dossier.checkout.commit
    try:
        git_dir = os.path.join(folder, "git")
        copy = clone(
            repository, work_tree=tree, git_dir=git_dir, branch=dossier.checkout.base_branch, environment=environment
        )
        copy.git("checkout", "--quiet", "--detach", commit)
    except GitError as error:
        raise SettingsError(
            f"Replaying {dossier.incident.id!r} failed: commit {commit[:12]} is not to be had from {repository!r}: "
            f"{error}. Name a clone that has it by --repository."
        ) from error
    return replace(dossier, checkout=replace(dossier.checkout, path=tree))


def _agent(recorded: Recorded, stand: Stand, model: Model | None) -> Agent:
    pattern = stand.pattern or (recorded.proposal.pattern if recorded.replies else "rules")
    if pattern == "rules":
        return RulesAgent()
    if model is None:
        raise SettingsError(
            f"Replaying with pattern {pattern!r} failed: no model was asked then. Name one by --anthropic-conn-id."
        )
    agent: Agent = registry.find("agents", pattern)(
        model,
        tools_for=_tools_for(recorded),
        spending=stand.spending or _Free(),
        redactor=stand.redactor,
        limits=stand.limits,
    )
    return agent


def _tools_for(recorded: Recorded) -> Callable[[Dossier, EditBuffer], tuple[Tool, ...]]:
    def tools(_dossier: Dossier, buffer: EditBuffer) -> tuple[Tool, ...]:
        own: tuple[Tool, ...] = (
            ListFilesTool(buffer), SearchCodeTool(buffer), ReadFileTool(buffer), EditFileTool(buffer)
        )  # fmt: skip
        by_name = {tool.name: tool for tool in own}
        declared = list(recorded.requests[0].get("tools") or ()) if recorded.requests else []
        return tuple(by_name.get(str(d["name"])) or RecordedTool(d, recorded.calls) for d in declared) or own

    return tools


def _proof_of(recorded: Recorded, proposal: Proposal) -> Proof:
    """Return the recorded proof if it speaks of this very change."""
    if proposal.change is None:
        return Proof(status=ProofStatus.NOT_ATTEMPTED, reason="There is no change to prove.")
    if recorded.proof is not None and _diff(proposal) == _diff(recorded.proposal):
        return recorded.proof
    return Proof(
        status=ProofStatus.INCONCLUSIVE, reason="Another change than the recorded one; a replay starts no workspace."
    )


def _proposal_rows(then: Proposal, now: Proposal) -> Iterable[Row]:
    one, two = then.diagnosis, now.diagnosis
    yield Row(what="pattern", recorded=then.pattern, replayed=now.pattern)
    yield Row(what="category", recorded=one.category.value, replayed=two.category.value)
    yield Row(what="action", recorded=one.action.value, replayed=two.action.value)
    yield Row(what="root cause", recorded=one.root_cause, replayed=two.root_cause)
    yield Row(what="confidence", recorded=f"{one.confidence:.2f}", replayed=f"{two.confidence:.2f}")
    yield Row(what="cites", recorded=" ".join(one.cites), replayed=" ".join(two.cites))
    yield Row(what="change", recorded=_diff(then) or "none", replayed=_diff(now) or "none")
    yield Row(what="cost in USD", recorded=f"{then.usage.cost_usd:.4f}", replayed=f"{now.usage.cost_usd:.4f}")


def _verdict_rows(
    recorded: Recorded, verdict: Verdict, proposal: Proposal, proof: Proof, trust_level: str
) -> Iterable[Row]:
    assert recorded.verdict is not None and recorded.proof is not None
    yield Row(what="proof", recorded=recorded.proof.status.value, replayed=proof.status.value)
    yield Row(what="verdict", recorded=recorded.verdict.decision.name, replayed=verdict.decision.name)
    yield Row(what="findings", recorded=_findings(recorded.verdict), replayed=_findings(verdict))
    unasked = Approval(answer=Answer.NOT_NEEDED)
    then = why_no_change(recorded.proposal, recorded.proof, recorded.verdict, unasked, trust_level)
    now = why_no_change(proposal, proof, verdict, unasked, trust_level)
    yield Row(what="without a person", recorded=then or "a pull request", replayed=now or "a pull request")


def _mandate_rows(recorded: Recorded, mandate: Mandate | None) -> Iterable[Row]:
    """Say what the policy decides beside the verdict: whether work may be done now, and for how much money."""
    if mandate is None:
        return
    closed = mandate.closed_until(datetime.now(timezone.utc))
    stopped = "kill switch" if mandate.killed else f"maintenance: {closed[1]}" if closed else "goes on"
    yield Row(what="work", recorded="goes on", replayed=stopped)
    cost, limit = recorded.proposal.usage.cost_usd, mandate.scope.usd_per_incident
    over = f"over usd_per_incident {limit:g}: rules goes on" if cost > limit else "within the limits"
    yield Row(what="money", recorded="within the limits", replayed=over)


def _request_rows(recorded: Recorded, model: Model | None) -> Iterable[Row]:
    if isinstance(model, RecordedModel) and model.asked:
        yield Row(what="requests", recorded=str(len(recorded.requests)), replayed=str(model.asked))
        yield Row(what="requests that differ", recorded="0", replayed=str(model.changed))


def _findings(verdict: Verdict) -> str:
    return "; ".join(sorted(f"{f.decision.name} {f.rule}" for f in verdict.findings))


def _diff(proposal: Proposal) -> str:
    return proposal.change.diff if proposal.change else ""


def _key(arguments: object) -> str:
    return json.dumps(arguments, sort_keys=True, default=str)


def _shape(request: Mapping[str, Any]) -> str:
    """Return what is compared of a request: not the delimiters, which are drawn anew for each briefing."""
    said = {name: request.get(name) for name in ("model", "tools", "tool_choice", "output_config")}
    roles = [(message["role"], len(message["content"])) for message in request.get("messages") or ()]
    return json.dumps([said, roles], sort_keys=True, default=str)
