"""GitHub as the forge, through PyGithub: blob, tree, commit, reference, draft pull request. No clone, no force-push.

A branch is ours as long as every commit on it has our author and this fingerprint as trailer. An update is a new
commit on top of ours, so that a push of a person in the same moment makes ours fail (not a fast-forward) instead of
being lost. What the token can do is seen only in part: see docs/FACTS_forges.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timezone
from typing import Any
from urllib.parse import quote

from airflow_agentic.errors import ForgeDown, ForgeError
from airflow_agentic.forges._github_trees import BAD_MODES, GithubTrees
from airflow_agentic.forges._github_words import (
    WITHDRAWN,
    advice,
    blob_id,
    denied,
    hidden,
    marked,
    or_none,
    outcome,
    stays_closed,
)
from airflow_agentic.forges.github_access import GithubAccess, Grant
from airflow_agentic.forges.github_rivals import find_rival, say_once
from airflow_agentic.ports import BaseFiles, Protection, Rival
from airflow_agentic.records import (
    ChangeSet,
    ChangeState,
    Delivery,
    FileEdit,
    Finding,
    Outcome,
    OutcomeStatus,
    Whereabouts,
)

_AUTHOR = ("airflow-agentic", "airflow-agentic@localhost")
_COMMITS = 50
_CHANGE, _ISSUE = "change", "issue"


class GithubForge:
    """Publish into one repository of GitHub.

    :param client_factory: returns a ``github.Github``; called when first needed, so that building costs nothing.
    :param repository: ``owner/name``.
    :param base_branch: the branch that fixes are for; never written.
    :param accept: risks accepted by name, see `scope.ACCEPTABLE_RISKS`.
    :param label: marks our pull requests and issues.
    :param grant: what the client's token was given, once it is made; None for a token that GitHub tells nothing of.
    :param issue_client_factory: for issues, where they need another token.
    """

    name = "github"

    def __init__(
        self,
        client_factory: Callable[[], Any],
        repository: str,
        base_branch: str,
        accept: tuple[str, ...] = (),
        label: str = "agentic",
        grant: Callable[[], Grant | None] = lambda: None,
        issue_client_factory: Callable[[], Any] | None = None,
    ) -> None:
        self._client_factory = client_factory
        self._issue_client_factory = issue_client_factory or client_factory
        self._grant = grant
        self._repository = repository
        self._base = base_branch
        self._accept = frozenset(accept)
        self._trees = GithubTrees(self._repo)
        self._label = label
        self._opened: dict[str, tuple[Any, Any]] = {}

    def preflight(self) -> tuple[Finding, ...]:
        """Return what is unsafe: no base branch, nobody protects it, or the token can do more than it must."""
        with self._talking("checking the repository"):
            branch = or_none(lambda: self._repo().get_branch(self._base))
            if branch is None:
                return (
                    denied(f"{self._repository!r} has no branch {self._base!r}. Set base_branch to an existing one."),
                )
            access = self._access()
            return tuple(access.findings(protected=bool(branch.protected), accept=self._accept))

    def powers(self) -> tuple[str, ...]:
        """Return what the token can do, as far as GitHub tells. :raises ForgeError: it does not answer."""
        with self._talking("asking what the token can do"):
            branch = or_none(lambda: self._repo().get_branch(self._base))
            return tuple(self._access().powers(protected=bool(branch and branch.protected)))

    def protection(self) -> Protection:
        """Return what protects the base branch, and whose token this is."""
        with self._talking("asking what protects the base branch"):
            branch = or_none(lambda: self._repo().get_branch(self._base))
            return self._access().protection(protected=bool(branch and branch.protected))

    def open_change(self, delivery: Delivery) -> Outcome:
        """Open or update the draft pull request; safe to repeat, see `Forge.open_change`."""
        if delivery.change is None or delivery.branch == self._base or not delivery.branch.startswith("agentic/"):
            raise ForgeError(f"Opening a pull request for branch {delivery.branch!r} failed: not a branch of ours.")
        with self._talking(f"opening a pull request from {delivery.branch!r}"):
            base = self._repo().get_branch(self._base).commit.sha
            head = self._head(delivery.branch)
            pull = self._pull(delivery)
            if pull is not None and pull.state == "closed" and not pull.merged:
                return outcome(OutcomeStatus.RECORDED, pull, delivery, stays_closed(pull))
            if head and not self._only_ours(base, head, delivery.fingerprint):
                if pull is None:
                    raise ForgeError(f"Using branch {delivery.branch!r} was refused: it holds commits of a person.")
                detail = "A person has pushed to its branch; it is left as it is."
                return outcome(OutcomeStatus.PR_UNCHANGED, pull, delivery, detail)
            there = bool(head) and self._holds(base, str(head), delivery.change)
            if not there:
                self._push(delivery, base, head)
            if pull is not None and pull.state == "open":
                if there:
                    return outcome(OutcomeStatus.PR_UNCHANGED, pull, delivery, "The same change is there already.")
                pull.edit(title=delivery.title, body=delivery.body)
                return outcome(OutcomeStatus.PR_UPDATED, pull, delivery)
            text = {"title": delivery.title, "body": delivery.body, "draft": not delivery.ready}
            pull = self._repo().create_pull(base=self._base, head=delivery.branch, **text)
            return outcome(OutcomeStatus.PR_OPENED, pull, delivery, self._mark(pull, delivery))

    def open_issue(self, delivery: Delivery) -> Outcome:
        """Open or update the issue; safe to repeat."""
        with self._talking("opening an issue"):
            body = f"{delivery.body}\n{hidden(delivery)}\n"
            issue = self._issue(delivery)
            if issue is None:
                issue = self._repo(_ISSUE).create_issue(title=delivery.title, body=body, labels=[self._label])
                return outcome(OutcomeStatus.ISSUE_OPENED, issue, delivery)
            if issue.state == "closed":
                return outcome(OutcomeStatus.RECORDED, issue, delivery, stays_closed(issue))
            if issue.body != body:
                issue.edit(title=delivery.title, body=body)
            return outcome(OutcomeStatus.ISSUE_UPDATED, issue, delivery)

    def rival(self, delivery: Delivery) -> Rival | None:
        """Return an open pull request of a person's that already brings all of the change."""
        if delivery.change is None:
            return None
        with self._talking("looking for people's pull requests"):
            return find_rival(self._repo(), self._base, delivery.change, self._trees.readable)

    def remark(self, rival: Rival, delivery: Delivery) -> Outcome:
        """Comment there, once."""
        with self._talking(f"commenting on pull request {rival.name}"):
            pull = say_once(self._repo(), int(rival.name), delivery.body, hidden(delivery))
            detail = "A person's pull request already mends it; it was told so."
            return outcome(OutcomeStatus.REMARKED, pull, replace(delivery, change=None), detail)

    def withdraw(self, delivery: Delivery, *, note: str = "") -> str:
        """Close what is open, delete the branch if it holds only our commits; say what was done."""
        done = []
        with self._talking(f"withdrawing {delivery.branch!r}"):
            pull, issue = self._pull(delivery), self._issue(delivery)
            if pull is not None and pull.state == "open":
                if note:
                    pull.create_issue_comment(note)
                pull.edit(state="closed", body=marked(pull))
                done.append(f"pull request {pull.number} closed")
            if issue is not None and issue.state == "open":
                issue.edit(state="closed", body=marked(issue))
                done.append(f"issue {issue.number} closed")
            head = self._head(delivery.branch)
            if head and delivery.branch.startswith("agentic/"):
                base = self._repo().get_branch(self._base).commit.sha
                if self._only_ours(base, head, delivery.fingerprint):
                    self._ref(delivery.branch).delete()
                    done.append(f"branch {delivery.branch} deleted")
                else:
                    done.append(f"branch {delivery.branch} kept: a person has pushed to it")
        return ", ".join(done) or "there was nothing to undo"

    def whereabouts(self, delivery: Delivery) -> Whereabouts:
        """Return what became of the newest pull request of our branch."""
        with self._talking(f"looking at {delivery.branch!r}"):
            pull = self._pull(delivery)
            if pull is None:
                return Whereabouts(state=ChangeState.NONE)
            if pull.state == "open":
                return Whereabouts(state=ChangeState.OPEN, url=pull.html_url)
            if pull.merged_at is None:
                state = ChangeState.WITHDRAWN if WITHDRAWN in (pull.body or "") else ChangeState.CLOSED
                return Whereabouts(state=state, url=pull.html_url)
            at = pull.merged_at.astimezone(timezone.utc).isoformat(timespec="seconds")
            return Whereabouts(state=ChangeState.MERGED, url=pull.html_url, merged_at=at, commit=pull.merge_commit_sha)

    def base_files(self, paths: Sequence[str]) -> BaseFiles:
        """Return what the base branch holds at these paths now."""
        with self._talking("reading the base branch"):
            base = self._repo().get_branch(self._base).commit.sha
            return BaseFiles(commit=base, texts={path: self._trees.text(base, path) for path in paths})

    def follows(self, commit: str, ancestor: str) -> bool | None:
        """Say whether *commit* is *ancestor* or comes after it; None for a commit that GitHub does not know."""
        with self._talking("comparing commits"):
            found = or_none(lambda: self._repo().compare(ancestor, commit))
            return None if found is None else found.status in ("ahead", "identical")

    def _push(self, delivery: Delivery, base: str, head: str | None) -> None:
        """Make the commit on the current base; on a branch of ours it gets our last commit as a second parent."""
        import github

        repo = self._repo()
        assert delivery.change is not None
        entries = [self._tree_entry(base, edit) for edit in delivery.change.edits]
        tree = repo.create_git_tree(entries, base_tree=repo.get_git_commit(base).tree)
        parents = [repo.get_git_commit(sha) for sha in dict.fromkeys((head or base, base))]
        author = github.InputGitAuthor(*_AUTHOR)
        commit = repo.create_git_commit(delivery.commit_message, tree, parents, author=author, committer=author)
        if head:
            self._ref(delivery.branch).edit(commit.sha, force=False)
        else:
            repo.create_git_ref(f"refs/heads/{delivery.branch}", commit.sha)

    def _tree_entry(self, base: str, edit: FileEdit) -> Any:
        import github

        mode, blob = self._trees.entry(base, edit.path)
        if mode in BAD_MODES:
            raise ForgeError(f"Changing {edit.path!r} was refused: it is a link or a submodule on the base branch.")
        if blob != (None if edit.before is None else blob_id(edit.before)):
            raise ForgeError(
                f"Changing {edit.path!r} on {self._repository!r} failed: {self._base!r} has moved and holds "
                "another text. Clear the investigate task, so that the change is made and proved anew."
            )
        if edit.after is None:
            return github.InputGitTreeElement(edit.path, mode or "100644", "blob", sha=None)
        made = self._repo().create_git_blob(edit.after, "utf-8")
        return github.InputGitTreeElement(edit.path, mode or "100644", "blob", sha=made.sha)

    def _holds(self, base: str, head: str, change: ChangeSet) -> bool:
        files = {file.filename for file in self._repo().compare(base, head).files}
        if files != {edit.path for edit in change.edits}:
            return False
        wanted = ((edit.path, None if edit.after is None else blob_id(edit.after)) for edit in change.edits)
        return all(self._trees.entry(head, path)[1] == blob for path, blob in wanted)

    def _only_ours(self, base: str, head: str, fingerprint: str) -> bool:
        found = self._repo().compare(base, head)
        if found.total_commits > _COMMITS:
            return False
        trailer = f"Agentic-Fingerprint: {fingerprint}"
        return all(
            c.commit.author.email == c.commit.committer.email == _AUTHOR[1] and trailer in c.commit.message.splitlines()
            for c in found.commits
        )

    def _pull(self, delivery: Delivery) -> Any:
        """Return the newest pull request of our branch, whatever its state; an open one first."""
        owner = self._repository.split("/")[0]
        found = self._repo().get_pulls(state="all", head=f"{owner}:{delivery.branch}", base=self._base)
        pulls = sorted(found, key=lambda pull: (pull.state == "open", pull.number))
        return pulls[-1] if pulls else None

    def _issue(self, delivery: Delivery) -> Any:
        found = self._repo(_ISSUE).get_issues(state="all", labels=[self._label])
        mark = hidden(delivery)
        ours = [issue for issue in found if mark in (issue.body or "") and issue.pull_request is None]
        return max(ours, key=lambda issue: (issue.state == "open", issue.number), default=None)

    def _mark(self, pull: Any, delivery: Delivery) -> str:
        """Label it and ask reviewers; return what did not work, which is no reason to fail."""
        import github

        notes = []
        try:
            pull.add_to_labels(*dict.fromkeys((self._label, *delivery.labels)))
        except github.GithubException as error:
            notes.append(f"The label {self._label!r} could not be set (HTTP {error.status}).")
        try:
            if delivery.reviewers:
                people = [name for name in delivery.reviewers if "/" not in name]
                teams = [name.rsplit("/", 1)[-1] for name in delivery.reviewers if "/" in name]
                pull.create_review_request(reviewers=people, team_reviewers=teams)
        except github.GithubException as error:
            notes.append(f"Reviewers {', '.join(delivery.reviewers)} could not be asked (HTTP {error.status}).")
        return " ".join(notes)

    def _access(self) -> GithubAccess:
        repo = self._repo()
        return GithubAccess(repo, self._base, self._opened[_CHANGE][0].oauth_scopes, self._grant())

    def _head(self, branch: str) -> str | None:
        found = or_none(lambda: self._repo().get_branch(branch))
        return found.commit.sha if found else None

    def _ref(self, branch: str) -> Any:
        """Return the reference by the address that writes are documented for.

        PyGithub writes to whatever address the last answer named; an address of ``git/ref/`` cannot be written to.
        """
        from github.GitRef import GitRef

        repo = self._repo()
        address = {"url": f"{repo.url}/git/refs/heads/{quote(branch)}", "ref": f"refs/heads/{branch}"}
        return GitRef(repo.requester, attributes=address, completed=True)

    def _repo(self, purpose: str = _CHANGE) -> Any:
        if purpose not in self._opened:
            client = (self._issue_client_factory if purpose == _ISSUE else self._client_factory)()
            self._opened[purpose] = (client, client.get_repo(self._repository))
        return self._opened[purpose][1]

    @contextmanager
    def _talking(self, doing: str) -> Iterator[None]:
        """Translate the SDK's and the network's errors; nothing was done that cannot be repeated."""
        import github
        import requests

        try:
            yield
        except github.GithubException as error:
            said = (error.data or {}).get("message", "") if isinstance(error.data, dict) else str(error.data)[:200]
            busy = error.status >= 500 or error.status == 429 or "rate limit" in said.lower()
            raise (ForgeDown if busy else ForgeError)(
                f"GitHub refused {doing} on {self._repository!r}: HTTP {error.status}, {said!r}. "
                f"{advice(error.status)} Clearing the deliver task is safe."
            ) from error
        except (requests.RequestException, OSError) as error:
            raise ForgeDown(
                f"Reaching GitHub while {doing} on {self._repository!r} failed: {type(error).__name__}. "
                "Clearing the deliver task is safe."
            ) from error
