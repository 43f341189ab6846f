"""Every source found: its name is its file's name, and when it cannot answer it says so as the port demands."""

import pytest

from airflow_agentic.context.code import CodeSource
from airflow_agentic.context.comparison import ComparisonSource
from airflow_agentic.context.declared_lineage import DeclaredLineageSource
from airflow_agentic.context.landed import LandedSource
from airflow_agentic.context.lineage import LineageSource
from airflow_agentic.context.owners import OwnersSource
from airflow_agentic.context.past_failures import PastFailuresSource
from airflow_agentic.context.past_incidents import PastIncidentsSource
from airflow_agentic.context.run_history import RunHistorySource
from airflow_agentic.context.seen_schema import SeenSchemaSource
from airflow_agentic.context.tables import TablesSource
from airflow_agentic.context.task_log import TaskLogSource
from airflow_agentic.context.team_rules import TeamRulesSource
from airflow_agentic.errors import SourceUnavailable
from airflow_agentic.plugs_lineage import lineage_origins
from airflow_agentic.records import SourceReport
from airflow_agentic.registry import available, find
from airflow_agentic.scope import Scope
from airflow_agentic.testing.airflow import FakeAirflow
from airflow_agentic.testing.assets import FakeAssets
from airflow_agentic.testing.memory import MemoryIncidents
from airflow_agentic.testing.targets import a_target


def no_database(conn_id):
    raise SourceUnavailable(f"Opening {conn_id!r} failed: it is gone.")


CUT_OFF = {
    "task_log": lambda folder: TaskLogSource(FakeAirflow(down=True)),
    "run_history": lambda folder: RunHistorySource(FakeAirflow(down=True)),
    "code": lambda folder: CodeSource(f"{folder}/no-such-repository", "main", "dags", work_dir=str(folder)),
    "comparison": lambda folder: ComparisonSource(FakeAirflow(down=True)),
    "owners": lambda folder: OwnersSource(),
    "past_incidents": lambda folder: PastIncidentsSource(MemoryIncidents()),
    "past_failures": lambda folder: PastFailuresSource(FakeAirflow(down=True)),
    "tables": lambda folder: TablesSource(("gone",), no_database),
    "team_rules": lambda folder: TeamRulesSource(),
    "landed": lambda folder: LandedSource((f"{folder}/nothing-landed",)),
    "declared_lineage": lambda folder: DeclaredLineageSource(FakeAssets(down=True)),
    "seen_schema": lambda folder: SeenSchemaSource(lineage_origins(Scope(lineage_events=f"{folder}/no-events"))),
    "lineage": lambda folder: LineageSource(lineage_origins(Scope(lineage_events=f"{folder}/no-events"))),
}


@pytest.mark.parametrize("name", available("context"))
def test_a_source_is_named_after_its_file(name):
    assert find("context", name).name == name


@pytest.mark.parametrize("name", available("context"))
def test_a_source_that_is_cut_off_says_so_and_changes_nothing(name, tmp_path):
    before = SourceReport()
    try:
        found = CUT_OFF[name](tmp_path).read(a_target(), before)
    except SourceUnavailable as error:
        assert str(error)
    else:
        assert found.gaps or not found.evidence
    assert before == SourceReport()
