"""A field that was empty in some records now has a word for it (``N/A``) there → read the word as what it was.

Certain means: the field held numbers and was empty at times, it is never empty any more, and all of its text has the
pattern of one known word for "no value". An empty text is such a word too, and may as well have become null.
"""

from __future__ import annotations

from airflow_agentic.agents.mending.conversions import NUMBERS, Conversion
from airflow_agentic.records import FieldShape
from airflow_agentic.shapes import pattern

NO_VALUE = (
    "N/A",
    "n/a",
    "NA",
    "#N/A",
    "-",
    "--",
    "null",
    "NULL",
    "nil",
    "none",
    "None",
    "NaN",
    "nan",
    "missing",
    "unknown",
    "?",
)


def is_marked(good: FieldShape, bad: FieldShape) -> bool:
    """Say whether the nulls of numbers became text of one pattern."""
    was, now = set(good.types), set(bad.types)
    return (
        bool(good.nulls)
        and not bad.nulls
        and was <= {*NUMBERS, "null"}
        and now <= {*NUMBERS, "string"}
        and len(bad.formats) == 1
    )


def no_value(good: FieldShape, bad: FieldShape, *, text_only: bool) -> Conversion | None:
    """Return the reading of the word, or None where the text is no such word."""
    words = tuple(word for word in NO_VALUE if bad.formats == (pattern(word),))
    if not is_marked(good, bad) or not words:
        return None
    listed = ", ".join(f'"{word}"' for word in words) + ("," if len(words) == 1 else "")
    empty = '""' if text_only else "None"
    return Conversion(
        form=f"({empty} if {{value}} in ({listed}) else {{value}})", words=f"`{words[0]}` where it was empty"
    )


def empty_text(good: FieldShape, bad: FieldShape, records: int) -> Conversion | None:
    """Return the reading of null, or of no field, where it had an empty text, or of an empty text where it had null."""
    rest = set(bad.formats) - {""}
    if good.nulls and not bad.nulls and "" in bad.formats and "" not in good.formats and rest <= set(good.formats):
        if set(bad.types) - {"string"} > set(good.types) - {"null"}:
            return None
        return Conversion(form='(None if {value} == "" else {value})', words="an empty text where it was null")
    if (
        good.types != ("string",)
        or "" not in good.formats
        or "" in bad.formats
        or not rest
        or not rest <= set(good.formats)
    ):
        return None
    absent = records - bad.present
    if bool(absent) == bool(bad.nulls) or set(bad.types) - {"null"} != {"string"}:
        return None
    return Conversion(
        form='("" if {value} is None else {value})', of_null=True, absent=bool(absent),
        words="left out where it was an empty text" if absent else "null where it was an empty text",
    )  # fmt: skip
