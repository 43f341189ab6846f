"""One call of Airflow's REST API v2 with an account's login: for what the read-only `AirflowReader` must not do.

Who holds it decides what it may do: `deliver` one clear, the staging workspace runs of the staging deployment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_agentic.errors import SourceUnavailable

if TYPE_CHECKING:
    import httpx


class AirflowRest:
    """An account of one Airflow.

    :param base_url: of the api-server, without ``/api/v2``.
    :param transport: another transport for httpx, such as a recorded one.
    """

    def __init__(
        self,
        base_url: str,
        username: str,
        password: str,
        *,
        timeout_s: float = 10.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/").removesuffix("/api/v2")
        self.username = username
        self._password = password
        self._timeout_s = timeout_s
        self._transport = transport
        self._token = ""

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        allowed: tuple[int, ...] = (),
        below: str = "/api/v2",
    ) -> tuple[int, dict[str, Any]]:
        """Send one request and return status and JSON object.

        :param allowed: statuses from 400 on that are answers and not errors.
        :param below: where *path* begins; ``/auth``: the auth manager's own API.
        :raises SourceUnavailable: Airflow does not answer, or refuses; whether it has acted is not known then.
        """
        import httpx

        try:
            with httpx.Client(base_url=self.base_url, timeout=self._timeout_s, transport=self._transport) as client:
                answer = self._send(client, method, f"{below}{path}", body)
                if answer.status_code == 401:
                    self._token = ""
                    answer = self._send(client, method, f"{below}{path}", body)
        except httpx.HTTPError as error:
            raise SourceUnavailable(
                f"{method} {path!r} at Airflow {self.base_url!r} failed: {type(error).__name__}: {error}. "
                "Check that the api-server runs and that the connection names its host and port."
            ) from error
        if answer.status_code >= 400 and answer.status_code not in allowed:
            raise SourceUnavailable(
                f"{method} {path!r} at Airflow {self.base_url!r} as {self.username!r} failed: HTTP "
                f"{answer.status_code}, {answer.text[:300]!r}. Check the account's role and what it was asked for."
            )
        try:
            found = answer.json() if answer.content else {}
        except ValueError:
            found = {}
        return answer.status_code, found if isinstance(found, dict) else {}

    def _send(self, client: httpx.Client, method: str, path: str, body: Mapping[str, Any] | None) -> httpx.Response:
        if not self._token:
            login = {"username": self.username, "password": self._password}
            answer = client.post("/auth/token", json=login)
            token = answer.json().get("access_token") if answer.status_code in (200, 201) else None
            if not token:
                raise SourceUnavailable(
                    f"Logging in to Airflow at {self.base_url!r} as {self.username!r} failed: HTTP "
                    f"{answer.status_code}. Set login and password of its connection."
                )
            self._token = str(token)
        headers = {"Authorization": f"Bearer {self._token}"}
        return client.request(method, path, json=None if body is None else dict(body), headers=headers)


def part(text: str) -> str:
    """Return *text* as one part of a path: run ids hold ``+`` and ``:``, and a slash must not leave its place."""
    return quote(text, safe="")
