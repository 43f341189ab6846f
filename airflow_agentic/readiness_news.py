"""What the last readiness report holds back, or that it has grown old → one word to people, once per change.

For whatever runs regularly (the sweep). It takes no probe again: a probe that fails at night would lower the level of
every Dag, and one that takes a worker's credentials does not belong there. Nothing is decided here either; `rulings`
reads the report at each triage.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from airflow_agentic.guardrails.readiness_kept import COMMAND, STAGE, Looked, chain_of, last_look, unready
from airflow_agentic.rulings import Rulings
from airflow_agentic.scope import TrustLevel

OLD = timedelta(days=30)
NOTHING = "Nothing of the readiness report holds the trust level back any more."
_LOW = (TrustLevel.OBSERVE, TrustLevel.DIAGNOSE)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What people were told last, so that they are told once."""

    digest: str


def tell_news(
    rulings: Rulings, tell: Callable[[tuple[str, ...]], object], *, at: datetime | None = None
) -> tuple[str, ...]:
    """Tell what has changed since it was told last, and return it; none: nothing has.

    :param tell: is handed the lines; if it raises they are told again the next time.
    :param at: now; for the age of the report.
    """
    incidents, chain = rulings.store.incidents, chain_of(rulings.scope.repository)
    lines = tuple(_lines(rulings, at or datetime.now(timezone.utc)))
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    told: Told | None = incidents.kept(chain, Told)
    if digest == (told.digest if told else hashlib.sha256(b"").hexdigest()):
        return ()
    lines = lines or (NOTHING,)
    rulings.store.ledger.append(chain, STAGE, "told", {"notes": "\n".join(lines)})
    tell(lines)
    incidents.keep(chain, Told(digest=digest))
    return lines


def _lines(rulings: Rulings, at: datetime) -> Iterator[str]:
    """Yield what is to be told now; the same words each time, so that they are the same news."""
    policy = rulings.policy.current()
    mandates = [policy.mandate(rule, rulings.scope) for rule in (None, *policy.file.rules)]
    above = [mandate for mandate in mandates if mandate.scope.trust_level not in _LOW]
    if not above:
        return
    looked = last_look(rulings.store.incidents, rulings.scope.repository)
    held = dict.fromkeys(why for mandate in above for why in unready(looked, mandate.scope.accept))
    yield from (f"The trust level is held at diagnose: {why}" for why in held)
    yield from (f"The trust level is held at diagnose: {why}" for why in rulings.wider())
    if looked and _old(looked, at):
        yield (
            f"The last readiness report is of {looked.at[:10]}, more than {OLD.days} days ago; what it found may have "
            f"changed since. Run: {COMMAND}"
        )


def _old(looked: Looked, at: datetime) -> bool:
    return at - datetime.fromisoformat(looked.at) > OLD
