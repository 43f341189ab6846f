"""A GitHub App's narrow token against the emulator, which enforces permissions and repositories."""

import github
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from airflow_agentic.errors import ForgeError
from airflow_agentic.forges.github import GithubForge
from airflow_agentic.forges.github_app import CHANGE, ISSUE, GithubApp, mint
from airflow_agentic.records import OutcomeStatus
from airflow_agentic.testing.builders import OLD
from airflow_agentic.testing.forge_claims import PATH, a_delivery
from airflow_agentic.testing.github_emulator import GithubEmulator

pytestmark = [pytest.mark.e2e, pytest.mark.filterwarnings("ignore::ResourceWarning")]
GRANTED = {
    "contents": "write",
    "pull_requests": "write",
    "issues": "write",
    "metadata": "read",
    "administration": "write",
}


@pytest.fixture(scope="module")
def key():
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(*form).decode()


@pytest.fixture(scope="module")
def emulator(key):
    installed = {"installation_id": 9001, "account": "acme", "repository_selection": "all", "permissions": GRANTED}
    app = {
        "app_id": 4242, "slug": "agentic", "name": "agentic", "private_key": key, "permissions": GRANTED,
        "installations": [installed],
    }  # fmt: skip
    with GithubEmulator(apps=[app]) as running:
        running.seed("orders", {PATH: OLD})
        running.seed("payroll", {PATH: OLD})
        yield running


@pytest.fixture(scope="module")
def app(emulator, key):
    return GithubApp(app_id="4242", installation_id=9001, private_key=key, base_url=emulator.url)


def forge_with(made, emulator, repository="acme/orders", accept=("review_not_required",)):
    def client():
        return github.Github(
            auth=github.Auth.Token(made.token), base_url=emulator.url, retry=None, timeout=10,
            seconds_between_requests=0, seconds_between_writes=0,
        )  # fmt: skip

    return GithubForge(client, repository, "main", accept, grant=lambda: made.grant)


def test_the_token_of_a_wide_app_is_narrowed_to_the_repository_and_opens_a_draft(app, emulator):
    made = mint(app, "acme/orders", CHANGE)
    assert made.grant.permissions == CHANGE
    assert made.grant.repositories == ("acme/orders",)
    forge = forge_with(made, emulator)
    assert forge.preflight() == ()
    assert forge.open_change(a_delivery()).status is OutcomeStatus.PR_OPENED


def test_the_narrowed_token_reaches_no_other_repository(app, emulator):
    with pytest.raises(ForgeError, match=r"HTTP 40[34]"):
        forge_with(mint(app, "acme/orders", CHANGE), emulator, "acme/payroll").open_change(a_delivery())


def test_a_token_for_an_issue_pushes_nothing(app, emulator):
    forge = forge_with(mint(app, "acme/orders", ISSUE), emulator)
    assert forge.open_issue(a_delivery(change=None)).status is OutcomeStatus.ISSUE_OPENED
    with pytest.raises(ForgeError, match="HTTP 403"):
        forge.open_change(a_delivery(fingerprint="f" * 16, branch="agentic/orders-ffffffffffff"))


def test_a_permission_that_the_app_was_not_given_is_refused_when_it_is_asked_for(app):
    with pytest.raises(ForgeError, match="HTTP 422"):
        mint(app, "acme/orders", {**CHANGE, "workflows": "write"})
