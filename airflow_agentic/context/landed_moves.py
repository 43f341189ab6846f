"""File names of two days → files that the upstream puts elsewhere, or calls otherwise, since the good day.

A name is spread into year, month and day wherever it holds them, also in part (``2026/11/``). One that was there on
the good day only and one that is there on the failing day only are the same file where nothing else pairs with either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from airflow_agentic.shape_changes import name_tokens

MOVED = "Landed file moved: "
_FORMS = (
    "year=%Y/month=%m/day=%d", "%Y-%m-%d", "%Y/%m/%d", "%Y_%m_%d", "%Y.%m.%d", "%Y%m%d", "%d-%m-%Y", "%d.%m.%Y",
    "%d_%m_%Y", "%d%m%Y", "year=%Y/month=%m", "%Y-%m", "%Y/%m", "%Y_%m", "%Y%m",
)  # fmt: skip
_PARTS = ("{Y}", "{m}", "{d}")


@dataclass(frozen=True, kw_only=True)
class Move:
    """One file: where it was on the good day, where it is on the failing one, and both with their dates spread."""

    was: str
    now: str
    old: str
    new: str


def moves(names: Iterable[str], failing: datetime, good: datetime) -> tuple[Move, ...]:
    """Return the files that moved; none where the days are one, or a file may be any of several."""
    if failing.date() == good.date():
        return ()
    listed = set(names)
    before = {spread(name, good): name for name in sorted(listed)}
    after = {spread(name, failing): name for name in sorted(listed)}
    lost = [form for form in before if _is_dated(form) and filled(form, failing) not in listed]
    fresh = [form for form in after if _is_dated(form) and filled(form, good) not in listed]
    pairs = [(old, new) for old in lost for new in fresh if _is_alike(old, new)]
    sure = [(old, new) for old, new in pairs if sum(old == a or new == b for a, b in pairs) == 1]
    return tuple(Move(was=before[old], now=after[new], old=old, new=new) for old, new in sure)


def spread(name: str, moment: datetime) -> str:
    """Return the name with ``{Y}``, ``{m}`` and ``{d}`` where it holds that day, or its year and month."""
    for form in _FORMS:
        marked = form.replace("%Y", "{Y}").replace("%m", "{m}").replace("%d", "{d}")
        name = re.sub(rf"(?<!\d){re.escape(moment.strftime(form))}(?!\d)", marked, name)
    return name


def filled(form: str, moment: datetime) -> str:
    """Return the name that a spread one has on another day."""
    for part, code in zip(_PARTS, ("%Y", "%m", "%d"), strict=True):
        form = form.replace(part, moment.strftime(code))
    return form


def is_packed(old: str, new: str) -> bool:
    """Say whether the file is where it was, packed with gzip."""
    return new == f"{old}.gz"


def _is_dated(form: str) -> bool:
    return all(part in form for part in _PARTS)


def _is_alike(old: str, new: str) -> bool:
    """Say whether both are of one kind and one name but for the day: ``orders_part1`` is no whole ``orders``."""
    if is_packed(old, new):
        return True
    a, b = (set(name_tokens(re.sub(r"\{\w\}|year=|month=|day=|\.\w+$", " ", form))) for form in (old, new))
    a, b = ({word for word in words if not word.isdigit()} for words in (a, b))
    return old.rpartition(".")[2] == new.rpartition(".")[2] and bool(a) and a == b
