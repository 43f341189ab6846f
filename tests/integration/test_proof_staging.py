"""The staging workspace on a real Airflow whose git bundle tracks one branch of a staging repository."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from test_proof_local import DAY, commit, prove

from airflow_agentic.airflow_rest import AirflowRest
from airflow_agentic.changes import make_change
from airflow_agentic.context.airflow_api import AirflowApi
from airflow_agentic.git import run_git
from airflow_agentic.ports import WorkspaceSession
from airflow_agentic.records import FileEdit, ProofStatus
from airflow_agentic.testing.airflow_stack import AirflowStack
from airflow_agentic.workspaces.airflow_api import AirflowApiWorkspace, Deployment
from airflow_agentic.workspaces.staging_airflow import PREFIX, Patience

pytest.importorskip("airflow.providers.git", reason="the staging deployment's bundle needs the git provider")
pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
BROKEN = """from airflow.sdk import DAG, task

with DAG("staged", schedule=None) as dag:
    @task(retries=2)
    def load():
        return {"customerId": 1}["customer_id"]

    load()
"""
WORKS = BROKEN.replace('["customer_id"]', '["customerId"]')
BRANCH = "agentic-staging"


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    folder = tmp_path_factory.mktemp("staging")
    (folder / "production" / "dags").mkdir(parents=True)
    (folder / "production" / "dags" / "staged.py").write_text(BROKEN)
    commit(folder / "production")
    run_git("init", "--quiet", "--bare", str(folder / "staging.git"))
    run_git("push", "--quiet", str(folder / "staging.git"), f"main:{BRANCH}", cwd=str(folder / "production"))
    return SimpleNamespace(folder=folder, production=str(folder / "production"), staging=str(folder / "staging.git"))


@pytest.fixture(scope="module")
def airflow(places: SimpleNamespace) -> Iterator[AirflowStack]:
    bundle = {
        "name": "pipelines",
        "classpath": "airflow.providers.git.bundles.git.GitDagBundle",
        "kwargs": {"repo_url": places.staging, "tracking_ref": BRANCH, "subdir": "dags", "refresh_interval": 2},
    }
    with AirflowStack(places.folder / "deployment", bundles=[bundle]) as started:
        started.wait_for_dags(["staged"])
        yield started


@pytest.fixture(scope="module")
def workspace(airflow: AirflowStack, places: SimpleNamespace) -> AirflowApiWorkspace:
    login = airflow.url, "operator", airflow.passwords["operator"]
    deployment = Deployment(
        rest=AirflowRest(*login, timeout_s=60),
        read_log=AirflowApi(*login, timeout_s=60).log,
        remote=places.staging,
        production_url="http://airflow.example.invalid",
        patience=Patience(serve_s=240, run_s=240),
    )
    return AirflowApiWorkspace(places.production, "main", "dags", deployment)


def test_a_fix_is_proved_on_the_staging_deployment_and_leaves_nothing_there(
    workspace: AirflowApiWorkspace, airflow: AirflowStack, places: SimpleNamespace
) -> None:
    edit = FileEdit(path="dags/staged.py", before=BROKEN, after=WORKS)
    place = ("/opt/repo/dags/staged.py", "load")
    proof = prove(places.production, edit, dag_id="staged", last_good=None, workspace=workspace, place=place)
    assert proof.status is ProofStatus.PROVED, proof
    assert proof.red is not None
    assert proof.green is not None
    assert (proof.red.state, proof.green.state, proof.green.tasks[0].state) == ("failed", "success", "success")
    assert airflow.url in dict(proof.environment)["workspace"]
    head = run_git("rev-parse", BRANCH, cwd=places.staging)
    assert head == run_git("rev-parse", "main", cwd=places.production)
    assert [run for run in airflow.runs("staged") if run["dag_run_id"].startswith(PREFIX)] == []


def test_the_contract_of_every_workspace_holds_here_as_well(
    workspace: AirflowApiWorkspace, places: SimpleNamespace
) -> None:
    with workspace.open("i") as session:
        assert isinstance(session, WorkspaceSession)
        assert session.environment()
        run = session.run_dag("red", dag_file="dags/none.py", dag_id="none", logical_date=DAY, task_ids=())
        assert (run.state, run.name, run.dag_id, run.logical_date) == ("broken", "red", "none", DAY)
        assert run.broken_because


def test_a_file_that_does_not_import_there_is_red(workspace: AirflowApiWorkspace, places: SimpleNamespace) -> None:
    gone = make_change(
        "c", [FileEdit(path="dags/staged.py", before=BROKEN, after="import gone_for_good  # a dag of airflow\n")], "s"
    )
    assert gone is not None
    with workspace.open("i") as session:
        session.apply(gone)
        run = session.run_dag("green", dag_file="dags/staged.py", dag_id="staged", logical_date=DAY, task_ids=())
        assert run.import_error is not None, run
        assert (run.state, run.import_error.error_class) == ("failed", "ModuleNotFoundError")
        assert [check.passed for check in session.import_dags("dags")] == [False, False]
