"""Connections → whose account is used twice: by the agent and a pipeline or person, or by staging and production.

Passwords and tokens are compared here, by their digests, and are neither kept nor told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_agentic.staging_twins import same_place

Known = Callable[[str], Any]
"""Connection id → connection, or None where there is none of that id."""
_COMMON = frozenset(
    ("", "airflow", "admin", "root", "postgres", "sa", "sys", "system", "user", "default", "x-access-token", "git")
)
"""Logins that are the same word everywhere and no account that is shared."""
_SECRETS = ("token", "private_key", "private_key_content", "aws_secret_access_key", "api_key", "keyfile_dict")


@dataclass(frozen=True, kw_only=True)
class Account:
    """A connection, and what it is for."""

    use: str
    """``airflow_conn_id``, ``staging`` ..."""
    conn_id: str
    conn: Any


def shared_accounts(ours: Mapping[str, str], theirs: Iterable[str], known: Known) -> tuple[str, ...]:
    """Return one sentence per account of the agent's that pipelines use as well.

    :param ours: field of the agentic connection → connection id.
    :param theirs: connections of the pipelines.
    """
    pipelines = [Account(use="the pipelines'", conn_id=name, conn=known(name)) for name in dict.fromkeys(theirs)]
    return tuple(_shared(((field, conn_id, known(conn_id)) for field, conn_id in ours.items()), pipelines))


def shared_with_staging(mapped: Mapping[str, str], known: Known) -> tuple[str, ...]:
    """Return one sentence per staging connection that is the account of a production one, whatever it leads to.

    :param mapped: production connection id → staging connection id.
    """
    found = []
    for staging in dict.fromkeys(mapped.values()):
        there = known(staging)
        for production in mapped:
            here = known(production)
            if staging == production or there is None or here is None:
                continue
            if why := _same(there, here):
                found.append(f"staging {staging!r} {why} production {production!r}")
    return tuple(found)


def places_shared(mapped: Mapping[str, str], known: Known) -> tuple[str, ...]:
    """Return the staging connections that lead where any production one leads."""
    found = []
    for staging in dict.fromkeys(mapped.values()):
        there = known(staging)
        for production in mapped:
            here = known(production)
            if staging == production or (there is not None and here is not None and same_place(there, here)):
                found.append(f"{staging!r} is {production!r}")
    return tuple(found)


def _shared(ours: Iterable[tuple[str, str, Any]], theirs: Iterable[Account]) -> Iterator[str]:
    pipelines = list(theirs)
    for field, conn_id, mine in ours:
        for other in pipelines:
            if other.conn_id == conn_id:
                yield f"{field} is the pipelines' own connection {conn_id!r}"
            elif mine is not None and other.conn is not None and (why := _same(mine, other.conn)):
                yield f"{field} {conn_id!r} {why} the pipelines' {other.conn_id!r}"


def _same(one: Any, other: Any) -> str:
    """Say how two connections are one account; empty where they are not."""
    login, host = str(one.login or ""), str(one.host or "").lower()
    if login and login == (other.login or "") and host == str(other.host or "").lower():
        return f"has the login {login!r} of"
    if _digests(one) & _digests(other):
        return "has the password or token of"
    if login.lower() not in _COMMON and login == (other.login or ""):
        return f"has the login {login!r} of"
    return ""


def _digests(conn: Any) -> set[str]:
    """Return digests of a connection's secrets; short ones are no secrets and say nothing."""
    extra = getattr(conn, "extra_dejson", None)
    held = [conn.password, *((extra or {}).get(name) for name in _SECRETS if isinstance(extra, dict))]
    return {hashlib.sha256(str(one).encode()).hexdigest() for one in held if one and len(str(one)) >= 6}
