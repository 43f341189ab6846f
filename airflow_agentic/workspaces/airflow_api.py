"""A team's staging Airflow → a `WorkspaceSession`: the branch is proved where the team would try it itself.

The tree is pushed to one fixed branch of a staging repository that the deployment's Dag bundle tracks; nothing is
pushed to production, and no code of the repository runs in this process. Refused where the deployment, or the
repository, is the production one.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from airflow_agentic.airflow_rest import AirflowRest
from airflow_agentic.errors import SourceUnavailable, WorkspaceError
from airflow_agentic.git import GitError, clone
from airflow_agentic.workspaces.api_session import ApiSession
from airflow_agentic.workspaces.staging_airflow import Patience, ReadLog, StagingAirflow
from airflow_agentic.workspaces.staging_branch import StagingBranch

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A staging Airflow and the repository that it serves."""

    rest: AirflowRest
    """An account that may trigger and delete runs there."""
    read_log: ReadLog
    remote: str
    """Git address of the staging repository."""
    branch: str = "agentic-staging"
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Gives git the credential for *remote*."""
    production_url: str = ""
    """Of the production deployment: must be another one."""
    patience: Patience = field(default_factory=Patience)


class AirflowApiWorkspace:
    """Builds sessions on a staging deployment; the setting ``airflow_api``."""

    name = "airflow_api"

    def __init__(
        self,
        clone_url: str,
        base_branch: str,
        dags_path: str,
        deployment: Deployment,
        git_environment: Mapping[str, str] | None = None,
    ) -> None:
        self._clone_url = clone_url
        self._base_branch = base_branch
        self._dags_path = dags_path
        self._deployment = deployment
        self._git_environment = git_environment

    def look(self) -> str:
        """Return which deployment would be used and its version; changes nothing.

        :raises WorkspaceError: it is production's, or its repository is, or it does not answer.
        """
        staging = self._deployment
        refuse_production(staging, clone_url=self._clone_url)
        return f"Airflow {self._version()} at {staging.rest.base_url}, branch {staging.branch} of its repository"

    def _version(self) -> str:
        try:
            return str(self._deployment.rest.call("GET", "/version")[1].get("version") or "unknown")
        except SourceUnavailable as error:
            raise WorkspaceError(f"Using the staging Airflow failed: {error}") from error

    @contextmanager
    def open(self, incident_id: str) -> Iterator[ApiSession]:
        """Clone the base branch and give the session; at its end our runs are deleted and the branch is put back.

        :raises WorkspaceError: the deployment or its repository is production's, or one of them cannot be reached.
        """
        staging = self._deployment
        refuse_production(staging, clone_url=self._clone_url)
        version = self._version()
        folder = tempfile.mkdtemp(prefix="agentic_staging_")
        session: ApiSession | None = None
        try:
            try:
                code = clone(
                    self._clone_url,
                    work_tree=os.path.join(folder, "clone"),
                    git_dir=os.path.join(folder, "git"),
                    branch=self._base_branch,
                    environment=self._git_environment,
                )
                commit = code.git("rev-parse", "HEAD").strip()
            except GitError as error:
                raise WorkspaceError(f"Cloning {self._base_branch!r} for the workspace failed: {error}") from error
            session = ApiSession(
                staging=StagingAirflow(staging.rest, staging.read_log, dags_path=self._dags_path),
                clone=code,
                branch=StagingBranch(
                    clone=code,
                    remote=staging.remote,
                    branch=staging.branch,
                    dags_path=self._dags_path,
                    base_commit=commit,
                    environment=staging.environment,
                ),
                base_commit=commit,
                version=version,
                patience=staging.patience,
            )
            log.info("Staging %s is open for %s at commit %s", staging.rest.base_url, incident_id, commit[:12])
            yield session
        except SourceUnavailable as error:
            raise WorkspaceError(f"Using the staging Airflow failed: {error}") from error
        finally:
            if session is not None:
                session.close()
            shutil.rmtree(folder, ignore_errors=True)


def refuse_production(staging: Deployment, *, clone_url: str) -> None:
    """Refuse a staging deployment or repository that is production's own.

    :raises WorkspaceError: it is; the message names the setting.
    """
    if staging.production_url and _places(staging.rest.base_url) & _places(staging.production_url):
        raise WorkspaceError(
            f"Using {staging.rest.base_url!r} as the staging Airflow failed: it is the production one. "
            "Name another deployment in staging_airflow_conn_id."
        )
    if _repository(staging.remote) == _repository(clone_url):
        raise WorkspaceError(
            f"Using {staging.remote!r} as the staging repository failed: it is the one that fixes are for. "
            "Give staging_remote a repository of its own, such as a mirror that only the staging bundle reads."
        )


def _places(url: str) -> set[tuple[str, int]]:
    """Return every name and address of a server, with its port."""
    split = urlsplit(url)
    host = (split.hostname or "").lower().rstrip(".")
    port = split.port or (443 if split.scheme == "https" else 80)
    try:
        found = {str(item[4][0]) for item in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError:
        found = set()
    return {(name, port) for name in {host, *found}}


def _repository(address: str) -> str:
    """Return an address without what does not tell repositories apart: credentials, ``.git``, a slash at the end."""
    text = address.removeprefix("file://")
    if "://" in text:
        split = urlsplit(text)
        text = f"{(split.hostname or '').lower()}{split.path}"
    elif "@" in text.partition(":")[0]:
        text = text.partition("@")[2].replace(":", "/", 1)
    elif os.path.exists(text):
        text = os.path.realpath(text)
    return text.rstrip("/").removesuffix(".git")
