"""Scope → the plug-ins that it names. Connections are asked for one by one, when a part needs them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from airflow_agentic import registry
from airflow_agentic.agents.breaker import GuardedModel
from airflow_agentic.agents.loop import AgentLimits
from airflow_agentic.agents.model import AnthropicModel
from airflow_agentic.context.code import CodeSource
from airflow_agentic.context.comparison import ComparisonSource
from airflow_agentic.context.declared_lineage import DeclaredLineageSource
from airflow_agentic.context.engines import read_only_engine
from airflow_agentic.context.landed import LandedSource
from airflow_agentic.context.lineage import LineageSource, Origin
from airflow_agentic.context.owners import OwnersSource
from airflow_agentic.context.past_failures import PastFailuresSource
from airflow_agentic.context.past_incidents import PastIncidentsSource, RemembersCauses
from airflow_agentic.context.run_history import RunHistorySource
from airflow_agentic.context.seen_schema import SeenSchemaSource
from airflow_agentic.context.tables import TablesSource
from airflow_agentic.context.task_log import TaskLogSource
from airflow_agentic.context.team_rules import TeamRulesSource
from airflow_agentic.edit_buffer import EditBuffer
from airflow_agentic.errors import SettingsError, SourceUnavailable
from airflow_agentic.guardrails.personal import MaskedTool, PersonalRedactor
from airflow_agentic.guardrails.rules.action_class import ActionClassRule
from airflow_agentic.guardrails.rules.allowed_paths import AllowedPathsRule
from airflow_agentic.guardrails.rules.confidence import ConfidenceRule
from airflow_agentic.guardrails.rules.proof import ProofRule
from airflow_agentic.guardrails.rules.protected_paths import ProtectedPathsRule
from airflow_agentic.guardrails.rules.secrets import SecretsRule
from airflow_agentic.guardrails.rules.size import SizeRule
from airflow_agentic.guardrails.rules.suspicious_code import SuspiciousCodeRule
from airflow_agentic.guardrails.rules.trust_level import TrustLevelRule
from airflow_agentic.guardrails.rules.weakened_checks import WeakenedChecksRule
from airflow_agentic.guardrails.rules.written_data import WrittenDataRule
from airflow_agentic.plugs_github import Connect, GithubCredential
from airflow_agentic.plugs_lineage import lineage_origins, lineage_tools
from airflow_agentic.policy.policy import Mandate, Policy
from airflow_agentic.ports import (
    Agent,
    AirflowReader,
    AssetReader,
    Changes,
    Channel,
    Circuit,
    Forge,
    Model,
    Redactor,
    Rule,
    Source,
    Spending,
    Tool,
)
from airflow_agentic.records import Dossier
from airflow_agentic.scope import Scope
from airflow_agentic.staging_twins import refuse_twins
from airflow_agentic.tools.edit_file import EditFileTool
from airflow_agentic.tools.evidence import EvidenceTool
from airflow_agentic.tools.list_files import ListFilesTool
from airflow_agentic.tools.read_file import ReadFileTool
from airflow_agentic.tools.run_history import RunHistoryTool
from airflow_agentic.tools.search_code import SearchCodeTool
from airflow_agentic.tools.task_log import TaskLogTool
from airflow_agentic.workspaces.staging import Staging

_ASKPASS = (
    '#!/bin/sh\ncase "$1" in Username*) printf %s "$AGENTIC_GIT_LOGIN";; *) printf %s "$AGENTIC_GIT_PASSWORD";; esac\n'
)


def build_sources(
    scope: Scope,
    *,
    reader: AirflowReader,
    folder: str,
    connect: Connect,
    incidents: RemembersCauses | None = None,
    lineage: Sequence[Origin] | None = None,
    assets: AssetReader | None = None,
) -> tuple[Source, ...]:
    """Return the context sources in the order in which they are asked: each sees what the ones before it found.

    :param incidents: our own store, to look for earlier incidents of the same cause in.
    :param lineage: where OpenLineage events are; None: where the scope alone says.
    :param assets: Airflow's assets, for where no event tells; None: they cannot be asked here.
    """
    checkout = os.path.join(folder, "checkout")
    os.makedirs(checkout, exist_ok=True)
    sources: list[Source] = [TaskLogSource(reader), RunHistorySource(reader)]
    if origins := lineage_origins(scope) if lineage is None else lineage:
        sources.append(LineageSource(origins))
    sources.append(
        CodeSource(
            clone_url(scope),
            scope.base_branch,
            scope.dags_path,
            work_dir=checkout,
            git_environment=git_environment(scope, connect, folder),
        )
    )
    sources.append(DeclaredLineageSource(assets))
    if scope.data_locations:
        sources.append(LandedSource(scope.data_locations))
    if scope.data_connections:
        sources.append(
            TablesSource(
                scope.data_connections,
                lambda conn_id: read_only_engine(connect(conn_id), conn_id),
                shown_columns=scope.shown_columns,
            )
        )
    if origins and (scope.data_locations or scope.data_connections):
        sources.append(SeenSchemaSource(origins))
    sources += [TeamRulesSource(scope.rules_path), OwnersSource(), ComparisonSource(reader), PastFailuresSource(reader)]
    if incidents is not None:
        sources.append(PastIncidentsSource(incidents))
    return tuple(sources)


def build_agent(
    scope: Scope,
    *,
    client: Callable[[], Any],
    spending: Spending,
    redactor: Redactor,
    reader: AirflowReader,
    record: Callable[[str, Mapping[str, Any]], object],
    lineage: Sequence[Origin] | None = None,
    assets: AssetReader | None = None,
    circuit: Circuit | None = None,
) -> Agent:
    """Return the agent pattern that the scope names, on the model that it names.

    :param lineage: what the lineage tools ask; None: what the scope alone says.
    :param assets: Airflow's assets, asked for the state of a partition.
    :param circuit: the breaker before the model; None: it is asked whatever happened before.
    :raises SettingsError: there is no such pattern.
    """
    pattern = registry.find("agents", scope.agent_pattern())
    model: Model = AnthropicModel(client, scope.model)
    origins = lineage_origins(scope) if lineage is None else lineage
    agent: Agent = pattern(
        GuardedModel(model, circuit) if circuit else model,
        tools_for=lambda dossier, buffer: (
            *_tools(dossier, buffer, reader, PersonalRedactor(redactor, shown_columns=scope.shown_columns)),
            *lineage_tools(origins, dossier, assets),
        ),
        spending=spending,
        redactor=redactor,
        limits=AgentLimits(usd=scope.usd_per_incident),
        record=record,
        protected=scope.protected_paths,
    )
    return agent


def build_rules(
    scope: Scope, redactor: Redactor, mandate: Mandate | None = None, signals: Sequence[str] = ()
) -> tuple[Rule, ...]:
    """Return every guardrail, with the scope's limits.

    :param mandate: what the policy adds; None: what holds without a policy.
    :param signals: what told of the failure: a policy may ask a person after some of them only.
    """
    said = mandate or Policy().mandate(None, scope)
    return (
        TrustLevelRule(scope.trust_level.value),
        ProofRule(),
        ProtectedPathsRule(scope.protected_paths),
        AllowedPathsRule(scope.allowed_paths),
        AllowedPathsRule(said.also_within),
        ActionClassRule(said.asked_after(), said.asked_paths, signals, may_clear=scope.may_clear),
        SizeRule(scope.max_files, scope.max_lines),
        SecretsRule(redactor),
        WeakenedChecksRule(),
        SuspiciousCodeRule(),
        WrittenDataRule(),
        ConfidenceRule(),
    )


def build_staging(scope: Scope, connect: Connect) -> Staging:
    """Return what the workspace is given; only the staging side of the map is ever held.

    :raises SettingsError: a staging connection is missing, or leads to where its production twin does.
    """
    refuse_twins(scope.staging_connections, connect)
    mapped = {production: connect(staging).as_json() for production, staging in scope.staging_connections.items()}
    return Staging(
        connections=tuple(mapped.items()),
        variables=tuple(scope.staging_variables.items()),
        environment=tuple(scope.staging_environment.items()),
        data=scope.staging_data,
        reach=scope.staging_hosts,
        checks=scope.checks,
        show_values=scope.show_values,
    )


def build_forge(scope: Scope, *, changes: Changes, connect: Connect, closing: ExitStack | None = None) -> Forge:
    """Return the forge, narrowed to the scope's repository.

    :param closing: ends the tokens that are made for it; without, they live until they expire, within the hour.
    :raises SettingsError: there is no such forge, or a field that it needs is empty.
    """
    kind = registry.find("forges", scope.forge)
    if not scope.repository:
        raise SettingsError("Using the forge failed: repository is empty. Fill in the agentic connection's field.")
    if scope.forge == "local":
        forge: Forge = kind(scope.repository, scope.base_branch, changes)
        return forge
    if not scope.forge_conn_id:
        raise SettingsError(f"Using forge {scope.forge!r} failed: forge_conn_id is empty. Name a connection.")
    access = GithubCredential(scope.forge_conn_id, scope.repository, connect, closing)
    remote: Forge = kind(
        access.for_changes,
        scope.repository,
        scope.base_branch,
        accept=scope.accept,
        grant=access.grant,
        issue_client_factory=access.for_issues,
    )
    return remote


def build_channels(notifiers: Sequence[Any], context: Mapping[str, Any] | None) -> tuple[Channel, ...]:
    """Return the log, and one channel per Airflow notifier."""
    log_channel: Channel = registry.find("channels", "log")()
    notifier = registry.find("channels", "notifier")
    return (log_channel, *(notifier(item, context or {}) for item in notifiers))


def clone_url(scope: Scope) -> str:
    """Return where the repository is read from, without write credentials."""
    if scope.clone_url or scope.forge != "github":
        return scope.clone_url or scope.repository
    return f"https://github.com/{scope.repository}.git"


def git_environment(scope: Scope, connect: Connect, folder: str) -> dict[str, str]:
    """Return the environment that gives git a read-only credential; empty when none is named.

    The secret stays in the environment of the one git process; the script that git asks holds none.
    """
    return git_credential(connect(scope.git_conn_id), folder) if scope.git_conn_id else {}


def git_credential(conn: Any, folder: str) -> dict[str, str]:
    """Return the environment that gives git one connection's credential; the script lies in *folder*."""
    script = os.path.join(folder, "askpass")
    with open(script, "w", encoding="utf-8") as text:
        text.write(_ASKPASS)
    os.chmod(script, stat.S_IRWXU)
    return {
        "GIT_ASKPASS": script,
        "AGENTIC_GIT_LOGIN": conn.login or "x-access-token",
        "AGENTIC_GIT_PASSWORD": conn.password or "",
    }


def _tools(dossier: Dossier, buffer: EditBuffer, reader: AirflowReader, strangers: Redactor) -> tuple[Tool, ...]:
    """Return what the model may call: reading, and edits of a buffer that nobody runs."""
    return (
        ListFilesTool(buffer),
        SearchCodeTool(buffer),
        ReadFileTool(buffer),
        EditFileTool(buffer),
        MaskedTool(
            TaskLogTool(
                dossier.incident.members, lambda key: (line.decode("utf-8", "replace") for line in reader.log(key))
            ),
            strangers,
        ),
        MaskedTool(RunHistoryTool(lambda task_id: reader.task_history(dossier.incident.dag_id, task_id)), strangers),
        EvidenceTool(dossier.left_out, lambda title: _left_out(dossier, title)),
    )


def _left_out(dossier: Dossier, title: str) -> str:
    found = next((item.body for item in dossier.left_out_evidence if item.title == title), None)
    if found is None:
        raise SourceUnavailable("it was not kept with the dossier")
    return found
