"""Whether one more pull request of ours is welcome, who is to look at it, and which older one it replaces.

People stop reading what arrives in heaps: as many as `Caps` says are open at once, and so many an hour; a person's own
change that already mends it is told so instead of getting a competitor; an older one of ours whose every line a newer
one brings is closed with a link.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from airflow_agentic.changes import holds
from airflow_agentic.codeowners import PLACES, accounts_of
from airflow_agentic.ports import Fixes, Forge
from airflow_agentic.records import ChangeState, Delivery, FixRecord, FixState, Outcome

MOST_REVIEWERS = 5
Before = Callable[[str, Mapping[str, object]], object]


@dataclass(frozen=True, kw_only=True)
class Caps:
    """Pull requests of ours in one repository. The defaults are Renovate's, whose users have lived with them."""

    open: int = 10
    """At once."""
    per_hour: int = 2


def is_new(delivery: Delivery, forge: Forge) -> bool:
    """Say whether it would be one pull request more, and not an update of one that is there."""
    return forge.whereabouts(delivery).state is ChangeState.NONE


def held_back(fixes: Fixes, repository: str, caps: Caps, *, at: datetime | None = None) -> str:
    """Return why one more pull request must wait; empty when it may be opened."""
    opened, lately = _counts(fixes, repository, at or datetime.now(timezone.utc))
    if opened >= caps.open:
        return (
            f"{opened} pull requests of ours are open in this repository, and at most {caps.open} may be "
            "(max_open_prs). Merge or close some; the next sweep, or clearing the deliver task, opens this one."
        )
    if lately >= caps.per_hour:
        return (
            f"{lately} pull requests of ours were opened within the last hour, and at most {caps.per_hour} may be "
            "(max_prs_per_hour). The next sweep, or clearing the deliver task, opens this one."
        )
    return ""


def room(fixes: Fixes, repository: str, caps: Caps) -> int:
    """Return how many more may be opened now."""
    opened, lately = _counts(fixes, repository, datetime.now(timezone.utc))
    return max(0, min(caps.open - opened, caps.per_hour - lately))


def _counts(fixes: Fixes, repository: str, at: datetime) -> tuple[int, int]:
    """Return how many are open, and how many were opened within the hour before."""
    ours = [fix for fix in fixes.list() if fix.repository == repository]
    lately = (fix for fix in ours if fix.opened_at and at - datetime.fromisoformat(fix.opened_at) < timedelta(hours=1))
    return sum(fix.state is FixState.OPEN for fix in ours), sum(1 for _ in lately)


def with_reviewers(delivery: Delivery, forge: Forge) -> Delivery:
    """Return the delivery with its files' code owners among the reviewers; a draft does not ask them by itself."""
    if delivery.change is None:
        return delivery
    there = forge.base_files(PLACES).texts
    text = next((said for place in PLACES if (said := there.get(place))), "")
    owners = accounts_of(text, (edit.path for edit in delivery.change.edits))
    return replace(delivery, reviewers=tuple(dict.fromkeys((*delivery.reviewers, *owners)))[:MOST_REVIEWERS])


def supersede(
    delivery: Delivery,
    outcome: Outcome,
    *,
    forge: Forge,
    fixes: Fixes,
    older: Callable[[FixRecord], Delivery | None],
    before: Before,
) -> tuple[str, ...]:
    """Close each open pull request of the same Dag whose every line the new one brings; return their addresses.

    :param older: a fix → what was delivered for it; None where that is not known any more.
    :param before: told of each closing before it happens.
    """
    closed: list[str] = []
    mine = fixes.get(delivery.incident_id)
    for fix in fixes.list(FixState.OPEN, dag_id=mine.dag_id if mine else None):
        other = older(fix) if fix.fingerprint != delivery.fingerprint else None
        if other is None or not _brings(delivery, other):
            continue
        before("closing what is superseded", {"url": fix.url or "", "by": outcome.url or ""})
        forge.withdraw(other, note=f"Superseded by {outcome.url or outcome.title}, which brings all of this.")
        detail = f"superseded by {outcome.url}"
        fixes.save(replace(fix, state=FixState.SUPERSEDED, detail=detail, updated_at=_now()))
        closed.append(fix.url or other.branch)
    return tuple(closed)


def _brings(new: Delivery, old: Delivery) -> bool:
    """Say whether every file of the older change is in the newer one, with every line of it."""
    texts = {edit.path: edit.after for edit in new.change.edits} if new.change else {}
    edits = old.change.edits if old.change else ()
    return bool(edits) and all(edit.path in texts and holds(texts[edit.path], edit) for edit in edits)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
