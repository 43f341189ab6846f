"""Shapes → the fields that are certain to have a new name or place. What is not certain is no move.

`shapes.difference` says what is renamed or moved. Two cases are added here because only a reader of code needs
them: a whole container that got a new name, and a flat name that became a path (``customer_id`` → ``customer.id``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from airflow_agentic.agents.mending.bench import Bench
from airflow_agentic.agents.mending.named_units import contradicted, reading, supported
from airflow_agentic.records import DataShape, FieldShape, ShapeChange
from airflow_agentic.shape_changes import name_tokens
from airflow_agentic.trace_changes import DOUBT

SURE = 0.8
ALIKE, MAX_WORDS = 0.55, 20
_TIME = re.compile(r"9999-99|99:99|99[/.]99[/.]9")


@dataclass(frozen=True, kw_only=True)
class FieldMove:
    """A field that is now elsewhere, relative to the deepest object that both places share."""

    dataset: str
    within: tuple[str, ...]
    """Keys from the record (or list item) to the shared object."""
    old: tuple[str, ...]
    new: tuple[str, ...]
    old_stays: bool
    """The first step of `old` still exists in the failing data, as an object without the field."""
    siblings: frozenset[str]
    """Keys that the record (or list item) has had, before and now."""
    assumed: str = ""
    """The unit or currency that the new name says, where nothing but its size tells that the old one had it too."""

    @property
    def is_rename(self) -> bool:
        """Same object, another name."""
        return len(self.old) == len(self.new) == 1

    @property
    def was(self) -> str:
        return ".".join((*self.within, *self.old))

    @property
    def now(self) -> str:
        return ".".join((*self.within, *self.new))


def field_moves(bench: Bench) -> tuple[FieldMove, ...]:
    """Return the certain moves, containers before what is in them."""
    found: list[FieldMove] = []
    for name in dict.fromkeys(s.name for s in bench.dossier.shapes):
        good, failing = bench.good(name), bench.failing(name)
        if good is not None and failing is not None:
            changes = [c for c in bench.changes() if c.dataset == name]
            found += _certain(bench, good, failing, changes)
    return tuple(move for move in found if move.old and move.new)


def possible_moves(bench: Bench) -> tuple[ShapeChange, ...]:
    """Return the renames that may be, for the diagnosis only."""
    return tuple(c for c in bench.changes() if c.kind == "possible_rename")


def _certain(bench: Bench, good: DataShape, failing: DataShape, changes: list[ShapeChange]) -> Iterator[FieldMove]:
    before, after = {f.path: f for f in good.fields}, {f.path: f for f in failing.fields}
    for old, new in _pairs(good, failing, changes):
        assumed = _assumed(bench, (good, failing), before[old], after[new])
        if assumed is not None:
            yield replace(_move(good, failing, old, new), assumed=assumed)


def _pairs(good: DataShape, failing: DataShape, changes: list[ShapeChange]) -> list[tuple[str, str]]:
    before = {f.path: f for f in good.fields}
    after = {f.path: f for f in failing.fields}
    sure = {c.path: c.now for c in changes if c.kind in {"renamed", "moved"} and c.score >= SURE}
    gone = [c.path for c in changes if c.kind == "removed" and c.path not in sure]
    new = [c.path for c in changes if c.kind == "added" and c.now not in sure.values()]
    for path in gone:
        takers = [p for p in new if _same_path(path, p) and p not in sure.values()]
        if len(takers) == 1 and [p for p in gone if _same_path(p, takers[0])] == [path]:
            sure[path] = takers[0]
    for change in changes:
        if (
            change.kind == "possible_rename"
            and change.path not in sure
            and change.score > DOUBT
            and (_same_ids(before[change.path], after[change.now]) or _same_words(change, before, after))
        ):
            rivals = [
                c
                for c in changes
                if c.kind in {"removed", "added"}
                and _level(c.path) == _level(change.path)
                and set((before | after)[c.path].types) != {"object"}
            ]
            if len(rivals) <= 2:
                sure[change.path] = change.now
    sure.update(_records_list(good, failing))
    kept = {old: now for old, now in sure.items() if _same_values(before[old], after[now])}
    containers = _containers(good, failing, kept)
    for old in list(kept):
        if any(old.startswith((c + ".", c + "[]")) for c in containers):
            del kept[old]
    return [*containers.items(), *kept.items()]


def _records_list(good: DataShape, failing: DataShape) -> dict[str, str]:
    """The list of records itself has a new name: an envelope that held one list holds another one now."""
    if not good.name.endswith(" (envelope)"):
        return {}
    lists = [[f.path for f in shape.fields if set(f.types) == {"array"}] for shape in (good, failing)]
    old, new = ([p for p in own if p not in other] for own, other in (lists, lists[::-1]))
    return {old[0]: new[0]} if len(lists[0]) == len(lists[1]) == len(old) == len(new) == 1 else {}


def _containers(good: DataShape, failing: DataShape, moves: dict[str, str]) -> dict[str, str]:
    """An object or list that is gone, and all that was in it is now in a new one beside it."""
    now_there = {f.path for f in failing.fields}
    was_there = {f.path for f in good.fields}
    found: dict[str, str] = {}
    for field in good.fields:
        path = field.path
        inside = [p for p in was_there if p.startswith((path + ".", path + "[]."))]
        if path in now_there or not inside or not set(field.types) & {"object", "array"}:
            continue
        homes = {
            _level(moves[p]).removesuffix("[]") if p in moves else None
            for p in inside
            if _level(p).removesuffix("[]") == path
        }
        home = homes.pop() if len(homes) == 1 else None
        if home and home in now_there - was_there and _level(home) == _level(path):
            found[path] = home
    return found


def _move(good: DataShape, failing: DataShape, old: str, new: str) -> FieldMove:
    old_steps, new_steps, level = _relative(old, new)
    shared = 0
    while shared < min(len(old_steps), len(new_steps)) - 1 and old_steps[shared] == new_steps[shared]:
        shared += 1
    after = {f.path for f in failing.fields}
    first = level + ".".join(old_steps[: shared + 1])
    siblings = {
        f.path[len(level) :].split(".")[0].split("[")[0]
        for f in (*good.fields, *failing.fields)
        if f.path.startswith(level)
    }
    return FieldMove(
        dataset=good.name,
        within=tuple(old_steps[:shared]),
        old=tuple(old_steps[shared:]),
        new=tuple(new_steps[shared:]),
        old_stays=len(old_steps) - shared > 1 and first in after,
        siblings=frozenset(siblings),
    )


def _relative(old: str, new: str) -> tuple[list[str], list[str], str]:
    """Cut both paths behind the last list that they share; a list in what remains cannot be read by keys alone."""
    cut = old.rfind("[].")
    level = old[: cut + 3] if cut >= 0 else ""
    if level and not new.startswith(level):
        return [], [], level
    rest = new[len(level) :]
    if "[]" in rest or "[]" in old[len(level) :]:
        return [], [], level
    return old[len(level) :].split("."), rest.split("."), level


def _same_values(old: FieldShape, new: FieldShape) -> bool:
    """Same kind and size of values: ``amount`` and ``amount_cents`` are no rename."""
    kinds = [{"number" if t == "integer" else t for t in f.types if t != "null"} for f in (old, new)]
    if kinds[0] and kinds[1] and not kinds[0] & kinds[1]:
        return False
    if old.mean and new.mean and not 0.1 < abs(new.mean / old.mean) < 10 and not _is_id(old):
        return False
    read = reading(old, new)
    return read is not None and read.factor == 1.0


def _assumed(bench: Bench, shapes: tuple[DataShape, DataShape], old: FieldShape, new: FieldShape) -> str | None:
    """Return the unit that is taken on trust, empty if the code names it as well; None if something speaks against it."""
    read = reading(old, new)
    if read is None or not read.assumed:
        return ""
    if contradicted(bench, shapes, read.assumed):
        return None
    return "" if supported(bench, read.assumed) else read.assumed


def _same_ids(old: FieldShape, new: FieldShape) -> bool:
    """Identifiers of one specific pattern (``A-9999``); times and plain words look alike without being the same."""
    if not old.formats or set(old.formats) != set(new.formats):
        return False
    return all(re.search(r"[Aa]", f) and "9" in f and not _TIME.search(f) for f in old.formats)


def _same_words(change: ShapeChange, before: dict[str, FieldShape], after: dict[str, FieldShape]) -> bool:
    """Words of the very same patterns, as few of them as before, under a name that is alike."""
    old, new = before[change.path], after[change.now]
    few = bool(old.distinct and new.distinct) and max(old.distinct or 0, new.distinct or 0) <= MAX_WORDS
    return change.score >= ALIKE and few and bool(old.formats) and set(new.formats) <= set(old.formats)


def _is_id(field: FieldShape) -> bool:
    return bool(set(name_tokens(_leaf(field.path))) & {"id", "key", "no", "nr", "number", "code"})


def _path_tokens(path: str) -> tuple[str, ...]:
    return tuple(token for part in path.replace("[]", "").split(".") for token in name_tokens(part))


_ANYBODYS = {"id", "ids", "name", "code", "key", "type", "no", "nr", "number", "status", "value", "date", "at"}
"""Words that say nothing without what held them: ``order.customer.id`` is no ``order_id``."""


def _same_path(old: str, new: str) -> bool:
    """The same words, or one is nested and lacks, or has, what lies between its first and its last: a holder."""
    short, long = sorted((_path_tokens(old), _path_tokens(new)), key=len)
    if short == long or (_coordinate(old) and _coordinate(old) == _coordinate(new)):
        return True
    between = iter(long)
    nested = ("." in old) != ("." in new) and len(short) > 1 and short[-1] not in _ANYBODYS
    return nested and short[0] == long[0] and short[-1] == long[-1] and all(word in between for word in short)


def _coordinate(path: str) -> str:
    """Return ``latitude`` or ``longitude`` for their short names as well; ``location.lng`` needs no other word."""
    word = " ".join(name_tokens(_leaf(path)))
    return next((long for long, short in _COORDINATES.items() if word == long or word in short), "")


_COORDINATES = {"latitude": ("lat",), "longitude": ("lon", "lng", "long")}


def _level(path: str) -> str:
    return path.rpartition(".")[0]


def _leaf(path: str) -> str:
    return path.rsplit(".", 1)[-1]
