"""Which incident a failure belongs to, whether anybody wants to know, and whether this host has already told.

One incident is one failed Dag run that was cleared so many times. Its id is the triage run's id as well, so that
the unique constraint of Airflow's database is the lock: whoever comes second is told "duplicate".
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase

from airflow_agentic.errors import SettingsError
from airflow_agentic.records import Failure

log = logging.getLogger(__name__)

_DAY_S = 86_400.0
_REPORTED_DAYS = 7
_PRUNE_EVERY_S = 3_600.0
_UNPAUSED_S = 600.0
_OUR_RUN = re.compile(r"triage__.+__[0-9a-f]{12}")
OUR_TAG = "agentic"
"""Every Dag that ``triage_dag(...)`` makes has it; a Dag with it is never triaged."""


@dataclass(frozen=True, kw_only=True)
class Selectors:
    """The part of the scope that says which Dags the listener watches; its defaults are the scope's."""

    include_dags: tuple[str, ...] = ("*",)
    exclude_dags: tuple[str, ...] = ()
    include_tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    include_owners: tuple[str, ...] = ()
    exclude_owners: tuple[str, ...] = ()


def read_selectors(extra: str | None) -> Selectors:
    """Return the selectors in a connection's extra, and look at nothing else of it.

    Not `scope.read_scope`: a failing task would pay for building the whole model, and a limit that is out of bounds
    is no reason to sleep through a failure.

    :raises SettingsError: the extra is no JSON object, or a selector is no list of strings.
    """
    try:
        given = json.loads(extra) if extra and extra.strip() else {}
    except ValueError as error:
        raise SettingsError(f"its extra is no JSON ({error})") from error
    if not isinstance(given, dict):
        raise SettingsError("its extra is no JSON object")
    found = {field.name: given[field.name] for field in fields(Selectors) if given.get(field.name) is not None}
    for name, globs in found.items():
        if not isinstance(globs, list) or not all(isinstance(glob, str) for glob in globs):
            raise SettingsError(f"{name} is {globs!r}, not a list of strings")
    return Selectors(**{name: tuple(glob.strip() for glob in globs) for name, globs in found.items()})


def incident_id(dag_id: str, run_id: str, clear_number: int) -> str:
    """Return ``triage__<Dag id, at most 100 characters>__<12 hex digits>``; the same for the same run, everywhere.

    Only letters, digits and ``. _ - ~`` are kept of the Dag id, so that it is a valid run id and file name.
    """
    digest = hashlib.sha256(f"{dag_id}\0{run_id}\0{clear_number}".encode()).hexdigest()[:12]
    return f"triage__{re.sub(r'[^A-Za-z0-9_.~-]', '_', dag_id)[:100]}__{digest}"


def selected(selectors: Selectors, *, dag_id: str, tags: Iterable[str] = (), owners: Iterable[str] = ()) -> bool:
    """Say whether the selectors pick a Dag. Globs, case matters; an exclude always wins.

    No include at all for tags or owners means any; with one, a Dag that has no tag or owner is not picked.
    """
    tags, owners = tuple(tags), tuple(owners)
    excluded = (
        _any_match(selectors.exclude_dags, (dag_id,))
        or _any_match(selectors.exclude_tags, tags)
        or _any_match(selectors.exclude_owners, owners)
    )
    return not excluded and (
        _any_match(selectors.include_dags, (dag_id,))
        and (not selectors.include_tags or _any_match(selectors.include_tags, tags))
        and (not selectors.include_owners or _any_match(selectors.include_owners, owners))
    )


def is_our_own(failure: Failure, triage_dag_id: str) -> bool:
    """Say whether the triage itself failed: its Dag, a Dag with our tag, or a run that we started."""
    ours = failure.dag_id == triage_dag_id or OUR_TAG in failure.tags
    return ours or _OUR_RUN.fullmatch(failure.run_id) is not None


def already_reported(spool_dir: str, incident: str) -> bool:
    """Say whether this host has handed the incident over before. One ``stat``, nothing else."""
    return os.path.exists(_marker(spool_dir, incident))


def mark_reported(spool_dir: str, incident: str) -> None:
    """Remember that the incident was handed over, so that the next failure of that run sends nothing.

    Losing the marker costs a second send, which Airflow's database answers with "duplicate"; so a disk that
    cannot be written to is logged and no more.
    """
    path = _marker(spool_dir, incident)
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return
    except OSError:
        log.warning("Marking incident %s as reported in %r failed; it may be sent again", incident, spool_dir)
        return
    _prune(os.path.dirname(path))


def known_unpaused(spool_dir: str, triage_dag_id: str) -> bool:
    """Say whether this host has seen the triage Dag unpaused within the last ten minutes: asking costs a request."""
    try:
        return time.time() - os.stat(_marker(spool_dir, f"unpaused {triage_dag_id}")).st_mtime < _UNPAUSED_S
    except OSError:
        return False


def mark_unpaused(spool_dir: str, triage_dag_id: str) -> None:
    """Remember that the triage Dag was seen unpaused; it is asked again in ten minutes, or if this fails."""
    path = _marker(spool_dir, f"unpaused {triage_dag_id}")
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(path, "w", encoding="utf-8"):
            os.utime(path)
    except OSError as error:
        log.debug("Marking %s as unpaused failed: %s", triage_dag_id, error)


def _any_match(globs: tuple[str, ...], words: tuple[str, ...]) -> bool:
    return any(fnmatchcase(word, glob) for glob in globs for word in words)


def _marker(spool_dir: str, incident: str) -> str:
    return os.path.join(spool_dir, "reported", hashlib.sha256(incident.encode()).hexdigest()[:32])


def _prune(folder: str) -> None:
    """Delete old markers, at most once an hour and host; a marker is only needed while its run still fails."""
    stamp = os.path.join(folder, ".pruned")
    now = time.time()
    try:
        if now - os.stat(stamp).st_mtime < _PRUNE_EVERY_S:
            return
    except FileNotFoundError:
        log.debug("First pruning of %r", folder)
    try:
        with open(stamp, "w", encoding="utf-8"):
            pass
        with os.scandir(folder) as entries:
            old = [e.path for e in entries if e.stat().st_mtime < now - _REPORTED_DAYS * _DAY_S]
        for path in old:
            os.unlink(path)
    except OSError as error:
        log.debug("Pruning %r stopped: %s", folder, error)
