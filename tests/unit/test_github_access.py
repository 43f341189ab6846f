"""What a token can do at GitHub, from replies in GitHub's own words (scrubbed), and the App's narrow tokens."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import github
import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from airflow_agentic.errors import DeliveryRefused, ForgeError
from airflow_agentic.forges.github import GithubForge
from airflow_agentic.forges.github_access import Grant
from airflow_agentic.forges.github_app import CHANGE, GithubApp, app_of, mint, renewing_auth, revoke

REPO = "acme/pipelines"
MAY_PUSH = {"admin": False, "maintain": False, "push": True, "triage": True, "pull": True}
MISSING = (404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"})
CLOSED = (403, {"message": "Resource not accessible by integration", "status": "403"})
REVIEWED = {"required_approving_review_count": 1, "dismiss_stale_reviews": True, "require_code_owner_reviews": False}
RULE = {
    "type": "pull_request", "ruleset_source_type": "Repository", "ruleset_source": REPO, "ruleset_id": 42,
    "parameters": {**REVIEWED, "require_last_push_approval": True, "required_review_thread_resolution": False},
}  # fmt: skip


class Github:
    """GitHub on loopback: path → status and body; what is not there is 404."""

    def __init__(self):
        self.answers = {f"/repos/{REPO}": (200, {"full_name": REPO, "url": "", "permissions": MAY_PUSH})}
        self.headers = {}
        self.branch(protected=True)
        outer = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self):
                status, body = outer.answers.get(self.path, MISSING)
                self._answer(status, body)

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(*outer.answers.get(self.path, MISSING))

            def _answer(self, status, body):
                text = json.dumps(body).encode()
                self.send_response(status)
                for name, value in {
                    "Content-Type": "application/json",
                    "Content-Length": str(len(text)),
                    **outer.headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *said):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.answers[f"/repos/{REPO}"][1]["url"] = f"{self.url}/repos/{REPO}"

    def branch(self, *, protected):
        body = {"name": "main", "protected": protected, "commit": {"sha": "a" * 40}}
        self.answers[f"/repos/{REPO}/branches/main"] = (200, body)

    def ruleset(self, bypass="never"):
        self.answers[f"/repos/{REPO}/rules/branches/main"] = (200, [{"type": "deletion", "ruleset_id": 41}, RULE])
        self.answers[f"/repos/{REPO}/rulesets/42"] = (
            200,
            {"id": 42, "name": "main", "current_user_can_bypass": bypass},
        )

    def protection(self, reviews, *, admins=True):
        body = {"required_pull_request_reviews": reviews, "enforce_admins": {"enabled": admins}}
        self.answers[f"/repos/{REPO}/branches/main/protection"] = (200, body)


@pytest.fixture
def hub():
    found = Github()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


@pytest.fixture
def forge(hub):
    client = github.Github(auth=github.Auth.Token("t"), base_url=hub.url, retry=None, seconds_between_requests=0)
    yield lambda *accept, grant=None: GithubForge(lambda: client, REPO, "main", accept, grant=lambda: grant)
    client.close()


def refused(forge):
    return " ".join(finding.message for finding in forge.preflight())


def test_a_protected_branch_with_a_ruleset_that_wants_a_review_is_ready(hub, forge):
    hub.ruleset()
    assert refused(forge()) == ""


@pytest.mark.parametrize("bypass", ["always", "pull_requests_only"])
def test_a_token_that_may_bypass_the_ruleset_is_refused_by_the_settings_name(hub, forge, bypass):
    hub.ruleset(bypass)
    assert "'may_bypass_review' to accept" in refused(forge())
    assert refused(forge("may_bypass_review")) == ""


def test_classic_protection_is_asked_where_the_token_may_read_it(hub, forge):
    hub.protection(REVIEWED)
    assert refused(forge()) == ""
    hub.protection({**REVIEWED, "required_approving_review_count": 0})
    assert "can be merged to without a review" in refused(forge())
    hub.protection(None)
    assert "'review_not_required'" in refused(forge())
    assert refused(forge("review_not_required")) == ""


def test_an_app_on_the_list_of_those_who_may_bypass_is_refused(hub, forge):
    hub.protection(
        {**REVIEWED, "bypass_pull_request_allowances": {"users": [], "teams": [], "apps": [{"slug": "agentic"}]}}
    )
    assert "if it is one of agentic" in refused(forge())


def test_an_admin_whom_the_protection_does_not_bind_is_refused_twice(hub, forge):
    hub.answers[f"/repos/{REPO}"][1]["permissions"] = {**MAY_PUSH, "admin": True}
    hub.protection(REVIEWED, admins=False)
    assert "permission admin" in refused(forge())
    assert "does not hold for admins" in refused(forge("wide_token"))


def test_a_review_rule_that_no_place_tells_is_refused_like_a_missing_one(hub, forge):
    hub.answers[f"/repos/{REPO}/branches/main/protection"] = CLOSED
    assert "cannot be told with this token" in refused(forge())
    hub.answers["/graphql"] = (200, {"data": {"repository": {"ref": {"refUpdateRule": None}}}})
    assert "cannot be told" in refused(forge())


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"requiredApprovingReviewCount": 1, "viewerCanPush": False}, ""),
        ({"requiredApprovingReviewCount": 0, "viewerCanPush": False}, "without a review"),
        ({"requiredApprovingReviewCount": 1, "viewerCanPush": True}, "push to the branch itself"),
    ],
)
def test_graphql_is_the_last_place_asked(hub, forge, rule, said):
    hub.answers["/graphql"] = (200, {"data": {"repository": {"ref": {"refUpdateRule": rule}}}})
    assert said in refused(forge())
    assert bool(refused(forge())) is bool(said)


def test_the_scopes_of_a_classic_token_are_powers_and_too_many(hub, forge):
    hub.headers = {"X-OAuth-Scopes": "repo, workflow"}
    hub.ruleset()
    assert "scope workflow" in refused(forge())
    assert {"scope repo", "scope workflow", "permission push"} <= set(forge().powers())
    assert any(power.startswith("unknown: a classic token") for power in forge().powers())


def test_what_a_fine_grained_token_does_not_tell_is_unknown(hub, forge):
    hub.ruleset()
    assert any(power.startswith("unknown: a fine-grained token") for power in forge().powers())


def test_a_push_to_an_unprotected_base_is_a_power(hub, forge):
    hub.branch(protected=False)
    assert "push to the base branch main" in forge().powers()
    assert "'unprotected_base_branch'" in refused(forge())


def test_an_apps_permissions_and_repositories_are_powers_and_more_than_needed_is_refused(hub, forge):
    hub.ruleset()
    narrow = Grant(permissions=CHANGE, repositories=(REPO,))
    assert refused(forge(grant=narrow)) == ""
    assert {"app permission contents: write", f"reaches repository {REPO}"} <= set(forge(grant=narrow).powers())
    wide = Grant(permissions={**CHANGE, "workflows": "write"}, repositories=(REPO, "acme/other"))
    assert "app permission workflows: write, repository acme/other" in refused(forge(grant=wide))


def test_what_protects_the_base_branch_is_told_with_the_number_of_reviews(hub, forge):
    hub.protection({**REVIEWED, "required_approving_review_count": 2})
    found = forge().protection()
    assert (found.protected, found.reviews, found.bypass) == (True, 2, "")
    hub.protection({**REVIEWED, "required_approving_review_count": 0})
    assert forge().protection().reviews == 0
    hub.branch(protected=False)
    assert (forge().protection().protected, forge().protection().reviews) == (False, 0)


def test_a_review_rule_that_is_not_told_is_unknown_and_not_none(hub, forge):
    hub.answers[f"/repos/{REPO}/branches/main/protection"] = CLOSED
    assert forge().protection().reviews is None


def commits(hub, login, *messages):
    said = [{"sha": f"{n:040x}", "commit": {"message": text}} for n, text in enumerate(messages, start=1)]
    hub.answers["/user"] = (200, {"login": login, "type": "User"})
    hub.answers[f"/repos/{REPO}/commits?author={login}&per_page=30&sha=main"] = (200, said)


def test_a_token_whose_account_also_commits_by_hand_is_a_persons(hub, forge):
    hub.ruleset()
    commits(hub, "mona", "Fix orders\n\nAgentic-Fingerprint: 0123456789abcdef", "Tidy up before the weekend")
    found = forge().protection()
    assert found.login == "mona"
    assert found.of_a_person == ("commit 0000000000 on main is by 'mona' and not the agent's",)


def test_an_account_that_only_ever_merged_our_changes_is_the_agents_own(hub, forge):
    hub.ruleset()
    commits(hub, "acme-agentic", "Fix orders\n\nAgentic-Fingerprint: 0123456789abcdef")
    assert (forge().protection().login, forge().protection().of_a_person) == ("acme-agentic", ())


def test_an_apps_token_is_nobodys_account(hub, forge):
    hub.ruleset()
    commits(hub, "mona", "Tidy up")
    assert forge(grant=Grant(permissions=CHANGE, repositories=(REPO,))).protection().login == ""


@pytest.fixture(scope="module")
def app():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return GithubApp(app_id="7", installation_id=9, private_key=key.private_bytes(*form).decode())


def made(permissions=CHANGE, repositories=(REPO,), status=201):
    """GitHub's answer to POST access_tokens, and what was sent."""
    sent = []

    def answer(request):
        sent.append((request.method, request.url.path, json.loads(request.content or b"null")))
        if request.method == "DELETE":
            return httpx.Response(204)
        body = {
            "token": "ghs_" + "x" * 36, "expires_at": "2026-11-02T11:00:00Z", "permissions": dict(permissions),
            "repository_selection": "selected", "repositories": [{"full_name": name} for name in repositories],
        }  # fmt: skip
        return httpx.Response(
            status, json=body if status < 300 else {"message": "The permissions requested are not granted"}
        )

    return httpx.MockTransport(answer), sent


def test_an_apps_token_is_for_one_repository_and_one_purpose(app):
    transport, sent = made()
    token = mint(app, REPO, CHANGE, transport=transport)
    assert token.grant == Grant(permissions=CHANGE, repositories=(REPO,))
    assert sent == [
        ("POST", "/app/installations/9/access_tokens", {"repositories": ["pipelines"], "permissions": dict(CHANGE)})
    ]
    revoke(app, token, transport=transport)
    assert sent[-1][:2] == ("DELETE", "/installation/token")


@pytest.mark.parametrize(
    "given",
    [
        {"permissions": {**CHANGE, "administration": "write"}},
        {"permissions": {**CHANGE, "actions": "read"}},
        {"repositories": (REPO, "acme/other")},
        {"repositories": ()},
    ],
)
def test_a_token_that_can_do_more_than_was_asked_for_is_given_back(app, given):
    transport, sent = made(**given)
    with pytest.raises(DeliveryRefused, match="given back"):
        mint(app, REPO, CHANGE, transport=transport)
    assert sent[-1][0] == "DELETE"


def test_a_token_that_grows_old_half_way_is_replaced_and_one_that_is_young_is_not(app):
    transport, sent = made()
    hours = iter([0.0, 0.0, 600.0, 3000.0, 3000.0, 3100.0])
    auth = renewing_auth(lambda: mint(app, REPO, CHANGE, transport=transport), clock=lambda: next(hours))
    assert auth.token == auth.token
    assert len(sent) == 1
    assert auth.token
    assert len(sent) == 2


def test_a_token_that_ends_half_way_is_told_with_what_to_do(hub, forge):
    hub.answers[f"/repos/{REPO}/branches/main"] = (401, {"message": "Bad credentials", "status": "401"})
    with pytest.raises(ForgeError, match=r"HTTP 401.*expired or was revoked.*Clearing the deliver task is safe"):
        forge().preflight()


def test_an_app_without_a_permission_is_told_what_to_give_it_and_no_token_is_shown(app):
    with pytest.raises(ForgeError, match=r"HTTP 422.*contents, pull requests and issues: write") as refused:
        mint(app, REPO, CHANGE, transport=made(status=422)[0])
    assert app.private_key[40:80] not in str(refused.value)


def test_a_token_that_cannot_be_revoked_is_no_reason_to_fail(app, caplog):
    transport, _ = made()
    token = mint(app, REPO, CHANGE, transport=transport)
    revoke(app, token, transport=httpx.MockTransport(lambda request: httpx.Response(500)))
    assert "expires within the hour" in caplog.text
    assert token.token not in caplog.text


def test_a_connection_that_names_an_app_is_one_and_says_what_it_lacks(app):
    extra = {"app_id": 7, "installation_id": "9", "private_key": app.private_key}
    assert app_of(extra, "") == app
    assert app_of({}, "https://x") is None
    with pytest.raises(ForgeError, match="key_path or private_key"):
        app_of({"app_id": 7, "installation_id": 9}, "")
    with pytest.raises(ForgeError, match="no private key"):
        mint(GithubApp(app_id="7", installation_id=9, private_key="x"), REPO, CHANGE, transport=made()[0])
