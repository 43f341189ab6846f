"""What a token can do at GitHub, and whether that is safe: permissions, scopes, protection, review, bypass.

GitHub tells some of it and not the rest: what cannot be told is a power by the name ``unknown``, and an unknown review
rule is refused like a missing one. Three places are asked for the review, because each is closed to some tokens:
rulesets (anybody who reads), classic protection (administration: read), GraphQL's ``refUpdateRule`` (knowledge).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from airflow_agentic.ports import Protection
from airflow_agentic.records import Decision, Finding

_REFUSED = (403, 404)
_TRAILER = "Agentic-Fingerprint:"
_COMMITS_READ = 30
_ADVICE = "Use a GitHub App, or a fine-grained token of this repository with contents and pull requests"
_QUERY = """query($owner: String!, $name: String!, $ref: String!) {
  repository(owner: $owner, name: $name) { ref(qualifiedName: $ref) {
    refUpdateRule { requiredApprovingReviewCount viewerCanPush } } } }"""


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What an installation token was given, as GitHub answered when it was made."""

    permissions: Mapping[str, str]
    repositories: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Review:
    required: bool | None
    """None: no place tells."""
    count: int = 0
    bypass: str = ""
    """How this token may do without; empty: not, as far as can be told."""


class GithubAccess:
    """One token on one repository.

    :param repo: PyGithub's repository.
    :param scopes: of a classic token; None where GitHub names none: a fine-grained token or an App.
    :param grant: of an installation token; None for a person's.
    """

    def __init__(self, repo: Any, base_branch: str, scopes: Iterable[str] | None, grant: Grant | None) -> None:
        self._repo = repo
        self._base = base_branch
        self._scopes = None if scopes is None else tuple(scope for scope in scopes if scope)
        self._grant = grant

    def findings(self, *, protected: bool, accept: frozenset[str]) -> Iterator[Finding]:
        """Yield a DENY for each thing that is unsafe and not accepted."""
        name = self._repo.full_name
        if not protected and "unprotected_base_branch" not in accept:
            yield _denied(
                f"Branch {self._base!r} of {name!r} is not protected, and a token that pushes branches can push to it. "
                "Protect it, or add 'unprotected_base_branch' to accept of the agentic connection."
            )
        wide = tuple(self._wide())
        if wide and "wide_token" not in accept:
            yield _denied(
                f"The token can do more than it must ({', '.join(wide)}). {_ADVICE}, or add 'wide_token' to accept."
            )
        if protected:
            yield from self._review_findings(accept)

    def protection(self, *, protected: bool) -> Protection:
        """Return what protects the base branch from this token, and whose token it is."""
        review = self._review() if protected else _Review(required=False)
        login = self._login()
        return Protection(
            protected=protected,
            reviews=None if review.required is None else review.count,
            bypass=review.bypass,
            wide=tuple(self._wide()),
            login=login,
            of_a_person=tuple(self._by_hand(login)) if login else (),
        )

    def powers(self, *, protected: bool) -> Iterator[str]:
        """Yield what the token can do, one sentence each."""
        may = {word for word in ("admin", "maintain", "push", "triage") if self._may(word)}
        yield from (f"permission {word}" for word in sorted(may))
        if not protected and (may & {"admin", "maintain", "push"} or self._granted("contents") == "write"):
            yield f"push to the base branch {self._base}"
        if self._grant is not None:
            yield from (f"app permission {name}: {level}" for name, level in sorted(self._grant.permissions.items()))
            yield from (f"reaches repository {name}" for name in sorted(self._grant.repositories))
        elif self._scopes is None:
            yield "unknown: a fine-grained token tells neither its permissions nor its other repositories"
        else:
            yield from (f"scope {scope}" for scope in sorted(self._scopes))
            yield "unknown: a classic token reaches every repository of its owner"
        if protected:
            review = self._review()
            if review.required is not True:
                yield (
                    f"merge to {self._base} without a review"
                    if review.required is False
                    else (f"unknown: whether {self._base} requires a review")
                )
            if review.bypass:
                yield f"bypass the review of {self._base}: {review.bypass}"

    def _review_findings(self, accept: frozenset[str]) -> Iterator[Finding]:
        review = self._review()
        name = f"{self._base!r} of {self._repo.full_name!r}"
        accepting = "or add 'review_not_required' to accept of the agentic connection"
        if review.required is False and "review_not_required" not in accept:
            yield _denied(
                f"Branch {name} can be merged to without a review. Require one approving review, {accepting}."
            )
        elif review.required is None and "review_not_required" not in accept:
            yield _denied(
                f"Whether {name} requires a review cannot be told with this token. Protect it by a ruleset, which "
                f"every token may read, or let the token read administration, {accepting}."
            )
        if review.bypass and "may_bypass_review" not in accept:
            yield _denied(
                f"The token may do without the review of {name} ({review.bypass}). Take it off the list of those who "
                "may bypass, or add 'may_bypass_review' to accept."
            )

    def _login(self) -> str:
        """Return whose token it is; an installation's is nobody's."""
        if self._grant is not None:
            return ""
        said = _unless_refused(lambda: self._repo.requester.requestJsonAndCheck("GET", "/user")[1])
        return str((said or {}).get("login") or "")

    def _by_hand(self, login: str) -> Iterator[str]:
        """Say what the account did on the base branch that the agent did not: then a person works with it too."""
        asked = f"/commits?author={quote(login, safe='')}&per_page={_COMMITS_READ}&sha={quote(self._base, safe='')}"
        for one in self._get(asked) or ():
            text = str((one.get("commit") or {}).get("message") or "")
            if _TRAILER not in text:
                yield f"commit {str(one.get('sha'))[:10]} on {self._base} is by {login!r} and not the agent's"
                return

    def _wide(self) -> Iterator[str]:
        yield from (f"permission {word}" for word in ("admin", "maintain") if self._may(word))
        yield from (f"scope {scope}" for scope in self._scopes or () if scope != "public_repo")
        if self._grant is not None:
            yield from (f"app permission {n}: {at}" for n, at in self._grant.permissions.items() if _too_much(n, at))
            yield from (f"repository {name}" for name in self._grant.repositories if name != self._repo.full_name)

    def _may(self, word: str) -> bool:
        if self._grant is not None:  # what an installation token may is what it was given, whatever its account may
            return self._granted({"admin": "administration", "push": "contents"}.get(word, "")) == "write"
        return bool(self._repo.permissions and getattr(self._repo.permissions, word, False))

    def _granted(self, name: str) -> str:
        return self._grant.permissions.get(name, "") if self._grant else ""

    def _review(self) -> _Review:
        for ask in (self._by_rulesets, self._by_protection, self._by_graphql):
            found = ask()
            if found.required is not None:
                return found
        return _Review(required=None)

    def _by_rulesets(self) -> _Review:
        rules = self._get(f"/rules/branches/{quote(self._base, safe='')}")
        wanted = [rule for rule in rules or () if rule.get("type") == "pull_request" and _count(rule.get("parameters"))]
        if not wanted:
            return _Review(required=None)
        ways = [self._get(f"/rulesets/{rule['ruleset_id']}") or {} for rule in wanted if rule.get("ruleset_id")]
        open_ = {str(way.get("current_user_can_bypass", "")) for way in ways} & {
            "always",
            "pull_requests_only",
            "exempt",
        }
        count = max(_count(rule.get("parameters")) for rule in wanted)
        # One ruleset that cannot be passed is enough.
        passable = open_ if len(open_) and all(w.get("current_user_can_bypass") in open_ for w in ways) else set()
        said = ", ".join(f"the ruleset says {word}" for word in sorted(passable))
        return _Review(required=True, count=count, bypass=said)

    def _by_protection(self) -> _Review:
        said = self._get(f"/branches/{quote(self._base, safe='')}/protection")
        if said is None:
            return _Review(required=None)
        reviews = said.get("required_pull_request_reviews")
        if not _count(reviews):
            return _Review(required=False)
        ways = []
        if self._may("admin") and not (said.get("enforce_admins") or {}).get("enabled"):
            ways.append("an admin, and the protection does not hold for admins")
        allowed = reviews.get("bypass_pull_request_allowances") or {}
        listed = [
            *(u.get("login") for u in allowed.get("users") or ()),
            *(a.get("slug") for a in allowed.get("apps") or ()),
        ]
        if listed:
            ways.append(f"if it is one of {', '.join(sorted(str(name) for name in listed))}")
        return _Review(required=True, count=_count(reviews), bypass="; ".join(ways))

    def _by_graphql(self) -> _Review:
        owner, name = self._repo.full_name.split("/")
        variables = {"owner": owner, "name": name, "ref": f"refs/heads/{self._base}"}
        said = _unless_refused(lambda: self._repo.requester.graphql_query(_QUERY, variables)[1])
        ref = (((said or {}).get("data") or {}).get("repository") or {}).get("ref") or {}
        rule = ref.get("refUpdateRule")
        if rule is None:
            return _Review(required=None)
        bypass = "it may push to the branch itself" if rule.get("viewerCanPush") else ""
        count = int(rule.get("requiredApprovingReviewCount") or 0)
        return _Review(required=count > 0, count=count, bypass=bypass)

    def _get(self, path: str) -> Any:
        """Return the answer; None where this token may not read it, or there is none."""
        return _unless_refused(lambda: self._repo.requester.requestJsonAndCheck("GET", f"{self._repo.url}{path}")[1])


def _unless_refused(ask: Callable[[], Any]) -> Any:
    import github

    try:
        return ask()
    except github.GithubException as error:
        if error.status in _REFUSED:
            return None
        raise


def _count(said: Any) -> int:
    return int((said or {}).get("required_approving_review_count") or 0)


def _too_much(name: str, level: str) -> bool:
    needed = {"contents": "write", "pull_requests": "write", "issues": "write", "metadata": "read"}
    return level != "read" and needed.get(name) != level


def _denied(message: str) -> Finding:
    return Finding(rule="preflight", decision=Decision.DENY, message=message)
