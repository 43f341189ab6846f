"""What Airflow tells of a person's answer → an answer that counts, or a no that says why.

Whatever is odd is a no: somebody who is not on the list, who asked for the change themselves, who answered before they
were asked or after the time was up, about another change than the one that lies there now. Two answers to one question
are one answer, the stricter. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from airflow_agentic.records import Answer, Approval, Decision, LedgerEntry, Proposal, Verdict

STAGE = "review"
ASKED, ANSWERED = "asked", "answered"
_STRICTNESS = (Answer.NOT_NEEDED, Answer.APPROVED, Answer.TIMED_OUT, Answer.REJECTED)


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a person is asked, and who may answer."""

    subject: str
    """Digest of the change that they are shown: `subject_of`."""
    asked_at: str
    expires_at: str = ""
    """Empty: Airflow alone watches the time."""
    approvers: tuple[str, ...] = ()
    """Ids of users; empty: whoever Airflow lets answer."""
    excluded: tuple[str, ...] = ()
    """Whose word does not count: they asked for the change, or wrote what makes it possible."""

    def may_answer(self) -> tuple[str, ...]:
        """Return who is left of the approvers."""
        return tuple(name for name in self.approvers if name not in self.excluded)

    def nobody_may(self) -> bool:
        """Say whether a list was given of which nobody is left."""
        return bool(self.approvers) and not self.may_answer()


def ask(subject: str, *, approvers: tuple[str, ...], excluded: tuple[str, ...], timeout_s: float) -> Question:
    """Return the question as it is asked now.

    :param timeout_s: 0: Airflow alone watches the time.
    """
    at = datetime.now(timezone.utc).replace(microsecond=0)  # as coarse as the coarsest clock that answers
    expires = (at + timedelta(seconds=timeout_s)).isoformat() if timeout_s > 0 else ""
    return Question(
        subject=subject, asked_at=at.isoformat(), expires_at=expires, approvers=approvers, excluded=excluded
    )


def approval_facts(approval: Approval, subject: str) -> dict[str, str]:
    """Return what the ledger keeps of an answer."""
    return {
        "answer": approval.answer.value,
        "by": approval.by or "",
        "user_id": approval.user_id,
        "at": approval.at or "",
        "reason": approval.reason,
        "subject": subject,
    }


def subject_of(proposal: Proposal) -> str:
    """Return what names the change that is asked about; of a proposal without one, what it wants done."""
    said = proposal.diagnosis
    shown = proposal.change.diff if proposal.change else f"{said.action.value} {said.root_cause_task}"
    return hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()


def weigh(question: Question | None, approval: Approval, subject: str) -> Approval:
    """Return the answer that counts.

    :param question: None: nobody was asked.
    :param subject: of the change as it lies there now.
    """
    if approval.answer is Answer.TIMED_OUT and question and question.approvers:
        names = ", ".join(question.may_answer())
        said = f"{approval.reason}; {names} could have. Whoever is gone: replace them in approvers of the policy"
        return replace(approval, reason=f"{said}, then clear the review task.")
    if approval.answer is not Answer.APPROVED:
        return approval
    why_not = _why_not(question, approval, subject) if question else "nobody was asked"
    if not why_not:
        return approval
    said = f" They said: {approval.reason}" if approval.reason else ""
    return replace(approval, answer=Answer.REJECTED, reason=f"The approval does not count: {why_not}.{said}")


def answer_to(entries: Sequence[LedgerEntry], proposal: Proposal, verdict: Verdict) -> Approval:
    """Return the answer that the ledger holds about the change as it is now; only an ASK needs one."""
    if verdict.decision is not Decision.ASK:
        return Approval(answer=Answer.NOT_NEEDED)
    return settled(entries, subject_of(proposal))


def settled(entries: Sequence[LedgerEntry], subject: str) -> Approval:
    """Return what the ledger knows of the last question about *subject*: its strictest answer; none is a time-out.

    :param entries: of one incident, in order. That nobody had to be asked is an answer as well.
    """
    last = max((e.sequence for e in entries if (e.stage, e.event) == (STAGE, ASKED)), default=0)
    answers = [dict(e.facts) for e in entries if e.sequence > last and (e.stage, e.event) == (STAGE, ANSWERED)]
    about = [facts for facts in answers if facts.get("subject", "") in ("", subject)]
    found = [_approval(facts) for facts in about]
    if not found:
        return Approval(answer=Answer.TIMED_OUT, reason="no answer is recorded about the change as it is now")
    return max(found, key=lambda one: _STRICTNESS.index(one.answer))


def _approval(facts: dict[str, str]) -> Approval:
    known = {answer.value: answer for answer in Answer}
    return Approval(
        answer=known.get(facts.get("answer", ""), Answer.REJECTED),
        by=facts.get("by") or None,
        at=facts.get("at") or None,
        reason=facts.get("reason", ""),
        user_id=facts.get("user_id", ""),
    )


def _why_not(question: Question, approval: Approval, subject: str) -> str:
    names = {name for name in (approval.user_id, approval.by) if name}
    if not names:
        return "nobody knows who gave it"
    if subject != question.subject:
        return "the change is not the one that was shown"
    if _any_of(names, question.excluded):
        return "four eyes: they started the triage or wrote what makes it possible"
    if question.approvers and approval.user_id not in question.approvers:
        return f"{(approval.user_id or approval.by)!r} is not one of {', '.join(question.approvers)}"
    return _out_of_time(question, approval)


def _out_of_time(question: Question, approval: Approval) -> str:
    try:
        at, asked = _moment(approval.at), _moment(question.asked_at)
        expires = _moment(question.expires_at) if question.expires_at else None
    except (TypeError, ValueError):
        return "nobody knows when it was given"
    if at < asked:
        return "it was given before it was asked for; a clock went back"
    if expires is not None and at > expires:
        return "the time was up"
    return ""


def _moment(text: str | None) -> datetime:
    moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError("no offset")
    return moment


def _any_of(names: Iterable[str], listed: Iterable[str]) -> bool:
    known = {name.casefold() for name in listed}
    return any(name.casefold() in known for name in names)
