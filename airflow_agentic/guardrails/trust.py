"""What a group of Dags has earned: observe → diagnose → propose → propose_ready.

The configured level is the ceiling, ``diagnose`` while the set-up is not ready; a standing only lowers it. Up goes one
step at a time, by results *and* a person's word; down it goes by itself, for what nobody has looked at yet: a fix that
failed after its merge, a row of rejected pull requests, a change that broke the rules. Counted by incident, never by
time, so a clock that goes back changes nothing. ``propose_ready`` is never granted by configuration alone. Pure, but
for `say_so`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from airflow_agentic.errors import SettingsError
from airflow_agentic.ports import Incidents, Ledger
from airflow_agentic.records import Decision, FixRecord, FixState, Verdict
from airflow_agentic.scope import TrustLevel
from airflow_agentic.store.clock import now

STAGE = "trust"
LAST = 10
"""How many fixes are looked at, the newest."""
LEAST = 5
"""Fixes that must have been decided before a group may be ready for review."""
SHARE = 0.8
"""Of the decided ones that people took."""
SHADOW = 3
"""Changes proved, or incidents investigated, before the step below is left."""
STREAK = 3
"""So many rejected in a row are one step down."""
BREACHES = ("protected_paths", "allowed_paths", "secrets", "suspicious_code", "weakened_checks")
"""Rules whose DENY of a change is a breach."""
_LADDER = tuple(TrustLevel)
_MERGED = (FixState.ACCEPTED, FixState.HELD, FixState.FAILED)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a person last said of a group, and what they had seen then."""

    group: str
    level: str
    by: str
    why: str
    at: str
    seen: tuple[str, ...] = ()
    """Incidents whose failed or rejected fix, or breach, they knew of."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """What a group has done so far."""

    fixes: tuple[FixRecord, ...] = ()
    """Oldest first."""
    breaches: tuple[str, ...] = ()
    """Incidents whose change broke a rule."""
    proved: int = 0
    """Incidents of the group with a proved change, whatever was shown of it."""
    investigated: int = 0


@dataclass(frozen=True, kw_only=True)
class Trust:
    """The level that holds, and the numbers behind it."""

    group: str
    level: TrustLevel
    ceiling: TrustLevel
    reasons: tuple[str, ...]
    """Why it is below what was configured or accepted; empty: it is not."""
    numbers: tuple[tuple[str, int], ...]
    next_level: TrustLevel | None
    """None: it stands at the ceiling."""
    lacks: tuple[str, ...]
    """What is missing for the next step beside a person's word."""
    unready: tuple[str, ...] = ()
    """Why the ceiling is below what was configured: `readiness_kept`."""


def trust(
    group: str,
    *,
    ceiling: TrustLevel,
    start: TrustLevel | None,
    standing: Standing | None,
    results: Results,
    unready: Sequence[str] = (),
) -> Trust:
    """Return what holds for a group.

    :param unready: why nothing beyond a diagnosis may be published, whatever was configured or earned.
    :param start: where a group begins that nobody has spoken of; None: at the ceiling, but never ready for review.
    """
    held = tuple(unready) if _LADDER.index(ceiling) > _LADDER.index(TrustLevel.DIAGNOSE) else ()
    ceiling = TrustLevel.DIAGNOSE if held else ceiling
    begun = TrustLevel(standing.level) if standing else _lower(start or ceiling, TrustLevel.PROPOSE)
    seen = frozenset(standing.seen) if standing else frozenset[str]()
    falls = _falls(results, seen)
    fallen = _LADDER[max(_LADDER.index(begun) - len(falls), min(_LADDER.index(begun), 1))]
    level = _lower(ceiling, fallen)
    reasons = list(falls)
    if level is not ceiling and not falls:
        who = f"accepted by {standing.by}" if standing else "a person has not promoted it"
        reasons.append(f"it stands at {level.value!r} ({who}), the ceiling is {ceiling.value!r}")
    upper = _LADDER[_LADDER.index(level) + 1] if level is not ceiling else None
    return Trust(
        group=group,
        level=level,
        ceiling=ceiling,
        reasons=(*reasons, *held),
        unready=held,
        numbers=_numbers(results, seen),
        next_level=upper,
        lacks=_lacks(upper, results, seen) if upper else (),
    )


def breaches_of(verdict: Verdict) -> tuple[str, ...]:
    """Return the names of the rules that a change broke."""
    found = {f.rule for f in verdict.findings if f.decision is Decision.DENY and f.rule in BREACHES}
    return tuple(sorted(found))


def next_step(trusted: Trust) -> TrustLevel:
    """Return the level that a promotion leads to. :raises SettingsError: there is none, with the reason."""
    if trusted.next_level is None:
        raise SettingsError(_no_higher(trusted, "Promoting"))
    return trusted.next_level


def say_so(
    trusted: Trust, level: TrustLevel, results: Results, incidents: Incidents, ledger: Ledger, *, by: str, why: str
) -> Standing:
    """Keep what a person says of a group: one step up at most, and only one that was earned; any step down.

    :raises SettingsError: it is not the next step, or what was measured does not carry it.
    :raises AuditError: nothing was kept.
    """
    up = _LADDER.index(level) > _LADDER.index(trusted.level)
    if up and level is not trusted.next_level:
        raise SettingsError(_no_higher(trusted, f"Promoting to {level.value!r},"))
    if up and trusted.lacks:
        raise SettingsError(
            f"Promoting {trusted.group!r} to {level.value!r} failed: {'; '.join(trusted.lacks)}. "
            "See: airflow agentic trust show."
        )
    bad = (fix.incident_id for fix in results.fixes if fix.state in (FixState.FAILED, FixState.REJECTED))
    seen = tuple(dict.fromkeys((*bad, *results.breaches)))
    kept = Standing(group=trusted.group, level=level.value, by=by, why=why, at=now(), seen=seen)
    numbers = {name: str(number) for name, number in trusted.numbers}
    facts = {"from": trusted.level.value, "to": level.value, "by": by, "why": why, **numbers}
    ledger.append(chain_of(trusted.group), STAGE, "promoted" if up else "demoted", facts)
    incidents.keep(chain_of(trusted.group), kept)
    return kept


def chain_of(group: str) -> str:
    """Return the id of a group's record and of its chain in the ledger."""
    name = f"trust:{group}"
    return name if len(name) <= 250 else f"trust:{hashlib.sha256(group.encode()).hexdigest()}"


def _no_higher(trusted: Trust, doing: str) -> str:
    stands = f"it stands at {trusted.level.value!r}, the ceiling is {trusted.ceiling.value!r}"
    if trusted.unready:
        return f"{doing} {trusted.group!r} failed: {stands}, because {'; '.join(trusted.unready)}"
    return (
        f"{doing} {trusted.group!r} failed: {stands}, and it rises one step at a time. "
        "Raise trust_level in policy and connection first, or go by the steps between."
    )


def _falls(results: Results, seen: frozenset[str]) -> tuple[str, ...]:
    """Return one sentence per step down that nobody has looked at."""
    failed = [f for f in results.fixes if f.state is FixState.FAILED and f.incident_id not in seen]
    found = [f"the merged fix of {fix.incident_id} failed" for fix in failed]
    found += [f"the change for {incident} broke the rules" for incident in results.breaches if incident not in seen]
    streak = _streak(results.fixes, seen)
    if streak >= STREAK:
        found.append(f"{streak} pull requests in a row were rejected")
    return tuple(found)


def _streak(fixes: Sequence[FixRecord], seen: frozenset[str]) -> int:
    """Return how many of the newest decided fixes in a row were rejected, since somebody looked."""
    count = 0
    for fix in reversed([fix for fix in fixes if fix.state is not FixState.OPEN]):
        if fix.state is not FixState.REJECTED or fix.incident_id in seen:
            break
        count += 1
    return count


def _lacks(upper: TrustLevel, results: Results, seen: frozenset[str]) -> tuple[str, ...]:
    if upper is TrustLevel.PROPOSE_READY:
        return tuple(_lacks_fixes(results.fixes, seen))
    done, what = (
        (results.proved, "proved changes") if upper is TrustLevel.PROPOSE else (results.investigated, "investigations")
    )
    return () if done >= SHADOW else (f"{done} {what}, {SHADOW} are needed",)


def _lacks_fixes(fixes: Iterable[FixRecord], seen: frozenset[str]) -> list[str]:
    decided = [fix for fix in fixes if fix.state is not FixState.OPEN][-LAST:]
    merged = [fix for fix in decided if fix.state in _MERGED]
    failed = [fix for fix in merged if fix.state is FixState.FAILED and fix.incident_id not in seen]
    held = [fix for fix in merged if fix.state is FixState.HELD]
    found = []
    if len(decided) < LEAST:
        found.append(f"{len(decided)} fixes were decided, {LEAST} are needed")
    elif len(merged) < SHARE * len(decided):
        found.append(f"{len(merged)} of the last {len(decided)} fixes were accepted, {SHARE:.0%} are needed")
    if failed:
        found.append(f"{len(failed)} merged fixes failed, none may have")
    if len(held) < min(LEAST, SHADOW):
        found.append(f"{len(held)} merged fixes have held so far, {SHADOW} are needed")
    return found


def _numbers(results: Results, seen: frozenset[str]) -> tuple[tuple[str, int], ...]:
    last = [fix for fix in results.fixes if fix.state is not FixState.OPEN][-LAST:]
    counted = {state: sum(fix.state is state for fix in last) for state in FixState}
    return (
        ("decided, of the last", len(last)),
        ("accepted", sum(counted[state] for state in _MERGED)),
        ("false alarms (closed unmerged)", counted[FixState.REJECTED]),
        ("held after the merge", counted[FixState.HELD]),
        ("failed after the merge", counted[FixState.FAILED]),
        ("rejected in a row", _streak(results.fixes, seen)),
        ("breaches nobody has looked at", sum(one not in seen for one in results.breaches)),
        ("changes proved", results.proved),
        ("incidents investigated", results.investigated),
    )


def _lower(one: TrustLevel, other: TrustLevel) -> TrustLevel:
    return min(one, other, key=_LADDER.index)
