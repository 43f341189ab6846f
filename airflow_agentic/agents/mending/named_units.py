"""Two names of one number → what the new name says of its unit, and by what the data shows that the numbers grew.

``duration`` → ``duration_ms``: of the same size it is a new name, a thousand times as large it is another unit, and
anything between is neither. A currency cannot be told from another one of like worth by size, nor a mile from a
kilometre: such a name is believed only where nothing in the repository speaks of another unit, and what is assumed
is said.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from airflow_agentic.agents.mending.bench import Bench
from airflow_agentic.agents.mending.parse_sites import near_files
from airflow_agentic.records import DataShape, FieldShape
from airflow_agentic.shape_changes import name_tokens
from airflow_agentic.unit_words import CURRENCIES, SIZES

_DEGREES = {"c": "c", "celsius": "c", "degc": "c", "f": "f", "fahrenheit": "f", "degf": "f", "kelvin": "k", "degk": "k"}
_OTHER_VALUE = {"gross", "net", "utc", "local", "hash", "hashed", "masked"}
_OTHER_NUMBER = {
    "pound",
    "pounds",
    "per",
    "second",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "year",
    "daily",
    "hourly",
    "monthly",
    "weekly",
    "k",
}
"""Words that make another number of one; and pounds, which are money and weight."""
_ONLY_SWAPPED = {"ratio", "share", "fraction", "percent", "pct", "bps"}
_SHORT = {*"mtghslwcf", "min", "mi", "oz", "pa", "bar"}
"""Words that mean more than one thing: units beside a word of what is measured."""
_MEASURED = re.compile(
    r"distance|length|height|width|depth|range|mileage|radius|elevation|altitude|weight|mass|load|duration|time|elapsed|delay|wait|age|latency|"
    r"runtime|interval|volume|capacity|power|temp|pressure|speed|usage|consumption"
)
_KNOWN = ({word for kind in SIZES for word in kind} | set(CURRENCIES) | set(_DEGREES)) - {""}
_BARE_NUMBER = re.compile(r"[-(]?\W?9[9.,+' ]*\W?(?:AAA)?\)?")
_LIKE = 2.0
"""Of one size: the means of two days differ by less."""
_FAR = 5.0
"""Units that lie further apart than this are told apart by the size of the numbers."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a new name does to the numbers."""

    factor: float
    """By what they were multiplied: 1 for a new name and nothing else."""
    assumed: str = ""
    """The currency or unit that nothing but its size speaks for."""


def reading(old: FieldShape, new: FieldShape) -> Reading | None:
    """Return what *new* is of *old*, or None where names and sizes leave it open. Names without units read as 1."""
    was, now = (set(name_tokens(f.path.rpartition(".")[2])) for f in (old, new))
    told = (was ^ now) & (_KNOWN | _OTHER_VALUE | _OTHER_NUMBER)
    if told & _OTHER_VALUE:
        return None
    if not told or not (_is_number(old) and _is_number(new)):
        return Reading(factor=1.0)
    if told & _OTHER_NUMBER or (told & _SHORT and not all(_MEASURED.search(" ".join(words)) for words in (was, now))):
        return None
    if not old.mean or not new.mean or old.mean * new.mean < 0:
        return None
    gone, extra = (was - now) & _KNOWN, (now - was) & _KNOWN
    if (gone | extra) & set(_DEGREES):
        other = {_DEGREES.get(word) for word in gone | extra}
        return _degrees(old.mean, new.mean) if len(other) == 1 else None
    money = {CURRENCIES[word] for word in gone | extra if word in CURRENCIES}
    gone, extra = gone - set(CURRENCIES), extra - set(CURRENCIES)
    if len(money) > 1 or len(gone) > 1 or len(extra) > 1:
        return None
    currency = "" if not money or (was & set(CURRENCIES) and now & set(CURRENCIES)) else money.pop()
    if not gone and not extra:
        alike = set(old.types) == set(new.types) and _apart(new.mean / old.mean, 1.0) < _LIKE
        return Reading(factor=1.0, assumed=currency) if alike else None
    found = sized(next(iter(gone), ""), next(iter(extra), ""), new.mean / old.mean)
    return Reading(factor=found.factor, assumed=found.assumed or currency) if found else None


def only_unit(old: str, new: str) -> bool:
    """Say whether two names differ in words of units alone."""
    return bool(apart := set(name_tokens(old)) ^ set(name_tokens(new))) and apart <= _KNOWN


def contradicted(bench: Bench, shapes: tuple[DataShape, ...], unit: str) -> bool:
    """Say whether the records or the code near the failure speak of another unit than *unit*, of the same kind."""
    if unit in CURRENCIES:
        mixed = [f for s in shapes for f in s.fields if {"currency", "ccy"} & set(name_tokens(f.path))]
        if any((f.distinct or 2) > 1 for f in mixed):
            return True
    return any(_other(unit, word) for word in _words(bench))


def supported(bench: Bench, unit: str) -> bool:
    """Say whether the code near the failure names the unit itself."""
    return any(_same(unit, word) for word in _words(bench))


def _words(bench: Bench) -> set[str]:
    paths = dict.fromkeys((*near_files(bench), *(p for p in bench.all_files() if p.endswith(".sql"))))
    texts = (bench.text(path) or "" for path in paths)
    return {word for text in texts for name in set(re.findall(r"\w{2,60}", text)) for word in name_tokens(name)}


def _same(unit: str, word: str) -> bool:
    if unit in CURRENCIES:
        return CURRENCIES.get(word) == unit
    return any(word in kind and kind[word] == kind[unit] for kind in SIZES if unit in kind)


def _other(unit: str, word: str) -> bool:
    if unit in CURRENCIES:
        return CURRENCIES.get(word, unit) != unit
    return len(word) > 1 and any(word in kind and kind[word] != kind[unit] for kind in SIZES if unit in kind)


def _is_number(field: FieldShape) -> bool:
    """Numbers, and text that is nothing but a number: of that the size is not known."""
    if set(field.types) & {"integer", "number"}:
        return True
    return bool(field.formats) and all(_BARE_NUMBER.fullmatch(f) for f in field.formats)


def sized(was: str, now: str, ratio: float) -> Reading | None:
    """Return the one factor that names allow and sizes show; where a neighbour is near, an equal size is an assumption."""
    factors: set[float] = set()
    for kind in SIZES:
        if was and now and was in kind and now in kind:
            factors.add(kind[was] / kind[now])
        elif not (was and now) and (now or was) in kind and (now or was) not in _ONLY_SWAPPED:
            known = kind[now or was]
            factors |= {size / known if now else known / size for size in kind.values()}
    if not factors:
        return None
    best = min(factors, key=lambda f: _apart(ratio, f))
    gap = min((_apart(best, f) for f in factors if f != best), default=1e9)
    within = _LIKE if best == 1.0 else max(_LIKE, min(_FAR, math.sqrt(gap) / 2))
    if _apart(ratio, best) >= within or (gap < _FAR and best != 1.0):
        return None
    return Reading(factor=best, assumed=(now or was) if gap < _FAR else "")


def _apart(a: float, b: float) -> float:
    return max(a / b, b / a)


def _degrees(was: float, now: float) -> Reading | None:
    """Degrees that say so now: a conversion would have moved the mean much further than it moved."""
    elsewhere = (was * 1.8 + 32, (was - 32) / 1.8, was + 273.15, was - 273.15)
    return Reading(factor=1.0) if all(abs(mean - was) > 4 * abs(now - was) for mean in elsewhere) else None
