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

from airflow_agentic.agents.fixers.bench import Bench
from airflow_agentic.agents.fixers.parse_sites import near_files
from airflow_agentic.records import DataShape, FieldShape
from airflow_agentic.shape_changes import name_tokens

SIZES: tuple[dict[str, float], ...] = tuple(
    {word: size for size, words in kind.items() for word in words.split(" ")}
    for kind in (
        {1.0: "m metre metres meter meters", 1e3: "km kilometres kilometers", 1e-2: "cm", 1e-3: "mm", 1609.344: "mi mile miles", 0.3048: "ft feet foot", 0.0254: "inch inches", 0.9144: "yd yards"},
        {1.0: "g gram grams", 1e3: "kg kilo kilos kilogram kilograms", 1e-3: "mg", 1e6: "t ton tons tonne tonnes", 453.592: "lb lbs", 28.3495: "oz ounces"},
        {1.0: "s sec secs seconds", 1e-3: "ms millis milliseconds", 1e-6: "micros microseconds", 1e-9: "nanos", 60.0: "min mins minutes", 3600.0: "h hr hrs hours", 86400.0: "days", 604800.0: "weeks"},
        {1.0: "l litre litres liter liters", 1e-3: "ml", 1e-2: "cl", 1e2: "hl", 3.78541: "gal gallon gallons"},
        {1.0: "wh", 1e3: "kwh", 1e6: "mwh", 1 / 3.6: "kj", 1e3 / 3.6: "mj", 1e6 / 3.6: "gj"},
        {1.0: "w watt watts", 1e3: "kw", 1e6: "mw"},
        {1.0: "bytes", 1e3: "kb", 1024.0: "kib", 1e6: "mb", 1024.0**2: "mib", 1e9: "gb", 1024.0**3: "gib"},
        {1.0: "pa", 1e2: "hpa mbar", 1e3: "kpa", 1e5: "bar", 6894.76: "psi"},
        {1.0: "kmh kph", 3.6: "mps", 1.609344: "mph", 1.852: "knots"},
        {1.0: "ratio share fraction", 1e-2: "percent pct", 1e-4: "bps"},
        {1.0: "", 1e3: "thousand thousands tsd", 1e6: "million millions mio"},
        {1.0: "", 1e-2: "cent cents ct pence minor", 1e-3: "millis", 1e-6: "micros"},
    )
)  # fmt: skip
"""Units of one kind, each by its size. What is counted in ones without saying so has the empty word."""
_CURRENCIES = (
    "eur euro euros|usd dollar dollars|gbp|chf franc francs|jpy yen|cny rmb yuan|sek|nok|dkk|pln|czk|huf|ron|bgn|cad|aud|nzd|inr|brl|"
    "mxn|zar|sgd|hkd|krw|ils|aed|rub|uah|thb|idr|isk"
)
_CURRENCY = {word: words.split()[0] for words in _CURRENCIES.split("|") for word in words.split()}
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
_KNOWN = ({word for kind in SIZES for word in kind} | set(_CURRENCY) | set(_DEGREES)) - {""}
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
    money = {_CURRENCY[word] for word in gone | extra if word in _CURRENCY}
    gone, extra = gone - set(_CURRENCY), extra - set(_CURRENCY)
    if len(money) > 1 or len(gone) > 1 or len(extra) > 1:
        return None
    currency = "" if not money or (was & set(_CURRENCY) and now & set(_CURRENCY)) else money.pop()
    if not gone and not extra:
        alike = set(old.types) == set(new.types) and _apart(new.mean / old.mean, 1.0) < _LIKE
        return Reading(factor=1.0, assumed=currency) if alike else None
    found = _sized(next(iter(gone), ""), next(iter(extra), ""), new.mean / old.mean)
    return Reading(factor=found.factor, assumed=found.assumed or currency) if found else None


def only_unit(old: str, new: str) -> bool:
    """Say whether two names differ in words of units alone."""
    return bool(apart := set(name_tokens(old)) ^ set(name_tokens(new))) and apart <= _KNOWN


def contradicted(bench: Bench, shapes: tuple[DataShape, ...], unit: str) -> bool:
    """Say whether the records or the code near the failure speak of another unit than *unit*, of the same kind."""
    if unit in _CURRENCY:
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
    if unit in _CURRENCY:
        return _CURRENCY.get(word) == unit
    return any(word in kind and kind[word] == kind[unit] for kind in SIZES if unit in kind)


def _other(unit: str, word: str) -> bool:
    if unit in _CURRENCY:
        return _CURRENCY.get(word, unit) != unit
    return len(word) > 1 and any(word in kind and kind[word] != kind[unit] for kind in SIZES if unit in kind)


def _is_number(field: FieldShape) -> bool:
    """Numbers, and text that is nothing but a number: of that the size is not known."""
    if set(field.types) & {"integer", "number"}:
        return True
    return bool(field.formats) and all(_BARE_NUMBER.fullmatch(f) for f in field.formats)


def _sized(was: str, now: str, ratio: float) -> Reading | None:
    """The one factor that names allow and sizes show; where a neighbour is near, an equal size is an assumption."""
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
