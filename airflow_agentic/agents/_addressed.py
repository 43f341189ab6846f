"""An address that is not found, and whose fault that is: the code's where the data lies where it lay the day before."""

from __future__ import annotations

import re

from airflow_agentic.agents._verdict import Verdict
from airflow_agentic.records import Dossier
from airflow_agentic.shape_changes import name_tokens

_CHANGED_ADDRESS = re.compile(
    r"^[+-](?![+-]{2}).*(?:url|uri|path|endpoint|base|param|query|host|[\"'][^\"'\n]*/|def \w+\()",
    re.IGNORECASE | re.MULTILINE,
)
_ASKED_WRONGLY = re.compile(r"HTTP (?:400|404|405|410|422)\b")


def is_of_code(dossier: Dossier, verdict: Verdict) -> bool:
    """Say whether a recent commit can be why the upstream does not know what it is asked for.

    Certain enough to try what a commit changed: a diff changes an address or a header, and the data of the failing
    interval lies at the known place, under a name that the error's own words or address have a word of.
    """
    told = [item.body for item in dossier.evidence if item.source == "code" and item.title.startswith("Diff of ")]
    if not _ASKED_WRONGLY.search(verdict.matched) or not any(_CHANGED_ADDRESS.search(body) for body in told):
        return False
    said = " ".join(text for error in dossier.errors for text in (error.message, *error.chain))
    logs = " ".join(item.body for item in dossier.evidence if item.source == "task_log")
    words = {word for word in name_tokens(f"{said} {logs}") if not word.isdigit() and len(word) > 2}
    good = {shape.name for shape in dossier.shapes if shape.role == "good" and shape.records}
    return any(
        shape.role == "failing" and shape.records and shape.name in good and words & _words(shape.name)
        for shape in dossier.shapes
    )


def _words(name: str) -> set[str]:
    """The words of a data set's name, without its day, what kind of file it is and its part."""
    return set(name_tokens(re.sub(r"\{[^}]*\}|\.\w+$|\(.*", " ", name))) - {"json", "csv"}
