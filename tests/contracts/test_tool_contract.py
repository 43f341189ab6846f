"""Every tool, ours and the fakes' alike: what a model is shown is exact, and what it sends cannot break anything."""

import pytest

from airflow_agentic import registry
from airflow_agentic.edit_buffer import EditBuffer
from airflow_agentic.errors import StoreError, ToolRefused
from airflow_agentic.ports import Effect


def no_lineage():
    raise StoreError("the store is away")


FACTORIES = {
    "list_files": lambda cls, buffer: cls(buffer),
    "search_code": lambda cls, buffer: cls(buffer),
    "read_file": lambda cls, buffer: cls(buffer),
    "edit_file": lambda cls, buffer: cls(buffer),
    "task_log": lambda cls, buffer: cls((), lambda key: iter(())),
    "run_history": lambda cls, buffer: cls(lambda task: ()),
    "evidence": lambda cls, buffer: cls((), lambda title: ""),
    "upstream": lambda cls, buffer: cls(no_lineage),
    "downstream": lambda cls, buffer: cls(no_lineage),
    "schema_history": lambda cls, buffer: cls(no_lineage),
    "partition_state": lambda cls, buffer: cls(no_lineage),
    "column_path": lambda cls, buffer: cls(no_lineage),
    "blast_radius": lambda cls, buffer: cls(no_lineage),
}
NONSENSE = [{}, {"path": 7}, {"pattern": None}, {"text": ["a"]}, {"task_id": {}, "search": 1}, {"title": "x" * 10_000}]


@pytest.fixture(params=registry.available("tools"))
def tool(request, tmp_path):
    return FACTORIES[request.param](registry.find("tools", request.param), EditBuffer(str(tmp_path)))


def test_a_tool_is_called_by_its_files_name(tool):
    assert type(tool).__module__.rsplit(".", 1)[-1] == tool.name


def test_a_tool_can_do_no_more_than_read_or_edit_the_workspace(tool):
    assert isinstance(tool.effect, Effect)


def test_the_schema_is_closed_and_asks_for_every_argument(tool):
    schema = tool.input_schema
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == set(schema["properties"])


def test_the_description_says_what_it_does(tool):
    assert 40 < len(tool.description) < 1_000


@pytest.mark.parametrize("arguments", NONSENSE, ids=["none", "number", "null", "list", "object", "long"])
def test_nonsense_is_refused_and_never_crashes(tool, arguments):
    with pytest.raises(ToolRefused):
        tool.run(arguments)
