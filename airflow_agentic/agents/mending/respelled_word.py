"""One word of a closed set is spelt otherwise (``CANCELED`` for ``CANCELLED``) → the spelling that the code knows.

Shapes hold no values, so certain means: as many words as before, one pattern come and at most one gone (another word
may be as long as the old spelling), and they are those of two spellings of one word, of which the repository writes
down the old one alone. If the data says another word after all, nothing is replaced, and the proof stays red.
"""

from __future__ import annotations

import re

from airflow_agentic.agents.mending.bench import Bench
from airflow_agentic.agents.mending.conversions import Conversion
from airflow_agentic.records import FieldShape
from airflow_agentic.shapes import pattern

_SPELLINGS = (
    "cancelled canceled|cancelling canceling|cancellation cancelation|labelled labeled|travelled traveled|modelled modeled|"
    "fulfilled fullfilled|fulfil fulfill|grey gray|colour color|favourite favorite|centre center|metre meter|litre liter|catalogue catalog|"
    "programme program|cheque check|instalment installment|enrolment enrollment|organisation organization|authorised authorized|"
    "unauthorised unauthorized|finalised finalized|initialised initialized|analysed analyzed|recognised recognized|normalised normalized|"
    "in-progress in_progress|on-hold on_hold|licence license|defence defense|judgement judgment|acknowledgement acknowledgment|ageing aging"
)
MAX_WORDS = 12


def respelled(bench: Bench, old: FieldShape, new: FieldShape) -> Conversion | None:
    """Return the look-up that gives a field the known spelling, or None where the sets of words do not prove it."""
    if old.types != ("string",) or new.types != ("string",) or not old.distinct:
        return None
    if old.distinct != new.distinct or old.distinct > MAX_WORDS:
        return None
    gone, come = set(old.formats) - set(new.formats), set(new.formats) - set(old.formats)
    if len(gone) > 1 or len(come) != 1:
        return None
    was, now = gone or set(old.formats), come.pop()
    said = "\n".join(
        bench.text(path) or "" for path in bench.all_files() if path.endswith((".py", ".sql", ".yml", ".yaml"))
    )
    found = {
        (written(known), written(fresh))
        for a, b in (pair.split() for pair in _SPELLINGS.split("|"))
        for known, fresh in ((a, b), (b, a))
        for written in (str.lower, str.upper, str.capitalize)
        if pattern(written(known)) in was
        and pattern(written(fresh)) == now
        and _is_written(said, known)
        and not _is_written(said, fresh)
    }
    if len(found) != 1:
        return None
    known, fresh = found.pop()
    return Conversion(
        form=f'("{known}" if {{value}} == "{fresh}" else {{value}})', words=f"written `{fresh}` where it was `{known}`"
    )


def _is_written(text: str, word: str) -> bool:
    return bool(re.search(rf"['\"]{re.escape(word)}['\"]", text, re.IGNORECASE))
