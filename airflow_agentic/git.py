"""Git in a tree that strangers wrote: a bounded subprocess with hooks, filters and foreign configuration off.

SECURITY_FACTS 3 measured that only a GIT_DIR outside the work tree, with a configuration of its own, keeps every
driver from firing; so `clone` always separates the two, and nobody ever trusts a ``.git`` inside a workspace.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SAFE = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.attributesFile=/dev/null",
    "-c",
    "core.symlinks=false",
    "-c",
    "submodule.recurse=false",
    "-c",
    "commit.gpgSign=false",
    "-c",
    "protocol.ext.allow=never",
    "-c",
    "credential.helper=",
    "-c",
    "gc.auto=0",
    "-c",
    "advice.detachedHead=false",
)
_ENV = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_AUTHOR_NAME": "airflow-agentic",
    "GIT_AUTHOR_EMAIL": "airflow-agentic@localhost",
    "GIT_COMMITTER_NAME": "airflow-agentic",
    "GIT_COMMITTER_EMAIL": "airflow-agentic@localhost",
    "LC_ALL": "C.UTF-8",
}


class GitError(Exception):
    """A git command failed; the message holds the command and git's own words. Callers translate it."""


@dataclass(frozen=True, kw_only=True)
class Clone:
    """A work tree and, elsewhere, its GIT_DIR."""

    work_tree: str
    git_dir: str

    def git(self, *arguments: str, stdin: str | None = None, timeout_s: float = 60.0) -> str:
        """Run git on this clone and return its standard output.

        :raises GitError: it failed or took longer than *timeout_s*.
        """
        where = (f"--git-dir={self.git_dir}", f"--work-tree={self.work_tree}")
        return run_git(*where, *arguments, cwd=self.work_tree, stdin=stdin, timeout_s=timeout_s)


def run_git(
    *arguments: str,
    cwd: str | None = None,
    stdin: str | None = None,
    timeout_s: float = 60.0,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run one git command with nothing of the machine's or the tree's configuration, and return its output.

    :param environment: added to the safe one, e.g. ``GIT_ASKPASS`` for a read-only credential.
    :raises GitError: it failed or took longer than *timeout_s*.
    """
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/nonexistent", **_ENV, **(environment or {})}
    try:
        done = subprocess.run(
            ["git", *_SAFE, *arguments],
            cwd=cwd,
            env=env,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git {_shown(arguments)} took longer than {timeout_s:.0f} s") from error
    except OSError as error:
        raise GitError(f"git could not be started: {error}. Install git on this worker") from error
    if done.returncode:
        raise GitError(f"git {_shown(arguments)} failed ({done.returncode}): {done.stderr.strip()[-500:]}")
    return done.stdout


def clone(
    url: str,
    *,
    work_tree: str,
    git_dir: str,
    branch: str,
    timeout_s: float = 300.0,
    environment: Mapping[str, str] | None = None,
) -> Clone:
    """Clone *branch* with its history: files into *work_tree*, GIT_DIR outside of it; no submodules, no filters.

    :raises GitError: the repository or the branch cannot be had.
    """
    run_git(
        "clone",
        "--quiet",
        "--no-local",
        "--no-tags",
        "--no-recurse-submodules",
        "--branch",
        branch,
        "--single-branch",
        f"--separate-git-dir={git_dir}",
        "--",
        url,
        work_tree,
        timeout_s=timeout_s,
        environment=environment,
    )
    pointer = os.path.join(work_tree, ".git")
    if os.path.lexists(pointer):
        os.unlink(pointer)
    return Clone(work_tree=work_tree, git_dir=git_dir)


def _shown(arguments: Sequence[str]) -> str:
    return " ".join(a for a in arguments if not a.startswith("--git-dir") and "://" not in a)[:200]
