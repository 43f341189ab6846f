"""GithubForge against the emulator: the claims of every forge, and what only GitHub has."""

import itertools
import uuid
from dataclasses import replace

import github
import pytest

from airflow_agentic.errors import ForgeError
from airflow_agentic.forges.github import GithubForge
from airflow_agentic.forges.undo import undo
from airflow_agentic.testing.builders import NEW, OLD
from airflow_agentic.testing.forge_claims import PATH, ForgeClaims, a_delivery
from airflow_agentic.testing.github_emulator import STRANGER_TOKEN, TOKEN, GithubEmulator

pytestmark = [pytest.mark.e2e, pytest.mark.filterwarnings("ignore::ResourceWarning")]
NAMES = (f"pipelines-{number}" for number in itertools.count())
ACCEPTED = ("wide_token",)


@pytest.fixture(scope="module")
def emulator():
    with GithubEmulator() as running:
        yield running


class GithubBench:
    """A repository of its own on the emulator, and what a person does to it."""

    def __init__(self, emulator, *, protected=True, accept=ACCEPTED):
        self.emulator = emulator
        self.repository = emulator.seed(next(NAMES), {PATH: OLD}, protected=protected)
        self.forge = GithubForge(lambda: a_client(emulator.url), self.repository, "main", accept)

    def push_as_person(self, delivery):
        self.emulator.write(self.repository, delivery.branch, PATH, "# mine\n")

    def close_as_person(self, delivery):
        number = self.forge.open_change(delivery).number
        self.emulator.call("PATCH", f"/repos/{self.repository}/pulls/{number}", {"state": "closed"})

    def merge_as_person(self, delivery):
        number = self.forge.open_change(delivery).number
        self.emulator.call("PATCH", f"/repos/{self.repository}/pulls/{number}", {"draft": False})
        self.emulator.call("DELETE", f"/repos/{self.repository}/branches/main/protection")
        self.emulator.call("PUT", f"/repos/{self.repository}/pulls/{number}/merge", {"merge_method": "squash"})

    def propose_as_person(self, branch, text):
        base = self.emulator.call("GET", f"/repos/{self.repository}/git/ref/heads/main")["object"]["sha"]
        self.emulator.call("POST", f"/repos/{self.repository}/git/refs", {"ref": f"refs/heads/{branch}", "sha": base})
        self.emulator.write(self.repository, branch, PATH, text)
        self.emulator.call(
            "POST", f"/repos/{self.repository}/pulls", {"title": "Mend it", "head": branch, "base": "main"}
        )

    def comments(self, number):
        return self.emulator.call("GET", f"/repos/{self.repository}/issues/{number}/comments")

    def text_of(self, delivery, path):
        return self.emulator.read(self.repository, delivery.branch, path)

    def pull(self, number):
        return self.emulator.call("GET", f"/repos/{self.repository}/pulls/{number}")


def a_client(url, token=TOKEN, auth=None):
    return github.Github(
        auth=auth or github.Auth.Token(token),
        base_url=url,
        retry=None,
        timeout=10,
        seconds_between_requests=0,
        seconds_between_writes=0,
    )


@pytest.fixture
def bench(emulator):
    return GithubBench(emulator)


class TestGithub(ForgeClaims):
    """The claims, on GitHub."""


def test_the_pull_request_is_a_draft_with_our_label_and_reviewers(bench):
    outcome = bench.forge.open_change(a_delivery(reviewers=("mona",)))
    pull = bench.pull(outcome.number)
    assert (pull["draft"], pull["base"]["ref"]) == (True, "main")
    assert [person["login"] for person in pull["requested_reviewers"]] == ["mona"]
    assert outcome.detail == ""


def test_a_reviewer_who_does_not_exist_is_a_note_and_no_error(bench):
    outcome = bench.forge.open_change(a_delivery(reviewers=("nobody-of-that-name",)))
    assert outcome.status.value == "pr_opened"
    assert "nobody-of-that-name" in outcome.detail


def test_a_remark_at_a_persons_pull_request_is_one_comment(bench):
    bench.propose_as_person("mend-it", NEW)
    rival = bench.forge.rival(a_delivery())
    for _ in range(2):
        bench.forge.remark(rival, a_delivery(body="It was proved."))
    said = bench.comments(rival.name)
    assert len(said) == 1
    assert "It was proved." in said[0]["body"]


def test_whoever_follows_a_closed_pull_request_is_told_why(bench):
    number = bench.forge.open_change(a_delivery()).number
    bench.forge.withdraw(a_delivery(), note="Superseded by another.")
    assert [comment["body"] for comment in bench.comments(number)] == ["Superseded by another."]


def test_the_base_branch_is_not_written(bench):
    bench.forge.open_change(a_delivery())
    assert bench.emulator.read(bench.repository, "main", PATH) == OLD


def test_withdrawing_deletes_our_branch_and_keeps_a_persons(emulator):
    ours, theirs = GithubBench(emulator), GithubBench(emulator)
    for bench in (ours, theirs):
        bench.forge.open_change(a_delivery())
    theirs.push_as_person(a_delivery())
    assert "deleted" in ours.forge.withdraw(a_delivery())
    assert "kept" in theirs.forge.withdraw(a_delivery())


def test_an_unprotected_base_branch_is_denied_unless_accepted(emulator):
    bench = GithubBench(emulator, protected=False)
    accepting = GithubForge(
        lambda: a_client(emulator.url), bench.repository, "main", (*ACCEPTED, "unprotected_base_branch")
    )
    assert "'unprotected_base_branch' to accept" in bench.forge.preflight()[0].message
    assert accepting.preflight() == ()


def test_an_owners_token_is_too_wide_unless_accepted(emulator):
    bench = GithubBench(emulator, accept=())
    assert "'wide_token' to accept" in bench.forge.preflight()[0].message


def test_what_protects_the_base_branch_and_whose_token_it_is_are_told(emulator):
    guarded, open_ = (GithubBench(emulator, protected=protected).forge.protection() for protected in (True, False))
    assert (guarded.protected, guarded.reviews, guarded.login) == (True, 1, "acme")
    assert (open_.protected, open_.reviews) == (False, 0)
    assert "permission admin" in guarded.wide
    assert "by 'acme' and not the agent's" in guarded.of_a_person[0]


def test_a_base_branch_that_moved_is_an_error_that_says_what_to_clear(emulator):
    bench = GithubBench(emulator, protected=False)
    emulator.write(bench.repository, "main", PATH, "moved = True\n", token=TOKEN)
    with pytest.raises(ForgeError, match="Clear the investigate task"):
        bench.forge.open_change(a_delivery())


def test_an_update_and_a_file_that_is_new_and_one_deleted(bench):
    from airflow_agentic.changes import make_change
    from airflow_agentic.records import FileEdit

    edits = (FileEdit(path=PATH, before=OLD, after=None), FileEdit(path="dags/new.py", before=None, after="é = 1\r\n"))
    delivery = replace(a_delivery(), change=make_change("a" * 40, edits, "Move"))
    bench.forge.open_change(delivery)
    assert bench.text_of(delivery, "dags/new.py") == "é = 1\r\n"
    with pytest.raises(RuntimeError, match="404"):
        bench.text_of(delivery, PATH)
    assert bench.forge.open_change(delivery).status.value == "pr_unchanged"


@pytest.mark.parametrize(
    ("token", "repository", "said"),
    [(STRANGER_TOKEN, None, "HTTP 40[134]"), (TOKEN, f"acme/none-{uuid.uuid4().hex[:6]}", "HTTP 404")],
    ids=["token without write", "no such repository"],
)
def test_what_github_refuses_is_a_forge_error(bench, token, repository, said):
    forge = GithubForge(lambda: a_client(bench.emulator.url, token), repository or bench.repository, "main", ACCEPTED)
    with pytest.raises(ForgeError, match=said):
        forge.open_change(a_delivery())


def test_a_server_that_is_down_is_a_forge_error():
    forge = GithubForge(lambda: a_client("http://127.0.0.1:9"), "acme/pipelines", "main")
    with pytest.raises(ForgeError, match="Clearing the deliver task is safe"):
        forge.preflight()


def test_what_we_withdrew_is_not_said_to_be_closed_by_a_person(bench):
    bench.forge.open_change(a_delivery())
    bench.forge.withdraw(a_delivery())
    assert "rollback" in bench.forge.open_change(a_delivery(text="better = 1\n")).detail


def test_commits_that_github_does_not_know_follow_nothing(bench):
    head = bench.forge.base_files([PATH]).commit
    assert bench.forge.follows(head, head) is True
    assert bench.forge.follows("f" * 40, head) is None


def test_a_revert_is_refused_once_somebody_has_changed_the_same_lines(bench):
    bench.forge.open_change(a_delivery())
    bench.merge_as_person(a_delivery())
    bench.emulator.write(bench.repository, "main", PATH, NEW.replace("unit_price", "net_price"), token=TOKEN)
    with pytest.raises(ForgeError, match="the same lines have changed since the merge"):
        undo(a_delivery(), forge=bench.forge, why="", before=lambda *said: None)


class Ends(github.Auth.Token):
    """A token that is taken a number of times, and then refused in GitHub's words; the emulator takes any."""

    def __init__(self, times):
        super().__init__(TOKEN)
        self.left = times

    def authentication(self, headers):
        if self.left == 0:
            raise github.BadCredentialsException(401, {"message": "Bad credentials", "status": "401"}, {})
        self.left -= 1
        super().authentication(headers)


def test_a_token_that_ends_at_any_moment_of_a_delivery_costs_nothing_and_the_next_goes_on(bench):
    said = []
    for times in range(1, 40):
        client = a_client(bench.emulator.url, auth=Ends(times))
        try:
            forge = GithubForge(lambda held=client: held, bench.repository, "main", ACCEPTED)
            outcome = forge.open_change(a_delivery())
            break
        except ForgeError as error:
            said.append(str(error))
        finally:
            client.close()
    assert len(said) > 5
    assert all("expired or was revoked" in message for message in said)
    pulls = bench.emulator.call("GET", f"/repos/{bench.repository}/pulls?state=all")
    assert ([pull["number"] for pull in pulls], pulls[0]["draft"]) == ([outcome.number], True)
    assert bench.emulator.read(bench.repository, a_delivery().branch, PATH) == NEW
