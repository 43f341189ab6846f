"""Evidence → gaps that say where a stranger's text reads like an order to an agent.

Nobody obeys such a text, and it is not taken out either: it may be the cause. Whoever reads the diagnosis is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from airflow_agentic.records import Evidence, Gap, Trust

_ORDER = re.compile(
    r"\b(?:ignore|disregard|forget) (?:all |any |the |your |my |every ){0,3}(?:earlier|previous|prior|above|former|preceding|other) "
    r"(?:direction|instruction|rule|order|prompt|message|text)"
    r"|\byou are (?:now )?(?:in (?:developer|admin|debug|god) mode|an? (?:ai|assistant|agent|helpful|unrestricted)\b)"
    r"|\b(?:system prompt|developer mode|new instructions?:|as an ai\b|dear (?:agent|assistant|model)|note to (?:the )?(?:agent|ai|assistant|model)\b)"
    r"|</?(?:untrusted|system|assistant|instructions?|data-[0-9a-f]{6,})\b[^>]{0,40}>"
    r"|\b(?:the (?:true|real|only|correct) fix is (?:in|to)|(?:approve|merge) (?:and \w{1,12} )?(?:this|the) (?:pr|pull request|change)\b)"
    r"|\bCALL \w{2,40} \{",
    re.IGNORECASE,
)
_LOOKED_AT = 200_000


def orders_in(evidence: Iterable[Evidence]) -> tuple[Gap, ...]:
    """Return one gap for each piece of evidence whose text gives orders; the platform's own is not looked at."""
    return tuple(
        Gap(
            source=item.source,
            reason=f"Text in {item.title!r} reads like an instruction to an agent; nobody follows it.",
        )
        for item in evidence
        if item.trust is not Trust.PLATFORM and _ORDER.search(item.body[:_LOOKED_AT])
    )
