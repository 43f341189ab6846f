"""Text → the spans in it that look like secrets, by shape; and the same text without control characters.

Shapes only, no entropy: entropy destroys logs (measured: two thirds of clean lines changed). Every pattern is
anchored on a literal word or prefix and every repetition is bounded or of one class, so the time is linear in
the text. A value that is a template, a reference or already masked is no secret and stays readable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

Span = tuple[int, int, str]
"""Start, end and kind of one secret."""

_NAME = (
    r"(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|apikey|access[_-]?key(?:[_-]?id)?|private[_-]?key|"
    r"account[_-]?key|shared[_-]?access[_-]?key|fernet[_-]?key|encryption[_-]?key|signing[_-]?key|credentials?|"
    r"authorization|auth[_-]?token|webhook[_-]?url|dsn|cookie|sessionid)"
)
_KEYWORD = re.compile(_NAME, re.IGNORECASE)
# After the word: the rest of a name that it began, then = or :, then the value, quoted or up to a delimiter.
_ASSIGNED = re.compile(
    r"(?P<rest>(?:[_-](?:value|key|id|base64|b64|hash|v?[0-9]))?)(?P<close>\\?[\"']?\]?)[ \t]{0,4}"
    r"(?:=>|:=|=|:)[ \t]{0,4}"
    r"(?:(?P<quote>\\?[\"'])(?P<quoted>(?:(?!(?P=quote))[^\r\n\\]|(?!(?P=quote))\\[^\r\n]){1,4000}?)(?P=quote)"
    r"|(?P<bare>[^\s\"'`,;&(){}\[\]<>|\\]{3,2000}))"
)
_SCHEME = re.compile(r"(?:basic|bearer|token|digest|negotiate|apikey|aws4-hmac-sha256)[ \t]{1,4}", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\[secret:[0-9]{1,6}:[a-z-]{1,40}\]")
_TOKEN = re.compile(r"[^\s\"',;]{3,4000}")
_PLAIN = re.compile(
    r"\*{2,}|x{3,}|<.*>|\{\{?.*\}?\}|\$\{?[A-Za-z_]\w*\}?|\$\(.*\)|%\(?\w+\)?s?|\[(?:secret|redacted|masked).*|"
    r"(?:none|null|true|false|nil|undefined|empty|missing|required|invalid|expired|redacted|masked|hidden|"
    r"str|string|int|bytes|bool|any|optional|secretstr|not|is|was|the|for|and|wrong|incorrect|rejected|"
    r"authentication|field|value|key)[.:]?|"
    r"(?:os\.environ|os\.getenv|environ|getenv|conf|config|settings|self|Variable|Connection|params|kwargs|args|var|conn)"
    r"[.\[(].*|\d{1,4}|/[\w./-]{1,200}|https?://[^@?]{1,300}",
    re.IGNORECASE | re.DOTALL,
)

_FIXED: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (kind, words, re.compile(pattern))
    for kind, words, pattern in (
        ("pem", ("-----BEGIN",), r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[A-Za-z0-9+/=\s\\,:.]|-(?!----)){0,20000}"
         r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?"),
        ("jwt", ("eyJ",), r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,8000}(?:\.[A-Za-z0-9_-]{0,2000})?"),
        ("aws-key", ("AKIA", "ASIA"), r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"),
        ("github-token", ("gh", "github_pat_"), r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255})"),
        ("gitlab-token", ("gl",), r"(?<![A-Za-z0-9])gl(?:pat|ptt|dt|rt|cbt|soat|ft|agent)-[A-Za-z0-9_-]{16,255}"),
        ("slack-token", ("xox", "xapp-"), r"(?<![A-Za-z0-9])(?:xox[abposre]-[A-Za-z0-9-]{10,255}|xapp-[0-9]-[A-Za-z0-9-]{10,255})"),
        ("slack-webhook", ("hooks.slack.com",), r"(?<=hooks\.slack\.com/)(?:services|workflows)/[A-Za-z0-9/_-]{20,255}"),
        ("api-key", ("sk-", "sk_", "rk_", "pk_live"), r"(?<![A-Za-z0-9])(?:sk-[A-Za-z0-9_-]{20,255}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,255})"),
        ("google-key", ("AIza", "ya29.", "GOCSPX-"), r"(?<![A-Za-z0-9])(?:AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,2000}|GOCSPX-[A-Za-z0-9_-]{20,60})"),
        ("package-token", ("npm_", "pypi-", "dckr_pat_", "hf_"), r"(?<![A-Za-z0-9])(?:npm_[A-Za-z0-9]{36}|pypi-AgE[A-Za-z0-9_-]{50,1000}"
         r"|dckr_pat_[A-Za-z0-9_-]{20,64}|hf_[A-Za-z0-9]{30,64})"),
        ("vendor-token", ("dapi", "SG.", "shpat_", "hvs.", "dop_v1_", "glsa_", "lin_api_", "PMAK-", "dp.pt."),
         r"(?<![A-Za-z0-9])(?:dapi[a-f0-9]{32}(?:-\d)?|SG\.[A-Za-z0-9_-]{20,24}\.[A-Za-z0-9_-]{39,50}|shpat_[a-fA-F0-9]{32}"
         r"|hvs\.[A-Za-z0-9_-]{24,300}|dop_v1_[a-f0-9]{64}|glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}|lin_api_[A-Za-z0-9]{40}"
         r"|PMAK-[a-f0-9]{24}-[a-f0-9]{34}|dp\.pt\.[A-Za-z0-9]{40,44})"),
        ("azure-key", ("AccountKey", "SharedAccessKey"), r"(?<=Key=)[A-Za-z0-9+/]{40,100}={0,2}"),
    )
)
# Blanks of the user part end it, and so does the slash: both keep a pattern without a fixed start linear.
_URI = re.compile(r"://(?P<user>[^\s/?#:@\"'<>]{0,200}):(?P<password>[^\s/\"'<>@]{1,500}(?:@[^\s/\"'<>@]{1,200}){0,3}?)@(?=[^\s@/]{1,253})")
_URI_TOKEN = re.compile(r"://(?P<password>[A-Za-z0-9_\-.%~]{16,500})@")
_QUERY = re.compile(
    r"[?&](?:amp;)?(?:[A-Za-z0-9_.-]{0,40}[_.-])?(?:sig|signature|key|code|auth|access_token|token|apikey|api_key|secret|password|pwd|"
    r"client_secret|x-amz-signature|x-amz-credential|x-amz-security-token|x-goog-signature)=(?P<value>[^&\s\"'<>#]{4,4000})",
    re.IGNORECASE,
)
_NETRC = re.compile(r"\b(?:machine[ \t]+\S{1,253}|default)\s{1,8}login\s{1,8}\S{1,200}\s{1,8}password\s{1,8}(?P<value>\S{1,500})")
_ENVIRONMENT = re.compile(r"AIRFLOW_CONN_[A-Z0-9_]{1,200}[\"']?\s{0,3}[=:]\s{0,3}(?P<quote>['\"]?)(?P<value>\{[^\r\n]{1,4000}\}|[^\s'\"]{1,4000})(?P=quote)?")
_OPTION = re.compile(r"(?<!\S)--?(?:password|passwd|token|secret|api-?key|access-key|secret-key)[= ]{1,2}(?P<value>[^\s\"'-][^\s\"']{2,500})")
_IDENTIFIED = re.compile(r"\bidentified\s{1,4}by\s{1,4}'(?P<value>[^'\r\n]{1,500})'", re.IGNORECASE)
_SHELL_USER = re.compile(r"(?<!\S)(?:-u|--user|--proxy-user)[ =][\"']?[^\s:\"']{1,100}:(?P<value>[^\s\"'@]{3,500})")

# What is asked for first is cheap; the pattern runs only where the text has one of the words.
_GUARDED: tuple[tuple[str, tuple[str, ...], re.Pattern[str], str], ...] = (
    ("uri-password", ("://",), _URI, "password"),
    ("uri-token", ("://",), _URI_TOKEN, "password"),
    ("query", ("?", "&"), _QUERY, "value"),
    ("netrc", ("login",), _NETRC, "value"),
    ("airflow-connection", ("AIRFLOW_CONN_",), _ENVIRONMENT, "value"),
    ("option", ("-",), _OPTION, "value"),
    ("option", ("-u ", "--user", "-u=", "--proxy-user"), _SHELL_USER, "value"),
    ("sql-password", ("dentified", "DENTIFIED"), _IDENTIFIED, "value"),
)

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
    return merge(_candidates(text))


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


def _candidates(text: str) -> Iterator[Span]:
    for kind, words, pattern in _FIXED:
        if any(word in text for word in words):
            for match in pattern.finditer(text):
                yield match.start(), match.end(), kind
    for kind, words, pattern, group in _GUARDED:
        if any(word in text for word in words):
            for match in pattern.finditer(text):
                if not _PLAIN.fullmatch(match[group]):
                    yield match.start(group), match.end(group), kind
    yield from _assigned(text)


def _assigned(text: str) -> Iterator[Span]:
    """Find ``name = value`` by the name first: a search for the word is several times cheaper than for the whole."""
    done = 0
    for word in _KEYWORD.finditer(text):
        if word.start() < done:
            continue
        placeholder = _PLACEHOLDER.match(text, max(word.start() - 1, 0))
        if placeholder:  # ours: a text may be redacted more than once
            done = placeholder.end()
            continue
        match = _ASSIGNED.match(text, word.end())
        if match is None:
            continue
        group = "quoted" if match["quoted"] is not None else "bare"
        start, end = match.span(group)
        scheme = _SCHEME.match(text, start)
        if scheme and group == "quoted" and scheme.end() < end:
            start = scheme.end()
        elif scheme and group == "bare":
            value = _TOKEN.match(text, scheme.end())
            start, end = value.span() if value else (start, end)
        if not _PLAIN.fullmatch(text[start:end].strip()) and text[end : end + 1] not in ("(", "["):
            yield start, end, _kind(word[0])
            done = end


def _kind(word: str) -> str:
    return word.lower().replace("_", "-")
