"""Patterns of numbers → how they are written: currency sign, thousands, decimal comma; None where two readings are left."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_GROUPS = {",": "commas", ".": "points", " ": "spaces", "'": "apostrophes", "\u00a0": "spaces", "\u202f": "spaces"}


@dataclass(frozen=True, kw_only=True)
class NumberStyle:
    """How numbers are written, beyond digits and a decimal point."""

    sign: str = ""
    """A currency sign before or after the number."""
    group: str = ""
    """What stands between thousands."""
    decimal: str = ""
    """A comma where Python wants a point, else empty."""

    def words(self) -> str:
        """Return the style for a docstring."""
        told = [f"a {self.sign} sign"] if self.sign else []
        told += [f"{_GROUPS[self.group]} between thousands"] if self.group else []
        told += ["a decimal comma"] if self.decimal else []
        return " and ".join(told)

    def stripped(self) -> str:
        """Return the expression that writes ``value`` as Python reads it; text in the old form stays what it is."""
        text = f'value.strip("{self.sign} \\u00a0")' if self.sign else "value"
        text += f'.replace("{self.group}", "")' if self.group and not self.decimal else ""
        if not self.decimal:
            return text
        inner = f'{text}.replace("{self.group}", "")' if self.group else text
        swapped = f'{inner}.replace(",", ".")'
        return f'({swapped} if "," in value else {text})' if self.group == "." else swapped


def number_style(formats: tuple[str, ...], *, whole: bool = False) -> NumberStyle | None:
    """Say how numbers are written; None where two readings are left.

    :param whole: they were whole numbers before, so that ``9,999`` can be thousands only.
    """
    signs = {c for f in formats for c in f if unicodedata.category(c) == "Sc"}
    bare = [re.sub(r"^(-?)[\s\u00a0]*", r"\1", "".join(c for c in f if c not in signs).strip()) for f in formats]
    if not bare or len(signs) > 1:
        return None
    sign = next(iter(signs), "")
    if all(re.fullmatch(r"-?9+(\.9+)?|-?9\+(\.9\+?)?", f) for f in bare):
        return NumberStyle(sign=sign)
    found: list[NumberStyle] = []
    for group, decimal in (
        (",", "."),
        (".", ","),
        ("", ","),
        (" ", ","),
        (" ", "."),
        ("\u00a0", ","),
        ("\u202f", ","),
        ("'", "."),
    ):
        if group and not any(group in f for f in bare):
            continue
        grouped = rf"9{{1,3}}(?:{re.escape(group)}999)+" if group else "9+"
        point = re.escape(decimal)
        tail = rf"(?:{point}(?:9{{1,2}}|9{{4,}}))" if decimal == "," and group in {"", "."} else rf"(?:{point}9+)"
        ungrouped = re.compile(rf"-?9+(?:{tail}|\.9+)?")
        if not all(re.fullmatch(rf"-?(?:{grouped}|9+){tail}?", f) or ungrouped.fullmatch(f) for f in bare):
            continue
        sure_group = bool(group) and any(re.fullmatch(rf"-?{grouped}{tail}", f) or f.count(group) > 1 for f in bare)
        sure_group = sure_group or group in {" ", "\u00a0", "\u202f", "'"} or (whole and group == ",")
        sure_decimal = decimal == "," and any(re.search(rf"{tail}$", f) for f in bare)
        if (sure_group or sure_decimal) and any((group and group in f) or (decimal == "," and "," in f) for f in bare):
            found.append(NumberStyle(sign=sign, group=group, decimal="," if sure_decimal else ""))
    distinct = list(dict.fromkeys(found))
    return distinct[0] if len(distinct) == 1 else None
