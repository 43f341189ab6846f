"""Value traces → the moves and renames that they prove, and the doubt that they cast on names that are alike."""

from __future__ import annotations

from dataclasses import replace

from airflow_agentic.records import FieldShape, ShapeChange, ValueTrace

DOUBT = 0.2
"""Score of a rename that the values speak against."""
Fields = list[FieldShape]
Traces = tuple[ValueTrace, ...]


def proven(gone: Fields, new: Fields, traces: Traces) -> tuple[list[ShapeChange], Fields, Fields]:
    """Return the moves and renames that values prove, and the fields of either side that are left."""
    places = {t.was: t.now for t in traces if not t.differs and "[" not in t.now}
    found = [_change(f.path, places[f.path]) for f in gone if f.path in places]
    return (
        found,
        [f for f in gone if f.path not in places],
        [f for f in new if f.path not in places.values()],
    )


def doubted(change: ShapeChange, traces: Traces) -> ShapeChange:
    """Return the change, no more than possible where no record has its value in the new place: alike is no rename."""
    if not any(t.differs and (t.was, t.now) == (change.path, change.now) for t in traces):
        return change
    told = f"possible rename of {change.path!r} to {change.now!r}, but its values are others in records of both days"
    return replace(change, kind="possible_rename", detail=told, score=DOUBT)


def _change(old: str, new: str) -> ShapeChange:
    kind = "renamed" if old.rpartition(".")[0] == new.rpartition(".")[0] else "moved"
    told = f"{old!r} is gone, and {new!r} has its values in all records that both days know"
    return ShapeChange(kind=kind, path=old, was=old, now=new, detail=told, score=1.0)
