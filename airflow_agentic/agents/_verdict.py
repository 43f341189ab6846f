"""What the tables of the rules agent answer with."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_agentic.records import Action, Category, Transience


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What kind of failure it is, and the words of the log that say so."""

    category: Category
    action: Action
    transience: Transience
    why: str
    """Completes "It failed because ..."."""
    matched: str
    """The text that matched, at most 160 characters."""
    confidence: float
    who: str = ""
    """Who must do what, where that is known more exactly than the category tells."""
    until: str = ""
    """What must have happened before data that is held back is loaded, where the category does not tell."""
