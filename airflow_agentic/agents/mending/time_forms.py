"""A shown value, or the pattern of many → the `strptime` forms that it can have; none where day and month may be swapped."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

EPOCHS = {"seconds": (1, 1e8, 1e11), "milliseconds": (1000, 1e11, 1e14), "microseconds": (1_000_000, 1e14, 1e17)}
ISO = "ISO 8601"
_ISO_TEXT = re.compile(r"^9{4}-99-99(?P<sep>[T ]|A)99:99(?P<s>:99)?(?P<f>[.,]9{1,9})?(?P<z>A|Z|[+-]99:?99)?$")
DATES = {"9999-99-99": "%Y-%m-%d", "9999/99/99": "%Y/%m/%d", "99999999": "%Y%m%d", "99.99.9999": "%d.%m.%Y"}


def of_pattern(form: str) -> tuple[str, ...]:
    """Return the `strptime` forms that a pattern of text can have; none where day and month may be swapped."""
    match = _ISO_TEXT.fullmatch(form)
    if match is None:
        return (DATES[form],) if form in DATES else ()
    separator = " " if match["sep"] == " " else "T"
    return around(f"%Y-%m-%d{separator}%H:%M{':%S' if match['s'] else ''}", zone=bool(match["z"]))


def of_value(value: str, logical_date: str | None) -> tuple[str, ...]:
    """Return the forms that one shown value, and others of its upstream, can have; none where it is not certain."""
    iso = re.fullmatch(r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d(:\d\d)?([.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)?", value)
    if iso:
        return around(f"%Y-%m-%d{iso[1]}%H:%M{':%S' if iso[2] else ''}", zone=bool(iso[4]))
    clock = re.fullmatch(r"(?P<date>\S+?)(?:(?P<sep>[T ])(?P<time>\d\d:\d\d(?::\d\d)?)(?P<pm> ?[AP]M)?)?", value)
    if clock is None:
        return ()
    date = _date_format(clock["date"], logical_date)
    if date is None:
        return ()
    time = (
        ""
        if not clock["time"]
        else clock["sep"] + ("%I" if clock["pm"] else "%H") + ":%M" + (":%S" if clock["time"].count(":") == 2 else "")
    )
    return (date + time + ((" %p" if clock["pm"][0] == " " else "%p") if clock["pm"] else ""),)


def _date_format(text: str, logical_date: str | None) -> str | None:
    """The form of a date; day and month are told apart by a day above 12 or by the interval's own date, else not at all."""
    known = DATES.get(re.sub(r"\d", "9", text))
    if known and _reads(text, known):
        return known
    match = re.fullmatch(r"\d\d([/-])\d\d\1\d{4}", text)
    if match is None:
        return None
    sep = match[1]
    fits = [f for f in (f"%d{sep}%m{sep}%Y", f"%m{sep}%d{sep}%Y") if _reads(text, f)]
    if len(fits) == 2 and logical_date:
        day = datetime.fromisoformat(logical_date[:10])
        fits = [f for f in fits if abs(datetime.strptime(text, f) - day) <= timedelta(days=2)]
    return fits[0] if len(fits) == 1 else None


def _reads(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


def around(plain: str, *, zone: bool) -> tuple[str, ...]:
    """An upstream that writes fractions leaves them out when they are nought; the same holds for neither more nor less."""
    base = plain.replace("%z", "").replace(".%f", "")
    with_fraction = (base, f"{base}.%f") if "%S" in base else (base,)
    return (*with_fraction, *(f"{f}%z" for f in with_fraction)) if zone else with_fraction
