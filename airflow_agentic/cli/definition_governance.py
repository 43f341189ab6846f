"""Names, helps and arguments of ``stop``, ``start``, ``policy``, ``permissions`` and ``trust``. Nothing heavy here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow.cli.cli_config import ARG_OUTPUT, ActionCommand, Arg, GroupCommand

_WHY = Arg(("--why",), required=True, help="One sentence for the ledger")


def governing(command: Callable[..., ActionCommand], conn: Arg) -> tuple[ActionCommand | GroupCommand, ...]:
    """Return the commands by which people govern the agent.

    :param command: makes one command; see `definition`.
    """

    def ours(name: str, text: str, *args: Arg, function: str) -> ActionCommand:
        return command(name, text, *args, function=function, module="governance")

    return (
        ours("stop", "Kill switch: record incidents, do nothing else, on every worker", _WHY, function="stop"),
        ours("start", "Let the workers go on after a stop; what waits is picked up", _WHY, function="start"),
        GroupCommand(
            name="policy",
            help="agentic_policy.yaml: what the agent may do for which Dag",
            subcommands=_policy(ours, conn),
        ),
        GroupCommand(
            name="permissions",
            help="What the agent may do, with its credentials' real powers, and the lock of what a person accepted",
            subcommands=_permissions(ours, conn),
        ),
        GroupCommand(name="trust", help="What each group of Dags has earned", subcommands=_trust(ours, conn)),
    )


def _policy(ours: Any, conn: Arg) -> tuple[ActionCommand, ...]:
    path = Arg(("path",), nargs="?", default="", help="agentic_policy.yaml (default: the configured one)")
    dag = Arg(("dag_id",), help="The Dag")
    tags = Arg(("--tag",), action="append", default=[], help="A tag of the Dag; may be repeated")
    owners = Arg(("--owner",), action="append", default=[], help="An owner of the Dag; may be repeated")
    check = "Check a policy; exit code 1, line and key if it is not valid. Needs no connection"
    show = "What the policy and the connection say for one Dag"
    return (
        ours("check", check, path, function="policy_check"),
        ours("show", show, dag, tags, owners, conn, ARG_OUTPUT, function="policy_show"),
    )


def _permissions(ours: Any, conn: Arg) -> tuple[ActionCommand, ...]:
    lock = Arg(("--lock",), default="", help="Path of the lock (default: the configured one)")
    offline = (
        Arg(("--ci",), action="store_true", help="Compare files only: --policy, --scope and --lock; asks nobody"),
        Arg(("--policy",), default="", help="agentic_policy.yaml, with --ci"),
        Arg(("--scope",), default="", help="The agentic connection's extra as a JSON file, with --ci"),
    )
    return (
        ours("show", "Every power and guard", conn, ARG_OUTPUT, function="permissions_show"),
        ours(
            "diff",
            "What is wider than the lock; exit code 1 if anything is",
            *(*offline, lock, conn, ARG_OUTPUT),
            function="permissions_diff",
        ),
        ours(
            "accept",
            "Accept what is possible now: recorded in ledger, store and lock",
            *(_WHY, lock, conn, ARG_OUTPUT),
            function="permissions_accept",
        ),
        ours("unused", "Powers that were not used for 30 days", conn, ARG_OUTPUT, function="permissions_unused"),
    )


def _trust(ours: Any, conn: Arg) -> tuple[ActionCommand, ...]:
    group = Arg(("group",), help="A Dag, or the policy's trust_group")
    any_group = Arg(("group",), nargs="?", default="", help="Only this group")
    levels = ("observe", "diagnose", "propose")
    to = Arg(("--to",), choices=levels, default="diagnose", help="The step to stand on (default: diagnose)")
    return (
        ours(
            "show",
            "Where each group stands, and the numbers behind it",
            any_group,
            conn,
            ARG_OUTPUT,
            function="trust_show",
        ),
        ours("promote", "One step up, if results carry it", group, _WHY, conn, function="trust_promote"),
        ours("demote", "Down, at once", group, to, _WHY, conn, function="trust_demote"),
    )
