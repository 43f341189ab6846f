"""Values whose meaning or size the code is right not to guess → hold the interval back until its owner has spoken.

The records are there and can be loaded later, so holding them back is what helps: a word that no table and no document
explains, one field in whose place several came, numbers that the pipeline's own rule calls impossible. A field that is
gone with nothing in its place is none of these: nothing could be loaded later, and people have to be told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from airflow_agentic.agents._classify import is_raised
from airflow_agentic.agents._verdict import Verdict
from airflow_agentic.records import Action, Category, DataShape, Dossier, FieldShape, TaskError, Transience
from airflow_agentic.shape_changes import name_tokens
from airflow_agentic.shapes import fold, pattern
from airflow_agentic.tracebacks import own_frames

_WORD = re.compile(
    r"KeyError: ['\"](?P<key>[^'\"\n]{1,40})['\"]$|['\"](?P<enum>[^'\"\n]{1,40})['\"] is not a valid \w+|"
    r"(?:unknown|unexpected|unsupported|unhandled|unrecogni[sz]ed|invalid|undefined|unmapped|no (?:such|known)|"
    r"not a known)\b[^'\"\n]{0,40}['\"](?P<told>[^'\"\n]{1,40})['\"]|input_value=['\"](?P<input>[^'\"\n]{1,40})['\"]",
    re.IGNORECASE | re.MULTILINE,
)
MAX_WORDS = 30
"""Different values of a field that stands for a closed set of words."""
_LIKE = 5.0
"""Two numbers may be one field where their means differ by less."""
_KINDS = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean"}


def classify_meaning(dossier: Dossier, error: TaskError, said: str) -> Verdict | None:
    """Return the verdict, or None where the data shows nothing of the kind."""
    pairs = tuple(_days(dossier))
    if _new_word(pairs, error, said):
        return _held(
            Category.BAD_DATA, said, "some records hold a word that neither the code nor a document explains", 0.7,
            "its owner has said what the new word means and the code knows it",
        )  # fmt: skip
    several = _one_of_several(pairs, said)
    if several:
        return _held(
            Category.SCHEMA_DRIFT, said,
            f"a field is gone and several came that it could be ({several}); nothing tells which", 0.7,
            "its owner has said which of the new fields it is and the code reads it",
        )  # fmt: skip
    refused = bool(own_frames(error.frames)) and is_raised(error)
    if refused and any(_is_wild(a, b) for pair in pairs for a, b in _numbers(*pair)):
        return _held(
            Category.BAD_DATA, said, "the pipeline's own rule holds back numbers that the feed never had before", 0.65,
            "its owner has corrected the data",
        )  # fmt: skip
    return None


def _held(category: Category, said: str, why: str, confidence: float, until: str) -> Verdict:
    return Verdict(
        category=category, action=Action.QUARANTINE, transience=Transience.PERMANENT, matched=said[:160], why=why,
        confidence=confidence, until=until,
    )  # fmt: skip


def _days(dossier: Dossier) -> Iterator[tuple[DataShape, DataShape]]:
    for now in (s for s in dossier.shapes if s.role == "failing" and s.records):
        was = next((s for s in dossier.shapes if s.name == now.name and s.role == "good" and s.records), None)
        if was is not None:
            yield was, now


def _new_word(pairs: tuple[tuple[DataShape, DataShape], ...], error: TaskError, said: str) -> bool:
    """Say whether the error names a value of a closed set of words, and no name that the code or the data has."""
    code = "\n".join(frame.code for frame in own_frames(error.frames))
    for match in _WORD.finditer(said):
        word = next(filter(None, match.groups()))
        if re.search(rf"['\"]{re.escape(word)}['\"]", code) and not is_raised(error):
            continue
        if any(word == f.path.rpartition(".")[2] for pair in pairs for s in pair for f in s.fields):
            continue
        if any(_is_word_of(word, *pair) for pair in pairs):
            return True
    return False


def _is_word_of(word: str, was: DataShape, now: DataShape) -> bool:
    """Say whether a field that was a closed set of words may hold this one now."""
    known = {f.path: f for f in was.fields}
    for field in now.fields:
        old = known.get(field.path)
        if old is None or old.types != ("string",) or field.types != ("string",):
            continue
        few = old.distinct and field.distinct and old.distinct <= MAX_WORDS and old.distinct * 2 <= old.present
        if few and (field.distinct or 0) <= MAX_WORDS and {pattern(word), fold(pattern(word))} & set(field.formats):
            return True
    return False


def _one_of_several(pairs: tuple[tuple[DataShape, DataShape], ...], said: str) -> str:
    """Return the new fields of which one must be the one that is gone; empty where there are not several."""
    for was, now in pairs:
        before, after = {f.path for f in was.fields}, {f.path for f in now.fields}
        others = {(t.was, t.now) for t in now.traces if t.differs}
        placed = {t.was for t in now.traces if not t.differs}
        for old in (f for f in was.fields if f.path not in after and f.path not in placed):
            level, _, leaf = old.path.rpartition(".")
            if not re.search(rf"(?<![\w.]){re.escape(leaf)}(?!\w)", said):
                continue
            beside = [f for s in (was, now) for f in s.fields if f.path.rpartition(".")[0] == level and _may_be(old, f)]
            fresh = [f for f in beside if f.path not in before]
            akin = [f for f in fresh if set(name_tokens(leaf)) & set(name_tokens(f.path.rpartition(".")[2]))]
            gone = [f for f in beside if f.path not in after]
            takers = akin if len(akin) > 1 else fresh if len(gone) == 1 and not akin else []
            if len(takers) > 1 and not all((old.path, f.path) in others for f in takers):
                return ", ".join(f"`{f.path}`" for f in takers[:4])
    return ""


def _may_be(old: FieldShape, new: FieldShape) -> bool:
    """Say whether two fields hold the like: one kind, one size, one way of writing."""
    kinds = [{_KINDS.get(t, "") for t in f.types if t != "null"} for f in (old, new)]
    if kinds[0] != kinds[1] or "" in kinds[0] or new.distinct == 1 < (old.distinct or 2):
        return False
    if old.mean is not None and new.mean is not None:
        return old.mean * new.mean > 0 and 1 / _LIKE < new.mean / old.mean < _LIKE
    return not old.formats or not new.formats or bool({fold(f) for f in old.formats} & {fold(f) for f in new.formats})


def _numbers(was: DataShape, now: DataShape) -> Iterator[tuple[FieldShape, FieldShape]]:
    known = {f.path: f for f in was.fields if f.low is not None}
    if {f.path for f in was.fields} - {f.path for f in now.fields}:
        return
    for field in now.fields:
        if field.low is not None and field.path in known:
            yield known[field.path], field


def _is_wild(old: FieldShape, new: FieldShape) -> bool:
    """Say whether numbers have lost their sign or left their size, by far."""
    if old.low is None or old.high is None or new.low is None or new.high is None:
        return False
    if old.low > 0 >= new.low or old.low == 0 > new.low:
        return True
    return new.high > 10 * max(abs(old.high), abs(old.low)) > 0
