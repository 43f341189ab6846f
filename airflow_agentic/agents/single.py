"""One model, one conversation, tools: Dossier → Proposal.

The change is what the model has edited, file by file, in the `EditBuffer`; a diff in its words is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

from airflow_agentic.agents.briefing import brief
from airflow_agentic.agents.loop import AgentLimits, Reached, ToolLoop
from airflow_agentic.agents.toolbox import Record, Toolbox
from airflow_agentic.changes import make_change
from airflow_agentic.edit_buffer import EditBuffer
from airflow_agentic.ports import Model, Redactor, Spending, Tool
from airflow_agentic.records import (
    Action,
    Category,
    ChangeSet,
    Diagnosis,
    Dossier,
    Proposal,
    Severity,
    Transience,
)

ToolsFor = Callable[[Dossier, EditBuffer], tuple[Tool, ...]]


class Answer(BaseModel):
    """The final answer's form, as the API and the model see it. All fields are required, nothing else is taken."""

    model_config = ConfigDict(extra="forbid")

    root_cause: str
    category: Category
    action: Action
    transience: Transience
    severity: Severity
    confidence: float
    root_cause_dag: str
    root_cause_task: str | None
    root_cause_file: str | None
    cites: list[str]
    evidence_gaps: list[str]
    blast_radius: list[str]
    next_step: str
    change_summary: str

    @field_validator("confidence")
    @classmethod
    def _between_0_and_1(cls, value: float) -> float:
        if not 0 <= value <= 1:
            raise ValueError("must lie between 0 and 1")
        return value

    @field_validator("root_cause")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must not be empty")
        return value


class SingleAgent:
    """The agent pattern with one model.

    :param tools_for: what this incident's model may call; edits go into the buffer that it is handed.
    :param protected: gitignore patterns that `edit_file` refuses.
    :param record: told of every request, reply and tool call, for the ledger.
    """

    name = "single"

    def __init__(
        self,
        model: Model,
        *,
        tools_for: ToolsFor,
        spending: Spending,
        redactor: Redactor,
        limits: AgentLimits | None = None,
        record: Record | None = None,
        protected: tuple[str, ...] = (),
    ) -> None:
        self._model = model
        self._tools_for = tools_for
        self._spending = spending
        self._redactor = redactor
        self._limits = limits or AgentLimits()
        self._record = record or _unrecorded
        self._protected = protected

    def propose(self, dossier: Dossier) -> Proposal:
        """Ask the model. :raises ModelUnavailable, BudgetExceeded: see `ToolLoop.ask`."""
        buffer = EditBuffer(dossier.checkout.path, protected=self._protected) if dossier.checkout else None
        briefing = brief(dossier)
        toolbox = Toolbox(
            self._tools_for(dossier, buffer) if buffer else (),
            redactor=self._redactor,
            frame=briefing.framing.frame,
            record=self._record,
        )
        loop = ToolLoop(self._model, toolbox=toolbox, spending=self._spending, limits=self._limits, record=self._record)
        question = self._redactor.redact(briefing.question)
        reached = loop.ask(dossier.incident.id, system=briefing.system, question=question, answer=Answer)
        return Proposal(
            diagnosis=_diagnosis(reached.answer),
            change=_change(dossier, buffer, reached),
            usage=reached.usage,
            pattern=self.name,
            notes=reached.notes,
        )


def _diagnosis(answer: Answer) -> Diagnosis:
    return Diagnosis(
        root_cause=answer.root_cause.strip()[:2_000],
        category=answer.category,
        action=answer.action,
        transience=answer.transience,
        severity=answer.severity,
        confidence=answer.confidence,
        root_cause_dag=answer.root_cause_dag,
        root_cause_task=answer.root_cause_task or None,
        root_cause_file=answer.root_cause_file or None,
        cites=_short(answer.cites),
        evidence_gaps=_short(answer.evidence_gaps),
        blast_radius=_short(answer.blast_radius),
        next_step=answer.next_step.strip()[:2_000],
    )


def _change(dossier: Dossier, buffer: EditBuffer | None, reached: Reached[Answer]) -> ChangeSet | None:
    if buffer is None or dossier.checkout is None:
        return None
    said = " ".join(reached.answer.change_summary.split())[:120]
    # The edits are of the commit that is checked out; naming the base branch's would claim a text that nobody read.
    return make_change(dossier.checkout.commit, buffer.edits(), said or "Cure the cause of the failed run")


def _short(items: list[str]) -> tuple[str, ...]:
    return tuple(item.strip()[:500] for item in items[:50] if item.strip())


def _unrecorded(kind: str, payload: Mapping[str, Any]) -> None:
    """Leave nothing behind; for use without a ledger."""
