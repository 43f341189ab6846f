"""A captured case's repository, as a bundle or a folder → a bare remote with one branch, and where its Dags lie."""

from __future__ import annotations

import os
import shutil
import tempfile

from airflow_agentic.errors import SettingsError
from airflow_agentic.git import GitError, run_git
from airflow_agentic.scope import Scope

BRANCH = "main"


def bare_repository(case_dir: str, path: str) -> str:
    """Lay the case's repository out as a bare remote with one branch; return its path.

    :raises SettingsError: there is neither a bundle nor a folder.
    """
    bundle, plain = os.path.join(case_dir, "pipeline.bundle"), os.path.join(case_dir, "pipeline")
    try:
        run_git("init", "--quiet", "--bare", f"--initial-branch={BRANCH}", path)
        if os.path.isfile(bundle):
            heads = run_git("ls-remote", "--heads", bundle).split()
            head = f"refs/heads/{BRANCH}" if f"refs/heads/{BRANCH}" in heads else heads[1]
            run_git("fetch", "--quiet", bundle, f"{head}:refs/heads/{BRANCH}", cwd=path)
        else:
            with tempfile.TemporaryDirectory(prefix="agentic-tree-") as work:
                tree = os.path.join(work, "tree")
                shutil.copytree(plain, tree, ignore=shutil.ignore_patterns(".git", "__pycache__"))
                where = (f"--git-dir={path}", f"--work-tree={tree}")
                run_git(*where, "add", "--all", cwd=tree)
                run_git(*where, "commit", "--quiet", "-m", "pipeline", cwd=tree)
    except (GitError, OSError, IndexError) as error:
        raise SettingsError(f"Reading the case's repository in {case_dir!r} failed: {error}.") from error
    return path


def dags_folder(remote: str) -> str:
    """Return the folder that holds the Dags: ``dags`` where there is one, else the root."""
    folders = run_git("ls-tree", "-d", "--name-only", BRANCH, cwd=remote).split()
    return "dags" if "dags" in folders else "."


def dag_file(scope: Scope, dag_id: str) -> str | None:
    """Return the file that names the Dag, repository-relative; None if none does."""
    try:
        found = run_git(
            "grep",
            "-lF",
            "-e",
            f'"{dag_id}"',
            "-e",
            f"'{dag_id}'",
            "-e",
            f"def {dag_id}(",
            BRANCH,
            "--",
            scope.dags_path,
            cwd=scope.repository,
        )
    except GitError:
        return None
    files = [line.partition(":")[2] for line in found.splitlines() if line.endswith(".py")]
    return files[0] if files else None
