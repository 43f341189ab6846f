"""How an estate of Dags is made → which agent pattern fits it, why, and what would have to change for another.

The decision framework: sequential and well-bounded work → a single agent; parallel parts that need different tools →
stages; many domains → a hierarchy. The burden of proof lies with the larger pattern: measured over 180 configurations,
several agents lost 39 to 70 % on sequential planning, gained nothing where one agent alone was right in more than about
45 % of cases, and multiplied errors (arXiv 2512.08296, as ANCHORS quotes it). Triage is sequential by its nature.
"""

from __future__ import annotations

from dataclasses import dataclass

DOMAINS_FOR_HIERARCHY = 4
SPANNING_FOR_HIERARCHY = 0.2
INCIDENTS_TO_JUDGE = 20
SYSTEMS_FOR_STAGES = 3
LEFT_OUT_FOR_STAGES = 0.3


@dataclass(frozen=True, kw_only=True)
class Estate:
    """What is to be looked after."""

    dags: int = 0
    owners: int = 0
    """Distinct owners of Dags."""
    repositories: int = 1
    """Bundles that Dags come from."""
    systems: tuple[str, ...] = ()
    """Kinds of systems that the Dags' connections name: ``snowflake``, ``spark``, ``http``."""
    incidents: int = 0
    spanning: int = 0
    """Of those, incidents whose cause lay in another Dag than the one that failed."""
    crowded: int = 0
    """Of those, incidents whose evidence did not fit one briefing."""

    @property
    def domains(self) -> int:
        """Separate worlds: a domain has its own repository and its own owners."""
        return min(max(self.repositories, 1), max(self.owners, 1))


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What fits."""

    pattern: str
    """``single``, ``staged`` or ``hierarchical``."""
    reasons: tuple[str, ...]
    would_justify: tuple[tuple[str, str], ...]
    """Another pattern → what would have to be true, with what is true now."""


def advise(estate: Estate) -> Advice:
    """Return the smallest pattern that the estate's numbers call for."""
    spanning, crowded = _share(estate.spanning, estate), _share(estate.crowded, estate)
    enough = estate.incidents >= INCIDENTS_TO_JUDGE
    facts = (
        f"{estate.dags} Dag(s) of {estate.owners} owner(s) in {estate.repositories} repository(ies): "
        f"{estate.domains} domain(s)",
        f"{len(estate.systems)} kind(s) of systems: {', '.join(estate.systems) or 'none named'}",
        f"{estate.incidents} incident(s) so far; in {spanning:.0%} the cause lay in another Dag, "
        f"in {crowded:.0%} the evidence did not fit one briefing",
    )
    many = estate.domains >= DOMAINS_FOR_HIERARCHY and enough and spanning >= SPANNING_FOR_HIERARCHY
    parallel = len(estate.systems) >= SYSTEMS_FOR_STAGES and enough and crowded >= LEFT_OUT_FOR_STAGES
    hierarchical = (
        f"at least {DOMAINS_FOR_HIERARCHY} domains with repositories and owners of their own (now {estate.domains}), "
        f"and causes in another domain in {SPANNING_FOR_HIERARCHY:.0%} of {INCIDENTS_TO_JUDGE} incidents or more "
        f"(now {spanning:.0%} of {estate.incidents})"
    )
    staged = (
        f"at least {SYSTEMS_FOR_STAGES} kinds of systems, each with tools of its own (now {len(estate.systems)}), and "
        f"evidence too large for one briefing in {LEFT_OUT_FOR_STAGES:.0%} of {INCIDENTS_TO_JUDGE} incidents or more "
        f"(now {crowded:.0%} of {estate.incidents})"
    )
    single = "one domain again, and evidence that fits one briefing"
    if many:
        why = "Many domains, and failures that cross them: each wants its own specialist, and one that hands out work."
        return Advice(pattern="hierarchical", reasons=(why, *facts), would_justify=(("single", single),))
    if parallel:
        why = "Parallel parts with different tools: each stage reads its own system, one puts the findings together."
        return Advice(pattern="staged", reasons=(why, *facts), would_justify=(("hierarchical", hierarchical),))
    why = "The work is sequential and well-bounded: one failed run, one cause, one diff; hand-offs would lose facts."
    return Advice(
        pattern="single",
        reasons=(why, *facts),
        would_justify=(("staged", staged), ("hierarchical", hierarchical)),
    )


def _share(part: int, estate: Estate) -> float:
    return part / estate.incidents if estate.incidents else 0.0
