"""The words by which an error gives itself away. Data for ``suspects.py``: order matters, the first clear one wins."""

from __future__ import annotations

import re
from dataclasses import dataclass

LATE = re.compile(
    r"still (?:loading|running|processing)|\bpartial(?:ly)?\b|\bincomplete\b|"
    r"not (?:yet )?(?:fully )?(?:complete|available|ready|published|loaded)\b|"
    r"\b\d+ of \d+ (?:rows|records|files|partitions|parts)\b|"
    r"\b(?:late|delayed) (?:data|arriv|deliver|partition)|"
    r"\b(?:data|delivery|partition|file|feed) (?:is |was )?(?:late|delayed)\b",
    re.I,
)
NOTICE_FIELDS = re.compile(
    r"'(?:\w+\.)*(?:notices?|warnings?|errors?|status|messages?|partial|complete|is_complete|truncated)'", re.I
)

EXPECTED = {
    "volume": {
        "complete",
        "completeness",
        "count",
        "counts",
        "row",
        "rows",
        "records",
        "empty",
        "missing",
        "partial",
        "late",
        "freshness",
        "volume",
        "expected",
        "control",
        "total",
        "threshold",
    },
    "duplicates": {"duplicate", "duplicates", "duplicated", "unique", "uniqueness", "integrity", "constraint"},
    "nulls": {"null", "nulls", "none", "nan", "nonetype", "notnull"},
    "range": {
        "range",
        "bounds",
        "threshold",
        "exceeds",
        "overflow",
        "negative",
        "control",
        "mismatch",
        "matches",
        "total",
        "sum",
        "outlier",
    },
    "retyped": {
        "type",
        "types",
        "typeerror",
        "cast",
        "convert",
        "conversion",
        "int",
        "float",
        "decimal",
        "numeric",
        "integer",
        "str",
    },
    "reformatted": {
        "format",
        "parse",
        "parser",
        "strptime",
        "isoformat",
        "literal",
        "convert",
        "conversion",
        "date",
        "datetime",
        "timestamp",
        "unconverted",
        "decode",
        "cast",
    },
    "renamed": {"keyerror", "undefinedcolumn", "column", "field", "attribute"},
    "moved": {"keyerror", "undefinedcolumn", "column", "field", "attribute"},
    "removed": {"keyerror", "undefinedcolumn", "column", "field", "attribute"},
}

EXPECTED_OF_CHECKS = {
    "null", "unique", "duplicate", "duplicates", "range", "min", "max", "count", "row", "rows", "values", "accepted",
    "relationships", "freshness", "distinct", "sum",
}  # fmt: skip
INTERFACE = {
    "import", "attribute", "argument", "keyword", "deprecated", "signature", "unexpected", "positional",
    "incompatible", "symbol",
}  # fmt: skip
"""Words of errors that a program meets when what it calls is not the version that it was written for."""


@dataclass(frozen=True)
class Fault:
    """A family of errors that names its own cause."""

    what: str
    why: str
    score: float
    pattern: re.Pattern[str]
    in_code: re.Pattern[str] | None = None
    """Also told by the line that failed."""
    vague: bool = False
    """Steps back when a change of data explains the error."""


def _http(codes: str, *words: str) -> re.Pattern[str]:
    """A status counts only beside a word that makes it one: 503 alone may be a number of rows."""
    status = r"\bHTTP(?:Error|/\d(?:\.\d)?)?(?: Error)?[ :]*(?:status )?"
    named = r"\bstatus(?:[ _]code)?(?: was| is)?[ :='\"]*"
    response = r"\bresponse(?: code)? ?[\[(:]*\s?"
    return _any(rf"(?:{status}|{named}|{response})(?:{codes})\b", rf"\b(?:{codes}) (?:Client|Server) Error", *words)


def _any(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.I)


FAULTS = (
    Fault(
        "Kubernetes could not start the pod, or took it away",
        "its own reason says so, before the task's code ran",
        0.88,
        _any(r"\bkubernetes\.(?!OOMKilled)[A-Z][A-Za-z]+"),
    ),
    Fault(
        "the upstream service was not available",
        "such an answer comes and goes by itself",
        0.88,
        _http(
            r"5\d\d|429|408",
            r"service unavailable",
            r"bad gateway",
            r"gateway time-?out",
            r"too many requests",
            r"rate limit exceeded",
            r"\bthrottl(?:ed|ing)\b",
            r"connection (?:refused|reset|aborted|timed out)",
            r"\btimed out\b",
            r"temporary failure in name resolution",
            r"name or service not known",
            r"\w*(?:Connect|Read)Timeout\b",
            r"\bTimeoutError\b",
            r"\bConnectionError\b",
            r"remote end closed",
            r"server closed the connection",
            r"deadlock detected",
            r"lock (?:wait )?timeout",
            r"database is locked",
            r"broken pipe",
        ),
    ),
    Fault(
        "a credential is wrong, expired or may not do this",
        "code cannot cure it",
        0.88,
        _http(
            r"401|403|407",
            r"\bunauthori[sz]ed\b",
            r"\bforbidden\b",
            r"authentication failed",
            r"password authentication",
            r"access ?denied",
            r"permission denied for",
            r"invalid (?:api[ _-]?key|token|credentials)",
            r"(?:token|certificate|credential|key|secret) (?:has |is |was )?(?:expired|revoked)",
            r"ExpiredToken",
            r"InvalidClientTokenId",
            r"NoCredentials",
            r"insufficient privileges",
            r"login failed",
        ),
    ),
    Fault(
        "the process was killed or ran out of memory, disk or time",
        "the machine ended it, not the code",
        0.85,
        _any(
            r"\bMemoryError\b",
            r"out of memory",
            r"\bOOM(?:Killed)?\b",
            r"\bSIGKILL\b",
            r"no space left on device",
            r"exit(?:ed)? (?:code|with|status)[^\n]{0,20}(?:137|-9)\b",
            r"disk (?:is )?full",
            r"quota exceeded",
            r"cannot allocate memory",
            r"AirflowTaskTimeout",
            r"\bzombie\b",
            r"heartbeat",
        ),
    ),
    Fault(
        "a dependency is missing or has another version",
        "what is imported is not what the code was written for",
        0.85,
        _any(
            r"ModuleNotFoundError",
            r"ImportError",
            r"No module named",
            r"cannot import name",
            r"DistributionNotFound",
            r"VersionConflict",
            r"module '[\w.]+' has no attribute",
            r"command not found",
            r"undefined symbol",
            r"got an unexpected keyword argument",
        ),
    ),
    Fault(
        "a setting, variable or connection is missing or wrong",
        "the environment is not what the code expects",
        0.8,
        _any(
            r"AirflowNotFoundException",
            r"conn_id [^\n]{0,80}isn't defined",
            r"environment variable",
            r"(?:connection|variable) [^\n]{0,80}(?:not found|not defined|does not exist|isn't defined)",
            r"VARIABLE_NOT_FOUND",
            r"CONNECTION_NOT_FOUND",
            r"UndefinedError",
            r"could not translate host name",
        ),
        in_code=re.compile(r"\benviron\b|\bgetenv\b"),
    ),
    Fault(
        "the code itself is broken",
        "no data is needed to see it",
        0.7,
        _any(
            r"\bSyntaxError\b",
            r"\bIndentationError\b",
            r"\bTabError\b",
            r"\bNameError\b",
            r"\bUnboundLocalError\b",
            r"syntax error at or near",
            r"Parser Error",
            r"TemplateSyntaxError",
        ),
    ),
    Fault(
        "the interval's data is not there: late, moved or never written",
        "what is read does not exist",
        0.65,
        _http(
            r"404|410",
            r"FileNotFoundError",
            r"No such file or directory",
            r"NoSuchKey",
            r"NoSuchBucket",
            r"blob does not exist",
            r"Path does not exist",
        ),
    ),
    Fault(
        "a field or key that the code reads is not in the data",
        "the error names it, and no data could be compared",
        0.55,
        _any(
            r"\bKeyError\b[^\n]{0,120}",
            r"UndefinedColumn[^\n]{0,120}",
            r"no such column[^\n]{0,80}",
            r"column [^\n]{1,80}(?:does not exist|not found)",
            r"unknown column[^\n]{0,80}",
            r"Referenced column[^\n]{0,80}",
            r"invalid (?:column|identifier)[^\n]{0,80}",
            r"not found in (?:axis|dataframe|FROM clause)",
        ),
        vague=True,
    ),
    Fault(
        "the data is written in another format or type than the code expects",
        "a value could not be read",
        0.5,
        _any(
            r"unconverted data remains",
            r"does not match format",
            r"could not convert",
            r"invalid literal",
            r"Conversion Error",
            r"invalid input syntax",
            r"could not parse",
            r"cannot cast",
            r"Invalid isoformat",
            r"unsupported operand",
            r"\bParserError\b",
            r"JSONDecodeError",
            r"UnicodeDecodeError",
            r"\bTypeError\b",
        ),
        vague=True,
    ),
    Fault(
        "the data did not pass a check",
        "the check is doing its work; the data is the suspect",
        0.45,
        _any(
            r"check \w* ?failed",
            r"\w*Check\w*Failed",
            r"data quality",
            r"expectation",
            r"AssertionError",
            r"constraint",
            r"bad rows",
            r"IntegrityError",
        ),
        vague=True,
    ),
)
