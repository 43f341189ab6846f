"""``airflow agentic ...``: names, helps and arguments. Imported by every airflow command, so nothing heavy here."""

from __future__ import annotations

from airflow.cli.cli_config import ARG_OUTPUT, ARG_VERBOSE, ActionCommand, Arg, GroupCommand, lazy_load_command

from airflow_agentic.cli.definition_governance import governing

_CONN = Arg(("--agentic-conn-id",), default=None, help="The agentic connection (default: [agentic] conn_id)")
_INCIDENT = Arg(("incident_id",), help="The incident's id, as `airflow agentic incidents` lists it")


def get_agentic_cli_commands() -> list[GroupCommand]:
    """Return our one command group."""
    return [
        GroupCommand(
            name="agentic",
            help="Triage of failed Dags: incidents, their evidence, proofs and ledger",
            subcommands=(*_work(), *_look(), *governing(_command, _CONN), *_house()),
        )
    ]


def _command(name: str, help_text: str, *args: Arg, function: str = "", module: str = "commands") -> ActionCommand:
    target = f"airflow_agentic.cli.{module}.{function or name}"
    return ActionCommand(name=name, help=help_text, func=lazy_load_command(target), args=(*args, ARG_VERBOSE))


def _work() -> tuple[ActionCommand, ...]:
    return (
        _command(
            "triage",
            "Start the triage of a failed Dag run",
            Arg(("dag_id",), help="The Dag that failed"),
            Arg(("run_id",), help="Its failed run"),
            Arg(("--here",), action="store_true", help="Run all stages in this process, without the triage Dag"),
            _CONN,
            ARG_OUTPUT,
        ),
        _command(
            "eval",
            "Send a captured failure through the pipeline, without a scheduler",
            Arg(("case_dir",), help="Folder with case.json, pipeline.bundle or pipeline/, logs/, upstream/"),
            Arg(("--out",), required=True, help="Folder for decision.json, patch.diff, pull_request.md, ledger.jsonl"),
            Arg(("--agent",), choices=("rules", "single"), default="rules", help="Agent pattern (default: rules)"),
            Arg(("--anthropic-conn-id",), default="", help="Connection of the model, for --agent single"),
            Arg(("--model",), default="", help="Model, if not the default one"),
            Arg(
                ("--on-ask",),
                choices=("approve", "reject"),
                default="approve",
                help="What the absent reviewer answers when the verdict is ASK (default: approve)",
            ),
            function="evaluate",
        ),
        _command(
            "rollback",
            "Undo what was published for an incident: close the pull request, or draft a revert once merged",
            _INCIDENT,
            _CONN,
        ),
        _command("sweep", "Hand over failures that no hook told of, and watch merged fixes", _CONN, ARG_OUTPUT),
    )


def _look() -> tuple[ActionCommand | GroupCommand, ...]:
    return (
        _command(
            "incidents",
            "List incidents, newest first",
            Arg(("--dag-id",), default=None, help="Only of this Dag"),
            Arg(("--limit",), type=int, default=50, help="At most so many (default: 50)"),
            ARG_OUTPUT,
        ),
        _command("show", "Show one incident: diagnosis, evidence, proof, outcome", _INCIDENT, ARG_OUTPUT),
        _command(
            "replay",
            "Run an incident once more from its ledger, offline; print what would differ",
            _INCIDENT,
            Arg(("--agent",), choices=("rules", "single"), default="", help="Another pattern (default: the recorded)"),
            Arg(("--anthropic-conn-id",), default="", help="Ask a model of this connection instead of the record"),
            Arg(("--model",), default="", help="Model, if not the connection's"),
            Arg(("--policy",), default="", help="Another agentic_policy.yaml (default: the configured one, if any)"),
            Arg(("--repository",), default="", help="Clone that has the recorded commit (default: the connection's)"),
            _CONN,
            ARG_OUTPUT,
            module="replay",
        ),
        GroupCommand(
            name="ledger",
            help="The hash-chained audit",
            subcommands=(
                _command(
                    "verify",
                    "Recompute the chains; exit code 1 if one is broken",
                    Arg(("--incident-id",), default=None, help="Only this incident (default: all)"),
                    ARG_OUTPUT,
                    function="ledger_verify",
                ),
                _command("show", "Print an incident's lines", _INCIDENT, ARG_OUTPUT, function="ledger_show"),
                _command("export", "Print an incident's lines as JSON lines", _INCIDENT, function="ledger_export"),
            ),
        ),
    )


def _lineage() -> tuple[ActionCommand, ...]:
    module = "lineage_intake"
    return (
        _command(
            "setup",
            "Print the [openlineage] transport that keeps the present one and adds ours",
            Arg(("--url",), default="", help="Post to this address of the plugin, e.g. http://airflow:8080/agentic"),
            module=module,
        ),
        _command(
            "import",
            "Take in events of a file, or of a folder's .json, .ndjson and .log files; one event a line",
            Arg(("path",), help="File or folder, as OpenLineage's file transport writes it"),
            function="take",
            module=module,
        ),
        _command(
            "retain",
            "Delete lineage that is older than [agentic] lineage_events_days, lineage_runs_days, lineage_edges_days",
            Arg(("--dry-run",), action="store_true", help="Only say how much"),
            ARG_OUTPUT,
            function="retention",
            module=module,
        ),
        *_lineage_questions(),
    )


def _lineage_questions() -> tuple[ActionCommand, ...]:
    module = "lineage_ask"
    name = Arg(("name",), help="A task (dag_id.task_id) or a data set (schema.table)")
    dataset = Arg(("name",), help="A data set (schema.table), or an asset's URI")
    hops = Arg(("--hops",), type=int, default=5, help="At most so many (default: 5)")
    limit = Arg(("--limit",), type=int, default=5, help="Versions, at most 10 (default: 5)")
    column = Arg(("--column",), default="", help="Empty: those that the task reads and that are gone")
    key = Arg(("partition_key",), help="As Airflow writes it; a date stands for its midnight")
    return (
        _command("upstream", "What it is made from, job by job", name, hops, ARG_OUTPUT, module=module),
        _command("downstream", "What is made from it, job by job", name, hops, ARG_OUTPUT, module=module),
        _command("schema", "Its last schemas, what changed and who did it", dataset, limit, ARG_OUTPUT, module=module),
        _command("column", "Where a column changed, and the run that did it", name, column, ARG_OUTPUT, module=module),
        _command("partition", "State of a partition, and what ran on it", dataset, key, ARG_OUTPUT, module=module),
        _command("blast", "Who waits for it: jobs, data sets, Dags, owners", name, ARG_OUTPUT, module=module),
    )


def _house() -> tuple[ActionCommand | GroupCommand, ...]:
    return (
        _command("check", "Try every part of the set-up; say what is wrong and how to mend it", _CONN, ARG_OUTPUT),
        _command(
            "readiness",
            "What an agent finds in place here, what is missing, and which pattern fits; answered by probes",
            Arg(("--adr",), default="", help="Write the decision record (Markdown) into this file"),
            Arg(("--facts",), default="", help="Write what the probes saw (JSON) into this file"),
            Arg(("--from",), dest="given", default="", help="Judge facts from such a file instead of probing"),
            _CONN,
            ARG_OUTPUT,
            module="readiness",
        ),
        _command(
            "demo",
            "A pipeline fails; about two minutes later a proved draft pull request stands",
            Arg(("--folder",), default=".demo", help="Working folder, made anew (default: .demo)"),
            Arg(("--keep-running",), action="store_true", help="Leave Airflow running until Ctrl-C"),
        ),
        GroupCommand(name="lineage", help="OpenLineage events and what they tell", subcommands=_lineage()),
        GroupCommand(
            name="db",
            help="Our own store",
            subcommands=(
                _command("migrate", "Create or upgrade the tables of [agentic] store_url", function="db_migrate"),
            ),
        ),
    )
