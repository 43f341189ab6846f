"""Write the ledger around a stage: ``started`` before it acts, ``finished`` or ``failed`` after; read it verified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from airflow_agentic.errors import AuditError
from airflow_agentic.ports import Ledger
from airflow_agentic.records import LedgerEntry


@contextmanager
def stage(
    ledger: Ledger, incident_id: str, stage: str, *, go: Callable[[str], None], **facts: object
) -> Iterator[dict[str, object]]:
    """Give a dict to be filled with what the stage found; it becomes the facts of ``finished``.

    Whatever the stage raises is written as ``failed``, with its class and message, and flies on.

    :param go: asked with the incident's id before anything is done; raises to stop it.
    :param facts: of the line ``started``.
    :raises AuditError: a line could not be written; nothing may go on without it.
    """
    go(incident_id)
    ledger.append(incident_id, stage, "started", facts)
    found: dict[str, object] = {}
    try:
        yield found
    except BaseException as error:
        if not isinstance(error, AuditError):  # a ledger that broke inside cannot be written now either
            failed = {"error": type(error).__name__, "message": str(error), **found}
            ledger.append(incident_id, stage, "failed", failed)
        raise
    ledger.append(incident_id, stage, "finished", found)


def whole(ledger: Ledger, incident_id: str) -> tuple[LedgerEntry, ...]:
    """Return an incident's lines, which somebody is about to act on.

    :raises AuditError: a line is missing, was cut off or rewritten; nothing may be done on the strength of the rest.
    """
    faults = ledger.verify(incident_id)
    if faults:
        raise AuditError(
            f"Going on with {incident_id!r} was refused: {faults[0]} What a person answered cannot be believed. Find "
            "out who wrote to the store (`airflow agentic ledger verify`), bring the lines back from a backup or an "
            "export, then clear the task."
        )
    return ledger.entries(incident_id)
