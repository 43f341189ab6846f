"""What every workspace promises; the real one is held to it in tests/integration/test_proof_local.py."""

from __future__ import annotations

import pytest

from airflow_agentic.errors import WorkspaceError
from airflow_agentic.ports import WorkspaceSession
from airflow_agentic.registry import available, find
from airflow_agentic.testing.workspace import BASE, FakeWorkspace, Script, staged, staged_task

DAY = "2026-11-02T00:00:00+00:00"
WORKSPACES = [FakeWorkspace(Script(runs={(DAY, BASE): [staged("success", staged_task("t", "success"))]}))]


@pytest.mark.parametrize("workspace", WORKSPACES, ids=lambda w: w.name)
def test_an_open_workspace_is_a_session(workspace: FakeWorkspace) -> None:
    with workspace.open("i") as session:
        assert isinstance(session, WorkspaceSession)
        assert session.environment()


@pytest.mark.parametrize("workspace", WORKSPACES, ids=lambda w: w.name)
def test_a_run_carries_the_name_and_date_that_were_asked_for(workspace: FakeWorkspace) -> None:
    with workspace.open("i") as session:
        run = session.run_dag("red", dag_file="dags/a.py", dag_id="a", logical_date=DAY, task_ids=("t",))
    assert (run.name, run.dag_id, run.logical_date, run.runs_in_database) == ("red", "a", DAY, 1)


@pytest.mark.parametrize("workspace", WORKSPACES, ids=lambda w: w.name)
def test_a_run_that_cannot_be_done_is_broken_and_raises_nothing(workspace: FakeWorkspace) -> None:
    with workspace.open("i") as session:
        run = session.run_dag("red", dag_file="dags/none.py", dag_id="none", logical_date="2020-01-01", task_ids=())
    assert run.state == "broken"
    assert run.broken_because


def test_a_workspace_that_cannot_be_built_says_so() -> None:
    with (
        pytest.raises(WorkspaceError, match="no room"),
        FakeWorkspace(Script(runs={}, cannot_open="no room")).open("i"),
    ):
        pytest.fail("it was opened")


def test_every_workspace_is_found_by_its_file_name() -> None:
    assert [find("workspaces", name).name for name in available("workspaces")] == list(available("workspaces"))
