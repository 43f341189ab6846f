"""A published change → nothing left of it: closed while unmerged, a draft revert once merged. Safe to repeat.

The revert is the inverse change, merged line by line onto what the base branch holds now. Where somebody has worked on
the same lines since, there is no inverse that we could vouch for, and the refusal names the file.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from airflow_agentic.changes import inverse, make_change
from airflow_agentic.errors import DeliveryRefused
from airflow_agentic.escape import escape_markdown
from airflow_agentic.git import GitError, run_git
from airflow_agentic.ports import BaseFiles, Forge
from airflow_agentic.records import ChangeSet, ChangeState, Delivery, FileEdit, Outcome, Whereabouts


@dataclass(frozen=True, kw_only=True)
class Undone:
    """What was done, in words, and the draft that was opened for it, if one was."""

    done: str
    revert: Outcome | None = None


def undo(
    delivery: Delivery, *, forge: Forge, why: str, before: Callable[[str, Mapping[str, object]], object]
) -> Undone:
    """Close what is open, or open a draft that reverts what was merged.

    :param delivery: as it was published, its change included.
    :param why: one sentence for whoever reviews the revert.
    :param before: told of the side effect before it happens.
    :raises DeliveryRefused: the lines have changed since the merge; nothing was written.
    :raises ForgeError: the forge did not take it; repeating is safe.
    """
    there = forge.whereabouts(delivery)
    if there.state is not ChangeState.MERGED or delivery.change is None:
        before("withdrawing", {"branch": delivery.branch, "state": there.state.value})
        return Undone(done=forge.withdraw(delivery))
    change = revert_of(delivery.change, forge.base_files([edit.path for edit in delivery.change.edits]))
    if change is None:
        return Undone(done="nothing of the merged change is left on the base branch")
    revert = revert_delivery(delivery, change, there, why)
    before("opening a draft revert", {"branch": revert.branch, "reverts": there.url or "", "because": why})
    outcome = forge.open_change(revert)
    return Undone(done=f"draft revert {outcome.number}: {outcome.status.value}", revert=outcome)


def revert_of(change: ChangeSet, base: BaseFiles) -> ChangeSet | None:
    """Return the change that takes *change* out of *base*; None if nothing of it is there any more.

    :raises DeliveryRefused: a file has moved on in the same lines, was deleted, or made anew.
    """
    edits = tuple(
        FileEdit(path=edit.path, before=base.texts[edit.path], after=_without(edit, base.texts[edit.path]))
        for edit in change.edits
    )
    return make_change(base.commit, edits, inverse(change).summary)


def revert_delivery(delivery: Delivery, change: ChangeSet, there: Whereabouts, why: str) -> Delivery:
    """Return what the forge is handed for the revert; each merge has a revert of its own."""
    fingerprint = hashlib.sha256(f"revert\0{delivery.fingerprint}\0{there.commit}".encode()).hexdigest()[:16]
    title = f"Revert: {delivery.title}"[:200]
    body = (
        f"This draft takes back {there.url or 'a merged change'}.\n\n{escape_markdown(why)}\n\n"
        "It was made by airflow-agentic from the change that it had proposed, on top of what the base branch holds "
        "now. It was not run anywhere. Close it if the merged change is to stay.\n"
    )
    trailers = f"Agentic-Incident: {delivery.incident_id}\nAgentic-Fingerprint: {fingerprint}\n"
    return replace(
        delivery,
        fingerprint=fingerprint,
        title=title,
        body=body,
        branch=f"agentic/revert-{fingerprint[:12]}",
        commit_message=f"{title[:72]}\n\n{trailers}",
        change=change,
    )


def _without(edit: FileEdit, now: str | None) -> str | None:
    """Return the file's text without the edit."""
    if now in (edit.after, edit.before):
        return edit.before
    if now is None or edit.before is None or edit.after is None:
        raise DeliveryRefused(
            f"Reverting {edit.path!r} was refused: it was {'deleted' if now is None else 'rewritten'} after the merge. "
            "Revert by hand what is still to be reverted."
        )
    with tempfile.TemporaryDirectory(prefix="agentic-revert-") as folder:
        paths = [os.path.join(folder, name) for name in ("now", "merged", "original")]
        for path, text in zip(paths, (now, edit.after, edit.before), strict=True):
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(text)
        try:
            run_git("merge-file", "--quiet", *paths)
        except GitError as error:
            raise DeliveryRefused(
                f"Reverting {edit.path!r} was refused: the same lines have changed since the merge. "
                "Revert by hand what is still to be reverted."
            ) from error
        with open(paths[0], encoding="utf-8", newline="") as file:
            return file.read()
