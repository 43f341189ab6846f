"""The name of somebody who answered → what Airflow knows of them now, or why it cannot tell.

Airflow's own API has no users; only the FAB auth manager adds some (``/auth/fab/v1/users``, tried on its 3.10.2). The
SimpleAuthManager answers that address with its login page, others with 404: there the policy's list alone holds. FAB's
users are found by name: it tells no id, so a user who was deleted and made anew under the same name is the same here.
"""

from __future__ import annotations

from airflow_agentic.airflow_rest import AirflowRest, part
from airflow_agentic.guardrails.approver import Known

_USERS = "/fab/v1/users"


def airflow_user(rest: AirflowRest, name: str) -> Known:
    """Return what Airflow knows of a user.

    :raises SourceUnavailable: Airflow does not answer; whoever acts on their word must wait.
    """
    status, listed = rest.call("GET", f"{_USERS}?limit=1", allowed=(401, 403, 404, 405), below="/auth")
    if status in (401, 403):
        why = f"the account {rest.username!r} of airflow_conn_id may not read users; give its role 'can read on Users'"
        return Known(untold=f"Airflow was not asked whether {name!r} is active: {why}")
    if status != 200 or "users" not in listed:
        return Known(untold=f"Airflow cannot tell whether {name!r} is active: its auth manager lists no users")
    status, found = rest.call("GET", f"{_USERS}/{part(name)}", allowed=(404,), below="/auth")
    if status == 404:
        return Known(gone=f"Airflow does not know {name!r} any more")
    if found.get("username") != name:
        return Known(gone=f"Airflow answers with another user than {name!r}")
    return Known(gone=f"{name!r} is deactivated in Airflow") if found.get("active") is not True else Known()
