"""Failures that could not be handed to the triage Dag, one JSON file each, until somebody can take them.

The folder is the operator's own (mode 0700): an error message may hold what is not for every account of the host.
"""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
from collections.abc import Iterator

from airflow_agentic.errors import SettingsError
from airflow_agentic.records import Failure
from airflow_agentic.triggers.wire import failure_as_json, failure_from_json

log = logging.getLogger(__name__)


def keep(spool_dir: str, incident: str, failure: Failure) -> str:
    """Write the failure and return the file's path; a second one of the same incident replaces the first.

    :raises OSError: the disk is full or the folder not ours; then only the log knows of the failure.
    """
    folder = _folder(spool_dir)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=folder, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as text:
            json.dump({"incident_id": incident, "failure": failure_as_json(failure)}, text)
        path = _path(spool_dir, incident)
        os.replace(unfinished, path)
    except BaseException:
        os.unlink(unfinished)
        raise
    return path


def kept_failures(spool_dir: str) -> Iterator[tuple[str, Failure]]:
    """Yield incident id and failure, oldest first; a file that cannot be read is logged and left."""
    folder = _folder(spool_dir)
    if not os.path.isdir(folder):
        return
    with os.scandir(folder) as entries:
        files = sorted((e.stat().st_mtime, e.path) for e in entries if e.name.endswith(".json"))
    for _, path in files:
        try:
            with open(path, encoding="utf-8") as text:
                record = json.load(text)
            yield str(record["incident_id"]), failure_from_json(record["failure"])
        except FileNotFoundError:
            log.debug("%r was taken by somebody else", path)
        except (OSError, ValueError, KeyError, TypeError, SettingsError) as error:
            log.warning("Reading the kept failure %r failed: %s. Delete the file if it is of no use", path, error)


def forget_kept(spool_dir: str, incident: str) -> None:
    """Delete the file of an incident that was handed over; fine if there is none."""
    try:
        os.unlink(_path(spool_dir, incident))
    except FileNotFoundError:
        log.debug("Nothing was kept for %s", incident)


def _folder(spool_dir: str) -> str:
    return os.path.join(spool_dir, "kept")


def _path(spool_dir: str, incident: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.~-]{1,200}", incident):
        raise SettingsError(f"Keeping incident {incident!r} failed: that is no incident id. {_HINT}")
    return os.path.join(_folder(spool_dir), f"{incident}.json")


_HINT = "Ids are made by triggers.incidents.incident_id."
