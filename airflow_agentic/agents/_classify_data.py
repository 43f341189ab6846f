"""Errors, shapes and notices of a dossier → late data, bad data or schema drift, when the platform is not to blame."""

from __future__ import annotations

import re

from airflow_agentic.agents._classify import chain_of, day_in, is_raised
from airflow_agentic.agents._classify_answers import classify_answer
from airflow_agentic.agents._classify_meaning import classify_meaning
from airflow_agentic.agents._verdict import Verdict
from airflow_agentic.records import Action, Category, Dossier, Evidence, ShapeChange, TaskError, Transience, Trust
from airflow_agentic.shape_changes import name_tokens
from airflow_agentic.shapes import difference
from airflow_agentic.tracebacks import own_frames

_CHECK = re.compile(
    r"(?:data|quality|row|table|column|schema)?[ _]?(?:check|expectation|assertion|constraint|validation|test)s?\b[^\n]{0,80}\b(?:fail|violat|not met|did not pass)|"
    r"(?:check|expectation|quality|validation|assertion|anomaly)\w*(?:failed|failure|error|exception)|^AssertionError|"
    r"Got \d+ results?, configured to fail|Test failed\.|bad rows|violates (?:unique|not-null|check|foreign key) constraint|"
    r"\bonly \d[\d,]* (?:of|out of|/) \d|\b\d[\d,]* of \d[\d,]* (?:\w+ ){1,3}(?:present|arrived|received|loaded|delivered|found)\b|"
    r"(?:UNIQUE|NOT NULL|CHECK|FOREIGN KEY) constraint failed|duplicate key",
    re.IGNORECASE,
)
_CHECK_TASK = re.compile(
    r"(?:^|[._])(?:check|test|validate|verify|assert|expect|dq|quality|gate|guard|audit|reconcil\w*)(?:_|s?$|\.)|_(?:check|test|validation|gate|guard|audit)s?$",
    re.IGNORECASE,
)
_COUNTS = re.compile(
    r"arriv|files|complete|count|volume|fresh|row|records?|partition|late|missing|fewer|expected", re.IGNORECASE
)
_STAMP = re.compile(r"^\S*\d\d:\d\d:\d\d\S*\s+(?:[A-Z]+\s+)?")
_NOTICE = re.compile(
    r"still (?:loading|being (?:loaded|written|published)|publishing|in progress)|partial(?:ly)? (?:data|load|publish|partition|delivery|upload|export|file)|"
    r"incomplete (?:data|partition|load|upload|day|file|delivery)|not (?:yet )?(?:complete|fully (?:loaded|published)|available yet|published yet|final)\b|"
    r"\b\d[\d,]* of \d[\d,]* (?:rows|records|files|parts|partitions)|(?:delayed|late)[ -](?:data|delivery|arriv\w+|upstream|publish\w*|load\w*|partition|file)|"
    r"(?:data|delivery|partition|load|file|export) (?:is |was |will be )?(?:delayed|late)\b|will be (?:completed|backfilled|republished)",
    re.IGNORECASE,
)
_FEWER = re.compile(
    r"\b(?P<got3>\d[\d,]*) of (?P<want3>\d[\d,]*) (?:\w+ ){1,3}(?:present|arrived|received|loaded|delivered|found)\b|"
    r"\bonly (?P<got2>\d[\d,]*) (?:of|out of|/) (?P<want2>\d[\d,]*)|"
    r"\b(?:got|read|received|loaded|fetched|found|holds|has) (?P<got4>\d[\d,]*) (?:of|out of) (?P<want4>\d[\d,]*)|"
    r"(?:expect|promis|announc|declar|claim)(?:ed|es|e|s)?\b[^\d\n]{0,30}(?P<want>\d[\d,]*)[^\n]{0,40}?"
    r"(?:got|found|actual|received|but|holds?|contains?|has|have|was|were|are)\b[^\d\n]{0,20}(?P<got>\d[\d,]*)",
    re.IGNORECASE,
)
_REFUSES = {
    *(
        "mismatch",
        "incomplete",
        "unbalanced",
        "imbalance",
        "imbalanced",
        "inconsistent",
        "inconsistency",
        "implausible",
    ),
    *(
        "truncated",
        "partial",
        "shortfall",
        "outlier",
        "anomaly",
        "quality",
        "reconciliation",
        "checksum",
        "unreconciled",
    ),
}
"""Words in the names of exceptions by which code refuses data, and not its form."""
_OF_RECORDS = re.compile(
    r"\b(?:rows?|records?|lines|items|files|entries|events|messages|parts|documents|bytes)\b", re.IGNORECASE
)
_OF_FORM = re.compile(
    r"column|header|field|schema|\bkeys?\b|format|version|\btypes?\b|encoding|argument", re.IGNORECASE
)
_MISSING_FILE = re.compile(
    r"FileNotFoundError|NoSuchKey|No such file or directory|No files found|Path does not exist|BlobNotFound|NoSuchUpload",
    re.IGNORECASE,
)
_STALE = re.compile(
    r"\bfreshness\b|\b(?:is|are) stale\b|\bis \d+(?:\.\d+)? (?:minutes|hours|days) (?:old|behind|late)|last (?:loaded|updated|delivered)\b[^\n]{0,60}\bago|"
    r"(?:has|have) (?:still )?not (?:yet )?(?:arrived|landed|been (?:delivered|published|loaded|uploaded))|\bnot (?:yet )?(?:arrived|landed|delivered|published)\b",
    re.IGNORECASE,
)
_RULE = re.compile(
    r"business rule|\bexceeds?\b|tolerance|reconcil|does not (?:match|balance|add up|tally)|do not (?:match|balance|add up|tally)|mismatch|not balanced|unbalanced|imbalance|"
    r"sanity|implausib|not (?:plausible|credible|possible|realistic)|unplausib|impossib|absurd|unrealistic|out of bounds|\bmust (?:not )?be\b|\bmust equal\b|too (?:many|few|high|low|large|small)\b|outlier|anomal|\bsuspicious|\bnegative\b|(?:less|greater|more|fewer|lower|higher) than",
    re.IGNORECASE,
)
_DRIFT = re.compile(
    r"^KeyError|not in index|has no attribute|NoneType|no such column|column .{1,80}(?:not found|does not exist|unknown)|Referenced column|unknown column|"
    r"unrecognized name|invalid identifier|Usecols do not match|unexpected keyword argument|required positional argument|fields not in fieldnames|"
    r"is not in list|relation .{1,80} does not exist|no such table|Table .{1,80}(?:does not exist|not found|doesn't exist)|"
    r"TABLE_OR_VIEW_NOT_FOUND|values were supplied|ValidationError: \d+ validation errors? for|missing columns?|binding parameter|No item with that key|Binder Error|Missing column|Unable to find column|cannot resolve|UNRESOLVED_COLUMN",
    re.IGNORECASE,
)
_CUT = re.compile(
    r"Unterminated string|Expecting (?:value|property name|',' delimiter|':' delimiter)|Extra data|JSONDecodeError|EOF inside string|EOFError|"
    r"end-of-stream marker|unexpected end of (?:data|file|input|stream)|Unexpected EOF|BadGzipFile|BadZipFile|CRC check failed|magic bytes|"
    r"not a (?:gzip|zip|parquet) file|truncated|(?:no|missing|without an?) (?:trailer|footer|end marker)|Error tokenizing data|incorrect data check|invalid block type",
    re.IGNORECASE,
)
_EMPTY = re.compile(
    r"list index out of range|ZeroDivisionError|division by zero|StopIteration|EmptyDataError|No columns to parse|empty sequence|is empty\b|"
    r"iterable argument is empty|requires at least one data point|Expecting value: line 1 column 1|not enough values|no rows|returned no|"
    r"out-of-bounds|out of bounds|argument is an empty|KeyError: 0",
    re.IGNORECASE,
)
_TORN = re.compile(
    r"not enough values|index out of range|invalid literal|could not convert|NoneType|InvalidOperation|ConversionSyntax|"
    r"does(?: not|n't) match format|Invalid isoformat|StopIteration|KeyError|takes \d+ positional|missing \d+ required",
    re.IGNORECASE,
)
"""What code says of a record that ends too early, or of a file without its last line."""
_NULL = re.compile(r"NoneType|\bnull\b|\bNone\b|\bnan\b|NOT NULL|none is not an allowed", re.IGNORECASE)
_FORMAT = re.compile(
    r"unconverted data remains|does(?: not|n't) match format|Invalid isoformat|could not convert string|invalid literal for|unsupported operand|"
    r"must be str|must be real number|not supported between|Conversion Error|invalid input syntax|ConversionSyntax|out of range|argument must be|"
    r"object has no attribute '(?:strip|lower|upper|split|replace|get|items|keys|isoformat)|JSONDecodeError|UnicodeDecodeError|expected string|InvalidOperation",
    re.IGNORECASE,
)


def classify_data(dossier: Dossier) -> Verdict | None:
    """Return the verdict for late, bad or changed data, or None."""
    error = dossier.errors[0] if dossier.errors else None
    said = "\n".join(f"{c}: {m}" for c, m in chain_of(error)) if error else ""
    changes = shape_changes(dossier)
    if error is not None and is_check(error, said):
        return _checked(dossier, said, changes)
    if error is not None and _MISSING_FILE.search(said) and day_in(dossier).search(said):
        return Verdict(
            category=Category.LATE_DATA,
            action=Action.QUARANTINE,
            transience=Transience.TRANSIENT,
            matched=said[:160],
            confidence=0.75,
            why="the input of this interval has not been delivered",
        )
    if error is not None and _STALE.search(said) and is_raised(error):
        return _quarantined(Category.LATE_DATA, said, "the data of this interval had not come when it was read", 0.75)
    if error is not None and re.search(r"AirflowSensorTimeout|Sensor has timed out", said):
        return _quarantined(Category.LATE_DATA, said, "what the sensor waits for has not come", 0.8)
    if error is not None:
        held = classify_answer(dossier, error, said) or _held(dossier, said, changes)
        held = held or classify_meaning(dossier, error, said)
        if held is not None:
            return held
    if error is not None and _RULE.search(error.message) and is_raised(error) and len(error.chain) < 2:
        return _quarantined(
            Category.BAD_DATA, said, "the pipeline's own rule holds back the data of this interval", 0.65
        )
    if error is not None and _FORMAT.search(said):
        return Verdict(
            category=Category.SCHEMA_DRIFT,
            action=Action.NOTIFY,
            transience=Transience.PERMANENT,
            matched=said[:160],
            why="a value is written in a form that the code does not read",
            confidence=0.7 if changes else 0.5,
        )
    if error is not None and _DRIFT.search(said):
        return Verdict(
            category=Category.SCHEMA_DRIFT,
            action=Action.NOTIFY,
            transience=Transience.PERMANENT,
            matched=said[:160],
            why="the code reads a field or column that is not there",
            confidence=0.7 if changes else 0.5,
        )
    return None


def _held(dossier: Dossier, said: str, changes: tuple[ShapeChange, ...]) -> Verdict | None:
    """Return the verdict for data that the code is right to trip over: none, cut off, or wrong in some records."""
    landed = " ".join(gap.reason for gap in dossier.gaps if gap.source == "landed")
    empty = any(s.role == "failing" and not s.records for s in dossier.shapes) or " is empty" in landed
    if empty and (_EMPTY.search(said) or _CUT.search(said)):
        return _quarantined(Category.LATE_DATA, said, "the upstream delivered nothing for this interval", 0.8)
    cut = bool(re.search(r"is cut off|is malformed|is empty", landed))
    readable = any(s.role == "failing" and s.records for s in dossier.shapes)
    tripped = _CUT.search(said) or ("is cut off" in landed and _TORN.search(said))
    if tripped and (cut or not readable):
        return _quarantined(
            Category.BAD_DATA, said, "the file of this interval is cut off or damaged", 0.85 if cut else 0.6
        )
    if any(c.kind in {"renamed", "moved", "removed", "form"} for c in changes):
        return None
    if _lacks_values(said, changes):
        return _quarantined(
            Category.BAD_DATA, said, "some records of this interval lack a value that all had before", 0.7
        )
    if _FORMAT.search(said) and any(_in_some(dossier, c) for c in changes):
        return _quarantined(
            Category.BAD_DATA, said, "some records of this interval hold a value of another kind than all others", 0.7
        )
    return None


def _lacks_values(said: str, changes: tuple[ShapeChange, ...]) -> bool:
    """Say whether values are missing here and there, and nothing else can be what the code trips over."""
    if not any(c.kind == "nulls" and c.now != "100%" for c in changes):
        return False
    rewritten = any(c.kind in {"retyped", "reformatted"} for c in changes)
    return bool(_NULL.search(said)) or (bool(_FORMAT.search(said)) and not rewritten)


def _in_some(dossier: Dossier, change: ShapeChange) -> bool:
    """Say whether a field is written in a new way in some records, and as before in the others."""
    sides = {s.role: s for s in dossier.shapes if s.name == change.dataset}
    if change.kind not in {"retyped", "reformatted"} or set(sides) != {"good", "failing"}:
        return False
    old, new = (next((f for f in sides[r].fields if f.path == change.path), None) for r in ("good", "failing"))
    if old is None or new is None:
        return False
    if change.kind == "retyped":
        numbers = {"integer", "number"}
        return bool(
            set(old.types) & set(new.types) - {"null"} or (set(old.types) & numbers and set(new.types) & numbers)
        )
    return bool(set(old.formats) & set(new.formats))


def _quarantined(category: Category, said: str, why: str, confidence: float) -> Verdict:
    late = category is Category.LATE_DATA
    return Verdict(
        category=category,
        action=Action.QUARANTINE,
        transience=Transience.TRANSIENT if late else Transience.PERMANENT,
        matched=said[:160],
        why=why,
        confidence=confidence,
    )


def is_check(error: TaskError, said: str) -> bool:
    """Say whether a data check failed, and not the code around it."""
    if re.search(
        r"^(?:KeyError|TypeError|AttributeError|NameError|ImportError|ModuleNotFoundError|SyntaxError)\b"
        r"|ValidationError: \d+ validation errors? for",
        said,
    ):
        return False
    own = own_frames(error.frames)
    if own and is_raised(error) and _CHECK_TASK.search(own[-1].function) and not _DRIFT.search(said):
        return True
    if own and is_raised(error) and not _OF_FORM.search(f"{error.error_class}: {error.message}"):
        refuses = _REFUSES & set(name_tokens(error.error_class.rpartition(".")[2]))
        if refuses or (_is_short(error.message) and _OF_RECORDS.search(error.message)):
            return True
    return bool(_CHECK.search(said)) or (
        bool(_CHECK_TASK.search(error.task.task_id))
        and bool(re.search(r"fail|expected|rows|null|dupl", said, re.IGNORECASE))
    )


def notices(dossier: Dossier) -> tuple[tuple[Evidence, str], ...]:
    """Return the lines in which an upstream says that its data is not complete; code and its history do not count."""
    found = []
    for item in dossier.evidence:
        if item.trust is Trust.REPOSITORY or item.source in {"code", "landed"}:
            continue
        # The title holds the first words of a line that stands whole in the body.
        line = next((line for line in (*item.body.splitlines(), item.title) if _NOTICE.search(line)), "")
        match = _NOTICE.search(line)
        # "2 of 8 rows" in the failing check's own words is its finding, and no word of an upstream.
        if match and not any(match[0] in f"{error.message}\n{chr(10).join(error.chain)}" for error in dossier.errors):
            spoken = _STAMP.sub("", line[max(0, match.start() - 120) : match.end() + 80]).strip()
            found.append((item, spoken))
    return tuple(found)


def shape_changes(dossier: Dossier) -> tuple[ShapeChange, ...]:
    """Return what differs between the good and the failing shape of each data set."""
    found: list[ShapeChange] = []
    for failing in (s for s in dossier.shapes if s.role == "failing"):
        good = next((s for s in dossier.shapes if s.name == failing.name and s.role == "good"), None)
        found += difference(good, failing) if good is not None else ()
    return tuple(found)


def _checked(dossier: Dossier, said: str, changes: tuple[ShapeChange, ...]) -> Verdict:
    lower = [c for c in changes if c.kind == "volume" and int(c.now) < int(c.was)]
    told = notices(dossier)
    short = _is_short(said)
    counts = bool(_COUNTS.search(said)) or any(_COUNTS.search(key.task_id) for key in dossier.incident.members)
    signs = [bool(told), bool(lower), short]
    if any(signs) and (counts or told) and not any(c.kind == "duplicates" for c in changes):
        reason = f"an upstream said so: {told[0][1]}" if told else (lower[0].detail if lower else said[:160])
        return Verdict(
            category=Category.LATE_DATA,
            action=Action.QUARANTINE,
            transience=Transience.TRANSIENT,
            matched=reason[:160],
            why="the data of this interval was not complete when it was read",
            confidence=min(0.95, 0.65 + 0.12 * sum(signs)),
        )
    kinds = sorted(
        {c.kind for c in changes} & {"duplicates", "nulls", "range", "retyped", "reformatted", "removed", "volume"}
    )
    return Verdict(
        category=Category.BAD_DATA,
        action=Action.QUARANTINE,
        transience=Transience.PERMANENT,
        matched=said[:160],
        why="a data check holds back data that breaks its rule"
        + (f" (the landed data shows: {', '.join(kinds)})" if kinds else ""),
        confidence=0.75 if kinds else 0.6,
    )


def _is_short(said: str) -> bool:
    """Say whether a text tells of fewer than were to come."""
    fewer = _FEWER.search(said)
    told = {name.rstrip("234"): _whole(n) for name, n in fewer.groupdict().items() if n} if fewer else {}
    return bool(told) and told["want"] > told["got"]


def _whole(number: str) -> int:
    return int(number.replace(",", ""))
