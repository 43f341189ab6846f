"""Words for units and currencies, each unit with its size: a closed list of our own.

A stranger's text that is one of these words may be shown and compared; it says nothing but a unit.
"""

from __future__ import annotations

SIZES: tuple[dict[str, float], ...] = tuple(
    {word: size for size, words in kind.items() for word in words.split(" ")}
    for kind in (
        {1.0: "m metre metres meter meters", 1e3: "km kilometres kilometers", 1e-2: "cm", 1e-3: "mm",
         1609.344: "mi mile miles", 0.3048: "ft feet foot", 0.0254: "inch inches", 0.9144: "yd yards"},
        {1.0: "g gram grams", 1e3: "kg kilo kilos kilogram kilograms", 1e-3: "mg", 1e6: "t ton tons tonne tonnes",
         453.592: "lb lbs", 28.3495: "oz ounces"},
        {1.0: "s sec secs seconds", 1e-3: "ms millis milliseconds", 1e-6: "micros microseconds", 1e-9: "nanos",
         60.0: "min mins minutes", 3600.0: "h hr hrs hours", 86400.0: "days", 604800.0: "weeks"},
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
_CURRENCY_WORDS = (
    "eur euro euros|usd dollar dollars|gbp|chf franc francs|jpy yen|cny rmb yuan|sek|nok|dkk|pln|czk|huf|ron|bgn|cad|"
    "aud|nzd|inr|brl|mxn|zar|sgd|hkd|krw|ils|aed|rub|uah|thb|idr|isk"
)
CURRENCIES = {word: words.split()[0] for words in _CURRENCY_WORDS.split("|") for word in words.split()}
UNIT_WORDS = frozenset({word for kind in SIZES for word in kind} | set(CURRENCIES)) - {""}
