"""The repository's documents → the tables in them: of Markdown, lists of ``code: meaning``, CSV and TSV that it keeps."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from airflow_agentic.agents.mending.bench import Bench

Table = list[list[str]]
_RULE = re.compile(r"\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?")
_ITEM = re.compile(
    r"\s*[-*+]\s+(?P<a>[`*\"']{0,2}[\w./-]{1,40}[`*\"']{0,2})\s*(?:[:=]|->|=>|→|-|\u2013|means|is)\s+(?P<b>[`*\"']{0,2}[\w./-]{1,40}[`*\"']{0,2})\s*[.,;]?"
)
_MARKS = "`*\"'"


def document_tables(bench: Bench, path: str) -> Iterator[Table]:
    """Yield the tables of one document, header first, cells without marks; the header of a list is empty."""
    if not path.lower().endswith((".md", ".rst", ".txt", ".csv", ".tsv")):
        return
    text = bench.text(path) or ""
    if path.lower().endswith((".csv", ".tsv")):
        yield list(csv.reader(io.StringIO(text), delimiter="\t" if path.lower().endswith(".tsv") else ","))
        return
    table: Table = []
    listed: Table = []
    for line in [*text.splitlines(), ""]:
        item = _ITEM.fullmatch(line)
        if item:
            listed = listed or [["", ""]]
            listed.append([item[name].strip(_MARKS) for name in ("a", "b")])
        elif listed and line.strip():
            yield listed
            listed = []
        if line.count("|") and not _RULE.fullmatch(line.strip()):
            table.append([cell.strip().strip(_MARKS) for cell in line.strip().strip("|").split("|")])
        elif table and not line.count("|"):
            yield table
            table = []
    if listed:
        yield listed
