"""The parts of a task → what a sweep is handed: the account that may trigger and, where a repository is, the forge."""

from __future__ import annotations

from dataclasses import fields

from airflow_agentic import pipeline
from airflow_agentic.forges.hygiene import room
from airflow_agentic.records import Delivery
from airflow_agentic.triggers.incidents import Selectors
from airflow_agentic.triggers.rest import account_of
from airflow_agentic.triggers.sweep import Sweeping
from airflow_agentic.triggers.tidy import Tidying
from airflow_agentic.triggers.watch import Watching
from airflow_agentic.wiring import Parts, connection, publication


def sweeping(parts: Parts) -> Sweeping:
    """Return what `triggers.sweep.sweep` holds. :raises SettingsError: the connection names no Airflow account."""
    conn_id = parts.scope.airflow_conn_id
    return Sweeping(
        spool_dir=parts.settings.spool_dir,
        triage_dag_id=parts.settings.triage_dag_id,
        account=account_of(connection(conn_id), conn_id=conn_id),
        rest=parts.rest(),
        reader=parts.reader,
        incidents=parts.store.incidents,
        selectors=Selectors(**{field.name: getattr(parts.scope, field.name) for field in fields(Selectors)}),
        watching=_watching(parts) if parts.scope.repository else None,
        tidying=_tidying(parts) if parts.scope.repository else None,
    )


def _watching(parts: Parts) -> Watching:
    forge = parts.forge(parts.scope)

    def take_back(incident: str, why: str) -> str | None:
        undone = pipeline.take_back(incident, parts.deliverance(incident), why=why)
        return undone.revert.url if undone.revert else None

    return Watching(
        fixes=parts.store.fixes,
        incidents=parts.store.incidents,
        ledger=parts.store.ledger,
        reader=parts.reader,
        whereabouts=lambda incident: forge.whereabouts(pipeline.delivery_of(incident, parts.deliverance(incident))),
        follows=forge.follows,
        take_back=take_back,
        watch_runs=parts.scope.watch_runs,
        deploy_minutes=parts.scope.deploy_minutes,
    )


def _tidying(parts: Parts) -> Tidying:
    forge, circuit = parts.forge(parts.scope), parts.rulings.circuit(f"forge:{parts.scope.repository}")
    caps = publication(parts.scope).caps

    def withdraw(delivery: Delivery, note: str) -> str:
        parts.rulings.go(delivery.incident_id)
        return forge.withdraw(delivery, note=note)

    return Tidying(
        fixes=parts.store.fixes,
        incidents=parts.store.incidents,
        ledger=parts.store.ledger,
        rest=parts.rest(),
        triage_dag_id=parts.settings.triage_dag_id,
        delivery_of=lambda incident: pipeline.delivery_of(incident, parts.deliverance(incident)),
        whereabouts=forge.whereabouts,
        base_files=forge.base_files,
        withdraw=withdraw,
        expire_days=parts.scope.expire_days,
        room=lambda: 0 if circuit.is_open() else room(parts.store.fixes, parts.scope.repository, caps),
    )
