"""A field is a list now, one end of which has the values that the field had → that entry, where the field is read.

A history of statuses, a list of objects: which end it is, is told by the values and not by a guess (`ValueTrace`).
"""

from __future__ import annotations

import re

from airflow_agentic.agents.mending.conversions import Conversion
from airflow_agentic.records import DataShape, FieldShape

_END = re.compile(r"\[(?P<place>0|-1)\](?:\.(?P<key>[\w -]+))?$")
_WORDS = {"0": "first", "-1": "last"}


def listed_value(old: FieldShape, failing: DataShape) -> Conversion | None:
    """Return the entry that is meant; None where the values of the list did not tell."""
    trace = next((t for t in failing.traces if t.was == old.path), None)
    end = _END.search(trace.now) if trace else None
    if trace is None or end is None or trace.now[: end.start()] != old.path:
        return None
    key = f'["{end["key"]}"]' if end["key"] else ""
    read = f"{{value}}[{end['place']}]{key}"
    of = f" with the value as `{end['key']}`" if end["key"] else ""
    return Conversion(
        form=f"({read} if isinstance({{value}}, list) else {{value}})",
        words=f"a list{of}, and its {_WORDS[end['place']]} entry has the values that the field had",
    )
