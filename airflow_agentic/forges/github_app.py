"""A GitHub App's key → a token for one repository and one purpose, and its end after one delivery.

PyGithub cannot name repositories when it asks for an installation token, and a token of all of them is what a thief
wants; so it is asked for here. What GitHub gives is compared with what was asked: more is given back at once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_agentic.errors import DeliveryRefused, ForgeDown, ForgeError
from airflow_agentic.forges.github_access import Grant

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

CHANGE: Mapping[str, str] = {"contents": "write", "pull_requests": "write", "metadata": "read"}
"""What a draft pull request needs."""
ISSUE: Mapping[str, str] = {"issues": "write", "metadata": "read"}
"""What an issue needs."""
GITHUB = "https://api.github.com"
RENEW_S = 50 * 60
"""Age at which a token is replaced; GitHub ends it after an hour."""


@dataclass(frozen=True, kw_only=True)
class GithubApp:
    """An App and its installation, as a ``github`` connection describes them."""

    app_id: str
    installation_id: int
    private_key: str
    base_url: str = GITHUB


@dataclass(frozen=True, kw_only=True)
class AppToken:
    """A token that lives until `revoke`, an hour at the most."""

    token: str
    grant: Grant


def app_of(extra: Mapping[str, Any], host: str) -> GithubApp | None:
    """Return the App that a connection's extra describes; None if it describes none.

    :raises ForgeError: the key cannot be read, or a field is missing.
    """
    if not extra.get("app_id"):
        return None
    try:
        key = extra.get("private_key") or _read(str(extra["key_path"]))
        installation = int(extra["installation_id"])
    except (KeyError, ValueError, OSError) as error:
        raise ForgeError(
            f"Using the GitHub App {extra['app_id']!r} failed: {type(error).__name__}, {error}. "
            "Give app_id, installation_id and key_path or private_key in the github connection's extra."
        ) from error
    return GithubApp(
        app_id=str(extra["app_id"]),
        installation_id=installation,
        private_key=str(key),
        base_url=host.rstrip("/") or GITHUB,
    )


def mint(
    app: GithubApp, repository: str, permissions: Mapping[str, str], *, transport: httpx.BaseTransport | None = None
) -> AppToken:
    """Return a token for one repository with these permissions and nothing else.

    :raises ForgeError: GitHub refused; the App lacks a permission, or is not installed there.
    :raises DeliveryRefused: GitHub gave more than was asked for; the token was given back.
    """
    body = {"repositories": [repository.rsplit("/", maxsplit=1)[-1]], "permissions": dict(permissions)}
    said = _send(app, "POST", f"/app/installations/{app.installation_id}/access_tokens", _jwt(app), body, transport)
    grant = Grant(
        permissions=dict(said.get("permissions") or {}),
        repositories=tuple(str(one.get("full_name")) for one in said.get("repositories") or ()),
    )
    made = AppToken(token=str(said.get("token") or ""), grant=grant)
    beyond = [
        f"{name}: {level}" for name, level in grant.permissions.items() if permissions.get(name) not in (level, "write")
    ]
    beyond += [name for name in grant.repositories if name.casefold() != repository.casefold()]
    if beyond or not made.token or not grant.repositories:
        revoke(app, made, transport=transport)
        raise DeliveryRefused(
            f"Using the GitHub App {app.app_id!r} for {repository!r} was refused: asked for {dict(permissions)}, got "
            f"{', '.join(beyond) or 'a token whose repositories are not named'} as well. It was given back."
        )
    return made


def revoke(app: GithubApp, made: AppToken, *, transport: httpx.BaseTransport | None = None) -> None:
    """End the token. One that cannot be ended dies within the hour; that is logged, and no reason to fail."""
    try:
        _send(app, "DELETE", "/installation/token", made.token, None, transport)
    except ForgeError as error:
        log.warning("The installation token could not be revoked, it expires within the hour: %s", error)


def renewing_auth(make: Callable[[], AppToken], *, clock: Callable[[], float] = time.monotonic) -> Any:
    """Return PyGithub's authentication with a token that is replaced before it expires.

    :param make: called now, and again when the last token is `RENEW_S` old.
    :param clock: seconds that never go back, whatever the machine's clock does.
    """
    import github

    class Renewing(github.Auth.Token):
        def __init__(self) -> None:
            super().__init__(make().token)
            self._made_at = clock()

        @property
        def token(self) -> str:
            if clock() - self._made_at >= RENEW_S:
                self._made_at, self._token = clock(), make().token
            return str(self._token)

    return Renewing()


def _jwt(app: GithubApp) -> str:
    import github
    import jwt

    try:
        return str(github.Auth.AppAuth(app.app_id, app.private_key).token)
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        raise ForgeError(
            f"Using the GitHub App {app.app_id!r} failed: its key is no private key in PEM form. Download a new one."
        ) from error


def _send(
    app: GithubApp,
    method: str,
    path: str,
    token: str,
    body: Mapping[str, Any] | None,
    transport: httpx.BaseTransport | None,
) -> dict[str, Any]:
    import httpx

    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    try:
        with httpx.Client(base_url=app.base_url, timeout=20, transport=transport) as client:
            answer = client.request(method, path, json=None if body is None else dict(body), headers=headers)
    except httpx.HTTPError as error:
        raise ForgeDown(
            f"Reaching GitHub at {app.base_url!r} failed: {type(error).__name__}. Repeating is safe."
        ) from error
    if answer.status_code >= 400:
        raise (ForgeDown if answer.status_code >= 500 else ForgeError)(
            f"{method} {path} for the GitHub App {app.app_id!r} failed: HTTP {answer.status_code}, "
            f"{answer.text[:200]!r}. Install the App on the repository, with contents, pull requests and issues: write."
        )
    return dict(answer.json()) if answer.content else {}


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
