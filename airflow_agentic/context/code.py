"""Repository of the failing Dag → the source that ran, and what was committed since it last worked.

The checkout is read-only by contract and its GIT_DIR lies outside of the tree (SECURITY_FACTS 3). The commit that
failed is checked out where Airflow knows it and the base branch has it; everything else is *unpinned*, and a Gap
says so, because the source shown may then differ from the source that ran.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping

from airflow_agentic.context.code_deleted import deleted_modules
from airflow_agentic.context.code_evidence import code_evidence
from airflow_agentic.context.code_history import Span, commits_between, deletion_of, describe, diffs, pins_of
from airflow_agentic.git import Clone, GitError, clone, run_git
from airflow_agentic.records import Checkout, Gap, SourceReport, Target
from airflow_agentic.repository import files, read_text, repository_path

MAX_COPY_FILES = 5_000
MAX_COPY_BYTES = 50_000_000
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


class CodeSource:
    """Source at the version that failed, its Dag file, and the commits between good and bad."""

    name = "code"

    def __init__(
        self,
        clone_url: str,
        base_branch: str,
        dags_path: str,
        *,
        work_dir: str,
        git_environment: Mapping[str, str] | None = None,
        bundle: str | None = None,
    ) -> None:
        """Keep where to read from; nothing is fetched before `read`.

        :param clone_url: URL, path of a work tree, bare repository or git bundle file; or a plain folder.
        :param dags_path: repository-relative folder that Airflow's Dag bundle serves; ``.`` for the root.
        :param work_dir: existing folder for the checkout; the caller removes it.
        :param git_environment: for a read-only credential, e.g. ``GIT_ASKPASS``.
        :param bundle: name of the Dag bundle that the repository serves; versions of other bundles pin nothing.
        """
        self._clone_url = clone_url
        self._base_branch = base_branch
        self._dags_path = dags_path.strip("/") if dags_path.strip("/") != "." else ""
        self._work_dir = work_dir
        self._environment = git_environment
        self._bundle = bundle

    def read(self, target: Target, so_far: SourceReport) -> SourceReport:
        """Return the checkout, the source around the errors and the commits that may have caused them.

        Never raises for a repository that cannot be had: that is a Gap.
        """
        if not self._clone_url:
            return SourceReport(
                gaps=(self._gap("no repository is set: fill clone_url or repository of the connection"),)
            )
        try:
            folder = tempfile.mkdtemp(prefix="code-", dir=self._work_dir)
            tree, git_dir = os.path.join(folder, "tree"), os.path.join(folder, "git")
            if self._is_plain_folder():
                return self._plain(target, so_far, tree)
            repository = clone(
                self._clone_url,
                work_tree=tree,
                git_dir=git_dir,
                branch=self._base_branch,
                environment=self._environment,
            )
            return self._from_git(target, so_far, repository)
        except (GitError, OSError) as error:
            return SourceReport(gaps=(self._gap(f"the repository could not be read: {error}"),))

    def _from_git(self, target: Target, so_far: SourceReport, repository: Clone) -> SourceReport:
        gaps: list[Gap] = []
        base = repository.git("rev-parse", "HEAD").strip()
        failed = self._pinned_commit(target, repository, gaps)
        commit = failed or base
        if commit != base:
            repository.git("checkout", "--quiet", "--detach", commit)
        checkout = self._checkout(target, repository.work_tree, commit, base, failed is not None, gaps)
        if checkout.dag_file is None:
            gaps.append(self._missing_dag_file(target, repository))
        elif not _exists(repository, base, checkout.dag_file):
            gaps.append(
                self._gap(
                    f"{checkout.dag_file} was deleted on {self._base_branch} since: a change to it cannot be merged"
                )
            )
        gaps += self._uncommitted(checkout, so_far)
        read = code_evidence(checkout, target, so_far)
        spans = self._spans(target, repository, commit, base, gaps)
        commits = tuple(e for span in spans for e in describe(commits_between(repository, span), span, read.touched))
        changed = (*diffs(repository, spans, read.touched), *deleted_modules(repository, checkout, so_far.errors))
        pins = tuple(e for span in spans if span.when == "before" for e in pins_of(repository, span))
        return SourceReport(evidence=(*read.evidence, *changed, *pins, *commits), checkout=checkout, gaps=tuple(gaps))

    def _plain(self, target: Target, so_far: SourceReport, tree: str) -> SourceReport:
        """Copy a folder that has no history; its symlinks stay behind."""
        source = _local(self._clone_url)
        total = 0
        for count, path in enumerate(files(source), start=1):
            total += os.path.getsize(os.path.join(source, path))
            if count > MAX_COPY_FILES or total > MAX_COPY_BYTES:
                return SourceReport(gaps=(self._gap(f"{source!r} is no repository and too large to copy"),))
            os.makedirs(os.path.dirname(os.path.join(tree, path)), exist_ok=True)
            shutil.copyfile(os.path.join(source, path), os.path.join(tree, path), follow_symlinks=False)
        os.makedirs(tree, exist_ok=True)
        gaps = [self._gap(f"{source!r} is no git repository: unpinned, without history, and no change can be proposed")]
        checkout = self._checkout(target, tree, "", "", False, gaps)
        read = code_evidence(checkout, target, so_far)
        return SourceReport(evidence=read.evidence, checkout=checkout, gaps=tuple(gaps))

    def _pinned_commit(self, target: Target, repository: Clone, gaps: list[Gap]) -> str | None:
        version = target.run.bundle_version or target.dag.bundle_version or _work_tree_commit(target.dag.fileloc)
        if version and self._bundle and target.dag.bundle_name and self._bundle != target.dag.bundle_name:
            gaps.append(
                self._gap(
                    f"unpinned: the repository serves bundle {self._bundle!r}, the Dag is of {target.dag.bundle_name!r}"
                )
            )
            return None
        if not version:
            gaps.append(
                self._gap(f"the run has no bundle version: unpinned, the newest commit of {self._base_branch} is shown")
            )
            return None
        found = _resolve(repository, version)
        if found is None:
            gaps.append(
                self._gap(f"unpinned: {version[:40]!r} is not on {self._base_branch}, whose newest commit is shown")
            )
        return found

    def _checkout(self, target: Target, tree: str, commit: str, base: str, pinned: bool, gaps: list[Gap]) -> Checkout:
        bare = Checkout(
            path=tree,
            commit=commit,
            base_branch=self._base_branch,
            base_commit=base,
            pinned=pinned,
            dag_file=None,
            dags_path=self._dags_path,
        )
        dag_file = find_dag_file(bare, target)
        return Checkout(
            path=tree,
            commit=commit,
            base_branch=self._base_branch,
            base_commit=base,
            pinned=pinned,
            dag_file=dag_file,
            dags_path=self._dags_path,
        )

    def _missing_dag_file(self, target: Target, repository: Clone) -> Gap:
        names = [p for p in (target.dag.relative_fileloc,) if p]
        for name in names:
            for path in (os.path.join(self._dags_path, name), name):
                gone = deletion_of(repository, path)
                if gone:
                    return self._gap(f"the Dag's file {path} was deleted by {gone}")
        return self._gap(f"no file of the repository defines Dag {target.dag.dag_id!r}")

    def _spans(self, target: Target, repository: Clone, commit: str, base: str, gaps: list[Gap]) -> tuple[Span, ...]:
        """Say which ranges of history matter: from good to bad, and from bad to now."""
        good = target.last_good
        after = (Span(start=commit, end=base, when="after"),) if commit != base else ()
        known = _resolve(repository, good.bundle_version) if good and good.bundle_version else None
        if known:
            return (Span(start=known, end=commit, when="before"), *after)
        since = (good.started_at or good.run_after) if good else None
        if since is None:
            gaps.append(
                self._gap("neither version nor time of a run that worked is known: the last commits are listed instead")
            )
            return (Span(start=None, end=commit, when="recent"), *after)
        gaps.append(self._gap("the version of the last good run is not known: commits are chosen by their date"))
        until = target.run.started_at or target.run.run_after or target.incident.first_seen
        return (Span(start=None, end=commit, when="before", since=since, until=until), *after)

    def _uncommitted(self, checkout: Checkout, so_far: SourceReport) -> list[Gap]:
        """A local work tree may hold what was never committed; then what ran is not what we read."""
        source = _local(self._clone_url)
        if not os.path.isdir(source) or checkout.commit != checkout.base_commit:
            return []
        printed = {frame.path for error in so_far.errors for frame in error.frames}
        paths = {checkout.dag_file, *(repository_path(checkout, path) for path in printed)} - {None}
        dirty = sorted(p for p in paths if p and _differs(os.path.join(source, p), os.path.join(checkout.path, p)))
        return [self._gap(f"not committed in {source!r}, so what ran may differ: {', '.join(dirty)}")] if dirty else []

    def _is_plain_folder(self) -> bool:
        source = _local(self._clone_url)
        if not os.path.isdir(source):
            return False
        try:
            run_git("rev-parse", "--git-dir", cwd=source, timeout_s=10)
        except GitError as error:
            return "not a git repository" in str(error)
        return False

    def _gap(self, reason: str) -> Gap:
        return Gap(source=self.name, reason=reason[:600])


def _work_tree_commit(fileloc: str | None) -> str | None:
    """Return the commit of the git work tree that a local bundle's Dag file lies in; None where there is none here."""
    folder = os.path.dirname(fileloc or "")
    if not os.path.isdir(folder):
        return None
    try:
        return run_git("rev-parse", "HEAD", cwd=folder).strip()
    except GitError:
        return None


def find_dag_file(checkout: Checkout, target: Target) -> str | None:
    """Return the repository-relative file of the Dag: where Airflow says it is, else the first that names it."""
    relative = target.dag.relative_fileloc
    for path in (os.path.join(checkout.dags_path, relative), relative) if relative else ():
        if os.path.isfile(os.path.join(checkout.path, path)):
            return path.replace(os.sep, "/")
    if target.dag.fileloc:
        found = repository_path(checkout, target.dag.fileloc)
        if found:
            return found
    literal = re.compile(rf"""(["']){re.escape(target.dag.dag_id)}\1""")
    function = re.compile(rf"def {re.escape(target.dag.dag_id)}\s*\(")
    naming = [p for p in files(checkout.path) if p.endswith(".py") and _defines(checkout, p, literal, function)]
    inside = [p for p in naming if p.startswith(checkout.dags_path)] or naming
    return inside[0] if inside else None


def _defines(checkout: Checkout, path: str, literal: re.Pattern[str], function: re.Pattern[str]) -> bool:
    text = read_text(checkout, path) or ""
    makes_dags = re.search(r"\bDAG\b|@dag\b", text) is not None
    return makes_dags and bool(literal.search(text) or function.search(text))


def _resolve(repository: Clone, version: str) -> str | None:
    if not _COMMIT.fullmatch(version):
        return None
    try:
        return repository.git("rev-parse", "--verify", "--quiet", f"{version}^{{commit}}").strip() or None
    except GitError:
        return None


def _exists(repository: Clone, commit: str, path: str) -> bool:
    try:
        repository.git("cat-file", "-e", f"{commit}:{path}")
    except GitError:
        return False
    return True


def _differs(a: str, b: str) -> bool:
    try:
        with open(a, "rb") as first, open(b, "rb") as second:
            return first.read(1_000_000) != second.read(1_000_000)
    except OSError:
        return False


def _local(url: str) -> str:
    return url.removeprefix("file://")
