from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from airflow_agentic.errors import SettingsError
from airflow_agentic.records import Failure, Signal
from airflow_agentic.scope import Scope
from airflow_agentic.triggers.incidents import (
    Selectors,
    already_reported,
    incident_id,
    is_our_own,
    mark_reported,
    read_selectors,
    selected,
)


def a_failure(**changes: object) -> Failure:
    given = {
        "dag_id": "orders",
        "run_id": "r1",
        "clear_number": 0,
        "signal": Signal.RUN_LISTENER,
        "seen_at": "2026-11-02T04:00:00+00:00",
    }
    return Failure(**{**given, **changes})  # type: ignore[arg-type]


def test_the_same_run_has_the_same_incident_id_everywhere() -> None:
    assert incident_id("orders", "scheduled__2026-11-02", 0) == incident_id("orders", "scheduled__2026-11-02", 0)


@pytest.mark.parametrize("other", [("orders2", "r1", 0), ("orders", "r2", 0), ("orders", "r1", 1)])
def test_another_dag_run_or_clearing_is_another_incident(other: tuple[str, str, int]) -> None:
    assert incident_id(*other) != incident_id("orders", "r1", 0)


@pytest.mark.parametrize("dag_id", ["orders", "x" * 250, "späte.Lieferung/../etc", "a b\n"])
def test_an_incident_id_is_a_valid_run_id_and_file_name(dag_id: str) -> None:
    made = incident_id(dag_id, "r1", 0)
    assert re.fullmatch(r"[A-Za-z0-9_.~:+-]+", made)
    assert len(made) <= 250


@pytest.mark.parametrize(
    ("fields", "picked"),
    [
        ({}, True),
        ({"include_dags": ("ord*",)}, True),
        ({"include_dags": ("ship*",)}, False),
        ({"include_dags": ()}, False),
        ({"include_dags": ("*",), "exclude_dags": ("orders",)}, False),
        ({"include_tags": ("gold",)}, True),
        ({"include_tags": ("bronze",)}, False),
        ({"exclude_tags": ("g*",)}, False),
        ({"include_owners": ("ann", "bob")}, True),
        ({"include_owners": ("carl",)}, False),
        ({"include_owners": ("ann",), "exclude_owners": ("ann",)}, False),
    ],
    ids=str,
)
def test_selectors_pick_by_glob_and_an_exclude_wins(fields: dict[str, object], picked: bool) -> None:
    selectors = Selectors(**fields)  # type: ignore[arg-type]
    assert selected(selectors, dag_id="orders", tags=("gold", "daily"), owners=("ann",)) is picked


def test_a_dag_without_tags_is_not_picked_where_a_tag_is_asked_for() -> None:
    assert not selected(Selectors(include_tags=("gold",)), dag_id="orders")


@pytest.mark.parametrize(
    "failure",
    [
        a_failure(dag_id="agentic_triage"),
        a_failure(tags=("agentic",)),
        a_failure(run_id=incident_id("anything", "r", 0)),
    ],
    ids=["its Dag", "its tag", "a run that we started"],
)
def test_the_triage_itself_is_known(failure: Failure) -> None:
    assert is_our_own(failure, "agentic_triage")


def test_other_failures_are_not_taken_for_our_own() -> None:
    assert not is_our_own(a_failure(tags=("agentic-commerce",), run_id="triage__by_hand"), "agentic_triage")


def test_what_was_marked_is_reported_and_nothing_else(tmp_path: Path) -> None:
    mark_reported(str(tmp_path), "triage__a__000000000000")
    mark_reported(str(tmp_path), "triage__a__000000000000")
    assert already_reported(str(tmp_path), "triage__a__000000000000")
    assert not already_reported(str(tmp_path), "triage__b__000000000000")


def test_old_markers_are_pruned_now_and_then(tmp_path: Path) -> None:
    mark_reported(str(tmp_path), "old")
    for path in (tmp_path / "reported").iterdir():
        os.utime(path, (0, 0))
    mark_reported(str(tmp_path), "new")
    assert (already_reported(str(tmp_path), "old"), already_reported(str(tmp_path), "new")) == (False, True)


def test_a_spool_that_cannot_be_written_only_costs_a_second_send(tmp_path: Path) -> None:
    (tmp_path / "reported").write_text("a file where the folder should be")
    mark_reported(str(tmp_path), "any")
    assert not already_reported(str(tmp_path), "any")


@pytest.mark.parametrize("extra", ["", None, "{}", '{"include_tags": null, "max_files": -1}'], ids=repr)
def test_without_selectors_those_of_the_scope_hold(extra: str | None) -> None:
    scope = Scope().model_dump()
    assert {name: scope[name] for name in vars(Selectors())} == vars(read_selectors(extra))


def test_selectors_are_read_as_the_form_saves_them() -> None:
    assert read_selectors('{"include_dags": ["ord*", " ship "]}') == Selectors(include_dags=("ord*", "ship"))


@pytest.mark.parametrize("extra", ["{", "[]", '{"include_dags": "*"}', '{"exclude_tags": [1]}'])
def test_selectors_that_cannot_be_read_are_refused(extra: str) -> None:
    with pytest.raises(SettingsError):
        read_selectors(extra)
