"""Try every part that an ``agentic`` connection names; say what is wrong and how to mend it.

Used by ``airflow agentic check`` and by the connection form's test. Each probe is independent: one that fails
does not hide the next.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import Any

from airflow_agentic import permissions, registry, wiring
from airflow_agentic.data_check import data_state
from airflow_agentic.errors import AgenticError
from airflow_agentic.git import GitError, run_git
from airflow_agentic.guardrails.lock import COMMAND, read_lock
from airflow_agentic.guardrails.readiness_kept import last_look, unready
from airflow_agentic.lineage.marquez import Marquez
from airflow_agentic.lineage_check import lineage_state
from airflow_agentic.plugs import build_forge, clone_url, git_environment
from airflow_agentic.plugs_workspace import build_workspace
from airflow_agentic.records import Decision
from airflow_agentic.scope import Scope, TrustLevel, read_scope
from airflow_agentic.settings import Settings, read_settings
from airflow_agentic.staging_twins import refuse_twins
from airflow_agentic.store.engine import open_store
from airflow_agentic.triggers.dispatch import kept_failures
from airflow_agentic.workspaces.airflow_api import AirflowApiWorkspace
from airflow_agentic.workspaces.layers import probe_layers

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One part of the set-up."""

    name: str
    state: str
    """``ok``, ``absent`` (not configured, and the product works without it) or ``wrong``."""
    detail: str
    mend: str = ""


def check_connection(conn_id: str) -> tuple[Probe, ...]:
    """Return one probe per part, in the order in which a failure travels. Never raises for what is wrong."""
    settings = read_settings()
    found: list[Probe] = []
    scope = _scope(conn_id, found)
    if scope is None:
        return tuple(found)
    for name, probe in _probes(settings, scope):
        try:
            found.append(probe())
        except (AgenticError, GitError) as error:
            found.append(Probe(name=name, state="wrong", detail=str(error), mend="See the message."))
        except Exception as error:
            log.exception("Checking %s failed", name)
            found.append(Probe(name=name, state="wrong", detail=f"{type(error).__name__}: {error}"))
    return tuple(found)


def _scope(conn_id: str, found: list[Probe]) -> Scope | None:
    try:
        scope = read_scope(wiring.connection(conn_id).extra, conn_id=conn_id)
    except AgenticError as error:
        found.append(Probe(name="connection", state="wrong", detail=str(error), mend="Mend it in Admin → Connections."))
        return None
    found.append(
        Probe(
            name="connection", state="ok", detail=f"{conn_id!r}, trust level {scope.trust_level.value}, {scope.forge}"
        )
    )
    return scope


def _probes(settings: Settings, scope: Scope) -> Iterator[tuple[str, Callable[[], Probe]]]:
    yield "store", lambda: _store(settings)
    yield "airflow api", lambda: _airflow(settings, scope)
    yield "repository", lambda: _repository(scope)
    yield "forge", lambda: _forge(settings, scope)
    yield "model", lambda: _model(scope)
    yield "staging", lambda: _staging(scope)
    yield "isolation", lambda: _isolation(settings, scope)
    yield "lineage", lambda: _lineage(settings, scope)
    yield "data", lambda: _data(scope)
    yield "listener", lambda: _listener(settings)
    yield "permissions", lambda: _permissions(settings, scope)
    yield "readiness", lambda: _readiness(settings, scope)
    yield "waiting incidents", lambda: _waiting(settings)


def _store(settings: Settings) -> Probe:
    with open_store(settings.store_url) as store:
        faults = store.ledger.verify()
    if faults:
        return Probe(
            name="store",
            state="wrong",
            detail=f"the ledger is broken: {faults[0]}",
            mend="Find out who wrote to the store: `airflow agentic ledger verify`.",
        )
    return Probe(name="store", state="ok", detail="reachable, every ledger chain is whole")


def _airflow(settings: Settings, scope: Scope) -> Probe:
    name = "airflow api"
    if not scope.airflow_conn_id:
        return Probe(
            name=name,
            state="wrong",
            detail="airflow_conn_id is empty",
            mend="Name an http connection of a viewer account that may trigger the triage Dag.",
        )
    with wiring.connected_to(settings, scope) as parts:
        try:
            dag = parts.reader.dag(settings.triage_dag_id)
        except AgenticError as error:
            return Probe(
                name=name,
                state="wrong",
                detail=f"triage Dag {settings.triage_dag_id!r}: {error}",
                mend=f'Add triage_dag("{settings.triage_dag_id}", agentic_conn_id=...) to a Dag file.',
            )
    if dag.is_paused or dag.is_stale:
        word = "paused" if dag.is_paused else "stale"
        return Probe(
            name=name,
            state="wrong",
            detail=f"the triage Dag {dag.dag_id!r} is {word}: incidents wait",
            mend=f"airflow dags unpause {dag.dag_id}" if dag.is_paused else "Look at its import errors.",
        )
    return Probe(name=name, state="ok", detail=f"answers; triage Dag {dag.dag_id!r} is active")


def _repository(scope: Scope) -> Probe:
    if not scope.repository:
        return Probe(name="repository", state="wrong", detail="repository is empty", mend="Fill in the field.")
    with tempfile.TemporaryDirectory(prefix="agentic-") as folder:
        heads = run_git(
            "ls-remote",
            "--heads",
            clone_url(scope),
            scope.base_branch,
            timeout_s=20,
            environment=git_environment(scope, wiring.connection, folder),
        )
    if not heads.strip():
        return Probe(
            name="repository",
            state="wrong",
            detail=f"no branch {scope.base_branch!r}",
            mend="Set base_branch to the branch that fixes are to be merged into.",
        )
    return Probe(name="repository", state="ok", detail=f"readable, {scope.base_branch} at {heads[:10]}")


def _forge(settings: Settings, scope: Scope) -> Probe:
    with open_store(settings.store_url) as store:
        findings = build_forge(scope, changes=store.changes, connect=wiring.connection).preflight()
    denied = [finding for finding in findings if finding.decision is Decision.DENY]
    if denied:
        return Probe(name="forge", state="wrong", detail="; ".join(finding.message for finding in denied))
    return Probe(name="forge", state="ok", detail="; ".join(f.message for f in findings) or f"{scope.forge} is ready")


def _model(scope: Scope) -> Probe:
    if not scope.anthropic_conn_id:
        return Probe(name="model", state="absent", detail="no anthropic_conn_id: the rules agent works alone")
    registry.find("agents", scope.agent_pattern())
    from airflow.providers.anthropic.hooks.anthropic import AnthropicHook

    wiring.connection(scope.anthropic_conn_id)
    fine, said = AnthropicHook(conn_id=scope.anthropic_conn_id).test_connection()
    if not fine:
        return Probe(name="model", state="wrong", detail=said, mend=f"Mend connection {scope.anthropic_conn_id!r}.")
    return Probe(name="model", state="ok", detail=f"{scope.model}, pattern {scope.agent_pattern()}")


def _staging_airflow(scope: Scope) -> Probe:
    """Ask the staging deployment for its version; refuses what a proof would refuse."""
    with tempfile.TemporaryDirectory(prefix="agentic-check-") as folder:
        workspace = build_workspace(
            scope,
            connect=wiring.connection,
            address=wiring.base_url,
            folder=folder,
            accept_weaker=frozenset(),
        )
        said = workspace.look() if isinstance(workspace, AirflowApiWorkspace) else workspace.name
    return Probe(name="staging", state="ok", detail=said)


def _staging(scope: Scope) -> Probe:
    if scope.workspace == "airflow_api":
        return _staging_airflow(scope)
    for staging in scope.staging_connections.values():
        wiring.connection(staging)
    refuse_twins(scope.staging_connections, wiring.connection)
    if not scope.staging_connections and not scope.staging_environment:
        return Probe(
            name="staging", state="absent", detail="no staging connections: only Dags that need none are proved"
        )
    return Probe(name="staging", state="ok", detail=f"{len(scope.staging_connections)} connection(s) mapped")


def _isolation(settings: Settings, scope: Scope) -> Probe:
    layers = probe_layers(share_network=bool(scope.staging_hosts))
    missing = [layer for layer in layers if not layer[1]]
    detail = ", ".join(f"{layer[0]}: {'held' if layer[1] else 'MISSING'} ({layer[2]})" for layer in layers)
    refused = [layer[0] for layer in missing if layer[0] not in settings.accept_weaker_isolation]
    if refused:
        return Probe(
            name="isolation",
            state="wrong",
            detail=detail,
            mend=f"Install bubblewrap, or accept by [agentic] accept_weaker_isolation = {','.join(refused)}.",
        )
    return Probe(name="isolation", state="ok", detail=detail)


def _lineage(settings: Settings, scope: Scope) -> Probe:
    if any(distribution.metadata["Name"] == "openlineage-airflow" for distribution in distributions()):
        return Probe(
            name="lineage",
            state="wrong",
            detail="openlineage-airflow is installed: it emits nothing here",
            mend="Uninstall it; apache-airflow-providers-openlineage is its successor.",
        )
    if scope.marquez_conn_id:
        conn = wiring.connection(scope.marquez_conn_id)
        said = Marquez(wiring.base_url(conn), conn.password or "").check()
        return Probe(name="lineage", state="ok", detail=f"Marquez answers: {said}")
    state, detail, mend = lineage_state(settings)
    if state == "absent" and scope.lineage_events:
        return Probe(name="lineage", state="ok", detail=f"events are read from {scope.lineage_events!r}")
    return Probe(name="lineage", state=state, detail=detail, mend=mend)


def _data(scope: Scope) -> Probe:
    state, detail, mend = data_state(scope.data_connections, wiring.connection)
    return Probe(name="data", state=state, detail=detail, mend=mend)


def _listener(settings: Settings) -> Probe:
    if not settings.listener:
        return Probe(name="listener", state="absent", detail="[agentic] listener is off: only callbacks wake the agent")
    return Probe(name="listener", state="ok", detail="on: it watches every Dag that the selectors pick")


def _permissions(settings: Settings, scope: Scope) -> Probe:
    """Compare what policy, connection and credentials allow now with what a person accepted."""
    name = "permissions"
    with wiring.connected_to(settings, scope) as parts:
        path = parts.rulings.lock_path()
        if not path:
            return Probe(
                name=name,
                state="absent",
                detail="not locked: nobody has accepted what the agent may do",
                mend="Set [agentic] permissions_lock, then `airflow agentic permissions accept --why ...`.",
            )
        found, _ = permissions.diff(parts)
    if found:
        detail = f"wider than was accepted, so work stops at the diagnosis: {'; '.join(found)}"
        return Probe(name=name, state="wrong", detail=detail, mend=f"Look at `permissions diff`, then: {COMMAND}")
    said = read_lock(path, repository=scope.repository).accepted
    return Probe(name=name, state="ok", detail=f"as accepted by {said.by} on {said.at[:10]}: {said.digest[:12]}")


def _readiness(settings: Settings, scope: Scope) -> Probe:
    """Say what the last report left of the trust level."""
    with open_store(settings.store_url) as store:
        looked = last_look(store.incidents, scope.repository)
    why = unready(looked, scope.accept)
    when = f"looked at on {looked.at[:10]} by {looked.by}" if looked else "never looked at"
    if not why or scope.trust_level in (TrustLevel.OBSERVE, TrustLevel.DIAGNOSE):
        told = f"; {len(why)} gap(s) would hold a higher level" if why else "; nothing holds the trust level"
        return Probe(name="readiness", state="absent" if looked is None else "ok", detail=f"{when}{told}")
    detail = f"{when}; the trust level is held at 'diagnose': {'; '.join(why)}"
    return Probe(name="readiness", state="wrong", detail=detail, mend="See: airflow agentic readiness")


def _waiting(settings: Settings) -> Probe:
    kept: list[Any] = list(kept_failures(settings.spool_dir))
    if kept:
        first = kept[0][1]
        return Probe(
            name="waiting incidents",
            state="wrong",
            detail=f"{len(kept)} incident(s) had no triage Dag",
            mend=f"airflow agentic triage {first.dag_id} '{first.run_id}'",
        )
    return Probe(name="waiting incidents", state="ok", detail="none")
