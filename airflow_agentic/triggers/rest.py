"""An `http` connection → a triage run through Airflow's REST API, within a fixed time, where no other means exist.

The Dag processor has no message for starting a run, and a hung request there costs every Dag of that file. So the
whole exchange runs on a thread of its own that is given up when its time is over: a name server alone can hang longer
than any time-out of a socket.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from airflow_agentic.errors import AgenticError

CALL_S = 3.0
TOTAL_S = 6.0


class RestFailed(AgenticError):
    """Airflow's API did not take the run; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class RestAccount:
    """Where Airflow's REST API is, and who asks."""

    url: str
    login: str
    password: str = field(repr=False)


def account_of(connection: Any, *, conn_id: str) -> RestAccount:
    """Return the account that an ``http`` connection describes.

    :raises RestFailed: it has no host, login or password.
    """
    if not connection.host or not connection.login or not connection.password:
        raise RestFailed(f"Connection {conn_id!r} has no host, login or password. Fill them in Admin → Connections")
    host = connection.host if "://" in connection.host else f"{connection.schema or 'http'}://{connection.host}"
    address = urlsplit(host)
    port = f":{connection.port}" if connection.port and not address.port else ""
    url = f"{address.scheme}://{address.netloc}{port}{address.path.rstrip('/')}"
    return RestAccount(url=url, login=connection.login, password=connection.password)


def post_run(account: RestAccount, dag_id: str, body: dict[str, Any], *, total_s: float = TOTAL_S) -> tuple[bool, bool]:
    """Create the run; return whether it is new, and whether its Dag is paused.

    :param total_s: after that it is given up, whatever hangs.
    :raises RestFailed: nothing was created as far as we know; trying again is safe, the run id is the same.
    """
    answer: list[tuple[bool, bool] | Exception] = []
    thread = threading.Thread(target=_collect, args=(answer, account, dag_id, body), name="agentic-rest", daemon=True)
    thread.start()
    thread.join(total_s)
    if not answer:
        raise RestFailed(f"{account.url} did not answer within {total_s:g} s. See that the address is right")
    if isinstance(answer[0], Exception):
        raise RestFailed(f"{account.url}: {answer[0]}") from answer[0]
    return answer[0]


def _collect(answer: list[Any], account: RestAccount, dag_id: str, body: dict[str, Any]) -> None:
    try:
        answer.append(_exchange(account, dag_id, body))
    except Exception as error:  # noqa: BLE001
        # A border: whatever it is, the waiting thread raises it.
        answer.append(error)


def _exchange(account: RestAccount, dag_id: str, body: dict[str, Any]) -> tuple[bool, bool]:
    import httpx

    with httpx.Client(base_url=account.url, timeout=CALL_S) as client:
        reply = client.post("/auth/token", json={"username": account.login, "password": account.password})
        if reply.status_code not in (200, 201):
            raise RestFailed(f"HTTP {reply.status_code} for a token. See that login and password are right")
        client.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"
        dag = f"/api/v2/dags/{quote(dag_id, safe='')}"
        reply = client.post(f"{dag}/dagRuns", json=body)
        if reply.status_code not in (200, 201, 409):
            raise RestFailed(f"HTTP {reply.status_code} for a run of {dag_id!r}. {_CURES.get(reply.status_code, '')}")
        created = reply.status_code != 409
        state = client.get(dag) if created else None
        return created, bool(state is not None and state.status_code == 200 and state.json().get("is_paused"))


_CURES = {
    403: "The account needs the permission to trigger Dags (SimpleAuthManager: role 'user')",
    404: "Put triage_dag(...) into a Dag file, see that it has no import error",
}
