"""Elements of XML that are in a namespace, in another one or in none: found where the code looks for them."""

from __future__ import annotations

import pathlib
from dataclasses import replace

import pytest
from failing_pipeline import apply, dossier_of, result_of

from airflow_agentic.agents.rules import RulesAgent
from airflow_agentic.context.landed_files import parse
from airflow_agentic.records import DataShape, Proposal
from airflow_agentic.shapes import shape

ONE, TWO = "urn:weir:levels:1", "http://weir.example/levels/2"


def document(space: str, level: str = "level") -> str:
    opened = f' xmlns="{space}"' if space else ""
    body = "".join(f'<gauge no="G{n}"><{level}>{n}.25</{level}></gauge>' for n in range(6))
    return f"<?xml version='1.0'?><gauges{opened}><day><of>2026</of></day>{body}</gauges>"


PLAIN = """
import xml.etree.ElementTree as ET

def main(texts):
    root = ET.fromstring(texts[0])
    return root.find("day/of").text, [(g.get("no"), float(g.findtext("level"))) for g in root.iter("gauge")]
"""
IMPORTED = """
import io
from xml.etree.ElementTree import parse as read_tree

def main(texts):
    tree = read_tree(io.StringIO(texts[0]))
    return tree.findtext("day/of").strip(), [float(g.find("level").text) for g in tree.getroot().findall("gauge")]
"""
EVENTS = """
import io
from xml.etree import ElementTree

def main(texts):
    found = [float(e.text) for _, e in ElementTree.iterparse(io.StringIO(texts[0])) if e.tag == "level"]
    return found[0], found
"""
KNOWN = f"""
import xml.etree.ElementTree as ET

NS = {{"w": "{ONE}"}}

def main(texts):
    root = ET.fromstring(texts[0])
    return root.find("w:day/w:of", NS).text, [float(g.find("w:level", NS).text) for g in root.findall("w:gauge", NS)]
"""
WRITTEN = KNOWN.replace('find("w:', f'find("{{{ONE}}}').replace("/w:", f"/{{{ONE}}}").replace('("w:gauge"', f'("{{{ONE}}}gauge"').replace(", NS)", ")")  # fmt: skip
CASES = {
    "a namespace came": (PLAIN, "", TWO),
    "under other names of the parser": (IMPORTED, "", TWO),
    "read by events": (EVENTS, "", TWO),
    "another version of it": (KNOWN, ONE, TWO),
    "another version of it, written out": (WRITTEN, ONE, TWO),
    "it is gone": (KNOWN, ONE, ""),
}


def proposed(folder: pathlib.Path, code: str, good: str, bad: str) -> Proposal:
    def one(text: str, role: str) -> DataShape:
        (landed,) = parse("levels.xml", text.encode(), whole=True, max_bytes=100_000)
        made = shape(landed.records, name="levels/{ds}.xml", interval="", role=role)
        return replace(made, form=landed.form)

    dossier = dossier_of(folder, {"main.py": code}, [good], [bad])
    return RulesAgent().propose(replace(dossier, shapes=(one(good, "good"), one(bad, "failing"))))


@pytest.mark.parametrize(("code", "was", "now"), CASES.values(), ids=CASES.keys())
def test_elements_are_found_in_either_namespace(tmp_path: pathlib.Path, code: str, was: str, now: str):
    apply(tmp_path, proposed(tmp_path, code, document(was), document(now)))
    assert result_of(tmp_path, [document(now)]) == result_of(tmp_path, [document(was)])
    assert TWO not in (tmp_path / "main.py").read_text()


LEFT = {
    "elements have other names too": (PLAIN, document(""), document(TWO, "height")),
    "the code does not say which": (KNOWN.replace(f'"{ONE}"', f"'{ONE[:8]}' + '{ONE[8:]}'"), document(ONE), document(TWO)),
    "looked for in any": (PLAIN.replace('"gauge"', '"{*}gauge"').replace("level", "{*}level"), document(""), document(TWO)),
}  # fmt: skip


@pytest.mark.parametrize(("code", "good", "bad"), LEFT.values(), ids=LEFT.keys())
def test_what_the_namespace_alone_does_not_explain_is_left(tmp_path: pathlib.Path, code: str, good: str, bad: str):
    assert proposed(tmp_path, code, good, bad).change is None
