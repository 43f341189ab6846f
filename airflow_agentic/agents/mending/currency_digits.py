"""A data set → how many digits behind the point its currencies have, where they are not all two.

Yen and won have no cents, by ISO 4217: who divides all minor units by a hundred makes a hundredth of them.
"""

from __future__ import annotations

from airflow_agentic.records import DataShape
from airflow_agentic.shape_changes import name_tokens

_NONE = {"jpy", "krw", "isk"}
"""Of the currencies in `unit_words`, those without minor units."""
_NAMES = {"currency", "ccy", "curr"}


def undivided(shape: DataShape, level: str) -> tuple[str, tuple[str, ...]]:
    """Return the field beside an amount that names its currency, and which of those that occur have no minor units.

    :param level: path of the record or object that holds the amount, empty or ending in a point.
    :return: two empty values where no field names only known currencies.
    """
    for field in shape.fields:
        name = field.path.removeprefix(level)
        if field.path.startswith(level) and "." not in name and _NAMES & set(name_tokens(name)) and field.units:
            return name, tuple(word for word in field.units if word.lower() in _NONE)
    return "", ()
