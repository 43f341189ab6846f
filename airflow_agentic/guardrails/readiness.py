"""What the probes saw → which capabilities an agent finds in place here, what is missing, and how far it may go.

The checklist is that of the four capabilities (context, tools, triggers, guardrails). Nobody is asked: each item is
judged by what was observed, and what could not be observed is missing, with the reason. While anything is missing
nothing beyond a diagnosis is published, unless the connection accepts the gap by its name; a blocker cannot be
accepted. Pure; the probes are in ``probes/observe.py``, what is remembered of them in ``readiness_kept.py``, the
record of the decision in ``readiness_adr.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from airflow_agentic.guardrails.pattern_advice import Advice, advise
from airflow_agentic.guardrails.readiness_facts import Observed


class Standing(str, Enum):
    """How an item stands."""

    IN_PLACE = "in place"
    PARTIAL = "partial"
    MISSING = "missing"


@dataclass(frozen=True, kw_only=True)
class Item:
    """One line of the checklist."""

    pillar: str
    name: str
    standing: Standing
    evidence: str
    close: str = ""
    """The one step that closes it; empty when it is in place."""
    blocker: bool = False
    """Nothing may be proposed while it stands so."""
    acceptable: tuple[str, ...] = ()
    """Values of ``accept`` that let the trust level rise although it is missing; empty: there are none."""
    accepted: bool = False
    """The connection accepts that it is missing."""


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """The whole answer."""

    items: tuple[Item, ...]
    advice: Advice
    unseen: tuple[tuple[str, str], ...] = ()

    @property
    def missing(self) -> tuple[Item, ...]:
        """What is missing."""
        return tuple(item for item in self.items if item.standing is Standing.MISSING)

    @property
    def blockers(self) -> tuple[Item, ...]:
        """What has to be mended before anything may be proposed."""
        return tuple(item for item in self.items if item.blocker)

    @property
    def holding(self) -> tuple[Item, ...]:
        """What holds the trust level at ``diagnose``: what is missing and not accepted."""
        return tuple(item for item in self.missing if not item.accepted)

    @property
    def ceiling(self) -> str:
        """The highest trust level that this standing allows: ``diagnose`` while anything is missing."""
        return "diagnose" if self.holding else "propose"


_Judged = tuple[Standing, str, str]
IN_PLACE, PARTIAL, MISSING = Standing.IN_PLACE, Standing.PARTIAL, Standing.MISSING


def assess(seen: Observed) -> Readiness:
    """Judge every item of the checklist, in its order."""
    items = tuple(_item(*line, seen) for line in _checklist())
    return Readiness(items=items, advice=advise(seen.estate), unseen=seen.unseen)


def _item(
    pillar: str, name: str, judge: Callable[[Observed], _Judged], acceptable: tuple[str, ...], seen: Observed
) -> Item:
    standing, evidence, close = judge(seen)
    missing = standing is MISSING
    return Item(
        pillar=pillar,
        name=name,
        standing=standing,
        evidence=evidence,
        close="" if standing is IN_PLACE else close,
        blocker=missing and name in _BLOCKING,
        acceptable=acceptable,
        accepted=missing and bool(set(acceptable) & set(seen.accepted)),
    )


_BLOCKING = ("runtime access in staging", "no change without a person's approval", "permissions at platform level")


def _checklist() -> Iterator[tuple[str, str, Callable[[Observed], _Judged], tuple[str, ...]]]:
    """Yield each item with what judges it and which values of ``accept`` let it be missing."""
    context, tools, triggers, guards = "context", "tools", "triggers", "guardrails"
    yield context, "schema readable at query time", _schema, ("missing_schemas",)
    yield context, "lineage accessible by program", _lineage, ("missing_lineage",)
    yield context, "partition state visible", _partitions, ("missing_partitions",)
    yield context, "run history queryable", _history, ("missing_run_history",)
    yield tools, "code access", _code, ()
    yield tools, "runtime access in staging", _staging, ()
    yield (
        tools,
        "integrations: pull requests, notifications, warehouse queries",
        _integrations,
        ("missing_integrations",),
    )
    yield tools, "write tools scoped to workspaces", _scoped_writes, ()
    yield tools, "changes as reviewable diffs", _diffs, ()
    yield tools, "production read-only", _production, ()
    yield (
        tools,
        "no change without a person's approval",
        _approval,
        ("unprotected_base_branch", "review_not_required"),
    )
    yield tools, "rollback exists", _rollback, ()
    yield triggers, "starts, completions, failures, anomalies emitted", _emitted, ("missing_events",)
    yield triggers, "subscription without manual calls", _subscribed, ("missing_subscription",)
    yield triggers, "escalation in the loop", _escalation, ("missing_escalation",)
    yield guards, "permissions at platform level", _permissions, ()
    yield guards, "approvals for high-risk actions", _high_risk, ("missing_approvals",)
    yield guards, "actions logged: what, when and why", _logged, ()
    yield guards, "a process for reviewing permissions", _reviewed, ("missing_permission_review",)


def _schema(seen: Observed) -> _Judged:
    close = "Send OpenLineage events (`airflow agentic lineage setup`), or name a read-only data connection."
    if seen.schemas_live:
        return IN_PLACE, f"columns and types of {seen.schemas_live} data set(s) were read from the databases", ""
    if seen.warehouse_connections:
        return IN_PLACE, f"readable through {_list(seen.warehouse_connections)}", ""
    if seen.landed_readable:
        return PARTIAL, f"the shape of landed data is read at {_list(seen.landed_readable)}; no table's", close
    if seen.schemas_declared:
        return PARTIAL, f"{seen.schemas_declared} data set(s) are only written down, not read", close
    return MISSING, _why(seen, "schemas", "no data set's columns are known"), close


def _lineage(seen: Observed) -> _Judged:
    close = "Set [openlineage] transport as `airflow agentic lineage setup` prints it."
    if seen.lineage_events_days is not None:
        told = f"the last event arrived {seen.lineage_events_days:.1f} day(s) ago"
        return (IN_PLACE, told, "") if seen.lineage_events_days <= 2 else (PARTIAL, f"{told}: silent since", close)
    if seen.lineage_files:
        return PARTIAL, "event files are read; nothing keeps them up to date", close
    if seen.dbt_project:
        return PARTIAL, "a dbt project is in the repository; its documentation is made by hand, no run is told", close
    if seen.lineage_in_code:
        return (
            PARTIAL,
            "no event arrives; what the repository's SQL and assets say is read at the time of asking",
            close,
        )
    return MISSING, _why(seen, "lineage", "no lineage event has ever arrived"), close


def _partitions(seen: Observed) -> _Judged:
    close = "Give the Dags a partitioned timetable, or name the partition in their assets' events."
    if seen.partitioned_runs:
        return IN_PLACE, f"{seen.partitioned_runs} of the newest runs carry a partition key", ""
    if seen.dated_runs:
        return PARTIAL, f"{seen.dated_runs} of the newest runs have a data interval, none a partition key", close
    return MISSING, _why(seen, "airflow api", "no run tells which partition it wrote"), close


def _history(seen: Observed) -> _Judged:
    close = "Name airflow_conn_id: an http connection of a viewer account of Airflow's REST API."
    if seen.history_runs:
        return IN_PLACE, f"the REST API answers; {seen.history_runs} run(s) were read", ""
    if seen.history_runs == 0:
        return PARTIAL, "the REST API answers, and tells of no run yet", "Run a Dag."
    return MISSING, _why(seen, "airflow api", "the REST API was not reached"), close


def _code(seen: Observed) -> _Judged:
    if seen.code_readable:
        return IN_PLACE, "the repository's base branch was read", ""
    return MISSING, _why(seen, "repository", "no repository was read"), "Fill in repository, base_branch, git_conn_id."


def _staging(seen: Observed) -> _Judged:
    close = "Map each production connection to one of a staging system in staging_connections."
    refused = tuple(name for name in seen.isolation_missing or () if name not in seen.isolation_accepted)
    if seen.staging_airflow:
        return IN_PLACE, f"a staging Airflow answers: {seen.staging_airflow}", ""
    if refused:
        return (
            MISSING,
            f"this worker cannot isolate a run: {_list(refused)} missing",
            "Install airflow-agentic[sandbox].",
        )
    if seen.shared_with_production:
        return MISSING, f"staging is production: {_list(seen.shared_with_production)}", close
    if seen.written_addresses:
        told = f"the Dags run against production by default: {_list(seen.written_addresses)}"
        return MISSING, told, "Put the address into a connection, and map it in staging_connections."
    return _mapped(seen, close)


def _mapped(seen: Observed, close: str) -> _Judged:
    """Judge the map of connections, where nothing else is in the way."""
    open_ones = seen.unstaged_connections or ()
    if open_ones and not seen.staged_connections:
        told = f"the Dags run against production by default: {_list(open_ones)} have no staging twin"
        return MISSING, told, close
    if open_ones:
        return PARTIAL, f"{seen.staged_connections} mapped; {_list(open_ones)} have no staging twin", close
    if not (seen.staged_connections or seen.staged_environment or seen.unstaged_connections == ()):
        return MISSING, _why(seen, "repository", "nothing is mapped to staging"), close
    mapped = f"{seen.staged_connections} connection(s) mapped" if seen.staged_connections else "no connection is named"
    if seen.isolation_missing:
        told = f"{mapped}; isolation without {_list(seen.isolation_missing)}, accepted by accept_weaker_isolation"
        return PARTIAL, told, "Install airflow-agentic[sandbox]."
    return IN_PLACE, f"{mapped}; the layers that isolate a run were tried and hold", ""


def _integrations(seen: Observed) -> _Judged:
    have = [
        ("pull requests", bool(seen.forge) and seen.forge_faults == ()),
        ("notifications", bool(seen.channels)),
        ("warehouse queries", bool(seen.warehouse_connections)),
    ]
    there, gone = [n for n, yes in have if yes], [n for n, yes in have if not yes]
    close = {
        "pull requests": "Mend what `airflow agentic check` says of the forge.",
        "notifications": "Give triage_dag(channels=[...]) a notifier.",
        "warehouse queries": "Name a read-only connection in data_connections.",
    }
    if not gone:
        return IN_PLACE, _list(there), ""
    told = f"{_list(there) or 'nothing'} there; {_list(gone)} not"
    return (PARTIAL if there else MISSING), told, close[gone[0]]


def _scoped_writes(seen: Observed) -> _Judged:
    if seen.tools_beyond:
        return MISSING, f"{_list(seen.tools_beyond)} may do more than read or edit a workspace", "Remove those tools."
    if seen.isolation_missing is None:
        return PARTIAL, "every tool reads or edits a buffer; the isolation was not tried", "Run it on a worker."
    return IN_PLACE, "every tool of the model reads, or edits a buffer that nobody runs outside the sandbox", ""


def _diffs(seen: Observed) -> _Judged:
    if seen.forge:
        return IN_PLACE, f"draft pull requests through forge {seen.forge!r}; never a push to the base branch", ""
    return MISSING, "no forge is configured", "Set forge and repository of the agentic connection."


def _production(seen: Observed) -> _Judged:
    close = "Use an account with role viewer (user, to trigger) that cannot read connections."
    if seen.shared_with_production:
        return MISSING, f"the workspace reaches production: {_list(seen.shared_with_production)}", "Map it elsewhere."
    if seen.account_reads_connections:
        return PARTIAL, "the agent's Airflow account may read connections, so it is more than a viewer", close
    if seen.account_reads_connections is None:
        return MISSING, _why(seen, "airflow api", "what the Airflow account may do was not seen"), close
    if seen.warehouse_writes:
        told = f"the warehouse is read in read-only transactions, by a role that can {_list(seen.warehouse_writes)}"
        return PARTIAL, told, "Give data_connections a role that may only read."
    return IN_PLACE, "the Airflow account cannot read connections; no production connection enters the workspace", ""


def _approval(seen: Observed) -> _Judged:
    close = "Protect the base branch and require a review by somebody else."
    if seen.base_protected and seen.reviews_required:
        if seen.review_bypass:
            told = f"a review is required, and the agent's token may do without it ({seen.review_bypass})"
            return PARTIAL, told, "Take the agent's account off the list of those who may bypass the review."
        return IN_PLACE, f"the base branch is protected and requires {seen.reviews_required} review(s)", ""
    if seen.base_protected and seen.reviews_required is None:
        return PARTIAL, "the base branch is protected; how many reviews it requires is not told to this token", close
    if seen.forge == "local" and seen.base_protected is None:
        told = "drafts in a bare repository: merging is a push by a person; nothing there requires a review"
        return PARTIAL, told, "Use a forge with branch protection for more than a trial."
    if seen.base_protected is None:
        return MISSING, _why(seen, "forge", "whether the base branch is protected was not seen"), close
    self_merge = "is protected, but requires no review" if seen.base_protected else "is not protected"
    return MISSING, f"the base branch {self_merge}: authors can merge their own changes (self-merge)", close


def _rollback(seen: Observed) -> _Judged:
    if seen.rollbacks and seen.forge:
        return IN_PLACE, "each publication writes its inverse into the ledger first; `airflow agentic rollback`", ""
    return MISSING, "without a forge nothing can be taken back", "Set forge and repository."


def _emitted(seen: Observed) -> _Judged:
    states = set(seen.lineage_states or ())
    want = {"START", "COMPLETE", "FAIL"}
    anomalies = bool(seen.sweep_scheduled)
    gone = [*sorted(want - states), *([] if anomalies else ["anomalies"])]
    if not gone:
        return IN_PLACE, "events tell of starts, completions and failures; the sweep of what hooks miss", ""
    close = "Schedule the sweep (operators/sweep.py)." if gone == ["anomalies"] else "Send OpenLineage events."
    if states or seen.listener or seen.triggered_incidents or seen.callbacks:
        return PARTIAL, f"failures are told; {_list(gone)} not seen", close
    return MISSING, _why(seen, "lineage", "nothing tells of starts, completions or failures"), close


def _subscribed(seen: Observed) -> _Judged:
    close = "Set [agentic] listener = True, or on_failure_callback=TriageNotifier() in default_args."
    if seen.listener:
        return IN_PLACE, "[agentic] listener is on", ""
    if seen.triggered_incidents:
        return PARTIAL, f"{seen.triggered_incidents} incident(s) came by callbacks; other Dags are not watched", close
    if seen.callbacks:
        return PARTIAL, f"{seen.callbacks} Dag file(s) name TriageNotifier; other Dags are not watched", close
    if seen.manual_incidents:
        return MISSING, f"{seen.manual_incidents} incident(s), each started by hand", close
    return MISSING, "the listener is off, and no callback has ever woken the agent", close


def _escalation(seen: Observed) -> _Judged:
    if seen.review_task and seen.reviewers and seen.channels:
        return IN_PLACE, f"a review task asks {_list(seen.reviewers)}; {_list(seen.channels)} are told", ""
    if seen.review_task:
        gone = [n for n, there in (("reviewers", seen.reviewers), ("channels", seen.channels)) if not there]
        return PARTIAL, f"a review task waits for an answer, but names no {_list(gone)}", "Name them in triage_dag()."
    if seen.channels:
        return PARTIAL, f"{_list(seen.channels)} are told; nobody is asked", "Add triage_dag() to a Dag file."
    return MISSING, _why(seen, "airflow api", "nobody is asked and nobody is told"), "Add triage_dag() to a Dag file."


def _permissions(seen: Observed) -> _Judged:
    if seen.shared_accounts:
        told = f"a shared service account: {_list(seen.shared_accounts)}"
        return MISSING, told, "Give the agent accounts of its own, with no more than it must be able to do."
    if seen.token_wide:
        told = f"the forge token can also: {_list(seen.token_wide)}"
        return PARTIAL, told, "Use a GitHub App or a fine-grained token of this repository."
    if seen.account_wide:
        told = f"more than it must be able to do: {_list(seen.account_wide)}"
        return PARTIAL, told, "Make roles of their own for the Airflow account and for staging, with no more than that."
    if seen.shared_accounts is None:
        untold = _why(seen, "accounts", "whose accounts the agent uses was not seen")
        return MISSING, untold, "Run it with --agentic-conn-id."
    return IN_PLACE, "the agent's accounts are its own, and narrow", ""


def _high_risk(seen: Observed) -> _Judged:
    close = "Name the action classes in needs_person of agentic_policy.yaml, and who answers in approvers."
    if not seen.review_task:
        return MISSING, "no review task waits for anybody", "Add triage_dag() to a Dag file."
    if not seen.approvals:
        return PARTIAL, "guardrails ask a person for suspicious changes; no policy names action classes", close
    who = _list(seen.approvers) or "whoever may edit the triage Dag"
    told = f"{who} is asked before: {_list(seen.approvals)}"
    if seen.gone_approvers_untold:
        told = f"{told}; who leaves must be taken out of approvers by hand ({seen.gone_approvers_untold})"
    if seen.unasked:
        return PARTIAL, f"{told}; nobody before: {_list(seen.unasked)}", close
    return IN_PLACE, told, ""


def _logged(seen: Observed) -> _Judged:
    if seen.ledger_faults:
        return MISSING, f"the ledger is broken: {seen.ledger_faults[0]}", "Find out who wrote to the store."
    if seen.ledger_entries is None:
        return MISSING, _why(seen, "store", "the store was not reached"), "Set [agentic] store_url."
    return IN_PLACE, f"{seen.ledger_entries} hash-chained line(s), every chain whole", ""


def _reviewed(seen: Observed) -> _Judged:
    close = "Look at `airflow agentic permissions diff`, then `airflow agentic permissions accept --why ...`."
    if seen.lock and seen.lock_wider:
        return PARTIAL, f"accepted {seen.lock}; wider since: {_list(seen.lock_wider)}", close
    if seen.lock:
        return IN_PLACE, f"the permission lock was accepted {seen.lock}; nothing is wider", ""
    if seen.lock_fault:
        return MISSING, f"the permission lock does not count: {seen.lock_fault}", close
    first = "Set [agentic] permissions_lock (or policy_file), then `airflow agentic permissions accept --why ...`."
    return MISSING, _why(seen, "permissions", "nobody has accepted what the agent may do"), first


def _list(names: tuple[str, ...] | list[str]) -> str:
    shown = ", ".join(names[:6])
    return f"{shown} and {len(names) - 6} more" if len(names) > 6 else shown


def _why(seen: Observed, probe: str, otherwise: str) -> str:
    return next((f"{otherwise} ({reason})" for name, reason in seen.unseen if name == probe), otherwise)
