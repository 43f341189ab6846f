"""The set-up that an ``agentic`` connection names → what is to be seen of it: the facts behind the readiness report.

Each probe is independent, changes nothing, and what it could not see it says. Logins and hosts of connections are
compared here and never shown to a model; passwords are not read.
"""

from __future__ import annotations

import ast
import dataclasses
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from airflow_agentic import wiring
from airflow_agentic.airflow_rest import AirflowRest, part
from airflow_agentic.errors import AgenticError
from airflow_agentic.git import GitError, clone
from airflow_agentic.guardrails.pattern_advice import Estate
from airflow_agentic.guardrails.readiness_facts import Observed
from airflow_agentic.plugs import clone_url, git_environment
from airflow_agentic.records import Dossier, Signal
from airflow_agentic.scope import Scope
from airflow_agentic.settings import Settings
from airflow_agentic.store.engine import Store, open_store
from airflow_agentic.store.lineage import arrivals
from airflow_agentic.store.lineage_coverage import known_schemas, known_states
from airflow_agentic.workspaces.layers import probe_layers

log = logging.getLogger(__name__)

INCIDENTS_READ = 200
RUNS_READ = 100
_OUR_CONNECTIONS = ("airflow_conn_id", "forge_conn_id", "git_conn_id")


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
    counted = {name: seen.pop(name) for name in ("incidents", "spanning", "crowded") if name in seen}
    return Observed(**seen, estate=dataclasses.replace(estate, **counted), unseen=tuple(unseen))


def _probes(
    settings: Settings, scope: Scope, seen: Mapping[str, Any]
) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    yield "settings", lambda: _configured(settings, scope)
    yield "store", lambda: _store(settings)
    yield "lineage", lambda: _lineage(settings, scope)
    yield "airflow api", lambda: _airflow(settings, scope)
    yield "repository", lambda: _repository(scope)
    yield "isolation", lambda: _isolation(scope)
    yield "staging", lambda: _staging(scope, seen.get("named", ()))
    yield "accounts", lambda: _accounts(scope, seen.get("named", ()))


def _configured(settings: Settings, scope: Scope) -> dict[str, Any]:
    return {
        "forge": scope.forge if scope.repository else "",
        "listener": settings.listener,
        "reviewers": scope.reviewers,
        "staged_environment": bool(scope.staging_environment),
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
        files = [path for path in Path(tree).rglob("*.py") if path.is_file() and not path.is_symlink()]
        named = sorted({name for path in files for name in _connections_in(path)})
        dbt = any(Path(tree).rglob("dbt_project.yml"))
    return {"code_readable": True, "dbt_project": dbt, "named": tuple(named)}


def _connections_in(path: Path) -> Iterator[str]:
    """Yield the ids of connections that a file names: ``..._conn_id="x"`` and ``get_connection("x")``."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8", errors="replace"))
    except (SyntaxError, ValueError):
        return
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        for keyword in call.keywords:
            if keyword.arg and keyword.arg.endswith("conn_id") and keyword.arg != "agentic_conn_id":
                yield from _text(keyword.value)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "get_connection" and call.args:
            yield from _text(call.args[0])


def _text(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value


def _isolation(scope: Scope) -> dict[str, Any]:
    layers = probe_layers(share_network=bool(scope.staging_hosts))
    return {"isolation_missing": tuple(name for name, held, _ in layers if not held)}


def _staging(scope: Scope, named: tuple[str, ...]) -> dict[str, Any]:
    twins = [(p, _known(p), s, _known(s)) for p, s in scope.staging_connections.items()]
    shared = [
        f"{staging!r} is {production!r}"
        for production, there, staging, here in twins
        if staging == production or (there and here and _place(there) == _place(here))
    ]
    systems = {conn.conn_type for conn in map(_known, named) if conn is not None and conn.conn_type}
    return {
        "staged_connections": len(scope.staging_connections),
        "unstaged_connections": tuple(name for name in named if name not in scope.staging_connections),
        "shared_with_production": tuple(shared),
        "systems": sorted(systems),
    }


def _accounts(scope: Scope, named: tuple[str, ...]) -> dict[str, Any]:
    """Compare whose login the agent uses with those of the pipelines' own connections and of the staging side."""
    ours = [(field, getattr(scope, field)) for field in _OUR_CONNECTIONS if getattr(scope, field)]
    ours += [("staging_connections", staging) for staging in scope.staging_connections.values()]
    theirs = {name: _known(name) for name in named}
    return {"shared_accounts": tuple(_shared(ours, theirs))}


def _shared(ours: Iterable[tuple[str, str]], theirs: Mapping[str, Any]) -> Iterator[str]:
    for field, conn_id in ours:
        mine = _known(conn_id)
        for name, other in theirs.items():
            if name == conn_id:
                yield f"{field} is the pipelines' own connection {name!r}"
            elif mine and other and mine.login and (mine.login, mine.host) == (other.login, other.host):
                yield f"{field} {conn_id!r} has the login {mine.login!r} of the pipelines' {name!r}"


def _known(conn_id: str) -> Any:
    """Return a connection, or None where there is none of that id."""
    try:
        return wiring.connection(conn_id)
    except AgenticError:
        return None


def _place(conn: Any) -> tuple[str, ...]:
    return tuple(str(part or "").lower() for part in (conn.conn_type, conn.host, conn.port, conn.schema))
