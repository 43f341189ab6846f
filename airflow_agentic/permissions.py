"""What ``airflow agentic permissions`` shows and does: the manifest with the credentials' real powers, and the lock."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from airflow_agentic import wiring
from airflow_agentic.errors import AgenticError, SettingsError
from airflow_agentic.guardrails.lock import Accepted, accept, held_back, lock_path, read_lock
from airflow_agentic.guardrails.manifest import Manifest, Power, manifest, narrower, wider
from airflow_agentic.plugs import build_forge
from airflow_agentic.policy.read import read_policy
from airflow_agentic.powers.airflow_account import airflow_powers
from airflow_agentic.powers.sql import sql_powers
from airflow_agentic.rulings import forge_powers, tools
from airflow_agentic.scope import read_scope
from airflow_agentic.store.usage import first_line, last_uses
from airflow_agentic.wiring import Parts

log = logging.getLogger(__name__)

UNUSED_DAYS = 30
_CHANGES = ("opening a pull request", "opening a draft revert")


def probe(parts: Parts) -> Iterator[Power]:
    """Yield what the connections' credentials can really do; ``unknown`` where one cannot be asked."""
    scope = parts.scope
    if scope.repository:
        try:
            forge = build_forge(scope, changes=parts.store.changes, connect=wiring.connection, closing=parts.closing)
            yield from forge_powers(forge.powers())
        except AgenticError as error:
            log.warning("The forge could not be asked what its credential can do: %s", error)
            yield Power(area="forge", what="unknown: the forge could not be asked what its credential can do")
    for name in dict.fromkeys((*scope.staging_connections.values(), *scope.data_connections)):
        yield from sql_powers(name, wiring.connection(name))
    if scope.airflow_conn_id:
        yield from airflow_powers(parts.rest())


def show(parts: Parts) -> tuple[dict[str, str], ...]:
    """Return every power and guard, one row each."""
    now = parts.rulings.manifest(probe(parts))
    rows = [{"kind": "power", "area": p.area, "what": p.what, "level": f"{p.level:g}"} for p in now.powers]
    return (*rows, *({"kind": "guard", "area": "", "what": guard, "level": ""} for guard in now.guards))


def diff(parts: Parts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is wider than the lock, and what the lock grants that is not there any more."""
    now = parts.rulings.manifest(probe(parts))
    path = _path(parts)
    found = held_back(path, now, parts.store.incidents)
    try:
        less = narrower(now, read_lock(path, repository=now.repository).manifest)
    except SettingsError:
        less = ()
    return found, less


def diff_offline(policy_file: str, scope_json: str, lock_file: str) -> tuple[str, ...]:
    """Return what a change of policy or connection makes wider than the lock; asks nobody.

    :param scope_json: the connection's extra, as JSON text.
    :raises SettingsError: a file is not valid, or the lock is another repository's.
    """
    scope = read_scope(scope_json, conn_id="of the given file")
    now = manifest(read_policy(policy_file), scope, tools=tools())
    return wider(now, read_lock(lock_file, repository=scope.repository).manifest)


def accept_now(parts: Parts, *, by: str, why: str, path: str = "") -> tuple[Accepted, tuple[str, ...]]:
    """Accept everything that is possible now; return the acceptance and what was new.

    :param path: of the lock, if not the configured one.
    """
    now: Manifest = parts.rulings.manifest(probe(parts))
    target = path or _path(parts)
    found = held_back(target, now, parts.store.incidents)
    kept = accept(target, now, parts.store.incidents, parts.store.ledger, by=by, why=why, differences=found)
    return kept, found


def unused(parts: Parts, *, today: datetime | None = None) -> tuple[dict[str, str], ...]:
    """Return the powers that were not used for 30 days, and those of which no use is ever told."""
    since = ((today or datetime.now(timezone.utc)) - timedelta(days=UNUSED_DAYS)).isoformat()
    uses, begun = last_uses(parts.store.database), first_line(parts.store.database)
    rows = []
    for power in parts.rulings.manifest(probe(parts)).powers:
        acts = _acts(power)
        if not acts or (begun or since) >= since:  # a ledger that is younger tells nothing about 30 days
            continue
        last = max((uses.get(act, "") for act in acts), default="")
        if last < since:
            rows.append({"area": power.area, "what": power.what, "last_used": last or "never"})
    return tuple(rows)


def _acts(power: Power) -> tuple[str, ...]:
    """Return what is written down when a power is used; nothing for a power that no line tells of."""
    what = power.what
    if power.area == "tools":
        return (f"tool {what.split(' ')[0]}",)
    if power.area.startswith("sql:") or what.startswith(("workspace", "shapes of data")):
        return ("validate",) if not what.startswith("shapes") else ("gather",)
    if what.startswith("credential anthropic_conn_id"):
        return ("request",)
    if what.endswith("clear failed tasks") or what == "clear tasks":
        return ("clear",)
    if what.startswith(("permission push", "write every branch", "app permission contents: write", "scope ")):
        return _CHANGES
    return ()


def _path(parts: Parts) -> str:
    path = lock_path(parts.settings.permissions_lock, parts.policy.path)
    if not path:
        raise SettingsError(
            "Comparing permissions failed: there is no lock. Set [agentic] permissions_lock or policy_file to a path."
        )
    return path
