"""Failure → Incident, folded; and the records that each stage leaves for the next.

A signal never moves an incident's state: on a delivered incident it only counts. The state moves by `advance`
alone. Exact under concurrency, because the database folds (``ON CONFLICT``) and locks the incident's row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from airflow_agentic.errors import IncidentNotFound, StoreError
from airflow_agentic.ports import Redactor
from airflow_agentic.records import Failure, Incident, IncidentState, TaskKey
from airflow_agentic.redaction.mask import PersonalMask
from airflow_agentic.redaction.spans import hide_secrets
from airflow_agentic.store.clock import now
from airflow_agentic.store.database import Database
from airflow_agentic.store.statements import FOLD, MEMBER, run
from airflow_agentic.store.tables import INCIDENTS, MEMBERS, RECORDS

OPENED = "recorded; no triage run yet"
CHANGEABLE = frozenset({"fingerprint", "members", "url", "logical_date"})
_KEY = (MEMBERS.c.dag_id, MEMBERS.c.run_id, MEMBERS.c.task_id, MEMBERS.c.map_index, MEMBERS.c.try_number)


class SqlIncidents:
    """The port `Incidents` on a database.

    :param redactor: for what is said of an incident, before the patterns that always hold.
    """

    def __init__(self, database: Database, *, redactor: Redactor | None = None) -> None:
        self._database, self._redactor = database, redactor

    def record(self, incident_id: str, failure: Failure) -> Incident:
        """Open the incident or fold the signal into it; exact under concurrency.

        :raises StoreError: the store cannot be written; the caller keeps the failure elsewhere.
        """
        with self._database.write() as connection:
            fold(connection, signal_values(incident_id, failure))
            return _get(connection, incident_id)

    def get(self, incident_id: str) -> Incident:
        """Return one incident. :raises IncidentNotFound: there is none."""
        with self._database.read() as connection:
            return _get(connection, incident_id)

    def list(self, *, limit: int = 100, dag_id: str | None = None, run_id: str | None = None) -> tuple[Incident, ...]:
        """Return the newest first, by when they were last seen."""
        chosen = select(INCIDENTS).order_by(INCIDENTS.c.last_seen.desc(), INCIDENTS.c.id).limit(limit)
        if dag_id is not None:
            chosen = chosen.where(INCIDENTS.c.dag_id == dag_id)
        if run_id is not None:
            chosen = chosen.where(INCIDENTS.c.run_id == run_id)
        with self._database.read() as connection:
            return tuple(_incidents(connection, connection.execute(chosen).all()))

    def incidents_with(self, fingerprint: str) -> tuple[Incident, ...]:
        """Return the incidents of one cause, newest first."""
        chosen = select(INCIDENTS).where(INCIDENTS.c.fingerprint == fingerprint)
        with self._database.read() as connection:
            rows = connection.execute(chosen.order_by(INCIDENTS.c.last_seen.desc(), INCIDENTS.c.id)).all()
            return tuple(_incidents(connection, rows))

    def advance(self, incident_id: str, state: IncidentState, detail: str, **changes: Any) -> Incident:
        """Set the state and any of ``fingerprint``, ``members``, ``url``, ``logical_date``.

        None leaves a value as it was: a stage that learned nothing new takes nothing away. ``""`` erases it.

        :raises IncidentNotFound: there is none.
        """
        unknown = sorted(set(changes) - CHANGEABLE)
        if unknown:
            raise TypeError(f"advance() cannot set {unknown}; allowed: {sorted(CHANGEABLE)}")
        members = changes.pop("members", None)
        given = {name: value or None for name, value in changes.items() if value is not None}
        values: dict[str, Any] = {
            "state": state.value,
            "detail": storable(PersonalMask().mask(hide_secrets(self._redacted(detail)))),
            **given,
        }
        with self._database.write() as connection:
            connection.execute(update(INCIDENTS).where(INCIDENTS.c.id == incident_id).values(values))
            if members is not None:
                _replace_members(connection, incident_id, members)
            return _get(connection, incident_id)

    def _redacted(self, text: str) -> str:
        return self._redactor.redact(text) if self._redactor else text

    def keep(self, incident_id: str, record: object) -> None:
        """Store one stage's record; the last one of its class holds.

        :raises StoreError: the record cannot be written as JSON, or the store cannot be written.
        """
        insert = sqlite.insert if self._database.sqlite else postgresql.insert
        kept = insert(RECORDS).values(
            incident_id=incident_id, kind=type(record).__name__, body=written(record), kept_at=now()
        )
        with self._database.write() as connection:
            connection.execute(
                kept.on_conflict_do_update(
                    index_elements=[RECORDS.c.incident_id, RECORDS.c.kind],
                    set_={"body": kept.excluded.body, "kept_at": kept.excluded.kept_at},
                )
            )

    def kept(self, incident_id: str, kind: type) -> Any | None:
        """Return the stored record of that class, or None.

        :raises StoreError: another version wrote it in another shape; clearing the task that makes it helps.
        """
        chosen = select(RECORDS.c.body).where(RECORDS.c.incident_id == incident_id, RECORDS.c.kind == kind.__name__)
        with self._database.read() as connection:
            body = connection.execute(chosen).scalar()
        return None if body is None else read(body, kind)


def signal_values(incident_id: str, failure: Failure) -> dict[str, object]:
    """Return one signal as the values of `statements.FOLD` and its kin."""
    return {
        "incident_id": incident_id,
        "dag_id": failure.dag_id,
        "run_id": failure.run_id,
        "clear_number": failure.clear_number,
        "state": IncidentState.CAPTURED.value,
        "detail": OPENED,
        "seen_at": failure.seen_at,
        "logical_date": failure.logical_date,
        "owners": json.dumps(failure.owners),
        "tags": json.dumps(failure.tags),
        "task_id": failure.task_id,
        "map_index": failure.map_index,
        "try_number": failure.try_number or 1,
    }


def fold(connection: Connection, values: Mapping[str, object]) -> None:
    """Open the incident or fold the signal into it, and note its task. The transaction is the caller's."""
    (signals,) = run(connection, FOLD, values)
    if values["task_id"] is not None:
        run(connection, MEMBER, {**values, "position": signals})


def written(record: object) -> str:
    """Return *record* as JSON text. :raises StoreError: it is no record, or holds what JSON cannot."""
    try:
        # Not dump_json: it writes infinity as null, which reads back as another value.
        kind: Any = type(record)
        return json.dumps(_adapter(kind).dump_python(record, mode="json"))
    except (TypeError, ValueError) as error:
        raise StoreError(
            f"Keeping a {type(record).__name__} failed: {error}. This is a defect of its stage."
        ) from error


def read(body: str, kind: type) -> Any:
    """Return the record that `written` wrote. :raises StoreError: it has another shape."""
    try:
        return _adapter(kind).validate_python(json.loads(body))
    except (ValidationError, ValueError) as error:
        raise StoreError(
            f"Reading a stored {kind.__name__} failed: it has another shape ({str(error)[:300]}). "
            "Another version wrote it: clear the task that makes it."
        ) from error


def storable(text: str) -> str:
    """Return *text* as both databases take it: without NUL characters and lone surrogates."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _get(connection: Connection, incident_id: str) -> Incident:
    row = connection.execute(select(INCIDENTS).where(INCIDENTS.c.id == incident_id)).first()
    if row is None:
        raise IncidentNotFound(
            f"Reading incident {incident_id!r} failed: the store has none of that id. "
            "`airflow agentic incidents` lists those it has."
        )
    return _incidents(connection, [row])[0]


def _incidents(connection: Connection, rows: Iterable[Any]) -> list[Incident]:
    found = list(rows)
    members: dict[str, list[TaskKey]] = {row.id: [] for row in found}
    chosen = select(MEMBERS.c.incident_id, *_KEY).where(MEMBERS.c.incident_id.in_(members))
    for member in connection.execute(chosen.order_by(MEMBERS.c.position, *_KEY)).mappings() if members else ():
        members[member["incident_id"]].append(TaskKey(**{column.name: member[column.name] for column in _KEY}))
    return [
        Incident(
            **{
                **row._mapping,  # noqa: SLF001  # public, whatever its name
                "state": IncidentState(row.state),
                "owners": tuple(json.loads(row.owners)),
                "tags": tuple(json.loads(row.tags)),
                "members": tuple(members[row.id]),
            }
        )
        for row in found
    ]


def _replace_members(connection: Connection, incident_id: str, members: Iterable[TaskKey]) -> None:
    connection.execute(delete(MEMBERS).where(MEMBERS.c.incident_id == incident_id))
    rows = [
        {"incident_id": incident_id, "position": position, **{c.name: getattr(key, c.name) for c in _KEY}}
        for position, key in enumerate(dict.fromkeys(members), start=1)
    ]
    if rows:
        connection.execute(MEMBERS.insert(), rows)
