"""What Airflow discovers of this package: connection form, settings, notifier, plugin and commands.

Data only. Airflow reads it in every process, so nothing is imported but our version. The form's fields are those
of `scope.Scope`, and the section's options those of `settings.Settings`; a test holds them equal. The form is
declarative: Airflow never imports the hook to draw it.
"""

from __future__ import annotations

from typing import Any

from airflow_agentic import __version__

_INTEGRATION = "Agentic"


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description, as ``airflow/provider_info.schema.json`` wants it."""
    return {
        "package-name": "airflow-agentic",
        "name": _INTEGRATION,
        "description": (
            "Attaches an agent to Dag failures: it finds the cause, proves a fix and opens a draft pull request."
        ),
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": _INTEGRATION,
                "external-doc-url": "https://pypi.org/project/airflow-agentic/",
                "tags": ["service"],
            }
        ],
        "operators": [
            {
                "integration-name": _INTEGRATION,
                "python-modules": [
                    "airflow_agentic.operators.permit",
                    "airflow_agentic.operators.sweep",
                    "airflow_agentic.operators.triage",
                ],
            }
        ],
        "hooks": [{"integration-name": _INTEGRATION, "python-modules": ["airflow_agentic.hooks.agentic"]}],
        "notifications": ["airflow_agentic.notifications.triage.TriageNotifier"],
        "plugins": [{"name": "agentic", "plugin-class": "airflow_agentic.plugins.agentic.AgenticPlugin"}],
        "cli": ["airflow_agentic.cli.definition.get_agentic_cli_commands"],
        "connection-types": [
            {
                "connection-type": "agentic",
                "hook-class-name": "airflow_agentic.hooks.agentic.AgenticHook",
                "hook-name": _INTEGRATION,
                "ui-field-behaviour": {
                    "hidden-fields": ["host", "port", "login", "password", "schema"],
                    "relabeling": {},
                    "placeholders": {},
                },
                "conn-fields": _connection_fields(),
            }
        ],
        "config": {
            "agentic": {
                "description": (
                    "What holds for a whole deployment. What the agent may see, touch and spend is in the "
                    "``agentic`` connection."
                ),
                "options": _options(),
            }
        },
    }


def _connection_fields() -> dict[str, Any]:
    return {**_model_and_forge(), **_staging_and_data(), **_limits(), **_selectors()}


def _model_and_forge() -> dict[str, Any]:
    return {
        "trust_level": _choice(
            "Trust level",
            "observe: record incidents. diagnose: publish the diagnosis as an issue. propose: open a draft PR. "
            "propose_ready: ready for review, once earned and accepted.",
            "diagnose",
            ["observe", "diagnose", "propose", "propose_ready"],
        ),
        "may_clear": _field(
            "Clear transient failures",
            "At trust level propose: clear the failed tasks of a transient failure, once.",
            {"type": ["boolean", "null"], "default": False},
        ),
        "watch_runs": _number(
            "Runs watched after a merge",
            "The same failure within so many runs marks a merged fix as failed.",
            "integer",
            5,
            1,
            1000,
        ),
        "deploy_minutes": _number(
            "Minutes from merge to workers",
            "Runs that start earlier after a merge and tell no code version are not held against the fix.",
            "integer",
            60,
            0,
            10_080,
        ),
        "anthropic_conn_id": _text("Anthropic connection", "Empty: no model, the rules agent works alone."),
        "model": _text("Model", "Name of the model that the Anthropic connection serves.", "claude-sonnet-5-5"),
        "pattern": _text("Agent pattern", "Empty: 'single' with a model, 'rules' without."),
        "forge": _choice("Forge", "Where draft pull requests are opened.", "local", ["local", "github"]),
        "forge_conn_id": _text("Forge connection", "A 'github' connection; empty for the local forge."),
        "repository": _text(
            "Repository", "owner/name for github; path or file:// address of a bare repository for local."
        ),
        "base_branch": _text("Base branch", "Pull requests go against it; it is never written.", "main"),
        "dags_path": _text(
            "Path of the Dags", "Folder of the repository that the bundle serves; . for the root.", "dags"
        ),
        "clone_url": _text("Clone URL", "Where to read the repository without write credentials; empty: from it."),
        "git_conn_id": _text("Git connection", "A read-only credential for the clone URL; empty: none needed."),
        "airflow_conn_id": _text(
            "Airflow API connection",
            "An 'http' connection to this Airflow's REST API: an account that may view and trigger.",
        ),
    }


def _staging_and_data() -> dict[str, Any]:
    return {
        "staging_connections": _object("Staging connections", "Production connection id → staging connection id."),
        "staging_variables": _object("Staging variables", "Airflow Variables as the workspace sees them."),
        "staging_environment": _object(
            "Staging environment",
            "Environment of the workspace; {data} is its fresh copy of the staging data, {repository} the clone.",
        ),
        "staging_hosts": _list(
            "Staging hosts", "host:port that the workspace must reach; with any, it shares the worker's network."
        ),
        "staging_data": _text("Staging data", "Folder that is copied anew for each staged run."),
        "lineage_events": _text(
            "Lineage events", "File or folder of OpenLineage events, as its file transport writes them; empty: none."
        ),
        "marquez_conn_id": _text("Marquez", "Connection of Marquez, read at triage time; its password is the API key."),
        "rules_path": _text(
            "Team rules", "Folder of the repository with the team's rule files, *.md.", ".agentic/rules"
        ),
        "data_locations": _list("Data locations", "Folders and URL prefixes whose data's shape may be read."),
        "data_connections": _list("Data connections", "Read-only databases whose tables' shape may be read."),
        "shown_columns": _list("Shown columns", "Columns whose commonest values may be told, e.g. raw.orders.status."),
        **_proof(),
    }


def _proof() -> dict[str, Any]:
    return {
        "workspace": _text(
            "Workspace", "Where a change is proved: local, or airflow_api for a staging Airflow.", "local"
        ),
        "staging_airflow_conn_id": _text("Staging Airflow", "For airflow_api: http connection of that deployment."),
        "staging_remote": _text("Staging repository", "For airflow_api: git address that only staging reads."),
        "staging_git_conn_id": _text("Staging git credential", "For airflow_api: may write the branch below."),
        "staging_branch": _text(
            "Staging branch", "For airflow_api: tracked by the staging bundle, overwritten by us.", "agentic-staging"
        ),
        "checks": _list("Checks", "Commands of the repository that a change must not turn red; run in the workspace."),
        "reduce_s": _number(
            "Seconds to reduce a change",
            "Spent on taking hunks out that nothing needs; 0: none is tried.",
            "number",
            300.0,
            0,
            3600,
        ),
        "show_values": _field(
            "Show values",
            "Whether a pull request may show a few values of changed columns; otherwise only counts.",
            {"type": ["boolean", "null"], "default": False},
        ),
    }


def _limits() -> dict[str, Any]:
    return {
        "allowed_paths": _list("Allowed paths", "Globs a change must stay in; empty: all but the protected paths."),
        "protected_paths": _list(
            "Protected paths",
            "Globs that no change may touch.",
            [
                ".git/**",
                ".github/**",
                "**/CODEOWNERS",
                ".gitattributes",
                ".gitmodules",
                ".agentic/**",
                "agentic_policy.yaml",
            ],
        ),
        "max_files": _number("Files per change", "Upper bound.", "integer", 5, 1, 100),
        "max_lines": _number("Lines per change", "Upper bound, added and removed.", "integer", 200, 1, 5000),
        "usd_per_incident": _number("USD per incident", "What a model may cost.", "number", 1.0, 0, 1000),
        "usd_per_day": _number("USD per day", "What a model may cost over all incidents.", "number", 10.0, 0, 100000),
        "max_open_prs": _number("Open pull requests", "Of ours in the repository at once.", "integer", 10, 1, 1000),
        "max_prs_per_hour": _number("Pull requests per hour", "Of ours that are opened.", "integer", 2, 1, 1000),
        "expire_days": _number(
            "Days until a pull request expires", "The sweep closes it then; 0: never.", "number", 30.0, 0, 3650
        ),
        "reviewers": _list("Reviewers", "Who is asked to review, as the forge names them."),
        "accept": _list(
            "Accepted risks",
            "Any of unprotected_base_branch, review_not_required, may_bypass_review, wide_token, unpinned_source, "
            "and the names that `airflow agentic readiness` prints; each is refused otherwise.",
        ),
        "policy_file": _text(
            "Policy file", "agentic_policy.yaml on the worker's disk; empty: [agentic] policy_file, or no policy."
        ),
    }


def _selectors() -> dict[str, Any]:
    return {
        "include_dags": _list("Dags to watch", "Globs of Dag ids, for the listener.", ["*"]),
        "exclude_dags": _list("Dags to leave alone", "Globs of Dag ids; they win over those to watch."),
        "include_tags": _list("Tags to watch", "Globs; empty: whatever the tags."),
        "exclude_tags": _list("Tags to leave alone", "Globs; one match is enough."),
        "include_owners": _list("Owners to watch", "Globs; empty: whoever owns it."),
        "exclude_owners": _list("Owners to leave alone", "Globs; one match is enough."),
    }


def _options() -> dict[str, Any]:
    return {
        "listener": _option(
            "Watch every Dag that the connection's selectors pick, without a callback in the Dag. "
            "Read when a process starts.",
            "boolean",
            "False",
            "True",
        ),
        "conn_id": _option(
            "The ``agentic`` connection that the listener and the commands use.", "string", "agentic_default"
        ),
        "triage_dag_id": _option("The Dag that works on incidents.", "string", "agentic_triage"),
        "undo_dag_id": _option(
            "The Dag that the undo button of the page starts: undo_dag() in a Dag file.", "string", "agentic_undo"
        ),
        "store_url": {
            **_option(
                "SQLAlchemy URL of the agent's own store; empty: a SQLite file below AIRFLOW_HOME.",
                "string",
                "",
                "postgresql+psycopg://agentic@db/agentic",
            ),
            "sensitive": True,
        },
        "debounce_s": _option(
            "Seconds that a triage run is held back, so that failures of siblings land first.", "float", "5.0"
        ),
        "settle_s": _option("Seconds that an investigation waits for the failed run to end.", "float", "300.0"),
        "spool_dir": _option(
            "Where an incident is kept that could not be handed over; empty: below AIRFLOW_HOME.", "string", ""
        ),
        "ledger_content": _option(
            "What the ledger keeps of dossiers, requests, replies and tool results: ``full``, or ``metadata`` "
            "(digests, sizes and counts only; such an incident cannot be replayed).",
            "string",
            "full",
            "metadata",
        ),
        "accept_weaker_isolation": _option(
            "Isolation layers of the workspace that may be missing, comma-separated: see ``airflow agentic check``.",
            "string",
            "",
        ),
        "policy_file": _option(
            "``agentic_policy.yaml`` on this machine's disk, the same on every worker: what the agent may do for "
            "which Dag. It only narrows the ``agentic`` connection; empty: the connection alone holds.",
            "string",
            "",
            "/opt/airflow/dags/agentic_policy.yaml",
        ),
        "permissions_lock": _option(
            "The accepted permission manifest, see ``airflow agentic permissions``; empty: "
            "``agentic_permissions.lock`` beside the policy file.",
            "string",
            "",
        ),
        **_lineage_options(),
    }


def _lineage_options() -> dict[str, Any]:
    key = _option(
        "What a sender of lineage events puts into the header X-Agentic-Lineage-Key, at least 16 characters; "
        "empty: the endpoint of the api-server is closed.",
        "string",
        "",
    )
    return {
        "lineage_key": {**key, "sensitive": True},
        "lineage_aliases": _option(
            "Data set namespaces that are other spellings of one, as a JSON object.",
            "string",
            "",  # not "{}": Airflow calls str.format on every default, and then none of its processes starts
            '{"postgres://localhost": "postgres://warehouse"}',
        ),
        "lineage_events_days": _option("Days for which it is remembered that an event was taken in.", "float", "30.0"),
        "lineage_runs_days": _option("Days for which runs are kept.", "float", "90.0"),
        "lineage_edges_days": _option("Days for which edges, schemas and names are kept.", "float", "180.0"),
    }


def _option(description: str, kind: str, default: str, example: str | None = None) -> dict[str, Any]:
    return {
        "description": description,
        "version_added": "0.1.0",
        "type": kind,
        "example": example,
        "default": default,
    }


def _field(label: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": schema}


def _text(label: str, description: str, default: str = "") -> dict[str, Any]:
    # A type without "null" is a required field in the form: nothing could be saved before all are filled.
    return _field(label, description, {"type": ["string", "null"], "default": default})


def _choice(label: str, description: str, default: str, allowed: list[str]) -> dict[str, Any]:
    return _field(label, description, {"type": "string", "default": default, "enum": allowed})


def _list(label: str, description: str, default: list[str] | None = None) -> dict[str, Any]:
    schema = {"type": ["array", "null"], "items": {"type": "string"}, "default": default or []}
    return _field(label, f"{description} One per line.", schema)


def _object(label: str, description: str) -> dict[str, Any]:
    return _field(label, description, {"type": ["object", "null"], "default": {}})


def _number(label: str, description: str, kind: str, default: float, low: float, high: float) -> dict[str, Any]:
    return _field(label, description, {"type": kind, "default": default, "minimum": low, "maximum": high})
