"""Events from bytes: cut into parts and remembered, or read whole, the result is the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_agentic.errors import BadEvent
from airflow_agentic.lineage.normalize import Namer
from airflow_agentic.lineage.parts import Remembered, split
from airflow_agentic.lineage.wire import EventReader, Facts

FIXTURES = Path(__file__).parents[1] / "fixtures" / "openlineage"
EVENTS = [json.loads(line) for path in sorted(FIXTURES.rglob("*.ndjson")) for line in path.read_bytes().splitlines()]
NOW = 1_795_500_000_000_000  # 2026-11-24
GOOD = {
    "eventTime": "2026-11-23T06:00:00Z", "producer": "p", "job": {"namespace": "n", "name": "j", "facets": {}},
    "inputs": [{"namespace": "x", "name": "t", "facets": {"schema": {"fields": [{"name": "a", "type": "int"}]}}}],
}  # fmt: skip


def facts(found: Facts) -> Facts:
    """Leave out the numbers that tell one reader's column lineages apart."""
    told = [(io, d, replace(f, columns=f.columns and replace(f.columns, number=0))) for io, d, f in found.datasets]
    return replace(found, datasets=told)


def test_every_way_of_writing_the_captured_events_is_read_alike_twice() -> None:
    by_bytes, by_object = EventReader(Namer()), EventReader(Namer())
    forms: list[Any] = [{}, {"separators": (",", ":")}, {"indent": 1}, {"ensure_ascii": False}]
    for number, event in enumerate(EVENTS):
        body = json.dumps(event, **forms[number % 4]).encode()
        expected = facts(by_object.read(event, now_us=NOW))
        assert [facts(by_bytes.read(body, now_us=NOW)) for _ in range(2)] == [expected, expected]


@pytest.mark.parametrize("form", [(", ", ": "), (",", ":"), (" , ", " : ")], ids=["usual", "compact", "wide"])
@pytest.mark.parametrize(
    "key", ["eventTime", "inputs", "job", "facets", "namespace", "fields", "type"], ids=lambda key: f"{key} twice"
)
def test_a_key_that_stands_twice_is_refused_wherever_it_is(key: str, form: tuple[str, str]) -> None:
    whole = json.dumps(GOOD, separators=form)
    written = f'"{key}"{form[1]}'
    assert EventReader(Namer()).read(whole.encode(), now_us=NOW).job
    with pytest.raises(BadEvent, match="twice"):
        EventReader(Namer()).read(whole.replace(written, f"{written}1{form[0]}{written}", 1).encode(), now_us=NOW)


def test_a_repeated_key_that_fills_the_room_of_missing_blanks_is_still_seen() -> None:
    compact = '{"a":1,"b":2,"c":3,"d":4}'
    assert len('{"a":1,"b":2,"c":3,"d":4,"":9}') < len(json.dumps(json.loads(compact)))
    for extra in range(1, 8):
        with pytest.raises(BadEvent, match="twice"):
            EventReader(Namer()).read(f'{compact[:-1]},"a":{"7" * extra}}}'.encode(), now_us=NOW)


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b'[{"a": 1}, {"b": [1, 2]}]', [b'{"a": 1}', b'{"b": [1, 2]}']),
        (b'[{"a": 1}, {"b": tru}, {"c": "],\\"["}]', [b'{"a": 1}', b'{"b": tru}', b'{"c": "],\\"["}']),
        (b"[{}," + b"[" * 2_000 + b"]" * 2_000 + b"]", [b"{}", b"[" * 2_000 + b"]" * 2_000]),
        (b" [ ] ", []),
        (b"[1,]", [b"1", b""]),
        (b'{"a": 1}', [b'{"a": 1}']),
    ],
    ids=["good", "one is no JSON", "one is deep", "empty", "comma at the end", "one"],
)
def test_a_list_is_cut_although_one_of_it_cannot_be_read(body: bytes, parts: list[bytes]) -> None:
    assert split(body) == parts


@pytest.mark.parametrize(
    "body", [b"", b"[1", b"[1] x", b"x [1]", b'["a', b'{"a": ', b"[" * 20_000, b"[" + b"1," * 5_000 + b"1]", b'["' + b'\\"' * 9_999]
)  # fmt: skip
def test_what_is_no_list_of_events_is_refused_at_once(body: bytes) -> None:
    with pytest.raises(BadEvent):
        split(body)


def test_what_is_remembered_has_a_limit_in_bytes() -> None:
    found: Remembered[Any] = Remembered(most_bytes=10)
    found.keep(b"123456", 1)
    found.keep(b"789", 2)
    assert (found.get(b"123456"), found.get(b"789")) == (1, 2)
    found.keep(b"0123", 3)
    assert (found.get(b"123456"), found.get(b"0123")) == (None, 3)
