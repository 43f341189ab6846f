"""Policy + connection + what the credentials really can → one list of powers, and what is wider than another list.

A power is something that may be done, with a level where more is more. A guard is something that stands in the way:
one that is gone is as wide as a power that is new. What cannot be told is a power too, by the name ``unknown``: a
person accepts it or does not. Pure; who reads the credentials' powers is `powers`, where the list is kept `lock`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from airflow_agentic.policy.policy import Mandate, Policy
from airflow_agentic.policy.terms import Limits, Rule
from airflow_agentic.scope import Scope, TrustLevel

STATIC = ("policy", "connection", "tools")
"""Areas that are known without asking anybody."""
NO_LIMIT = 1e9
_CREDENTIALS = (
    "anthropic_conn_id",
    "forge_conn_id",
    "git_conn_id",
    "airflow_conn_id",
    "marquez_conn_id",
    "staging_airflow_conn_id",
    "staging_git_conn_id",
)


@dataclass(frozen=True, kw_only=True, order=True)
class Power:
    """Something that may be done."""

    area: str
    what: str
    level: float = 1.0
    """How much of it; 1 where there is no more or less."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Everything that may be done, sorted."""

    repository: str
    powers: tuple[Power, ...]
    guards: tuple[str, ...] = ()

    def only(self, *areas: str) -> Manifest:
        """Return the part that is about *areas* (``sql`` stands for each of its connections), with all guards."""
        kept = tuple(power for power in self.powers if power.area.split(":")[0] in areas)
        return Manifest(repository=self.repository, powers=kept, guards=self.guards)

    def digest(self) -> str:
        """Return the SHA-256 that names it."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()

    def as_json(self) -> dict[str, object]:
        """Return it as plain data."""
        powers = [[power.area, power.what, float(power.level)] for power in self.powers]
        return {"repository": self.repository, "powers": powers, "guards": list(self.guards)}


def manifest(
    policy: Policy, base: Scope, *, tools: Iterable[tuple[str, str]], probed: Iterable[Power] = ()
) -> Manifest:
    """Return the manifest.

    :param tools: name and effect of each tool that a model sees.
    :param probed: what the credentials can, as they say themselves.
    """
    rules: tuple[Rule | None, ...] = (None, *policy.file.rules)
    mandates = [policy.mandate(rule, base) for rule in rules]
    powers = {
        *(power for mandate in mandates for power in _of_mandate(mandate)),
        *_of_limits(policy.file.limits),
        *_of_connection(base),
        *(Power(area="tools", what=f"{name} ({effect})") for name, effect in tools),
        *probed,
    }
    guards = {
        *(f"{m.rule}: {guard}" for m in mandates for guard in _guards(m)),
        *_order(policy),
        *_selectors(base),
        *(f"{person} does not approve what the policy lets through" for person in policy.file.written_by),
    }
    return Manifest(repository=base.repository, powers=tuple(sorted(powers)), guards=tuple(sorted(guards)))


def wider(now: Manifest, accepted: Manifest) -> tuple[str, ...]:
    """Return one sentence per power that *now* has and *accepted* has not, and per guard that is gone."""
    known = {(power.area, power.what): power.level for power in accepted.powers}
    found = []
    for power in now.powers:
        level = known.get((power.area, power.what))
        if level is None:
            found.append(f"new, {power.area}: {power.what}{_much(power.level)}")
        elif power.level > level:
            found.append(f"raised, {power.area}: {power.what}, from {level:g} to {power.level:g}")
    gone = sorted(set(accepted.guards) - set(now.guards))
    return (*found, *(f"gone, guard: {guard}" for guard in gone))


def narrower(now: Manifest, accepted: Manifest) -> tuple[str, ...]:
    """Return one sentence per accepted power that *now* has not any more: the lock can be tightened."""
    return tuple(said.replace("gone, guard", "new guard").replace("new, ", "gone, ") for said in wider(accepted, now))


def _much(level: float) -> str:
    return "" if level == 1.0 else " (no limit)" if level >= NO_LIMIT else f" ({level:g})"


def _of_mandate(mandate: Mandate) -> Iterator[Power]:
    scope = mandate.scope

    def power(what: str, level: float = 1.0) -> Power:
        return Power(area="policy", what=f"{mandate.rule}: {what}", level=level)

    order = tuple(TrustLevel)
    yield power("trust level", order.index(scope.trust_level) + 1)
    yield power("trust level at the start", order.index(mandate.start_level or scope.trust_level) + 1)
    for name in ("max_files", "max_lines", "usd_per_incident", "usd_per_day"):
        yield power(name, getattr(scope, name))
    for name in ("usd_per_dag_day", "usd_per_team_day"):
        yield power(name, NO_LIMIT if getattr(mandate, name) is None else getattr(mandate, name))
    # More occurrences are less: 1000 is the most that a policy may say.
    yield power("model asked early", 1001 - mandate.occurrences)
    yield from (power(f"change {glob}") for glob in scope.allowed_paths or ("**",))
    yield from (power(f"{name} approves") for name in mandate.approvers or ("whoever may edit the triage Dag",))
    yield from (power(f"values of {name} are sampled") for name in mandate.sample_columns)
    yield from (power(f"risk accepted: {name}") for name in scope.accept)
    if scope.may_clear:
        yield power("clear failed tasks")


def _guards(mandate: Mandate) -> Iterator[str]:
    scope = mandate.scope
    yield from (f"nobody changes {glob}" for glob in scope.protected_paths)
    yield from (f"a person before changes of {glob}" for glob in mandate.asked_paths)
    yield from (f"changes stay within {glob}" for glob in mandate.also_within)
    yield from (f"a person between {chain.trigger} and {chain.response.value}" for chain in mandate.chains)
    yield from (f"maintenance: {window.model_dump_json(exclude_defaults=True)}" for window in mandate.windows)
    if mandate.killed:
        yield "kill switch"


def _order(policy: Policy) -> Iterator[str]:
    """Each rule's selectors and neighbours: the first that matches holds, so a place in the row is a guard."""
    names = [rule.name for rule in policy.file.rules]
    for rule, after in zip(policy.file.rules, [*names, "defaults"][1:], strict=True):
        yield f"rule {rule.name} is for {rule.match.model_dump_json(exclude_defaults=True)}, before {after}"


def _of_limits(limits: Limits) -> Iterator[Power]:
    """What asks a failing service more often than by default; the defaults are no power, so old locks still hold."""
    usual = Limits()
    if limits.circuit_failures > usual.circuit_failures:
        yield Power(area="policy", what="circuit_failures", level=limits.circuit_failures)
    if limits.circuit_open_s < usual.circuit_open_s:
        yield Power(area="policy", what="circuit asked again early", level=usual.circuit_open_s - limits.circuit_open_s)


def _of_connection(base: Scope) -> Iterator[Power]:
    def power(what: str) -> Power:
        return Power(area="connection", what=what)

    if base.repository:
        yield power(f"branches and pull requests of {base.forge} {base.repository}, against {base.base_branch}")
    for name in _CREDENTIALS:
        if getattr(base, name):
            yield power(f"credential {name} {getattr(base, name)}")
    yield from (power(f"workspace: {ours} is {staging}") for ours, staging in base.staging_connections.items())
    yield from (power(f"workspace reaches {host}") for host in base.staging_hosts)
    if base.staging_remote:
        yield power(f"write branch {base.staging_branch} of {base.staging_remote}")
    yield from (power(f"shapes of data in {place}") for place in base.data_locations)
    yield from (power(f"shapes of tables through {name}") for name in base.data_connections)
    yield from (power(f"values of {glob} told to the model") for glob in base.shown_columns)
    if base.show_values:
        yield power("values of changed columns in pull requests")
    yield from (power(f"run in the workspace: {command}") for command in base.checks)
    yield from (power(f"watches Dags {glob}") for glob in base.include_dags)


def _selectors(base: Scope) -> Iterator[str]:
    for name in ("exclude_dags", "include_tags", "exclude_tags", "include_owners", "exclude_owners"):
        yield from (f"connection: {name} {glob}" for glob in getattr(base, name))
