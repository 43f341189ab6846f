"""Evidence → the evidence that fits into a number of tokens, most telling first, and the titles of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from airflow_agentic.records import Evidence

CHARS_PER_TOKEN = 4
OVERHEAD_CHARS = 120
"""What showing a piece costs beside its title and body: id, source, date, frame."""
SMALLEST_CHARS = 300
"""A piece that could keep less of its body than this is left out whole."""
SHARE = 0.35
"""Of the budget for one piece, until every other piece has had its turn."""
_VALUE = {
    "task_log": 0,
    "team_rules": 1,
    "past_incidents": 2,
    "landed": 3,
    "code": 4,
    "comparison": 5,
    "lineage": 6,
    "run_history": 7,
}
_UNKNOWN = 8


def fit(evidence: Sequence[Evidence], *, token_budget: int) -> tuple[tuple[Evidence, ...], tuple[str, ...]]:
    """Return what fits, in the order given, and the titles of what was left out.

    Pieces are cut at line boundaries, in the middle, with a note of how many lines are missing.

    :param token_budget: upper bound at four characters a token, titles included.
    """
    room = token_budget * CHARS_PER_TOKEN
    share = int(room * SHARE)
    granted: dict[int, int] = {}
    for index in sorted(range(len(evidence)), key=lambda i: (_value(evidence[i]), i)):
        size = cost(evidence[index])
        fixed = size - len(evidence[index].body)
        grant = min(size, room, max(share, fixed + SMALLEST_CHARS))
        if grant < size and grant - fixed < SMALLEST_CHARS:
            continue
        granted[index] = grant
        room -= grant
    for index in sorted(granted, key=lambda i: (_value(evidence[i]), i)):
        more = min(cost(evidence[index]) - granted[index], room)
        granted[index] += more
        room -= more
    kept = tuple(_cut(evidence[i], granted[i]) for i in sorted(granted))
    return kept, tuple(e.title for i, e in enumerate(evidence) if i not in granted)


def cost(item: Evidence) -> int:
    """Return what showing one piece costs, in characters."""
    return len(item.title) + len(item.body) + OVERHEAD_CHARS


def _value(item: Evidence) -> tuple[int, int]:
    """Errors, what the team knows and has seen, data shapes, source at the frames, what differs, history, the rest."""
    return _VALUE.get(item.source, _UNKNOWN), 0 if item.line is not None else 1


def _cut(item: Evidence, grant: int) -> Evidence:
    """Keep the first two thirds and the last third of what is granted."""
    room = grant - (cost(item) - len(item.body))
    if len(item.body) <= room:
        return item
    lines = item.body.split("\n")
    room -= 60
    head, used = 0, 0
    while head < len(lines) and used + len(lines[head]) + 1 <= room * 2 // 3:
        used += len(lines[head]) + 1
        head += 1
    tail = 0
    while head + tail < len(lines) and used + len(lines[-1 - tail]) + 1 <= room:
        used += len(lines[-1 - tail]) + 1
        tail += 1
    if not head and not tail:
        return replace(item, body=f"{item.body[:room]}\n[… the rest of {len(lines)} lines left out]")
    note = f"[… {len(lines) - head - tail} lines left out]"
    return replace(item, body="\n".join([*lines[:head], note, *lines[len(lines) - tail :]]))
