"""Words that look like keys and stand beside a word that says so → their spans.

The last resort after known letters and names with ``=``: ``clockify access vf34zx1g2abnk...``. No entropy: a word
counts by what it is made of and by the three words before it on its line, so ids and digests stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from airflow_agentic.redaction.vendors import VENDORS
from airflow_agentic.redaction.words import IDENTIFIERS, NOT_SECRET_WORDS, SECRET_WORDS

_OPAQUE = re.compile(
    r"(?<![A-Za-z0-9/\\.])[A-Za-z0-9][A-Za-z0-9_\-]{14,199}(?:[.+/=~!$@:][A-Za-z0-9_\-]{8,200}){0,4}={0,2}(?![\w(/])"
)
_WORD = re.compile(r"[a-z][a-z0-9]*|\d[a-z0-9]+")
_RESOURCE = re.compile(
    r"[a-z]{1,12}-[0-9a-f]{8,17}|[A-Za-z]+(?:[_-][A-Za-z]+)*[_-]?\d{0,4}|.*\d{4}-?\d\d-?\d\d.*|(?:[a-z0-9]+[_-]){3,}[a-z0-9]*"
)
_SWITCHES = re.compile(r"[0-9](?=[A-Za-z])|[A-Za-z](?=[0-9])|[a-z](?=[A-Z])")
_KEY_WORDS = frozenset(["key", "keys", "access", "private", "api", "license", "id"])
_NOT_KEYS = frozenset(
    ["primary", "foreign", "partition", "sort", "cache", "dedup", "idempotency", "group", "object", "s3", "xcom", "map", "log",
     "job", "task", "request", "batch", "bucket", "file", "folder", "asset", "dataset", "issue", "project", "order", "customer", "lock",
     "hash", "range", "item", "trace", "correlation", "lookup", "tenant", "routing", "host", "blob", "index", "document", "schema",
     "public", "row", "event", "message", "record", "natural", "surrogate", "unique", "business", "join", "cluster", "file"]
)  # fmt: skip
_GIVEN = re.compile(r"key\\{0,3}[\"'`]?\s{0,3}[:=]{1,3}\s{0,3}\\{0,3}[\"'`]?\Z", re.IGNORECASE)
_NAMED_WITHIN = re.compile(
    r"([A-Za-z0-9]{5,40}?)[_-]?(?:access|key|private|secret|token|api|[_-]){1,4}[_-]?([A-Za-z0-9_-]{12,200})\Z",
    re.IGNORECASE,
)
_MARKED = re.compile(
    r"(?:[a-z0-9]{1,12}[_-]){0,3}(?:sk|rk|pat|tok|token|key|secret|apikey|live|priv|auth)[_-](?P<tail>[A-Za-z0-9_]{16,200})\Z"
)
"""A token that says itself what it is, of whatever company: ``acme_live_9bT3...``, ``zz_sk_...``."""
_CASES = re.compile(r"(?=[^a-z]*[a-z])[^A-Z]*[A-Z]")
_NAME = re.compile(r"[A-Za-z][A-Za-z_-]{2,60}\d{0,2}[=:](?=[A-Za-z0-9])")
_SHORTEST = 14
_BEFORE = 64


def opaque_secrets(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of each opaque word that the words before it call a secret."""
    for found in _OPAQUE.finditer(text):
        start, word = found.start(), found[0]
        if named := _NAME.match(word):  # `paralleldots_key=8htQ...` is one word of these letters
            start, word = start + named.end(), word[named.end() :]
        if len(word) > _SHORTEST and _is_secret(text, start, word):
            yield start, start + len(word), "opaque"


def _is_secret(text: str, start: int, word: str) -> bool:
    named = _NAMED_WITHIN.match(word)  # `currencyfreaksKEY-abc123def456...`
    if named and _is_vendor(named[1].lower()) and _looks_made(named[2]):
        return True
    identifier = bool(IDENTIFIERS.fullmatch(word))
    marked = None if identifier else _MARKED.match(word)
    if marked and not IDENTIFIERS.fullmatch(marked["tail"]):
        return len(_SWITCHES.findall(marked["tail"])) >= (5 if _CASES.match(marked["tail"]) else 8)
    if not identifier and not _looks_made(word) and (len(word) < 20 or not word.isalnum()):
        return False
    before = _words_before(text, start)
    if not before or before[-1] in NOT_SECRET_WORDS:
        return False
    vendor = any(_is_vendor(name) for name in before)
    named_so = any(name in SECRET_WORDS for name in before[-3:]) or any(
        first + second in SECRET_WORDS for first, second in pairwise(before)
    )
    if identifier or not _looks_made(word):
        return vendor and (named_so or before[-1] in _KEY_WORDS)
    made = len(_SWITCHES.findall(word))
    if vendor:
        return made >= 3 or named_so or before[-1] in _KEY_WORDS
    given = made >= 5 and "/" not in word and bool(_GIVEN.search(text, max(0, start - 8), start))
    if before[-1].endswith("key") and not _NOT_KEYS.intersection((*before[-2:], before[-1][:-3])):
        return given or (before[-1] != "key" and named_so and made >= 4)
    return named_so and made >= 4


def _words_before(text: str, start: int) -> list[str]:
    begun = max(start - _BEFORE, text.rfind("\n", 0, start) + 1)
    return _WORD.findall(text[begun:start].lower())[-4:]


def _looks_made(word: str) -> bool:
    return (
        any(char.isdigit() for char in word) and any(char.isalpha() for char in word) and not _RESOURCE.fullmatch(word)
    )


@lru_cache(maxsize=20_000)
def _is_vendor(word: str) -> bool:
    """Say whether a word is or begins with a service's name: ``stockdataprivate``."""
    return any(word[:end] in VENDORS for end in range(5, len(word) + 1))
