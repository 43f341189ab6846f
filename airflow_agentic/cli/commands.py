"""What ``airflow agentic ...`` does. Thin: read arguments, call, print."""

from __future__ import annotations

import sys
from typing import Any

from airflow.cli.simple_table import AirflowConsole
from airflow.utils.cli import suppress_logs_and_warning
from airflow.utils.providers_configuration_loader import providers_configuration_loaded
from rich.markup import escape

from airflow_agentic.errors import AgenticError
from airflow_agentic.guardrails.outgoing import outgoing
from airflow_agentic.redaction.everything import hide_within
from airflow_agentic.settings import read_settings
from airflow_agentic.store.engine import Store, migrate, open_store


def _told(function: Any) -> Any:
    """Turn our errors into one line and exit code 1, and keep logs out of the output unless --verbose asks for them.

    A stack trace helps nobody who mistyped an id.
    """

    @providers_configuration_loaded
    def told(args: Any) -> None:
        try:
            suppress_logs_and_warning(function)(args)
        except AgenticError as error:
            raise SystemExit(outgoing(f"{type(error).__name__}: {error}")) from error

    return told


@_told
def check(args: Any) -> None:
    """Try every part of the set-up."""
    from airflow_agentic.checks import check_connection

    probes = check_connection(args.agentic_conn_id or read_settings().conn_id)
    _print(args, [{"part": p.name, "state": p.state, "detail": p.detail, "mend": p.mend} for p in probes])
    if any(probe.state == "wrong" for probe in probes):
        sys.exit(1)


@_told
def triage(args: Any) -> None:
    """Start a triage through the triage Dag, or run it here."""
    from airflow_agentic.by_hand import run_here, start

    result = (
        run_here(args.agentic_conn_id or "", args.dag_id, args.run_id, say=_say)
        if args.here
        else start(args.agentic_conn_id or "", args.dag_id, args.run_id)
    )
    _print(args, [result])


@_told
def evaluate(args: Any) -> None:
    """Send a captured failure through the pipeline."""
    from airflow_agentic.evaluation import evaluate as run

    decision = run(
        args.case_dir,
        args.out,
        agent=args.agent,
        anthropic_conn_id=args.anthropic_conn_id,
        model=args.model,
        approve=args.on_ask == "approve",
        say=_say,
    )
    print(decision)


@_told
def rollback(args: Any) -> None:
    """Undo what was published."""
    from airflow_agentic.by_hand import withdraw

    print(withdraw(args.agentic_conn_id or "", args.incident_id))


@_told
def sweep(args: Any) -> None:
    """Hand over what no hook told of, and watch merged fixes."""
    from airflow_agentic import wiring
    from airflow_agentic.readiness_news import tell_news
    from airflow_agentic.triggers.sweep import sweep as run
    from airflow_agentic.wiring_sweep import sweeping

    with wiring.connected(args.agentic_conn_id or "") as parts:
        report = run(sweeping(parts))
        news = tell_news(parts.rulings, lambda _lines: None)
    found = (("kept", report.kept), ("missed", report.missed), ("fix", report.fixes), ("readiness", news))
    _print(args, [{"what": what, "line": line} for what, lines in found for line in lines])


@_told
def incidents(args: Any) -> None:
    """List incidents."""
    from airflow_agentic.incident_view import listing

    with _store() as store:
        rows = listing(store, read_settings().spool_dir, limit=args.limit, dag_id=args.dag_id)
    _print(args, rows, empty="No incidents yet.")


@_told
def show(args: Any) -> None:
    """Show one incident."""
    from airflow_agentic.incident_view import describe

    with _store() as store:
        said = describe(store, args.incident_id, whole=args.output != "table")
    if args.output == "table":
        print(outgoing(str(said)))
    else:
        AirflowConsole().print_as(data=[hide_within(said)], output=args.output)


@_told
def ledger_verify(args: Any) -> None:
    """Recompute the chains."""
    with _store() as store:
        faults = store.ledger.verify(args.incident_id)
    _print(args, [{"fault": fault} for fault in faults], empty="Every chain is whole.")
    if faults:
        sys.exit(1)


@_told
def ledger_show(args: Any) -> None:
    """Print an incident's lines."""
    with _store() as store:
        entries = store.ledger.entries(args.incident_id)
        faults = store.ledger.verify(args.incident_id)
    _print(
        args,
        [
            {
                "n": e.sequence,
                "at": e.at,
                "stage": e.stage,
                "event": e.event,
                "digest": e.digest[:12],
                "facts": "; ".join(f"{name}={value}" for name, value in e.facts if value)[:400],
            }
            for e in entries
        ],
        empty=f"No ledger lines for {args.incident_id!r}.",
    )
    _whole(faults)


@_told
def ledger_export(args: Any) -> None:
    """Print an incident's lines as JSON lines."""
    with _store() as store:
        for line in store.ledger.export(args.incident_id):
            print(line)
        _whole(store.ledger.verify(args.incident_id))


@_told
def db_migrate(_args: Any) -> None:
    """Create or upgrade our tables."""
    migrate(read_settings().store_url)
    print("The store is up to date.")


def demo(args: Any) -> None:
    """Run the demo."""
    from airflow_agentic.demo.run import demo as run

    sys.exit(run(args.folder, keep_running=args.keep_running))


def _store() -> Store:
    return open_store(read_settings().store_url)


def _print(args: Any, rows: list[dict[str, Any]], *, empty: str = "Nothing.") -> None:
    if not rows and args.output in ("table", "plain"):
        print(empty)
        return
    rows = [{name: outgoing(value) if isinstance(value, str) else value for name, value in row.items()} for row in rows]
    if args.output == "table":  # rich would take "[agentic]" for a style and drop it
        rows = [
            {name: escape(value) if isinstance(value, str) else value for name, value in row.items()} for row in rows
        ]
    AirflowConsole().print_as(data=rows, output=args.output)


def _whole(faults: tuple[str, ...]) -> None:
    """Say that what was read is not to be believed; the lines themselves are printed all the same."""
    if faults:
        raise SystemExit("\n".join(f"BROKEN CHAIN  {fault}" for fault in faults))


def _say(line: str) -> None:
    print(outgoing(line), file=sys.stderr, flush=True)
