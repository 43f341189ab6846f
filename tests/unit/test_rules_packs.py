"""XML elements and members of archives with another name; what a stranger's document may not do to its reader."""

from __future__ import annotations

import io
import pathlib
import zipfile
from dataclasses import replace

import pytest
from failing_pipeline import apply, dossier_of, failure_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.context.landed_files import Landed, Unreadable, parse
from airflow_agentic.records import DataShape, Dossier
from airflow_agentic.shapes import shape

READS = {
    "find": "m.find('kwh').text",
    "findtext": "float(m.findtext('kwh'))",
    "an attribute": "m.attrib['serial']",
    "get": "m.get('serial').lower()",
}
DOCUMENT = "<meters>{}</meters>"


def _document(tag: str, attribute: str) -> str:
    return DOCUMENT.format("".join(f'<meter {attribute}="M{n}"><{tag}>{n}.5</{tag}></meter>' for n in range(6)))


def _landed(text: str | bytes, name: str) -> Landed:
    data = text if isinstance(text, bytes) else text.encode()
    return parse(name, data, whole=True, max_bytes=100_000)[0]


def _shapes(good: str | bytes, bad: str | bytes, name: str) -> tuple[DataShape, ...]:
    found = []
    for text, role in ((good, "good"), (bad, "failing")):
        landed = _landed(text, name)
        made = shape(landed.records, name=name, interval="", role=role)
        found.append(replace(made, form=landed.form))
    return tuple(found)


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_an_element_with_a_new_name_is_read_by_either(tmp_path: pathlib.Path, read: str):
    good, bad = _document("kwh", "serial"), _document("energyKwh", "serialNo")
    code = f"import xml.etree.ElementTree as ET\n\ndef main(rows):\n    return [{read} for m in ET.fromstring(rows[0]).findall('meter')]\n"
    dossier = _dossier(tmp_path, code, [good], [bad], _shapes(good, bad, "meters/{ds}.xml"))
    before = result_of(tmp_path, [good])
    apply(tmp_path, RulesAgent().propose(dossier))
    assert failure_of(tmp_path, [bad]) is None
    assert result_of(tmp_path, [good]) == before == result_of(tmp_path, [bad])


def _dossier(
    folder: pathlib.Path, code: str, good: list[str], bad: list[str], shapes: tuple[DataShape, ...]
) -> Dossier:
    return replace(dossier_of(folder, {"main.py": code}, good, bad), shapes=shapes)


def _zip(*names: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in names:
            archive.writestr(name, "place,lat\nA,1.5\nB,2.5\n")
    return held.getvalue()


PLACES = "import io, zipfile\n\ndef main(rows):\n    with zipfile.ZipFile(io.BytesIO(bytes.fromhex(rows[0]))) as archive:\n        return archive.read('places.csv').decode()\n"


def test_the_one_member_of_an_archive_is_read_by_any_name(tmp_path: pathlib.Path):
    good, bad = _zip("places.csv"), _zip("export/places_20261102.csv")
    dossier = _dossier(tmp_path, PLACES, [good.hex()], [bad.hex()], _shapes(good, bad, "places/{ds}.zip"))
    apply(tmp_path, RulesAgent().propose(dossier))
    assert result_of(tmp_path, [bad.hex()]) == result_of(tmp_path, [good.hex()])


def test_one_of_two_members_is_not_guessed(tmp_path: pathlib.Path):
    good, bad = _zip("places.csv"), _zip("a.csv", "b.csv")
    dossier = _dossier(tmp_path, PLACES, [good.hex()], [bad.hex()], _shapes(good, bad, "places/{ds}.zip"))
    assert RulesAgent().propose(dossier).change is None


HOSTILE = {
    "entities": ('<!DOCTYPE a [<!ENTITY b "c">]><a><d>&b;</d><d>&b;</d></a>', "a.xml"),
    "cut off": ("<a><b>1</b><b>", "a.xml"),
    "a large member": (b"", "a.zip"),
    "a damaged archive": (_zip("a.csv")[:60], "a.zip"),
}


@pytest.mark.parametrize(("text", "name"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_document_that_cannot_be_trusted_or_read_is_no_data_set(text: str | bytes, name: str):
    if not text:
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.csv", "x" * 5_000_000)
        text = held.getvalue()
    with pytest.raises(Unreadable):
        _landed(text, name)
