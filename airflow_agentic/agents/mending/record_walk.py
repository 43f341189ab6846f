"""What a fixer does to one record → the text of a function that does it to every record of a parsed document."""

from __future__ import annotations

_TEXT = '''
def {name}(value):
    """TOLD"""
    if isinstance(value, list):
        return [{name}(item) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: {name}(item) for key, item in value.items()}
MADE
    return value
'''


def of_each_record(told: str, made: str) -> str:
    """Return the function's source with ``{name}`` for its name; inner objects are walked before the one around them.

    :param told: its docstring.
    :param made: lines that change the object ``value``, indented by four; lists and plain values never get there.
    """
    return _TEXT.replace("TOLD", told, 1).replace("MADE", made.strip("\n"), 1)
