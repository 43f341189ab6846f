"""Two shapes of an identifier of digits → whether it lost the noughts that filled it to one width, or got some.

Certain means: every value had one width, by the file or by the table of the repository that it refers to, and that
one holds noughts in front; now the values are shorter and none is longer. Or the reverse: every value of the
repository's table is a plain number, and now all have one width.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_agentic.agents.mending.bench import Bench
from airflow_agentic.agents.mending.reference_keys import is_reference, reference_values
from airflow_agentic.records import FieldShape


@dataclass(frozen=True, kw_only=True)
class Padding:
    """What gives the values their old form."""

    width: int
    """Digits that noughts fill up to; 0: noughts in front are taken away."""

    @property
    def of_text(self) -> str:
        """The call that is put behind a text, or behind ``.str`` of a column."""
        return f".zfill({self.width})" if self.width else '.lstrip("0")'

    @property
    def told(self) -> str:
        return f"without the noughts that filled it to {self.width} digits" if self.width else "with noughts in front"


def padding(bench: Bench, old: FieldShape, new: FieldShape, *, text_only: bool) -> Padding | None:
    """Return what gives *new* the form of *old*, or None where that is not certain.

    :param text_only: the source has no types (CSV): digits with a nought in front are text to it, others a number.
    """
    if not {*old.types, *new.types} <= {"string", "integer"} or (old.distinct or 0) < 2:
        return None
    was, now = _widths(old, text_only=text_only), _widths(new, text_only=text_only)
    if not was or not now:
        return None
    if len(was) == 1 and max(now) <= max(was) and min(now) < max(was):
        width = max(was)
        known = text_only and "string" in old.types and "string" not in new.types
        return Padding(width=width) if known or _is_padded(bench, old, width) else None
    text = text_only or old.types == ("string",)
    grown = len(now) == 1 and "string" in new.types and min(was) < max(now)
    if grown and text and max(was) <= max(now) and is_reference(bench, old) and _is_plain(bench, old):
        return Padding(width=0)
    return None


def _widths(field: FieldShape, *, text_only: bool) -> set[int]:
    """Return how many digits the values have; empty where some are no digits, or where that is not known."""
    found: set[int] = set()
    if "integer" in field.types:
        if field.low is None or field.high is None or field.low < 0 or ("string" in field.types and not text_only):
            return set()
        found |= {len(str(int(field.low))), len(str(int(field.high)))}
    if "string" in field.types:
        if not field.formats or not all(re.fullmatch("9+", form) for form in field.formats):
            return set()
        found |= {len(form) for form in field.formats}
    return found


def _is_padded(bench: Bench, field: FieldShape, width: int) -> bool:
    """Say whether a table of the repository has the identifiers in that width, some with noughts in front."""
    return any(
        all(value.isdecimal() and len(value) == width for value in values) and any(v.startswith("0") for v in values)
        for values in reference_values(bench, field)
        if values
    )


def _is_plain(bench: Bench, field: FieldShape) -> bool:
    return all(not value.startswith("0") for values in reference_values(bench, field) for value in values)
