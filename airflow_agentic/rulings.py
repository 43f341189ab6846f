"""Policy, lock, readiness, standing and kill switch → what holds for one incident, now.

The one place where they meet: the policy narrows the connection, the lock stops what is wider than a person has
accepted at the diagnosis, and so does what the last readiness report found missing; the standing lowers what was not
earned, the switch stops everything. Read anew each time it is asked, because each may change while a triage runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from airflow_agentic import registry
from airflow_agentic.airflow_rest import AirflowRest
from airflow_agentic.errors import SettingsError, SourceUnavailable, Stopped
from airflow_agentic.guardrails.approver import Known, Still, still_counts
from airflow_agentic.guardrails.believed import not_believed
from airflow_agentic.guardrails.lock import held_back, lock_path, read_lock
from airflow_agentic.guardrails.manifest import Manifest, Power, manifest
from airflow_agentic.guardrails.readiness_kept import last_look, unready
from airflow_agentic.guardrails.stop import refuse_if_stopped
from airflow_agentic.guardrails.trust import STAGE, Results, Standing, Trust, breaches_of, chain_of, trust
from airflow_agentic.policy.policy import Mandate, lower_level
from airflow_agentic.policy.read import PolicyOnDisk
from airflow_agentic.policy.terms import ActionClass
from airflow_agentic.ports import Forge
from airflow_agentic.powers.airflow_user import airflow_user
from airflow_agentic.records import Answer, Approval, Proof, ProofStatus, Proposal, StagingPermit, Verdict
from airflow_agentic.scope import Scope, TrustLevel
from airflow_agentic.store.circuit import SqlCircuit
from airflow_agentic.store.engine import Store
from airflow_agentic.store.spending import TeamDay

_LOOKED_AT = 50
_BREACH = "breach"


@dataclass(frozen=True, kw_only=True)
class Rulings:
    """Says what holds, and writes down what is held back."""

    scope: Scope
    """The connection's."""
    store: Store
    policy: PolicyOnDisk
    permissions_lock: str = ""

    def mandate(self, incident_id: str) -> Mandate:
        """Return what may be done about an incident, and why it is not more."""
        incident = self.store.incidents.get(incident_id)
        granted = self.policy.current().mandate_for(incident.dag_id, incident.tags, incident.owners, self.scope)
        stood = self.trust(granted)
        wider = self.wider()
        doubts = not_believed(
            self.store.incidents, self.store.ledger, group=granted.trust_group, repository=self.scope.repository
        )
        level = lower_level(stood.level, TrustLevel.DIAGNOSE) if wider or doubts else stood.level
        why = (*stood.reasons, *(f"the permissions are wider than was accepted: {one}" for one in wider), *doubts)
        return replace(granted, scope=granted.scope.model_copy(update={"trust_level": level}), held_back=why)

    def go(self, incident_id: str) -> None:
        """Do nothing while work may go on. :raises Stopped: the switch is thrown, or the Dag is in maintenance."""
        refuse_if_stopped(self.store.incidents)
        incident = self.store.incidents.get(incident_id)
        policy = self.policy.current()
        granted = policy.mandate_for(incident.dag_id, incident.tags, incident.owners, self.scope)
        if granted.killed:
            raise Stopped(
                f"Stopped by kill_switch of the policy {policy.path!r}. Incidents are recorded, nothing else is done. "
                "To go on set it to false."
            )
        closed = granted.closed_until(datetime.now(timezone.utc))
        if closed:
            until = closed[0].isoformat(timespec="seconds")
            raise Stopped(f"In maintenance until {until}: {closed[1]}. It is picked up after that.", until=until)

    def lock_path(self) -> str:
        """Return where the lock lies; empty: permissions are not locked."""
        return lock_path(self.permissions_lock, self.policy.path)

    def circuit(self, name: str) -> SqlCircuit:
        """Return the breaker before one service, with the policy's limits."""
        limits = self.policy.current().file.limits
        return self.store.circuit(name, failures=limits.circuit_failures, open_s=limits.circuit_open_s)

    def manifest(self, probed: Iterable[Power] = ()) -> Manifest:
        """Return the manifest of policy, connection and tools, with what was *probed* of the credentials."""
        return manifest(self.policy.current(), self.scope, tools=tools(), probed=probed)

    def wider(self, probed: Iterable[Power] = ()) -> tuple[str, ...]:
        """Return what is wider than a person has accepted, one sentence each; none where permissions are not locked."""
        path = self.lock_path()
        return held_back(path, self.manifest(probed), self.store.incidents) if path else ()

    def accepted_by(self) -> tuple[str, ...]:
        """Return who accepted the lock: their word does not count twice."""
        try:
            return (read_lock(self.lock_path(), repository=self.scope.repository).accepted.by,)
        except SettingsError:
            return ()

    def excluded(self, mandate: Mandate) -> tuple[str, ...]:
        """Return whose word does not count: they wrote the policy or accepted the lock."""
        return (*mandate.not_approvers, *self.accepted_by())

    def still(self, incident_id: str, mandate: Mandate, rest: Callable[[], AirflowRest], *, acting: bool) -> Still:
        """Return what looks up, when it is called, whether an approval still counts, and writes down what it finds.

        :param rest: makes the account that looks them up; not before somebody approved.
        :param acting: the word is acted on now; raises `SourceUnavailable` then while Airflow does not answer. Before,
            that is only noted: it is looked up once more.
        """

        def look(name: str) -> Known:
            try:
                return airflow_user(rest(), name)
            except SourceUnavailable as error:
                if acting:
                    raise
                return Known(untold=f"to be asked again before it is acted on: {error}")

        def still(approval: Approval) -> Approval:
            found, untold = still_counts(
                approval, approvers=mandate.approvers, excluded=self.excluded(mandate), known=look
            )
            if untold or found != approval:
                facts = {"by": approval.by or "", "user_id": approval.user_id, "answer": found.answer.value}
                why = untold or found.reason
                self.store.ledger.append(incident_id, "review", "who answered was looked up", {**facts, "found": why})
            return found

        return still

    def trust(self, granted: Mandate) -> Trust:
        """Return where the group of a mandate stands."""
        return trust(
            granted.trust_group,
            ceiling=granted.scope.trust_level,
            start=granted.start_level,
            standing=self.store.incidents.kept(chain_of(granted.trust_group), Standing),
            results=self.results(granted.trust_group),
            unready=unready(last_look(self.store.incidents, self.scope.repository), granted.scope.accept),
        )

    def results(self, group: str) -> Results:
        """Return what a group has done so far."""
        dags = self._dags(group)
        fixes = [fix for fix in self.store.fixes.list() if fix.dag_id in dags]
        chain = self.store.ledger.entries(chain_of(group))
        told = [
            dict(entry.facts).get("incident", "") for entry in chain if (entry.stage, entry.event) == (STAGE, _BREACH)
        ]
        newest = [one for dag in sorted(dags) for one in self.store.incidents.list(limit=_LOOKED_AT, dag_id=dag)]
        proofs = [self.store.incidents.kept(one.id, Proof) for one in newest]
        return Results(
            fixes=tuple(fixes),
            breaches=tuple(dict.fromkeys(told)),
            proved=sum(proof is not None and proof.status is ProofStatus.PROVED for proof in proofs),
            investigated=sum(self.store.incidents.kept(one.id, Proposal) is not None for one in newest),
        )

    def team(self, granted: Mandate) -> TeamDay | None:
        """Return what the Dags of a mandate's rule, or of its trust group, may cost together in a day; None: no limit.

        A Dag without an incident has cost nothing.
        """
        if granted.usd_per_team_day is None:
            return None
        policy = self.policy.current()
        known = {one.dag_id: one for one in reversed(self.store.incidents.list(limit=1_000))}
        theirs = {dag: policy.mandate_for(dag, one.tags, one.owners, self.scope) for dag, one in known.items()}
        same = (d for d, m in theirs.items() if granted.rule == m.rule or granted.trust_group == m.trust_group)
        return TeamDay(usd=granted.usd_per_team_day, dags=tuple(sorted(same)))

    def groups(self) -> dict[str, Mandate]:
        """Return each trust group of which something is known, with the mandate of one of its Dags."""
        found: dict[str, Mandate] = {}
        policy = self.policy.current()
        for incident in self.store.incidents.list(limit=1_000):
            granted = policy.mandate_for(incident.dag_id, incident.tags, incident.owners, self.scope)
            found.setdefault(granted.trust_group, granted)
        return found

    def note_breach(self, incident_id: str, verdict: Verdict) -> None:
        """Write down that a change broke rules, once per incident: it costs the group a step."""
        rules = breaches_of(verdict)
        if not rules:
            return
        incident = self.store.incidents.get(incident_id)
        granted = self.policy.current().mandate_for(incident.dag_id, incident.tags, incident.owners, self.scope)
        chain = chain_of(granted.trust_group)
        known = {
            dict(entry.facts).get("incident") for entry in self.store.ledger.entries(chain) if entry.event == _BREACH
        }
        if incident_id not in known:
            self.store.ledger.append(chain, STAGE, _BREACH, {"incident": incident_id, "rules": ", ".join(rules)})

    def staged(self, incident_id: str, mandate: Mandate, roles: Callable[[str], Iterable[Power]]) -> Scope:
        """Return the scope for the workspace: without staging connections that a person has not let it use.

        :param roles: connection id → what its role can do.
        """
        ids = mandate.scope.staging_connections.values()
        if not ids:
            return mandate.scope
        permit: StagingPermit | None = self.store.incidents.kept(incident_id, StagingPermit)
        if mandate.asks(ActionClass.STAGING_WRITE, *self.signals(incident_id)) and not self._permitted(permit, mandate):
            why = "a person must let it write to staging, and none has: see triage_dag(ask_before_staging=True)"
        else:
            why = "; ".join(self.wider([p for name in ids for p in roles(name)]) if self.lock_path() else ())
        if not why:
            return mandate.scope
        self.store.ledger.append(incident_id, "validate", "without staging connections", {"because": why})
        return mandate.scope.model_copy(update={"staging_connections": {}})

    def wider_at_the_forge(self, incident_id: str, forge: Forge) -> tuple[str, ...]:
        """Return what is wider than was accepted, the forge's credential included, and write it down."""
        found = self.wider(forge_powers(forge.powers()))
        if found:
            self.store.ledger.append(incident_id, "publish", "permissions are wider", {"differences": "\n".join(found)})
        return found

    def signals(self, incident_id: str) -> tuple[str, ...]:
        """Return what told of the failure."""
        told = (dict(e.facts).get("signal", "") for e in self.store.ledger.entries(incident_id) if e.stage == "capture")
        return tuple(dict.fromkeys(signal for signal in told if signal))

    def _permitted(self, permit: StagingPermit | None, mandate: Mandate) -> bool:
        """Say whether a person let it write to staging whom the policy still names; Airflow was asked back then."""
        if permit is None or not permit.allowed:
            return False
        said = Approval(answer=Answer.APPROVED, by=permit.by, user_id=permit.user_id)
        found, _ = still_counts(
            said, approvers=mandate.approvers, excluded=self.excluded(mandate), known=lambda _: Known()
        )
        return found.answer is Answer.APPROVED

    def _dags(self, group: str) -> set[str]:
        policy = self.policy.current()
        known = {one.dag_id: one for one in reversed(self.store.incidents.list(limit=1_000))}
        return {
            dag
            for dag, one in known.items()
            if policy.mandate_for(dag, one.tags, one.owners, self.scope).trust_group == group
        }


def tools() -> tuple[tuple[str, str], ...]:
    """Return name and effect of each tool that a model may be shown."""
    found = (registry.find("tools", name) for name in registry.available("tools"))
    return tuple((str(tool.name), str(tool.effect.value)) for tool in found)


def forge_powers(said: Iterable[str]) -> tuple[Power, ...]:
    """Return what a forge says of its credential, as powers."""
    return tuple(Power(area="forge", what=what) for what in said)
