"""Two shapes of one field → the expression that gives the value its old form back, whichever form it comes in.

A conversion is certain or there is none: the patterns leave one reading, and what is in the old form passes
unchanged, so that old and new data give the same. Nothing here looks at code; `converted_field` finds the reads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_agentic.agents.mending.number_style import number_style
from airflow_agentic.agents.mending.time_forms import EPOCHS, of_pattern
from airflow_agentic.records import FieldShape
from airflow_agentic.shapes import fold

NUMBERS = frozenset({"integer", "number"})
_ISO_DAY = (19_000_101, 22_000_101)


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """How one field is read in either form."""

    form: str
    """Expression with ``{value}`` for the read, ``{call}`` for the helper's name and ``{base}`` for the record."""
    wanted: str = ""
    """The helper's name before it is made unique; empty: no helper."""
    text: str = ""
    """The helper's source with ``{name}`` for its name."""
    imports: str = ""
    words: str = ""
    """What the data does now, for people: ``a number with a % sign``."""
    absent: bool = False
    """The field may be missing altogether: it is read with ``.get``."""
    of_null: bool = False
    """It gives null its old form."""


def conversion(
    good: FieldShape, bad: FieldShape, inner: tuple[FieldShape, ...], *, text_only: bool
) -> Conversion | None:
    """Return how *bad* is turned into *good*, or None where that is not certain.

    :param inner: the failing shapes below the field, where it became an object or a list.
    :param text_only: the source has no types (CSV): a number is text that Python reads as one.
    """
    was, now = set(good.types) - {"null"}, set(bad.types) - {"null"}
    if not was or not now or ("null" in bad.types and "null" not in good.types):
        return None
    if now == {"object"}:
        return _object(good, bad, inner, text_only=text_only)
    if now == {"array"}:
        return _list(good, bad, inner)
    if was <= NUMBERS and "string" in now and now <= {"string", *NUMBERS}:
        return _flag(good, bad) or _number(good, bad, text_only=text_only)
    if was == {"boolean"} and now <= {"string", "integer"}:
        return _flag(good, bad)
    if was == {"string"} and any(re.search(r"9{4}-99-99|99:99", f) for f in good.formats):
        return _time(good, bad, now)
    if was == {"string"} and now == {"integer"} and len(good.formats) == 1 and set(good.formats[0]) == {"9"}:
        return Conversion(
            form=f"str({{value}}).zfill({len(good.formats[0])})", words="a number without its leading noughts"
        )
    if was == now == {"string"}:
        return _mark_behind(good, bad) or _spelling(good, bad)
    return None


def noughts(good: FieldShape, bad: FieldShape, records: int) -> Conversion | None:
    """A number that could be 0 never is any more, and is null or absent instead: that is how nought is written now."""
    nulls, absent = bad.nulls, records - bad.present
    if not set(good.types) <= NUMBERS or not set(bad.types) <= {*NUMBERS, "null"} or not nulls + absent:
        return None
    if good.nulls or good.low != 0 or not bad.low or bad.low <= 0 or nulls + absent >= records:
        return None
    text = '''
def {name}(value):
    """Return a number; the upstream writes nought as null."""
    return 0 if value is None else value
'''
    return Conversion(
        form="{call}({value})", wanted="nought_for_null", text=text, absent=bool(absent), of_null=True,
        words="null where it was 0; 0 itself no longer occurs",
    )  # fmt: skip


def counted_otherwise(good: FieldShape, bad: FieldShape) -> Conversion | None:
    """A time counted since 1970 in seconds, milliseconds or microseconds: no time of this age is two of them."""
    if not set(good.types) <= NUMBERS or not set(bad.types) <= NUMBERS or not good.mean or not bad.mean:
        return None
    units = [
        next(
            (
                (name, unit, high)
                for name, (unit, low, high) in EPOCHS.items()
                if low <= (f.low or 0) <= (f.high or 0) < high
            ),
            None,
        )
        for f in (good, bad)
    ]
    if units[0] is None or units[1] is None or units[0] == units[1]:
        return None
    (_, was, high_was), (name, now, high_now) = units[0], units[1]
    if not 0.9 < bad.mean / good.mean * was / now < 1.1:
        return None  # Two times of these years differ by less than that.
    whole = set(good.types) == {"integer"}
    factor = f"// {now // was}" if whole and now > was else f"/ {now // was}" if now > was else f"* {was // now}"
    test = f"{{value}} >= {int(high_was):_}" if now > was else f"{{value}} < {int(high_now):_}"
    return Conversion(form=f"({{value}} {factor} if {test} else {{value}})", words=f"counted in {name} since 1970")


def _number(good: FieldShape, bad: FieldShape, *, text_only: bool) -> Conversion | None:
    whole = good.types == ("integer",)
    bare, marks = _without_marks(bad.formats)
    style = number_style(bare, whole=whole) if bare else None
    if style is None:
        return None
    fraction = "%" in marks and good.high is not None and good.high <= _SHARE
    points = bool(style.decimal) or any("." in f for f in bare if style.group != ".")
    kind = "int" if whole and not fraction and not points else "float"
    told = [word for mark, word in _MARKS if mark in marks] + ([style.words()] if style.words() else [])
    if text_only and not told:
        return None
    test = "not isinstance(value, str)" + (' or "%" not in value' if "%" in marks else "")
    lines = [
        "",
        "def {name}(value):",
        f'    """Return a number, also from text{_with(told)}."""',
        f"    if {test}:",
        "        return value",
        *_strips(marks),
        f"    return {_result(style.stripped(), kind, fraction=fraction, negative=bool({'(', '-'} & marks), text_only=text_only)}",
        "",
    ]
    return Conversion(form="{call}({value})", wanted="plain_number", text="\n".join(lines), words=f"text{_with(told)}")


def _strips(marks: set[str]) -> list[str]:
    found = ['    negative = value.startswith("(")', '    value = value.strip("() ")'] if "(" in marks else []
    found += ['    negative = value.endswith("-")', '    value = value.rstrip("- ")'] if "-" in marks else []
    found += ['    value = value.strip("% \\u00a0")'] if "%" in marks else []
    return found + (['    value = value.strip("ABCDEFGHIJKLMNOPQRSTUVWXYZ \\u00a0")'] if "AAA" in marks else [])


def _result(text: str, kind: str, *, fraction: bool, negative: bool, text_only: bool) -> str:
    """The number itself, or text that Python reads as one where the source knows text only."""
    if fraction:
        number = f"round(float({text}) / 100, 10)"
        return f"str({number})" if text_only else number
    if text_only:
        return f'("-" if negative else "") + {text}' if negative else text
    return f"-{kind}({text}) if negative else {kind}({text})" if negative else f"{kind}({text})"


_SHARE = 1.5
"""A field that never was above this is a share of one, not of a hundred."""
_MARKS = (
    ("%", "a % sign"),
    ("AAA", "a currency code"),
    ("(", "negatives in parentheses"),
    ("-", "the minus sign behind"),
)


def _with(told: list[str]) -> str:
    return f" with {' and '.join(told)}" if told else ""


def _without_marks(formats: tuple[str, ...]) -> tuple[tuple[str, ...], set[str]]:
    """Take percent signs, currency codes and accountants' parentheses out of patterns; say which there were."""
    marks: set[str] = set()
    bare = []
    for form in formats:
        text = form.strip()
        match = re.fullmatch(r"\((.+)\)", text)
        if match:
            marks.add("(")
            text = match[1]
        elif re.fullmatch(r"9[9.,' +]*-", text):
            marks.add("-")
            text = text[:-1]
        if text.endswith("%"):
            marks.add("%")
            text = text[:-1].rstrip("\u00a0 ")
        match = re.fullmatch(r"AAA ?([-9].*)|([-9].*[9+]) ?AAA", text)
        if match:
            marks.add("AAA")
            text = match[1] or match[2]
        bare.append(text)
    sure = all(f.strip().endswith("%") for f in formats) if "%" in marks else True
    return (tuple(bare) if sure and not {"(", "-"} <= marks else ()), marks


def _flag(good: FieldShape, bad: FieldShape) -> Conversion | None:
    two = good.types == ("boolean",) or (good.types == ("integer",) and good.low in (0, 1) and good.high in (0, 1))
    if not two or (bad.distinct or 9) > 2:
        return None
    if bad.types == ("integer",):
        return Conversion(form="bool({value})", words="0 or 1") if bad.low in (0, 1) and bad.high in (0, 1) else None
    shapes = {f.lower() for f in bad.formats}
    pairs = [("true", "false"), ("yes", "no"), ("y", "n"), ("t", "f"), ("on", "off"), ("ja", "nein"), ("1", "0")]
    lengths = {"a" * len(w) if w.isalpha() else "9" for pair in pairs for w in pair}
    if not shapes or not shapes <= lengths:
        return None
    back = "" if good.types == ("boolean",) else "int"
    table = (
        "{" + ", ".join(f'"{y}": {int(True) if back else True}, "{n}": {0 if back else False}' for y, n in pairs) + "}"
    )
    text = f'''
def {{name}}(value):
    """Return true or false, also from the words for them."""
    words = {table}
    return words[value.strip().lower()] if isinstance(value, str) else value
'''
    return Conversion(form="{call}({value})", wanted="flag", text=text, words="a word for true or false")


def _object(good: FieldShape, bad: FieldShape, inner: tuple[FieldShape, ...], *, text_only: bool) -> Conversion | None:
    """An object with the value in it, beside words that are all the same."""
    level = bad.path + "."
    leaves = [f for f in inner if f.path.startswith(level) and "." not in f.path[len(level) :]]
    telling = [f for f in leaves if f.distinct != 1]
    if len(telling) != 1 or len(leaves) < 1:
        return None
    one = telling[0]
    key, was, now = one.path[len(level) :], set(good.types) - {"null"}, set(one.types) - {"null"}
    read = f'{{value}}["{key}"] if isinstance({{value}}, dict) else {{value}}'
    if was <= NUMBERS and now <= NUMBERS:
        factor = next(
            (
                f
                for f, far in ((1, 2), (100, 5), (1000, 5))
                if one.mean and good.mean and 1 / far < one.mean / good.mean / f < far
            ),
            None,
        )
        if factor is None or (factor > 1 and set(one.types) != {"integer"}):
            return None
        scaled = read.replace('"] if', f'"] / {factor} if') if factor > 1 else read
        return Conversion(form=f"({scaled})", words=f"an object with the value as `{key}`")
    if was == now == {"string"} and set(good.formats) & set(one.formats):
        return Conversion(form=f"({read})", words=f"an object with the value as `{key}`")
    found = conversion(good, one, (), text_only=text_only)
    if found is None or not found.wanted:
        return None
    return Conversion(
        form="{call}(" + read + ")", wanted=found.wanted, text=found.text, imports=found.imports,
        words=f"an object with the value as `{key}`, {found.words}",
    )  # fmt: skip


def _list(good: FieldShape, bad: FieldShape, inner: tuple[FieldShape, ...]) -> Conversion | None:
    item = next((f for f in inner if f.path == bad.path + "[]"), None)
    if item is None or set(item.types) - {"null"} != set(good.types) - {"null"} or item.present != bad.present:
        return None
    if item.distinct is None or item.distinct > bad.present or (bad.entries is not None and bad.entries != (1, 1)):
        return None
    if good.formats and item.formats and not set(good.formats) & set(item.formats):
        return None
    text = '''
def {name}(value):
    """Return the value, also from a list that holds nothing else."""
    if not isinstance(value, list):
        return value
    (one,) = value
    return one
'''
    return Conversion(form="{call}({value})", wanted="only_one", text=text, words="a list of one")


def _time(good: FieldShape, bad: FieldShape, now: set[str]) -> Conversion | None:
    """Text in one known form of a time, now in another one or as a count since 1970."""
    old = of_pattern(good.formats[0]) if len(good.formats) == 1 else ()
    if not old or any("%z" in f for f in old):
        return None
    form = old[0]
    checks: list[str] = []
    if now <= NUMBERS and bad.low and bad.high:
        unit = next((n for n, low, high in EPOCHS.values() if low <= bad.low <= bad.high < high), None)
        if unit is not None and "%H" in form:
            checks = ["    if isinstance(value, (int, float)):", f"        moment = _datetime.fromtimestamp(value / {unit}, _timezone.utc)", f'        return moment.strftime("{form}")']  # fmt: skip
        elif _ISO_DAY[0] <= bad.low <= bad.high < _ISO_DAY[1] and "%H" not in form:
            return Conversion(
                form="{call}({value})", wanted="known_day", text=_DAY.replace("FORM", form), imports=_IMPORT,
                words="a date as one number",
            )  # fmt: skip
        else:
            return None
    elif now == {"string"}:
        fresh = _forms(bad.formats)
        if not fresh or set(fresh) <= set(old) or any("%H" not in f for f in fresh) != ("%H" not in form):
            return None
        listed = ", ".join(f'"{f}"' for f in dict.fromkeys((*old, *_with_fractions(fresh))))
        checks = [
            f"    for form in ({listed},):", "        try:", "            moment = _datetime.strptime(value, form)",
            "        except ValueError:", "            continue", "        if moment.tzinfo is not None:",
            "            moment = moment.astimezone(_timezone.utc)", f'        return moment.strftime("{form}")',
        ]  # fmt: skip
    else:
        return None
    lines = ["", "def {name}(value):", f'    """Return a time as `{_readable(form)}`, in UTC, from every form that the upstream has used."""', *checks, "    return value", ""]  # fmt: skip
    return Conversion(
        form="{call}({value})",
        wanted="known_time",
        text="\n".join(lines),
        imports=_IMPORT,
        words="a time in another form",
    )


def _forms(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The `strptime` forms of patterns; none if one of them is not known or can be read in two ways."""
    found = [of_pattern(pattern) for pattern in patterns]
    return tuple(dict.fromkeys(f for forms in found for f in forms)) if all(found) else ()


_IMPORT = "from datetime import datetime as _datetime, timezone as _timezone"
_DAY = '''
def {name}(value):
    """Return a date as text, also from a number like 20260131."""
    return _datetime.strptime(str(value), "%Y%m%d").strftime("FORM") if isinstance(value, int) else value
'''


def _with_fractions(formats: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        f for one in formats for f in ((one, one.replace("%S", "%S.%f")) if "%S" in one and "%f" not in one else (one,))
    )


def _readable(form: str) -> str:
    for code, word in (("%Y", "YYYY"), ("%m", "MM"), ("%d", "DD"), ("%H", "HH"), ("%M", "MM"), ("%S", "SS")):
        form = form.replace(code, word)
    return form


def _mark_behind(good: FieldShape, bad: FieldShape) -> Conversion | None:
    """Digits in text as before, with a percent sign behind them now."""
    bare = {form.removesuffix("%").rstrip() for form in bad.formats if form.endswith("%")}
    digits = good.formats and all(re.fullmatch(r"-?9+\+?(?:\.9+\+?)?", form) for form in (*good.formats, *bare))
    if not digits or len(bare) != len(bad.formats) or not {fold(f) for f in bare} <= {fold(f) for f in good.formats}:
        return None
    return Conversion(form='{value}.rstrip("% ")', words="text with a % sign")


def _spelling(good: FieldShape, bad: FieldShape) -> Conversion | None:
    """The same words in another case: every pattern of the old writing has its twin in the new one."""
    if not good.formats or not bad.formats or set(good.formats) & set(bad.formats):
        return None
    if any(re.search(r"9", f) for f in (*good.formats, *bad.formats)) or (bad.distinct or 99) > 30:
        return None
    if not {f.lower() for f in bad.formats} <= {f.lower() for f in good.formats}:
        return None
    was, now = (_case(s.formats) for s in (good, bad))
    if not was or not now or was == now:
        return None
    return Conversion(form=f"{{value}}.{was}()", words=f"written in {_CASES[now]} letters")


def _case(formats: tuple[str, ...]) -> str:
    """The string method that leaves all words of these patterns as they are; empty if there is not one."""
    words = [word for form in formats for word in re.findall(r"[Aa]+", form.replace("+", ""))]
    if all(set(word) == {"A"} for word in words):
        return "upper"
    if all(set(word) == {"a"} for word in words):
        return "lower"
    return "title" if all(re.fullmatch(r"Aa*", word) for word in words) else ""


_CASES = {"upper": "capital", "lower": "small", "title": "other"}
