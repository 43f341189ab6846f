"""The set-up that an ``agentic`` connection names → what is to be seen of it: the facts behind the readiness report.

Each probe is independent, changes nothing, and what it could not see it says. Logins and hosts of connections are
compared here and never shown to a model; of passwords only digests are compared, see `probes.accounts`.
"""

from __future__ import annotations

import ast
import dataclasses
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from airflow_agentic import wiring
from airflow_agentic.airflow_rest import AirflowRest, part
from airflow_agentic.errors import AgenticError
from airflow_agentic.git import GitError, clone
from airflow_agentic.guardrails.pattern_advice import Estate
from airflow_agentic.guardrails.readiness_facts import Observed
from airflow_agentic.plugs import clone_url, git_environment
from airflow_agentic.plugs_workspace import build_workspace
from airflow_agentic.probes.accounts import places_shared, shared_accounts, shared_with_staging
from airflow_agentic.probes.code import Named, read_code
from airflow_agentic.probes.governance import forge_facts, lock_facts, policy_facts, warehouse_facts
from airflow_agentic.records import Dossier, Signal
from airflow_agentic.scope import Scope
from airflow_agentic.settings import Settings
from airflow_agentic.store.engine import Store, open_store
from airflow_agentic.store.lineage import arrivals
from airflow_agentic.store.lineage_coverage import known_schemas, known_states
from airflow_agentic.wiring import Parts
from airflow_agentic.workspaces.airflow_api import AirflowApiWorkspace
from airflow_agentic.workspaces.layers import probe_layers

log = logging.getLogger(__name__)

INCIDENTS_READ = 200
RUNS_READ = 100
_OUR_CONNECTIONS = ("airflow_conn_id", "forge_conn_id", "git_conn_id", "staging_airflow_conn_id", "staging_git_conn_id")


def observe(settings: Settings, scope: Scope, *, say: Callable[[str], None] = lambda _line: None) -> Observed:
    """Run every probe and return what was seen. Never raises for what is wrong.

    :param say: told the name of each probe before it starts; some take seconds.
    """
    seen: dict[str, Any] = {}
    unseen: list[tuple[str, str]] = []
    for name, probe in _probes(settings, scope, seen):
        say(f"looking at {name} ...")
        try:
            seen.update(probe())
        except (AgenticError, GitError) as error:
            unseen.append((name, str(error)))
        except Exception as error:
            log.exception("Probing %s failed", name)
            unseen.append((name, f"{type(error).__name__}: {error}"))
    estate = dataclasses.replace(seen.pop("estate", Estate()), systems=tuple(seen.pop("systems", ())))
    seen.pop("named", None)
    people = (*seen.pop("forge_people", ()), *seen.pop("airflow_people", ()))
    if people or "shared_accounts" in seen:
        seen["shared_accounts"] = (*people, *seen.get("shared_accounts", ()))
    counted = {name: seen.pop(name) for name in ("incidents", "spanning", "crowded") if name in seen}
    return Observed(**seen, estate=dataclasses.replace(estate, **counted), unseen=tuple(unseen))


def _probes(
    settings: Settings, scope: Scope, seen: Mapping[str, Any]
) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    def within(probe: Callable[[Parts], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
        def asked() -> dict[str, Any]:
            with wiring.connected_to(settings, scope) as parts:
                return probe(parts)

        return asked

    yield "settings", lambda: _configured(settings, scope)
    yield "store", lambda: _store(settings)
    yield "lineage", lambda: _lineage(settings, scope)
    yield "airflow api", lambda: _airflow(settings, scope)
    yield "repository", lambda: _repository(scope)
    yield "warehouse", within(warehouse_facts)
    yield "isolation", lambda: _isolation(settings, scope)
    yield "staging", lambda: _staging(scope, seen.get("named", Named()))
    yield "forge", within(forge_facts)
    yield "permissions", within(lock_facts)
    yield "policy", within(policy_facts)
    yield "accounts", lambda: _accounts(scope, seen.get("named", Named()))


def _configured(settings: Settings, scope: Scope) -> dict[str, Any]:
    return {
        "forge": scope.forge if scope.repository else "",
        "listener": settings.listener,
        "reviewers": scope.reviewers,
        "staged_environment": bool(scope.staging_environment),
        "accepted": scope.accept,
    }


def _store(settings: Settings) -> dict[str, Any]:
    with open_store(settings.store_url) as store:
        incidents = store.incidents.list(limit=INCIDENTS_READ)
        opened = [_opened_by(store, incident.id) for incident in incidents]
        dossiers = [store.incidents.kept(incident.id, Dossier) for incident in incidents]
        faults = store.ledger.verify()
        lines = sum(len(store.ledger.entries(incident.id)) for incident in incidents)
    known = [(i, d) for i, d in zip(incidents, dossiers, strict=True) if d is not None]
    return {
        "ledger_entries": lines,
        "ledger_faults": faults,
        "manual_incidents": sum(signal == Signal.MANUAL.value for signal in opened),
        "triggered_incidents": sum(signal not in ("", Signal.MANUAL.value) for signal in opened),
        "incidents": len(incidents),
        "spanning": sum(_spans(d) for _, d in known),
        "crowded": sum(bool(d.left_out) for _, d in known),
    }


def _opened_by(store: Store, incident_id: str) -> str:
    """Return the signal of the first ledger line; empty when an incident has none."""
    lines = store.ledger.entries(incident_id)
    return dict(lines[0].facts).get("signal", "") if lines else ""


def _spans(dossier: Dossier) -> bool:
    """Say whether the likeliest suspect lies in another Dag: its evidence is of lineage, and names it upstream."""
    first = dossier.suspects[0] if dossier.suspects else None
    of = {item.id: item.source for item in dossier.evidence}
    return first is not None and any(of.get(cited, "").startswith("lineage") for cited in first.evidence)


def _lineage(settings: Settings, scope: Scope) -> dict[str, Any]:
    found: dict[str, Any] = {"lineage_files": bool(scope.lineage_events)}
    with open_store(settings.store_url) as store:
        told = arrivals(store.database)
        live, declared = known_schemas(store.database)
        states = known_states(store.database)
    if told:
        found["lineage_events_days"] = (time.time() - max(last for _, _, last in told) / 1e6) / 86_400
    return {**found, "schemas_live": live, "schemas_declared": declared, "lineage_states": states}


def _airflow(settings: Settings, scope: Scope) -> dict[str, Any]:
    if not scope.airflow_conn_id:
        raise AgenticError("airflow_conn_id is empty: name an http connection of a viewer account.")
    conn = wiring.connection(scope.airflow_conn_id)
    rest = AirflowRest(wiring.base_url(conn), conn.login or "", conn.password or "")
    _, dags = rest.call("GET", f"/dags?limit={RUNS_READ}&exclude_stale=true")
    _, runs = rest.call("GET", f"/dags/~/dagRuns?limit={RUNS_READ}&order_by=-run_after")
    connections, _ = rest.call("GET", "/connections?limit=1", allowed=(401, 403))
    ours = [d for d in dags.get("dags") or () if _tagged(d)]
    theirs = [d for d in dags.get("dags") or () if not _tagged(d)]
    newest = runs.get("dag_runs") or ()
    return {
        "history_runs": len(newest),
        "dated_runs": sum(bool(run.get("data_interval_start")) for run in newest),
        "partitioned_runs": sum(bool(run.get("partition_key")) for run in newest),
        "account_reads_connections": connections == 200,
        "sweep_scheduled": any(d.get("timetable_summary") and not d.get("is_paused") for d in ours),
        "estate": Estate(
            dags=int(dags.get("total_entries") or len(theirs)) - len(ours),
            owners=len({owner for d in theirs for owner in d.get("owners") or ()}),
            repositories=len({str(d.get("bundle_name")) for d in theirs}) or 1,
        ),
        **_triage_dag(rest, settings.triage_dag_id),
    }


def _tagged(dag: Mapping[str, Any]) -> bool:
    return any((tag.get("name") if isinstance(tag, dict) else tag) == "agentic" for tag in dag.get("tags") or ())


def _triage_dag(rest: AirflowRest, dag_id: str) -> dict[str, Any]:
    """Read who is asked and who is told off the triage Dag's own source."""
    status, tasks = rest.call("GET", f"/dags/{part(dag_id)}/tasks", allowed=(403, 404))
    if status != 200:
        return {"review_task": False, "channels": ()}
    names = {str(task.get("task_id")) for task in tasks.get("tasks") or ()}
    status, source = rest.call("GET", f"/dagSources/{part(dag_id)}", allowed=(403, 404, 406))
    said = _keywords(str(source.get("content") or "")) if status == 200 else {}
    found: dict[str, Any] = {"review_task": "review" in names, "channels": said.get("channels", ())}
    if said.get("reviewers"):
        found["reviewers"] = said["reviewers"]
    return found


def _keywords(source: str) -> dict[str, tuple[str, ...]]:
    """Return what a Dag file gives ``triage_dag`` as channels and reviewers, as written."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        for keyword in call.keywords:
            if keyword.arg in {"channels", "reviewers"} and isinstance(keyword.value, (ast.List, ast.Tuple)):
                found[keyword.arg] = tuple(ast.unparse(item)[:60] for item in keyword.value.elts)
    return found


def _repository(scope: Scope) -> dict[str, Any]:
    if not scope.repository:
        raise AgenticError("repository is empty.")
    with tempfile.TemporaryDirectory(prefix="agentic-") as folder:
        tree = os.path.join(folder, "tree")
        clone(
            clone_url(scope),
            work_tree=tree,
            git_dir=os.path.join(folder, "git"),
            branch=scope.base_branch,
            environment=git_environment(scope, wiring.connection, folder),
        )
        named = read_code(Path(tree))
    return {
        "code_readable": True,
        "dbt_project": named.dbt,
        "lineage_in_code": named.lineage,
        "callbacks": named.callbacks,
        "written_addresses": named.addresses,
        "named": named,
    }


def _isolation(settings: Settings, scope: Scope) -> dict[str, Any]:
    layers = probe_layers(share_network=bool(scope.staging_hosts))
    missing = tuple(name for name, held, _ in layers if not held)
    accepted = tuple(name for name in missing if name in settings.accept_weaker_isolation)
    return {"isolation_missing": missing, "isolation_accepted": accepted}


def _staging(scope: Scope, named: Named) -> dict[str, Any]:
    ids = _used(named)
    systems = {conn.conn_type for conn in map(_known, ids) if conn is not None and conn.conn_type}
    found = {
        "staged_connections": len(scope.staging_connections),
        "unstaged_connections": tuple(name for name in ids if name not in scope.staging_connections),
        "shared_with_production": places_shared(scope.staging_connections, _known),
        "systems": sorted(systems),
    }
    return {**found, "staging_airflow": _staging_airflow(scope)} if scope.workspace == "airflow_api" else found


def _staging_airflow(scope: Scope) -> str:
    """Return what the staging deployment answers. :raises AgenticError: it does not, or it is production."""
    with tempfile.TemporaryDirectory(prefix="agentic-") as folder:
        workspace = build_workspace(
            scope, connect=wiring.connection, address=wiring.base_url, folder=folder, accept_weaker=frozenset()
        )
        return workspace.look() if isinstance(workspace, AirflowApiWorkspace) else ""


def _accounts(scope: Scope, named: Named) -> dict[str, Any]:
    """Compare whose account the agent uses with those of the pipelines, and staging's with production's."""
    ours = {field: getattr(scope, field) for field in _OUR_CONNECTIONS if getattr(scope, field)}
    theirs = dict.fromkeys((*_used(named), *scope.staging_connections))
    found = shared_accounts(ours, theirs, _known)
    return {"shared_accounts": (*found, *shared_with_staging(scope.staging_connections, _known))}


def _used(named: Named) -> tuple[str, ...]:
    """Return the connections that the code names, and those that its hooks take by default and that exist."""
    return (*named.connections, *(name for name in named.defaults if _known(name) is not None))


def _known(conn_id: str) -> Any:
    """Return a connection, or None where there is none of that id."""
    try:
        return wiring.connection(conn_id)
    except AgenticError:
        return None
