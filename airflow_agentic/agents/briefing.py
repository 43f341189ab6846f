"""Dossier → system prompt and first message. The only place where strangers' text is framed.

The system prompt is the same for every incident, so that its tokens are read from the cache; everything of this
incident, the delimiter included, stands in the first message.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

from airflow_agentic.records import Dossier, Evidence, TaskError, TaskNode, Trust
from airflow_agentic.tracebacks import own_frames

TASKS_SHOWN = 80
ERRORS_SHOWN = 5
_TERMINAL = re.compile(r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)|\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


@dataclass(frozen=True, kw_only=True)
class Framing:
    """Marks text as data, with a delimiter that nobody outside this run can know."""

    word: str

    def frame(self, source: str, text: str, *, trust: Trust = Trust.UNTRUSTED, **attributes: str) -> str:
        """Return *text* between tags; what a terminal or a reader would not show is taken out, nothing else."""
        shown = {"source": source, "trust": trust.value, **attributes}
        head = " ".join(f'{name}="{_attribute(value)}"' for name, value in shown.items() if value)
        return f"<data-{self.word} {head}>\n{visible(text).replace(self.word, '')}\n</data-{self.word}>"


@dataclass(frozen=True, kw_only=True)
class Briefing:
    """What the model is told first."""

    system: str
    question: str
    framing: Framing


def brief(dossier: Dossier, *, pattern: str = "single") -> Briefing:
    """Return the briefing on a dossier.

    :param pattern: names the system prompt, ``prompts/<pattern>.md``.
    """
    framing = Framing(word=secrets.token_hex(8))
    prompt = files("airflow_agentic.agents") / "prompts" / f"{pattern}.md"
    system = prompt.read_text(encoding="utf-8")
    parts = [
        f"Data stands in elements named data-{framing.word}.",
        "# The incident",
        framing.frame("airflow", _incident(dossier), trust=Trust.PLATFORM),
        framing.frame("errors", _errors(dossier) or "none was found"),
        "# Suspects, strongest first",
        framing.frame("ranking", _suspects(dossier) or "none: nothing stands out"),
        "# Evidence",
        *(_evidence(framing, item) for item in dossier.evidence),
        "# Tasks of the failing Dag",
        framing.frame("airflow", _graph(dossier.graph) or "not known", trust=Trust.PLATFORM),
        "# What could not be found out",
        framing.frame("gaps", _lines(f"{gap.source}: {gap.reason}" for gap in dossier.gaps) or "nothing is missing"),
        "# Left out for want of room",
        framing.frame("left-out", _lines(dossier.left_out) or "nothing"),
        "Find the cause. Change code only if that cures it. Then answer.",
    ]
    return Briefing(system=system, question="\n\n".join(parts), framing=framing)


def visible(text: str) -> str:
    """Return *text* without terminal sequences and controls, and with what cannot be seen written out: ``[U+202E]``."""
    return _INVISIBLE.sub(_written_out, _TERMINAL.sub("", text.replace("\r\n", "\n")))


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"[U+{code:04X}]" if code >= 0x200B else ""


def _evidence(framing: Framing, item: Evidence) -> str:
    place = f"{item.path}:{item.line}" if item.path and item.line else item.path or ""
    return framing.frame(
        item.source, item.body, trust=item.trust, id=item.id, title=item.title, place=place, observed=item.observed_at
    )


def _incident(dossier: Dossier) -> str:
    incident = dossier.incident
    failed = sorted({key.task_id for key in incident.members})
    facts = [
        ("dag", incident.dag_id),
        ("run", incident.run_id),
        ("logical date", incident.logical_date or "unknown"),
        ("last run that worked", dossier.last_good or "none in the history"),
        ("failed task instances", f"{len(incident.members)}: {', '.join(failed[:30])}"),
        ("inputs and outputs are told by", dossier.lineage_origin or "nothing"),
    ]
    if dossier.checkout:
        pinned = "the commit that failed" if dossier.checkout.pinned else "newest, the run's own commit is not known"
        facts += [
            ("dag file", dossier.checkout.dag_file or "unknown"),
            ("dags folder", dossier.checkout.dags_path or "."),
            ("code", f"{dossier.checkout.commit[:12]} ({pinned})"),
        ]
    return _lines(f"{name}: {value}" for name, value in facts)


def _errors(dossier: Dossier) -> str:
    return _lines(_error(error) for error in dossier.errors[:ERRORS_SHOWN])


def _error(error: TaskError) -> str:
    frames = own_frames(error.frames)[-1:]
    place = f" at {frames[0].path}:{frames[0].line} in {frames[0].function}" if frames else ""
    return f"{error.task.task_id}: {error.error_class}: {error.message[:300]}{place}"


def _suspects(dossier: Dossier) -> str:
    return _lines(f"{s.score:.2f} {s.what}: {s.why} [{', '.join(s.evidence)}]" for s in dossier.suspects)


def _graph(tasks: Iterable[TaskNode]) -> str:
    nodes = list(tasks)
    shown = _lines(
        f"{node.task_id} ({node.operator.rsplit('.', 1)[-1]}) → {', '.join(node.downstream[:20]) or 'nothing'}"
        for node in nodes[:TASKS_SHOWN]
    )
    return f"{shown}\n({len(nodes) - TASKS_SHOWN} more)" if len(nodes) > TASKS_SHOWN else shown


def _attribute(value: str) -> str:
    return visible(value).replace("\n", " ").replace('"', "'").replace("<", "(").replace(">", ")")[:200]


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(parts)
