"""``name = value`` in all the ways in which logs, code, settings and commands write it → the spans of the values.

The name is found first, by fixed words; at each one short patterns are tried that begin exactly there. So the time
is linear: no pattern is ever searched for through the text, and none looks further than some thousand characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from airflow_agentic.redaction.assigned_value import is_value
from airflow_agentic.redaction.sentences import said_value
from airflow_agentic.redaction.words import IDENTIFIERS, NAMES, PLAIN, REST

_QUOTED = (
    # What a language prints around a value: `Some("...")`, `Optional[...]`, `string(14) "..."`.
    r"(?:(?:Some|Just|Ok|Right|Optional|Secret|SecretStr)[(\[](?=[^)\]\r\n]{3,200}[)\]])|string\(\d{1,4}\)[ ]|\[(?=[\"']))?"
    r"(?:(?:[fbrnue]{1,2}(?=\\{0,3}[\"'`]))?(?P<quote>\"{3}|'{3}|\\{0,3}[\"'`]|&quot;|&#3[49];)"
    r"(?P<quoted>(?:(?!(?P=quote))[^\r\n\\]|(?!(?P=quote))\\[^\r\n]){1,1200}?)(?P=quote)"
    r"|(?:[fbrnue]{1,2}(?=\\{0,3}[\"'`]))?\\{0,3}[\"'`]?(?P<bare>[^\s\"'`,;&(){}\[\]<>|\\][^\s\"'`,;&<>|\\\]})]{2,2000}))"
)
_CLOSE = r"(?:\\{0,3}[\"'`]|&quot;|&#3[49];)?\]?"
_BLANK = r"[ \t]{0,8}"
_TYPE = (
    r"(?:[ \t]{0,3}:[ \t]{0,3}[A-Za-z][\w.\[\]|]{0,40}(?=[ \t]{0,3}=)"
    r"|[ \t]{1,3}(?:constant[ \t])?[A-Za-z]{3,12}2?(?:\(\w{1,5}\))?(?=[ \t]{0,3}:?=[ \t]{0,3}n?[\"'`]))?"
)
_OPERATOR = r"(?::{1,3}=|[?.+|]{0,2}=>?|!?={1,3}|->|:|[\uff1a\uff1d])"
_WORDS = (
    r"(?:[ \t]{1,3}(?:for|of|für|von|fuer|pour|para|per|de|del|di|da|do)[ \t]{1,3}(?:(?:the|den|die|das|dem|der|le|la|el|o|il)[ \t]{1,3})?(?:(?:l'|L')?(?:user|account|benutzer|konto|utilisateur|compte|usuario|utente|usuário|cuenta)[ \t]{1,3})?[^\s:=]{1,80}[ \t]{0,3}(?::|=|[ \t](?:is|ist|lautet|est|es|è|é):?(?= ))"
    r"|[ \t]{1,3}(?:provided|given|used|received|supplied|generated|created|set to)[ \t]{0,3}(?::|=)|[ \t]{1,3}(?:is|was|set to|ist|war|lautet|est|es|è|é):?)[ \t]{1,3}"
)
_SHAPES = tuple(
    re.compile(REST + pattern, re.IGNORECASE)
    for pattern in (
        # A setting of a whole line has no quotes, and its value any character but white space.
        r"(?P<line>)=(?P<whole>[^\s\"'`][^\s]{2,2000})(?<![,(\[{\\])(?=[ \t]*(?:\r?\n|\Z))",
        # A pretty printer breaks the line behind the name; then the value is all of the next one.
        rf"{_CLOSE}{_BLANK}[:=]{_BLANK}(?:(?:bearer|basic|token){_BLANK})?\r?\n[ \t]{{1,40}}(?:[\"'](?P<below>[^\"'\r\n]{{3,500}})[\"']"
        r"|(?P<next>(?=\S{0,200}\d)[^\s:=\"'|{}\[\]<>()]{8,2000}={0,2}))(?=[ \t,]{0,9}(?:\r?\n|\Z))",
        # A row of a printed table.
        rf"{_CLOSE}[ \t]{{0,60}}[|│║┃;][ \t]{{0,3}}(?P<cell>[^\s|│║┃;,()\"'\[\]{{}}]{{6,400}})(?=[ \t]{{0,200}}(?:[|│║┃;\r\n]|\Z))",
        rf"[\"']\)[ \t]{{0,3}}(?:->|=>|=(?!=)|:|returned|resolved to)[ \t]{{1,3}}{_QUOTED}",
        # XML: an element's text; below, the name in one attribute or element with the value in the next.
        rf"{_CLOSE}(?:[ \t][^<>\r\n]{{0,200}})?>\s{{0,40}}(?:<\w{{1,20}}>\s{{0,20}})?(?:<!\[CDATA\[)?(?P<xml>[^<>\r\n]{{1,2000}}?)(?:\]\]>)?\s{{0,40}}</",
        rf"{_CLOSE}{_TYPE}[ \t.]{{0,24}}{_OPERATOR}{_BLANK}{_QUOTED}",
        # The name of a block that holds the value: Terraform's `variable`, JSON's and YAML's `value` one level below.
        rf"{_CLOSE}\s{{0,3}}[:=]?\s{{0,3}}(?:\{{|(?<=:))\s{{1,40}}(?:[\"']?\w{{1,20}}[\"']?\s{{0,4}}[:=]\s{{0,4}}[^\r\n{{}}]{{0,80}}[\r\n,]\s{{0,40}}){{0,3}}?"
        rf"[\"']?(?:\w{{0,10}}value|default|content|plaintext)[\"']?[ \t]{{0,12}}[:=][ \t]{{0,4}}{_QUOTED}",
        # YAML's block: the value stands on the next line, indented.
        rf":{_BLANK}[|>][+-]?\d?{_BLANK}(?:\r?\n|\\n)[ \t]{{1,40}}(?P<block>[^\s\"']{{3,4000}})",
        rf"{_CLOSE}[ \t]{{0,3}}(?:,|>|</\w{{1,20}}>)?(?:\s{{0,20}}[\"']\w{{1,20}}[\"']:\s{{0,3}}[\"'][^\"'\r\n]{{0,80}}[\"'],){{0,2}}\s{{0,40}}(?:--value[ =]|<?\\?[\"']?(?:parameter|setting|property|attribute|option|secret|default)?[_-]?value\\?[\"']?[ \t]{{0,3}}[=:>])[ \t]{{0,3}}{_QUOTED}",
        # Percent-encoded JSON or form fields inside an address.
        r"(?:%22|%27)?(?:%3A|%3D)(?:\+|%20)?(?:%22|%27)?(?P<percent>(?:[^\s\"'&<>%]|%(?!22|27|2C|26)[0-9A-Fa-f]{2}){3,2000})",
        rf"{_CLOSE}{_WORDS}{_QUOTED}",
    )
)
_CELL, _RETURNED = _SHAPES[2:4]
_WORDED = (_RETURNED, _SHAPES[-1])
_CALL = re.compile(rf"{REST}[\"'][ \t]{{0,3}},\s{{0,20}}{_QUOTED}(?=\s{{0,20}}[,)])", re.IGNORECASE)
_AWS_SECRET = re.compile(r"(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])(?=\D*\d)[A-Za-z0-9+/]{40}")
_CALLED = re.compile(
    r"(?:get|getenv|get_?env|set|set_?property|setenv|putenv|put|setdefault|env|add_?header|set_?header|config|option|append)"
    r"\((?:[\"'][\w.-]{1,60}[\"'][ \t]{0,3},[ \t]{0,3})?[\"'][\w.-]{0,60}\Z",
    re.IGNORECASE,
)
_LIST = re.compile(rf"{REST}[\"'][ \t]{{0,3}},[ \t]{{0,3}}{_QUOTED}", re.IGNORECASE)
_PAIR = re.compile(rf"{_LIST.pattern}(?=[ \t]{{0,3}}(?:[)\]\r\n]|\Z))", re.IGNORECASE)
_OPENED = re.compile(r"(?:[(\[\n]|\A)[ \t]{0,3}[\"'][\w.-]{0,40}\Z")
_NAME = re.compile(r"[a-z_]+|[A-Z_]+|[a-z_]+\d?(?:_id)?")
_OPTION = re.compile(r"[\"']--?[\w-]{0,40}\Z")
_DASHED = re.compile(r"(?<!\S)--[\w-]{0,40}\Z")
_BESIDE = re.compile(
    rf"{REST}{_CLOSE}[ \t]{{1,24}}(?:(?:[-–=?]|\.{{3,40}})[ \t]{{0,3}})?(?P<loose>[\"'`]?[^\s\"'`,;&()<>|\\\[\]{{}}]{{5,400}})",
    re.IGNORECASE,
)
_SCHEME = re.compile(
    r"(?:basic|bearer|token|digest|negotiate|apikey|aws4-hmac-sha256|hmac-sha256)(?:[ \t]{1,4}|%20|\+)", re.IGNORECASE
)
_ANY_SCHEME = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z-]{2,24})[ \t](?P<value>(?=[^\s\"']{0,80}\d)[A-Za-z0-9_.~+/=:-]{12,2000})"
)
_ARROW = re.compile(r"[\"'][ \t]{0,4}(?:->|=>|→)[ \t]{0,4}[\"'](?P<value>[^\"'\r\n]{3,500})[\"']")
_QUOTED_OPTION = re.compile(
    rf"{REST}[ \t]{{1,4}}(?P<quote>[\"'])(?P<value>[^\"'\r\n]{{3,500}})(?P=quote)", re.IGNORECASE
)
_IMAGE = re.compile(r"[a-z0-9./-]{2,100}:v?\d[\w.-]{0,40}")
_LONGER = re.compile(
    rf"(?P<more>(?:[_.-]|(?=[A-Z0-9]))[\w.-]{{1,60}}){_CLOSE}{_BLANK}{_OPERATOR}{_BLANK}[bfr]?[\"'`]?(?P<bare>[^\s\"'`,;&(){{}}\[\]<>|\\]{{6,400}})(?!\()"
)
_OF_IT = re.compile(
    r"(?:^|[_.-]|(?=[A-Z]))(?:file|path|dir|name|ur[li]|uri|host|port|type|ttl|policy|len|length|size|count|version|expir\w*|at|on|date|time\w*|"
    r"algo\w*|backend|endpoint|issuer|audience|scope|arn|prefix|header|field|column|table|ids?|limit|budget|usage|class|format|provider|"
    r"store|manager|mode|state|status|source|ref|alias|region|fingerprint|sha\d*|digest|checksum|cmd|command)s?(?![a-z])",
    re.IGNORECASE,
)
_MIXED = re.compile(
    r"(?=[^\s]*\d)(?=[^\s]*[a-z])(?=[^\s]*(?:[A-Z]|[!@#$%^&*+=?~]))[^\s/]{6,}|(?=\D*\d)[A-Za-z0-9+/_-]{20,}={0,2}\Z"
)
_NOT_ASSIGNED = re.compile(
    r"\bchecksum/[\w-]{0,40}\Z|\barn:[\w-]{2,20}:[^\s\"']{0,100}\Z|\bcomment on [^\r\n]{0,100}\Z", re.IGNORECASE
)
_TOKEN = re.compile(r"[^\s\"',;\\]{3,4000}")
_COOKIE = re.compile(r"[ \t]{0,3}[^\s=;\"']{1,80}=(?P<value>[^\s;\"'\\]{3,4000})")
_SIGNATURE = re.compile(
    r"[^\r\n]{0,400}?\b(?:Signature|response|mac|oauth_signature|oauth_token|Token)=\\?\"?(?P<value>[A-Za-z0-9%/+=_:-]{16,400})"
)
_PARAMETERS = re.compile(r"[\"']?\s{0,3}[:=]\s{0,3}\\?[\"']?[A-Za-z][A-Za-z0-9-]{2,20}[ ]\w{1,40}=\\?[\"'](?!\Z)")
_PLACEHOLDER = re.compile(r"\[secret:[0-9]{1,6}:[a-z-]{1,40}\]")
_STEMS = tuple(
    (stem, tuple((re.compile(name), re.compile(before) if before else None) for s, name, before in NAMES if s == stem))
    for stem in dict.fromkeys(stem for stem, _, _ in NAMES)
)
_GROUPS = ("quoted", "bare", "whole", "block", "xml", "percent", "loose", "below", "next", "cell")


def assigned_secrets(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of each value that a telling name is given."""
    lower = text.lower()
    if len(lower) != len(text):  # one letter of Turkish becomes two
        lower = text.replace("\u0130", "i").lower()
    ours = [match.span() for match in _PLACEHOLDER.finditer(text)] if "[secret:" in text else []
    done = 0
    for start, end in sorted(_names(text, lower)):
        # A name inside a value is part of it; looking at it again would make the time grow with the square.
        if start < done or any(first <= start < last for first, last in ours):
            continue
        for value in _values(text, lower, start, end):
            yield value
            done = max(done, value[1])


def _names(text: str, lower: str) -> Iterator[tuple[int, int]]:
    for stem, words in _STEMS:
        at = lower.find(stem)
        while at >= 0:
            for name, before in words:
                found = name.match(lower, at)
                camel = stem == "pass" and text[at] == "P" and text[at - 1 : at].islower()
                if found and (before is None or camel or before.search(lower, max(0, at - 24), at)):
                    yield at, found.end()
                    break
            at = lower.find(stem, at + len(stem))


def _values(text: str, lower: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    kind = re.sub(r"[^a-z]+", "-", lower[start:end]).strip("-") or "password"
    if _NOT_ASSIGNED.search(text, max(0, start - 120), start):
        return
    if kind == "cookie":
        yield from _cookies(text, end)
    elif kind == "bearer":
        yield from _bearer(text, end)
    elif kind == "authorization" and _PARAMETERS.match(text, end):
        yield from _signature(text, end)
    else:
        given = _given(text, lower, start, end, kind)
        yield from _beside(text, lower, start, end, kind) if given is None else given


def _given(text: str, lower: str, start: int, end: int, kind: str) -> tuple[tuple[int, int, str], ...] | None:
    """Read the first shape that holds behind the name; None: none does, or a sentence goes on."""
    for shape in _SHAPES:
        if shape is _SHAPES[0] and not _line_setting(text, start):
            continue
        found = shape.match(text, end)
        span = _span(text, found) if found else None
        if span is None:
            continue
        if kind == "authorization":
            span = _behind_scheme(text, span)
        if is_value(text, lower, start, span, beside=shape is _CELL, worded=shape in _WORDED):
            more = _signature(text, span[1]) if kind == "authorization" else ()
            return ((*span, kind), *more, *_changed(text, span[1], kind))
        return None if shape is _SHAPES[-1] else ()
    return None


def _beside(text: str, lower: str, start: int, end: int, kind: str) -> Iterator[tuple[int, int, str]]:
    """Read what gives the name a value without a sign between them, or with more of a name or a sentence."""
    yield from _calls(text, start, end, kind)
    beside = tuple(_loose(text, lower, start, end, kind))
    yield from beside
    said = None if beside else said_value(text, lower, start, end)
    if said:
        yield *said, kind
    elif not beside:
        yield from _suffixed(text, end, kind)


def _span(text: str, found: re.Match[str]) -> tuple[int, int] | None:
    group = next((name for name in _GROUPS if name in found.re.groupindex and found[name] is not None), None)
    if group is None:
        return None
    start, end = found.span(group)
    scheme = _SCHEME.match(text, start)
    if scheme and group in ("quoted", "xml", "whole") and scheme.end() < end:
        start = scheme.end()
    elif scheme and group == "bare":
        value = _TOKEN.match(text, scheme.end())
        start, end = value.span() if value else (start, end)
    if group == "bare" and text[end - 1] in ".:!?" and end - start > 4:
        end -= 1
    return start, end


def _behind_scheme(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """A scheme that only one vendor uses (``GenieKey``) is no value; what stands behind it is."""
    found = _ANY_SCHEME.match(text, span[0])
    return found.span("value") if found else span


def _changed(text: str, end: int, kind: str) -> Iterator[tuple[int, int, str]]:
    """A plan tells the value before and the one after: ``"a" -> "b"``."""
    found = _ARROW.match(text, end)
    if found and not PLAIN.fullmatch(found["value"]):
        yield *found.span("value"), kind


def _line_setting(text: str, start: int) -> bool:
    """Say whether the name stands in the first word of its line: ``export DB_PASSWORD=...``."""
    begun = text.rfind("\n", max(0, start - 120), start) + 1 or max(0, start - 120)
    return bool(
        re.fullmatch(r"(?:[ \t]{0,8}(?:export|set|ENV|-e|-)[ \t]{1,4})?[ \t]{0,20}[\w.:/-]{0,100}", text[begun:start])
    )


def _calls(text: str, start: int, end: int, kind: str) -> Iterator[tuple[int, int, str]]:
    for pattern, before, plain in ((_CALL, _CALLED, PLAIN), (_LIST, _OPTION, PLAIN), (_PAIR, _OPENED, _NAME)):
        found = pattern.match(text, end)
        span = _span(text, found) if found else None
        if not span or not before.search(text, max(0, start - 140), start):
            continue
        value = text[slice(*span)]
        if not PLAIN.fullmatch(value) and not (plain is _NAME and _NAME.fullmatch(value)):
            yield *span, kind
            return


def _loose(text: str, lower: str, start: int, end: int, kind: str) -> Iterator[tuple[int, int, str]]:
    """Find a value that merely stands beside its name: it must look like one."""
    whole = _QUOTED_OPTION.match(text, end) if _DASHED.search(text, max(0, start - 60), start) else None
    if whole and not PLAIN.fullmatch(whole["value"]):
        yield *whole.span("value"), kind
        return
    found = _BESIDE.match(text, end)
    if not found:
        return
    at, last = found.span("loose")
    quoted = text[at] in "\"'`"
    at += quoted
    value = text[at:last].rstrip(".:!?")
    if PLAIN.fullmatch(value):
        return
    if _DASHED.search(text, max(0, start - 60), start):
        if not value.startswith("-"):
            yield at, at + len(value), kind
        return
    if lower.startswith("token", start) and len(value) < 16:
        return
    mixed = re.search(r"\d", value) and re.search(r"[A-Za-z]", value)
    strong = kind.startswith(("pass", "pw", "psk")) or (kind != "sessionid" and len(value) >= 12)
    if IDENTIFIERS.fullmatch(value):
        strong = False
    if (
        mixed
        and strong
        and not _IMAGE.fullmatch(value)
        and (quoted or _AWS_SECRET.fullmatch(value) or not re.search(r"/|=.|\.\w{2,5}$|^\w+\.\w+", value))
    ):
        yield at, at + len(value), kind


def _suffixed(text: str, end: int, kind: str) -> Iterator[tuple[int, int, str]]:
    """Find a value whose name goes on behind the telling word: ``password_for_etl``, ``tokenGithub``, ``secret.key.base``."""
    found = _LONGER.match(text, end)
    span = _span(text, found) if found else None
    if found and span and not _OF_IT.search(found["more"]) and _MIXED.match(text[slice(*span)]):
        value = text[slice(*span)]
        if not PLAIN.fullmatch(value) and not IDENTIFIERS.fullmatch(value):
            yield *span, kind


def _cookies(text: str, end: int) -> Iterator[tuple[int, int, str]]:
    opened = re.compile(r"s?\\?[\"']?[ \t]{0,3}[:=][ \t]{0,3}[bB]?\\?[\"']?").match(text, end)
    at = opened.end() if opened else -1
    for _ in range(40 if opened else 0):
        found = _COOKIE.match(text, at)
        if not found:
            return
        if not PLAIN.fullmatch(found["value"]):
            yield *found.span("value"), "cookie"
        at = found.end()
        if text[at : at + 1] != ";":
            return
        at += 1


def _bearer(text: str, end: int) -> Iterator[tuple[int, int, str]]:
    found = re.compile(r"(?:[ \t]{1,3}|%20|\+|:[ \t]?)(?:token[ \t]{1,3})?(?P<value>[A-Za-z0-9_.~+/=-]{8,4000})").match(
        text, end
    )
    if found and re.search(r"\d", found["value"]) and not PLAIN.fullmatch(found["value"]):
        yield *found.span("value"), "bearer"


def _signature(text: str, end: int) -> Iterator[tuple[int, int, str]]:
    while found := _SIGNATURE.match(text, end):
        yield *found.span("value"), "signature"
        end = found.end()
