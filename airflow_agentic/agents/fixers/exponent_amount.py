"""An amount comes in minor units and says itself how many digits these are → the amount that the code knows.

``total`` became ``total_minor`` beside ``currency_exponent``, ``{"value": 1234, "scale": 2}``, or minor units beside
currencies of which some have none (yen). Certain means: the old number is gone, one new whole number has its name, the
digits are in the record (or follow from its currency by ISO 4217), and the numbers grew by no more than these allow.
One factor for all, as in `changed_unit`, would be wrong for some records.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_agentic.agents.mending.bench import Bench, Fix
from airflow_agentic.agents.mending.conversions import NUMBERS
from airflow_agentic.agents.mending.currency_digits import undivided
from airflow_agentic.agents.mending.parse_sites import helper, is_delimited, near_files, parse_site, parsed, with_helper
from airflow_agentic.agents.mending.record_walk import of_each_record
from airflow_agentic.agents.mending.syntax import compiles
from airflow_agentic.records import DataShape, FieldShape
from airflow_agentic.shape_changes import name_tokens

_DIGITS = {"exponent", "exp", "decimals", "digits", "scale", "precision"}
_MINOR = {"minor", "unit", "units", "value", "amount", "unscaled", "mantissa", "raw", "subunits", "int", "integer"}
MAX_DIGITS = 4
_SLACK = 5.0
"""By how much the means of two days may differ besides."""
_TREE = of_each_record(
    "Give records the amounts that this code knows where they come in minor units.",
    """
    for known, minor, digits in (PLACES,):
        MADE
    SPENT
""",
)
_ROWS = '''
def {name}(rows):
    """Give rows the amounts that this code knows where they come in minor units."""
    for row in rows:
        for known, minor, digits in (PLACES,):
            if not row.get(known) and row.get(minor):
                amount = int(row[minor])
                row[known] = str(MONEY)
        yield row
'''
_FLAT = """if known not in value and minor in value:
            amount = value.pop(minor)
            value[known] = None if amount is None else MONEY"""
_INNER = """amount = value.get(known)
        if isinstance(amount, dict) and minor in amount:
            value[known] = None if amount[minor] is None else MONEY"""


@dataclass(frozen=True, kw_only=True)
class _Amount:
    level: str
    old: str
    minor: str
    digits: str
    """Field that tells the digits, or the currency."""
    none: tuple[str, ...] = ()
    """Currencies without minor units, where the digits follow from the currency."""
    inner: bool = False


def fix(bench: Bench) -> Fix | None:
    """Return the call that parses the records, wrapped."""
    for name in dict.fromkeys(s.name for s in bench.dossier.shapes):
        good, failing = bench.good(name), bench.failing(name)
        if good is None or failing is None or not failing.records:
            continue
        found = [a for old in good.fields if old.mean and (a := _flat(old, good, failing) or _inner(old, failing))]
        if (
            found
            and len({(a.inner, a.none, a.level) for a in found}) == 1
            and len({a.old for a in found}) == len(found)
        ):
            fixed = _at_parse(bench, name, found, (good, failing))
            if fixed is not None:
                return fixed
    return None


def _flat(old: FieldShape, good: DataShape, failing: DataShape) -> _Amount | None:
    level, _, leaf = old.path.rpartition(".")
    level = f"{level}." if level else ""
    known, there = {f.path for f in good.fields}, {f.path for f in failing.fields}
    if old.path in there or not set(old.types) <= {*NUMBERS, "null"}:
        return None
    beside = [f for f in failing.fields if f.path.startswith(level) and not re.search(r"[.\[]", f.path[len(level) :])]
    fresh = [f for f in beside if f.path not in known and f.types == ("integer",)]
    digits = [f for f in fresh if _tells_digits(f, failing)]
    takers = [f for f in fresh if f not in digits and _is_minor_of(leaf, f.path[len(level) :])]
    if len(takers) != 1:
        return None
    minor = takers[0].path[len(level) :]
    if len(digits) == 1 and _has_grown(old, takers[0], int(digits[0].low or 0), int(digits[0].high or 0)):
        return _Amount(level=level, old=leaf, minor=minor, digits=digits[0].path[len(level) :])
    currency, none = undivided(failing, level)
    if not digits and none and "minor" in name_tokens(minor) and _has_grown(old, takers[0], 0, 2):
        return _Amount(level=level, old=leaf, minor=minor, digits=currency, none=none)
    return None


def _inner(old: FieldShape, failing: DataShape) -> _Amount | None:
    """The number is an object now: minor units and their digits."""
    now = {f.path: f for f in failing.fields}
    if old.path not in now or now[old.path].types != ("object",):
        return None
    inside = [f for p, f in now.items() if p.startswith(f"{old.path}.") and f.types == ("integer",)]
    digits = [f for f in inside if _tells_digits(f, failing)]
    takers = [f for f in inside if f not in digits]
    if len(digits) != 1 or len(takers) != 1:
        return None
    if not _has_grown(old, takers[0], int(digits[0].low or 0), int(digits[0].high or 0)):
        return None
    level, _, leaf = old.path.rpartition(".")
    minor, told = (f.path[len(old.path) + 1 :] for f in (takers[0], digits[0]))
    return _Amount(level=f"{level}." if level else "", old=leaf, minor=minor, digits=told, inner=True)


def _tells_digits(field: FieldShape, shape: DataShape) -> bool:
    words = set(name_tokens(field.path.rpartition(".")[2]))
    whole = field.low is not None and field.high is not None and 0 <= field.low <= field.high <= MAX_DIGITS
    return bool(words & _DIGITS) and whole and field.types == ("integer",) and field.present <= shape.records


def _is_minor_of(old: str, new: str) -> bool:
    """``total_minor``, ``total_units``: the old name and a word for minor units."""
    was, now = set(name_tokens(old)), set(name_tokens(new))
    return was < now and now - was <= _MINOR


def _has_grown(old: FieldShape, new: FieldShape, fewest: int, most: int) -> bool:
    """Say whether the means lie as far apart as digits from *fewest* to *most* let them."""
    if not old.mean or not new.mean or most == 0:
        return False
    return bool(10**fewest / _SLACK < new.mean / old.mean < 10**most * _SLACK)


def _at_parse(bench: Bench, dataset: str, found: list[_Amount], shapes: tuple[DataShape, DataShape]) -> Fix | None:
    site = parse_site(bench, dataset)
    names = {n for a in found for n in (a.old, a.minor, a.digits)}
    if site is None or not all(_is_one_place(shape, n) for shape in shapes for n in names):
        return None
    path, code, call = site
    rows, first = is_delimited(dataset), found[0]
    if rows and first.inner:
        return None
    whole = any("integer" in f.types for f in shapes[0].fields if f.path in {f"{a.level}{a.old}" for a in found})
    made = (_INNER if first.inner else _FLAT).replace("MONEY", _money(first, rows=rows, whole=whole))
    near = "\n".join(bench.text(p) or "" for p in near_files(bench))
    if any(a.minor in near for a in found):
        made = made.replace("value.pop(minor)", "value[minor]")
    spent = not first.inner and not first.none and not any(a.digits in near for a in found)
    pops = [f'value.pop("{told}", None)' for told in dict.fromkeys(a.digits for a in found)] if spent else []
    text = _TREE.replace("MADE", made).replace("    SPENT\n", "".join(f"    {pop}\n" for pop in pops))
    text = _ROWS.replace("MONEY", _money(first, rows=rows, whole=whole)) if rows else text
    places = ", ".join(f'("{a.old}", "{a.minor}", "{a.digits}")' for a in found)
    known = helper(code, "known_amounts", text.replace("PLACES", places))
    new = with_helper(code, [(code.span(call), f"{known.name}({parsed(code, call)})")], known)
    if not compiles(new):
        return None
    told = " and ".join(f"`{a.level}{a.old}` now comes as `{a.minor}`" for a in found)
    by = f"the currency ({', '.join(first.none)} without any)" if first.none else f"`{first.digits}`"
    return Fix(
        texts=((path, new),),
        file=path,
        fields=tuple(f"{a.level}{a.old}" for a in found),
        summary=f"Read {first.old} from minor units and their digits as well"[:100],
        explanation=f"In {dataset} {told}, in minor units whose digits {by} tells. Records get the known amount where they are parsed; data in the old form is read as before.",
    )


def _money(amount: _Amount, *, rows: bool, whole: bool) -> str:
    """Return the expression of the amount; without digits it stays whole where it was at times."""
    record, units = ("amount", "amount[minor]") if amount.inner else ("row" if rows else "value", "amount")
    digits = f"int({record}[digits])" if rows else f"{record}[digits]"
    if amount.none:
        table = "{" + ", ".join(f'"{word}": 0' for word in amount.none) + "}"
        digits = f"{table}.get({record}[digits], 2)"
    return f"{units} / 10 ** {digits}" + (f" if {digits} else {units}" if whole else "")


def _is_one_place(shape: DataShape, name: str) -> bool:
    return sum(f.path.rsplit(".", 1)[-1].removesuffix("[]") == name for f in shape.fields) <= 1
