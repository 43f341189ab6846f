"""Text → the spans in it that look like secrets, by shape; and the same text without control characters.

Shapes only, no entropy: entropy destroys logs (measured: two thirds of clean lines changed). Every pattern is
anchored on a literal word or prefix and every repetition is bounded or of one class, so the time is linear in
the text. A value that is a template, a reference or already masked is no secret and stays readable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from airflow_agentic.redaction.assignments import assigned_secrets
from airflow_agentic.redaction.commands import command_secrets
from airflow_agentic.redaction.forms import form_secrets
from airflow_agentic.redaction.nearby import Vocabulary, found_near
from airflow_agentic.redaction.opaque import opaque_secrets
from airflow_agentic.redaction.pairs import paired_secrets
from airflow_agentic.redaction.readings import joined_secrets, wrapped
from airflow_agentic.redaction.tables import table_secrets
from airflow_agentic.redaction.tokens import fixed_tokens
from airflow_agentic.redaction.words import IDENTIFIERS, PLAIN, TEMPLATE

Span = tuple[int, int, str]
"""Start, end and kind of one secret."""

# The user part ends at a blank and at a slash: both keep a pattern without a fixed start linear.
_URI = re.compile(
    r"(?<=[A-Za-z0-9:])//(?P<user>[^\s/?#:@\"'<>]{0,200}):(?P<password>(?!\d{1,5}[/?#])[^\s/\"'<>@]{1,500}(?:[@/][^\s/\"'<>@]{0,200}){0,4}?)@(?=[^\s@]|\s|$)"
)
_URI_TOKEN = re.compile(r"://(?P<password>(?=[^@\s]{0,80}\d)(?![^@\s]{0,200}%40)[A-Za-z0-9_\-.%~]{16,500})@")
# A word that ends in "key" is a key only if its value does not read like a column's name.
_QUERY = re.compile(
    r"[?&;#](?:amp;)?(?!(?:sort|order|partition|cache|primary|foreign|group|row|object|s3|idempotency|dedup|public|page)[_-]?(?:key|token)=)"
    r"(?:[A-Za-z0-9_.-]{0,40}[_.-])?(?:(?:key|code|auth|sid)(?==[a-z_]{0,40}(?:[^a-z_&;\s\"'<>#]|(?-i:[A-Z])))|sig|signature|hmac|mac|st|pw|otp|ticket|"
    r"assertion|[a-z]{0,12}_?token|api_?key|[a-z]{1,12}key|secret|password|passwd|pass|pwd|"
    r"client_secret|x-amz-signature|x-amz-credential|x-amz-security-token|x-goog-signature|delegation|keyfile_dict|session_?id|jwt|sas|appid(?==[0-9a-f]{32}\b))"
    r"=(?P<value>[^&;\s\"'<>#]{4,4000})",
    re.IGNORECASE,
)
_NETRC = re.compile(
    r"\b(?:machine[ \t]+\S{1,253}|default)\s{1,8}login\s{1,8}\S{1,200}\s{1,8}password\s{1,8}(?P<value>\S{1,500})"
)
_PGPASS = re.compile(
    r"^[^\s:#/]{1,253}:(?:\d{4,5}|\*):[^\s:]{1,64}:[^\s:]{1,64}:(?P<value>[^\s:]{3,200})$", re.MULTILINE
)
_ENVIRONMENT = re.compile(
    r"AIRFLOW_CONN_[A-Z0-9_]{1,200}[\"']?\s{0,3}[=:]\s{0,3}(?P<quote>['\"]?)(?P<value>\{[^\r\n]{1,4000}\}|[^\s'\"]{1,4000})(?P=quote)?"
)
_IDENTIFIED = re.compile(
    r"\b(?:identified\s{1,4}(?:with\s{1,4}\w{1,40}\s{1,4})?(?:by|as)|password)\s{1,4}(?P<quote>['\"])(?P<value>[^'\"\r\n]{1,500})(?P=quote)",
    re.IGNORECASE,
)
_PAIR = re.compile(
    r"(?:\b(?:auth|cred(?:ential)?s?)[\"']?\s{0,3}[=: ]\s{0,3}[\[(]|\w{0,40}Auth(?:enticator|Provider)?\(|NetworkCredential\(|\blogin\()\s{0,20}[\"'][^\"'\r\n]{0,200}[\"']\s{0,3},\s{0,20}"
    r"(?P<quote>[\"'])(?P<value>[^\"'\r\n]{1,500})(?P=quote)",
    re.IGNORECASE,
)
_DOCKER = re.compile(r"\\?[\"']auth\\?[\"']\s{0,3}:\s{0,3}\\?[\"'](?P<value>[A-Za-z0-9+/]{8,2000}={0,2})\\?[\"']")
_THIN = re.compile(r"oracle:(?:thin|oci):[\w.-]{1,60}/(?P<value>[^\s@/\"']{1,200})@")


# What is asked for first is cheap; the pattern runs only where the text has one of the words.
_GUARDED: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = (
    ("uri-password", ("//",), _URI),
    ("uri-token", ("://",), _URI_TOKEN),
    ("query", ("=",), _QUERY),
    ("netrc", ("login",), _NETRC),
    ("pgpass", (":",), _PGPASS),
    ("airflow-connection", ("AIRFLOW_CONN_",), _ENVIRONMENT),
    ("sql-password", ("dentified", "DENTIFIED", "PASSWORD ", "password '", 'password "', "Password '"), _IDENTIFIED),
    (
        "basic-auth",
        (
            "auth=",
            "auth =",
            "redentials",
            "creds",
            'auth":',
            "auth':",
            "Auth(",
            "Authenticator(",
            "AuthProvider(",
            "AUTH(",
            "NetworkCredential(",
            "login(",
        ),
        _PAIR,
    ),
    ("basic-auth", ('auth"', "auth'", "auth\\"), _DOCKER),
    ("uri-password", ("oracle:",), _THIN),
)

_REACH = 4_500
"""Characters behind a word that a value may reach."""
_REMEMBERED = 300
"""Characters up to which what was found is remembered."""
_ESCAPES = re.compile(
    r"\x1b\[[0-?]{0,64}[ -/]{0,16}[@-~]|[\x1b](?:\]|P|X|\^|_)[^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)?"
    r"|\x9b[0-?]{0,64}[ -/]{0,16}[@-~]|\x1b[ -/]{0,4}[0-~]?"
)
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2028\u2029\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def find_secrets(text: str) -> tuple[Span, ...]:
    """Return the spans of *text* that look like secrets, in order and without overlap."""
    return _in_short(text) if len(text) <= _REMEMBERED else _in_any(text)


@lru_cache(maxsize=2_000)
def _in_short(text: str) -> tuple[Span, ...]:
    """A storm of failures says the same few words a thousand times, and its ledger is to cost little."""
    return _in_any(text)


def _in_any(text: str) -> tuple[Span, ...]:
    spans = merge([*_candidates(text), *joined_secrets(text, _candidates)])
    return merge([*spans, *wrapped(text, spans), *_copies(text, spans)])


def hide_secrets(text: str) -> str:
    """Return *text* with each of them replaced by ``[secret:1:kind]``; same value, same number within this text."""
    numbers: dict[str, int] = {}
    return replace_spans(text, find_secrets(text), lambda value: numbers.setdefault(value, len(numbers) + 1))


def merge(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return *spans* in order; of two that overlap the first one is kept, stretched to the end of both."""
    merged: list[Span] = []
    for start, end, kind in sorted(spans, key=lambda span: (span[0], -span[1])):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]), merged[-1][2])
        else:
            merged.append((start, end, kind))
    return tuple(merged)


def replace_spans(text: str, spans: Iterable[Span], number: Callable[[str], int]) -> str:
    """Return *text* with each span replaced by its placeholder; nothing else is altered.

    :param number: the number of a value.
    """
    parts, done = [], 0
    for start, end, kind in spans:
        parts += [text[done:start], f"[secret:{number(text[start:end])}:{kind}]"]
        done = end
    return "".join([*parts, text[done:]])


def strip_controls(text: str) -> str:
    """Return *text* as it would look on paper: escape sequences, controls, bidi, zero-width and tag characters gone.

    Line feeds and tabs stay; a carriage return before a line feed goes, one alone becomes a line feed.
    """
    text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", text)


def _copies(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    """Find the same value where nothing gives it away; only values that cannot be anything else.

    Replacing every copy of every match once changed a sixth of a log, so a word, an id or a digest is not looked for.
    """
    for value, kind in {text[start:end]: kind for start, end, kind in spans}.items():
        made = len(value) >= 12 and not value.isalpha() and not value.isdigit() and not re.search(r"\s", value)
        if made and not IDENTIFIERS.fullmatch(value) and not PLAIN.fullmatch(value):
            at = text.find(value)
            while at >= 0:
                yield at, at + len(value), kind
                at = text.find(value, at + len(value))


def _candidates(text: str) -> Iterator[Span]:
    vocabulary = Vocabulary(text)
    yield from fixed_tokens(text, vocabulary)
    for kind, words, pattern in _GUARDED:
        if known := vocabulary.of(words):
            group = "value" if "value" in pattern.groupindex else "password"
            rare = len(words[0]) > 2  # an equals sign is everywhere
            for match in found_near(text, known, pattern, after=_REACH) if rare else pattern.finditer(text):
                if not (PLAIN if kind in ("query", "option") else TEMPLATE).fullmatch(match[group]):
                    yield *match.span(group), kind
    yield from assigned_secrets(text)
    yield from opaque_secrets(text)
    yield from command_secrets(text, vocabulary)
    yield from paired_secrets(text, vocabulary)
    yield from form_secrets(text, vocabulary)
    yield from table_secrets(text)
