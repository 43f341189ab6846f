"""A field is a list or an object now, one part of which has the values that the field had → that part, where it is read.

A history of statuses, a country with its code and its name: which part it is, is told by the values and not by a
guess (`ValueTrace`); for an object also by how its texts are written, where only one is written as the field was.
"""

from __future__ import annotations

import re

from airflow_agentic.agents.mending.conversions import Conversion
from airflow_agentic.records import DataShape, FieldShape
from airflow_agentic.shape_changes import name_tokens

_END = re.compile(r"\[(?P<place>0|-1)\](?:\.(?P<key>[\w -]+))?$")
_INNER = re.compile(r"(?:\.[\w -]+)+")
_UNITS = {"currency", "ccy", "unit", "units", "uom", "measure", "scale", "precision", "exponent", "factor"}
_WORDS = {"0": "first", "-1": "last"}


def listed_value(old: FieldShape, failing: DataShape) -> Conversion | None:
    """Return the part that is meant; None where the values did not tell."""
    trace = next((t for t in failing.traces if t.was == old.path and not t.differs), None)
    if next((f.types for f in failing.fields if f.path == old.path), ()) == ("object",):
        return _of_object(old, failing, trace.now if trace else _written_alike(old, failing))
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


def whole_value(old: FieldShape, failing: DataShape) -> Conversion | None:
    """``country.name`` is gone, and ``country``, which was the object around it, is a text with its values now."""
    over = old.path.rpartition(".")[0]
    if not over or not any(t.was == old.path and t.now == over and not t.differs for t in failing.traces):
        return None
    return Conversion(form="({value} if isinstance({base}, dict) else {base})", words=f"written as `{over}` itself")


def _of_object(old: FieldShape, failing: DataShape, now: str) -> Conversion | None:
    """Return the read of the object's text; None where it may be missing. Numbers are not told by a value alone."""
    there = {f.path: f for f in failing.fields}
    inner, one = now.removeprefix(old.path), there.get(now)
    if one is None or not _INNER.fullmatch(inner) or one.present < there[old.path].present or one.nulls:
        return None
    if old.types != ("string",) or any(_measures(f, one, old) for f in failing.fields):
        return None
    read = "{value}" + "".join(f'["{key}"]' for key in inner[1:].split("."))
    return Conversion(
        form=f"({read} if isinstance({{value}}, dict) else {{value}})",
        words=f"an object with the value as `{inner[1:]}`",
    )


def _measures(field: FieldShape, one: FieldShape, old: FieldShape) -> bool:
    """Say whether a field beside *one* may say what its digits are: several currencies are not to be thrown together."""
    beside = field.path.startswith(f"{old.path}.") and field.path != one.path and field.distinct != 1
    return (
        beside and bool(_UNITS & set(name_tokens(field.path.rpartition(".")[2]))) and any("9" in f for f in one.formats)
    )


def _written_alike(old: FieldShape, failing: DataShape) -> str:
    """Return the one text of the object that is written as the field was, beside others that are not."""
    level, forms = f"{old.path}.", set(old.formats)
    texts = [f for f in failing.fields if f.path.startswith(level) and f.types == ("string",) and f.distinct != 1]
    alike = [f for f in texts if set(f.formats) & forms]
    one = alike[0] if len(alike) == 1 and old.types == ("string",) else None
    return one.path if one and len(texts) > 1 and all(f.formats for f in texts) and set(one.formats) <= forms else ""
