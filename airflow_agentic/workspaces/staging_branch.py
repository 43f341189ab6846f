"""A work tree → one fixed branch of the staging repository, with a marker Dag that says which tree it is.

The branch is ours alone and holds one commit above the base branch: it is overwritten for each tree and put back to
the base at the end. Nothing else of the remote is written.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping

from airflow_agentic.errors import WorkspaceError
from airflow_agentic.git import Clone, GitError, run_git

MARKER_DAG = "agentic_staging_marker"
_MARKER = '''"""Written by airflow-agentic: tells which tree this deployment serves. Safe to delete."""
from airflow.sdk import DAG

dag = DAG("{dag}", schedule=None, tags=["{tag}"])
'''


class StagingBranch:
    """The one branch of the staging remote that proofs are served from."""

    def __init__(
        self,
        *,
        clone: Clone,
        remote: str,
        branch: str,
        dags_path: str,
        base_commit: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._clone = clone
        self._remote = remote
        self._branch = branch
        self._dags_path = dags_path
        self._base = base_commit
        self._environment = dict(environment or {})

    def serve(self) -> tuple[str, str]:
        """Push the work tree as it stands; return the commit and the marker's tag, which is new for every tree.

        :raises WorkspaceError: git failed, or the remote did not take it.
        """
        marker = posixpath.normpath(posixpath.join(self._dags_path, f"{MARKER_DAG}.py"))
        try:
            files = self._tree()
            tag = f"tree-{files[:20]}"
            blob = self._clone.git(
                "hash-object", "-w", "--stdin", stdin=_MARKER.format(dag=MARKER_DAG, tag=tag)
            ).strip()
            self._git("update-index", "--add", "--cacheinfo", f"100644,{blob},{marker}")
            tree = self._git("write-tree").strip()
            message = "A tree on trial, by airflow-agentic; this branch is overwritten"
            commit = self._git("commit-tree", tree, "-p", self._base, "-m", message).strip()
            self._push(commit)
        except GitError as error:
            raise WorkspaceError(
                f"Serving a tree on branch {self._branch!r} of the staging repository failed: {error}. "
                "Check staging_remote, and that staging_git_conn_id may write to that branch."
            ) from error
        return commit, tag

    def put_back(self) -> None:
        """Let the branch be the base branch again. :raises WorkspaceError: the remote did not take it."""
        try:
            self._push(self._base)
        except GitError as error:
            raise WorkspaceError(
                f"Putting branch {self._branch!r} of the staging repository back failed: {error}. "
                f"Push commit {self._base[:12]} there by hand."
            ) from error

    def _tree(self) -> str:
        self._git("read-tree", "--empty")
        self._git("add", "--all", "--force")
        return self._git("write-tree").strip()

    def _push(self, commit: str) -> None:
        where = (f"--git-dir={self._clone.git_dir}",)
        target = f"+{commit}:refs/heads/{self._branch}"
        run_git(*where, "push", "--quiet", self._remote, target, timeout_s=120.0, environment=self._environment)

    def _git(self, *arguments: str) -> str:
        """Run git with an index of its own: the clone's own stays what the work tree was checked out from."""
        where = (f"--git-dir={self._clone.git_dir}", f"--work-tree={self._clone.work_tree}")
        index = {"GIT_INDEX_FILE": os.path.join(self._clone.git_dir, "agentic-staging-index")}
        return run_git(*where, *arguments, cwd=self._clone.work_tree, environment=index)
