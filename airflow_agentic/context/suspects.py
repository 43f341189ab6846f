"""Dossier → what may have broken it, ranked, before any model is asked. Deterministic, and knows no pipeline.

A suspect is something that *changed* between the last good run and the failing one (data, code, upstream), or what
the error itself gives away (a status, a credential, a missing module, a kill). What the error names counts most: a
change that nobody tripped over is only a coincidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from airflow_agentic.context.code_history import COMMIT_TITLE, DIFF_TITLE
from airflow_agentic.context.landed import DIFFERS
from airflow_agentic.context.suspect_words import EXPECTED, FAULTS, LATE, NOTICE_FIELDS, Fault
from airflow_agentic.context.suspects_lineage import culprit, from_lineage, tripped_over
from airflow_agentic.context.suspects_versions import from_versions
from airflow_agentic.records import DataShape, Dossier, Evidence, FieldShape, ShapeChange, Suspect
from airflow_agentic.shape_changes import name_tokens
from airflow_agentic.shapes import difference, fold, pattern
from airflow_agentic.tracebacks import own_frames

MAX_SUSPECTS = 10
_BASE = {
    "renamed": 0.5,
    "moved": 0.5,
    "removed": 0.5,
    "form": 0.5,
    "retyped": 0.5,
    "reformatted": 0.45,
    "volume": 0.4,
    "duplicates": 0.4,
    "nulls": 0.35,
    "range": 0.35,
    "possible_rename": 0.45,
    "added": 0.08,
}
_COMPUTED = {"code", "landed", "lineage", "run_history"}


def rank(dossier: Dossier) -> tuple[Suspect, ...]:
    """Return at most 10 suspects, the likeliest first; equal scores in order of their words."""
    said = _Said(dossier)
    data = list(_from_data(dossier, said))
    explained = any(s.score >= 0.75 for s in data)
    upstream = from_lineage(dossier, words=said.words, numbers=said.numbers, quotes=said.quotes)
    versions = from_versions(dossier, said.words)
    found = [*data, *_from_error(dossier, said, explained), *_from_commits(dossier, said), *upstream, *versions]
    if not any("records" in s.what for s in data):
        found += _from_notices(dossier)
    found.sort(key=lambda s: (-s.score, s.what))
    return tuple(found[:MAX_SUSPECTS])


class _Said:
    """What the errors say, once, in the forms in which we compare it."""

    def __init__(self, dossier: Dossier) -> None:
        errors = {error.fingerprint: error for error in dossier.errors}.values()
        self.text = "\n".join(f"{e.error_class}: {e.message}\n" + "\n".join(e.chain) for e in errors)
        self.code = "\n".join(f.code for e in errors for f in own_frames(e.frames)[-2:])
        self.last_lines = {f.code.strip() for e in errors for f in own_frames(e.frames)[-1:] if f.code.strip()}
        self.tasks = " ".join(
            sorted({e.task.task_id for e in dossier.errors} | {m.task_id for m in dossier.incident.members})
        )
        self.words = {word for word in name_tokens(f"{self.text} {self.tasks}") if not word.isdigit()}
        self.stems = {_stem(word) for word in self.words}
        self.numbers = set(re.findall(r"(?<![\d.])\d+(?![\d.]*\d)", self.text))
        self.literals = [lit for e in errors for lit in _literals(e.message)]

    def quotes(self, name: str) -> bool:
        """Say whether the error names a field: in quotes, or as a word of its own that is not an everyday one."""
        escaped = re.escape(name)
        if re.search(rf"""["'`\[.]{escaped}["'`\]]|\b\w+\.{escaped}\b""", self.text):
            return True
        return len(name) > 3 and re.search(rf"(?<![\w]){escaped}(?![\w])", self.text) is not None

    def hints_at(self, name: str) -> bool:
        """Say whether a longer name in the error contains the field's: ``check_currency_not_null``."""
        tokens = name_tokens(name)
        return len("".join(tokens)) > 3 and set(tokens) <= self.words

    def uses(self, name: str) -> bool:
        """Say whether the lines that failed read the field."""
        return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", self.code) is not None


def _from_data(dossier: Dossier, said: _Said) -> Iterator[Suspect]:
    good = {s.name: s for s in dossier.shapes if s.role == "good"}
    late = _ids(e for e in _told(dossier) if LATE.search(e.body))
    for failing in dossier.shapes:
        if failing.role != "failing" or failing.name not in good:
            continue
        changes = difference(good[failing.name], failing)
        late_here = late or _ids(e for e in dossier.evidence if _tells_of_notice(changes, e, failing.name))
        for group in _grouped(changes):
            yield _data_suspect(group, failing, good[failing.name], dossier, said, late_here)


def _data_suspect(
    group: list[ShapeChange], failing: DataShape, good: DataShape, dossier: Dossier, said: _Said, late: tuple[str, ...]
) -> Suspect:
    reasons: list[str] = []
    score = 0.0
    for change in group:
        points, why = _weigh(change, failing, good, said)
        if points > score or not reasons:
            score, reasons = points, why
    first = group[0]
    if {_stem(word) for word in name_tokens(_plain(failing.name))} & said.stems:
        score += 0.1
        reasons.append("the failing task or its error speaks of this data")
    cited = _ids(e for e in dossier.evidence if _plain_title(e, failing.name))
    if first.kind != "added" and tripped_over(dossier.evidence, failing.name):
        score += 0.2
        reasons.append("the failing job reads a column that the table does not have")
    if by := culprit(dossier.evidence, failing.name):
        reasons.append(by)
    if first.kind == "volume" and late:
        score += 0.15
        reasons.append("a notice says that the data is not complete")
        cited = tuple(dict.fromkeys((*cited, *late)))
    what = f"{failing.name}: {first.detail}" + (f", and {len(group) - 1} more of its kind" if len(group) > 1 else "")
    told = "; ".join(reasons) or "the error does not name it"
    told = f"It changed from {good.interval} (good) to {failing.interval} (failing); {told}"
    return Suspect(what=what[:300], why=told[:500], score=round(min(score, 0.98), 2), evidence=cited)


def _weigh(change: ShapeChange, failing: DataShape, good: DataShape, said: _Said) -> tuple[float, list[str]]:
    """Return the score of one change and why: its kind, and how clearly the error points at it."""
    score = _BASE[change.kind] * (0.6 + 0.4 * change.score)
    reasons: list[str] = []
    names = [
        part for part in (_leaf(change.path), _leaf(change.now) if change.kind == "possible_rename" else "") if part
    ]
    if any(said.quotes(name) for name in names):
        score, reasons = score + 0.35, ["the error names this field"]
    elif any(said.hints_at(name) for name in names):
        score, reasons = score + 0.2, ["the error speaks of this field"]
    elif any(said.uses(name) for name in names):
        score, reasons = score + 0.15, ["the line that failed reads this field"]
    if change.kind in {"reformatted", "retyped"} and _fits_format(change, failing, good, said.literals):
        score += 0.35
        reasons.append("the text in the error is written as the new format is, and not as the old one")
    if change.kind in {"volume", "duplicates"} and {change.was, change.now} & said.numbers - {"0", "1"}:
        score += 0.2
        reasons.append("the error states this number")
    if EXPECTED.get(change.kind) and EXPECTED[change.kind] & said.words:
        score += 0.15
        reasons.append("the error is of the kind that this change causes")
    return score, reasons


def _from_error(dossier: Dossier, said: _Said, explained: bool) -> Iterator[Suspect]:
    """Read what the error gives away by itself; a vague one only when no change of data explains it."""
    compared = any(s.role == "good" for s in dossier.shapes)
    for fault in FAULTS:
        match = fault.pattern.search(said.text) or (fault.in_code and fault.in_code.search(said.code))
        if not match or (explained and fault.vague):
            continue
        why = "the data was compared and does not explain it: a new value, or the code" if compared else fault.why
        yield Suspect(
            what=fault.what,
            why=f"{why if fault.vague else fault.why}; the error reads {match[0].strip()[:100]!r}",
            score=fault.score,
            evidence=_ids(_telling(dossier, match[0])),
        )
        if not fault.vague:
            return


def _from_notices(dossier: Dossier) -> list[Suspect]:
    late = [e for e in _told(dossier) if LATE.search(e.body)]
    if not late:
        return []
    return [
        Suspect(
            what="the upstream data of the interval is late or incomplete",
            score=0.5,
            evidence=_ids(late),
            why="a log says so; the counts of the landed data could not be compared",
        )
    ]


def _from_commits(dossier: Dossier, said: _Said) -> Iterator[Suspect]:
    framed = {e.path for e in dossier.evidence if e.source == "code" and e.title.startswith("Source of ")}
    dag_file = dossier.checkout.dag_file if dossier.checkout else None
    for commit in dossier.evidence:
        if commit.source != "code" or not commit.title.startswith(COMMIT_TITLE) or "after the failing" in commit.title:
            continue
        between = "between the last good" in commit.title
        if commit.path is None:
            if between:
                yield _commit(commit, 0.12, "it lies between good and bad, but touches no file of the error", ())
            continue
        score = 0.35 if between else 0.12
        reasons = [
            "it lies between the last good and the failing run"
            if between
            else "whether it lies after the last good run is not known"
        ]
        if commit.path in framed or commit.path == dag_file:
            score += 0.2 if commit.path in framed else 0.12
            reasons.append(
                f"it changes {commit.path}, "
                + ("where the error was raised" if commit.path in framed else "the Dag's file")
            )
        changed = [
            e
            for e in dossier.evidence
            if e.source == "code" and e.title.startswith(DIFF_TITLE) and e.path == commit.path
        ]
        points, reason = _in_diff("\n".join(e.body for e in changed), said)
        yield _commit(commit, score + points if between else score, "; ".join([*reasons, *reason]), _ids(changed))


def _in_diff(diff: str, said: _Said) -> tuple[float, list[str]]:
    new = {line[1:].strip() for line in diff.splitlines() if line.startswith("+") and not line.startswith("+++")}
    touched = "\n".join(line for line in diff.splitlines() if line[:1] in "+-")
    if said.last_lines & new:
        return 0.35, ["it wrote the very line that failed"]
    if any(len(lit) > 2 and lit in touched for lit in said.literals):
        return 0.25, ["it touches what the error names"]
    return 0.0, []


def _fits_format(change: ShapeChange, failing: DataShape, good: DataShape, literals: list[str]) -> bool:
    """Say whether a text of the error has the new shape only: ``.123Z`` → ``.999A``."""
    new, old = _field(failing, change.path), _field(good, change.path)
    for literal in literals:
        form = pattern(literal)
        if len(form) < 2:
            continue
        within_new = any(form in f or fold(form) == fold(f) for f in new.formats)
        if within_new and not any(form in f or fold(form) == fold(f) for f in old.formats):
            return True
    return False


def _grouped(changes: tuple[ShapeChange, ...]) -> list[list[ShapeChange]]:
    """Put together what has one cause: fields that moved to one place, a lost field and its possible new name."""
    maybe = {c.path: c for c in changes if c.kind == "possible_rename"}
    hidden = {c.now for c in changes if c.kind in {"possible_rename", "moved", "renamed"}}
    parents = {c.now.rpartition(".")[0] for c in changes if c.kind == "moved"}
    groups: dict[tuple[str, str, str], list[ShapeChange]] = {}
    for change in changes:
        if change.kind == "removed" and change.path in maybe:
            continue
        if change.kind == "added" and (change.path in hidden or change.path in parents):
            continue
        moved = change.kind == "moved"
        old, new = (change.path.rpartition(".")[0], change.now.rpartition(".")[0]) if moved else (change.path, "")
        groups.setdefault((change.kind, old, new), []).append(change)
    return list(groups.values())


def _tells_of_notice(changes: tuple[ShapeChange, ...], evidence: Evidence, dataset: str) -> bool:
    """An envelope that has grown a notice beside fewer records: the upstream itself says that something is off."""
    grown = evidence.source == "landed" and evidence.title.startswith(f"{DIFFERS} {dataset} (envelope):")
    return grown and any(c.kind == "volume" for c in changes) and NOTICE_FIELDS.search(evidence.body) is not None


def _commit(commit: Evidence, score: float, why: str, more: tuple[str, ...]) -> Suspect:
    return Suspect(
        what=commit.title[:300], why=why, score=round(min(score, 0.95), 2), evidence=(*_ids([commit]), *more)
    )


def _field(shape: DataShape, path: str) -> FieldShape:
    return next((f for f in shape.fields if f.path == path), FieldShape(path=path, types=(), present=0))


def _literals(message: str) -> list[str]:
    """Return the values that a message quotes, and what follows its last colon."""
    quoted = [a or b for a, b in re.findall(r"'([^'\n]{1,80})'|\"([^\"\n]{1,80})\"", message)]
    tail = message.strip().splitlines()[0].rpartition(": ")[2] if ": " in message else ""
    return [*quoted, *([tail[:80]] if tail else [])]


def _told(dossier: Dossier) -> Iterator[Evidence]:
    """Evidence that is the word of a log or an upstream, not a computation of ours."""
    return (e for e in dossier.evidence if e.source not in _COMPUTED)


def _telling(dossier: Dossier, text: str) -> list[Evidence]:
    wanted = text.strip()
    found = [e for e in _told(dossier) if wanted and wanted in e.body]
    return (found or [e for e in dossier.evidence if e.source == "code" and e.title.startswith("Source of ")])[:3]


def _plain_title(evidence: Evidence, dataset: str) -> bool:
    return evidence.source in {"landed", "lineage"} and dataset in evidence.title


def _plain(name: str) -> str:
    return re.sub(r"\{[^}]*\}|\.\w+$|\(.*", " ", name) if "{" in name or "/" in name else name


def _stem(word: str) -> str:
    """Orders are of an order; more grammar than that is not needed to tell data sets apart."""
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


def _leaf(path: str) -> str:
    return path.rsplit(".", 1)[-1].removesuffix("[]")


def _ids(evidence: Iterable[Evidence]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(e.id for e in evidence if e.id))


__all__ = ["Fault", "rank"]
