"""A code like ``C-0007`` comes without its letters, or gets some → the form that other records still refer to.

Certain means: before, every value had the same letters and digits of one width (or began right with the digits); now
every value is the number alone (or has one and the same beginning); and another data set of the failing day has the
field in the old form, so that the old form is what the two are joined by.
"""

from __future__ import annotations

import re

from airflow_agentic.agents.mending.bench import Bench
from airflow_agentic.agents.mending.conversions import Conversion
from airflow_agentic.agents.mending.reference_keys import is_one_key, is_reference
from airflow_agentic.records import FieldShape
from airflow_agentic.shape_changes import name_tokens


def numbered_code(
    bench: Bench, dataset: str, old: FieldShape, new: FieldShape, *, text_only: bool
) -> Conversion | None:
    """Return what gives a code its old form back, from the form that it has now; the old form passes."""
    if old.prefix == new.prefix or old.types not in {("string",), ("integer",)}:
        return None
    if not (_is_known_elsewhere(bench, dataset, old) or is_reference(bench, old)):
        return None
    if old.types == ("integer",):
        return _number(new, text_only=text_only)
    if old.prefix and new.types == ("integer",):
        width = _width(old)
        if new.low is None or new.high is None or new.low < 0 or (width and new.high >= 10**width):
            return None
        return _conversion("a number, without its letters", old.prefix, width)
    if old.prefix and new.types == ("string",) and _is_digits(new):
        return _conversion("without its letters", old.prefix, _width(old))
    if new.prefix and new.types == ("string",) and _is_digits(old) and 0 < _width(old) < _width(new):
        return Conversion(
            form=f'{{value}}.removeprefix("{new.prefix}").lstrip("0").zfill({_width(old)})',
            words=f"written with `{new.prefix}` and noughts in front",
        )
    if new.prefix and new.types == ("string",) and _is_digits(old) and _widths(old) == _widths(new):
        return Conversion(form=f'{{value}}.removeprefix("{new.prefix}")', words=f"written with `{new.prefix}` in front")
    return None


def _number(new: FieldShape, *, text_only: bool) -> Conversion | None:
    """A number that has letters in front of it now, and noughts to one width or none."""
    if new.types != ("string",) or not new.prefix or new.nulls:
        return None
    number = 'int(value.removeprefix("PREFIX"))'
    text = f'''
def {{name}}(value):
    """Return a number, also from a code that has it behind its letters."""
    if not (isinstance(value, str) and value.startswith("PREFIX")):
        return value
    return {f"str({number})" if text_only else number}
'''
    return Conversion(
        form="{call}({value})", wanted="known_number", text=text.replace("PREFIX", new.prefix),
        words=f"a code with `{new.prefix}` in front of the number",
    )  # fmt: skip


def _conversion(words: str, prefix: str, width: int) -> Conversion:
    number = f"str(value).zfill({width})" if width else "str(value)"
    text = f'''
def {{name}}(value):
    """Return a code with its letters, also from the number alone."""
    return "{prefix}" + {number} if str(value).isdecimal() else value
'''
    return Conversion(form="{call}({value})", wanted="known_code", text=text, words=words)


def _is_known_elsewhere(bench: Bench, dataset: str, field: FieldShape) -> bool:
    """Say whether another data set of the failing day has this code in its old form: under its name, or as its own id."""
    leaf = field.path.rpartition(".")[2]
    return any(
        other.types == field.types
        and other.prefix == field.prefix
        and (set(other.formats) & set(field.formats) or _is_in_range(field, other))
        and _is_one_name(leaf, other.path.rpartition(".")[2], shape.name)
        for shape in bench.dossier.shapes
        if shape.role == "failing" and shape.name != dataset
        for other in shape.fields
    )


def _is_in_range(field: FieldShape, other: FieldShape) -> bool:
    """Say whether two counts of one day are of the same things, by how far they reach."""
    if field.low is None or field.high is None or other.low is None or other.high is None:
        return False
    return other.low <= field.high and field.low <= other.high


def _is_one_name(leaf: str, other: str, dataset: str) -> bool:
    """``customer_id`` in both, or ``id`` in ``customers``."""
    return name_tokens(leaf) == name_tokens(other) or is_one_key(
        leaf, other, re.sub(r"\{[^}]*\}|\.\w+$|\(.*", " ", dataset)
    )


def _widths(field: FieldShape) -> set[int]:
    return {len(form) if "+" not in form else 0 for text in field.formats for form in re.findall(r"9+\+?", text)}


def _width(field: FieldShape) -> int:
    """How many digits all values have; 0 where they differ and nothing is filled up."""
    widths = _widths(field)
    return widths.pop() if len(widths) == 1 else 0


def _is_digits(field: FieldShape) -> bool:
    return bool(field.formats) and all(set(form) <= {"9", "+"} for form in field.formats)
