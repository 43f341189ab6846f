"""The parts of one set-up → how its changes and permissions are governed. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_agentic.errors import AgenticError, SettingsError, SourceUnavailable
from airflow_agentic.guardrails.lock import ACCEPT_ID, Accepted, read_lock
from airflow_agentic.guardrails.manifest import Power, wider
from airflow_agentic.permissions import probe
from airflow_agentic.plugs import build_forge
from airflow_agentic.policy.policy import Mandate
from airflow_agentic.policy.terms import ActionClass
from airflow_agentic.ports import Effect
from airflow_agentic.powers.airflow_user import airflow_user
from airflow_agentic.powers.sql import sql_powers
from airflow_agentic.records import Decision
from airflow_agentic.rulings import tools
from airflow_agentic.wiring import Parts, connection

_TOO_MUCH = {
    "airflow": ("change connections", "change variables", "change pools", "delete Dags"),
    "sql": ("superuser", "create roles", "create databases", "replicate", "bypass row security", "the server's files"),
}
"""Area of a power → powers there that nothing of ours needs."""
_WRITES = ("insert", "update", "delete", "truncate", "create", "superuser", "the server's files")
_OUR_EFFECTS = (Effect.READ.value, Effect.WORKSPACE.value)


def forge_facts(parts: Parts) -> dict[str, Any]:
    """Return what protects the base branch, what the token can do, and whose it is. :raises AgenticError: no forge."""
    scope = parts.scope
    forge = build_forge(scope, changes=parts.store.changes, connect=connection, closing=parts.closing)
    faults = tuple(f.message for f in forge.preflight() if f.decision is Decision.DENY)
    found = forge.protection()
    people = {person.rpartition("/")[2].lower() for person in _people(parts)}
    shared = [f"the forge token is a person's: {why}" for why in found.of_a_person]
    if found.login and found.login.lower() in people:
        shared.append(f"the forge token is that of {found.login!r}, who is asked to review: a change approves itself")
    return {
        "forge_faults": faults,
        "base_protected": found.protected,
        "reviews_required": found.reviews,
        "review_bypass": found.bypass,
        "token_wide": found.wide,
        "forge_people": tuple(shared),
    }


def lock_facts(parts: Parts) -> dict[str, Any]:
    """Return who accepted the permissions, when and why, and what the credentials can do beyond that."""
    powers = tuple(probe(parts))
    beyond = tuple(f"{power.area}: {power.what}" for power in powers if _too_much(power))
    found: dict[str, Any] = {"account_wide": beyond}
    path = parts.rulings.lock_path()
    if not path:
        return found
    try:
        lock = read_lock(path, repository=parts.scope.repository)
    except SettingsError as error:
        return {**found, "lock_fault": str(error)}
    known: Accepted | None = parts.store.incidents.kept(ACCEPT_ID, Accepted)
    if known is None or known.digest != lock.accepted.digest:
        return {**found, "lock_fault": f"{path!r} was not accepted in this deployment"}
    said = lock.accepted
    differences = wider(parts.rulings.manifest(powers), lock.manifest)
    return {**found, "lock": f"by {said.by} on {said.at[:10]} ({said.why})", "lock_wider": differences}


def policy_facts(parts: Parts) -> dict[str, Any]:
    """Return where the policy is, which action classes a person is asked about, and which may happen unasked."""
    policy, conn_id = parts.policy.current(), parts.scope.airflow_conn_id
    mandates = [policy.mandate(rule, parts.scope) for rule in (None, *policy.file.rules)]
    asked = [kind for kind in ActionClass if all(_asks(mandate, kind) for mandate in mandates)]
    unasked = [kind for kind in ActionClass if any(_possible(m, kind) and not _asks(m, kind) for m in mandates)]
    approvers = tuple(dict.fromkeys(name for mandate in mandates for name in mandate.approvers))
    login = str(connection(conn_id).login or "") if conn_id else ""
    answers = f"airflow_conn_id {conn_id!r} has the login {login!r}, who answers or writes the policy as a person"
    return {
        "policy": policy.path,
        "approvals": tuple(kind.value for kind in asked),
        "unasked": tuple(kind.value for kind in unasked),
        "approvers": approvers,
        "gone_approvers_untold": _untold(parts, login),
        "airflow_people": (answers,) if login in (*approvers, *policy.file.written_by) else (),
        "tools_beyond": tuple(name for name, effect in tools() if effect not in _OUR_EFFECTS),
    }


def _untold(parts: Parts, login: str) -> str:
    """Return why Airflow cannot tell of its users, asked about the agent's own account."""
    if not login:
        return "there is no airflow_conn_id"
    try:
        return airflow_user(parts.rest(), login).untold
    except SourceUnavailable as error:
        return str(error)


def warehouse_facts(parts: Parts) -> dict[str, Any]:
    """Return which warehouse connections answered, and what their roles can do beyond reading.

    :raises AgenticError: one did not answer.
    """
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    from airflow_agentic.context.engines import read_only_engine

    answered, writes = [], []
    for name in parts.scope.data_connections:
        engine = read_only_engine(connection(name), name)
        try:
            with engine.connect() as asked:
                asked.execute(text("SELECT 1"))
        except SQLAlchemyError as error:
            raise AgenticError(f"data connection {name!r} did not answer: {type(error).__name__}") from error
        finally:
            engine.dispose()
        answered.append(name)
        writes += [f"{p.what} ({name})" for p in sql_powers(name, connection(name)) if p.what.startswith(_WRITES)]
    return {
        "warehouse_connections": tuple(answered),
        "warehouse_writes": tuple(writes),
        "landed_readable": parts.scope.data_locations,
    }


def _people(parts: Parts) -> Iterable[str]:
    """Yield everybody who is asked to review."""
    policy = parts.policy.current()
    for rule in (None, *policy.file.rules):
        yield from policy.mandate(rule, parts.scope).scope.reviewers


def _too_much(power: Power) -> bool:
    return power.what.startswith(_TOO_MUCH.get(power.area.split(":")[0], ("\0",)))


def _asks(mandate: Mandate, kind: ActionClass) -> bool:
    return any(chain.response is kind and chain.trigger == "*" for chain in mandate.chains)


def _possible(mandate: Mandate, kind: ActionClass) -> bool:
    """Say whether it can happen at all: a backfill is only ever printed, the rest by the connection's fields."""
    if kind is ActionClass.CLEAR:
        return mandate.scope.may_clear
    if kind is ActionClass.STAGING_WRITE:
        return bool(mandate.scope.staging_connections)
    if kind is ActionClass.PROTECTED_PATH:
        return bool(mandate.asked_paths)
    return kind is not ActionClass.BACKFILL
