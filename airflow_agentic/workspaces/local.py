"""A clone of the base branch, a sandbox and a warm Airflow on this machine → a `WorkspaceSession`.

The clone's GIT_DIR and the clone itself lie where no run can see them; runs get copies. Nothing is downloaded, no
daemon is needed. What isolation this machine holds is asked live (`probe_layers`) and written into every proof.
"""

from __future__ import annotations

import logging
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec

from airflow_agentic.errors import WorkspaceError
from airflow_agentic.git import Clone, GitError, clone
from airflow_agentic.workspaces.environment import About, basic_environment
from airflow_agentic.workspaces.layers import build_sandbox, probe_layers
from airflow_agentic.workspaces.repository_checks import TOOLS
from airflow_agentic.workspaces.sandbox import INSIDE, TEMPORARY, Sandbox, interpreter_paths
from airflow_agentic.workspaces.session import LocalSession
from airflow_agentic.workspaces.staging import Limits, Staging
from airflow_agentic.workspaces.template import template_database
from airflow_agentic.workspaces.zygote import Zygote

log = logging.getLogger(__name__)


class LocalWorkspace:
    """Builds sessions on this machine; the setting ``local``."""

    name = "local"

    def __init__(
        self,
        clone_url: str,
        base_branch: str,
        dags_path: str,
        staging: Staging,
        accept_weaker: frozenset[str] = frozenset(),
        python: str = sys.executable,
        git_environment: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._clone_url = clone_url
        self._base_branch = base_branch
        self._dags_path = dags_path
        self._staging = staging
        self._accept_weaker = accept_weaker
        self._python = python
        self._git_environment = git_environment
        self._limits = limits or Limits()

    @contextmanager
    def open(self, incident_id: str) -> Iterator[LocalSession]:
        """Clone the base branch while Airflow is imported, prepare the data, and give the session.

        On exit every process is ended and the folder removed. Takes about as long as importing Airflow.

        :raises WorkspaceError: the repository cannot be cloned or holds links or submodules, a layer is missing that
            is not accepted, or the harness does not start.
        """
        layers = self._layers()
        template = template_database(self._python)
        folder = tempfile.mkdtemp(prefix="agentic_workspace_", dir=_beside_temporary())
        zygote: Zygote | None = None
        try:
            os.chmod(folder, 0o711)
            sandbox = build_sandbox(ports=[int(place.rpartition(":")[2]) for place in self._staging.reach])
            box = os.path.join(folder, "box")
            readable = self._readable()
            zygote = self._zygote(box, sandbox, template, folder, readable)
            zygote.start()
            code, commit = self._clone(folder)
            about = About(
                python=self._python,
                dags_path=self._dags_path,
                base_commit=commit,
                layers=layers,
                tools=_tools(self._python),
                readable=readable,
            )
            session = LocalSession(
                box=box,
                clone=code,
                template=template,
                zygote=zygote,
                sandbox=sandbox,
                staging=self._staging,
                limits=self._limits,
                about=about,
            )
            zygote.ready(self._limits.boot_s)
            if self._staging.prepare:
                session.prepare(self._staging.prepare)
            log.info("Workspace for %s is open at commit %s", incident_id, commit[:12])
            yield session
        finally:
            if zygote is not None:
                zygote.stop()
            _remove(folder)

    def _layers(self) -> tuple[tuple[str, str], ...]:
        probed = probe_layers(share_network=bool(self._staging.reach))
        weaker = [(name, how) for name, held, how in probed if not held]
        refused = [(name, how) for name, how in weaker if name not in self._accept_weaker]
        if refused:
            raise WorkspaceError(
                "Opening the workspace failed: this machine lacks the isolation layers "
                f"{'; '.join(f'{name} ({how})' for name, how in refused)}. Mend that, or accept the risk with "
                f"[agentic] accept_weaker_isolation = {','.join(name for name, _ in weaker)}."
            )
        if weaker:
            log.warning("The workspace goes without these isolation layers: %s", ", ".join(name for name, _ in weaker))
        return tuple((name, f"{'held' if held else 'missing'}: {how}") for name, held, how in probed)

    def _zygote(self, box: str, sandbox: Sandbox, template: str, folder: str, readable: tuple[str, ...]) -> Zygote:
        home = os.path.join(box, "home")
        os.makedirs(os.path.join(box, "runs"), mode=0o755)
        os.makedirs(os.path.join(home, "tmp"))
        shutil.copyfile(template, os.path.join(home, "airflow.db"))
        if sandbox.uid:
            for path in (home, os.path.join(home, "tmp"), os.path.join(home, "airflow.db")):
                os.chown(path, sandbox.uid, sandbox.uid)
        command = sandbox.command(
            [self._python, "-I", os.path.join(INSIDE, "harness.py")],
            python=self._python,
            readable=readable,
            writable=(box,),
            limits=self._limits,
        )
        environment = {
            k: v for k, v in basic_environment(self._python, home).items() if k != "AIRFLOW__SECRETS__BACKEND"
        }
        return Zygote(command, environment=environment, log_path=os.path.join(folder, "harness.log"), uid=sandbox.uid)

    def _readable(self) -> tuple[str, ...]:
        try:
            return (*interpreter_paths(self._python), INSIDE, *self._staging.readable)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            raise WorkspaceError(f"Asking the interpreter {self._python!r} for its folders failed: {error}") from error

    def _clone(self, folder: str) -> tuple[Clone, str]:
        try:
            code = clone(
                self._clone_url,
                work_tree=os.path.join(folder, "clone"),
                git_dir=os.path.join(folder, "git"),
                branch=self._base_branch,
                environment=self._git_environment,
            )
            commit = code.git("rev-parse", "HEAD").strip()
            entries = [line.split(None, 1) for line in code.git("ls-tree", "-r", "HEAD").splitlines()]
        except GitError as error:
            raise WorkspaceError(f"Cloning {self._base_branch!r} for the workspace failed: {error}") from error
        strange = [rest.split("\t", 1)[-1] for mode, rest in entries if mode in ("120000", "160000")]
        if strange:
            raise WorkspaceError(
                f"Using the clone failed: {strange[:5]} are symbolic links or submodules, which the "
                "workspace does not follow. Keep them out of the base branch's Dag repository."
            )
        return code, commit


def _tools(python: str) -> frozenset[str]:
    """Return which of the tools that check a repository the interpreter has."""
    if python == sys.executable:
        return frozenset(name for name in TOOLS if find_spec(name) is not None)
    asked = f"from importlib.util import find_spec; print(*(n for n in {TOOLS!r} if find_spec(n)))"
    done = subprocess.run(
        [python, "-I", "-c", asked], capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
    )
    return frozenset(done.stdout.split())


def _beside_temporary() -> str | None:
    """Return a folder that is not below the ones that the workspace has of its own; None: there is only that."""
    for path in (tempfile.gettempdir(), "/var/tmp"):
        apart = not any(f"{os.path.realpath(path)}/".startswith(f"{own}/") for own in TEMPORARY)
        if apart and os.path.isdir(path) and os.access(path, os.W_OK):
            return path
    return None


def _remove(folder: str) -> None:
    """Remove the folder, also where a run has taken its own rights away."""
    for at, names, _ in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            if not os.path.islink(path):
                os.chmod(path, stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
    if os.path.exists(folder):
        log.error("Removing the workspace's folder %r failed; remove it by hand", folder)
