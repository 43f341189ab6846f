"""An approval, and what is known now of who gave it → whether their word still counts.

Asked when they answer and once more when their word is acted on, for both lie hours apart. Gone is whoever Airflow does
not know any more or has deactivated, and whoever the policy does not name any more, or excludes by now. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from airflow_agentic.records import Answer, Approval

Still = Callable[[Approval], Approval]
"""Approval as it was recorded → as it counts now."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What Airflow says of a user; nothing: it knows them and they are active."""

    gone: str = ""
    untold: str = ""
    """Why Airflow cannot tell; the policy's list alone holds then."""


def as_given(approval: Approval) -> Approval:
    """Return it as it is: where nobody can be looked up, such as in an evaluation."""
    return approval


def still_counts(
    approval: Approval, *, approvers: Iterable[str], excluded: Iterable[str], known: Callable[[str], Known]
) -> tuple[Approval, str]:
    """Return the approval as it counts now, and what could not be told.

    :param approvers: of the policy as it is now; empty: it names nobody.
    :param excluded: whose word does not count, as it is now.
    :param known: name of a user → what Airflow says of them; not asked about whoever the policy turns away already.
    """
    if approval.answer is not Answer.APPROVED:
        return approval, ""
    names, listed = {approval.user_id, approval.by or ""} - {""}, tuple(approvers)
    if {name.casefold() for name in names} & {name.casefold() for name in excluded}:
        return _turned_down(approval, "four eyes: by now they wrote or accepted what makes it possible"), ""
    if listed and approval.user_id not in listed:
        who = approval.user_id or approval.by
        return _turned_down(approval, f"{who!r} is no longer one of {', '.join(listed)} in approvers of the policy"), ""
    said = known(approval.by or approval.user_id)
    if said.gone:
        cure = "Replace them in approvers of the policy, then clear the review task"
        return _turned_down(approval, f"{said.gone}. {cure}"), ""
    return approval, said.untold


def _turned_down(approval: Approval, why: str) -> Approval:
    said = f" They said: {approval.reason}" if approval.reason else ""
    return replace(approval, answer=Answer.REJECTED, reason=f"The approval does not count: {why}.{said}")
