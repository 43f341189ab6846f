"""A ``github`` connection → the clients that one delivery needs: of an App's narrow token, or of a person's token.

A connection that names ``app_id`` is an App: each purpose gets a token of its own, for one repository and with the
permissions of that purpose; one that grows old is replaced, and all are revoked when the delivery is over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from airflow_agentic.forges.github_access import Grant
from airflow_agentic.forges.github_app import (
    CHANGE,
    ISSUE,
    AppToken,
    GithubApp,
    app_of,
    mint,
    renewing_auth,
    revoke,
)

Connect = Callable[[str], Any]


class GithubCredential:
    """One connection, for one repository; nothing is made before a client is asked for.

    :param closing: revokes the tokens when it is left; None: they expire within the hour.
    """

    def __init__(self, conn_id: str, repository: str, connect: Connect, closing: ExitStack | None) -> None:
        self._conn_id = conn_id
        self._repository = repository
        self._connect = connect
        self._closing = closing
        self._granted: Grant | None = None

    def for_changes(self) -> Any:
        """Return the client that may push branches and open pull requests. :raises ForgeError: GitHub gives none."""
        return self._client(CHANGE)

    def for_issues(self) -> Any:
        """Return the client that may open issues. :raises ForgeError: GitHub gives none."""
        return self._client(ISSUE)

    def grant(self) -> Grant | None:
        """Return what the App's token for changes was given; None before it is made, and for a person's token."""
        return self._granted

    def _client(self, permissions: Mapping[str, str]) -> Any:
        conn = self._connect(self._conn_id)
        app = None if conn.password else app_of(conn.extra_dejson or {}, conn.host or "")
        if app is None:
            from airflow.providers.github.hooks.github import GithubHook

            return GithubHook(github_conn_id=self._conn_id).get_conn()
        import github

        return github.Github(auth=renewing_auth(lambda: self._made(app, permissions)), base_url=app.base_url)

    def _made(self, app: GithubApp, permissions: Mapping[str, str]) -> AppToken:
        made = mint(app, self._repository, permissions)
        if self._closing is not None:
            self._closing.callback(revoke, app, made)
        if permissions is CHANGE:
            self._granted = made.grant
        return made
