"""``agentic_permissions.lock``: the manifest that a person accepted, and whether what is now is wider.

It holds for one repository, names its own digest, and counts only if this deployment's store knows that a person
accepted it: neither a file that somebody edited nor one that came by a merge lets anything through by itself.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_agentic.errors import SettingsError
from airflow_agentic.guardrails.manifest import Manifest, Power, wider
from airflow_agentic.ports import Incidents, Ledger
from airflow_agentic.store.clock import now

ACCEPT_ID = "permissions"
"""Names the record of the last acceptance and its chain in the ledger."""
COMMAND = "airflow agentic permissions accept --why ..."
_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """Who let the agent have which powers; kept in the store and written into the lock."""

    digest: str
    by: str
    at: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A lock file, checked."""

    manifest: Manifest
    accepted: Accepted


def lock_path(permissions_lock: str, policy_file: str) -> str:
    """Return where the lock lies; empty: permissions are not locked, for neither a policy nor a lock is configured."""
    return permissions_lock or (
        os.path.join(os.path.dirname(policy_file), "agentic_permissions.lock") if policy_file else ""
    )


def read_lock(path: str, *, repository: str) -> Lock:
    """Return the lock. :raises SettingsError: it is missing, edited by hand, or another repository's."""

    def refused(why: str) -> SettingsError:
        return SettingsError(f"Reading the permission lock {path!r} failed: {why}. Look at it, then: {COMMAND}")

    try:
        said = json.loads(Path(path).read_text(encoding="utf-8"))
        kept = Manifest(
            repository=_text(said["repository"]),
            powers=tuple(Power(area=_text(a), what=_text(w), level=float(n)) for a, w, n in said["powers"]),
            guards=tuple(_text(guard) for guard in said["guards"]),
        )
        accepted = Accepted(**{name: _text(said["accepted"][name]) for name in ("digest", "by", "at", "why")})
    except FileNotFoundError as error:
        raise refused("there is none, so nothing was accepted") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise refused(f"it is not readable ({type(error).__name__})") from error
    if said.get("version") != _VERSION:
        raise refused(f"its version is {said.get('version')!r}, {_VERSION} is known")
    if kept.digest() != accepted.digest:
        raise refused("its content is not what was accepted; it was edited by hand or cut short")
    if kept.repository != repository:
        raise refused(f"it is the lock of {kept.repository!r}, the connection names {repository!r}")
    return Lock(manifest=kept, accepted=accepted)


def accept(
    path: str,
    manifest: Manifest,
    incidents: Incidents,
    ledger: Ledger,
    *,
    by: str,
    why: str,
    differences: tuple[str, ...],
) -> Accepted:
    """Write down that a person accepts *manifest*: ledger, store, file, in this order; safe to repeat.

    :param differences: what is new, for the ledger.
    :raises AuditError: nothing was accepted.
    :raises SettingsError: the file could not be written; the store knows of it, so it can be repeated.
    """
    accepted = Accepted(digest=manifest.digest(), by=by, at=now(), why=why)
    facts = {"digest": accepted.digest, "by": by, "why": why, "differences": "\n".join(differences)}
    ledger.append(ACCEPT_ID, "permissions", "accepted", facts)
    incidents.keep(ACCEPT_ID, accepted)
    try:
        _write(path, manifest, accepted)
    except OSError as error:
        raise SettingsError(
            f"Writing the permission lock {path!r} failed: {type(error).__name__}. "
            "Give --lock a path that can be written."
        ) from error
    return accepted


def held_back(path: str, manifest: Manifest, incidents: Incidents) -> tuple[str, ...]:
    """Return why work must stop at the diagnosis, one sentence per difference; none: nothing is wider.

    :param path: empty: permissions are not locked.
    :param manifest: with the powers that are known where it is asked; those that are not are not compared.
    """
    if not path:
        return ()
    try:
        lock = read_lock(path, repository=manifest.repository)
    except SettingsError as error:
        return (str(error),)
    known: Accepted | None = incidents.kept(ACCEPT_ID, Accepted)
    if known is None or known.digest != lock.accepted.digest:
        return (f"The lock {path!r} was not accepted in this deployment. Look at `permissions diff`, then: {COMMAND}",)
    return wider(manifest, lock.manifest)


def digest_at(path: str) -> str:
    """Return the digest that the lock names, for the ledger; a word where there is none."""
    if not path:
        return "unlocked"
    try:
        return str(json.loads(Path(path).read_text(encoding="utf-8"))["accepted"]["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        return "unreadable"


def _write(path: str, manifest: Manifest, accepted: Accepted) -> None:
    said = {"version": _VERSION, **manifest.as_json(), "accepted": vars(accepted)}
    beside = f"{path}.{os.getpid()}"
    Path(beside).write_text(_pretty(said), encoding="utf-8")
    os.replace(beside, path)


def _pretty(said: dict[str, Any]) -> str:
    """One power a line, so that a review of the lock reads like a list."""
    lines = {name: value for name, value in said.items() if name not in ("powers", "guards")}
    body = json.dumps(lines, indent=2, ensure_ascii=False)[:-2]
    lists = (
        f'  "{name}": [\n' + ",\n".join(f"    {json.dumps(item, ensure_ascii=False)}" for item in said[name]) + "\n  ]"
        for name in ("powers", "guards")
    )
    return f"{body},\n" + ",\n".join(lists) + "\n}\n"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
