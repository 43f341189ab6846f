"""Policy + one Dag + the connection's scope → a `Mandate`: what may be done for that Dag.

The first rule that matches holds, read from the top, as in a firewall; what it leaves out comes from ``defaults``, and
what those leave out from the connection. "The most specific rule" was rejected: between a tag, an owner and half a Dag
id nothing is more specific, and a reader must be able to tell with a finger on the page. A policy only narrows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from airflow_agentic.policy.terms import ActionClass, Chain, Match, PolicyFile, Rule, Terms, Window
from airflow_agentic.scope import Scope, TrustLevel

OWN_FILES = ("agentic_policy.yaml", "agentic_permissions.lock")
WITHOUT_POLICY = (ActionClass.SCHEMA_CHANGE, ActionClass.NEW_DEPENDENCY, ActionClass.PROTECTED_PATH)
"""Asked about where no policy is configured; clearing and staging are then allowed by the connection's own fields."""


@dataclass(frozen=True, kw_only=True)
class Mandate:
    """What may be done for one Dag."""

    scope: Scope
    """The connection's, narrowed."""
    rule: str = "defaults"
    """Name of the policy's rule that holds."""
    chains: tuple[Chain, ...] = ()
    asked_paths: tuple[str, ...] = ()
    """Globs that a change may touch only with a person's word."""
    also_within: tuple[str, ...] = ()
    """Globs that a change must stay in beside the scope's; empty: no more than those."""
    approvers: tuple[str, ...] = ()
    not_approvers: tuple[str, ...] = ()
    """Whose word does not count: they wrote the policy."""
    start_level: TrustLevel | None = None
    trust_group: str = ""
    usd_per_dag_day: float | None = None
    usd_per_team_day: float | None = None
    windows: tuple[Window, ...] = ()
    killed: bool = False
    sample_columns: tuple[str, ...] = ()
    occurrences: int = 1
    held_back: tuple[str, ...] = ()
    """Why the scope's trust level is below what was configured; filled in by `rulings`."""

    def asks(self, response: ActionClass, *triggers: str) -> bool:
        """Say whether a person stands between any of *triggers* and *response*."""
        return any(chain.response is response and chain.trigger in ("*", *triggers) for chain in self.chains)

    def asked_after(self) -> dict[str, tuple[str, ...]]:
        """Return each action class with the triggers after which a person is asked."""
        return {r.value: tuple(c.trigger for c in self.chains if c.response is r) for r in ActionClass}

    def closed_until(self, now: datetime) -> tuple[datetime, str] | None:
        """Return when the maintenance that is on ends, and why it is; None when there is none. The latest end holds."""
        found = [(end, window.why) for window in self.windows if (end := window.open_until(now))]
        return max(found) if found else None


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A policy file, checked; without one, the policy that narrows nothing."""

    file: PolicyFile = field(default_factory=lambda: PolicyFile(version=1))
    digest: str = ""
    """SHA-256 of the file; empty: there is none."""
    path: str = ""

    def rule_for(self, dag_id: str, tags: Iterable[str], owners: Iterable[str]) -> Rule | None:
        """Return the rule that holds for a Dag; None: the defaults alone."""
        known = {"dags": (dag_id,), "tags": tuple(tags), "owners": tuple(owners)}
        return next((rule for rule in self.file.rules if _matches(rule.match, known)), None)

    def scope_for(self, dag_id: str, tags: Iterable[str], owners: Iterable[str], base: Scope) -> Scope:
        """Return *base* as this policy narrows it for one Dag."""
        return self.mandate_for(dag_id, tags, owners, base).scope

    def mandate_for(self, dag_id: str, tags: Iterable[str], owners: Iterable[str], base: Scope) -> Mandate:
        """Return what may be done for one Dag."""
        rule = self.rule_for(dag_id, tags, owners)
        return self.mandate(rule, base, alone=dag_id)

    def mandate(self, rule: Rule | None, base: Scope, *, alone: str = "") -> Mandate:
        """Return what may be done under *rule*.

        :param alone: the trust group of a Dag whose terms name none.
        """
        terms = self._terms(rule)
        chains = self._chains(terms)
        guarded = terms.protected_paths or ()
        passable = any(chain.response is ActionClass.PROTECTED_PATH for chain in chains)
        allowed = terms.allowed_paths or ()
        return Mandate(
            scope=_narrowed(base, terms, () if passable else guarded),
            rule=rule.name if rule else "defaults",
            chains=chains,
            asked_paths=guarded if passable else (),
            also_within=allowed if base.allowed_paths else (),
            approvers=terms.approvers or (),
            not_approvers=self.file.written_by,
            start_level=terms.start_level,
            trust_group=terms.trust_group or alone,
            usd_per_dag_day=terms.usd_per_dag_day,
            usd_per_team_day=terms.usd_per_team_day,
            windows=terms.maintenance or (),
            killed=self.file.kill_switch or bool(terms.kill_switch),
            sample_columns=_shown(base, terms),
            occurrences=terms.occurrences or 1,
        )

    def _terms(self, rule: Rule | None) -> Terms:
        said = {name: getattr(rule, name) for name in Terms.model_fields} if rule else {}
        defaults = {name: getattr(self.file.defaults, name) for name in Terms.model_fields}
        # A switch that is thrown for all cannot be closed again for some.
        said["kill_switch"] = bool(said.get("kill_switch")) or defaults["kill_switch"]
        return Terms.model_construct(
            **{name: defaults[name] if said.get(name) is None else said[name] for name in defaults}
        )

    def _chains(self, terms: Terms) -> tuple[Chain, ...]:
        if terms.needs_person is not None:
            return terms.needs_person
        return tuple(Chain(response=response) for response in (ActionClass if self.digest else WITHOUT_POLICY))


def _matches(match: Match, known: dict[str, tuple[str, ...]]) -> bool:
    return all(
        not globs or any(fnmatchcase(name, glob) for name in known[kind] for glob in globs)
        for kind, globs in (("dags", match.dags), ("tags", match.tags), ("owners", match.owners))
    )


def _narrowed(base: Scope, terms: Terms, shut: tuple[str, ...]) -> Scope:
    """Return *base* with each value that *terms* narrow; what they would widen stays as it is."""
    lower: dict[str, Any] = {
        name: min(getattr(base, name), value)
        for name in ("max_files", "max_lines", "usd_per_incident", "usd_per_day")
        if (value := getattr(terms, name)) is not None
    }
    level = base.trust_level if terms.trust_level is None else lower_level(base.trust_level, terms.trust_level)
    return base.model_copy(
        update={
            **lower,
            "trust_level": level,
            "allowed_paths": base.allowed_paths or terms.allowed_paths or (),
            "protected_paths": tuple(dict.fromkeys((*base.protected_paths, *_OWN_GLOBS, *shut))),
            "reviewers": tuple(dict.fromkeys((*base.reviewers, *(terms.reviewers or ())))),
            "shown_columns": _shown(base, terms),
            "may_clear": base.may_clear and terms.may_clear is not False,
            "accept": base.accept if terms.accept is None else tuple(r for r in base.accept if r in terms.accept),
        }
    )


def _shown(base: Scope, terms: Terms) -> tuple[str, ...]:
    """Return the columns whose values may be told: the policy's word alone, where it says one."""
    return base.shown_columns if terms.sample_columns is None else terms.sample_columns


_OWN_GLOBS = tuple(f"**/{name}" for name in OWN_FILES)


def lower_level(*levels: TrustLevel) -> TrustLevel:
    """Return the lowest of *levels*."""
    order = tuple(TrustLevel)
    return min(levels, key=order.index)
