"""Shapes and their differences: what is claimed, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_agentic.records import DataShape, FieldShape, ShapeChange
from airflow_agentic.shapes import difference, pattern, shape


def change(good: list[object], failing: list[object]) -> tuple[ShapeChange, ...]:
    return difference(
        shape(good, name="d", interval="1", role="good"), shape(failing, name="d", interval="2", role="failing")
    )


def kinds(changes: tuple[ShapeChange, ...]) -> list[tuple[str, str, str]]:
    return [(c.kind, c.path, c.now if c.kind in {"renamed", "moved", "possible_rename"} else "") for c in changes]


def test_a_shape_holds_paths_types_counts_and_patterns_but_no_text():
    made = shape(
        [{"id": "C-1", "a": {"b": None}, "l": [{"x": 1}, {"x": 2.5}]}, {"id": "C-2"}],
        name="d",
        interval="1",
        role="good",
    )
    fields = {f.path: f for f in made.fields}
    assert list(fields) == ["id", "a", "a.b", "l", "l[].x"]
    assert fields["id"].formats == ("A-9",) and fields["id"].distinct == 2
    assert fields["a.b"].nulls == 1 and fields["a.b"].present == 1
    assert fields["l[].x"].types == ("integer", "number") and fields["l[].x"].mean == 1.75
    assert "C-1" not in repr(made)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-02T08:00:00.123Z", "9999-99-99A99:99:99.999A"),
        ("1,50 €", "9,99 €"),
        ("Zoë", "Aaa"),
        ("a\x00\u202eb", "a??a"),
    ],
    ids=["timestamp", "currency", "accents", "control characters"],
)
def test_a_pattern_shows_how_a_text_is_written(text: str, expected: str):
    assert pattern(text) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [("customer_id", "customerId"), ("customerId", "CUSTOMER_ID"), ("order date", "orderDate")],
    ids=["snake to camel", "camel to upper", "blank to camel"],
)
def test_the_same_words_written_otherwise_are_a_rename(old: str, new: str):
    assert kinds(change([{old: "C-1", "x": 1}], [{"x": 1, new: "C-2"}])) == [("renamed", old, new)]


def test_a_rename_with_a_clear_margin_is_claimed():
    good = [{"order_id": 1, "amount": 10.5, "status": "PAID"}]
    failing = [{"order_id": 2, "amount_usd": 11.5, "status": "PAID"}]
    assert kinds(change(good, failing)) == [("renamed", "amount", "amount_usd")]


def test_two_equal_candidates_are_only_a_possible_rename():
    found = change([{"id": 1, "amount": 10.5}], [{"id": 1, "amount_usd": 10.5, "amount_eur": 9.5}])
    assert "renamed" not in {c.kind for c in found}
    assert {c.kind for c in found} == {"removed", "possible_rename", "added"}


def test_unrelated_fields_are_removed_and_added_and_no_rename():
    found = change([{"id": 1, "city": "Linz", "a": 1}], [{"id": 1, "a": 1, "b": 2, "weight_kg": 7}])
    assert kinds(found) == [("removed", "city", ""), ("added", "b", ""), ("added", "weight_kg", "")]


def test_the_only_lost_and_the_only_new_field_are_a_possible_rename_and_no_more():
    found = change([{"id": 1, "qty": 5, "at": "x"}], [{"id": 1, "units": 6, "at": "x"}])
    assert [(c.kind, c.score < 0.8) for c in found] == [("removed", False), ("possible_rename", True), ("added", False)]


def test_two_tables_of_thousands_of_other_columns_are_compared_in_bounded_time():
    found = change([{f"a_{n}": n for n in range(2_000)}], [{f"b_{n}": n for n in range(2_000)}])
    assert len(found) == 60


def test_a_field_under_another_parent_has_moved():
    found = change([{"address": {"city": "Linz"}}], [{"address": {"location": {"city": "Rom"}}}])
    assert ("moved", "address.city", "address.location.city") in kinds(found)


def test_a_flat_field_that_is_nested_now_has_moved():
    found = change([{"city": "Linz", "zip": "4020"}], [{"address": {"city": "Linz", "zip": "4020"}}])
    assert kinds(found)[:2] == [("moved", "city", "address.city"), ("moved", "zip", "address.zip")]


@pytest.mark.parametrize(
    ("good", "failing", "kind"),
    [
        ([{"a": 1}], [{"a": "1"}], "retyped"),
        ([{"a": {"b": 1}}], [{"a": [{"b": 1}]}], "retyped"),
        ([{"a": "2026-11-02"}], [{"a": "02.11.2026"}], "reformatted"),
        ([{"a": "12.50"}, {"a": "1.25"}], [{"a": "12,50"}], "reformatted"),
        ([{"a": "PAID"}, {"a": "SHIPPED"}], [{"a": "paid"}], "reformatted"),
        ([{"a": 5.0 + i} for i in range(9)], [{"a": 500.0 + i} for i in range(9)], "range"),
        ([{"a": 1.0 + i} for i in range(9)], [{"a": -1.0 - i} for i in range(9)], "range"),
        ([{"a": 1}] * 40, [{"a": 1}] * 12, "volume"),
        ([{"a": 1}] * 40, [], "volume"),
        ([{"id": i} for i in range(9)], [{"id": i % 8} for i in range(9)], "duplicates"),
        ([{"a": 1}] * 9, [{"a": 1}] * 8 + [{"a": None}], "nulls"),
        ([{"a": 1, "b": 2}] * 9, [{"b": 2}] * 4 + [{"a": 1, "b": 2}] * 5, "nulls"),
    ],
    ids=[
        "number to text",
        "object to list",
        "date format",
        "decimal comma",
        "case of codes",
        "unit",
        "sign",
        "fewer records",
        "no records",
        "repeated key",
        "new nulls",
        "often absent",
    ],
)
def test_a_change_of_its_kind_is_found_alone(good: list[object], failing: list[object], kind: str):
    assert {c.kind for c in change(good, failing)} - {"moved", "added"} == {kind}


@pytest.mark.parametrize(
    ("good", "failing"),
    [
        ([{"a": "C-98"}, {"a": "C-99"}], [{"a": "C-100"}, {"a": "C-101"}]),
        ([{"a": 1}], [{"a": 1.5}]),
        (
            [{"name": n} for n in ("Anna Li", "Bo", "Dr. Cy", "D'Or", "E-F", "G H I", "J.")],
            [{"name": n} for n in ("Zoé O’Neil", "K L", "Mo", "Ng", "Ö.")],
        ),
        ([{"id": i} for i in range(1, 40)], [{"id": i} for i in range(400, 440)]),
        ([{"s": "PAID"}, {"s": "SHIPPED"}], [{"s": "CANCELLED"}]),
        ([{"a": 1}] * 40, [{"a": 2}] * 38),
        ([{"a": "Customer 1"}, {"a": "Customer 22"}], [{"a": "Customer 333"}]),
    ],
    ids=[
        "a counter that grows",
        "whole to decimal",
        "names of people",
        "running ids",
        "another code",
        "a few fewer",
        "longer numbers",
    ],
)
def test_what_changes_every_day_is_no_change(good: list[object], failing: list[object]):
    assert change(good, failing) == ()


def test_a_masked_name_is_unknown_and_never_drift():
    good = DataShape(
        name="t", interval="1", role="good", records=0, fields=(FieldShape(path="date", types=("text",), present=0),)
    )
    bad = DataShape(
        name="t",
        interval="2",
        role="failing",
        records=0,
        fields=(FieldShape(path="da***", types=("te***t",), present=0),),
    )
    assert difference(good, bad) == ()


def test_a_change_never_holds_a_value():
    found = change([{"mail": "anna@example.org"}], [{"mail": "geheim 4711"}])
    assert found and not any(word in repr(found) for word in ("anna", "geheim", "4711"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(json_values, max_size=5), st.lists(json_values, max_size=5))
def test_any_two_data_sets_can_be_compared(good: list[object], failing: list[object]):
    assert isinstance(change(good, failing), tuple)
    assert change(good, good) == ()
