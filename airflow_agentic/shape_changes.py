"""Two shapes → what changed between them, most telling first. The half of ``shapes.py`` that compares.

Names, types, patterns and counts are compared, never values. `removed` and `added` fields are paired into
moves and renames one to one, best pair first; a pair that is not sure stays what it is beside a
``possible_rename`` with its score.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from difflib import SequenceMatcher

from airflow_agentic.records import DataShape, FieldShape, ShapeChange
from airflow_agentic.trace_changes import Traces, doubted, proven

MAX_CHANGES, MAX_PAIRED = 60, 100
"""Fields on each side that renames are sought among: beyond that, it is another table."""
SURE, MARGIN, PLAUSIBLE, ONLY_PAIR = 0.8, 0.15, 0.45, 0.3
_ORDER = (
    "renamed",
    "moved",
    "removed",
    "form",
    "possible_rename",
    "retyped",
    "reformatted",
    "volume",
    "duplicates",
    "nulls",
    "range",
    "added",
)
LETTERS, LETTERS_OF_TEXT = 0.72, 0.65
"""How alike two names must be that share no word: ``cost`` is no ``count`` and ``name`` no ``nickname``."""
_IDENTIFIERS = {"id", "ids", "key", "uuid", "guid", "code", "number", "no", "nr", "sku", "ref", "pk", "seq"}
_UNKNOWN = "***"


def difference(good: DataShape, failing: DataShape) -> tuple[ShapeChange, ...]:
    """Return what *failing* has other than *good*, most telling kind first, at most 60 changes.

    A name or type that a secrets masker has touched (``***``) is unknown and never a change. Integers and
    numbers are one type. Counts are compared only where both sides have them.
    """
    before = {f.path: f for f in good.fields if _UNKNOWN not in f.path}
    after = {f.path: f for f in failing.fields if _UNKNOWN not in f.path}
    masked = any(_UNKNOWN in f.path for f in (*good.fields, *failing.fields))
    changes: list[ShapeChange] = []
    if failing.records or not good.records:
        gone = [] if masked else [f for p, f in before.items() if p not in after]
        new = [] if masked else [f for p, f in after.items() if p not in before]
        changes += _paired(gone, new, list(before), list(after), failing.traces)
        for path in before.keys() & after.keys():
            changes += _field_changes(before[path], after[path], good.records, failing.records)
    changes += _volume(good.records, failing.records)
    if good.form != failing.form:
        was, now = " and ".join(good.form) or "plain", " and ".join(failing.form) or "plain"
        changes.append(_change("form", "", was, now, f"the file itself was {was}, now {now}"))
    changes.sort(key=lambda c: (_ORDER.index(c.kind), -c.score, c.path.count("."), c.path))
    return tuple(replace(c, dataset=failing.name) for c in changes[:MAX_CHANGES])


def name_tokens(name: str) -> tuple[str, ...]:
    """Return the words of a field's name, folded: ``customerId``, ``CUSTOMER_ID`` → ``("customer", "id")``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return tuple(word.lower() for word in re.split(r"[^0-9A-Za-z\u00c0-\uffff]+", spaced) if word)


def _paired(
    gone: list[FieldShape], new: list[FieldShape], old_order: list[str], new_order: list[str], traces: Traces
) -> list[ShapeChange]:
    traced, gone, new = proven(gone, new, traces)
    moves, gone, new = _moves(gone, new)
    renames = [doubted(c, traces) for c in _renames(gone, new, old_order, new_order)]
    certain = {c.path for c in renames if c.kind == "renamed"}
    taken = {c.now for c in renames if c.kind == "renamed"}
    removed = [
        _change("removed", f.path, _types(f), "", f"field {f.path!r} is gone") for f in gone if f.path not in certain
    ]
    added = [_change("added", f.path, "", _types(f), f"field {f.path!r} is new") for f in new if f.path not in taken]
    return [*traced, *moves, *renames, *removed, *added]


def _moves(
    gone: list[FieldShape], new: list[FieldShape]
) -> tuple[list[ShapeChange], list[FieldShape], list[FieldShape]]:
    """Pair fields of one leaf name and compatible type under another parent; several takers make it less sure."""
    found: list[ShapeChange] = []
    left: list[FieldShape] = []
    free: dict[str, list[FieldShape]] = {}
    for field in new:
        free.setdefault(_leaf(field.path), []).append(field)
    for field in gone:
        takers = [f for f in free.get(_leaf(field.path), ()) if _alike(field, f)]
        if not takers:
            left.append(field)
            continue
        best = max(takers, key=lambda f: _kinship(field, f))
        ties = sum(1 for f in takers if _kinship(field, f) == _kinship(field, best))
        kin = 1.0 if any(_kinship(field, best)) or not field.formats else 0.6
        free[_leaf(field.path)].remove(best)
        found.append(
            _change(
                "moved",
                field.path,
                field.path,
                best.path,
                f"field {field.path!r} moved to {best.path!r}",
                round(kin / ties, 2),
            )
        )
    taken = {change.now for change in found}
    return found, left, [f for f in new if f.path not in taken]


def _renames(
    gone: list[FieldShape], new: list[FieldShape], old_order: list[str], new_order: list[str]
) -> list[ShapeChange]:
    scored = sorted(
        (
            (_rename_score(a, b, old_order, new_order), a.path, b.path)
            for a in gone[:MAX_PAIRED]
            for b in new[:MAX_PAIRED]
            if _parent(a.path) == _parent(b.path) and _compatible(a, b)
        ),
        reverse=True,
    )
    before, after = {f.path: f for f in gone}, {f.path: f for f in new}
    found: list[ShapeChange] = []
    used: set[str] = set()
    top: dict[str, list[tuple[float, str, str]]] = {}
    for pair in scored:
        for name in pair[1:]:
            top.setdefault(name, []).append(pair)
    for score, old, fresh in scored:
        rivals = [s for s, a, b in (*top[old][:2], *top[fresh][:2]) if (a, b) != (old, fresh)]
        if old in used or fresh in used or score < (PLAUSIBLE if rivals else ONLY_PAIR):
            continue
        used |= {old, fresh}
        same_words = name_tokens(_leaf(old)) == name_tokens(_leaf(fresh))
        if _only_qualified(before[old], after[fresh], gone, new):
            told = f"field {old!r} is now called {fresh!r}"
            found.append(_change("renamed", old, old, fresh, told, max(score, SURE)))
        elif same_words or (
            score >= SURE
            and score - max(rivals, default=0.0) >= MARGIN
            and not _another_thing(before[old], after[fresh])
        ):
            found.append(_change("renamed", old, old, fresh, f"field {old!r} is now called {fresh!r}", score))
        else:
            found.append(
                _change(
                    "possible_rename", old, old, fresh, f"possible rename of {old!r} to {fresh!r} ({score:.2f})", score
                )
            )
    return found


_OTHER_THING = {
    *("net", "gross", "hash", "hashed", "masked", "local", "utc", "old", "new", "prev", "previous", "last", "first"),
    *("min", "max", "avg", "mean", "sum", "count", "raw", "estimated", "planned", "actual"),
    *("average", "median", "prior", "forecast", "expected", "budget", "target", "projected", "opening", "closing"),
}
"""Words that make another thing of what they stand beside: ``net_amount`` is no new name of ``amount``."""
_HOW_MANY, _LAST_TIME = {"count", "sum"}, {"updated", "modified", "changed", "seen", "login", "update", "at"}


def _only_qualified(old: FieldShape, new: FieldShape, gone: list[FieldShape], fresh: list[FieldShape]) -> bool:
    """Say whether one name is the other and a word more, nothing else shares a word, and form and size are equal."""
    a, b = set(name_tokens(_leaf(old.path))), set(name_tokens(_leaf(new.path)))
    shared = (a & b) - _IDENTIFIERS
    if not shared or not (a <= b or b <= a) or (a ^ b) & _OTHER_THING or _kinds(old) != _kinds(new):
        return False
    if _folds(old) != _folds(new) and not _folds(old) & _folds(new):
        return False
    if old.mean is not None and new.mean is not None and _ratio(old.mean, new.mean) >= 2:
        return False
    rivals = [f for f in (*gone, *fresh) if f not in (old, new) and set(name_tokens(_leaf(f.path))) & shared]
    return not rivals


def _another_thing(old: FieldShape, new: FieldShape) -> bool:
    """Say whether a word makes another thing of it, or numbers have names that are alike by a few letters alone."""
    a, b = name_tokens(_leaf(old.path)), name_tokens(_leaf(new.path))
    shared = set(a) & set(b)
    least = LETTERS if _kinds(old) == _kinds(new) == {"number"} else LETTERS_OF_TEXT
    if not shared and _name_score(old.path, new.path) < least:
        return True
    return is_another_thing(set(a), set(b)) and len(shared) == min(len(set(a)), len(set(b)))


def is_another_thing(a: set[str], b: set[str]) -> bool:
    """Say whether a word that one name has and the other lacks makes another thing of it: ``previous_balance``."""
    return bool((a ^ b) & _OTHER_THING - _HOW_MANY - ({"last"} if a & b & _LAST_TIME else set()))


def _rename_score(old: FieldShape, new: FieldShape, old_order: list[str], new_order: list[str]) -> float:
    """Weigh name 0.5, type and patterns 0.3, neighbours 0.2, as the prototype of LINEAGE_FACTS 5 did."""
    kind = 1.0 if _kinds(old) == _kinds(new) else 0.3
    form = 1.0 if _folds(old) & _folds(new) else 0.0 if old.formats and new.formats else 0.7
    if old.mean is not None and new.mean is not None:
        form = 1.0 if _ratio(old.mean, new.mean) < 4 else 0.2
    near = _neighbours(old.path, new.path, old_order, new_order)
    return round(0.5 * _name_score(old.path, new.path) + 0.15 * kind + 0.15 * form + 0.2 * near, 2)


def _name_score(old: str, new: str) -> float:
    a, b = name_tokens(_leaf(old)), name_tokens(_leaf(new))
    if a == b:
        return 1.0
    if not a or not b:
        return 0.0
    shared = set(a) & set(b)
    if shared and (shared == set(a) or shared == set(b)) and not shared <= _IDENTIFIERS:
        return 0.85
    if len(a) == len(b) and all(_is_short_for(*sorted(pair, key=len)) for pair in zip(a, b, strict=True)):
        return 0.88
    overlap = len(shared - _IDENTIFIERS) / len(set(a) | set(b))
    return max(overlap, SequenceMatcher(None, "".join(a), "".join(b)).ratio() * 0.9)


def _is_short_for(short: str, word: str) -> bool:
    """Say whether a word is written shorter: ``temp`` for ``temperature``, ``qty`` for ``quantity``."""
    if short == word:
        return True
    if len(short) < 2:
        return (short, word) in {
            ("c", "celsius"),
            ("f", "fahrenheit"),
            ("m", "metres"),
            ("h", "hours"),
            ("s", "seconds"),
        }
    if word.startswith(short):
        return len(short) > 2
    letters = iter(word)
    skeleton = short[0] == word[0] and not set(short[1:]) & set("aeiou")
    return skeleton and len(word) > 3 and all(letter in letters for letter in short)


def _neighbours(old: str, new: str, old_order: list[str], new_order: list[str]) -> float:
    """Say how much of the surrounding is the same: the field before, the one after, or the same place."""
    i, j = old_order.index(old), new_order.index(new)
    pairs = (
        ((old_order[i - 1] if i else None), (new_order[j - 1] if j else None)),
        (
            (old_order[i + 1] if i + 1 < len(old_order) else None),
            (new_order[j + 1] if j + 1 < len(new_order) else None),
        ),
    )
    return max(sum(0.5 for a, b in pairs if a == b), 0.5 if i == j else 0.0)


def _field_changes(old: FieldShape, new: FieldShape, records_was: int, records_now: int) -> Iterator[ShapeChange]:
    path = old.path
    if not _compatible(old, new):
        yield _change("retyped", path, _types(old), _types(new), f"field {path!r} was {_types(old)}, now {_types(new)}")
        return
    fresh = _new_formats(old, new)
    if fresh:
        yield _change(
            "reformatted",
            path,
            ", ".join(old.formats),
            ", ".join(fresh),
            f"text of {path!r} was written {' or '.join(old.formats)}, now {' or '.join(fresh)}",
        )
    if records_was and records_now:
        yield from _nulls(old, new, records_was, records_now)
    if _unique(old, records_was) and records_now > 1 and "[]" not in path and new.distinct is not None:
        repeated = new.present - new.nulls - new.distinct
        if repeated > 0:
            yield _change(
                "duplicates",
                path,
                "0",
                str(repeated),
                f"{path!r} was unique, now {repeated} of {new.present} are repeats",
            )
    yield from _range(old, new, records_was)


def _new_formats(old: FieldShape, new: FieldShape) -> tuple[str, ...]:
    """Return patterns that the failing side has and the good one not; lengths of runs count only when there is one."""
    if not old.formats or not new.formats:
        return ()
    if len(old.formats) == len(new.formats) == 1 and old.formats != new.formats:
        same_words = _folds(old) == _folds(new) and set(old.formats[0]) <= set("Aa ")
        return () if same_words or _counted_on(old.formats[0], new.formats[0]) else new.formats
    known = _folds(old)
    if len(known) > 4:
        return ()
    return tuple(f for f in new.formats if _fold(f) not in known)


def _counted_on(old: str, new: str) -> bool:
    """Say whether only numbers have become a digit longer or shorter: ``A99``, then ``A999``."""
    was, now = re.findall("9+", old), re.findall("9+", new)
    same = re.sub("9+", "9", old) == re.sub("9+", "9", new)
    return same and all(abs(len(a) - len(b)) <= 1 for a, b in zip(was, now, strict=True))


def _nulls(old: FieldShape, new: FieldShape, records_was: int, records_now: int) -> Iterator[ShapeChange]:
    """Null and absent count alike: a reader that indexes trips over both."""
    was = min(1.0, max(0.0, (old.nulls + records_was - old.present) / records_was))
    now = min(1.0, max(0.0, (new.nulls + records_now - new.present) / records_now))
    if "[]" not in old.path and ((was < 0.01 and now - was >= 0.01 and now > 0) or now - was >= 0.2):
        yield _change(
            "nulls",
            old.path,
            f"{was:.0%}",
            f"{now:.0%}",
            f"{old.path!r} is null or absent in {now:.0%} of the records, was {was:.0%}",
        )


def _range(old: FieldShape, new: FieldShape, records: int) -> Iterator[ShapeChange]:
    if None in (old.mean, new.mean, old.low, new.low, old.high, new.high) or records < 5:
        return
    assert old.mean is not None and new.mean is not None and old.low is not None and new.low is not None
    assert old.high is not None and new.high is not None
    if set(name_tokens(_leaf(old.path))) & _IDENTIFIERS:
        return
    ratio = _ratio(old.mean, new.mean)
    apart = new.low > old.high or new.high < old.low
    negative = old.low >= 0 > new.low
    if ratio >= 4 or (apart and ratio > 2) or negative:
        times = f", mean {new.mean / old.mean:.3g} times" if old.mean else ""
        yield _change(
            "range",
            old.path,
            f"{old.low:g} to {old.high:g}, mean {old.mean:.4g}",
            f"{new.low:g} to {new.high:g}, mean {new.mean:.4g}",
            f"{old.path!r} ranges from {new.low:g} to {new.high:g}, was {old.low:g} to {old.high:g}{times}",
        )


def _volume(was: int, now: int) -> Iterator[ShapeChange]:
    if was and (now == 0 or (abs(was - now) >= 5 and (now <= 0.7 * was or now >= 1.5 * was))):
        yield _change("volume", "", str(was), str(now), f"{now} records, was {was}")


def _unique(field: FieldShape, records: int) -> bool:
    words = name_tokens(_leaf(field.path))
    return bool(words) and words[-1] in _IDENTIFIERS and records > 1 and field.present == field.distinct == records


def _compatible(a: FieldShape, b: FieldShape) -> bool:
    kinds_a, kinds_b = _kinds(a), _kinds(b)
    return kinds_a >= kinds_b or not kinds_a or not kinds_b


def _alike(a: FieldShape, b: FieldShape) -> bool:
    return bool(_kinds(a) & _kinds(b)) or not _kinds(a) or not _kinds(b)


def _kinds(field: FieldShape) -> frozenset[str]:
    return frozenset("number" if t == "integer" else t for t in field.types if t != "null" and _UNKNOWN not in t)


def _folds(field: FieldShape) -> set[str]:
    return {_fold(f) for f in field.formats}


def _fold(form: str) -> str:
    """As `shapes.fold`, and a word is a word: the lengths of runs say nothing, single capitals (``T``, ``Z``) do."""
    words = re.sub(r"A(?:A|\+)+", "A+", re.sub(r"9[9+]*", "9+", form))
    return re.sub(r"(?<![Aa+])a[a+]+", "a+", re.sub(r"A\+?a[a+]*", "Aa+", words))


def _kinship(a: FieldShape, b: FieldShape) -> tuple[bool, int]:
    shared = len(set(_steps(a.path)[:-1]) & set(_steps(b.path)[:-1]))
    return bool(_folds(a) & _folds(b)), shared


def _steps(path: str) -> list[str]:
    return path.split(".")


def _leaf(path: str) -> str:
    return path.rsplit(".", 1)[-1]


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def _ratio(a: float, b: float) -> float:
    small, large = sorted((abs(a), abs(b)))
    return large / small if small else (1.0 if not large else 99.0)


def _types(field: FieldShape) -> str:
    return " or ".join(field.types)


def _change(kind: str, path: str, was: str, now: str, detail: str, score: float = 1.0) -> ShapeChange:
    return ShapeChange(kind=kind, path=path, was=was, now=now, detail=detail, score=score)
