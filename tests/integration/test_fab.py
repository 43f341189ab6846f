"""Airflow with the FAB auth manager: who approved is looked up in its users, and the page shows each what is theirs."""

import sqlite3

import pytest

from airflow_agentic.airflow_rest import AirflowRest
from airflow_agentic.guardrails.approver import Known
from airflow_agentic.powers.airflow_user import airflow_user
from airflow_agentic.records import Failure, Signal
from airflow_agentic.store.engine import open_store
from airflow_agentic.testing.airflow_stack import AirflowStack, StackError

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
MAY_READ = ("Website", "DAG Runs", "DAG Code", "Task Logs", "Task Instances")

ONE_DAG = """
insert into ab_view_menu (id, name) values (9001, 'DAG:theirs');
insert into ab_permission_view (id, permission_id, view_menu_id) select 9001, id, 9001 from ab_permission where name = 'can_read';
insert into ab_permission_view_role (id, permission_view_id, role_id) select 9001, 9001, id from ab_role where name = 'Narrow';
update ab_user set active = 0 where username = 'asleep';
"""
"""What Airflow does for a Dag with ``access_control``, and FAB's page for a user; its API can neither."""


@pytest.fixture(scope="module")
def airflow(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fab")
    store_url = f"sqlite:///{folder / 'agentic.db'}"
    environment = {"AIRFLOW__CORE__AUTH_MANAGER": FAB, "AIRFLOW__AGENTIC__STORE_URL": store_url}
    airflow = AirflowStack(folder, environment=environment)
    airflow.logs.mkdir(parents=True)
    (airflow.home / "airflow.cfg").touch()
    for words in (("db", "migrate"), "users create -u admin -r Admin -e a@acme.test -f A -l B -p".split()):
        more = [airflow.passwords["admin"]] if words[0] == "users" else []
        done = airflow.command(*words, *more, timeout_s=300)
        assert done.returncode == 0, done.stderr[-2000:]
    try:
        airflow.start_component("api-server")
        airflow.wait("the api-server answers", lambda: answers(airflow), timeout_s=240)
        populate(airflow, store_url)
        yield airflow
    finally:
        airflow.stop()


def answers(airflow):
    try:
        return bool(airflow.call("GET", "/api/v2/monitor/health", user=None))
    except (StackError, OSError):
        return False


def populate(airflow, store_url):
    actions = [{"action": {"name": "can_read"}, "resource": {"name": name}} for name in MAY_READ]
    airflow.call("POST", "/auth/fab/v1/roles", {"name": "Narrow", "actions": actions})
    for name, role in (("mona", "Narrow"), ("viola", "Viewer"), ("gone", "Viewer"), ("asleep", "Viewer")):
        airflow.passwords[name] = "a-password-of-the-test"
        who = {"username": name, "email": f"{name}@acme.test", "first_name": name, "last_name": "L"}
        airflow.call(
            "POST", "/auth/fab/v1/users", {**who, "roles": [{"name": role}], "password": airflow.passwords[name]}
        )
    airflow.call("DELETE", "/auth/fab/v1/users/gone")
    database = sqlite3.connect(airflow.home / "airflow.db", timeout=30)
    database.executescript(ONE_DAG)
    database.close()
    with open_store(store_url) as store:
        for dag_id in ("theirs", "others"):
            at = "2026-11-02T04:05:00+00:00"
            failure = Failure(dag_id=dag_id, run_id="r1", clear_number=0, signal=Signal.MANUAL, seen_at=at)
            store.incidents.record(f"triage__{dag_id}", failure)


def rest(airflow, user):
    return AirflowRest(airflow.url, user, airflow.passwords[user])


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("mona", ""),
        ("gone", "Airflow does not know 'gone' any more"),
        ("nobody", "Airflow does not know 'nobody' any more"),
        ("asleep", "'asleep' is deactivated in Airflow"),
    ],
)
def test_who_approved_is_looked_up_among_fabs_users(airflow, name, gone):
    assert airflow_user(rest(airflow, "admin"), name) == Known(gone=gone)


def test_an_account_that_may_not_read_users_says_which_permission_it_lacks(airflow):
    said = airflow_user(rest(airflow, "viola"), "mona")
    assert (said.gone, "can read on Users" in said.untold, "viola" in said.untold) == ("", True, True)


def test_the_page_shows_whoever_sees_one_dag_the_incidents_of_that_one(airflow):
    listed = airflow.call("GET", "/agentic/page/incidents", user="mona")
    assert ([row["dag_id"] for row in listed["incidents"]], listed["hidden"]) == (["theirs"], 1)
    assert airflow.call("GET", "/agentic/page/incidents/triage__theirs", user="mona")["incident"]["dag_id"] == "theirs"
    with pytest.raises(StackError, match=r"HTTP 404.*none that you may see"):
        airflow.call("GET", "/agentic/page/incidents/triage__others", user="mona")


def test_the_page_shows_an_administrator_all(airflow):
    listed = airflow.call("GET", "/agentic/page/incidents")
    assert ({row["dag_id"] for row in listed["incidents"]}, listed["hidden"]) == ({"theirs", "others"}, 0)
