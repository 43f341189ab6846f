"""Settings and connections → the parts that each stage is handed. Built once per task, closed at its end.

This is where the permission boundary is drawn: `Parts.investigation` never asks for a forge connection,
`Parts.validation` never for a model or production one, `Parts.deliverance` never for anything else than the forge.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from typing import Any

from airflow_agentic.agents.exchange import exchange_facts
from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.airflow_masker import masked, registered_values
from airflow_agentic.airflow_rest import AirflowRest
from airflow_agentic.context.airflow_api import AirflowApi
from airflow_agentic.context.airflow_assets import AirflowAssets
from airflow_agentic.context.lineage import Origin
from airflow_agentic.context.suspects import rank
from airflow_agentic.errors import SettingsError
from airflow_agentic.forges.breaker import GuardedForge
from airflow_agentic.forges.hygiene import Caps
from airflow_agentic.forges.publish import Publication
from airflow_agentic.guardrails.lock import digest_at, lock_path
from airflow_agentic.guardrails.occurrences import WaitingAgent
from airflow_agentic.guardrails.personal import PersonalRedactor
from airflow_agentic.guardrails.redact import SpanRedactor
from airflow_agentic.guardrails.stop import StoppableWorkspace
from airflow_agentic.lineage.marquez import Marquez
from airflow_agentic.pipeline import Deliverance, Investigation, Review, Validation
from airflow_agentic.plugs import build_agent, build_channels, build_forge, build_rules, build_sources
from airflow_agentic.plugs_lineage import lineage_origins
from airflow_agentic.plugs_workspace import build_workspace
from airflow_agentic.policy.policy import Mandate
from airflow_agentic.policy.read import PolicyOnDisk
from airflow_agentic.ports import Agent, Forge, Redactor
from airflow_agentic.powers.sql import sql_powers
from airflow_agentic.records import Failure, ReductionLimits, Signal
from airflow_agentic.rulings import Rulings
from airflow_agentic.scope import Scope, TrustLevel, read_scope
from airflow_agentic.settings import Settings, read_settings
from airflow_agentic.store.engine import Store, open_store
from airflow_agentic.triggers.clear import ClearOnce
from airflow_agentic.triggers.incidents import incident_id


@contextmanager
def connected(agentic_conn_id: str = "") -> Iterator[Parts]:
    """Yield the parts for one ``agentic`` connection; temporary folders are gone afterwards.

    :param agentic_conn_id: empty: the setting ``[agentic] conn_id``.
    :raises SettingsError: the connection is missing or holds something that is not allowed.
    """
    settings = read_settings()
    conn_id = agentic_conn_id or settings.conn_id
    scope = read_scope(connection(conn_id).extra, conn_id=conn_id)
    with connected_to(settings, scope) as parts:
        yield parts


@contextmanager
def connected_to(settings: Settings, scope: Scope) -> Iterator[Parts]:
    """Yield the parts for a scope that has been read already. :raises SettingsError: the policy cannot be read."""
    policy = PolicyOnDisk(scope.policy_file or settings.policy_file)
    policy.current()
    digest = digest_at(lock_path(settings.permissions_lock, policy.path))
    with (
        tempfile.TemporaryDirectory(prefix="agentic-") as folder,
        open_store(
            settings.store_url,
            redactor=SpanRedactor(registered_values, masker=masked),
            keep_bodies=settings.ledger_content == "full",
            manifest=digest,
        ) as store,
        ExitStack() as closing,
    ):
        yield Parts(settings=settings, scope=scope, store=store, folder=folder, policy=policy, closing=closing)


def connection(conn_id: str) -> Any:
    """Return an Airflow connection. :raises SettingsError: there is none of that id."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as error:
        raise SettingsError(
            f"Reading connection {conn_id!r} failed: there is none of that id. Add it in Admin → Connections."
        ) from error


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Builds what each stage may hold, and nothing before it is asked for."""

    settings: Settings
    scope: Scope
    store: Store
    folder: str
    """A temporary folder of this task's own."""
    policy: PolicyOnDisk = field(default_factory=lambda: PolicyOnDisk(""))
    closing: ExitStack = field(default_factory=ExitStack)
    """Left at the end of the task: it ends the tokens that were made."""

    @cached_property
    def rulings(self) -> Rulings:
        """What policy, lock, standing and kill switch say."""
        return Rulings(
            scope=self.scope,
            store=self.store,
            policy=self.policy,
            permissions_lock=self.settings.permissions_lock,
        )

    def failure_from(self, conf: Mapping[str, Any]) -> tuple[str, Failure]:
        """Return the incident's id and the failure that a triage run's conf describes.

        The conf is a hint: Dag and run are looked up, and everything else is read anew.

        :raises SettingsError: it names no Dag and run.
        :raises IncidentNotFound: there is no such run.
        """
        said = conf.get("failure") or conf
        dag_id, run_id = str(said.get("dag_id") or ""), str(said.get("run_id") or "")
        if not dag_id or not run_id:
            raise SettingsError(
                "Starting a triage failed: the run's conf names no failed run. "
                'Trigger it with {"dag_id": "...", "run_id": "..."}, or by `airflow agentic triage DAG_ID RUN_ID`.'
            )
        run = self.reader.dag_run(dag_id, run_id)
        dag = self.reader.dag(dag_id)
        clear_number = run.clear_number if run.clear_number is not None else int(said.get("clear_number") or 0)
        signals = {signal.value for signal in Signal}
        failure = Failure(
            dag_id=dag_id,
            run_id=run_id,
            clear_number=clear_number,
            signal=Signal(said["signal"]) if said.get("signal") in signals else Signal.MANUAL,
            seen_at=now(),
            task_id=said.get("task_id"),
            logical_date=run.logical_date,
            owners=dag.owners,
            tags=dag.tags,
        )
        return incident_id(dag_id, run_id, clear_number), failure

    def investigation(self, incident: str) -> Investigation:
        """Eyes and, if the connection names one, a model."""
        rules, mandate = RulesAgent(), self.rulings.mandate(incident)
        return Investigation(
            incidents=self.store.incidents,
            ledger=self.store.ledger,
            reader=self.reader,
            sources=build_sources(
                mandate.scope,
                reader=self.reader,
                folder=self.folder,
                connect=connection,
                incidents=self.store.incidents,
                lineage=self.lineage,
                assets=AirflowAssets(self.reader.read),
            ),
            rank=rank,
            redactor=self.redactor,
            strangers=PersonalRedactor(self.redactor, shown_columns=mandate.scope.shown_columns),
            agent=self._agent(incident, rules, mandate),
            fallback=rules,
            held_back=mandate.held_back,
            go=self.rulings.go,
        )

    def validation(self, incident: str) -> Validation:
        """An isolated workspace with staging connections."""
        mandate = self.rulings.mandate(incident)
        scope = self.rulings.staged(incident, mandate, lambda name: sql_powers(name, connection(name)))
        workspace = build_workspace(
            scope,
            connect=connection,
            address=base_url,
            folder=self.folder,
            accept_weaker=self.settings.accept_weaker_isolation,
        )
        return Validation(
            incidents=self.store.incidents,
            ledger=self.store.ledger,
            workspace=StoppableWorkspace(workspace, self.rulings.go),
            rules=build_rules(scope, self.redactor, mandate, self.rulings.signals(incident)),
            redactor=PersonalRedactor(
                self.redactor, shown_columns=("*",) if scope.show_values else scope.shown_columns
            ),
            judged=self.rulings.note_breach,
            reduction=ReductionLimits(seconds=scope.reduce_s),
            go=self.rulings.go,
        )

    def review(self, incident: str, *, starters: Sequence[str] = (), timeout_s: float = 0.0) -> Review:
        """The store, and the account that looks up who answered.

        :param starters: who started this triage by hand; their word does not count.
        """
        mandate = self.rulings.mandate(incident)
        return Review(
            incidents=self.store.incidents,
            ledger=self.store.ledger,
            approvers=mandate.approvers,
            excluded=tuple(dict.fromkeys((*self.rulings.excluded(mandate), *starters))),
            timeout_s=timeout_s,
            still=self.rulings.still(incident, mandate, self.rest, acting=False),
        )

    def deliverance(
        self, incident: str, notifiers: Sequence[Any] = (), context: Mapping[str, Any] | None = None
    ) -> Deliverance:
        """The forge, and whoever is told."""
        mandate = self.rulings.mandate(incident)
        scope, forge = mandate.scope, self.forge(mandate.scope)
        return Deliverance(
            incidents=self.store.incidents,
            ledger=self.store.ledger,
            forge=forge,
            channels=build_channels(notifiers, context),
            redactor=self.redactor,
            publication=publication(scope, mandate.held_back),
            wider=(lambda: self.rulings.wider_at_the_forge(incident, forge)) if self.rulings.lock_path() else None,
            go=self.rulings.go,
            fixes=self.store.fixes,
            clear=self._clear(scope),
            still=self.rulings.still(incident, mandate, self.rest, acting=True),
        )

    @cached_property
    def reader(self) -> AirflowApi:
        """Airflow's REST API with the viewer account that the scope names."""
        if not self.scope.airflow_conn_id:
            raise SettingsError(
                "Reading Airflow's history failed: the agentic connection has no airflow_conn_id. "
                "Name an http connection of a viewer account that may trigger the triage Dag."
            )
        conn = connection(self.scope.airflow_conn_id)
        return AirflowApi(base_url(conn), conn.login or "", conn.password or "")

    @cached_property
    def lineage(self) -> tuple[Origin, ...]:
        """Where OpenLineage events are read from."""
        marquez = None
        if self.scope.marquez_conn_id:
            conn = connection(self.scope.marquez_conn_id)
            marquez = Marquez(base_url(conn), conn.password or "")
        return lineage_origins(self.scope, store=self.store.database, marquez=marquez)

    @cached_property
    def redactor(self) -> Redactor:
        """Our spans, and Airflow's own masker for what it knows."""
        return SpanRedactor(registered_values, masker=masked)

    def _note(self, incident: str, kind: str, payload: Mapping[str, Any]) -> None:
        if kind == "request":
            self.rulings.go(incident)
        facts = exchange_facts(kind, payload, self.store.ledger.attach(incident, payload))
        self.store.ledger.append(incident, "propose", kind, facts)

    def _clear(self, scope: Scope) -> ClearOnce | None:
        """Return what clears a transient failure; made of the account that may trigger, and only where allowed."""
        if not (scope.may_clear and scope.trust_level in _PROPOSING and scope.airflow_conn_id):
            return None
        return ClearOnce(self.rest(), self.store.incidents, self.store.ledger)

    def rest(self) -> AirflowRest:
        """The account that may trigger, for single calls."""
        conn = connection(self.scope.airflow_conn_id)
        return AirflowRest(base_url(conn), conn.login or "", conn.password or "")

    def forge(self, scope: Scope) -> Forge:
        """Where a delivery is written to, behind its circuit breaker."""
        built = build_forge(scope, changes=self.store.changes, connect=connection, closing=self.closing)
        return GuardedForge(built, self.rulings.circuit(f"forge:{scope.repository}"))

    def _agent(self, incident: str, rules: Agent, mandate: Mandate) -> Agent:
        scope = mandate.scope
        if scope.trust_level is TrustLevel.OBSERVE or scope.agent_pattern() == "rules":
            return rules
        agent = build_agent(
            scope,
            client=lambda: anthropic_client(scope.anthropic_conn_id),
            spending=self.store.spending(
                scope.usd_per_incident, scope.usd_per_day, mandate.usd_per_dag_day, self.rulings.team(mandate)
            ),
            redactor=self.redactor,
            reader=self.reader,
            record=lambda kind, payload: self._note(incident, kind, payload),
            lineage=self.lineage,
            assets=AirflowAssets(self.reader.read),
            circuit=self.rulings.circuit(f"model:{scope.anthropic_conn_id}"),
        )
        return WaitingAgent(
            agent,
            rules,
            occurrences=mandate.occurrences,
            seen=lambda fingerprint: len(self.store.incidents.incidents_with(fingerprint)),
        )


_PROPOSING = (TrustLevel.PROPOSE, TrustLevel.PROPOSE_READY)


def publication(scope: Scope, held_back: Sequence[str] = ()) -> Publication:
    """Return what `publish` needs to know of the scope."""
    return Publication(
        repository=scope.repository,
        base_branch=scope.base_branch,
        reviewers=scope.reviewers,
        trust_level=scope.trust_level.value,
        caps=Caps(open=scope.max_open_prs, per_hour=scope.max_prs_per_hour),
        held_back=tuple(held_back),
    )


def base_url(conn: Any) -> str:
    """Return the address that an ``http`` connection names, without a slash at its end."""
    host = conn.host or "localhost"
    address = host if "://" in host else f"{conn.schema or 'http'}://{host}"
    port = f":{conn.port}" if conn.port and not address.rstrip("/").rsplit(":", 1)[-1].isdigit() else ""
    return f"{address.rstrip('/')}{port}"


def anthropic_client(conn_id: str) -> Any:
    """Return the SDK's client for an ``anthropic`` connection: first-party, Bedrock, Vertex or Foundry."""
    from airflow.providers.anthropic.hooks.anthropic import AnthropicHook

    return AnthropicHook(conn_id=conn_id).get_conn()


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
